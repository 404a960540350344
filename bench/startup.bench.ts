import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { hashOf, quantile, type Benchmark } from "./harness.ts";
import { createBenchFolder, initWorkspace, startWorkbench } from "./workbenchProcess.ts";

const STARTS = 9;
/** Starts that are followed by a rest: memory is what is left after it, when nobody asks. */
const RESTS = 2;
/** The log is verified 3 s after start, V8 gives back what it does not need after 8 s of rest, the reader thread ends after 15 s. */
const REST_MS = 40_000;
const PLUGINS = 10;
const RUNS = 10_000;
const SOURCE = `
document: { dsl: '1.0.3', namespace: bench, name: one-task, version: '1.0.0' }
do:
  - same: { set: { value: '\${ .value }' } }
`;

export const benchmark: Benchmark = {
  name: "Start-up",
  about:
    "from spawning `logomesh start` to the first answer of /readyz, with a warm compile cache; resident memory after 40 s of rest",
  async run() {
    using folder = createBenchFolder();
    await initWorkspace(folder);
    copyPlugins(folder.workspace);
    {
      await using workbench = await startWorkbench(folder);
      await storeRuns(workbench);
    }
    const readyMs: number[] = [];
    const bareMs: number[] = [];
    const memoryBytes: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      const bareStartMs = performance.now();
      spawnSync(process.execPath, ["-e", "0"]);
      bareMs.push(performance.now() - bareStartMs);
      await using workbench = await startWorkbench(folder);
      readyMs.push(workbench.readyMs);
      if (start >= RESTS) continue;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      memoryBytes.push(workbench.memoryBytes());
    }
    return {
      parameters: { starts: STARTS, rests: RESTS, plugins: PLUGINS, runs: RUNS },
      resultHash: hashOf({ PLUGINS, RUNS }),
      figures: [
        {
          name: "ready p50",
          value: quantile(readyMs, 0.5),
          unit: "ms",
          budget: { max: 500 },
          peer: { name: "ms bare Node", value: quantile(bareMs, 0.5) },
        },
        { name: "ready slowest", value: Math.max(...readyMs), unit: "ms" },
        { name: "memory when idle", value: Math.max(...memoryBytes) / 1_000_000, unit: "MB", budget: { max: 140 } },
      ],
    };
  },
};

/** More installed plugins: copies of the sample under other ids. */
function copyPlugins(workspace: string): void {
  const plugins = join(workspace, "plugins");
  const sample = join(plugins, "text-tools");
  for (let index = readdirSync(plugins).length; index < PLUGINS; index++) {
    const copy = join(plugins, `copy-${index}`);
    cpSync(sample, copy, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(copy, "plugin.json"), "utf8")) as { id: string };
    writeFileSync(join(copy, "plugin.json"), JSON.stringify({ ...manifest, id: `org.example.copy-${index}` }));
  }
}

async function storeRuns({ url, token }: { url: string; token: string }): Promise<void> {
  const client = createClient({ baseUrl: url, token });
  await client.defineWorkflow({ body: { source: SOURCE } });
  let left = RUNS;
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      while (left-- > 0)
        await client.startRun({ body: { workflow: { namespace: "bench", name: "one-task" }, input: { value: left } } });
    }),
  );
}
