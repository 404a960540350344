// OpenWorkflow on SQLite: `runs` runs of `steps` durable steps, `concurrency` at once. Prints one JSON line.
// Its client and worker poll, so what is timed is inside the worker: from the first run's first step to the last run's last one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OpenWorkflow } from "openworkflow";
import { BackendSqlite } from "openworkflow/sqlite";

const [runs = 200, steps = 10, concurrency = 20] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "openworkflow-bench-"));
const backend = BackendSqlite.connect(join(folder, "openworkflow.db"));
const ow = new OpenWorkflow({ backend });
const runMs: number[] = [];
let firstMs = Infinity;
let onEnd = (): void => undefined;
const workflow = ow.defineWorkflow({ name: "steps" }, async ({ step }) => {
  const startedMs = performance.now();
  firstMs = Math.min(firstMs, startedMs);
  let sum = 0;
  for (let index = 0; index < steps; index++)
    sum += await step.run({ name: `step-${index}` }, () => Promise.resolve(index));
  runMs.push(performance.now() - startedMs);
  onEnd();
  return { sum };
});

async function measure(count: number): Promise<number> {
  runMs.length = 0;
  firstMs = Infinity;
  const ended = new Promise<void>((resolve) => {
    onEnd = () => {
      if (runMs.length === count) resolve();
    };
  });
  for (let index = 0; index < count; index++) await workflow.run({});
  const worker = ow.newWorker({ concurrency: Math.min(concurrency, count) });
  await worker.start();
  await ended;
  const elapsedMs = performance.now() - firstMs;
  await worker.stop();
  return elapsedMs;
}

await measure(1);
const singleRunMs = [];
for (let index = 0; index < 9; index++) singleRunMs.push(await measure(1));
singleRunMs.sort((a, b) => a - b);
const elapsedMs = await measure(runs);
console.log(
  JSON.stringify({
    runs,
    steps,
    concurrency,
    stepsPerSecond: (runs * steps * 1000) / elapsedMs,
    singleRunP50Ms: singleRunMs[4],
  }),
);
await backend.stop();
rmSync(folder, { recursive: true, force: true });
