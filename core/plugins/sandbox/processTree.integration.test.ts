import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isAlive, listTree, sampleTree } from "./processTree.ts";

test("[SB14] a tree that is gone uses nothing and is not alive", async () => {
  const child = spawn("/usr/bin/true");
  await once(child, "exit");
  const pid = child.pid!;
  expect(isAlive(pid)).toBe(false);
  const sample = sampleTree({ rootPid: pid, insidePid: pid, exactAboveBytes: -1 });
  expect(sample).toEqual({ memoryBytes: 0, cpuMs: 0, processes: 0 });
});

test("[SB14] grandchildren belong to the tree", async () => {
  const child = spawn("/usr/bin/bash", ["-c", "sleep 60 & sleep 60 & echo; wait"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const tree = listTree(child.pid!);
  expect(tree).toHaveLength(3);
  expect(tree.every(isAlive)).toBe(true);
  for (const pid of tree) process.kill(pid, "SIGKILL");
  await once(child, "exit");
});

test("[SB14] memory measured exactly is no more than the quick sum, and of the same kind", () => {
  const pids = { rootPid: process.pid, insidePid: -1 };
  const quick = sampleTree({ ...pids, exactAboveBytes: Infinity }).memoryBytes;
  const exact = sampleTree({ ...pids, exactAboveBytes: 0 }).memoryBytes;
  expect(exact).toBeGreaterThan(quick * 0.5);
  expect(exact).toBeLessThan(quick * 1.1);
});
