import { opendirSync, lstatSync, type Dirent } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts";
import { sha256Hex } from "../base/index.ts";
import type { AuthorizePath, FileAccess, FileChange, FileContent, FileEntry } from "../ports/index.ts";
import { FILE_BYTES_MAX, decodeText, readBytes, requireFile, requireText } from "./content.ts";
import { requirePlainNames } from "./filePath.ts";
import { fromSystem, notFound, refused, tooLarge } from "./refusals.ts";
import { replaceFile, type Replacement } from "./replaceFile.ts";
import { SharedFolders, type Place } from "./sharedFolders.ts";

/** Text before and after a proposed change: what a person can still review. */
const PROPOSAL_BYTES_MAX = 1024 * 1024;
/** Also bounds how long making the patch holds the thread: less than 200 ms. */
const PROPOSAL_LINES_MAX = 50_000;
const ENTRIES_MAX = 10_000;
const NEW_FILE_MODE = 0o644;

export interface OpenFilesOptions {
  /** Folder of the workspace. */
  root: string;
  /** Folders below it that are shared: `devShellSandboxPaths`. */
  shared: readonly string[];
}

/** Files of a workspace's shared folders, for whoever the caller's `authorize` lets in. */
export class WorkspaceFiles implements FileAccess, Disposable {
  readonly #shared: SharedFolders;
  /** Changes are made one after another, so that two with the same base cannot both pass its check. */
  #lastWrite: Promise<void> = Promise.resolve();

  /** @throws LogoMeshError LM_FILE_REFUSED, LM_FILE_NOT_FOUND */
  constructor(options: OpenFilesOptions) {
    this.#shared = new SharedFolders(options);
  }

  [Symbol.dispose](): void {
    this.#shared[Symbol.dispose]();
  }

  async read(
    path: string,
    { authorize, bytesMax = FILE_BYTES_MAX }: { authorize: AuthorizePath; bytesMax?: number },
  ): Promise<FileContent> {
    using place = this.#walk(path, authorize);
    if (place.missing.length > 0) throw notFound(path);
    requireFile(place.inode, path);
    const limit = Math.min(bytesMax, FILE_BYTES_MAX);
    const bytes = await readBytes(place.inode, { path, bytesMax: limit, name: "the limit of this read" });
    return { path: place.path, bytes, sha256: sha256Hex(bytes), mode: place.inode.mode };
  }

  async list(path: string, { authorize }: { authorize: AuthorizePath }): Promise<FileEntry[]> {
    using place = this.#walk(path, authorize);
    if (place.missing.length > 0) throw notFound(path);
    if (!place.inode.isFolder) throw refused(path, "kind", "it is no folder");
    return await Promise.resolve(readEntries(place, path));
  }

  async prepare(
    { path, text }: { path: string; text: string | null },
    { authorize }: { authorize: AuthorizePath },
  ): Promise<FileChange> {
    using place = this.#walk(path, authorize);
    const target = [place.path, ...place.missing].join("/");
    if (text !== null) requireProposal(text, target);
    const base = await readBase(place, target);
    if (base === undefined) requirePlainNames(target);
    if (text === null && base === undefined) throw notFound(path);
    if (text === base?.text) throw refused(path, "unchanged", "the new text is what it holds already");
    const before = base?.text ?? null;
    const mode = base?.mode ?? NEW_FILE_MODE;
    // Loaded with the first change: most starts never need it.
    const { createPatch } = await import("./patch.ts");
    return {
      path: target,
      baseSha256: base?.sha256 ?? null,
      baseText: before,
      text,
      sha256: text === null ? null : sha256Hex(text),
      patch: createPatch({ path: target, before, after: text, mode }),
      mode,
    };
  }

  apply(change: FileChange, { authorize }: { authorize: AuthorizePath }): Promise<void> {
    requireSound(change);
    const { path, baseSha256: fromSha256, sha256: toSha256, text } = change;
    return this.#replace({ path, fromSha256, toSha256, text, mode: modeOf(change) }, authorize);
  }

  undo(change: FileChange, { authorize }: { authorize: AuthorizePath }): Promise<void> {
    requireSound(change);
    const { path, baseSha256: toSha256, sha256: fromSha256, baseText: text } = change;
    return this.#replace({ path, fromSha256, toSha256, text, mode: modeOf(change) }, authorize);
  }

  #replace(replacement: Replacement, authorize: AuthorizePath): Promise<void> {
    const write = this.#lastWrite.then(() => replaceFile(this.#shared, replacement, authorize));
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** What is not authorized is told nothing, not even that it is missing. */
  #walk(path: string, authorize: AuthorizePath): Place {
    this.#shared.parse(path);
    let place: Place;
    try {
      place = this.#shared.walk(path);
    } catch (error) {
      authorize(path);
      throw error;
    }
    try {
      authorize([place.path, ...place.missing].join("/"));
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }
}

/** New files are never executable, and nobody's file becomes setuid. */
function modeOf({ baseSha256, mode }: FileChange): number {
  return baseSha256 === null ? NEW_FILE_MODE : mode & 0o777;
}

async function readBase(place: Place, path: string) {
  if (place.missing.length > 0) return undefined;
  requireFile(place.inode, path);
  const bytes = await readBytes(place.inode, { path, bytesMax: PROPOSAL_BYTES_MAX, name: "the limit of a proposal" });
  const text = decodeText(bytes, path);
  requireFewLines(text, path);
  return { text, sha256: sha256Hex(bytes), mode: place.inode.mode };
}

function requireProposal(text: string, path: string): void {
  requireText(text, path);
  const bytes = Buffer.byteLength(text);
  if (bytes > PROPOSAL_BYTES_MAX) {
    throw tooLarge(path, { bytes: String(bytes), limit: PROPOSAL_BYTES_MAX, name: "the limit of a proposal" });
  }
  requireFewLines(text, path);
}

function requireFewLines(text: string, path: string): void {
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
  if (lines <= PROPOSAL_LINES_MAX) return;
  throw new LogoMeshError(
    "LM_TOO_LARGE",
    `“${path}” has ${lines} lines before or after the change; a proposal may have ${PROPOSAL_LINES_MAX}, which is more than anybody reviews.`,
    { data: { limit: PROPOSAL_LINES_MAX } },
  );
}

/** A stored change whose texts and hashes disagree is not what anybody approved. @throws LogoMeshError LM_INPUT_INVALID */
function requireSound({ path, baseText, baseSha256, text, sha256 }: FileChange): void {
  const hashOf = (value: string | null): string | null => (value === null ? null : sha256Hex(value));
  if (hashOf(baseText) === baseSha256 && hashOf(text) === sha256 && baseSha256 !== sha256) return;
  throw new LogoMeshError("LM_INPUT_INVALID", `The change of “${path}” does not fit its own hashes; propose it again.`);
}

function readEntries(place: Place, path: string): FileEntry[] {
  const entries: FileEntry[] = [];
  try {
    using folder = opendirSync(place.inode.place);
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      if (entries.length === ENTRIES_MAX) {
        throw new LogoMeshError(
          "LM_TOO_LARGE",
          `The folder “${path}” holds more than ${ENTRIES_MAX} entries; list a folder below it.`,
        );
      }
      entries.push(describe(place, entry));
    }
  } catch (error) {
    throw fromSystem(error, path);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(place: Place, { name }: Dirent): FileEntry {
  const stats = lstatSync(place.inode.childPath(name), { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return { name, kind: "folder", size: 0 };
  // What `read` refuses is no file here either.
  const isReadable = stats?.isFile() === true && stats.nlink === 1;
  return isReadable ? { name, kind: "file", size: stats.size } : { name, kind: "other", size: 0 };
}
