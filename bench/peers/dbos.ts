// DBOS Transact on PostgreSQL: `runs` runs of `steps` durable steps, `concurrency` at once. Prints one JSON line.
// PostgreSQL is started here with its durable defaults, and ends with this process.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { startPostgres } from "./postgres.ts";

const [runs = 200, steps = 10, concurrency = 20] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "dbos-bench-"));
chmodSync(folder, 0o755);
try {
  await using postgres = await startPostgres(folder);
  DBOS.setConfig({
    name: "bench",
    systemDatabaseUrl: postgres.url,
    logLevel: "error",
    systemDatabasePoolSize: concurrency,
  });
  const workflow = DBOS.registerWorkflow(
    async () => {
      let sum = 0;
      for (let index = 0; index < steps; index++)
        sum += await DBOS.runStep(() => Promise.resolve(index), { name: `step-${index}` });
      return { sum };
    },
    { name: "steps" },
  );
  await DBOS.launch();
  const runOnce = async (): Promise<number> => {
    const startedMs = performance.now();
    await (await DBOS.startWorkflow(workflow)()).getResult();
    return performance.now() - startedMs;
  };
  for (let warm = 0; warm < 20; warm++) await runOnce();
  const singleMs = [];
  for (let index = 0; index < 50; index++) singleMs.push(await runOnce());
  singleMs.sort((a, b) => a - b);
  const startedMs = performance.now();
  let left = runs;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await runOnce();
    }),
  );
  const elapsedMs = performance.now() - startedMs;
  await DBOS.shutdown();
  console.log(
    JSON.stringify({
      runs,
      steps,
      concurrency,
      stepsPerSecond: (runs * steps * 1000) / elapsedMs,
      singleRunP50Ms: singleMs[25],
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
