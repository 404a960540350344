import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../core/base/index.ts";
import { findControlGroups } from "../../core/plugins/sandbox/controlGroups.ts";
import { listTree } from "../../core/plugins/sandbox/processTree.ts";
import {
  BOUNDED_BY,
  createBundle,
  finish,
  IS_ROOT,
  runInside,
  runTampered,
  sandbox,
  watchedSandbox,
  type Probe,
} from "./sandboxHarness.ts";

// What only the kernel's control groups can bound, attacked; the control is the same sandbox without a group, or a group without the sandbox.

const ENTRY = join(import.meta.dirname, "sandboxHostEntry.ts");
const groups = findControlGroups({ clock: systemClock });
const isHere = typeof groups === "object" && BOUNDED_BY.some((way) => way.box === sandbox && way.isHere);
const python = (source: string, rest: Partial<Probe> = {}): Probe => ({ runtime: "python", source, ...rest });
const killedForMemory = { code: null, signal: "SIGKILL", cause: "memory" };

function create(limits: { memoryBytes?: number; tasks?: number; cpuPercent?: number } = {}) {
  if (typeof groups === "string") throw new Error(groups);
  return groups.create({ memoryBytes: 512 << 20, tasks: 64, cpuPercent: 800, ...limits });
}

/** The groups of a process, by hierarchy. */
function groupsOf(pid: number | "self"): string[] {
  const own = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  return own.flatMap((line) => /^\d+:[^:]*:.*\/(logomesh-[^/]+)$/.exec(line)?.[1] ?? []);
}

/** Of every hierarchy, by name. */
function groupFolders(): string[] {
  const find = (folder: string, depth: number): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (!entry.isDirectory()) return [];
      if (entry.name.startsWith("logomesh-")) return [entry.name];
      return depth === 0 ? [] : find(join(folder, entry.name), depth - 1);
    });
  return find("/sys/fs/cgroup", 5);
}

const groupsMadeBy = (pid: number) => groupFolders().filter((name) => name.split("-")[2] === String(pid));

test.runIf(isHere)("[SB30] every process of a sandbox is a member of its group, from the launcher on", async () => {
  using bundle = createBundle(
    python(`import os, time\nfor _ in range(3):\n  if os.fork() == 0: time.sleep(60)\ntime.sleep(60)`),
  );
  const started = await sandbox.launch(bundle.spec);
  await expect.poll(() => listTree(started.pid).length).toBe(6);
  const own = groupsOf(started.pid);
  expect(own.length).toBeGreaterThan(0);
  expect(listTree(started.pid).map(groupsOf)).toEqual(Array.from({ length: 6 }, () => own));
  expect(groupsMadeBy(process.pid)).toEqual(expect.arrayContaining(own));
  await started[Symbol.asyncDispose]();
});

test.runIf(isHere)("[SB30] a plugin sees no groups, and cannot make, mount or leave one", async () => {
  const source = `
import ctypes, os
print(open("/proc/self/cgroup").read().replace("\\n", " "))
libc = ctypes.CDLL(None, use_errno=True)
for kind, options in [(b"cgroup2", None), (b"cgroup", b"memory"), (b"cgroup", b"none,name=x")]:
  print(libc.mount(b"none", b"/tmp", kind, 0, options), ctypes.get_errno())
print(os.path.exists("/sys"))`;
  const { stdout } = await runInside(python(source));
  const [own = "", ...rest] = stdout.trim().split("\n");
  expect(own).not.toMatch(/logomesh/);
  expect(rest).toEqual(["-1 1", "-1 1", "-1 1", "False"]);
});

/** Each holds memory that no resource limit counts; all print "held" when nobody stops them. */
const HOARDS: Record<string, string> = {
  "a child that its parent does not miss": `
if os.fork() == 0:
  kept = mmap.mmap(-1, 200 << 20)
  for at in range(0, 200 << 20, 4096): kept[at] = 1
  print("held", flush=True)
else: signal.pause()`,
  "files in memory": `
for i in range(200): open(f"/tmp/{i}", "wb").write(b"x" * (1 << 20))
print("held", flush=True)`,
  "a memory file": `
fd = ctypes.CDLL(None).syscall(319, b"x", 0)
for i in range(200): os.write(fd, b"x" * (1 << 20))
print("held", flush=True)`,
  "System V shared memory": `
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
at = libc.shmat(libc.shmget(0, 200 << 20, 0o1600), None, 0)
ctypes.memset(at, 1, 200 << 20)
print("held", flush=True)`,
  "buffers of pipes": `
kept = []
for i in range(900):
  r, w = os.pipe()
  try: fcntl.fcntl(w, 1031, 1 << 18)
  except PermissionError: pass
  os.set_blocking(w, False)
  try:
    while True: os.write(w, b"x" * 4096)
  except BlockingIOError: pass
  kept.append((r, w))
print("held", flush=True)`,
  "buffers of sockets": `
kept = []
for i in range(900):
  a, b = socket.socketpair()
  a.setblocking(False)
  try:
    while True: a.send(b"x" * 65536)
  except BlockingIOError: pass
  kept.append((a, b))
print("held", flush=True)`,
};
const IMPORTS = "import ctypes, fcntl, mmap, os, signal, socket, time\n";
const LIMITS = { memory_mb: 48, tmp_mb: 256, max_open_files: 2048 };

test.runIf(isHere).each(Object.entries(HOARDS))("[SB31] %s cannot hold more than the group may", async (_, source) => {
  const probe = python(`${IMPORTS}${source}\ntime.sleep(30)`, { limits: LIMITS });
  expect(await runInside(probe)).toMatchObject({ stdout: "", exit: killedForMemory });
  // The control: with room for it, each succeeds.
  const roomy = python(`${IMPORTS}${source}\nos.kill(0, signal.SIGTERM)`, { limits: { ...LIMITS, memory_mb: 1024 } });
  const { stdout, exit } = await runInside(roomy);
  expect(stdout).toBe("held\n");
  expect(exit.cause).toBe(undefined);
});

test("[SB35] without a group there are neither memory files nor shared memory", async () => {
  const source = `import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint([(libc.syscall(*call), ctypes.get_errno()) for call in [(319, b"x", 0), (29, 0, 4096, 0o1600)]])`;
  const ENOSYS = 38;
  expect((await runInside(python(source), watchedSandbox)).stdout).toBe(`[(-1, ${ENOSYS}), (-1, ${ENOSYS})]\n`);
});

/** Prints CPU time by time of the clock, of five processes that do nothing else. */
const SPIN = python(`import os, time
begin = time.monotonic()
for _ in range(4):
  if os.fork() == 0:
    while time.monotonic() < begin + 1.5: pass
    os._exit(0)
while time.monotonic() < begin + 1.5: pass
for _ in range(4): os.wait()
spent = os.times()
print((spent.user + spent.system + spent.children_user + spent.children_system) / (time.monotonic() - begin))`);

test.runIf(isHere)("[SB32] CPU time of the whole tree is bounded, and only by a group", async () => {
  const limits = { cpu_percent: 10 };
  expect(Number((await runInside({ ...SPIN, limits })).stdout)).toBeLessThan(0.2);
  expect(Number((await runInside({ ...SPIN, limits }, watchedSandbox)).stdout)).toBeGreaterThan(0.3);
});

const FORKS = python(
  `import os, time\nmade = 0\ntry:\n  while made < 200:\n    if os.fork() == 0: time.sleep(20); os._exit(0)\n    made += 1\nexcept OSError: pass\nprint(made, flush=True); os._exit(0)`,
  { limits: { memory_mb: 1024, max_processes: 150 } },
);

test.runIf(isHere && IS_ROOT)("[SB33] processes are bounded where root's are not counted", async () => {
  expect(Number((await runTampered(FORKS, { asRoot: true })).stdout)).toBe(200);
  const bounded = await runTampered(FORKS, { asRoot: true, group: create({ tasks: 30 }) });
  expect(Number(bounded.stdout)).toBeLessThan(30);
  expect(Number(bounded.stdout)).toBeGreaterThan(15);
});

test.runIf(isHere && IS_ROOT)(
  "[SB30, SB31] the group holds a sandbox that root runs, and only for the launcher's joining",
  async () => {
    const probe = python(`${IMPORTS}${HOARDS["a memory file"] ?? ""}\nos._exit(0)`, {
      limits: { memory_mb: 600, tmp_mb: 256 },
    });
    const unfiltered = { seccomp: Buffer.from("060000000000ff7f", "hex") };
    const inGroup = await runTampered(probe, {
      ...{ asRoot: true, group: create({ memoryBytes: 100 << 20 }), plan: (plan) => ({ ...plan, ...unfiltered }) },
    });
    expect(inGroup).toMatchObject({ stdout: "", exit: killedForMemory });
    const outside = await runTampered(probe, {
      ...{ asRoot: true, group: create({ memoryBytes: 100 << 20 }) },
      plan: (plan) => ({
        ...{ ...plan, ...unfiltered },
        command: plan.command.map((word) => word.replace(/^for \(\(; groups.*$/m, 'shift "$groups"')),
      }),
    });
    expect(outside.stdout).toBe("held\n");
  },
);

test.runIf(isHere)("[SB30] a sandbox that cannot join its group does not start", async () => {
  const group = create();
  group.removeNow();
  await expect(runTampered(python("print('reached')"), { asRoot: true, group })).rejects.toMatchObject({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringMatching(/cgroup\.procs/),
  });
});

test.runIf(isHere)("[SB31] a runtime that does not fit into its memory is said to be so", async () => {
  await expect(
    runTampered(python("print('reached')"), { asRoot: true, group: create({ memoryBytes: 64 << 10 }) }),
  ).rejects.toMatchObject({ code: "LM_PLUGIN_START_FAILED", message: expect.stringContaining("of memory") });
});

test.runIf(isHere)("[SB36] CPU time of processes that nobody waited for is counted", async () => {
  const source = `import os, sys, time
if os.fork() == 0:
  if os.fork() == 0:
    begin = time.process_time()
    while time.process_time() < begin + 0.4: pass
    print("spent", flush=True)
  os._exit(0)
sys.stdin.read()`;
  using bundle = createBundle(python(source));
  const started = await sandbox.launch(bundle.spec);
  await new Promise((resolve) => started.stdout.once("data", resolve));
  await expect.poll(() => started.usage().cpuMs).toBeGreaterThanOrEqual(400);
  await finish(started);
});

test.runIf(isHere)("[SB34] a group ends with its sandbox", async () => {
  using bundle = createBundle(python("import time; time.sleep(60)"));
  const started = await sandbox.launch(bundle.spec);
  const own = groupsOf(started.pid);
  expect(groupFolders()).toEqual(expect.arrayContaining(own));
  await started[Symbol.asyncDispose]();
  expect(groupFolders().filter((name) => own.includes(name))).toEqual([]);
});

test.runIf(isHere)(
  "[SB34] what a killed workbench left is removed by the next, what belongs to a live one is not",
  async () => {
    const mine = create();
    using bundle = createBundle(python("import time; time.sleep(60)"));
    const host = spawn(process.execPath, [ENTRY, JSON.stringify(bundle.spec)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve) => {
      host.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (/launched \d+/.test(text)) resolve();
      });
    });
    const pid = host.pid ?? 0;
    findControlGroups({ clock: systemClock });
    expect(groupsMadeBy(pid)).not.toEqual([]);
    host.kill("SIGKILL");
    await new Promise((resolve) => host.once("exit", resolve));
    expect(groupsMadeBy(pid)).not.toEqual([]);
    await expect
      .poll(() => {
        findControlGroups({ clock: systemClock });
        return groupsMadeBy(pid);
      })
      .toEqual([]);
    // Nobody ever joined it, so that only its name keeps it.
    expect(groupFolders()).toEqual(
      expect.arrayContaining(mine.joinFiles.map((file) => dirname(file).split("/").at(-1))),
    );
    expect(await mine.remove(systemClock)).toBe(true);
  },
);

test("[SB37] the status says which bound is kept by what", () => {
  const { bounds } = watchedSandbox.status();
  expect(bounds).toEqual({
    ...{ memory: "watchdog", processes: "rlimit", cpu: "none" },
    hint: expect.stringMatching(/systemd-run --user --scope/),
  });
});

test.runIf(isHere)("[SB37] the status names the version of the groups", () => {
  const version = typeof groups === "string" ? 0 : groups.version;
  const group = `cgroup v${version}`;
  expect(sandbox.status()).toEqual({
    ...{ available: true, kind: "bubblewrap" },
    bounds: { memory: group, processes: group, cpu: group },
  });
});
