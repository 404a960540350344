import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginTools } from "../core/ports/index.ts";
import type { TaskEngine } from "../core/workflows/index.ts";
import { CALLER, openBenchEngine } from "./engine.ts";
import { hashOf, quantile, type Benchmark } from "./harness.ts";

const SHORT_LOOP = 100;
const LONG_LOOP = 12_000;
const BRANCHES = 1_000;
/** Just below what a step may answer. */
const LARGE_BYTES = 8 * 1024 * 1024 - 1024;
const LARGE_OUTPUTS = 5;
const WAIT_MS_MAX = 120_000;
/** For a loop of one step each, so that a run of it is a neighbour that notices a stalled engine. */
const NEIGHBOUR_STEPS = 1;

const STEP = '{ call: plugin, with: { plugin: b, tool: next, arguments: { sum: "${ .sum }" } } }';
const head = (name: string): string =>
  `document: { dsl: "1.0.3", namespace: bench, name: ${name}, version: "1.0.0" }\n`;
const loopOf = (name: string, count: number): string =>
  `${head(name)}do:\n  - loop:\n      for: { each: n, in: "\${ [range(${count})] }" }\n      do:\n        - step: ${STEP}\n`;
const SOURCES = [
  loopOf("short", SHORT_LOOP),
  loopOf("long", LONG_LOOP),
  loopOf("neighbour", NEIGHBOUR_STEPS),
  `${head("wide")}do:\n  - both:\n      fork:\n        branches:\n${Array.from(
    { length: BRANCHES },
    (_branch, index) => `          - b${index}: ${STEP}`,
  ).join("\n")}\n`,
  `${head("large")}do:\n  - big: { call: plugin, with: { plugin: b, tool: large, arguments: {} }, output: { as: "\${ { size: (.text | length) } }" } }\n`,
];

const large = "x".repeat(LARGE_BYTES);
const tools: PluginTools = {
  describeTool: () => ({ effect: "pure", version: "1.0.0", sha256: "" }),
  callTool: ({ tool, arguments: { sum } }) =>
    Promise.resolve({
      content: [],
      structuredContent: tool === "large" ? { text: large } : { sum: Number(sum) + 1 },
      isError: false,
      durationMs: 0,
    }),
};

export const benchmark: Benchmark = {
  name: "Large runs",
  about:
    "loops and branches of durable steps that answer at once, and outputs of 8 MiB beside a run that wants to go on",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "logomesh-bench-"));
    try {
      await using opened = await openBenchEngine(folder, tools);
      const { engine } = opened;
      for (const source of SOURCES) await engine.define({ source, origin: "bench", caller: CALLER });
      await timed(engine, "long");
      const shortMs = [];
      for (let round = 0; round < 10; round += 1) shortMs.push((await timed(engine, "short")).elapsedMs);
      const before = heapBytes();
      const long = await timed(engine, "long");
      const grownBytes = heapBytes() - before;
      const wide = await timed(engine, "wide");
      const calmMs = await neighbour(engine, () => false);
      const neighbourMs = await beside(engine, async () => {
        for (let output = 0; output < LARGE_OUTPUTS; output += 1) await timed(engine, "large");
      });
      const perStepMs = quantile(shortMs, 0.5) / SHORT_LOOP;
      return {
        parameters: { shortLoop: SHORT_LOOP, longLoop: LONG_LOOP, branches: BRANCHES, largeBytes: LARGE_BYTES },
        resultHash: hashOf([long.output, wide.output]),
        figures: [
          { name: `loop of ${SHORT_LOOP}`, value: quantile(shortMs, 0.5), unit: "ms" },
          {
            name: `loop of ${LONG_LOOP}, each iteration`,
            value: long.elapsedMs / LONG_LOOP,
            unit: "ms",
            peer: { name: `in a loop of ${SHORT_LOOP}`, value: perStepMs },
          },
          { name: `memory that a loop of ${LONG_LOOP} leaves`, value: grownBytes / 1e6, unit: "MB" },
          { name: `${BRANCHES} branches`, value: wide.elapsedMs, unit: "ms" },
          {
            name: "a run of one step beside large outputs, p99",
            value: quantile(neighbourMs, 0.99),
            unit: "ms",
            peer: { name: "alone", value: quantile(calmMs, 0.99) },
          },
        ],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function timed(engine: TaskEngine, name: string): Promise<{ elapsedMs: number; output: unknown }> {
  const startedMs = performance.now();
  const workflow = { namespace: "bench", name };
  const run = await engine.start({ workflow, input: { sum: 0 }, waitMs: WAIT_MS_MAX }, CALLER);
  if (run.status !== "completed") throw new Error(`${name} ended as ${run.status}: ${JSON.stringify(run.error)}`);
  return { elapsedMs: performance.now() - startedMs, output: run.output };
}

/** Times of runs of one step, one after the other, while the other work goes on. */
async function beside(engine: TaskEngine, work: () => Promise<void>): Promise<number[]> {
  let isOver = false;
  const working = work().finally(() => (isOver = true));
  const times = await neighbour(engine, () => isOver);
  await working;
  return times;
}

async function neighbour(engine: TaskEngine, isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (times.length < 200 && !isOver()) times.push((await timed(engine, "neighbour")).elapsedMs);
  return times;
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
