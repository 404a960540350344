import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ResourceLimitsSchema, type PluginRuntime } from "@logomesh/contracts";
import { systemClock } from "../core/base/index.ts";
import { createBubblewrapSandbox } from "../core/plugins/sandbox/bubblewrapSandbox.ts";
import type { SandboxExit, SandboxProcess } from "../core/plugins/sandbox/sandbox.ts";
import { fixtureServer } from "../core/plugins/testing.ts";
import { CALLER, TestHost } from "../core/plugins/testingHost.ts";
import { createTempFolder, silentLogger } from "../core/testing/index.ts";
import { hashOf, quantile, type Benchmark, type Figure } from "./harness.ts";

const ROUNDS = 15;
const STARTS = 20;
const MIB = 1024 * 1024;

const sandboxOptions = { logger: silentLogger, clock: systemClock, nodePath: process.execPath };
type Box = ReturnType<typeof createBubblewrapSandbox>;

// Each says "now" with its last act within the limit, and is beyond it with the next.
const HOARDS = {
  memory: `import mmap, os, time
kept = mmap.mmap(-1, 256 << 20)
for at in range(0, 48 << 20, 4096): kept[at] = 1
time.sleep(0.3)
print("now", flush=True)
for at in range(48 << 20, 256 << 20, 4096): kept[at] = 1
time.sleep(30)`,
  child: `import mmap, os, signal, time
if os.fork() == 0:
  kept = mmap.mmap(-1, 256 << 20)
  print("now", flush=True)
  for at in range(0, 256 << 20, 4096): kept[at] = 1
  time.sleep(30)
signal.pause()`,
  processes: `import os, time
made = 0
print("now", flush=True)
try:
  while True:
    if os.fork() == 0: time.sleep(20); os._exit(0)
    made += 1
except OSError: os._exit(made)`,
  data: `import time
time.sleep(0.4)
print("now", flush=True)
for i in range(16): open(f"/data/{i}", "wb").write(b"x" * (1 << 20))
time.sleep(30)`,
} as const;

/** Of the workbench's own rules: a tool that floods its output, one that sends a line without end, and one that never answers. */
const SERVER = fixtureServer({
  tools: `["lines", "endless", "silent"].map((name) => ({ name, inputSchema: { type: "object" } }))`,
  body: `
  if (name === "lines") { for (;;) raw('{"jsonrpc":"2.0","method":"notifications/x"}\\n'.repeat(1000)); }
  if (name === "endless") { const more = () => process.stdout.write("x".repeat(65536), more); more(); }
  return undefined;`,
});
const DEADLINE_MS = 200;

export const benchmark: Benchmark = {
  name: "Detection of limits",
  about:
    "from the last act within a limit to the news that the whole tree of the plugin has ended (or, for processes, that the next is refused); pages that are still filled meanwhile are a part of it",
  async run() {
    using box = createBubblewrapSandbox(sandboxOptions);
    using watched = createBubblewrapSandbox({ ...sandboxOptions, usesControlGroups: false });
    const { bounds } = box.status();
    const hasGroups = bounds !== undefined && bounds.memory !== "watchdog";
    const found = new Map<string, number[]>();
    const ends = new Set<string>();
    const take = async (name: string, measure: () => Promise<{ ms: number; end: string }>): Promise<void> => {
      const { ms, end } = await measure();
      found.set(name, [...(found.get(name) ?? []), ms]);
      ends.add(`${name}: ${end}`);
    };
    // Interleaved, so that all of them meet the same machine.
    for (let round = 0; round < ROUNDS; round += 1) {
      if (hasGroups) {
        await take("memory, by group", () => detect(box, "memory"));
        await take("memory of a child, by group", () => detect(box, "child"));
        await take("processes, by group and rlimit", () => detect(box, "processes"));
      }
      await take("memory, by watchdog", () => detect(watched, "memory"));
      await take("processes, by rlimit", () => detect(watched, "processes"));
      await take("/data", () => detect(box, "data"));
      await take("flood of messages", () => call("lines"));
      await take("line without end", () => call("endless"));
      await take(`time-out, beyond its ${DEADLINE_MS} ms`, () => call("silent"));
    }
    const starts: Figure[] = [];
    for (const [name, used] of hasGroups
      ? ([
          ["with", box],
          ["without", watched],
        ] as const)
      : ([["without", watched]] as const))
      starts.push({
        name: `start of Node ${name} a group p50`,
        value: await medianStartMs(used),
        unit: "ms",
        budget: { max: 80 },
      });
    return {
      parameters: { rounds: ROUNDS, starts: STARTS, groups: bounds?.memory ?? "none" },
      resultHash: hashOf([...ends].sort()),
      figures: [...[...found].flatMap(([name, samples]) => figuresOf(name, samples)), ...starts],
    };
  },
};

function figuresOf(name: string, samples: readonly number[]): Figure[] {
  const max = /by group$/.test(name) ? 100 : name === "memory, by watchdog" ? 250 : name === "/data" ? 500 : undefined;
  return [0.5, 0.99].map((q) => ({
    ...{ name: `${name} p${q * 100}`, value: quantile(samples, q), unit: "ms" },
    ...(max === undefined ? {} : { budget: { max } }),
  }));
}

/** A bundle of one file in a folder of its own. */
function createBundle(runtime: PluginRuntime, source: string) {
  const temp = createTempFolder();
  const [folder, data] = ["bundle", "data"].map((name) => join(temp.path, name)) as [string, string];
  const entryPoint = runtime === "python" ? "main.py" : "main.js";
  mkdirSync(folder, { mode: 0o755 });
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(folder, entryPoint), source, { mode: 0o644 });
  const limits = ResourceLimitsSchema.parse({ memory_mb: 64, max_processes: 8 });
  const spec = { pluginId: "org.example.hog", runtime, bundleFolder: folder, entryPoint, limits };
  return {
    spec,
    data: { folder: data, bytesMax: 4 * MIB },
    [Symbol.dispose]: () => rmSync(temp.path, { recursive: true }),
  };
}

async function detect(box: Box, hoard: keyof typeof HOARDS): Promise<{ ms: number; end: string }> {
  using bundle = createBundle("python", HOARDS[hoard]);
  const limits = hoard === "processes" ? { ...bundle.spec.limits, memory_mb: 512 } : bundle.spec.limits;
  const started = await box.launch({ ...bundle.spec, limits, ...(hoard === "data" ? { data: bundle.data } : {}) });
  await firstOutput(started);
  const beganMs = performance.now();
  const exit = await started.exited;
  return { ms: performance.now() - beganMs, end: endOf(exit) };
}

/** Which bound it was; the number of processes that were made is the exit code. */
function endOf({ cause, code }: SandboxExit): string {
  return cause ?? `ended by itself after ${code ?? "no"} processes`;
}

function firstOutput({ stdout }: SandboxProcess): Promise<void> {
  return new Promise((resolve) => stdout.once("data", () => resolve()));
}

/** A fresh host each time: a plugin that broke a rule waits before it may start again. */
async function call(tool: string): Promise<{ ms: number; end: string }> {
  await using host = new TestHost();
  host.write("hog", { files: { "main.mjs": SERVER } });
  await host.open();
  await host.host.load("org.example.fixture", CALLER);
  const beganMs = performance.now();
  const options = tool === "silent" ? { timeoutMs: DEADLINE_MS } : {};
  const end = await host.call(tool, {}, options).then(
    () => "answered",
    (error: unknown) => (error as { code: string }).code,
  );
  return { ms: performance.now() - beganMs - (tool === "silent" ? DEADLINE_MS : 0), end };
}

/** From the launch to the first line of output. */
async function medianStartMs(box: Box): Promise<number> {
  using bundle = createBundle("nodejs", "console.log('here')");
  const samples: number[] = [];
  for (let index = 0; index < STARTS; index += 1) {
    const beganMs = performance.now();
    const started = await box.launch(bundle.spec);
    await firstOutput(started);
    samples.push(performance.now() - beganMs);
    await started[Symbol.asyncDispose]();
  }
  return quantile(samples, 0.5);
}
