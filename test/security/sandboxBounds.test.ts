import { describe, expect, test } from "vitest";
import { isAlive, listTree } from "../../core/plugins/sandbox/processTree.ts";
import { BOUNDED_BY, createBundle, runInside, runOutside, sandbox } from "./sandboxHarness.ts";

// Hogs: each takes as much as it gets, in ways that different bounds stop.

const MIB = 1024 * 1024;
const limits = { memory_mb: 128, tmp_mb: 16, max_processes: 8 };
const killedForMemory = { code: null, signal: "SIGKILL", cause: "memory" };

describe.each(BOUNDED_BY)("bounded by $name", ({ box, isHere }) => {
  test.runIf(isHere).each([
    ["buffers", "const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 1);"],
    [
      "children",
      "const { fork } = require('child_process'); if (!process.send) for (let i = 0; i < 3; i++) fork(__filename); const kept = []; setInterval(() => kept.push(Buffer.alloc(1 << 20, 1)), 5);",
    ],
    [
      "WebAssembly memory",
      "const memory = new WebAssembly.Memory({ initial: 1, maximum: 8192 }); setInterval(() => { memory.grow(128); new Uint8Array(memory.buffer).fill(1); }, 1);",
    ],
  ])("[SB11] Node that hoards %s is ended with the cause memory", async (_, source) => {
    const { exit } = await runInside({ runtime: "nodejs", source, limits }, box);
    expect(exit).toEqual(killedForMemory);
  });

  test.runIf(isHere)(
    "[SB11] Node that hoards in a worker thread is ended, by the watchdog or by the net below it",
    async () => {
      const hog = "const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 1)";
      const source = `new (require("worker_threads").Worker)(${JSON.stringify(hog)}, { eval: true });`;
      const { exit } = await runInside({ runtime: "nodejs", source, limits }, box);
      expect([killedForMemory, { code: 128 + 6, signal: null }]).toContainEqual(exit);
    },
  );

  test.runIf(isHere)("[SB11] Python and shell meet a hard limit in memory of their own", async () => {
    const source = `
kept = []
try:
  while True: kept.append(bytearray(1 << 20))
except MemoryError: print(len(kept))`;
    const { stdout, exit } = await runInside({ runtime: "python", source, limits }, box);
    expect(exit).toEqual({ code: 0, signal: null });
    expect(Number(stdout)).toBeGreaterThan(limits.memory_mb / 2);
    expect(Number(stdout)).toBeLessThan(limits.memory_mb);
    const shell = await runInside({ runtime: "shell", source: "x=1; while :; do x=$x$x; done", limits }, box);
    expect(shell.stderr).toContain("cannot allocate");
  });

  test.runIf(isHere)("[SB11] shared memory, which no resource limit counts, is counted", async () => {
    const source = `
import mmap, time
kept = mmap.mmap(-1, 512 << 20)
for at in range(0, 512 << 20, 4096):
  kept[at] = 1
  if at % (8 << 20) == 0: time.sleep(0.01)
time.sleep(60)`;
    const { exit } = await runInside({ runtime: "python", source, limits }, box);
    expect(exit).toEqual(killedForMemory);
  });

  test.runIf(isHere)("[SB2, SB11] millions of empty files are memory too", async () => {
    const source = `
import os
i = 0
while i < 2000000:
  os.close(os.open(f"/tmp/{i}", os.O_CREAT | os.O_WRONLY))
  i += 1
print("all made")`;
    const { exit, stdout } = await runInside({ runtime: "python", source, limits }, box);
    expect(stdout).toBe("");
    expect(exit).toEqual(killedForMemory);
  });
});

test("[SB70] page tables, which no page of the process shows, are counted", async () => {
  const source = `
import mmap
size, NORESERVE = 1 << 39, 0x4000
kept = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE, prot=mmap.PROT_READ)
for at in range(4096, size, 2 << 20): kept[at]
print("all seen")`;
  const { exit, stdout } = await runInside({ runtime: "python", source, limits });
  expect({ exit, stdout }).toEqual({ exit: killedForMemory, stdout: "" });
});

test("[SB14] memory that forked processes share counts once", async () => {
  const source = `
import os, mmap, time
kept = mmap.mmap(-1, 60 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, 60 << 20, 4096): kept[at] = 1
for _ in range(5):
  if os.fork() == 0: time.sleep(1.2); os._exit(0)
for _ in range(5): os.wait()
print("done")`;
  expect(await runInside({ runtime: "python", source, limits })).toMatchObject({ stdout: "done\n", exit: { code: 0 } });
});

test("[SB2] /tmp and /dev/shm are full at their size", async () => {
  const source = `
import os, json
out = {}
for folder in ("/tmp", "/dev/shm"):
  total = 0
  try:
    for i in range(100):
      with open(f"{folder}/{i}", "wb", buffering=0) as f:
        for _ in range(8): total += f.write(b"x" * 524288)
  except OSError as error: out[folder] = [error.errno, total]
print(json.dumps(out))`;
  const { stdout } = await runInside({ runtime: "python", source, limits });
  const ENOSPC = 28;
  expect(JSON.parse(stdout)).toEqual({ "/tmp": [ENOSPC, limits.tmp_mb * MIB], "/dev/shm": [ENOSPC, MIB] });
});

const forks = (most: number) => `
import os, time
made = 0
try:
  while made < ${most}:
    if os.fork() == 0: time.sleep(20); os._exit(0)
    made += 1
except OSError: pass
print(made, flush=True)
os._exit(0)`;

test("[SB12] forks end at the limit, for each sandbox alone", async () => {
  const source = forks(300);
  expect(runOutside({ runtime: "python", source: source.replace("sleep(20)", "sleep(0.5)") })).toBe("300\n");
  const results = await Promise.all([1, 2].map(() => runInside({ runtime: "python", source, limits })));
  for (const { stdout } of results) {
    expect(Number(stdout)).toBeGreaterThanOrEqual(limits.max_processes - 2);
    expect(Number(stdout)).toBeLessThanOrEqual(limits.max_processes + 2);
  }
});

test("[SB12] a fork bomb stays small and does not outlive its sandbox", async () => {
  using bundle = createBundle({ runtime: "shell", source: "bomb() { bomb | bomb & }; bomb; sleep 60", limits });
  const started = await sandbox.launch(bundle.spec);
  await expect.poll(() => started.usage().processes, { timeout: 5000 }).toBeGreaterThan(limits.max_processes / 2);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const tree = listTree(started.pid);
  expect(tree.length).toBeLessThanOrEqual(limits.max_processes + 8);
  started.kill();
  expect(await started.exited).toEqual({ code: null, signal: "SIGKILL", cause: "killed" });
  expect(tree.filter(isAlive)).toEqual([]);
});

test("[SB12] open files end at the limit", async () => {
  const source = `kept = []\ntry:\n  while True: kept.append(open("/dev/null"))\nexcept OSError as e: print(len(kept), e.errno)`;
  const { stdout } = await runInside({ runtime: "python", source, limits: { max_open_files: 40 } });
  // Four are open already: standard input, output and error, and the way to the host.
  expect(stdout).toBe("36 24\n");
});
