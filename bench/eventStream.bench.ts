import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createClient } from "@logomesh/contracts/client";
import { hashOf, quantile, type Benchmark } from "./harness.ts";
import { createBenchFolder, initWorkspace, startWorkbench, type WorkbenchProcess } from "./workbenchProcess.ts";

const CLIENTS = 20;
const EVENTS_PER_SECOND = 2_000;
const SECONDS = 8;
const ROUNDS = 3;
/** Runs that wait for their end; when there are so many, the rate cannot be held. */
const AT_ONCE_MAX = 64;
/** Each brings at least one event when it starts and one when it ends. */
const TASKS = 8;
const SOURCE = `document: { dsl: '1.0.3', namespace: bench, name: told, version: '1.0.0' }
do:
${Array.from({ length: TASKS }, (_task, index) => `  - t${index}: { set: { value: '\${ .value + 1 }' } }`).join("\n")}
`;
const WORKFLOW = { namespace: "bench", name: "told" };

export const benchmark: Benchmark = {
  name: "Event stream",
  about: `runs at a rate that gives ${EVENTS_PER_SECOND} events/s, each answered when it has ended, with ${CLIENTS} WebSocket clients of all events and without; rounds alternate`,
  async run() {
    using folder = createBenchFolder();
    await initWorkspace(folder);
    await using workbench = await startWorkbench(folder);
    const client = createClient({ baseUrl: workbench.url, token: workbench.token });
    await client.defineWorkflow({ body: { source: SOURCE } });
    const eventsPerRun = await countEvents(workbench);
    const rate = EVENTS_PER_SECOND / eventsPerRun;
    await load(workbench, { rate, seconds: 2 });
    const alone: Load[] = [];
    const watched: Load[] = [];
    let told = 0;
    let resets = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await load(workbench, { rate, seconds: SECONDS }));
      const clients = await watch(workbench);
      watched.push(await load(workbench, { rate, seconds: SECONDS }));
      const counts = await end(clients);
      told += counts.events;
      resets += counts.resets;
    }
    const sum = (loads: Load[], key: "runs" | "cpuMs"): number => loads.reduce((total, one) => total + one[key], 0);
    const latencies = (loads: Load[]): number[] => loads.flatMap(({ latenciesMs }) => latenciesMs);
    const due = sum(watched, "runs") * eventsPerRun * CLIENTS;
    return {
      parameters: { clients: CLIENTS, eventsPerRun, runsPerSecond: Math.round(rate), seconds: SECONDS * ROUNDS },
      resultHash: hashOf({ eventsPerRun }),
      figures: [
        {
          name: "runs with clients",
          value: sum(watched, "runs") / (SECONDS * ROUNDS),
          unit: "/s",
          peer: { name: "/s without", value: sum(alone, "runs") / (SECONDS * ROUNDS) },
        },
        ...[0.5, 0.99].map((q) => ({
          name: `run p${q * 100} with clients`,
          value: quantile(latencies(watched), q),
          unit: "ms",
          peer: { name: "ms without", value: quantile(latencies(alone), q) },
        })),
        {
          name: "CPU of the workbench for a run, with clients",
          value: sum(watched, "cpuMs") / sum(watched, "runs"),
          unit: "ms",
          peer: { name: "ms without", value: sum(alone, "cpuMs") / sum(alone, "runs") },
        },
        { name: "events that reached a client", value: (told / due) * 100, unit: "%" },
        { name: "clients sent back to a snapshot", value: resets, unit: "" },
      ],
    };
  },
};

interface Load {
  runs: number;
  latenciesMs: number[];
  cpuMs: number;
}

/** Starts runs at a fixed rate, whether those before have ended or not, as long as there are not too many. */
async function load(workbench: WorkbenchProcess, plan: { rate: number; seconds: number }): Promise<Load> {
  const client = createClient({ baseUrl: workbench.url, token: workbench.token });
  const latenciesMs: number[] = [];
  let begun = 0;
  const pending = new Set<Promise<void>>();
  const cpuMs = workbench.cpuMs();
  const startedMs = performance.now();
  const start = async (): Promise<void> => {
    const callMs = performance.now();
    await client.startRun({ body: { workflow: WORKFLOW, input: { value: 0 }, waitMs: 10_000 } });
    latenciesMs.push(performance.now() - callMs);
  };
  for (;;) {
    const elapsed = (performance.now() - startedMs) / 1000;
    if (elapsed >= plan.seconds) break;
    while (begun < elapsed * plan.rate && pending.size < AT_ONCE_MAX) {
      begun += 1;
      const run = start().finally(() => pending.delete(run));
      pending.add(run);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const runs = latenciesMs.length;
  await Promise.all(pending);
  return { runs, latenciesMs, cpuMs: workbench.cpuMs() - cpuMs };
}

async function countEvents(workbench: WorkbenchProcess): Promise<number> {
  const clients = await watch(workbench);
  const client = createClient({ baseUrl: workbench.url, token: workbench.token });
  await client.startRun({ body: { workflow: WORKFLOW, input: { value: 0 }, waitMs: 10_000 } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  return (await end(clients)).events / CLIENTS;
}

async function watch({ url, token }: WorkbenchProcess): Promise<ChildProcess> {
  const entry = new URL("./eventClients.ts", import.meta.url);
  const child = fork(entry, [url, token, String(CLIENTS)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

async function end(child: ChildProcess): Promise<{ events: number; resets: number }> {
  child.send("stop");
  const [counts] = (await once(child, "message")) as [{ events: number; resets: number }];
  return counts;
}
