import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type PluginManifest } from "@logomesh/contracts";
import { systemRandom } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import { stageBundle } from "../bundle.ts";
import { HostPlane } from "../hostPlane/hostPlane.ts";
import { ProcessTaint } from "../hostPlane/processTaint.ts";
import { readManifest } from "../manifest.ts";
import { RuntimeManager, type RuntimeManagerOptions } from "../runtimeManager.ts";
import { runTestCases } from "./runTestCases.ts";
import { ScriptedHost } from "./scriptedHost.ts";
import { createTemporaryFolder } from "./temporaryFolder.ts";
import { readTestCases } from "./testCases.ts";
import { CASE_FILES, TEST_RUNNERS } from "./testRunners.ts";

// The tests of a plugin run where the plugin will: in the sandbox, with its limits, without network and files, and with a host on descriptor 3
// that answers what the tests say and performs nothing. A copy of the bundle gets an entry point that finds them.

/** Of all tests together, unless the caller says otherwise: a test that never ends is noticed. */
export const TEST_TIMEOUT_MS = 120_000;
/** What tests may write; a loop that prints does not fill a terminal or a build log. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** Says to the SDKs that a test runs: `serve()` returns at once, and the host can be scripted. */
const TEST_ENVIRONMENT = { LOGOMESH_TEST: "1" };

export interface TestBundleOptions extends RuntimeManagerOptions {
  folder: string;
  /** What the tests write, as it comes. */
  onOutput: (text: string) => void;
  clock: Clock;
  timeoutMs?: number;
  signal: AbortSignal;
}

export interface TestBundleResult {
  isPassed: boolean;
  /** Files with tests. */
  files: string[];
}

interface TestRun {
  manifest: PluginManifest;
  /** The staged copy, as it would run. */
  bundleFolder: string;
  scratch: string;
  onOutput: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Runs the tests of a plugin: `*.test.ts` with node:test, `test_*.py` with unittest, `test_*.sh` by their exit code, and in each runtime the
 * cases of `*.test.yaml` and `*.test.json`.
 * @throws LogoMeshError LM_NOT_FOUND when it has none, LM_TIMEOUT, LM_TOO_LARGE, LM_INPUT_INVALID for a file of cases that is none,
 * LM_PLUGIN_SANDBOX_UNAVAILABLE, LM_PLUGIN_MANIFEST_INVALID, LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_START_FAILED
 */
export async function testBundle({
  folder,
  signal,
  onOutput,
  ...options
}: TestBundleOptions): Promise<TestBundleResult> {
  const manifest = readManifest(folder);
  const runner = TEST_RUNNERS[manifest.runtime];
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => !/(^|\/)(node_modules|vendor)\//.test(file))
    .sort();
  const programs = files.filter((file) => runner.tests.test(file));
  const cases = files.filter((file) => CASE_FILES.test(file));
  if (programs.length + cases.length === 0)
    throw new LogoMeshError("LM_NOT_FOUND", `${manifest.id} has no tests. Add one, for example ${runner.example}.`);
  using scratch = createTemporaryFolder();
  const bundleFolder = stageBundle({ source: folder, stagingFolder: scratch.path, pluginId: manifest.id }).folder;
  using bounds = boundsOf({ signal, onOutput, ...options });
  const run: TestRun = {
    manifest,
    bundleFolder,
    scratch: scratch.path,
    signal: bounds.signal,
    onOutput: bounds.onOutput,
  };
  const read = cases.map((name) => ({ name, cases: readTestCases(join(folder, name), name) }));
  const isPassed = [
    programs.length === 0 || (await runPrograms(programs, run, options)),
    read.length === 0 ||
      (await runTestCases(read, {
        ...{ manifest, bundleFolder, environment: {}, random: systemRandom, clock: options.clock },
        ...{ runtimes: new RuntimeManager(options), signal: run.signal, onOutput: run.onOutput },
      })),
  ].every(Boolean);
  run.signal.throwIfAborted();
  return { isPassed, files: [...programs, ...cases].sort() };
}

/** Ends what takes too long or writes too much, as the caller's own signal does. */
function boundsOf({
  signal,
  onOutput,
  clock,
  timeoutMs = TEST_TIMEOUT_MS,
}: Pick<TestBundleOptions, "signal" | "onOutput" | "clock" | "timeoutMs">): Disposable &
  Pick<TestRun, "signal" | "onOutput"> {
  const stop = new AbortController();
  const seconds = timeoutMs / 1_000;
  const timer = clock.setTimer(timeoutMs, () =>
    stop.abort(
      new LogoMeshError(
        "LM_TIMEOUT",
        `The tests did not end within ${seconds} s and were stopped. Give them longer with --timeout <seconds>.`,
      ),
    ),
  );
  let bytes = 0;
  return {
    signal: AbortSignal.any([signal, stop.signal]),
    onOutput: (text) => {
      bytes += Buffer.byteLength(text);
      if (bytes <= OUTPUT_BYTES_MAX) onOutput(text);
      else
        stop.abort(
          new LogoMeshError("LM_TOO_LARGE", `The tests wrote more than ${OUTPUT_BYTES_MAX} bytes and were stopped.`),
        );
    },
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}

async function runPrograms(
  files: readonly string[],
  { manifest, bundleFolder, scratch, onOutput, signal }: TestRun,
  options: RuntimeManagerOptions & Pick<TestBundleOptions, "clock">,
): Promise<boolean> {
  const { file, source } = TEST_RUNNERS[manifest.runtime];
  const copy = join(scratch, "bundle");
  cpSync(bundleFolder, copy, { recursive: true });
  if (existsSync(join(copy, file)))
    throw new LogoMeshError("LM_CONFLICT", `${file} is the name of the file that runs the tests. Rename yours.`);
  writeFileSync(join(copy, file), source(files), { mode: 0o755 });
  // Without the table of tools nothing speaks for a shell plugin: its own file runs.
  const asTests: PluginManifest = { ...manifest, entry_point: file, args: [], tools: {} };
  const host = new ScriptedHost(manifest);
  await using process = await new RuntimeManager(options).start(asTests, {
    ...{ bundleFolder: copy, isOutside: false },
    resources: { environment: { ...TEST_ENVIRONMENT }, mounts: {}, isPrivate: false },
  });
  let fault: string | undefined;
  using plane = new HostPlane({
    ...{ pluginId: manifest.id, stream: process.hostPlane, taint: new ProcessTaint(), api: host },
    ...{ clock: options.clock, random: systemRandom },
    lineBytesMax: manifest.resource_limits.max_message_bytes,
    onFatal: (error) => {
      fault = error.message;
      process.kill();
    },
  });
  process.stdin.end();
  for (const stream of [process.stdout, process.stderr])
    stream.on("data", (chunk: Buffer) => onOutput(chunk.toString("utf8")));
  const kill = (): void => process.kill();
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  const { code, cause } = await process.exited;
  signal.removeEventListener("abort", kill);
  plane.end();
  if (cause === "memory")
    fault = `The tests used more than ${manifest.resource_limits.memory_mb} MiB and were stopped.`;
  const { problems } = host.end();
  for (const problem of [...problems, ...(fault === undefined ? [] : [fault])]) onOutput(`✗ ${problem}\n`);
  return code === 0 && problems.length === 0 && fault === undefined;
}
