import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginRuntime } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { LaunchPlan } from "../../core/plugins/sandbox/launchPlan.ts";
import { createTempFolder } from "../../core/testing/index.ts";
import { createBundle, IS_ROOT, runInside, runTampered, sandbox, type Probe } from "./sandboxHarness.ts";

// What a plugin can be granted beyond its bundle, used by one that wants more of it.

const MIB = 1024 * 1024;
const token = `canary-${randomUUID()}`;
const python = (source: string, rest: Partial<Probe> = {}): Probe => ({ runtime: "python", source, ...rest });
const changeOptions =
  (change: (word: string) => string) =>
  (plan: LaunchPlan): LaunchPlan => {
    const options = plan.options.map(change);
    expect(options).not.toEqual(plan.options);
    return { ...plan, options };
  };

function dataFolder() {
  const folder = createTempFolder();
  const path = join(folder.path, "data");
  mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

test.each<[PluginRuntime, string]>([
  ["nodejs", "console.log(JSON.stringify(process.argv.slice(2)))"],
  ["python", "import sys, json; print(json.dumps(sys.argv[1:], ensure_ascii=False))"],
  [
    "shell",
    '#!/usr/bin/python3 -I\nimport sys, json; print(json.dumps(sys.argv[1:], ensure_ascii=False, separators=(",", ":")))',
  ],
])("[SB24] arguments reach %s as they are", async (runtime, source) => {
  const args = ["$(touch /tmp/x)", "a b", "", "*", "--inspect", "'\"`;&\n", "ü"];
  const { stdout } = await runInside({ runtime, source, granted: { args } });
  expect(JSON.parse(stdout)).toEqual(args);
});

test("[SB25] granted variables are the plugin's, and nothing else is added", async () => {
  const source = "import os, json; print(json.dumps(dict(os.environ)))";
  const environment = { API_TOKEN: token, EMPTY: "", PATH: "/plugin", LINES: "a\nb=$(id)" };
  const plain = JSON.parse((await runInside(python(source))).stdout) as object;
  const { stdout } = await runInside(python(source, { granted: { environment } }));
  expect(JSON.parse(stdout)).toEqual({ ...plain, ...environment });
});

test("[SB25] no variable makes the sandbox's own shell run anything before the limits hold", async () => {
  const probe: Probe = {
    runtime: "nodejs",
    source: "console.log(require('fs').existsSync('/tmp/early') ? 'reached' : 'in order')",
    files: { "early.sh": "[ $(ulimit -n) = 256 ] || echo > /tmp/early" },
    granted: { environment: { BASH_ENV: "/plugin/early.sh" } },
  };
  const unprefixed = changeOptions((word) => word.replace(/^LOGOMESH_GRANTED_/, ""));
  expect((await runInside(probe)).stdout).toBe("in order\n");
  expect((await runTampered(probe, {})).stdout).toBe("in order\n");
  expect((await runTampered(probe, { plan: unprefixed })).stdout).toBe("reached\n");
});

test("[SB26] data is kept between runs, for this plugin alone, and nothing else becomes writable", async () => {
  using mine = dataFolder();
  using other = dataFolder();
  const granted = { data: { folder: mine.path, bytesMax: MIB } };
  await runInside(python(`open("/data/kept", "w").write("${token}")`, { granted }));
  const read = python(
    `import os; print(open("/data/kept").read() if os.path.exists("/data/kept") else os.path.exists("/data"))`,
  );
  expect((await runInside({ ...read, granted })).stdout).toBe(`${token}\n`);
  const others = { data: { folder: other.path, bytesMax: MIB }, pluginId: "org.example.other" };
  expect((await runInside({ ...read, granted: others })).stdout).toBe("True\n");
  expect((await runInside(read)).stdout).toBe("False\n");
  expect(statSync(mine.path).mode & 0o777).toBe(0o700);
  if (IS_ROOT) expect(statSync(mine.path).uid).toBeGreaterThan(1_900_000_000);
  if (IS_ROOT) expect(statSync(mine.path).uid).not.toBe(statSync(other.path).uid);
  const write = python(
    `import os\nfor path in ["/x", "/plugin/x", "/work/x", "/data/../x", "/home/plugin/x"]:\n  try: open(path, "w"); print("wrote", path)\n  except OSError: pass`,
    { granted },
  );
  expect((await runInside(write)).stdout).toBe("");
});

test.runIf(IS_ROOT)("[SB26] as root, data of another user is not given to a plugin", async () => {
  using folder = dataFolder();
  writeFileSync(join(folder.path, "secret"), token, { mode: 0o644 });
  using bundle = createBundle(python("", { granted: { data: { folder: folder.path, bytesMax: MIB } } }));
  await expect(sandbox.launch(bundle.spec)).rejects.toMatchObject({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringMatching(/files of another user.*chown -R/),
  });
});

/** Each holds some 20 MiB below /data, then waits as long as its argument says. */
const HOARDS: Record<string, string> = {
  "many files": `for i in range(20): open(f"/data/{i}", "wb").write(b"x" * (1 << 20))`,
  "files in folders": `os.makedirs("/data/a/b/c")\nfor i in range(20): open(f"/data/a/b/c/{i}", "wb").write(b"x" * (1 << 20))`,
  "deleted files that are open": `kept = []\nfor i in range(20):\n  f = open("/data/x", "wb"); f.write(b"x" * (1 << 20)); f.flush(); os.unlink("/data/x"); kept.append(f)`,
  "deleted files that are mapped": `kept = []\nfor i in range(20):\n  with open("/data/x", "w+b") as f:\n    f.write(b"x" * (1 << 20)); f.flush(); kept.append(mmap.mmap(f.fileno(), 0))\n  os.unlink("/data/x")`,
  "more files than anybody needs": `for i in range(10_001): open(f"/data/{i}", "w").close()`,
  "folders without end": `for i in range(40): os.mkdir("/data/x" if i == 0 else "x"); os.chdir("/data/x" if i == 0 else "x")\nopen("hidden", "w").close()`,
};

test.each(Object.entries(HOARDS))("[SB27] %s are more data than granted", async (name, hoard) => {
  using folder = dataFolder();
  const source = `import mmap, os, sys, time\n${hoard}\nprint("held", flush=True)\ntime.sleep(float(sys.argv[1]))`;
  const run = (bytesMax: number, seconds: string) =>
    runInside(python(source, { granted: { args: [seconds], data: { folder: folder.path, bytesMax } } }));
  expect((await run(8 * MIB, "30")).exit).toEqual({ code: null, signal: "SIGKILL", cause: "data" });
  // The control: with room for it, what is only a matter of size lives on.
  if (/deleted/.test(name)) expect((await run(64 * MIB, "0.6")).exit).toEqual({ code: 0, signal: null });
});

test("[SB27] a file grows no further than the grant, and a plugin that holds too much does not start", async () => {
  using folder = dataFolder();
  const granted = { data: { folder: folder.path, bytesMax: 70 * MIB } };
  const limits = { tmp_mb: 8 };
  const source = `import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nf = open("/data/x", "wb", 0)\ntry:\n  for i in range(100): f.write(b"x" * (1 << 20))\nexcept OSError as e: print(e.errno, f.tell() >> 20)`;
  const EFBIG = 27;
  expect((await runInside(python(source, { granted, limits }))).stdout).toBe(`${EFBIG} 70\n`);
  using bundle = createBundle(python("", { granted: { data: { folder: folder.path, bytesMax: MIB } } }));
  await expect(sandbox.launch(bundle.spec)).rejects.toMatchObject({
    code: "LM_PLUGIN_DATA_FULL",
    message: expect.stringContaining(folder.path),
  });
});

test("[SB28] a mounted folder can be read and not written, and its links lead nowhere outside", async () => {
  using folder = createTempFolder();
  const shared = join(folder.path, "docs");
  mkdirSync(shared);
  writeFileSync(join(folder.path, "secret"), token);
  writeFileSync(join(shared, "note.md"), "read me");
  symlinkSync("../secret", join(shared, "up"));
  symlinkSync(join(folder.path, "secret"), join(shared, "absolute"));
  for (const path of [folder.path, shared]) chmodSync(path, 0o777);
  const source = `import os
for name in ["note.md", "up", "absolute", "../secret"]:
  try: print(open("/work/docs/" + name).read())
  except OSError as e: print(e.strerror)
try: open("/work/docs/new", "w"); print("reached")
except OSError as e: print(e.strerror)
print(sorted(os.listdir("/work")))`;
  const probe = python(source, { readOnlyMounts: { "/work/docs": shared } });
  const nothing = "No such file or directory";
  const expected = ["read me", nothing, nothing, nothing, "Read-only file system", "['docs']"];
  expect((await runInside(probe)).stdout.trim().split("\n")).toEqual(expected);
  const writable = (plan: LaunchPlan): LaunchPlan => {
    const at = plan.options.indexOf("/work/docs") - 2;
    expect(plan.options[at]).toBe("--ro-bind");
    return { ...plan, options: plan.options.with(at, "--bind") };
  };
  expect((await runTampered(probe, { plan: writable })).stdout).toContain("reached");
});
