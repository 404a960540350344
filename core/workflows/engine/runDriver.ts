import { LogoMeshError, type Actor, type RunStatus, type RunSummary } from "@logomesh/contracts";
import { assert, backoffDelayMs, messageOf, toLogoMeshError } from "../../base/index.ts";
import type { AuditEntryDraft, Clock, Logger, StoredEvent, WriteCommand } from "../../ports/index.ts";
import {
  Machine,
  drive,
  literalTypes,
  toRow,
  toWorkflowError,
  type EffectOutcome,
  type Frame,
  type MachineEvent,
  type Timer,
  type Transition as Step,
} from "../interpreter/index.ts";
import { summarizeTask } from "../store/rows.ts";
import type { EventDraft, NewRun, StoredTask, Transition, WorkflowStore } from "../store/workflowStore.ts";
import { isTaintedEvent } from "./eventEmitter.ts";
import type { EventRouter } from "./eventRouter.ts";
import type { EffectReport, EffectRunner } from "./effectRunner.ts";
import { effectEvent, fold, journalOf, summaryAfter, type SummaryChange } from "./journal.ts";
import {
  endEntry,
  runEntry,
  runEvent,
  stepEntry,
  taskEvents,
  taskStartedEvent,
  type RunIdentity,
} from "./lifecycle.ts";
import { LiveEffects, RunLeft } from "./liveEffects.ts";
import type { RunHub } from "./runHub.ts";

// Owns one live run: feeds the interpreter with what happens, commits each transition, and only then performs what the transition asks
// for. Everything goes through one inbox, so there is one order; what arrives while a commit runs is folded into the next one.
// It ends as soon as the run is terminal or suspended, when its lease is lost, or when the workbench stops (the run then continues
// after the next start). It knows no SQL and no executor.

/** How long a step that must not happen twice may take to end before its run is suspended without it. */
const SUSPEND_GRACE_MS = 10_000;
const ENGINE: Actor = { type: "system", id: "engine" };
const COMMIT_BACKOFF = { initialMs: 100, factor: 2, maxMs: 5_000 };

export interface RunDriverOptions {
  run: RunIdentity;
  /** A machine at the start of the run. */
  createMachine: () => Machine;
  /** The run as it is stored, or will be with the first transition. */
  summary: RunSummary;
  epoch: number;
  store: WorkflowStore;
  effects: EffectRunner;
  hub: RunHub;
  router: EventRouter;
  /** Its listeners hear what was stored behind this. */
  eventPosition: number;
  /** Changes inside the database that belong to the beginning of the run, and to its end. */
  beginWrites: () => readonly WriteCommand[];
  endWrites: () => readonly WriteCommand[];
  clock: Clock;
  logger: Logger;
}

/** Why a run goes no further by itself. */
interface Suspension {
  reason: string;
  actor?: Actor;
  rows?: readonly StoredTask[];
}

export class RunDriver {
  readonly #options: RunDriverOptions;
  readonly #live: LiveEffects;
  readonly #timers = new Map<string, Disposable>();
  readonly #listeners = new Map<number, Disposable>();
  readonly #reports = new Map<number, EffectReport>();
  readonly #announced = new Set<number>();
  /** Wakes who waits to try a commit again. */
  readonly #pauses = new Set<() => void>();
  readonly #done = Promise.withResolvers<undefined>();
  #machine: Machine;
  #inbox: MachineEvent[] = [];
  #pumping: Promise<void> | undefined;
  #summary: RunSummary;
  /** A step has read private data; stored with the next transition, which is the one that brings its outcome or comes before it. */
  #isTainted: boolean;
  #closed = false;
  /** Nothing new begins any more: the run is about to be suspended. */
  #held = false;
  /** Nothing that happens is recorded any more: it is being suspended. */
  #leaving = false;
  #cancelling: Promise<void> | undefined;

  constructor(options: RunDriverOptions) {
    this.#options = options;
    this.#machine = options.createMachine();
    this.#summary = options.summary;
    this.#isTainted = options.summary.tainted === true;
    const { run, effects, hub, clock } = options;
    this.#live = new LiveEffects({
      run,
      effects,
      hub,
      clock,
      onReport: (frame, report) => this.#onReport(frame, report),
    });
  }

  /** Resolves when nothing more will happen here: the run is terminal or suspended, or the workbench stops. */
  get done(): Promise<undefined> {
    return this.#done.promise;
  }

  get summary(): RunSummary {
    return this.#summary;
  }

  /** Tasks that are going on, in order of starting. */
  liveTasks(): StoredTask[] {
    return this.#closed ? [] : this.#machine.liveRows().map((row) => this.#live.withWait(row));
  }

  /** Stores the run with its first transition. @throws LogoMeshError when it could not be stored: then there is no run */
  async begin(create: NewRun, { actor, token }: { actor: Actor; token?: string | undefined }): Promise<void> {
    try {
      await drive(this.#machine.start());
      const input = { bytes: JSON.stringify(create.input), media: "application/json" };
      const entry = runEntry(this.#options.run, {
        ...{ kind: "run.started", actor, status: "running", payload: { input } },
        ...(token === undefined ? {} : { data: { token } }),
      });
      await this.#advance({ create, startedAtMs: create.createdAtMs, audit: [entry] });
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Stores the run as one that waits, and lets go of it. @throws LogoMeshError when it could not be stored: then there is no run */
  async enqueue(create: NewRun, order: { actor: Actor; token: string | undefined; reason: string }): Promise<void> {
    const { run, epoch, beginWrites } = this.#options;
    const { actor, token, reason } = order;
    const status = "pending";
    const isTainted = this.#isTainted;
    const input = { bytes: JSON.stringify(create.input), media: "application/json" };
    const data = { reason, ...(token === undefined ? {} : { token }) };
    try {
      await this.#commit(
        {
          ...{ runId: run.runId, epoch, create, statusReason: reason, rows: [], writes: beginWrites() },
          ...(isTainted ? { tainted: true } : {}),
          events: [runEvent(run, { status, atMs: create.createdAtMs, reason })],
          audit: [runEntry(run, { kind: "run.queued", actor, status, data, payload: { input } })],
        },
        { status, reason, isTainted },
      );
    } finally {
      this.#close();
    }
  }

  /** Starts a run that is stored and waited; what goes wrong is the run's. */
  async start(startedAtMs: number): Promise<void> {
    const { run } = this.#options;
    try {
      await drive(this.#machine.start());
      const entry = runEntry(run, { kind: "run.started", actor: ENGINE, status: "running" });
      await this.#advance({ startedAtMs, audit: [entry] });
    } catch (error) {
      await this.#fail(error);
    }
  }

  /**
   * Takes up a run from its journal: recorded outcomes are folded through the interpreter without any effect, then what was
   * outstanding is launched again. `suspend` stops it at once with that reason.
   */
  async resume(rows: readonly StoredTask[], suspend?: string): Promise<void> {
    const step = await this.replay(rows);
    if (step === undefined) return;
    if (suspend !== undefined) return this.#suspend({ reason: suspend });
    const isFailed = ({ seq }: StoredTask): boolean => this.#machine.effects.get(seq)?.task.unknown === "fail";
    const [failed, unknown] = partition(this.#unknownSteps(rows), isFailed);
    if (unknown.length > 0) return this.#suspend({ reason: unknownReason(unknown), rows: unknown });
    this.#performAll(failed);
    this.#announce([]);
    const { clock } = this.#options;
    for (const { seq, name, reference } of failed) {
      const error = new LogoMeshError(
        "LM_WORKFLOW_STEP_UNKNOWN",
        `The workbench stopped while “${name}” may already have acted.`,
      );
      const outcome: EffectOutcome = { ok: false, error: toWorkflowError(error, reference) };
      this.#push(effectEvent(seq, { atMs: clock.nowMs(), outcome, details: undefined }));
    }
  }

  #performAll(except: readonly StoredTask[] = []): void {
    for (const timer of this.#machine.timers.values()) this.#arm(timer);
    for (const frame of this.#machine.effects.values())
      if (except.every(({ seq }) => seq !== frame.seq)) this.#launch(frame);
    for (const frame of this.#machine.listeners.values()) this.#listen(frame);
  }

  /** Folds the journal through the interpreter and performs nothing. A journal that does not fit suspends the run. */
  async replay(rows: readonly StoredTask[]): Promise<Step | undefined> {
    try {
      await fold(this.#machine, journalOf(rows));
      if (this.#machine.ended) throw new Error("all of it is recorded but its end");
      return this.#machine.takeTransition();
    } catch (error) {
      this.#options.logger.error({ err: error, runId: this.#options.run.runId }, "journal does not fit its definition");
      await this.#suspend({ reason: `The journal does not fit the definition: ${messageOf(error)}` });
      return undefined;
    }
  }

  /** Lets go of the run without touching it. */
  abandon(): void {
    this.#close();
  }

  /** Goes on with a machine that a person's decision has brought to where the run stands. @throws LogoMeshError: nothing has changed */
  async takeUp(machine: Machine, order: { actor: Actor; entry: AuditEntryDraft; reopens: boolean }): Promise<void> {
    this.#machine.stop();
    this.#machine = machine;
    try {
      const { actor, entry, reopens } = order;
      await this.#advance({ audit: [entry], actor, takesUp: true, reopens });
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /**
   * Leaves the run until a person resumes it. Nothing new begins; what must not happen twice may end within the grace, what may be
   * repeated is stopped. Answers whether the run is suspended: it may have ended meanwhile.
   */
  async suspend(actor: Actor, reason: string): Promise<boolean> {
    this.#held = true;
    await this.#live.finishOnce(SUSPEND_GRACE_MS);
    while (this.#pumping !== undefined) await this.#pumping;
    if (this.#closed || this.#cancelling !== undefined) return false;
    this.#leaving = true;
    const rows = this.#unknownSteps(this.#options.store.loadTasks(this.#options.run.runId));
    await this.#suspend({ reason: rows.length === 0 ? reason : `${reason} ${unknownReason(rows)}`, rows, actor });
    return true;
  }

  /** Resolves when the run is terminal and its work has stopped. */
  cancel(actor: Actor): Promise<void> {
    this.#cancelling ??= this.#cancel(actor);
    return this.#cancelling;
  }

  /** Stops the work and leaves the run as it is stored, to be continued by the next start. */
  async stop(): Promise<void> {
    this.#close();
    await this.#live.abortAll();
    await this.#pumping;
  }

  // ---- the loop

  #push(event: MachineEvent): void {
    if (this.#closed || this.#leaving || this.#cancelling !== undefined) return;
    this.#inbox.push(event);
    this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      // Lets what arrives in the same turn share a commit.
      await Promise.resolve();
      while (this.#inbox.length > 0 && !this.#closed) {
        const events = this.#inbox;
        this.#inbox = [];
        for (const event of events) await drive(this.#machine.apply(event));
        try {
          await this.#advance({});
        } catch (error) {
          if (isNotOurs(error) || !events.some((event) => this.#bringsWrites(event))) throw error;
          await this.#applySingly(events);
        }
      }
    } catch (error) {
      await this.#fail(error);
    } finally {
      // In the turn that found the inbox empty: what arrives afterwards must begin anew.
      this.#pumping = undefined;
    }
  }

  /**
   * The transition of these events was refused, perhaps for a write that a step brought. Goes back to what is stored and takes the
   * events one by one; a step whose write is refused is faulted with the refusal, which the workflow may catch.
   */
  async #applySingly(events: readonly MachineEvent[]): Promise<void> {
    if (!(await this.#rewind())) return;
    for (const event of events) {
      await drive(this.#machine.apply(event));
      try {
        await this.#advance({});
      } catch (error) {
        if (isNotOurs(error) || !this.#bringsWrites(event) || !(error instanceof LogoMeshError)) throw error;
        this.#options.logger.warn({ err: error, runId: this.#options.run.runId }, "a step's write was refused");
        if (!(await this.#rewind())) return;
        const task = this.#machine.effects.get(event.seq)?.task;
        assert(task !== undefined && event.kind === "effect", "the step is outstanding again");
        const outcome: EffectOutcome = { ok: false, error: toWorkflowError(error, task.reference) };
        await drive(this.#machine.apply({ ...event, outcome }));
        await this.#advance({});
      }
    }
  }

  #bringsWrites(event: MachineEvent): boolean {
    return event.kind === "effect" && (this.#reports.get(event.seq)?.writes.length ?? 0) > 0;
  }

  /** Brings the interpreter back to what is stored. Effects and timers go on: their numbers follow from the journal. */
  async #rewind(): Promise<boolean> {
    const { createMachine, store, run } = this.#options;
    this.#machine.stop();
    this.#machine = createMachine();
    return (await this.replay(store.loadTasks(run.runId))) !== undefined;
  }

  /** Commits what the interpreter has done since the last time, tells of it, and performs what it asks for. */
  async #advance(extra: {
    create?: NewRun;
    startedAtMs?: number;
    audit?: AuditEntryDraft[];
    actor?: Actor;
    takesUp?: boolean;
    reopens?: boolean;
  }): Promise<void> {
    const { run, clock } = this.#options;
    const step = this.#machine.takeTransition();
    const nowMs = clock.nowMs();
    const before = this.#summary.status;
    const isStart = extra.startedAtMs !== undefined;
    const status: RunStatus = step.ended?.status ?? (isWaiting(this.#machine) ? "waiting" : "running");
    const actor: Actor = extra.actor ?? { type: "workflow", id: run.hash };
    const applied = this.#reportsOf(step.rows);
    const isSimulated = this.#summary.simulated === true || applied.some(({ report }) => report?.simulated === true);
    const launched = this.#held ? [] : step.launched;
    const started = launched.map((frame) => toRow(frame, { status: "running", endedAtMs: null }));
    const events: EventDraft[] = [
      ...(isStart ? [runEvent(run, { status: "running", created: true, atMs: nowMs })] : []),
      ...taskEvents(run, step.rows),
      ...started.map((row) => taskStartedEvent(run, row)),
      ...(status === (isStart ? "running" : before) ? [] : [runEvent(run, { status, atMs: nowMs })]),
    ];
    const audit = [
      ...(extra.audit ?? []),
      ...applied.map(({ row, report }) =>
        stepEntry(run, {
          row,
          actor,
          ...(report?.details === undefined ? {} : { details: report.details }),
          ...(report?.payload === undefined || row.status !== "completed" ? {} : { payload: report.payload }),
        }),
      ),
      ...(step.ended === undefined ? [] : [endEntry(run, { ended: step.ended, actor })]),
    ];
    const { ended } = step;
    await this.#commit(
      {
        runId: run.runId,
        epoch: this.#options.epoch,
        ...(extra.create === undefined ? {} : { create: extra.create }),
        ...(extra.startedAtMs === undefined ? {} : { startedAtMs: extra.startedAtMs }),
        ...(status === before ? {} : { status }),
        ...(ended === undefined ? {} : { endedAtMs: nowMs }),
        ...(ended?.status === "completed" ? { output: ended.output } : {}),
        ...(ended?.status === "faulted" ? { error: ended.error } : {}),
        ...(isSimulated ? { simulated: true } : {}),
        ...(this.#isTainted ? { tainted: true } : {}),
        ...(extra.reopens === true ? { reopens: true } : {}),
        rows: this.#rowsOf(step, extra.takesUp === true),
        events,
        audit,
        writes: [
          ...(extra.create === undefined && extra.reopens !== true ? [] : this.#options.beginWrites()),
          ...applied.flatMap(({ row, report }) => (row.status === "completed" ? (report?.writes ?? []) : [])),
          ...(ended === undefined ? [] : this.#options.endWrites()),
        ],
      },
      {
        status,
        ...(ended === undefined ? {} : { endedAtMs: nowMs }),
        ...(ended?.status === "faulted" ? { error: ended.error } : {}),
        isSimulated,
        isTainted: this.#isTainted,
      },
    );
    for (const { row } of applied) this.#reports.delete(row.seq);
    this.#announce([...step.rows, ...started]);
    if (this.#closed) return;
    if (extra.takesUp === true) this.#performAll();
    else this.#perform(step);
    if (ended !== undefined) this.#close();
  }

  /** `once` steps have a row before they act, and none while nothing new may begin. */
  #rowsOf({ rows, launched }: Step, takesUp: boolean): readonly StoredTask[] {
    if (this.#held) {
      const begun = new Set(launched.map(({ seq }) => seq));
      return rows.filter((row) => !begun.has(row.seq) || row.status !== "running");
    }
    if (!takesUp) return rows;
    const isOnce = ({ locals }: Frame): boolean => locals.kind === "effect" && locals.effect === "once";
    const once = [...this.#machine.effects.values()].filter(isOnce);
    const known = new Set(once.map(({ seq }) => seq));
    const begun = once.map((frame) => toRow(frame, { status: "running", endedAtMs: null }));
    return [...rows.filter((row) => !known.has(row.seq) || row.status !== "running"), ...begun];
  }

  /** Effects that ended in these rows, each with what its executor brought. */
  #reportsOf(rows: readonly StoredTask[]): { row: StoredTask; report: EffectReport | undefined }[] {
    const applied: { row: StoredTask; report: EffectReport | undefined }[] = [];
    for (const row of rows) {
      if (
        (row.type !== "call" && row.type !== "run" && row.type !== "emit") ||
        row.endedAtMs === null ||
        row.status === "skipped"
      )
        continue;
      applied.push({ row, report: row.event === "effect" ? this.#reports.get(row.seq) : undefined });
    }
    return applied;
  }

  async #commit(transition: Transition, change: Omit<SummaryChange, "startedAtMs">): Promise<void> {
    const { store, hub, run, clock } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        const { firstEventId, firstEventSeq } = await store.commit(transition);
        this.#summary = summaryAfter(this.#summary, { ...change, startedAtMs: transition.startedAtMs });
        if (hub.hears(run.runId)) {
          transition.events.forEach((event, index) => {
            hub.publish(run.runId, {
              type: "event",
              event: {
                id: firstEventId + index,
                runId: run.runId,
                seq: firstEventSeq + index,
                type: event.type,
                time: new Date(event.timeMs).toISOString(),
                data: event.data,
              },
              run: this.#summary,
            });
          });
        }
        return;
      } catch (error) {
        const known = toLogoMeshError(error);
        // Without a row there is no run yet: a person who starts it hears of the failure at once, a run that starts it waits.
        const isAsked = transition.create !== undefined && transition.create.parent === undefined;
        if (!known.retryable || isAsked || this.#closed) throw error;
        this.#options.logger.warn({ err: error, runId: run.runId, failures }, "run could not be stored; trying again");
        await this.#pause(clock, backoffDelayMs(COMMIT_BACKOFF, failures));
      }
    }
  }

  #pause(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer[Symbol.dispose]();
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = clock.setTimer(delayMs, wake);
      this.#pauses.add(wake);
    });
  }

  async #fail(error: unknown): Promise<void> {
    const { run, logger } = this.#options;
    if (this.#closed) return;
    if (isNotOurs(error)) {
      logger.warn({ err: error, runId: run.runId }, "run is no longer ours");
      this.#close();
      await this.#live.abortAll();
      return;
    }
    logger.error({ err: error, runId: run.runId }, "run cannot go on");
    await this.#suspend({ reason: `The run could not go on: ${messageOf(error)}` });
  }

  async #suspend({ reason, rows = [], actor = ENGINE }: Suspension): Promise<void> {
    const { run, clock, logger } = this.#options;
    const nowMs = clock.nowMs();
    await this.#live.abortAll(new RunLeft());
    try {
      await this.#commit(
        {
          runId: run.runId,
          epoch: this.#options.epoch,
          status: "suspended",
          statusReason: reason,
          rows,
          events: [...taskEvents(run, rows), runEvent(run, { status: "suspended", atMs: nowMs, reason })],
          audit: [
            runEntry(run, {
              kind: "run.suspended",
              actor,
              status: "suspended",
              data: { reason },
            }),
          ],
          writes: [],
        },
        { status: "suspended", reason },
      );
      this.#announce(rows);
    } catch (error) {
      logger.error({ err: error, runId: run.runId }, "run could not be suspended");
    }
    this.#close();
  }

  async #cancel(actor: Actor): Promise<void> {
    await this.#pumping;
    if (this.#closed) return;
    const stopped = await this.#live.abortAll();
    this.#machine.cancel(this.#options.clock.nowMs());
    const { run } = this.#options;
    const receipt = runEntry(run, {
      kind: "run.cancel-requested",
      actor,
      data: { steps: stopped.steps, letGo: stopped.letGo },
    });
    try {
      await this.#advance({ audit: [receipt], actor });
    } catch (error) {
      await this.#fail(error);
    }
  }

  // ---- effects and timers

  #perform(step: Step): void {
    for (const seq of step.abandoned) this.#live.abort(seq);
    for (const key of step.disarmed) this.#disarm(key);
    for (const seq of step.unlistened) this.#unlisten(seq);
    if (this.#held) return;
    for (const frame of step.listening) if (this.#machine.listeners.has(frame.seq)) this.#listen(frame);
    for (const timer of step.armed) if (this.#machine.timers.get(keyOf(timer)) === timer) this.#arm(timer);
    for (const frame of step.launched) if (this.#machine.effects.has(frame.seq)) this.#launch(frame);
  }

  #launch(frame: Frame): void {
    this.#live.launch(frame, {
      simulated: this.#summary.simulated === true,
      tainted: this.#isTainted,
      onTaint: () => (this.#isTainted = true),
      priority: this.#summary.priority ?? 0,
    });
  }

  #onReport(frame: Frame, report: EffectReport): void {
    if (this.#closed) return;
    this.#reports.set(frame.seq, report);
    const { outcome, details } = report;
    this.#push(effectEvent(frame.seq, { atMs: this.#options.clock.nowMs(), outcome, details }));
  }

  #arm(timer: Timer): void {
    const { clock } = this.#options;
    const key = keyOf(timer);
    const kind = timer.kind === "timeout" ? "timeout" : "timer";
    const fire = (): void => {
      this.#timers.delete(key);
      this.#push({ kind, seq: timer.seq, atMs: Math.max(timer.dueAtMs, clock.nowMs()) });
    };
    this.#timers.set(key, clock.setTimer(Math.max(0, timer.dueAtMs - clock.nowMs()), fire));
  }

  #listen(frame: Frame): void {
    const { router, run, eventPosition, clock } = this.#options;
    const { locals, seq } = frame;
    assert(locals.kind === "listen", "only a listen listens");
    this.#unlisten(seq);
    const offer = async ({ position, event }: StoredEvent): Promise<void> => {
      try {
        // A rewind builds the machine anew; whoever listens then is the same task.
        if (this.#closed || !(await drive(this.#machine.matches(seq, { position, event })))) return;
      } catch (error) {
        return this.#fail(error);
      }
      if (isTaintedEvent(event)) this.#isTainted = true;
      this.#push({ kind: "event", seq, atMs: clock.nowMs(), position, event });
      await this.#pumping;
    };
    const after = locals.position ?? eventPosition;
    this.#listeners.set(seq, router.listen({ runId: run.runId, after, types: literalTypes(locals), offer }));
  }

  #unlisten(seq: number): void {
    this.#listeners.get(seq)?.[Symbol.dispose]();
    this.#listeners.delete(seq);
  }

  #disarm(key: string): void {
    this.#timers.get(key)?.[Symbol.dispose]();
    this.#timers.delete(key);
  }

  /** A `once` step that began and has no recorded end may have acted: only a person can say. */
  #unknownSteps(rows: readonly StoredTask[]): StoredTask[] {
    const bySeq = new Map(rows.map((row) => [row.seq, row]));
    return [...this.#machine.effects.keys()].flatMap((seq) => {
      const row = bySeq.get(seq);
      return row?.effect === "once" && row.endedAtMs === null ? [{ ...row, status: "unknown" as const }] : [];
    });
  }

  #announce(rows: readonly StoredTask[]): void {
    const { hub, run } = this.#options;
    if (!hub.hears(run.runId)) return;
    const fresh = this.#machine
      .liveRows()
      .filter((row) => !this.#announced.has(row.seq) && rows.every(({ seq }) => seq !== row.seq));
    for (const row of [...fresh, ...rows].sort((a, b) => a.seq - b.seq)) {
      this.#announced.add(row.seq);
      hub.publish(run.runId, { type: "task", runId: run.runId, task: summarizeTask(row) });
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#machine.stop();
    for (const wake of this.#pauses) wake();
    for (const key of [...this.#timers.keys()]) this.#disarm(key);
    for (const seq of [...this.#listeners.keys()]) this.#unlisten(seq);
    this.#done.resolve(undefined);
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Another owner has the run, or it has ended: nothing that we write is taken. */
function isNotOurs(error: unknown): boolean {
  return (
    error instanceof LogoMeshError &&
    (error.code === "LM_WORKFLOW_LEASE_LOST" || error.code === "LM_WORKFLOW_RUN_FINISHED")
  );
}

/** Nothing of it acts: only time or an event moves it. */
function isWaiting({ effects, timers, listeners }: Machine): boolean {
  return effects.size === 0 && (timers.size > 0 || listeners.size > 0);
}

function keyOf(timer: Timer): string {
  return `${timer.kind === "timeout" ? "timeout" : "timer"}:${timer.seq}`;
}

function unknownReason(rows: readonly StoredTask[]): string {
  const names = rows.map(({ name }) => `“${name}”`).join(", ");
  return `The workbench stopped while ${names} may already have acted outside. It is not tried again by itself: look, then decide.`;
}
