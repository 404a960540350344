import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type PluginManifest, type PluginRuntime } from "@logomesh/contracts";
import { stageBundle } from "../bundle.ts";
import { readManifest } from "../manifest.ts";
import { RuntimeManager, type RuntimeManagerOptions } from "../runtimeManager.ts";
import { createTemporaryFolder } from "./temporaryFolder.ts";

// The tests of a plugin run where the plugin will: in the sandbox, with its limits, without network and files. A copy of the bundle gets an
// entry point that finds them.

/** By runtime: the entry point of a test run, and which files are tests. */
const RUNNERS: Readonly<
  Record<PluginRuntime, { file: string; tests: RegExp; example: string; source: (files: string[]) => string }>
> = {
  nodejs: {
    file: "logomesh-tests.ts",
    tests: /\.test\.(ts|mts|js|mjs)$/,
    example: "greet.test.ts",
    source: (files) => `import { run } from "node:test";
import { spec } from "node:test/reporters";
const stream = run({ files: ${JSON.stringify(files)}.map((file) => "/plugin/" + file) });
stream.on("test:fail", () => (process.exitCode = 1));
stream.compose(new spec()).pipe(process.stdout);
`,
  },
  python: {
    file: "logomesh_tests.py",
    tests: /(^|\/)test_\w+\.py$/,
    example: "test_main.py",
    source: (files) => `import sys, unittest
names = ${JSON.stringify(files.map((file) => file.replace(/\.py$/, "").replaceAll("/", ".")))}
unittest.main(module=None, argv=["tests", "--verbose", *names])
`,
  },
  shell: {
    file: "logomesh-tests.sh",
    tests: /(^|\/)test_[\w-]+(\.sh)?$/,
    example: "test_tools.sh",
    source: (files) => `#!/bin/bash
failed=0
cd /plugin
for file in ${files.map((file) => `'${file.replaceAll("'", "'\\''")}'`).join(" ")}; do
  if bash --noprofile --norc "./$file"; then echo "ok $file"; else echo "not ok $file (exit code $?)"; failed=1; fi
done
exit $failed
`,
  },
};

export interface TestBundleOptions extends RuntimeManagerOptions {
  folder: string;
  /** What the tests write, as it comes. */
  onOutput: (text: string) => void;
  signal: AbortSignal;
}

export interface TestBundleResult {
  isPassed: boolean;
  /** Files with tests. */
  files: string[];
}

/**
 * Runs the tests of a plugin: `*.test.ts` with node:test, `test_*.py` with unittest, `test_*.sh` by their exit code.
 * @throws LogoMeshError LM_NOT_FOUND when it has none, LM_PLUGIN_SANDBOX_UNAVAILABLE, LM_PLUGIN_MANIFEST_INVALID, LM_PLUGIN_BUNDLE_INVALID
 */
export async function testBundle({
  folder,
  onOutput,
  signal,
  ...options
}: TestBundleOptions): Promise<TestBundleResult> {
  const manifest = readManifest(folder);
  const runner = RUNNERS[manifest.runtime];
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => runner.tests.test(file) && !file.includes("node_modules/"))
    .sort();
  if (files.length === 0)
    throw new LogoMeshError("LM_NOT_FOUND", `${manifest.id} has no tests. Add one, for example ${runner.example}.`);
  using scratch = createTemporaryFolder();
  const copy = join(scratch.path, "bundle");
  cpSync(stageBundle({ source: folder, stagingFolder: scratch.path, pluginId: manifest.id }).folder, copy, {
    recursive: true,
  });
  if (existsSync(join(copy, runner.file)))
    throw new LogoMeshError("LM_CONFLICT", `${runner.file} is the name of the file that runs the tests. Rename yours.`);
  writeFileSync(join(copy, runner.file), runner.source(files), { mode: 0o755 });
  // Without the table of tools nothing speaks for a shell plugin: its own file runs.
  const asTests: PluginManifest = { ...manifest, entry_point: runner.file, args: [], tools: {} };
  await using process = await new RuntimeManager(options).start(asTests, {
    ...{ bundleFolder: copy, isOutside: false },
    resources: { environment: {}, mounts: {}, isPrivate: false },
  });
  process.stdin.end();
  for (const stream of [process.stdout, process.stderr])
    stream.on("data", (chunk: Buffer) => onOutput(chunk.toString("utf8")));
  const kill = (): void => process.kill();
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  const { code, cause } = await process.exited;
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (cause === "memory")
    onOutput(`The tests used more than ${manifest.resource_limits.memory_mb} MiB and were stopped.\n`);
  return { isPassed: code === 0, files };
}
