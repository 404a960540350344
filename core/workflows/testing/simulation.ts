import { LogoMeshError, isTerminalRunStatus, type JsonValue, type Run } from "@logomesh/contracts";
import { createIdSource, messageOf } from "../../base/index.ts";
import { MemoryEventBus } from "../../events/index.ts";
import type { Random } from "../../ports/index.ts";
import { FakeClock, createSeededRandom, silentLogger } from "../../testing/index.ts";
import {
  TaskEngine,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
} from "../index.ts";
import type { WorkflowStore } from "../store/workflowStore.ts";
import { ADMIN, allowAll, grantAll, settle, thoughtWrites, workflow } from "./engineHarness.ts";
import { MemoryDisk } from "./memoryDisk.ts";
import { MemoryEventStore } from "./memoryEventStore.ts";
import { MemoryWorkflowStore } from "./memoryWorkflowStore.ts";
import { checkHistory } from "./simulationChecks.ts";
import { SimulatedWorld } from "./simulatedWorld.ts";
import type { SimulatedWorkflow } from "./simulatedWorkflows.ts";

// One run of one small workflow, in a world where nothing happens by itself: time stands still, the disk writes when it is told to, and
// the outside answers when it is told to. A schedule decides what happens next, and when the process dies.

/** More turns than any workflow of the corpus needs: beyond it, the run hangs. */
const TURNS_MAX = 2_000;
const KEY = "simulated";

/** Puts something between engine and store: how the canaries plant their bugs. */
export type WrapStore = (store: MemoryWorkflowStore) => WorkflowStore;

export interface SimulationOptions {
  simulated: SimulatedWorkflow;
  wrapStore?: WrapStore | undefined;
  acknowledgesEarly?: boolean;
}

export interface SimulationResult {
  run: Run;
  /** Transactions of the whole life of the run. */
  written: number;
  crashes: number;
  /** What no engine may do, in words; empty is good. */
  violations: string[];
}

/** Decides what happens next; returns false when it has nothing to say. */
type Schedule = (simulation: Simulation) => Promise<boolean>;

export class Simulation {
  readonly clock = new FakeClock();
  readonly disk: MemoryDisk;
  readonly world: SimulatedWorld;
  readonly #options: SimulationOptions;
  readonly #ids = createIdSource({ clock: this.clock, random: createSeededRandom(7) });
  engine!: TaskEngine;
  #connection!: MemoryWorkflowStore;
  /** The run, once its start was acknowledged: from then on it must never be lost. */
  acknowledged: string | undefined;
  cancelled = false;
  crashes = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.disk = new MemoryDisk({ writing: "manual", acknowledgesEarly: options.acknowledgesEarly === true });
    this.world = new SimulatedWorld(this.disk);
    this.#boot();
  }

  #boot(): void {
    this.#connection = new MemoryWorkflowStore(this.disk);
    const store = this.#options.wrapStore?.(this.#connection) ?? this.#connection;
    const engine = new TaskEngine({
      ...{ store, clock: this.clock, ids: this.#ids, logger: silentLogger, grants: grantAll, policy: allowAll },
      executors: createTaskExecutorRegistry([
        createPluginTaskExecutor(this.world.tools()),
        createThoughtTaskExecutor({ thoughts: thoughtWrites, policy: allowAll }),
      ]),
      events: {
        bus: new MemoryEventBus({ clock: this.clock, ids: this.#ids }),
        store: new MemoryEventStore(this.disk),
      },
      runtime: { name: "LogoMesh", version: "0.0.0" },
    });
    engine.subscribe({}, (message) => {
      if (message.type === "progress") this.world.reporting = { runId: message.runId, seq: message.taskSeq };
    });
    this.engine = engine;
  }

  async define(): Promise<void> {
    const { simulated } = this.#options;
    const sources = [
      workflow(`${simulated.document ?? ""}\ndo: [ ${simulated.tasks} ]`),
      ...Object.entries(simulated.children ?? {}).map(([name, tasks]) => workflow(`do: [ ${tasks} ]`, name)),
    ];
    for (const source of sources) {
      const defined = this.engine.define({ source, origin: "api", caller: ADMIN });
      await settle(1);
      this.disk.write();
      await defined;
    }
    this.disk.sync();
  }

  /** Asks for the run, as a client does that repeats what was not answered. */
  start(): void {
    const workflow = { namespace: "default", name: "test" };
    const params = { workflow, input: this.#options.simulated.input ?? {}, idempotencyKey: KEY };
    this.engine.start(params, ADMIN).then(
      (run) => (this.acknowledged = run.id),
      (error: unknown) => {
        // A start that could not be stored says so and leaves nothing; the client asks again.
        if (error instanceof LogoMeshError && error.code === "LM_DB_FULL") this.start();
        else this.world.violations.push(`the start was refused: ${messageOf(error)}`);
      },
    );
  }

  /** The process dies. `reached`: waiting transactions that got onto the disk although nobody heard of it. */
  async crash({ reached = 0, kept = 0 }: { reached?: number; kept?: number } = {}): Promise<void> {
    this.crashes += 1;
    this.#connection.cut();
    this.world.forget();
    this.disk.cutPower({ reached, kept });
    const dead = this.engine;
    this.#boot();
    // Frees its timers and its threads; whatever it still wants to write goes nowhere.
    void dead[Symbol.asyncDispose]();
    this.world.forget();
    const { engine } = this;
    engine.recover().catch((error: unknown) => {
      // One that the next crash cut off is nobody's.
      if (engine === this.engine) this.world.violations.push(`the recovery failed: ${messageOf(error)}`);
    });
    if (this.acknowledged !== undefined && this.run() === undefined) this.world.violations.push("the run was lost");
    await settle(1);
    this.start();
    await settle(1);
  }

  cancel(): void {
    const run = this.run();
    if (run === undefined || isTerminalRunStatus(run.status)) return;
    this.cancelled = true;
    this.engine.cancel(run.id, ADMIN).catch((error: unknown) => {
      // Both are told to who cancels, who may do so again.
      const told = ["LM_WORKFLOW_RUN_FINISHED", "LM_DB_FULL"];
      if (!(error instanceof LogoMeshError) || !told.includes(error.code))
        this.world.violations.push(`the cancel failed: ${messageOf(error)}`);
    });
  }

  run(): Run | undefined {
    return this.#connection.findRunByIdempotencyKey(KEY);
  }

  /** Takes the first of: a transaction that waits, a call that waits, the next timer. */
  async advance(): Promise<boolean> {
    if (this.disk.pending > 0) this.disk.write(1);
    else if (this.world.answerable[0] !== undefined) this.world.answerable[0].settle();
    else {
      const nextMs = this.clock.nextTimerMs();
      if (nextMs === undefined) return false;
      await this.clock.advance(nextMs);
    }
    await settle(1);
    return true;
  }

  /** Lets the schedule decide until the run has ended and nothing moves any more. */
  async play(schedule: Schedule): Promise<SimulationResult> {
    await this.define();
    const before = this.disk.written;
    this.start();
    await settle(1);
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const run = this.run();
      const isOver = run !== undefined && (isTerminalRunStatus(run.status) || run.status === "suspended");
      if (isOver && this.disk.pending === 0 && this.acknowledged !== undefined) break;
      if (!(await schedule(this))) break;
    }
    const written = this.disk.written - before;
    const run = this.run();
    const violations = [...this.world.violations, ...(await this.#check(run))];
    await this.engine[Symbol.asyncDispose]();
    return { run: run as Run, written, crashes: this.crashes, violations };
  }

  async #check(run: Run | undefined): Promise<string[]> {
    if (run === undefined) return ["there is no run"];
    const { simulated } = this.#options;
    return [
      ...checkOutcome(run, { simulated, crashes: this.crashes, cancelled: this.cancelled }),
      ...(await checkHistory(this.disk.state, { runId: run.id, world: this.world })),
    ];
  }
}

/** A suspension is right for one reason only: a step that may act once was cut off. */
function checkOutcome(
  run: Run,
  { simulated, crashes, cancelled }: { simulated: SimulatedWorkflow; crashes: number; cancelled: boolean },
): string[] {
  const { outputs = [], fault } = simulated;
  const shown = `${run.status} ${run.statusReason ?? ""} ${JSON.stringify(run.output ?? run.error)}`;
  if (run.status === "cancelled" && cancelled) return [];
  // The children were cancelled, and the crash came before the parent was: nobody was told that the cancel had been done.
  if (cancelled && crashes > 0 && /of (grand)?child is cancelled\.$/.test(run.error?.detail ?? "")) return [];
  if (run.status === "suspended" && crashes > 0 && run.statusReason?.includes("may already have acted") === true)
    return [];
  const isExpected = (value: JsonValue): boolean => JSON.stringify(value) === JSON.stringify(run.output);
  if (run.status === "completed" && outputs.some(isExpected)) return [];
  if (run.status === "faulted" && fault !== undefined && run.error?.type.endsWith(fault) === true) return [];
  return [`the run ended as ${shown}`];
}

/** In order, and dies when the transaction with this number is about to be written, or has been and nobody heard. */
export function crashAt(number: number, { reached }: { reached: boolean }): Schedule {
  let start: number | undefined;
  return async (simulation) => {
    start ??= simulation.disk.written;
    if (simulation.crashes === 0 && simulation.disk.pending > 0 && simulation.disk.written - start === number - 1) {
      await simulation.crash({ reached: reached ? 1 : 0 });
      return true;
    }
    return simulation.advance();
  };
}

export interface ScheduleOdds {
  crashesMax: number;
  /** Of each turn. */
  crash: number;
  diskFault: number;
  cancel: number;
}

/** Whatever may happen next, by chance: answers in any order, timers that overtake them, groups of transactions, faults, crashes. */
export function randomSchedule(random: Random, odds: ScheduleOdds): Schedule {
  const below = (limit: number): number => Math.floor(random.float() * limit);
  return async (simulation) => {
    const { disk, world, clock } = simulation;
    if (simulation.crashes < odds.crashesMax && random.float() < odds.crash) {
      await simulation.crash({ reached: below(disk.pending + 1), kept: below(3) });
      return true;
    }
    if (random.float() < odds.cancel) simulation.cancel();
    const isFull = random.float() < odds.diskFault;
    disk.beforeWrite = () => {
      if (isFull) throw new LogoMeshError("LM_DB_FULL", "The disk is full.");
    };
    const choices: (() => Promise<void> | void)[] = [];
    if (disk.pending > 0)
      choices.push(
        () => disk.write(1 + below(disk.pending)),
        () => disk.write(),
      );
    for (const call of world.answerable) choices.push(() => call.settle());
    const nextMs = clock.nextTimerMs();
    // Rarely while something else can happen: most of all else would time out.
    if (nextMs !== undefined && (choices.length === 0 || random.float() < 0.1))
      choices.push(() => clock.advance(nextMs));
    const choice = choices[below(choices.length)];
    if (choice === undefined) return false;
    await choice();
    await settle(1);
    return true;
  };
}
