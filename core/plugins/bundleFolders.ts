import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { LogoMeshError, PLUGIN_ARCHIVE_BYTES_MAX } from "@logomesh/contracts";
import { toDisposable } from "../base/index.ts";
import type { ArchiveFile } from "./archives/archiveFiles.ts";
import { MANIFEST_FILE } from "./manifest.ts";

/** Of what is on its way to be a bundle. */
export const INCOMING = "incoming-";

/** Takes away what a crash left of archives that were being installed. */
export function sweepIncoming(scratchFolder: string): void {
  if (!existsSync(scratchFolder)) return;
  for (const name of readdirSync(scratchFolder))
    if (name.startsWith(INCOMING)) rmSync(join(scratchFolder, name), { recursive: true, force: true });
}

export interface BundleSource {
  path: string;
  /** What errors and the log call it; default: its path. */
  origin?: string;
}

/** A folder with a bundle in it; one that was unpacked goes away when it is disposed. */
interface OpenedBundle extends Disposable {
  folder: string;
  /** Where it came from, for the log. */
  origin: string;
}

/**
 * What an installation names, as a folder: a folder as it is, an archive unpacked below `scratchFolder`.
 * @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, LM_NOT_FOUND
 */
export async function openBundle({ path, origin = path }: BundleSource, scratchFolder: string): Promise<OpenedBundle> {
  if (isFolder(path)) return { folder: path, origin, [Symbol.dispose]: () => undefined };
  const bytes = readArchiveFile(path);
  // Loaded when it is needed: most starts install nothing.
  const { readArchive } = await import("./archives/readArchive.ts");
  const { withManifest } = await import("./imports/mcpbImport.ts");
  const found = await readArchive(bytes, { name: origin, manifestNames: [MANIFEST_FILE, "manifest.json"] });
  const files = withManifest(found, origin);
  const folder = writeFiles(files, join(scratchFolder, `${INCOMING}${randomBytes(8).toString("hex")}`));
  const scratch = toDisposable(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, origin, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is nothing at ${path}.`);
  return stats.isDirectory();
}

function readArchiveFile(path: string): Buffer {
  const stats = statSync(path);
  if (!stats.isFile() || stats.size > PLUGIN_ARCHIVE_BYTES_MAX)
    throw new LogoMeshError(
      "LM_PLUGIN_BUNDLE_INVALID",
      `${path} is no file of at most ${PLUGIN_ARCHIVE_BYTES_MAX} bytes. Name a folder, a .tgz or an .mcpb.`,
    );
  return readFileSync(path);
}

/** Into a folder that does not exist yet; paths have been checked. */
export function writeFiles(files: readonly ArchiveFile[], folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { path, content, isExecutable } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(target, content, { mode: isExecutable ? 0o755 : 0o644, flag: "wx" });
  }
  return folder;
}

/** Puts a copy of `source` in the place of `target`, whole or not at all; also when something is there. */
export function replaceFolder(source: string, target: string): void {
  const parent = dirname(target);
  mkdirSync(parent, { recursive: true });
  // Names with a dot are no plugins while they are being made.
  const fresh = join(parent, `.${basename(target)}.new`);
  const old = join(parent, `.${basename(target)}.old`);
  for (const path of [fresh, old]) rmSync(path, { recursive: true, force: true });
  cpSync(source, fresh, { recursive: true, errorOnExist: true, force: false });
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
}
