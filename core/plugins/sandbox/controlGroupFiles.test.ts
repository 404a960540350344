import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder } from "../../testing/index.ts";
import { groupSettings, parseHierarchies, readCounter } from "./controlGroupFiles.ts";
import { findParents } from "./controlGroups.ts";

const LIMITS = { memoryBytes: 1000, tasks: 10, cpuPercent: 25 };
const written = (version: 1 | 2) =>
  groupSettings(version, LIMITS).map(({ controller, file, value }) => `${controller} ${file} ${value}`);

test("[SB31, SB32, SB33] limits are written by the names of each version, memory before memory with swap", () => {
  expect(written(2)).toEqual([
    ...["memory memory.max 1000", "memory memory.swap.max 0", "memory memory.oom.group 1"],
    ...["pids pids.max 10", "cpu cpu.max 25000 100000"],
  ]);
  expect(written(1)).toEqual([
    ...["memory memory.limit_in_bytes 1000", "memory memory.memsw.limit_in_bytes 1000", "memory memory.swappiness 0"],
    ...["pids pids.max 10", "cpu cpu.cfs_period_us 100000", "cpu cpu.cfs_quota_us 25000"],
  ]);
});

test("[SB36] a counter is a sum of lines, or the whole text", () => {
  expect(readCounter("anon 5\nshmem 7\nanon_thp 100\nshmem_thp 200\n", ["anon", "shmem"])).toBe(12);
  expect(readCounter("123\n")).toBe(123);
  expect(readCounter("", ["oom_kill"])).toBe(0);
});

const mount = (point: string, type: string, { root = "/", options = "rw" } = {}) =>
  `30 25 0:26 ${root} ${point} rw,nosuid shared:9 - ${type} ${type} ${options}`;

test("[SB30] the unified hierarchy is found with this process's place in it", () => {
  expect(parseHierarchies(mount("/sys/fs/cgroup", "cgroup2"), "0::/user.slice/user-1000.slice/run-1.scope\n")).toEqual([
    {
      ...{ version: 2, controllers: [], mountPoint: "/sys/fs/cgroup" },
      ownFolder: "/sys/fs/cgroup/user.slice/user-1000.slice/run-1.scope",
    },
  ]);
});

test("[SB30] hierarchies of version 1 are found by their controllers, in a container below the part that it sees", () => {
  const mounts = [
    mount("/sys/fs/cgroup/memory", "cgroup", { root: "/docker/abc", options: "rw,memory" }),
    mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", { root: "/docker/abc", options: "rw,cpu,cpuacct" }),
    mount("/sys/fs/cgroup/systemd", "cgroup", { options: "rw,xattr,name=systemd" }),
    mount("/proc", "proc"),
  ].join("\n");
  const own = ["4:memory:/docker/abc/inner", "3:cpu,cpuacct:/docker/abc", "2:pids:/", "1:name=systemd:/x"].join("\n");
  expect(parseHierarchies(mounts, own)).toEqual([
    {
      ...{ version: 1, controllers: ["memory"], mountPoint: "/sys/fs/cgroup/memory" },
      ownFolder: "/sys/fs/cgroup/memory/inner",
    },
    {
      ...{ version: 1, controllers: ["cpu", "cpuacct"], mountPoint: "/sys/fs/cgroup/cpu,cpuacct" },
      ownFolder: "/sys/fs/cgroup/cpu,cpuacct",
    },
    {
      ...{ version: 1, controllers: ["name=systemd"], mountPoint: "/sys/fs/cgroup/systemd" },
      ownFolder: "/sys/fs/cgroup/systemd/x",
    },
  ]);
});

/** Folders that look like groups of version 2: by path, what each has and what it hands down. */
function createTree(groups: Record<string, { has: string; handsDown?: string }>) {
  const temp = createTempFolder();
  for (const [path, { has, handsDown = "" }] of Object.entries(groups)) {
    const folder = join(temp.path, path);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries({ controllers: has, subtree_control: handsDown, procs: "" }))
      writeFileSync(join(folder, `cgroup.${file}`), `${text}\n`);
  }
  return temp;
}

const unified = (mountPoint: string, own: string) =>
  ({ version: 2, controllers: [], mountPoint, ownFolder: join(mountPoint, own) }) as const;

test("[SB30] the nearest group above that hands down memory and pids is where groups are made", () => {
  using tree = createTree({
    "": { has: "cpu memory pids", handsDown: "cpu memory pids" },
    "app.slice": { has: "memory pids", handsDown: "memory pids" },
    "app.slice/run-1.scope": { has: "memory" },
  });
  const folder = join(tree.path, "app.slice");
  expect(findParents([unified(tree.path, "app.slice/run-1.scope")])).toEqual({
    version: 2,
    folders: new Map([
      ["memory", folder],
      ["pids", folder],
    ]),
  });
});

test("[SB30] without memory in any group above there is no place for groups", () => {
  using tree = createTree({ "": { has: "hugetlb", handsDown: "hugetlb" }, own: { has: "hugetlb" } });
  expect(findParents([unified(tree.path, "own")])).toBe(undefined);
  expect(findParents([])).toBe(undefined);
});
