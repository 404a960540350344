import { hashOf, quantile, type Benchmark } from "./harness.ts";
import { measureCalls, openPluginWorkbench } from "./pluginWorkbench.ts";

const PLUGIN = { id: "org.example.echo-js", runtime: "nodejs", file: "index.mjs" } as const;
const SWAPS = 20;
const IN_FLIGHT = 16;
const CALM_CALLS = 10_000;

export const benchmark: Benchmark = {
  name: "Hot swap",
  about:
    "a plugin's process is replaced again and again while 16 callers never pause; the peer is the same load without swaps",
  async run() {
    await using bench = await openPluginWorkbench([PLUGIN]);
    const { workbench, caller } = bench;
    const call = () => bench.call(PLUGIN.id, "hello");
    const calm = await measureCalls(call, { samples: 500, calls: CALM_CALLS, inFlight: IN_FLIGHT });
    const answers = new Set<string>();
    let calls = 0;
    let failed = 0;
    let isOver = false;
    const latenciesMs: number[] = [];
    const callers = Array.from({ length: IN_FLIGHT }, async () => {
      while (!isOver) {
        const startedMs = performance.now();
        await call().then(
          (text) => answers.add(text),
          () => (failed += 1),
        );
        latenciesMs.push(performance.now() - startedMs);
        calls += 1;
      }
    });
    const swapsMs: number[] = [];
    const startedMs = performance.now();
    for (let swap = 0; swap < SWAPS; swap += 1) {
      const swapStartedMs = performance.now();
      await workbench.plugins.reload(PLUGIN.id, caller);
      swapsMs.push(performance.now() - swapStartedMs);
    }
    const elapsedMs = performance.now() - startedMs;
    isOver = true;
    await Promise.all(callers);
    return {
      parameters: { swaps: SWAPS, inFlight: IN_FLIGHT, calls },
      resultHash: hashOf([...answers]),
      figures: [
        { name: "failed calls", value: failed, unit: "", budget: { max: 0 } },
        { name: "swap p50", value: quantile(swapsMs, 0.5), unit: "ms", budget: { max: 1_000 } },
        { name: "swap slowest", value: Math.max(...swapsMs), unit: "ms", budget: { max: 1_000 } },
        { name: "call p99 while swapping", value: quantile(latenciesMs, 0.99), unit: "ms" },
        {
          ...{ name: "calls while swapping", value: (calls * 1_000) / elapsedMs, unit: "/s" },
          peer: { name: "/s without swaps", value: calm.callsPerSecond },
        },
      ],
    };
  },
};
