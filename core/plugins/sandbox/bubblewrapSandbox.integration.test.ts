import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { ResourceLimitsSchema } from "@logomesh/contracts";
import { systemClock } from "../../base/index.ts";
import { silentLogger } from "../../testing/index.ts";
import { createBubblewrapSandbox, type BubblewrapSandboxOptions } from "./bubblewrapSandbox.ts";
import { planLaunch, readRootEntries } from "./launchPlan.ts";
import { isAlive, listTree } from "./processTree.ts";
import { createRuntimeFinder, pythonCandidates } from "./runtimes.ts";
import type { SandboxProcess, SandboxSpec } from "./sandbox.ts";
import { startSandboxProcess } from "./sandboxProcess.ts";
import { seccompProgram } from "./seccomp.ts";

const IS_ROOT = process.getuid?.() === 0;
const base = mkdtempSync(join(tmpdir(), "logomesh-sandbox-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

function open(options: Partial<BubblewrapSandboxOptions> = {}) {
  return createBubblewrapSandbox({ logger: silentLogger, clock: systemClock, nodePath: process.execPath, ...options });
}

let bundles = 0;
function bundle(files: Record<string, string>, rest: Partial<SandboxSpec> = {}): SandboxSpec {
  const folder = join(base, `bundle-${++bundles}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  const [entryPoint = ""] = Object.keys(files);
  const runtime = entryPoint.endsWith(".py") ? "python" : entryPoint.endsWith(".sh") ? "shell" : "nodejs";
  const limits = ResourceLimitsSchema.parse({});
  return { pluginId: "org.example.test", runtime, bundleFolder: folder, entryPoint, limits, ...rest };
}

async function text(stream: Readable): Promise<string> {
  let all = "";
  for await (const chunk of stream.setEncoding("utf8")) all += String(chunk);
  return all;
}

async function run(started: SandboxProcess, input = "") {
  const streams = Promise.all([text(started.stdout), text(started.stderr)]);
  started.stdin.end(input);
  const exit = await started.exited;
  const [stdout, stderr] = await streams;
  return { stdout, stderr, exit };
}

test("[SB23] Node and Python find their own modules first, then those of the mounted SDK", async () => {
  const sandbox = open();
  const sdk = join(base, "sdk");
  mkdirSync(join(sdk, "both"), { recursive: true });
  writeFileSync(join(sdk, "index.js"), "exports.name = 'sdk';");
  writeFileSync(join(sdk, "both/__init__.py"), "name = 'sdk'");
  writeFileSync(join(sdk, "only_sdk.py"), "name = 'sdk'");
  chmodSync(sdk, 0o755);
  const node = bundle(
    {
      "main.ts":
        "import own from './lib/own.ts'; import s from 'sdk'; import b from 'both'; const n: string = own; console.log(n, s.name, b.name);",
      "lib/own.ts": "export default 'own' as string;",
      "node_modules/both/index.js": "exports.name = 'own';",
      "package.json": '{"type":"module"}',
    },
    { readOnlyMounts: { "/node_modules/sdk": sdk, "/node_modules/both": sdk } },
  );
  expect(await run(await sandbox.launch(node))).toEqual({
    ...{ stdout: "own sdk own\n", stderr: "" },
    exit: { code: 0, signal: null },
  });
  const python = bundle(
    {
      "src/main.py":
        "import sys, lib.own, vendored, both, only_sdk; print(lib.own.name, vendored.name, both.name, only_sdk.name, sys.argv)",
      "lib/own.py": "name = 'own'",
      "vendor/vendored.py": "name = 'vendored'",
      "vendor/both.py": "name = 'own'",
    },
    { readOnlyMounts: { "/sdk/python": sdk } },
  );
  expect((await run(await sandbox.launch(python))).stdout).toBe("own vendored own sdk ['/plugin/src/main.py']\n");
});

test("[SB23] shell plugins read /dev/stdin, lose no output, and pass on their exit code", async () => {
  const shell = bundle({ "main.sh": "cat /dev/stdin; seq 1 200000; exit 3" });
  const { stdout, exit } = await run(await open().launch(shell), "hello\n");
  expect(stdout.startsWith("hello\n1\n")).toBe(true);
  expect(stdout.endsWith("\n200000\n")).toBe(true);
  expect(exit).toEqual({ code: 3, signal: null });
});

test("[SB23] a shell plugin's entry may be any program, and a background child does not hold up the end", async () => {
  const spec = bundle({
    "main.sh": "#!/usr/bin/env python3\nimport os, time\nif os.fork() == 0: time.sleep(60)\nprint('python')",
  });
  const started = await open().launch(spec);
  started.stdin.end();
  expect(await text(started.stdout)).toBe("python\n");
  expect(await started.exited).toEqual({ code: 0, signal: null });
});

test("[SB16] a signal inside is an exit code of 128 and its number", async () => {
  const spec = bundle({ "main.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)" });
  expect((await run(await open().launch(spec))).exit).toEqual({ code: 128 + 11, signal: null });
});

test("[SB17] many sandboxes start at once", async () => {
  const sandbox = open();
  const spec = bundle({ "main.py": "print('here')" });
  const results = await Promise.all(Array.from({ length: 6 }, async () => run(await sandbox.launch(spec))));
  expect(results.map(({ stdout }) => stdout)).toEqual(results.map(() => "here\n"));
});

test("[SB14] usage tells memory, CPU time and processes", async () => {
  const spec = bundle({
    "main.py":
      "import os\nkept = bytearray(b'x') * (40 << 20)\nopen('/tmp/f', 'wb').write(kept[:10 << 20])\nos.fork()\nwhile True: pass",
  });
  const started = await open().launch(spec);
  await expect.poll(() => started.usage().cpuPercent, { timeout: 10_000 }).toBeGreaterThan(20);
  await expect.poll(() => started.usage().processes).toBe(4); // bubblewrap twice, the plugin, its child
  expect(started.usage().memoryBytes).toBeGreaterThan(50 << 20);
  expect(started.usage().memoryBytes).toBeLessThan(200 << 20);
  expect(started.usage().cpuMs).toBeGreaterThan(0);
  await started[Symbol.asyncDispose]();
});

test("[SB11] what holds too much memory is ended and said so", async () => {
  const warnings: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  const limits = ResourceLimitsSchema.parse({ memory_mb: 96 });
  const spec = bundle(
    { "main.js": "const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 2)" },
    { limits },
  );
  const started = await open({ logger }).launch(spec);
  expect(await started.exited).toEqual({ code: null, signal: "SIGKILL", cause: "memory" });
  expect(warnings).toEqual([expect.objectContaining({ pluginId: "org.example.test" })]);
});

test("[SB16] disposing the sandbox ends what runs", async () => {
  const sandbox = open();
  const started = await sandbox.launch(bundle({ "main.py": "import time; time.sleep(60)" }));
  const tree = listTree(started.pid);
  sandbox[Symbol.dispose]();
  expect(await started.exited).toEqual({ code: null, signal: "SIGKILL", cause: "killed" });
  expect(tree.filter(isAlive)).toEqual([]);
});

test("[SB16] disposing the sandbox ends what is just being started", async () => {
  const sandbox = open();
  const launching = sandbox.launch(bundle({ "main.py": "import time; time.sleep(60)" }));
  sandbox[Symbol.dispose]();
  expect(await (await launching).exited).toEqual({ code: null, signal: "SIGKILL", cause: "killed" });
});

test("[SB20] bundles that leave themselves, or that are not there, do not start", async () => {
  const spec = bundle({ "main.js": "" });
  symlinkSync("/etc", join(spec.bundleFolder, "etc"));
  const invalid = { code: "LM_PLUGIN_BUNDLE_INVALID" };
  await expect(open().launch(spec)).rejects.toMatchObject(invalid);
  await expect(open().launch({ ...spec, bundleFolder: join(base, "none") })).rejects.toMatchObject(invalid);
});

test.each<[string, Partial<BubblewrapSandboxOptions>, RegExp]>([
  ["another system", { host: { platform: "darwin", arch: "x64", uid: 501 } }, /Linux only.*darwin/],
  ["another processor", { host: { platform: "linux", arch: "arm64", uid: 1000 } }, /x86-64 only.*arm64/],
  ["no bubblewrap", { bwrapPath: "/usr/bin/no-bwrap" }, /apt-get install bubblewrap/],
  ["a setuid bubblewrap", { bwrapPath: "/usr/bin/su" }, /chmod u-s/],
  ["a bubblewrap that fails", { bwrapPath: "/usr/bin/false" }, /user namespaces/],
])("[SB22] with %s nothing starts, and the answer says what to do", async (_, options, hint) => {
  const sandbox = open(options);
  expect(sandbox.status()).toEqual({ available: false, kind: "none", hint: expect.stringMatching(hint) });
  await expect(sandbox.launch(bundle({ "main.js": "" }))).rejects.toMatchObject({
    code: "LM_PLUGIN_SANDBOX_UNAVAILABLE",
    message: expect.stringMatching(hint),
  });
});

test("[SB22] a user other than root finds the sandbox too", () => {
  const host = { platform: "linux", arch: "x64", uid: 1000 } as const;
  expect(open({ host }).status()).toMatchObject({ available: true });
});

test("[SB22] without a Python nothing starts, and the answer names what was tried", async () => {
  const pythonCandidates = ["/usr/bin/no-python", "/usr/bin/true"];
  const launching = open({ pythonCandidates }).launch(bundle({ "main.py": "" }));
  await expect(launching).rejects.toMatchObject({
    code: "LM_PLUGIN_RUNTIME_MISSING",
    message: expect.stringMatching(/no-python: is missing; .*true: is not a Python/),
  });
});

test("[SB22] a Python that is too old is passed over, another installation is bound at its own path", async () => {
  const fake = (name: string, answer: string) => {
    const path = join(base, name);
    writeFileSync(path, `#!/usr/bin/bash\necho "${answer}"\n`, { mode: 0o755 });
    return path;
  };
  const pythonCandidates = [fake("old", "3 10 /usr"), fake("new", "3 12 /opt/python")];
  expect(await createRuntimeFinder({ nodePath: process.execPath, pythonCandidates })("python")).toEqual({
    interpreter: "/opt/python/bin/python3.12",
    mount: { source: "/opt/python", destination: "/opt/python" },
  });
  const local = createRuntimeFinder({
    nodePath: process.execPath,
    pythonCandidates: [fake("local", "3 13 /usr/local")],
  });
  expect(await local("python")).toEqual({ interpreter: "/usr/local/bin/python3.13", mount: undefined });
});

test("[SB60] a shim of a version manager is no interpreter, and says so", async () => {
  const shim = join(base, "shim/python3");
  mkdirSync(dirname(shim));
  writeFileSync(shim, '#!/usr/bin/bash\nexec "$PYENV_ROOT/versions/3.12/bin/python3" "$@"\n', { mode: 0o755 });
  const launching = open({ pythonCandidates: [shim] }).launch(bundle({ "main.py": "" }));
  await expect(launching).rejects.toMatchObject({
    message: expect.stringContaining(`${shim}: is a version manager's shim`),
  });
});

test("[SB60] the system's Python is looked at first, then those in PATH, then those of pyenv, the newest first", () => {
  const root = join(base, "pyenv");
  const made = [
    "path/python3",
    "pyenv/versions/3.9.1/bin/python3",
    "pyenv/versions/3.12.10/bin/python3",
    "pyenv/versions/3.12.9/bin/python3",
  ];
  for (const path of made) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), "");
  }
  const environment = { PATH: `${join(base, "path")}:relative:${join(base, "none")}`, PYENV_ROOT: root };
  expect(pythonCandidates(environment)).toEqual([
    "/usr/bin/python3",
    join(base, "path/python3"),
    ...["3.12.10", "3.12.9", "3.9.1"].map((version) => join(root, "versions", version, "bin/python3")),
  ]);
  expect(pythonCandidates({})).toEqual(["/usr/bin/python3"]);
});

test("[SB60] another installation runs at its own path, and a virtual environment stands for what it was made of", async () => {
  const system = execFileSync("/usr/bin/python3", ["-I", "-c", "import sys; print(*sys.version_info[:2], sep='.')"], {
    encoding: "utf8",
  }).trim();
  const prefix = join(base, "opt/python");
  mkdirSync(join(prefix, "bin"), { recursive: true });
  mkdirSync(join(prefix, "lib"));
  copyFileSync("/usr/bin/python3", join(prefix, `bin/python${system}`));
  symlinkSync(`/usr/lib/python${system}`, join(prefix, `lib/python${system}`));
  const source = "import sys; print(sys.prefix, sys.executable)";
  const own = open({ pythonCandidates: [join(prefix, `bin/python${system}`)] });
  expect((await run(await own.launch(bundle({ "main.py": source })))).stdout).toBe(
    `${prefix} ${prefix}/bin/python${system}\n`,
  );
  const venv = join(base, "venv");
  execFileSync("/usr/bin/python3", ["-I", "-m", "venv", "--without-pip", venv]);
  const made = open({ pythonCandidates: [join(venv, "bin/python3")] });
  expect((await run(await made.launch(bundle({ "main.py": source })))).stdout).toBe(`/usr /usr/bin/python${system}\n`);
});

test("[SB61] packages and compiled modules of vendor are the plugin's own, and what is installed beside the interpreter is not there", async () => {
  const script = "import _zoneinfo, os, sys; print(*os.path.split(_zoneinfo.__file__), *sys.path, sep=chr(10))";
  const [folder = "", name = "", ...outside] = execFileSync("/usr/bin/python3", ["-I", "-c", script], {
    encoding: "utf8",
  }).split("\n");
  expect(outside.some((path) => path.endsWith("-packages"))).toBe(true);
  const source = `
import sys, pure, pkg._zoneinfo as compiled
print(pure.name, compiled.__file__, compiled.ZoneInfo.__name__)
print([path for path in sys.path if path.endswith("-packages")])`;
  const spec = bundle({ "main.py": source, "vendor/pure.py": "name = 'vendored'", "vendor/pkg/__init__.py": "" });
  copyFileSync(join(folder, name), join(spec.bundleFolder, "vendor/pkg", name));
  expect(await run(await open().launch(spec))).toEqual({
    ...{ stdout: `vendored /plugin/vendor/pkg/${name} ZoneInfo\n[]\n`, stderr: "" },
    exit: { code: 0, signal: null },
  });
});

/** A plan of the bundle for a host that is root, with one word of it changed. */
async function plan(spec: SandboxSpec, dropToUid: number | undefined) {
  const finder = createRuntimeFinder({ nodePath: process.execPath, pythonCandidates: ["/usr/bin/python3"] });
  const seccomp = seccompProgram("x64")!;
  const rest = { bwrapPath: "/usr/bin/bwrap", dropToUid, rootEntries: readRootEntries() };
  return planLaunch({ spec, runtime: await finder(spec.runtime), seccomp, ...rest });
}

const start = { clock: systemClock, logger: silentLogger };

test.runIf(IS_ROOT)("[SB19] a bundle that was replaced after the check is not mounted", async () => {
  const checked = bundle({ "main.py": "print('checked')" });
  const replaced = bundle({ "main.py": "print('replaced')" });
  const fd = openSync(checked.bundleFolder, "r");
  await expect(startSandboxProcess(await plan(replaced, 65534), { ...start, sourceFds: [fd] })).rejects.toMatchObject({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringMatching(/org\.example\.test.*source 0 was replaced/),
  });
});

test("[SB15] a sandbox that cannot be set up says why and leaves nothing", async () => {
  const spec = bundle({ "main.py": "" });
  const good = await plan(spec, undefined);
  const failing = { ...good, options: ["--ro-bind", "/no/such/folder", "/x", ...good.options] };
  await expect(startSandboxProcess(failing, { ...start, sourceFds: [] })).rejects.toMatchObject({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringContaining("/no/such/folder"),
  });
  const silent = { ...good, command: ["/usr/bin/false"] };
  await expect(startSandboxProcess(silent, { ...start, sourceFds: [] })).rejects.toThrow(/without a word/);
  const missing = { ...good, command: ["/no/such/launcher"] };
  await expect(startSandboxProcess(missing, { ...start, sourceFds: [] })).rejects.toThrow(/could not be run/);
});
