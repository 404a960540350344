import { readFileSync, readdirSync, statfsSync } from "node:fs";

/** Bound of one walk; a sandbox's process limit lies far below. */
const PROCESSES_MAX = 4096;
/** USER_HZ, fixed on Linux x86-64 (times in /proc/<pid>/stat). */
const MS_PER_TICK = 10;
/** Kernel memory of one empty file; a memory file system counts it in no size. */
const BYTES_PER_INODE = 1024;

export interface TreeSample {
  /**
   * Memory that only ending processes or deleting files frees: anonymous and shared pages, the tables that map pages, and what lies in the
   * sandbox's memory file systems.
   */
  memoryBytes: number;
  /** CPU time of all processes, ended ones included. */
  cpuMs: number;
  processes: number;
}

/** The process and its descendants, parents first; those that end meanwhile are left out. Zombies are included. */
export function listTree(rootPid: number): number[] {
  const found = [rootPid];
  for (let index = 0; index < found.length && found.length < PROCESSES_MAX; index++) {
    found.push(...childrenOf(found[index] ?? rootPid));
  }
  return found;
}

export interface SampleOptions {
  rootPid: number;
  /** The first process of a sandbox that stands, whose root folder holds /tmp and /dev/shm; undefined where these are the host's. */
  insidePid: number | undefined;
  /** Memory above this is measured again, at more cost: the quick way counts pages that forked processes share once for each. */
  exactAboveBytes: number;
}

/** Reads /proc for a whole sandbox. */
export function sampleTree({ rootPid, insidePid, exactAboveBytes }: SampleOptions): TreeSample {
  const fileBytes = insidePid === undefined ? 0 : fileSystemBytes(insidePid);
  const sample = { memoryBytes: fileBytes, cpuMs: 0, processes: 0 };
  const pids = listTree(rootPid);
  for (const pid of pids) {
    const stat = readProc(`/proc/${pid}/stat`);
    const status = readProc(`/proc/${pid}/status`);
    if (stat === undefined || status === undefined) continue;
    // Behind the command's name, which may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] !== "Z") sample.processes += 1;
    // utime, stime, and those of children that were waited for
    sample.cpuMs += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * MS_PER_TICK;
    sample.memoryBytes += ownBytes(status);
  }
  if (sample.memoryBytes <= exactAboveBytes) return sample;
  const exact = pids.reduce((sum, pid) => sum + proportionalBytes(pid), fileBytes);
  return { ...sample, memoryBytes: exact };
}

/** Each shared page divided by the number of processes that share it. */
function proportionalBytes(pid: number): number {
  const rollup = readProc(`/proc/${pid}/smaps_rollup`) ?? "";
  const status = readProc(`/proc/${pid}/status`) ?? "";
  if (rollup === "") return ownBytes(status);
  return kibOf(rollup, "Pss_Anon") + kibOf(rollup, "Pss_Shmem") + kibOf(status, "VmPTE");
}

/** Shared pages in full. Tables grow with every page that is looked at, also where nothing was ever written. */
function ownBytes(status: string): number {
  return kibOf(status, "RssAnon") + kibOf(status, "RssShmem") + kibOf(status, "VmPTE");
}

/** A process that is gone already is left in peace. */
export function killPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // already gone
  }
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat !== undefined && !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
}

function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap((task) =>
    (readProc(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // ended
  }
}

function fileSystemBytes(insidePid: number): number {
  let bytes = 0;
  for (const folder of ["tmp", "dev/shm"]) {
    try {
      const { blocks, bfree, bsize, files, ffree } = statfsSync(`/proc/${insidePid}/root/${folder}`);
      bytes += (blocks - bfree) * bsize + (files - ffree) * BYTES_PER_INODE;
    } catch {
      // ended
    }
  }
  return bytes;
}

function kibOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined; // ended
  }
}
