import { randomUUID } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../core/base/index.ts";
import { createOutsideRunner } from "../../core/plugins/sandbox/outsideRunner.ts";
import { isAlive } from "../../core/plugins/sandbox/processTree.ts";
import type { SandboxExit } from "../../core/plugins/sandbox/sandbox.ts";
import { silentLogger } from "../../core/testing/index.ts";
import { daemonProgram } from "./daemon.ts";
import { createBundle, IS_ROOT, type Probe } from "./sandboxHarness.ts";

// Plugins without a sandbox: what still holds of its rules, attacked, and what does not, shown. As root the hosts of these tests drop to an
// ordinary user first, because no plugin runs so as root.

const ENTRY = join(import.meta.dirname, "outsideHostEntry.ts");
const DROP = ["/usr/bin/setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--"];
const token = `canary-${randomUUID()}`;
const python = (source: string, rest: Partial<Probe> = {}): Probe => ({ runtime: "python", source, ...rest });
const options = { logger: silentLogger, clock: systemClock, nodePath: process.execPath };

interface Outcome {
  stdout: string;
  stderr: string;
  exit: SandboxExit;
}

/** A host with its plugin, until the end of both. */
function startHost(probe: Probe, drop = DROP) {
  const bundle = createBundle(probe);
  chmodSync(bundle.base, 0o755);
  const command = [...(IS_ROOT ? drop : []), process.execPath, ENTRY, JSON.stringify(bundle.spec)];
  const env = { PATH: "/usr/bin", LOGOMESH_CANARY: token };
  const host = spawn("/usr/bin/env", command, { stdio: ["pipe", "pipe", "pipe"], env });
  let [out, err] = ["", ""];
  const launched = new Promise<number>((resolve) => {
    host.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const pid = /launched (\d+)/.exec(out)?.[1];
      if (pid !== undefined) resolve(Number(pid));
    });
  });
  host.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<string>((resolve) => host.once("close", () => resolve(out)));
  return {
    host,
    bundle,
    launched,
    async outcome(): Promise<Outcome> {
      const line = (await ended).trim().split("\n").at(-1) ?? "";
      expect({ line, err }).toMatchObject({ line: expect.stringMatching(/^\{/) });
      return JSON.parse(line) as Outcome;
    },
    [Symbol.dispose]() {
      host.kill("SIGKILL");
      bundle[Symbol.dispose]();
    },
  };
}

async function run(probe: Probe, drop = DROP): Promise<Outcome> {
  using started = startHost(probe, drop);
  return await started.outcome();
}

/** Of live processes whose command line names it. */
function processesNaming(marker: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(marker) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

test.runIf(IS_ROOT)("[SB38] nothing runs outside of the sandbox as root", async () => {
  using bundle = createBundle(python("print('reached')"));
  using runner = createOutsideRunner(options);
  expect(runner.obstacle()).toMatch(/as root/);
  await expect(runner.launch(bundle.spec)).rejects.toMatchObject({
    code: "LM_PLUGIN_SECURITY_LEVEL",
    message: expect.stringMatching(/no plugin runs as root/),
  });
});

test("[SB38] nothing runs outside of the sandbox on another system", async () => {
  using bundle = createBundle(python("print('reached')"));
  using runner = createOutsideRunner({ ...options, host: { platform: "darwin", arch: "arm64", uid: 501 } });
  await expect(runner.launch(bundle.spec)).rejects.toThrow(/on Linux only, this is darwin/);
});

test("[SB39] the environment is fixed, and the host's is not in it", async () => {
  const source = `import os, json, glob
names = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
print(json.dumps([names, os.getcwd()]))`;
  const { stdout } = await run(python(source, { granted: { environment: { API: token.toUpperCase() } } }));
  const [environment, folder] = JSON.parse(stdout) as [Record<string, string>, string];
  const { LOGOMESH_ROOT: root = "", LOGOMESH_TREE: tree, HOME: home, ...rest } = environment;
  expect(stdout).not.toContain(token);
  expect(tree).toMatch(/^[0-9a-f-]{36}$/);
  expect(home).toMatch(/^\//);
  expect(rest).toEqual({
    ...{ PATH: "/usr/bin:/bin", TMPDIR: "/tmp", LANG: "C.UTF-8", TZ: "UTC", API: token.toUpperCase() },
    ...{ OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", UV_THREADPOOL_SIZE: "2" },
    ...{ LOGOMESH_HOST_FD: "3", LOGOMESH_BUNDLE: `${root}/plugin`, SHLVL: "0" },
  });
  expect(folder).toMatch(/\/bundle$/);
  expect(existsSync(root)).toBe(false);
});

test("[SB39] descriptors but standard ones and the host plane are closed, limits and privileges cannot be raised", async () => {
  const source = `import json, os, resource
fds = []
for fd in os.listdir("/proc/self/fd"):
  try: fds.append([fd, os.readlink("/proc/self/fd/" + fd).split(":")[0]])
  except OSError: pass
out = {}
for name in ("RLIMIT_DATA", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE"):
  kind = getattr(resource, name)
  try: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
  except (OSError, ValueError): pass
  out[name] = resource.getrlimit(kind)[1]
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps([fds, out, status["NoNewPrivs"], status["CapEff"]]))`;
  const limits = { memory_mb: 100, max_open_files: 50, tmp_mb: 8 };
  const { stdout } = await run(python(source, { limits }));
  const MIB = 1024 * 1024;
  expect(JSON.parse(stdout)).toEqual([
    ["0", "1", "2", "3"].map((fd) => [fd, "socket"]),
    { RLIMIT_DATA: 100 * MIB, RLIMIT_NOFILE: 50, RLIMIT_FSIZE: 8 * MIB, RLIMIT_CORE: 0 },
    ...["1", "0000000000000000"],
  ]);
});

describe("[SB40] modules, arguments and data are found as in a sandbox", () => {
  const sdk = (base: string) => {
    mkdirSync(join(base, "sdk"));
    writeFileSync(join(base, "sdk/index.js"), "exports.name = 'sdk';");
    writeFileSync(join(base, "sdk/only_sdk.py"), "name = 'sdk'");
    return join(base, "sdk");
  };

  test("by Node", async () => {
    using first = createBundle(python(""));
    chmodSync(first.base, 0o755);
    const files = {
      "lib/own.ts": "export const own: string = 'own';",
      "node_modules/dep/index.js": "exports.name = 'dep';",
    };
    const source = `import("./lib/own.ts").then(({ own }) => console.log(own, require("dep").name, require("sdk").name, process.argv.slice(2)))`;
    const { stdout, stderr } = await run({
      ...{ runtime: "nodejs", source, files, readOnlyMounts: { "/node_modules/sdk": sdk(first.base) } },
      granted: { args: ["a b", "$(id)"] },
    });
    expect({ stdout, stderr }).toEqual({ stdout: "own dep sdk [ 'a b', '$(id)' ]\n", stderr: "" });
  });

  test("by Python", async () => {
    using first = createBundle(python(""));
    chmodSync(first.base, 0o755);
    const source = `import beside, vendored, only_sdk, os; print(beside.name, vendored.name, only_sdk.name, os.path.exists(os.environ["LOGOMESH_ROOT"] + "/plugin/main.py"))`;
    const files = { "beside.py": "name = 'own'", "vendor/vendored.py": "name = 'vendored'" };
    const { stdout, stderr } = await run(python(source, { files, readOnlyMounts: { "/sdk/python": sdk(first.base) } }));
    expect({ stdout, stderr }).toEqual({ stdout: "own vendored sdk True\n", stderr: "" });
  });

  test("by the shell", async () => {
    const { stdout, exit } = await run({ runtime: "shell", source: "cat /dev/stdin; echo here; exit 3" });
    expect({ stdout, exit }).toEqual({ stdout: "here\n", exit: { code: 3, signal: null } });
  });
});

/** Its command line has the marker. */
const daemon = (rest: string) => daemonProgram({ then: `print("daemon runs", flush=True)\n${rest}` });

test.each([
  ["the plugin ends", "", (_: ReturnType<typeof startHost>) => undefined, { code: 0, signal: null }],
  [
    "it is killed",
    "time.sleep(300)",
    ({ host }: ReturnType<typeof startHost>) => void host.stdin.write("k"),
    { code: null, signal: "SIGKILL", cause: "killed" },
  ],
])("[SB41] a daemon that left its session ends when %s", async (_, rest, act, exit) => {
  const marker = `marker-${randomUUID()}`;
  using started = startHost(python(daemon(rest), { granted: { args: [marker] } }));
  await started.launched;
  await expect.poll(() => processesNaming(marker).length).toBeGreaterThan(1);
  act(started);
  expect((await started.outcome()).exit).toEqual(exit);
  expect(processesNaming(marker)).toEqual([]);
});

test("[SB41] a host that is killed leaves neither processes nor files behind", async () => {
  const marker = `marker-${randomUUID()}`;
  const source = daemon(`print(os.environ["LOGOMESH_ROOT"], flush=True)\ntime.sleep(300)`);
  using started = startHost(python(source, { granted: { args: [marker] } }));
  const pid = await started.launched;
  await expect.poll(() => processesNaming(marker).length).toBeGreaterThan(2);
  const root = /LOGOMESH_ROOT=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, "latin1"))?.[1] ?? "";
  expect(existsSync(join(root, "plugin"))).toBe(true);
  started.host.kill("SIGKILL");
  await expect.poll(() => processesNaming(marker), { timeout: 5000 }).toEqual([]);
  await expect.poll(() => existsSync(root), { timeout: 5000 }).toBe(false);
});

test("[SB41] a plugin that ended its keeper ends with the host all the same", async () => {
  const marker = `marker-${randomUUID()}`;
  const source = `import glob, os, signal, time
mark = f"LOGOMESH_TREE={os.environ['LOGOMESH_TREE']}".encode()
for path in glob.glob("/proc/[0-9]*/environ"):
  pid = int(path.split("/")[2])
  try:
    if pid != os.getpid() and mark in open(path, "rb").read().split(b"\\0"): os.kill(pid, signal.SIGKILL)
  except OSError: pass
open(os.environ["TMPDIR"] + "/${marker}", "w").close()
time.sleep(300)`;
  using started = startHost(python(source, { granted: { args: [marker] } }));
  const pid = await started.launched;
  const root = /LOGOMESH_ROOT=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, "latin1"))?.[1] ?? "";
  await expect.poll(() => existsSync(`/tmp/${marker}`), { timeout: 5_000 }).toBe(true);
  // The host, which names its plugin's arguments, and the plugin: the keeper is gone.
  const naming = processesNaming(marker);
  expect(naming.toSorted()).toEqual([started.host.pid, pid].toSorted());
  started.host.kill("SIGKILL");
  await expect.poll(() => processesNaming(marker), { timeout: 5_000 }).toEqual([]);
  for (const left of [root, `/tmp/${marker}`]) rmSync(left, { recursive: true, force: true });
});

test.runIf(IS_ROOT)(
  "[SB39] what the host's user may by capabilities that pass on to programs, the plugin may not",
  async () => {
    const source = `print([line for line in open("/proc/self/status") if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb"))])`;
    const passing = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"];
    const drop = [...DROP.slice(0, -1), ...passing];
    const control = spawnSync(drop[0] ?? "", [...drop.slice(1), "/usr/bin/python3", "-c", source], {
      encoding: "utf8",
    });
    expect(control.stdout.match(/0000000000002000/g)).toHaveLength(4);
    const { stdout } = await run(python(source), drop);
    expect(stdout.match(/0000000000000000/g)).toHaveLength(4);
  },
);

test("[SB42] memory, processes and data beyond the limits end the tree", async () => {
  const limits = { memory_mb: 64, max_processes: 6 };
  const hoard = `import mmap, time\nkept = mmap.mmap(-1, 512 << 20)\nfor at in range(0, 512 << 20, 4096):\n  kept[at] = 1\n  if at % (8 << 20) == 0: time.sleep(0.01)\ntime.sleep(60)`;
  const forks = `import os, time\nfor _ in range(30):\n  if os.fork() == 0: time.sleep(60); os._exit(0)\ntime.sleep(60)`;
  const killed = (cause: string) => ({ code: null, signal: "SIGKILL", cause });
  const [memory, processes] = await Promise.all([run(python(hoard, { limits })), run(python(forks, { limits }))]);
  expect(memory.exit).toEqual(killed("memory"));
  expect(processes.exit).toEqual(killed("processes"));
  // The control: one that stays within them lives on to its own end.
  expect((await run(python(forks.replace("range(30)", "range(3)").replaceAll("60", "0.5"), { limits }))).exit).toEqual({
    code: 0,
    signal: null,
  });
});

test("[SB38] it is no sandbox: files of the user and the host's processes are in reach", async () => {
  const source = `import os\nprint(os.path.exists("/root"), os.getuid(), os.path.exists("/proc/${process.pid}"))`;
  const { stdout } = await run(python(source));
  expect(stdout).toBe(`True ${IS_ROOT ? 1234 : (process.getuid?.() ?? 0)} True\n`);
});
