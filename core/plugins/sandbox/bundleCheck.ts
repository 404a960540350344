import { constants, type Dirent } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { isAbsolute, join, posix } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";

/** A bundle of more files is most likely a whole workspace; walking it would delay every start. */
const ENTRIES_MAX = 20_000;

export interface BundleCheckOptions {
  /** Path of the opened folder, so that what is checked is what will be mounted. */
  folder: string;
  entryPoint: string;
  /** Whether the plugin runs as a user who does not own the files. */
  asStranger: boolean;
}

/**
 * Refuses bundles with links that leave them, with devices, sockets or pipes, or without a readable entry point.
 * @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID
 */
export async function checkBundle({ folder, entryPoint, asStranger }: BundleCheckOptions): Promise<void> {
  const root = await realpath(folder);
  await checkEntryPoint({ folder: root, entryPoint, asStranger });
  const pending = [""];
  let entries = 0;
  for (let relative = pending.pop(); relative !== undefined; relative = pending.pop()) {
    for (const entry of await readdir(join(root, relative), { withFileTypes: true })) {
      entries += 1;
      if (entries > ENTRIES_MAX) throw invalid(`has more than ${ENTRIES_MAX} entries; leave out what it does not need`);
      const path = posix.join(relative, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else await checkEntry({ root, path, entry });
    }
  }
}

async function checkEntryPoint({ folder, entryPoint, asStranger }: BundleCheckOptions): Promise<void> {
  if (isAbsolute(entryPoint) || entryPoint.split("/").includes("..")) {
    throw invalid(`has the entry point "${entryPoint}", which leaves the folder`);
  }
  const path = join(folder, entryPoint);
  const [top, entry] = await Promise.all([lstat(folder), lstat(path).catch(() => undefined)]);
  if (entry?.isFile() !== true) throw invalid(`has no file "${entryPoint}", its entry point`);
  const readable = (top.mode & constants.S_IROTH) !== 0 && (top.mode & constants.S_IXOTH) !== 0;
  if (asStranger && !(readable && (entry.mode & constants.S_IROTH) !== 0)) {
    throw invalid(`cannot be read by the sandbox's user; stage it with modes 0755 and 0644`);
  }
}

async function checkEntry({ root, path, entry }: { root: string; path: string; entry: Dirent }): Promise<void> {
  if (entry.isFile()) return;
  if (!entry.isSymbolicLink()) throw invalid(`contains "${path}", which is neither a file nor a folder`);
  const target = await readlink(join(root, path));
  const real = await realpath(join(root, path)).catch(() => undefined);
  if (isAbsolute(target) || real === undefined || !`${real}/`.startsWith(`${root}/`)) {
    throw invalid(`contains the link "${path}", which leads nowhere or out of the bundle; replace it by a copy`);
  }
}

function invalid(detail: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `The bundle ${detail}.`);
}
