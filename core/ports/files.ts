/** What is asked before a byte is read: the name that was derived from what was opened, relative to the workspace, with `/`. */
export type AuthorizePath = (canonicalPath: string) => void;

export interface FileContent {
  path: string;
  bytes: Uint8Array;
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  sha256: string;
  /** Permission bits. */
  mode: number;
}

export interface FileEntry {
  name: string;
  kind: "file" | "folder" | "other";
  /** 0 for what is no file. */
  size: number;
}

/** A change that waits for a person. Text only; `patch` is a unified diff that `git apply` takes. */
export interface FileChange {
  path: string;
  /** SHA-256 of the file that the change starts from; null for a new file. */
  baseSha256: string | null;
  baseText: string | null;
  /** Null deletes the file. */
  text: string | null;
  /** SHA-256 of `text`; null when the file is deleted. */
  sha256: string | null;
  patch: string;
  /** Permission bits that the file has or will have. */
  mode: number;
}

/**
 * Files of the workspace's shared roots (default `src` and `docs`). Names are walked component by component through directory descriptors
 * without following links; what was opened is what is judged and what is read. Only regular files with one link, on one device.
 *
 * @throws LogoMeshError LM_FILE_NOT_FOUND, LM_FILE_REFUSED (a link, a device, outside the roots), LM_TOO_LARGE, LM_FILE_MOVED_ON (the base
 * changed), and whatever `authorize` throws
 */
export interface FileAccess {
  read(path: string, options: { authorize: AuthorizePath; bytesMax?: number }): Promise<FileContent>;
  /** Sorted by name; at most 10,000. */
  list(path: string, options: { authorize: AuthorizePath }): Promise<FileEntry[]>;
  prepare(change: { path: string; text: string | null }, options: { authorize: AuthorizePath }): Promise<FileChange>;
  /** Writes beside the target, syncs and renames. A base that moved is refused. Keeps what `undo` needs in the change itself. */
  apply(change: FileChange, options: { authorize: AuthorizePath }): Promise<void>;
  /** Puts the base back, unless the file moved on since. */
  undo(change: FileChange, options: { authorize: AuthorizePath }): Promise<void>;
}
