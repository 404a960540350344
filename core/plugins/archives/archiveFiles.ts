import { LogoMeshError } from "@logomesh/contracts";
import { BUNDLE_BYTES_MAX, BUNDLE_DEPTH_MAX, BUNDLE_FILES_MAX } from "../bundle.ts";

// What an archive says is hostile until it passed here: paths that leave the folder or collide on another file system, more files or bytes
// than a bundle may have. Nothing is written to the disk before the whole archive passed.

/** Of a path in UTF-8, as file systems bound it. */
const PATH_BYTES_MAX = 1_024;
const NAME_BYTES_MAX = 255;
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

export interface ArchiveFile {
  /** With `/`, relative, without `.` and `..`. */
  path: string;
  content: Uint8Array;
  isExecutable: boolean;
}

/** Collects the files of one archive. @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, at the first entry that may not be */
export class ArchiveFiles {
  readonly #name: string;
  readonly #files = new Map<string, ArchiveFile>();
  /** As file systems without case or composed letters see it, with the path as it was written. */
  readonly #keys = new Map<string, { path: string; isFolder: boolean }>();
  #entries = 0;
  #bytes = 0;

  /** `name` is what errors call the archive. */
  constructor(name: string) {
    this.#name = name;
  }

  get bytesLeft(): number {
    return BUNDLE_BYTES_MAX - this.#bytes;
  }

  fault(entry: string, what: string): LogoMeshError {
    const shown = JSON.stringify(entry.slice(0, 200));
    return new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${this.#name}: the entry ${shown} ${what}.`, {
      data: { path: entry.slice(0, 200) },
    });
  }

  whole(what: string): LogoMeshError {
    return new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${this.#name} ${what}.`);
  }

  /** The path of an entry, checked; call it before its content is read. */
  admit(rawPath: string, { isFolder, bytes }: { isFolder: boolean; bytes: number }): string {
    this.#entries += 1;
    if (this.#entries > BUNDLE_FILES_MAX * 2) throw this.whole(`holds more than ${BUNDLE_FILES_MAX * 2} entries`);
    const path = this.#checkPath(isFolder ? rawPath.replace(/\/$/, "") : rawPath);
    if (bytes > this.bytesLeft) throw this.whole(`unpacks to more than ${BUNDLE_BYTES_MAX} bytes`);
    this.#bytes += bytes;
    this.#claim(path, isFolder);
    return path;
  }

  add(file: ArchiveFile): void {
    if (this.#files.size >= BUNDLE_FILES_MAX) throw this.whole(`holds more than ${BUNDLE_FILES_MAX} files`);
    this.#files.set(file.path, file);
  }

  /** In the order of paths; without the one folder that many tools put around everything. */
  take(manifestNames: readonly string[]): ArchiveFile[] {
    const files = [...this.#files.values()];
    const hasManifest = manifestNames.some((name) => this.#files.has(name));
    const roots = new Set(files.map(({ path }) => path.split("/", 1)[0] ?? ""));
    const [root = ""] = roots;
    const isWrapped =
      !hasManifest && roots.size === 1 && manifestNames.some((name) => this.#files.has(`${root}/${name}`));
    const inner = isWrapped ? files.map((file) => ({ ...file, path: file.path.slice(root.length + 1) })) : files;
    return inner.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #checkPath(raw: string): string {
    // `./a` is how tar writes what it was given as `.`; nothing else is tidied.
    const path = raw.replace(/^(\.\/)+/, "");
    if (path === "" || path === ".") throw this.fault(raw, "has no name");
    if (!path.isWellFormed() || CONTROL.test(path)) throw this.fault(raw, "has characters that no path may have");
    if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) throw this.fault(raw, "is an absolute path");
    if (path.includes("\\")) throw this.fault(raw, "has a backslash, which is a separator elsewhere");
    const parts = path.split("/");
    if (parts.some((part) => part === ".." || part === "." || part === ""))
      throw this.fault(raw, "leaves its folder or is not written plainly");
    if (parts.length > BUNDLE_DEPTH_MAX) throw this.fault(raw, `is more than ${BUNDLE_DEPTH_MAX} folders deep`);
    if (Buffer.byteLength(path) > PATH_BYTES_MAX || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX))
      throw this.fault(raw, `is longer than ${PATH_BYTES_MAX} bytes, or one of its names than ${NAME_BYTES_MAX}`);
    return path;
  }

  /** Every folder on the way is claimed too, so that a file and a folder never share a name. */
  #claim(path: string, isFolder: boolean): void {
    const parts = path.split("/");
    for (let length = 1; length <= parts.length; length += 1) {
      const part = parts.slice(0, length).join("/");
      const isLast = length === parts.length;
      const wanted = { path: part, isFolder: !isLast || isFolder };
      const key = part.normalize("NFC").toLowerCase();
      const there = this.#keys.get(key);
      if (there === undefined) {
        this.#keys.set(key, wanted);
        continue;
      }
      if (there.path !== part)
        throw this.fault(path, `differs from ${JSON.stringify(there.path)} by case or accents only`);
      if (!there.isFolder || !wanted.isFolder) throw this.fault(path, "comes twice, or is a file and a folder");
    }
  }
}
