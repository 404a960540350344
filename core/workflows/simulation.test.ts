import { expect, test } from "vitest";
import { createSeededRandom } from "../testing/index.ts";
import type { StoredTask, Transition, WorkflowStore } from "./store/workflowStore.ts";
import type { MemoryWorkflowStore } from "./testing/memoryWorkflowStore.ts";
import { SIMULATED_WORKFLOWS, type SimulatedWorkflow } from "./testing/simulatedWorkflows.ts";
import { Simulation, crashAt, randomSchedule, type SimulationOptions, type WrapStore } from "./testing/simulation.ts";

// Every workflow of the corpus, with a crash at every journal write, and with random schedules of everything that can happen.
// LOGOMESH_TEST_LONG=1 plays 12,000 random schedules. A failure prints its seed: `LOGOMESH_TEST_SEED=<seed>` plays that one alone.

const SCHEDULES = process.env.LOGOMESH_TEST_LONG === "1" ? 12_000 : 600;
const ONE_SEED = process.env.LOGOMESH_TEST_SEED;
const FIRST_SEED = 20_261_127;

/** With a crash before and after every transaction of the undisturbed run. */
async function playEveryCrash(simulated: SimulatedWorkflow, wrapStore?: WrapStore): Promise<string[]> {
  const options: SimulationOptions = { simulated, wrapStore };
  const whole = await new Simulation(options).play((simulation) => simulation.advance());
  const found = whole.violations.map((violation) => `undisturbed: ${violation}`);
  for (let number = 1; number <= whole.written; number += 1) {
    for (const reached of [false, true]) {
      const { violations } = await new Simulation(options).play(crashAt(number, { reached }));
      const when = `crash ${reached ? "after" : "before"} write ${number} of ${whole.written}`;
      found.push(...violations.map((violation) => `${when}: ${violation}`));
    }
  }
  return found;
}

function playSeed(
  seed: number,
  corpus = SIMULATED_WORKFLOWS,
): Promise<{ violations: string[]; crashes: number; name: string }> {
  const random = createSeededRandom(seed);
  const simulated = corpus[seed % corpus.length] as SimulatedWorkflow;
  const isCancelled = random.float() < 0.15;
  const odds = { crashesMax: 4, crash: 0.08, diskFault: 0.05, cancel: isCancelled ? 0.1 : 0 };
  return new Simulation({ simulated })
    .play(randomSchedule(random, odds))
    .then((result) => ({ ...result, name: simulated.name }));
}

async function playSeeds(seeds: Iterable<number>): Promise<{ found: string[]; crashes: number }> {
  const found: string[] = [];
  let crashes = 0;
  for (const seed of seeds) {
    const result = await playSeed(seed);
    crashes += result.crashes;
    if (result.violations.length === 0) continue;
    const rerun = `LOGOMESH_TEST_SEED=${seed} vitest run --project unit core/workflows/simulation.test.ts`;
    found.push(`${result.name}: ${result.violations.join("; ")}. Again with: ${rerun}`);
  }
  return { found, crashes };
}

test.each(SIMULATED_WORKFLOWS.map((simulated) => [simulated.name, simulated] as const))(
  "[WF210] [WF22] %s: a crash at any write changes neither the output nor repeats a recorded step",
  async (_name, simulated) => {
    expect(await playEveryCrash(simulated)).toEqual([]);
  },
);

test(`[WF211] ${SCHEDULES} random schedules break no promise`, { timeout: 1_200_000 }, async () => {
  const seeds = Array.from({ length: SCHEDULES }, (_, index) => FIRST_SEED + index);
  const { found, crashes } = await playSeeds(ONE_SEED === undefined ? seeds : [Number(ONE_SEED)]);
  expect(found).toEqual([]);
  if (ONE_SEED === undefined) expect(crashes).toBeGreaterThan(SCHEDULES / 4);
});

/** A full disk at a recovery, or at the start of a child run; a cancel in the middle of a recovery. */
const FOUND_SEEDS = [
  [20_261_141, "loop that waits"],
  [20_261_225, "child run"],
  [20_261_558, "children in branches"],
] as const;

test.each(FOUND_SEEDS)("[WF213] schedule %d of “%s”, which broke a promise once, breaks none", async (seed, name) => {
  const simulated = SIMULATED_WORKFLOWS.filter((other) => other.name === name);
  expect((await playSeed(seed, simulated)).violations).toEqual([]);
});

test("[WF210] the corpus has 40 workflows at least, each with a name of its own", () => {
  const names = SIMULATED_WORKFLOWS.map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(new Set(names).size).toBe(names.length);
});

// ---- canaries: bugs that the same checks must find

/** A store that does what `change` says with each transition. */
function between(change: (transition: Transition) => Transition): WrapStore {
  return (store) => wrap(store, { commit: (transition) => store.commit(change(transition)) });
}

function wrap(store: MemoryWorkflowStore, own: Partial<WorkflowStore>): WorkflowStore {
  return new Proxy(store, {
    get(target, name) {
      const found =
        (own as Record<string | symbol, unknown>)[name] ??
        (target as unknown as Record<string | symbol, unknown>)[name];
      return typeof found === "function" ? (found.bind(target) as unknown) : found;
    },
  });
}

const withoutEnds = (rows: readonly StoredTask[]): StoredTask[] =>
  rows.filter(({ effect, endedAtMs }) => effect !== "once" || endedAtMs !== null);

const CANARIES: Record<string, WrapStore> = {
  "a store that loses a row": between((transition) => ({ ...transition, rows: transition.rows.slice(0, -1) })),
  "a store that loses the writes of other modules": between((transition) => ({ ...transition, writes: [] })),
  "a store that loses events": between((transition) => ({ ...transition, events: transition.events.slice(0, -1) })),
  "an engine that acts once without a row before": between((transition) => ({
    ...transition,
    rows: withoutEnds(transition.rows),
  })),
  "an interpreter that runs recorded steps again": (store) =>
    wrap(store, {
      loadTasks: (runId) =>
        store.loadTasks(runId).map((row) => (row.event === "effect" ? { ...row, eventOrder: null } : row)),
    }),
  "an engine that forgets that a step may have acted": (store) =>
    wrap(store, { loadTasks: (runId) => withoutEnds(store.loadTasks(runId)) }),
  "a journal whose order is lost": between((transition) => ({
    ...transition,
    rows: transition.rows.map((row) => (row.eventOrder === null ? row : { ...row, eventOrder: row.eventOrder + 1 })),
  })),
  "a store that acknowledges what it has not written": (store) =>
    wrap(store, {
      commit: (transition) => {
        void store.commit(transition).catch(() => undefined);
        return Promise.resolve({ firstEventId: 1, firstEventSeq: 1 });
      },
    }),
};

test.each(Object.keys(CANARIES))("[WF212] canary: %s is found by the same checks", async (name) => {
  const found: string[] = [];
  for (const simulated of SIMULATED_WORKFLOWS) {
    found.push(...(await playEveryCrash(simulated, CANARIES[name])));
    if (found.length > 0) break;
  }
  expect(found).not.toEqual([]);
});
