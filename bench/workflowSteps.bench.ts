import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginTools } from "../core/ports/index.ts";
import { CALLER, openBenchEngine } from "./engine.ts";
import { hashOf, quantile, runPeer, type Benchmark } from "./harness.ts";

const RUNS = 2_000;
const STEPS = 10;
const CONCURRENCY = 20;
const SINGLE_RUNS = 100;
/** Of the slower peer; a rate does not need more. */
const DBOS_RUNS = 400;

const STEP_TASKS = Array.from(
  { length: STEPS },
  (_step, index) =>
    `  - step-${index}: { call: plugin, with: { plugin: b, tool: next, arguments: { sum: "\${ .sum }" } } }`,
).join("\n");
const SOURCE = `document: { dsl: "1.0.3", namespace: bench, name: steps, version: "1.0.0" }\ndo:\n${STEP_TASKS}\n`;
const tools: PluginTools = {
  describeTool: () => ({ effect: "pure", version: "1.0.0", sha256: "" }),
  callTool: ({ arguments: { sum } }) =>
    Promise.resolve({ content: [], structuredContent: { sum: Number(sum) + 1 }, isError: false, durationMs: 0 }),
};
interface PeerResult {
  stepsPerSecond: number;
  singleRunP50Ms: number;
}

export const benchmark: Benchmark = {
  name: "Durable steps",
  about:
    "runs of steps that answer at once, each with its row, event and audit entry committed with synchronous=FULL before the next one starts",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "logomesh-bench-"));
    try {
      const own = await measure(folder);
      const peers = [
        {
          name: "OpenWorkflow on SQLite",
          ...(await runPeer<PeerResult>("openWorkflow.ts", [RUNS, STEPS, CONCURRENCY])),
        },
        { name: "DBOS on PostgreSQL", ...(await runPeer<PeerResult>("dbos.ts", [DBOS_RUNS, STEPS, CONCURRENCY])) },
      ];
      return {
        parameters: { runs: RUNS, steps: STEPS, atOnce: CONCURRENCY, singleRuns: SINGLE_RUNS },
        resultHash: hashOf(own.sums),
        figures: [
          {
            name: "steps",
            value: own.stepsPerSecond,
            unit: "/s",
            budget: { min: 15_000 },
            peer: peers.map(({ name, stepsPerSecond }) => ({ name, value: stepsPerSecond })),
          },
          {
            name: "one run p50",
            value: quantile(own.singleMs, 0.5),
            unit: "ms",
            budget: { max: 3 },
            peer: peers.map(({ name, singleRunP50Ms }) => ({ name: `ms ${name}`, value: singleRunP50Ms })),
          },
          { name: "one run p99", value: quantile(own.singleMs, 0.99), unit: "ms" },
        ],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string): Promise<{ stepsPerSecond: number; singleMs: number[]; sums: unknown[] }> {
  await using opened = await openBenchEngine(folder, tools);
  const { engine } = opened;
  await engine.define({ source: SOURCE, origin: "bench", caller: CALLER });
  const runOnce = async (): Promise<unknown> => {
    const workflow = { namespace: "bench", name: "steps" };
    const run = await engine.start({ workflow, input: { sum: 0 }, waitMs: 60_000 }, CALLER);
    if (run.status !== "completed") throw new Error(`A run ended as ${run.status}.`);
    return run.output;
  };
  for (let warm = 0; warm < 50; warm += 1) await runOnce();
  const singleMs: number[] = [];
  for (let index = 0; index < SINGLE_RUNS; index += 1) {
    const startedMs = performance.now();
    await runOnce();
    singleMs.push(performance.now() - startedMs);
  }
  const sums: unknown[] = [];
  const startedMs = performance.now();
  let left = RUNS;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (left-- > 0) sums.push(await runOnce());
    }),
  );
  return { stepsPerSecond: (RUNS * STEPS * 1_000) / (performance.now() - startedMs), singleMs, sums };
}
