import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { ResourceLimitsSchema } from "@logomesh/contracts";
import { systemClock } from "../../base/index.ts";
import { silentLogger } from "../../testing/index.ts";
import { createOutsideRunner, type OutsideRunnerOptions } from "./outsideRunner.ts";
import { isAlive } from "./processTree.ts";
import type { SandboxSpec } from "./sandbox.ts";

// In the process of the test, with programs of ours that do no harm: they run as whoever runs the test. What hostile ones may not do is
// attacked as an ordinary user in test/security/outside.test.ts.

const base = mkdtempSync(join(tmpdir(), "logomesh-outside-test-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const USER = { platform: "linux", arch: "x64", uid: 1000 } as const;

function open(options: Partial<OutsideRunnerOptions> = {}) {
  return createOutsideRunner({
    ...{ logger: silentLogger, clock: systemClock, nodePath: process.execPath, host: USER },
    ...options,
  });
}

let bundles = 0;
function bundle(entryPoint: string, source: string, rest: Partial<SandboxSpec> = {}): SandboxSpec {
  const bundleFolder = join(base, `bundle-${++bundles}`);
  mkdirSync(bundleFolder);
  writeFileSync(join(bundleFolder, entryPoint), source, { mode: 0o755 });
  const runtime = entryPoint.endsWith(".py") ? "python" : entryPoint.endsWith(".sh") ? "shell" : "nodejs";
  return {
    ...{ pluginId: "org.example.test", runtime, bundleFolder, entryPoint, limits: ResourceLimitsSchema.parse({}) },
    ...rest,
  };
}

async function textOf(stream: Readable): Promise<string> {
  let all = "";
  for await (const chunk of stream.setEncoding("utf8")) all += String(chunk);
  return all;
}

test.each([
  ["another system", { ...USER, platform: "darwin" as const }, /Linux only/],
  ["root", { ...USER, uid: 0 }, /ordinary user/],
])("[SB38] on %s nothing runs outside of the sandbox, and the answer says why", async (_, host, reason) => {
  using runner = open({ host });
  expect(runner.obstacle()).toMatch(reason);
  await expect(runner.launch(bundle("main.sh", "#!/bin/sh\n"))).rejects.toMatchObject({
    code: "LM_PLUGIN_SECURITY_LEVEL",
    message: expect.stringMatching(reason),
  });
});

test.each(["control groups", "a watchdog"])(
  "[SB39] [SB40] with %s a program finds its files below its root",
  async (by) => {
    using runner = open({ usesControlGroups: by === "control groups" });
    expect(runner.obstacle()).toBeUndefined();
    const notes = join(base, `notes-${bundles}`);
    const data = { folder: join(base, `data-${bundles}`), bytesMax: 1 << 20 };
    for (const folder of [notes, data.folder]) mkdirSync(folder);
    writeFileSync(join(notes, "a.txt"), "note");
    const source = `import json, os
root = os.environ["LOGOMESH_ROOT"]
open(root + "/data/kept", "w").write("kept")
print(json.dumps({"note": open(root + "/work/notes/a.txt").read(), "bundle": os.listdir(root + "/plugin"), "name": os.environ["NAME"], "root": root}))
`;
    const spec = bundle("main.py", source, {
      readOnlyMounts: { "/work/notes": notes },
      environment: { NAME: "Ada" },
      data,
    });
    await using started = await runner.launch(spec);
    const output = textOf(started.stdout);
    expect(await started.exited).toEqual({ code: 0, signal: null });
    const { root, ...said } = JSON.parse(await output) as { root: string };
    expect(said).toEqual({ note: "note", bundle: ["main.py"], name: "Ada" });
    expect([existsSync(root), existsSync(join(data.folder, "kept"))]).toEqual([false, true]);
  },
);

test("[SB41] a tree ends when it is killed, and with the runner", async () => {
  const runner = open();
  const source = "setInterval(() => {}, 1000); process.stdout.write('up\\n');";
  const [first, second] = await Promise.all([
    runner.launch(bundle("main.js", source)),
    runner.launch(bundle("main.js", source)),
  ]);
  for (const { stdout } of [first, second]) await new Promise((resolve) => stdout.once("data", resolve));
  first.kill();
  await first.exited;
  expect([isAlive(first.pid), isAlive(second.pid)]).toEqual([false, true]);
  runner[Symbol.dispose]();
  await second.exited;
  expect(isAlive(second.pid)).toBe(false);
});

test("a bundle that is not whole is refused before anything starts", async () => {
  using runner = open();
  await expect(runner.launch({ ...bundle("main.js", ""), entryPoint: "none.js" })).rejects.toMatchObject({
    code: "LM_PLUGIN_BUNDLE_INVALID",
  });
});
