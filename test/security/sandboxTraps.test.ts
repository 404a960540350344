import { randomUUID } from "node:crypto";
import { chmodSync, openSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FD } from "../../core/plugins/sandbox/launcher.ts";
import type { LaunchPlan } from "../../core/plugins/sandbox/launchPlan.ts";
import { createTempFolder } from "../../core/testing/index.ts";
import { IS_ROOT, runInside, runTampered, type Probe } from "./sandboxHarness.ts";

// Each line of the sandbox that stands for a known trap is taken away, and the probe that it stops must then succeed. Where two lines
// stand for one trap, each of them holds alone.

const token = `canary-${randomUUID()}`;
const without =
  (...gone: string[]) =>
  (plan: LaunchPlan): LaunchPlan => ({ ...plan, options: cut(plan.options, gone) });
const rewrite =
  (from: string | RegExp, to: string) =>
  (plan: LaunchPlan): LaunchPlan => {
    const command = plan.command.map((word) => word.replace(from, to));
    expect(command).not.toEqual(plan.command);
    return { ...plan, command };
  };
/** A filter of one instruction: allow. */
const unfiltered = (plan: LaunchPlan): LaunchPlan => ({ ...plan, seccomp: Buffer.from("060000000000ff7f", "hex") });
const chain =
  (...steps: ((plan: LaunchPlan) => LaunchPlan)[]) =>
  (plan: LaunchPlan) =>
    steps.reduce((changed, step) => step(changed), plan);

function cut(options: readonly string[], gone: string[]): string[] {
  const at = options.findIndex((_, index) => gone.every((word, offset) => options[index + offset] === word));
  expect(at, `${gone.join(" ")} is among the options`).toBeGreaterThanOrEqual(0);
  return options.filter((_, index) => index < at || index >= at + gone.length);
}

const python = (source: string): Probe => ({ runtime: "python", source });
const shell = (source: string, rest: Partial<Probe> = {}): Probe => ({ runtime: "shell", source, ...rest });
const CONNECT = (address: string, family: string) =>
  python(
    `import socket\ntry:\n  s = socket.socket(socket.${family}); s.connect(${address}); print("reached")\nexcept OSError as e: print(e.strerror)`,
  );
const FORKS: Probe = {
  limits: { memory_mb: 1024 },
  ...python(
    `import os, time\nmade = 0\ntry:\n  while made < 100:\n    if os.fork() == 0: time.sleep(20)\n    made += 1\nexcept OSError: pass\nprint("bounded" if made < 50 else "reached", flush=True); os._exit(0)`,
  ),
};
const WRITE = (path: string) => shell(`echo x > ${path} && echo reached`);
const CALL = (call: string) =>
  python(
    `import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint("reached" if libc.syscall(${call}) >= 0 else ctypes.get_errno())`,
  );
const FILL = python(
  `total = 0\ntry:\n  for i in range(40): open(f"/tmp/{i}", "wb").write(b"x" * (1 << 20)); total += 1\nexcept OSError: pass\nprint("reached" if total == 40 else total)`,
);

test.each<[string, Probe, (plan: LaunchPlan) => LaunchPlan]>([
  [
    "1: options on the command line",
    shell("tr '\\0' ' ' < /proc/1/cmdline | grep -q logomesh-security && echo reached"),
    (plan) => ({
      ...plan,
      command: plan.command.flatMap((word) => (word === "--args" ? plan.options : word === "4" ? [] : [word])),
    }),
  ],
  [
    "5: data limit of Node",
    { runtime: "nodejs", source: "console.log('works')" },
    (plan) => rewrite(String((256 + 1152) * 1024), String(256 * 1024))(plan),
  ],
  ["6: re-piped streams", shell("cat /dev/stdin", { input: "works" }), rewrite(/^exec 8>[^]*/, '"$0"')],
  ["9: size of /tmp", { ...FILL, limits: { tmp_mb: 8 } }, without("--size", String(8 * 1024 * 1024))],
  ["read-only root", WRITE("/reached"), without("--remount-ro", "/")],
  ["read-only /dev", WRITE("/dev/reached"), without("--remount-ro", "/dev")],
  ["limit of processes", FORKS, rewrite(/ -u "\$tasks"/, "")],
  ["own process namespace", shell(`[ -d /proc/${process.pid} ] && echo reached`), without("--unshare-pid")],
  ["the filter on sockets", CALL("41, 2, 1, 0"), unfiltered],
  ["the filter on tracing", CALL("101, 0, 0, 0, 0"), unfiltered],
  [
    "own modules of Python",
    { ...python("import beside"), files: { "beside.py": "print('works')" } },
    rewrite(/^sys\.path.*$/m, ""),
  ],
  [
    "no __proto__",
    { runtime: "nodejs", source: "console.log(({}).__proto__ ? 'reached' : 'gone')" },
    rewrite("--disable-proto=delete", "--no-warnings"),
  ],
])("trap %s: the line is needed", async (_, probe, tamper) => {
  const works = /works/.test(probe.source) || JSON.stringify(probe).includes("works");
  const word = works ? "works" : "reached";
  expect((await runInside(probe)).stdout.includes(word)).toBe(works);
  expect((await runTampered(probe, {})).stdout.includes(word)).toBe(works);
  expect((await runTampered(probe, { plan: tamper })).stdout.includes(word)).toBe(!works);
});

test("trap 1: bubblewrap starts with an empty environment, and the launcher empties it again", async () => {
  const probe = shell("cat /proc/1/environ");
  const poisoned = (plan: LaunchPlan): LaunchPlan => ({ ...plan, environment: { CANARY: token } });
  const kept = rewrite(/exec -c/g, "exec");
  expect((await runInside(probe)).stdout).toBe("");
  expect((await runTampered(probe, { plan: poisoned })).stdout).not.toContain(token);
  expect((await runTampered(probe, { plan: kept })).stdout).not.toContain(token);
  expect((await runTampered(probe, { plan: chain(poisoned, kept) })).stdout).toContain(token);
});

test("trap 2: the launcher closes what it inherits", async () => {
  using folder = createTempFolder();
  const path = join(folder.path, "secret.txt");
  writeFileSync(path, token);
  const probe = python(
    `import os\ntry: print(os.pread(${FD.firstSource}, 100, 0).decode())\nexcept OSError: print("closed")`,
  );
  const open = rewrite(/for f in \/proc\/self\/fd[^]*?\ndone\n/, "");
  expect((await runTampered(probe, { extraFds: [openSync(path, "r")] })).stdout).toBe("closed\n");
  expect((await runTampered(probe, { extraFds: [openSync(path, "r")], plan: open })).stdout).toContain(token);
});

test.runIf(IS_ROOT)("trap 3: an unprivileged user and a read-only /proc/sys keep core_pattern each", async () => {
  const probe = shell("exec 5<>/proc/sys/kernel/core_pattern && echo reached");
  const writable = without("--ro-bind", "/proc/sys", "/proc/sys");
  expect((await runInside(probe)).stdout).toBe("");
  expect((await runTampered(probe, { plan: writable })).stdout).toBe("");
  expect((await runTampered(probe, { asRoot: true })).stdout).toBe("");
  expect((await runTampered(probe, { asRoot: true, plan: writable })).stdout).toBe("reached\n");
});

test.runIf(IS_ROOT)("trap 3: run by root, bubblewrap cannot bound processes", async () => {
  expect((await runTampered(FORKS, {})).stdout).toBe("bounded\n");
  expect((await runTampered(FORKS, { asRoot: true })).stdout).toBe("reached\n");
});

test("trap 8: a Unix socket in a folder that is mounted read-only is reachable but for the filter", async () => {
  using folder = createTempFolder();
  chmodSync(folder.path, 0o755);
  let connections = 0;
  const server = createServer((socket) => void (connections++, socket.destroy()));
  await new Promise<void>((resolve) => server.listen(join(folder.path, "socket"), resolve));
  chmodSync(join(folder.path, "socket"), 0o777);
  const probe = { ...CONNECT('"/sdk/host/socket"', "AF_UNIX"), readOnlyMounts: { "/sdk/host": folder.path } };
  expect((await runInside(probe)).stdout).toBe("Address family not supported by protocol\n");
  expect(connections).toBe(0);
  expect((await runTampered(probe, { plan: unfiltered })).stdout).toBe("reached\n");
  expect(connections).toBe(1);
  server.close();
});

test("network namespace and filter keep the host's loopback each", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const probe = CONNECT(`("127.0.0.1", ${port})`, "AF_INET");
  const shared = without("--unshare-net");
  expect((await runTampered(probe, { plan: shared })).stdout).not.toContain("reached");
  expect((await runTampered(probe, { plan: unfiltered })).stdout).not.toContain("reached");
  expect((await runTampered(probe, { plan: chain(shared, unfiltered) })).stdout).toBe("reached\n");
  server.close();
});

test("--disable-userns and filter keep nested namespaces each", async () => {
  const probe = CALL("272, 0x10000000");
  const nested = without("--disable-userns");
  expect((await runTampered(probe, { plan: nested })).stdout).not.toContain("reached");
  expect((await runTampered(probe, { plan: unfiltered })).stdout).not.toContain("reached");
  expect((await runTampered(probe, { plan: chain(nested, unfiltered) })).stdout).toBe("reached\n");
});
