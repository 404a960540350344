import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../base/index.ts";
import { ControlGroup } from "./controlGroup.ts";
import { findControlGroups } from "./controlGroups.ts";

const groups = findControlGroups({ clock: systemClock });
const LIMITS = { memoryBytes: 64 << 20, tasks: 16, cpuPercent: 100 };
/** Of version 2, with whatever controllers it has: groups and their members need none. */
const UNIFIED = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((path) =>
  existsSync(join(path, "cgroup.controllers")),
);

function runMember({ joinFiles }: ControlGroup, script: string) {
  const join = 'for file; do echo $$ > "$file" || exit 1; done';
  return spawnSync("/usr/bin/bash", ["--norc", "-c", `${join}; ${script}`, "x", ...joinFiles], { encoding: "utf8" });
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

test.runIf(typeof groups === "object")("[SB34, SB36] a group accounts for its members and is removed", async () => {
  if (typeof groups === "string") return;
  const group = groups.create(LIMITS);
  expect(group.usage()).toEqual({ memoryBytes: 0, cpuMs: 0, processes: 0 });
  const member = runMember(group, "for ((i = 0; i < 20000; i++)); do :; done; echo done");
  expect(member.stdout).toBe("done\n");
  expect(group.usage().cpuMs).toBeGreaterThan(0);
  expect(group.memoryKills()).toBe(0);
  expect(await group.remove(systemClock)).toBe(true);
  expect(group.joinFiles.filter((file) => existsSync(dirname(file)))).toEqual([]);
  expect(group.usage()).toEqual({});
});

test.runIf(typeof groups === "object")(
  "[SB31] what needs more memory than the group has is killed and counted",
  async () => {
    if (typeof groups === "string") return;
    const group = groups.create(LIMITS);
    const { signal } = runMember(group, "exec /usr/bin/python3 -c \"x = bytearray(b'x') * (200 << 20)\"");
    expect(signal).toBe("SIGKILL");
    expect(group.memoryKills()).toBe(1);
    expect(await group.remove(systemClock)).toBe(true);
  },
);

test.runIf(UNIFIED !== undefined && isWritable(UNIFIED))(
  "[SB30, SB34, SB36] a group of version 2 is joined, counts CPU time, and is removed",
  async () => {
    const folder = mkdtempSync(join(UNIFIED ?? "", "logomesh-test-"));
    const group = new ControlGroup({ version: 2, folders: new Map([["cpu", folder]]) });
    const member = runMember(group, `cat /proc/self/cgroup; for ((i = 0; i < 20000; i++)); do :; done`);
    expect(member.stdout).toContain(folder.slice(UNIFIED?.length));
    expect(group.usage().cpuMs).toBeGreaterThan(0);
    expect(group.usage().processes).toBe(0);
    expect(await group.remove(systemClock)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  },
);
