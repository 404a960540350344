// What the two versions of the kernel's control groups call the same things: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.

export type GroupVersion = 1 | 2;
/** `cpuacct` counts what `cpu` bounds, and is a controller of its own in version 1 only. */
export type Controller = "memory" | "pids" | "cpu" | "cpuacct";

export interface GroupLimits {
  memoryBytes: number;
  /** Processes and threads. */
  tasks: number;
  /** Of one core. */
  cpuPercent: number;
}

export interface Setting {
  controller: Controller;
  file: string;
  value: string;
  /** Not every kernel has the file, or a group above it allows less already. */
  optional?: true;
}

/** How long a sandbox that used up its CPU time may have to wait for more. */
const CPU_PERIOD_US = 100_000;
const CPU_US_PER_PERCENT = CPU_PERIOD_US / 100;

/** In the order in which they have to be written. */
export function groupSettings(version: GroupVersion, { memoryBytes, tasks, cpuPercent }: GroupLimits): Setting[] {
  const bytes = String(memoryBytes);
  const quota = String(cpuPercent * CPU_US_PER_PERCENT);
  const pids = { controller: "pids", file: "pids.max", value: String(tasks) } as const;
  if (version === 2)
    return [
      { controller: "memory", file: "memory.max", value: bytes },
      { controller: "memory", file: "memory.swap.max", value: "0", optional: true },
      // A tree that lost one process for its memory is not left half alive.
      { controller: "memory", file: "memory.oom.group", value: "1", optional: true },
      pids,
      { controller: "cpu", file: "cpu.max", value: `${quota} ${CPU_PERIOD_US}`, optional: true },
    ];
  return [
    { controller: "memory", file: "memory.limit_in_bytes", value: bytes },
    { controller: "memory", file: "memory.memsw.limit_in_bytes", value: bytes, optional: true },
    { controller: "memory", file: "memory.swappiness", value: "0", optional: true },
    pids,
    { controller: "cpu", file: "cpu.cfs_period_us", value: String(CPU_PERIOD_US), optional: true },
    { controller: "cpu", file: "cpu.cfs_quota_us", value: quota, optional: true },
  ];
}

/** One number of a group: of a file with lines `<name> <number>`, or with nothing but the number. */
interface Counter {
  controller: Controller;
  file: string;
  names?: readonly string[];
}

interface Counters {
  /** Anonymous and shared pages; files in memory are shared pages. */
  memoryBytes: Counter;
  /** Processes that were killed because memory was used up. */
  memoryKills: Counter;
  /** CPU time in units of `cpuUnitNs`. */
  cpu: Counter;
  cpuUnitNs: number;
}

export const GROUP_COUNTERS: Readonly<Record<GroupVersion, Counters>> = {
  1: {
    memoryBytes: { controller: "memory", file: "memory.stat", names: ["total_rss", "total_shmem"] },
    memoryKills: { controller: "memory", file: "memory.oom_control", names: ["oom_kill"] },
    cpu: { controller: "cpuacct", file: "cpuacct.usage" },
    cpuUnitNs: 1,
  },
  2: {
    memoryBytes: { controller: "memory", file: "memory.stat", names: ["anon", "shmem"] },
    memoryKills: { controller: "memory", file: "memory.events", names: ["oom_kill"] },
    cpu: { controller: "cpu", file: "cpu.stat", names: ["usage_usec"] },
    cpuUnitNs: 1000,
  },
};

/** The sum of the named lines, or the number that is the whole text. */
export function readCounter(text: string, names?: readonly string[]): number {
  if (names === undefined) return Number(text);
  let sum = 0;
  for (const line of text.split("\n")) {
    const [name = "", value] = line.split(" ");
    if (names.includes(name)) sum += Number(value);
  }
  return sum;
}

/** A hierarchy that is mounted here, and where this process stands in it. */
export interface Hierarchy {
  version: GroupVersion;
  /** Of version 1; those of version 2 differ from group to group. */
  controllers: readonly string[];
  mountPoint: string;
  ownFolder: string;
}

/**
 * @param mountInfo of `/proc/self/mountinfo`
 * @param ownGroups of `/proc/self/cgroup`
 */
export function parseHierarchies(mountInfo: string, ownGroups: string): Hierarchy[] {
  const own = ownGroups.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(","), path }];
  });
  return mountInfo.split("\n").flatMap((line): Hierarchy[] => {
    const [before = "", after = ""] = line.split(" - ");
    const [root = "", mountPoint = ""] = before.split(" ").slice(3);
    const [type, , superOptions = ""] = after.split(" ");
    if (type === "cgroup2") {
      const path = own.find(({ controllers: [first] }) => first === "")?.path;
      return path === undefined
        ? []
        : [{ version: 2, controllers: [], mountPoint, ownFolder: below({ mountPoint, root, path }) }];
    }
    if (type !== "cgroup") return [];
    const mounted = superOptions.split(",");
    const found = own.find(({ controllers }) => controllers.every((name) => mounted.includes(name)));
    if (found === undefined) return [];
    const { controllers, path } = found;
    return [{ version: 1, controllers, mountPoint, ownFolder: below({ mountPoint, root, path }) }];
  });
}

/** In a container the mount shows a part of the hierarchy, named `root`; what lies outside of it is stood for by the mount itself. */
function below({ mountPoint, root, path }: { mountPoint: string; root: string; path: string }): string {
  const rest = root === "/" ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : "";
  return rest === "/" ? mountPoint : `${mountPoint}${rest}`;
}
