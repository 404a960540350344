import { readFileSync, readdirSync } from "node:fs";
import type { SandboxUsage } from "../sandbox/sandbox.ts";

/** Of /proc/<pid>/stat times; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** A tree beyond this is a fork bomb that the limit of processes has yet to stop. */
const PROCESSES_MAX = 4_096;

/** What a process and everything below it use now; zeros when it is gone. */
export function sampleTree(pid: number): Omit<SandboxUsage, "cpuPercent"> {
  const usage = { memoryBytes: 0, cpuMs: 0, processes: 0 };
  const queue = [pid];
  for (let index = 0; index < queue.length && index < PROCESSES_MAX; index += 1) {
    const current = queue[index] ?? 0;
    const status = readText(`/proc/${current}/status`);
    const stat = readText(`/proc/${current}/stat`);
    if (status === undefined || stat === undefined) continue;
    // Memory of its own: pages of shared libraries would count once for each process.
    usage.memoryBytes += (kilobytesOf(status, "RssAnon") + kilobytesOf(status, "RssShmem")) * 1024;
    const [utime = 0, stime = 0] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
      .map(Number);
    usage.cpuMs += ((utime + stime) * 1000) / TICKS_PER_SECOND;
    usage.processes += 1;
    queue.push(...childrenOf(current));
  }
  return usage;
}

function childrenOf(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) =>
    (readText(`/proc/${pid}/task/${thread}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

function kilobytesOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

/** A process may end between two reads. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
