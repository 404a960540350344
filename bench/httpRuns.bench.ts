import { createClient } from "@logomesh/contracts/client";
import { hashOf, quantile, type Benchmark } from "./harness.ts";
import { createBenchFolder, initWorkspace, startWorkbench } from "./workbenchProcess.ts";

const RUNS = 4000;
const CLIENTS = 20;
const SOURCE = `
document: { dsl: '1.0.3', namespace: bench, name: two-tasks, version: '1.0.0' }
do:
  - double: { set: { value: '\${ .value * 2 }' } }
  - add: { set: { value: '\${ .value + 1 }' } }
`;

export const benchmark: Benchmark = {
  name: "Start and wait over HTTP",
  about: "runs of two pure tasks, each started by POST /api/runs and answered when its last commit is on disk",
  async run() {
    using folder = createBenchFolder();
    await initWorkspace(folder);
    await using workbench = await startWorkbench(folder);
    const client = createClient({ baseUrl: workbench.url, token: workbench.token });
    await client.defineWorkflow({ body: { source: SOURCE } });
    const latenciesMs: number[] = [];
    const outputs = new Map<number, unknown>();
    let next = 0;
    const measure = async (runs: number): Promise<number> => {
      next = 0;
      latenciesMs.length = 0;
      const startedMs = performance.now();
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          while (next < runs) {
            const value = next++;
            const callMs = performance.now();
            const run = await client.startRun({
              body: { workflow: { namespace: "bench", name: "two-tasks" }, input: { value }, waitMs: 10_000 },
            });
            latenciesMs.push(performance.now() - callMs);
            outputs.set(value, run.output);
          }
        }),
      );
      return performance.now() - startedMs;
    };
    await measure(500);
    const elapsedMs = await measure(RUNS);
    return {
      parameters: { runs: RUNS, clients: CLIENTS, synchronous: "FULL" },
      resultHash: hashOf([...outputs].sort(([a], [b]) => a - b)),
      figures: [
        { name: "runs", value: (RUNS * 1000) / elapsedMs, unit: "/s", budget: { min: 1000 } },
        { name: "latency p50", value: quantile(latenciesMs, 0.5), unit: "ms" },
        { name: "latency p99", value: quantile(latenciesMs, 0.99), unit: "ms", budget: { max: 50 } },
      ],
    };
  },
};
