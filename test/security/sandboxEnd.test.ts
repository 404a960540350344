import { randomUUID } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAlive, listTree } from "../../core/plugins/sandbox/processTree.ts";
import { daemonProgram } from "./daemon.ts";
import { createBundle, IS_ROOT, sandbox } from "./sandboxHarness.ts";

const ENTRY = join(import.meta.dirname, "sandboxHostEntry.ts");

const daemon = (rest: string) => daemonProgram({ then: `print("daemon runs", flush=True)\n${rest}` });

test("[SB16] kill ends a daemon that left its session and ignores signals, before exited resolves", async () => {
  using bundle = createBundle({ runtime: "python", source: daemon("time.sleep(300)") });
  const started = await sandbox.launch(bundle.spec);
  await new Promise((resolve) => started.stdout.once("data", resolve));
  const tree = listTree(started.pid);
  expect(tree.length).toBeGreaterThanOrEqual(4); // bubblewrap twice, the plugin, the daemon
  expect(tree.filter((pid) => !isAlive(pid))).toEqual([]);
  started.kill();
  expect(await started.exited).toEqual({ code: null, signal: "SIGKILL", cause: "killed" });
  expect(tree.filter(isAlive)).toEqual([]);
});

test("[SB16] a daemon ends with the plugin that started it", async () => {
  using bundle = createBundle({ runtime: "python", source: daemon("time.sleep(0.3)") });
  const started = await sandbox.launch(bundle.spec);
  await new Promise((resolve) => started.stdout.once("data", resolve));
  const tree = listTree(started.pid);
  expect(tree.filter((pid) => !isAlive(pid))).toEqual([]);
  expect(await started.exited).toEqual({ code: 0, signal: null });
  expect(tree.filter(isAlive)).toEqual([]);
});

test("[SB16] killing is safe at any time and again", async () => {
  using bundle = createBundle({ runtime: "shell", source: "exit 7" });
  const started = await sandbox.launch(bundle.spec);
  expect(await started.exited).toEqual({ code: 7, signal: null });
  started.kill();
  await started[Symbol.asyncDispose]();
  expect(await started.exited).toEqual({ code: 7, signal: null });
});

test("[SB15] a host killed at any moment of the start leaves nothing behind", { timeout: 120_000 }, async () => {
  const marker = `marker-${randomUUID()}.py`;
  using bundle = createBundle({ runtime: "python", source: "", files: { [marker]: daemon("time.sleep(300)") } });
  const spec = JSON.stringify({ ...bundle.spec, entryPoint: marker });
  for (let delayMs = 0; delayMs <= 60; delayMs += 6) {
    const host = spawn(process.execPath, [ENTRY, spec], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => host.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    host.kill("SIGKILL");
    await new Promise((resolve) => host.once("exit", resolve));
  }
  await expect.poll(() => processesNaming(marker), { timeout: 5000 }).toEqual([]);
});

test("[SB15] a host killed while plugins run leaves nothing behind", async () => {
  using bundle = createBundle({ runtime: "python", source: daemon("time.sleep(300)") });
  const host = spawn(process.execPath, [ENTRY, JSON.stringify(bundle.spec)], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = await new Promise<number>((resolve) => {
    host.stdout.setEncoding("utf8").on("data", (text: string) => {
      const found = /launched (\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  await expect.poll(() => listTree(pid).length).toBeGreaterThanOrEqual(4);
  const tree = listTree(pid);
  host.kill("SIGKILL");
  await expect.poll(() => tree.filter(isAlive), { timeout: 5000 }).toEqual([]);
});

/** Runs a host of its own to its end. */
function runHost(spec: object, options: { wrap?: string[]; extraFd?: number }) {
  const command = [...(options.wrap ?? []), process.execPath, ENTRY, JSON.stringify(spec)];
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  // Far from the others, where Node does not look for descriptors to close.
  if (options.extraFd !== undefined)
    for (let fd = 3; fd <= 40; fd++) stdio[fd] = fd === 40 ? options.extraFd : "ignore";
  const { stdout, stderr } = spawnSync("/usr/bin/env", command, {
    stdio,
    encoding: "utf8",
    env: { PATH: "/usr/bin" },
    timeout: 20_000,
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  expect({ line, stderr }).toMatchObject({ line: expect.stringMatching(/^\{/), stderr: "" });
  return JSON.parse(line) as { stdout: string; stderr: string; exit: object };
}

test("[SB5] a descriptor that the host inherited does not reach the plugin", async () => {
  const token = `canary-${randomUUID()}`;
  const source = `import os\nfor fd in range(3, 64):\n  try: print(os.pread(fd, 100, 0).decode())\n  except OSError: pass\nprint("end")`;
  using bundle = createBundle({ runtime: "python", source });
  const canary = join(bundle.base, "secret.txt");
  writeFileSync(canary, token);
  const fd = openSync(canary, "r");
  const control = spawnSync(
    process.execPath,
    [
      "-e",
      `require("child_process").spawnSync("/usr/bin/python3", ["${bundle.spec.bundleFolder}/main.py"], { stdio: "inherit" })`,
    ],
    {
      stdio: ["ignore", "pipe", "pipe", ...Array.from({ length: 37 }, () => "ignore" as const), fd],
      encoding: "utf8",
    },
  );
  expect(control.stdout).toContain(token);
  expect(runHost(bundle.spec, { extraFd: fd })).toMatchObject({ stdout: "end\n", exit: { code: 0 } });
  closeSync(fd);
});

test.runIf(IS_ROOT)("[SB18] a host that is not root runs the same sandbox", () => {
  const source = `import os, json\nprint(json.dumps([os.getuid(), sorted(os.listdir("/")), open("/etc/passwd").read().count("\\n"), os.listdir("/proc/self/fd")]))`;
  using bundle = createBundle({ runtime: "python", source });
  chmodSync(bundle.base, 0o755);
  const drop = ["/usr/bin/setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--"];
  const { stdout, stderr } = runHost(bundle.spec, { wrap: drop });
  expect(stderr).toBe("");
  const names = ["bin", "dev", "etc", "home", "lib", "lib64", "plugin", "proc", "sbin", "tmp", "usr"];
  // 3 leads to the host, 4 is the list being read.
  expect(JSON.parse(stdout)).toEqual([65534, names, 1, ["0", "1", "2", "3", "4"]]);
});

test.runIf(IS_ROOT)("[SB18, SB11] a host that is not root ends a plugin that hoards memory and files", () => {
  const source = `import os\nfor i in range(2000000): os.close(os.open(f"/tmp/{i}", os.O_CREAT))`;
  using bundle = createBundle({ runtime: "python", source, limits: { memory_mb: 64 } });
  chmodSync(bundle.base, 0o755);
  const drop = ["/usr/bin/setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--"];
  expect(runHost(bundle.spec, { wrap: drop }).exit).toEqual({ code: null, signal: "SIGKILL", cause: "memory" });
});

function processesNaming(marker: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "latin1");
      return line.includes(marker) && isAlive(Number(name));
    } catch {
      return false;
    }
  });
}
