import { constants, linkSync, mkdirSync, unlinkSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { LogoMeshError } from "@logomesh/contracts";
import { sha256Hex } from "../base/index.ts";
import type { AuthorizePath } from "../ports/index.ts";
import { FILE_BYTES_MAX, readBytes, requireFile } from "./content.ts";
import { fromSystem, movedOn, refused } from "./refusals.ts";
import { requireFolder, type Place, type SharedFolders } from "./sharedFolders.ts";
import { leavePlace, takePlace } from "./takePlace.ts";

// Writing. The new bytes go to a file of their own beside the target, reach the disk, and take its place in one step: whoever looks sees
// the old text or the new one, and so does a crash. A repeated replacement finds its work done and changes nothing.

const NEW_FOLDER_MODE = 0o755;

/** What a file holds: the SHA-256 of its bytes, or null where there is none. */
export interface Replacement {
  path: string;
  fromSha256: string | null;
  toSha256: string | null;
  /** Null removes the file. */
  text: string | null;
  mode: number;
}

/** @throws LogoMeshError LM_FILE_MOVED_ON, LM_FILE_REFUSED, LM_FILE_NOT_FOUND, and what `authorize` throws */
export async function replaceFile(
  shared: SharedFolders,
  replacement: Replacement,
  authorize: AuthorizePath,
): Promise<void> {
  const { path, fromSha256, toSha256, text, mode } = replacement;
  const names = shared.parse(path);
  const name = names.at(-1) ?? "";
  using folder = shared.walk(names.slice(0, -1).join("/"));
  const whole = [folder.path, ...folder.missing, name].join("/");
  authorize(whole);
  // The name is the replacement's own, so what a crash left behind is found by whoever repeats it.
  const own = `.logomesh-${sha256Hex(`${path}\n${String(toSha256)}`).slice(0, 32)}`;
  const [temporary, aside] = [`${own}.tmp`, `${own}.old`];
  remove(folder, temporary);
  dropAside(folder, { name, aside });
  const current = await readState(folder, name, path);
  if (current.sha256 === toSha256) return;
  if (current.sha256 !== fromSha256) {
    throw movedOn(path, current.sha256 === null ? "is gone" : "holds something else by now");
  }
  using stack = new DisposableStack();
  const target = text === null ? folder : await makeFolders(folder, { path, stack });
  try {
    if (text !== null) await writeTemporary(target.inode.childPath(temporary), { text, mode, owner: current.stats });
    requireUntouched(shared, { folder: target, name, path, stats: current.stats });
    // The right to write may have ended while the new bytes went to the disk.
    authorize(whole);
    const from = target.inode.childPath(temporary);
    const names = { name: target.inode.childPath(name), aside: target.inode.childPath(aside) };
    // A link is refused where a name exists, a rename is not: a file that appeared meanwhile is not overwritten.
    if (fromSha256 === null) linkSync(from, names.name);
    else if (!(text === null ? leavePlace(names, fromSha256) : takePlace(from, names, fromSha256)))
      throw movedOn(path, "was changed in this moment");
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw isTaken ? movedOn(path, "was created by somebody else") : fromSystem(error, path);
  } finally {
    remove(target, temporary);
  }
  await syncFolder(target);
}

interface FileState {
  sha256: string | null;
  stats: Stats | undefined;
}

async function readState(folder: Place, name: string, path: string): Promise<FileState> {
  using file = openIfThere(folder, name, path);
  if (file === undefined) return { sha256: null, stats: undefined };
  requireFile(file, path);
  const bytes = await readBytes(file, { path, bytesMax: FILE_BYTES_MAX, name: "the limit of a file" });
  return { sha256: sha256Hex(bytes), stats: file.stats };
}

function openIfThere(folder: Place, name: string, path: string) {
  if (folder.missing.length > 0) return undefined;
  try {
    return folder.inode.openChild(name, path);
  } catch (error) {
    if (error instanceof LogoMeshError && error.code === "LM_FILE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The last look before the step that cannot be taken back: same folder, same file, not written to since it was read. */
function requireUntouched(
  shared: SharedFolders,
  { folder, name, path, stats }: { folder: Place; name: string; path: string; stats: Stats | undefined },
): void {
  shared.requireStillAt(folder);
  using file = openIfThere(folder, name, path);
  const now = file?.stats;
  const isSame =
    now?.ino === stats?.ino &&
    now?.size === stats?.size &&
    now?.mtimeMs === stats?.mtimeMs &&
    now?.nlink === stats?.nlink;
  if (!isSame) throw movedOn(path, "was changed in this moment");
}

/** Makes what is missing of the path to the target, folder by folder, each in the one that is held. */
async function makeFolders(folder: Place, { path, stack }: { path: string; stack: DisposableStack }): Promise<Place> {
  let place = folder;
  for (const name of folder.missing) {
    try {
      mkdirSync(place.inode.childPath(name), NEW_FOLDER_MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fromSystem(error, path);
    }
    const inode = stack.use(place.inode.openChild(name, path));
    requireFolder(inode, path);
    await syncFolder(place);
    place = { ...place, inode, path: `${place.path}/${name}`, missing: [] };
  }
  return place;
}

async function writeTemporary(
  place: string,
  { text, mode, owner }: { text: string; mode: number; owner: Stats | undefined },
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  await using handle = await open(place, flags, 0o600);
  await handle.writeFile(text);
  if (owner !== undefined) {
    const made = await handle.stat();
    if (made.uid !== owner.uid || made.gid !== owner.gid) await handle.chown(owner.uid, owner.gid);
  }
  await handle.chmod(mode);
  await handle.sync();
}

/** What a crash left of a file that was being replaced: while it is the file's only name, it is the file. */
function dropAside(folder: Place, { name, aside }: { name: string; aside: string }): void {
  if (folder.missing.length > 0) return;
  try {
    linkSync(folder.inode.childPath(aside), folder.inode.childPath(name));
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw refused(folder.path, "kind", `${aside} in it cannot be put back`);
  }
  remove(folder, aside);
}

function remove(folder: Place, name: string): void {
  if (folder.missing.length > 0) return;
  try {
    unlinkSync(folder.inode.childPath(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw refused(folder.path, "kind", `${name} in it cannot be removed`);
  }
}

async function syncFolder(folder: Place): Promise<void> {
  await using handle = await folder.inode.openBytes(folder.path);
  await handle.sync();
}
