import { createClient } from "@logomesh/contracts/client";
import { hashOf, type Benchmark } from "./harness.ts";
import { createBenchFolder, initWorkspace, startWorkbench, type WorkbenchProcess } from "./workbenchProcess.ts";

const WAITING = 10_000;
const INTERRUPTED = 1_000;
/** Of an interrupted run, each a durable timer: it is somewhere among them when it is killed. */
const PAUSES = 20;
const SOURCES = [
  ...["warm", "waiting"].map(
    (name) => `document: { dsl: '1.0.3', namespace: bench, name: ${name}, version: '1.0.0' }
do:
  - until: { wait: '\${ .pause }' }
  - after: { set: { value: '\${ .value }' } }
`,
  ),
  `document: { dsl: '1.0.3', namespace: bench, name: pausing, version: '1.0.0' }
do:
  - loop:
      for: { each: n, in: '\${ [range(${PAUSES})] }' }
      do:
        - pause: { wait: { milliseconds: 500 } }
        - count: { set: { value: '\${ .value + 1 }' } }
`,
];
/** All waiting runs are stored before the first is due. */
const WAKE_UP_SECONDS = 60;
const POLL_MS = 20;

export const benchmark: Benchmark = {
  name: "Waiting and interrupted runs",
  about:
    `${WAITING} runs that wait: memory, start beside them, and from their due instant to the end of the last; ` +
    `${INTERRUPTED} runs at work when the process is killed: from the start of the next to the end of the last`,
  async run() {
    using folder = createBenchFolder();
    await initWorkspace(folder);
    const waiting = await measureWaiting(folder);
    const interrupted = await measureInterrupted(folder);
    return {
      parameters: { waiting: WAITING, interrupted: INTERRUPTED, pauses: PAUSES },
      resultHash: hashOf({ waiting: waiting.completed, interrupted: interrupted.completed }),
      figures: [
        { name: "memory of a waiting run", value: waiting.bytesPerRun / 1000, unit: "kB" },
        { name: "ready beside them", value: waiting.readyMs, unit: "ms", budget: { max: 500 } },
        { name: "memory beside them after a start", value: waiting.memoryBytes / 1e6, unit: "MB" },
        { name: `wake-up of ${WAITING} at one instant`, value: waiting.wakeUpMs, unit: "ms" },
        { name: `ready with ${INTERRUPTED} interrupted`, value: interrupted.readyMs, unit: "ms" },
        {
          name: "until the last interrupted run has ended",
          value: interrupted.endedMs,
          unit: "ms",
          peer: { name: "ms undisturbed", value: interrupted.undisturbedMs },
        },
      ],
    };
  },
};

type Folder = Parameters<typeof startWorkbench>[0];

async function measureWaiting(folder: Folder) {
  let dueMs: number;
  let bytesPerRun: number;
  {
    await using workbench = await startWorkbench(folder);
    await define(workbench);
    // What the first runs load once is not of the runs.
    await startMany(workbench, { name: "warm", count: 500, input: () => ({ value: 0, pause: "PT1H" }) });
    const before = workbench.memoryBytes();
    dueMs = Date.now() + WAKE_UP_SECONDS * 1000;
    await startMany(workbench, {
      ...{ name: "waiting", count: WAITING },
      input: (value) => ({ value, pause: `PT${Math.max(0.001, (dueMs - Date.now()) / 1000).toFixed(3)}S` }),
    });
    if (Date.now() > dueMs) throw new Error(`${WAITING} runs took more than ${WAKE_UP_SECONDS} s to store.`);
    bytesPerRun = (workbench.memoryBytes() - before) / WAITING;
  }
  await using workbench = await startWorkbench(folder);
  const memoryBytes = workbench.memoryBytes();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - Date.now())));
  await untilEnded(workbench, "waiting");
  return {
    ...{ bytesPerRun, memoryBytes, readyMs: workbench.readyMs, wakeUpMs: Date.now() - dueMs },
    completed: await countOf(workbench, "waiting"),
  };
}

async function measureInterrupted(folder: Folder) {
  let undisturbedMs: number;
  {
    await using workbench = await startWorkbench(folder);
    const startedMs = performance.now();
    await startMany(workbench, { name: "pausing", count: INTERRUPTED, input: () => ({ value: 0 }) });
    await untilEnded(workbench, "pausing");
    undisturbedMs = performance.now() - startedMs;
    await startMany(workbench, { name: "pausing", count: INTERRUPTED, input: () => ({ value: 0 }) });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await workbench.kill();
  }
  const startedMs = performance.now();
  await using workbench = await startWorkbench(folder);
  await untilEnded(workbench, "pausing");
  return {
    ...{ readyMs: workbench.readyMs, endedMs: performance.now() - startedMs, undisturbedMs },
    completed: await countOf(workbench, "pausing"),
  };
}

function clientOf({ url, token }: WorkbenchProcess) {
  return createClient({ baseUrl: url, token });
}

async function define(workbench: WorkbenchProcess): Promise<void> {
  for (const source of SOURCES) await clientOf(workbench).defineWorkflow({ body: { source } });
}

async function startMany(
  workbench: WorkbenchProcess,
  runs: { name: string; count: number; input: (value: number) => Record<string, string | number> },
): Promise<void> {
  const client = clientOf(workbench);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < runs.count) {
      const body = { workflow: { namespace: "bench", name: runs.name }, input: runs.input(next++) };
      await client.startRun({ body });
    }
  };
  await Promise.all(Array.from({ length: 40 }, work));
}

/** Until no run of the workflow is live any more. */
async function untilEnded(workbench: WorkbenchProcess, name: string): Promise<void> {
  const client = clientOf(workbench);
  for (const status of ["running", "waiting", "pending", "running"] as const) {
    const query = { workflow: `bench/${name}`, status, limit: 1 };
    while ((await client.listRuns({ query })).items.length > 0)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function countOf(workbench: WorkbenchProcess, name: string): Promise<number> {
  const client = clientOf(workbench);
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await client.listRuns({
      query: {
        workflow: `bench/${name}`,
        status: "completed",
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      },
    });
    count += page.items.length;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return count;
}
