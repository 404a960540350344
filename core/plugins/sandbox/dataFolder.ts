import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { toDisposable } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";

// The folder that a plugin may fill. No quota of the file system bounds it: one file is bounded by a resource limit, the whole is added up
// again and again. What is hostile here: files that are deleted and still open or mapped, folders that cannot be read or are too deep to be
// named, holes, links (never followed), many empty files.

/** Entries that are looked at; more is more than a plugin may have. */
const ENTRIES_MAX = 10_000;
const DEPTH_MAX = 32;
/** Between two looks; each reads every entry. */
const LOOK_EVERY_MS = 250;
/** Entries that are read at once. */
const READ_ENTRIES = 256;
const BLOCK_BYTES = 512;
/** How the kernel names a file below `/data` whose last name is gone. */
const DELETED = /\/data\/[^]* \(deleted\)$/;

/** Bytes on the disk below a folder; undefined when they cannot be told: too many entries, too deep, or one that cannot be read. */
export async function measureData(folder: string): Promise<number | undefined> {
  const pending = [{ path: folder, depth: 0 }];
  let bytes = 0;
  let entries = 0;
  try {
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const listed = await opendir(next.path, { bufferSize: READ_ENTRIES }).catch(undefinedWhenGone);
      if (listed === undefined) continue;
      let sizes: Promise<number>[] = [];
      for await (const entry of listed) {
        entries += 1;
        if (entries > ENTRIES_MAX || next.depth > DEPTH_MAX) return undefined;
        const path = join(next.path, entry.name);
        sizes.push(sizeOf(path));
        if (entry.isDirectory()) pending.push({ path, depth: next.depth + 1 });
        if (sizes.length < READ_ENTRIES) continue;
        bytes += sum(await Promise.all(sizes));
        sizes = [];
      }
      bytes += sum(await Promise.all(sizes));
    }
  } catch {
    return undefined;
  }
  return Number.isNaN(bytes) ? undefined : bytes;
}

/** NaN for what cannot be told. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * BLOCK_BYTES;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? 0 : Number.NaN;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function undefinedWhenGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

/** Bytes of files below `/data` that have no name any more, kept by processes that have them open or mapped. */
export function deletedBytes(pids: readonly number[]): number {
  return sum(pids.map((pid) => openDeleted(pid) + mappedDeleted(pid)));
}

function openDeleted(pid: number): number {
  let bytes = 0;
  for (const name of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
    const path = `/proc/${pid}/fd/${name}`;
    if (!DELETED.test(attempt(() => readlinkSync(path)) ?? "")) continue;
    bytes += (attempt(() => statSync(path))?.blocks ?? 0) * BLOCK_BYTES;
  }
  return bytes;
}

/** The size of the mapping stands for that of the file. */
function mappedDeleted(pid: number): number {
  let bytes = 0;
  for (const line of (attempt(() => readFileSync(`/proc/${pid}/maps`, "latin1")) ?? "").split("\n")) {
    if (!DELETED.test(line)) continue;
    const [from = "0", to = "0"] = (/^([0-9a-f]+)-([0-9a-f]+)/.exec(line) ?? []).slice(1);
    bytes += Number.parseInt(to, 16) - Number.parseInt(from, 16);
  }
  return bytes;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // ended, or closed
  }
}

export interface DataWatchOptions {
  clock: Clock;
  data: { folder: string; bytesMax: number };
  listProcesses: () => readonly number[];
  /** Called once; `undefined` when what the plugin holds cannot be told. */
  onExceeded: (bytes: number | undefined) => void;
}

/** Adds up what a plugin holds until disposed, and says when it is more than it may have. */
export function watchData({ clock, data, listProcesses, onExceeded }: DataWatchOptions): Disposable {
  let timer: Disposable | undefined;
  let isDisposed = false;
  const look = async (): Promise<void> => {
    const named = await measureData(data.folder);
    if (isDisposed) return;
    const bytes = named === undefined ? undefined : named + deletedBytes(listProcesses());
    if (bytes === undefined || bytes > data.bytesMax) onExceeded(bytes);
    else timer = clock.setTimer(LOOK_EVERY_MS, () => void look());
  };
  timer = clock.setTimer(LOOK_EVERY_MS, () => void look());
  return toDisposable(() => {
    isDisposed = true;
    timer?.[Symbol.dispose]();
  });
}

/** @throws LogoMeshError LM_PLUGIN_DATA_FULL when the plugin must not start with what it holds */
export async function assertDataFits({ folder, bytesMax }: { folder: string; bytesMax: number }): Promise<void> {
  const bytes = await measureData(folder);
  if (bytes !== undefined && bytes <= bytesMax) return;
  const held =
    bytes === undefined
      ? `more than ${ENTRIES_MAX} files, folders too deep, or some that cannot be read`
      : `${bytes} bytes`;
  throw new LogoMeshError(
    "LM_PLUGIN_DATA_FULL",
    `${folder} holds ${held}; granted are ${bytesMax} bytes. Delete what is not needed there.`,
  );
}

/** Gives a folder to the user that its plugin runs as; one with contents has to belong to it already. */
export function adoptDataFolder(folder: string, uid: number): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(fd).uid === uid) return;
    if (readdirSync(`/proc/self/fd/${fd}`).length > 0)
      throw new LogoMeshError(
        "LM_PLUGIN_START_FAILED",
        `${folder} holds files of another user. Give them to the plugin: chown -R ${uid}:${uid} ${folder}`,
      );
    fchmodSync(fd, 0o700);
    fchownSync(fd, uid, uid);
  } finally {
    closeSync(fd);
  }
}
