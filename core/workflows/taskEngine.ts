import {
  LogoMeshError,
  isTerminalRunStatus,
  type Actor,
  type DefineWorkflowResult,
  type JsonObject,
  type JsonValue,
  type Page,
  type PageQuery,
  type Run,
  type RunEvent,
  type RunSummary,
  type RunTask as ApiTask,
  type RunTaskSummary,
  type Scope,
  type SignalRunParams,
  type StartRunParams,
  type ValidateWorkflowResult,
  type WorkflowDetail,
  type WorkflowReference,
  type WorkflowSummary,
} from "@logomesh/contracts";
import { messageOf, type IdSource } from "../base/index.ts";
import type {
  AuditEntryDraft,
  Clock,
  EventBus,
  EventStore,
  Grants,
  Logger,
  Policy,
  Principal,
  RunPins,
} from "../ports/index.ts";
import { Definitions, notFound } from "./engine/definitions.ts";
import { EffectQueue, type QueueLength } from "./engine/effectQueue.ts";
import { EffectRunner, type ChildRequest, type ChildResult, type ChildRuns } from "./engine/effectRunner.ts";
import { EngineLease } from "./engine/engineLease.ts";
import { EventEmitter } from "./engine/eventEmitter.ts";
import { EventRouter } from "./engine/eventRouter.ts";
import type { RunIdentity } from "./engine/lifecycle.ts";
import { RunLeft } from "./engine/liveEffects.ts";
import { RunOperations } from "./engine/operations/runOperations.ts";
import { RunDriver } from "./engine/runDriver.ts";
import { RunHub } from "./engine/runHub.ts";
import { checkInput, placeOf, waitReason } from "./engine/runOrder.ts";
import { RunQueue, type RunQueueLength, type WaitingRun } from "./engine/runQueue.ts";
import { untilStored } from "./engine/storeRetry.ts";
import type { TaskExecutorRegistry } from "./executors/index.ts";
import { ExpressionEvaluator } from "./expressions/index.ts";
import { Machine, SchemaValidator, WorkflowFault } from "./interpreter/index.ts";
import { collectGrants, type RunTask, type WorkflowDefinition } from "./language/index.ts";
import type { RunMessage } from "./runMessage.ts";
import { describeTask, summarizeTask } from "./store/rows.ts";
import type { ClaimedRun, NewRun, RunClaim, RunQuery, WorkflowStore } from "./store/workflowStore.ts";

// The façade of the workflow engine: definitions, runs, and what a door may ask of them. One RunDriver owns each live run.

/** Types of signals; what follows is the signal's name. */
const SIGNAL_PREFIX = "io.logomesh.signal.";
/** Steps at once over all runs unless the settings say otherwise; models and plugins have narrower limits of their own. */
const STEPS_AT_ONCE = 64;
/** A run that is taken over so often without recording a step brings the workbench down: it must be looked at. */
const IDLE_RECOVERIES_MAX = 5;
/** Runs that start runs. */
const NESTING_MAX = 16;

/** Who asks, once a token has been checked. */
export interface RunCaller {
  actor: Actor;
  principal: Principal;
  scopes: readonly Scope[];
}

export interface TaskEngineOptions {
  store: WorkflowStore;
  executors: TaskExecutorRegistry;
  /** Keeps the contents of plugins that a run began with. */
  pins?: RunPins;
  grants: Grants;
  policy: Policy;
  /** Makes events as they are published, and keeps them. */
  events: { bus: Pick<EventBus, "seal">; store: EventStore };
  clock: Clock;
  ids: IdSource;
  logger: Logger;
  /** Name and version, as expressions see them. */
  runtime: { name: string; version: string };
  /** Other engines may have runs in the same store: each keeps a lease, and takes over from those whose lease has run out. */
  sharesStore?: boolean;
  /** Steps that are performed at once, over all runs. */
  stepsAtOnce?: number;
}

export class TaskEngine implements AsyncDisposable {
  readonly #options: TaskEngineOptions;
  readonly #evaluator = new ExpressionEvaluator();
  readonly #schemas = new SchemaValidator();
  readonly #definitions: Definitions;
  readonly #hub = new RunHub();
  readonly #drivers = new Map<string, RunDriver>();
  readonly #runs = new RunQueue({ start: (run) => this.#startWaiting(run) });
  readonly #queue: EffectQueue;
  readonly #effects: EffectRunner;
  readonly #router: EventRouter;
  readonly #lease: EngineLease;
  /** Until then a run may be about to get its owner. */
  #recovered: Promise<undefined> = Promise.resolve(undefined);
  /** Suspend, resume, retry. */
  readonly operations: RunOperations;
  #stopped = false;
  #paused = false;

  constructor(options: TaskEngineOptions) {
    this.#options = options;
    const { store, grants, clock } = options;
    this.#queue = new EffectQueue({ places: options.stepsAtOnce ?? STEPS_AT_ONCE });
    this.#definitions = new Definitions({ store, grants, clock, evaluator: this.#evaluator, schemas: this.#schemas });
    const children: ChildRuns = { run: (task, request, signal) => this.#runChild(task, request, signal) };
    this.#lease = new EngineLease({
      ...{ store, clock, ids: options.ids, logger: options.logger },
      onLost: () => this.#letGo(),
      onExpired: async () => {
        await this.recover();
      },
    });
    this.#router = new EventRouter(options.events.store);
    this.#effects = new EffectRunner({
      emitter: new EventEmitter({ ...options.events, policy: options.policy }),
      executors: options.executors,
      children,
      queue: this.#queue,
      onBug: (error, frame) =>
        options.logger.error({ err: error, task: frame.task.reference }, "effect failed inside LogoMesh"),
    });
    this.operations = new RunOperations({
      ...{ store, clock },
      assertStarting: () => this.#assertStarting(),
      getRun: (runId) => this.getRun(runId),
      cancel: (runId, actor) => this.#cancelBy(runId, actor),
      driverOf: (runId) => this.#drivers.get(runId),
      engineId: () => this.#lease.engineId,
      open: (run, claim) => this.#open(run, claim),
      createMachine: ({ id: runId, workflow, input = {}, startedAt, createdAt }) =>
        this.#createMachine(this.#definitions.byHash(workflow.hash), {
          ...{ runId, input, startedAtMs: Date.parse(startedAt ?? createdAt) },
        }),
    });
  }

  /** Takes over every run that has not ended. Resolves when all of them are owned again. */
  recover(): Promise<{ runs: number }> {
    this.#paused = false;
    const recovering = this.#takeOver();
    this.#recovered = recovering.then(
      () => undefined,
      () => undefined,
    );
    return recovering;
  }

  async #takeOver(): Promise<{ runs: number }> {
    const { store, clock, logger } = this.#options;
    if (this.#options.sharesStore === true) await this.#lease.open();
    const isOver = (): boolean => this.#stopped || this.#paused;
    const audit = ({ runId }: { runId: string }): AuditEntryDraft => ({
      kind: "run.recovered",
      actor: { type: "system", id: "engine" },
      trace: { run: runId },
    });
    const claimed = await untilStored(() => store.claimLiveRuns(audit, this.#claim()), { clock, logger, isOver });
    if (isOver()) return { runs: 0 };
    const waiting: WaitingRun[] = [];
    await Promise.all(claimed.map((run) => this.#resume(run, waiting)));
    // Last, when everybody who goes on has the place that it had.
    this.#runs.wait(...waiting);
    return { runs: claimed.length };
  }

  /**
   * Stops the work of every run and leaves each as it is stored, as a stop of the workbench does; `recover` goes on with them. A step that
   * was cut off and must not happen twice is then `unknown`.
   */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#letGo();
  }

  /** Stops all work and leaves the runs to whoever has them, or will. */
  async #letGo(): Promise<void> {
    this.#runs.clear();
    await Promise.all([...this.#drivers.values()].map((driver) => driver.stop()));
  }

  /** Where nobody else can be, whoever had a run before is dead. */
  #claim(runId?: string): RunClaim {
    const { clock, sharesStore } = this.#options;
    return {
      ...(runId === undefined ? {} : { runId }),
      owner: this.#lease.engineId,
      ...(sharesStore === true ? { nowMs: clock.nowMs() } : {}),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#lease[Symbol.asyncDispose]();
    await this.#letGo();
    this.#router[Symbol.dispose]();
    this.#evaluator[Symbol.dispose]();
  }

  // ---- definitions

  define({
    source,
    origin,
    caller,
  }: {
    source: string;
    origin: string;
    caller: RunCaller;
  }): Promise<DefineWorkflowResult> {
    return this.#definitions.define({
      ...{ source, origin, actor: caller.actor },
      isFile: origin !== "api",
      grant: caller.scopes.includes("admin"),
    });
  }

  /** Whether `define` has stored exactly this text of this file already. */
  isDefined(file: { origin: string; source: string }): boolean {
    return this.#options.store.isDefined(file);
  }

  validate(source: string): Promise<ValidateWorkflowResult> {
    return this.#definitions.validate(source);
  }

  listWorkflows(page: PageQuery): Promise<Page<WorkflowSummary>> {
    return this.#options.store.listDefinitions(page);
  }

  getWorkflow(reference: WorkflowReference): Promise<WorkflowDetail> {
    const detail = this.#options.store.describeDefinition(reference);
    return detail === undefined ? Promise.reject(notFound(reference)) : Promise.resolve(detail);
  }

  async deleteWorkflow(
    reference: WorkflowReference,
    { force, caller }: { force: boolean; caller: RunCaller },
  ): Promise<void> {
    const workflow = `${reference.namespace}/${reference.name}`;
    const audit = {
      kind: "workflow.deleted",
      actor: caller.actor,
      data: { workflow, version: reference.version ?? "all" },
    };
    await this.#options.store.deleteDefinition(reference, { force, audit });
  }

  // ---- runs

  async start(params: StartRunParams, caller: RunCaller): Promise<Run> {
    if (params.idempotencyKey !== undefined) {
      const existing = this.#options.store.findRunByIdempotencyKey(params.idempotencyKey);
      if (existing !== undefined) return this.#waitFor(existing.id, params.waitMs ?? 0);
    }
    const grant = caller.scopes.includes("admin");
    const definition =
      params.source !== undefined
        ? await this.#definitions.keep(params.source, caller.actor)
        : this.#definitions.find(params.workflow ?? { namespace: "default", name: "" });
    this.#options.policy.require({
      principal: caller.principal,
      action: "workflow.run",
      resource: { type: "Workflow", id: `${definition.namespace}/${definition.name}` },
    });
    if (grant) await this.#definitions.grant(definition, caller.actor);
    const runId = await this.#begin(definition, {
      input: params.input ?? {},
      actor: caller.actor,
      token: caller.principal.id,
      priority: params.priority ?? 0,
      ...(params.idempotencyKey === undefined ? {} : { idempotencyKey: params.idempotencyKey }),
    });
    return this.#waitFor(runId, params.waitMs ?? 0);
  }

  getRun(runId: string): Promise<Run> {
    const run = this.#options.store.getRun(runId);
    return run === undefined ? Promise.reject(noRun(runId)) : Promise.resolve(run);
  }

  listRuns(query: RunQuery): Promise<Page<RunSummary>> {
    return this.#options.store.listRuns(query);
  }

  /** Live tasks included. */
  async listTasks(runId: string, page: PageQuery): Promise<Page<RunTaskSummary>> {
    await this.getRun(runId);
    const live = this.#drivers.get(runId)?.liveTasks() ?? [];
    const stored = this.#options.store.listTasks(runId, page);
    if (live.length === 0) return stored;
    const after = page.cursor === undefined ? -1 : Number(page.cursor);
    const end = stored.nextCursor === null ? Infinity : Number(stored.nextCursor);
    const known = new Set(stored.items.map(({ seq }) => seq));
    const added = live.filter(({ seq }) => seq > after && seq <= end && !known.has(seq)).map(summarizeTask);
    const items = [...stored.items, ...added].sort((a, b) => a.seq - b.seq);
    const isMore = items.length > page.limit;
    const kept = items.slice(0, page.limit);
    return { items: kept, nextCursor: isMore ? String(kept.at(-1)?.seq ?? 0) : stored.nextCursor };
  }

  async getTask(runId: string, seq: number): Promise<ApiTask> {
    await this.getRun(runId);
    const stored = this.#options.store.getTask(runId, seq);
    if (stored !== undefined) return stored;
    const live = this.#drivers
      .get(runId)
      ?.liveTasks()
      .find((task) => task.seq === seq);
    if (live === undefined) throw new LogoMeshError("LM_NOT_FOUND", `Run ${runId} has no task ${seq}.`);
    return describeTask(live);
  }

  async getRunDefinition(runId: string): Promise<{ source: string; definition: JsonObject }> {
    const run = await this.getRun(runId);
    const { source, document } = this.#definitions.byHash(run.workflow.hash);
    return { source, definition: document };
  }

  cancel(runId: string, caller: RunCaller): Promise<Run> {
    return this.#cancelBy(runId, caller.actor);
  }

  async #cancelBy(runId: string, actor: Actor): Promise<Run> {
    const run = await this.getRun(runId);
    if (isTerminalRunStatus(run.status))
      throw new LogoMeshError("LM_WORKFLOW_RUN_FINISHED", `Run ${runId} is ${run.status}.`);
    await this.#recovered;
    const driver = this.#drivers.get(runId) ?? (await this.#reopen(run));
    await driver.cancel(actor);
    return this.getRun(runId);
  }

  /** An event for this run alone, kept until it listens. @throws LogoMeshError LM_WORKFLOW_RUN_FINISHED, LM_INPUT_INVALID */
  async signal(runId: string, { name, data, id }: SignalRunParams, caller: RunCaller): Promise<{ id: string }> {
    const run = await this.getRun(runId);
    if (isTerminalRunStatus(run.status))
      throw new LogoMeshError(
        "LM_WORKFLOW_RUN_FINISHED",
        `Run ${runId} is ${run.status}; nobody would hear the signal.`,
      );
    const { namespace, name: workflow } = run.workflow;
    this.#options.policy.require({
      ...{ principal: caller.principal, action: "workflow.run" },
      resource: { type: "Workflow", id: `${namespace}/${workflow}` },
    });
    const { bus, store } = this.#options.events;
    const sealed = bus.seal(
      {
        type: `${SIGNAL_PREFIX}${name}`,
        ...(data === undefined ? {} : { data }),
        ...(id === undefined ? {} : { id }),
      },
      { source: `client:${caller.principal.id}`, isSystem: true },
    );
    const entry: AuditEntryDraft = {
      ...{ kind: "run.signalled", actor: caller.actor, trace: { run: runId } },
      data: { name, event: sealed.event.id, bytes: sealed.bytes, token: caller.principal.id },
      ...(data === undefined ? {} : { payload: { data: { bytes: JSON.stringify(data), media: "application/json" } } }),
    };
    await store.store(sealed, entry, { runId });
    return { id: sealed.event.id };
  }

  subscribe(filter: { runId?: string }, listener: (message: RunMessage) => void): Disposable {
    return this.#hub.subscribe(filter, listener);
  }

  listEvents(query: { runId?: string; after: number; limit: number }): Promise<RunEvent[]> {
    return this.#options.store.listEvents(query);
  }

  eventPosition(): number {
    return this.#options.store.eventPosition();
  }

  /** Steps that are being performed and that wait for it: all of them, and each thing that they share. */
  stepQueues(): QueueLength[] {
    return this.#queue.lengths();
  }

  /** Runs that have a place and that wait for one, by workflow; with a key, all its values together. */
  runQueues(): RunQueueLength[] {
    const byWorkflow = new Map<string, RunQueueLength>();
    for (const { queue: name, running, waiting } of this.#runs.lengths()) {
      const [queue = ""] = name.split("#", 1);
      const sum = byWorkflow.get(queue) ?? { queue, running: 0, waiting: 0 };
      byWorkflow.set(queue, { queue, running: sum.running + running, waiting: sum.waiting + waiting });
    }
    return [...byWorkflow.values()];
  }

  // ---- inside

  #assertStarting(): void {
    if (this.#stopped) throw new LogoMeshError("LM_CANCELLED", "The workbench is stopping.");
    if (this.#paused) throw new LogoMeshError("LM_POLICY_LOCKDOWN", "No run is started while LogoMesh is locked down.");
  }

  #createMachine(
    definition: WorkflowDefinition,
    { runId, input, startedAtMs }: { runId: string; input: JsonValue; startedAtMs: number },
  ): Machine {
    return new Machine({
      ...{ definition, runId, input, startedAtMs, runtime: this.#options.runtime },
      ...{ evaluator: this.#evaluator, schemas: this.#schemas },
      effectOf: (task, args) => this.#effects.effectOf(task, { args, runId }),
    });
  }

  async #begin(
    definition: WorkflowDefinition,
    order: {
      input: JsonValue;
      actor: Actor;
      /** Of the client that starts it. */
      token?: string;
      idempotencyKey?: string;
      priority: number;
      parent?: { runId: string; taskReference: string };
      isTainted?: boolean;
    },
  ): Promise<string> {
    const { input, actor, idempotencyKey, priority, parent } = order;
    checkInput(this.#schemas, definition, input);
    const place = definition.concurrency === undefined ? undefined : await placeOf(this.#evaluator, definition, input);
    this.#assertStarting();
    const { namespace, name, version, hash } = definition;
    const runId = this.#options.ids.next("run");
    const createdAtMs = this.#options.clock.nowMs();
    const create: NewRun = {
      workflow: { namespace, name, version, hash },
      owner: this.#lease.engineId,
      ...{ input, createdAtMs, startedBy: `${actor.type}:${actor.id}` },
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(priority === 0 ? {} : { priority }),
      ...(place === undefined ? {} : { queue: place.queue }),
      ...(parent === undefined ? {} : { parent }),
      ...(listens(definition) ? { eventPosition: this.#options.events.store.position() } : {}),
    };
    const summary: RunSummary = {
      id: runId,
      workflow: create.workflow,
      status: "pending",
      createdAt: new Date(createdAtMs).toISOString(),
      ...(parent === undefined ? {} : { parent }),
      startedBy: create.startedBy,
      ...(priority === 0 ? {} : { priority }),
      ...(place === undefined ? {} : { queue: place.queue }),
      ...(order.isTainted === true ? { tainted: true } : {}),
      recoveries: 0,
    };
    const { eventPosition = 0 } = create;
    const begun = { summary, input, startedAtMs: createdAtMs, epoch: 1, eventPosition };
    try {
      if (place === undefined || this.#runs.take(runId, place)) {
        await this.#own(this.#createDriver(definition, begun)).begin(create, { actor, token: order.token });
      } else {
        const reason = waitReason(place);
        await this.#createDriver(definition, begun).enqueue(create, { actor, token: order.token, reason });
        this.#runs.wait({ ...place, runId, priority, createdAtMs, epoch: 1, eventPosition });
      }
    } catch (error) {
      const taken =
        idempotencyKey === undefined ? undefined : this.#options.store.findRunByIdempotencyKey(idempotencyKey);
      if (taken === undefined) throw error;
      return taken.id;
    }
    return runId;
  }

  #createDriver(
    definition: WorkflowDefinition,
    run: { summary: RunSummary; input: JsonValue; startedAtMs: number; epoch: number; eventPosition: number },
  ): RunDriver {
    const { store, clock, logger, pins } = this.#options;
    const runId = run.summary.id;
    const { namespace, name, version, hash } = definition;
    const identity: RunIdentity = { runId, namespace, name, version, hash };
    const { input, startedAtMs } = run;
    const createMachine = (): Machine => this.#createMachine(definition, { runId, input, startedAtMs });
    return new RunDriver({
      ...{ run: identity, createMachine, summary: run.summary, epoch: run.epoch },
      ...{ store, clock, logger, effects: this.#effects, hub: this.#hub },
      ...{ router: this.#router, eventPosition: run.eventPosition },
      beginWrites: () => pins?.pinRun(runId, pluginsOf(definition)) ?? [],
      endWrites: () => pins?.releaseRun(runId) ?? [],
    });
  }

  #own(driver: RunDriver): RunDriver {
    const { id } = driver.summary;
    this.#drivers.set(id, driver);
    void driver.done.then(() => {
      if (this.#drivers.get(id) !== driver) return;
      this.#drivers.delete(id);
      this.#runs.leave(id);
    });
    return driver;
  }

  #startWaiting({ runId, epoch, eventPosition }: WaitingRun): void {
    const { store, clock, logger } = this.#options;
    const run = store.getRun(runId);
    if (this.#stopped || this.#paused || run === undefined) return;
    try {
      const nowMs = clock.nowMs();
      void this.#open(run, { epoch, eventPosition, startedAtMs: nowMs }).start(nowMs);
    } catch (error) {
      logger.error({ err: error, runId }, `run cannot be started: ${messageOf(error)}`);
      this.#runs.leave(runId);
    }
  }

  /** A run that waits for a place is added to `waiting`. */
  async #resume({ runId, idleRecoveries, ...claim }: ClaimedRun, waiting: WaitingRun[]): Promise<void> {
    const { store, logger } = this.#options;
    const run = store.getRun(runId);
    if (run === undefined) return;
    try {
      if (run.status === "pending") {
        const { queue = "", priority = 0, createdAt, workflow } = run;
        const limit = this.#definitions.byHash(workflow.hash).concurrency?.runs ?? Infinity;
        waiting.push({ ...{ runId, queue, limit, priority, ...claim }, createdAtMs: Date.parse(createdAt) });
        return;
      }
      const driver = this.#open(run, claim);
      const isPoison = idleRecoveries > IDLE_RECOVERIES_MAX;
      const reason = `The workbench stopped ${idleRecoveries} times while it worked on this run without recording a step.`;
      // A suspended run stays so: whoever suspended it wants a person to look.
      if (run.status === "suspended") driver.abandon();
      else await driver.resume(store.loadTasks(runId), isPoison ? reason : undefined);
    } catch (error) {
      logger.error({ err: error, runId }, `run cannot be taken up: ${messageOf(error)}`);
    }
  }

  #open(run: Run, claim: Pick<ClaimedRun, "epoch" | "eventPosition"> & { startedAtMs?: number }): RunDriver {
    const { startedAtMs, epoch, eventPosition } = claim;
    const definition = this.#definitions.byHash(run.workflow.hash);
    const { input = {}, output: _output, ...summary } = run;
    if (run.queue !== undefined) this.#runs.hold(run.id, run.queue);
    const begunAtMs = startedAtMs ?? Date.parse(run.startedAt ?? run.createdAt);
    return this.#own(this.#createDriver(definition, { summary, input, startedAtMs: begunAtMs, epoch, eventPosition }));
  }

  /** A run that is suspended or waits for a place has no driver; one is made to end it. */
  async #reopen(run: Run): Promise<RunDriver> {
    const waiting = this.#runs.waitingRun(run.id);
    if (waiting !== undefined) return this.#open(run, waiting);
    const [claim] = await this.#options.store.claimLiveRuns(
      ({ runId }) => ({ kind: "run.claimed", actor: { type: "system", id: "engine" }, trace: { run: runId } }),
      this.#claim(run.id),
    );
    if (claim === undefined)
      throw new LogoMeshError("LM_WORKFLOW_LEASE_LOST", `Run ${run.id} has ended, or another engine has it.`);
    const driver = this.#open(run, claim);
    if (run.status !== "pending") await driver.replay(this.#options.store.loadTasks(run.id));
    return driver;
  }

  async #waitFor(runId: string, waitMs: number): Promise<Run> {
    if (waitMs > 0) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      using _timer = this.#options.clock.setTimer(waitMs, () => resolve(undefined));
      await Promise.race([this.#ended(runId), promise]);
    }
    return this.getRun(runId);
  }

  /** Resolves when nothing more happens to the run for now: it has ended, is suspended, or the workbench stops. */
  async #ended(runId: string): Promise<void> {
    await this.#runs.turnOf(runId);
    await this.#drivers.get(runId)?.done;
  }

  async #runChild(task: RunTask, request: ChildRequest, signal: AbortSignal): Promise<ChildResult> {
    const { store, policy } = this.#options;
    const { namespace, name, version } = task.workflow;
    policy.require({
      principal: { type: "Workflow", id: request.actor.id },
      action: "workflow.run",
      resource: { type: "Workflow", id: `${namespace}/${name}` },
      context: { tainted: request.tainted, run: request.parentRunId, task: request.reference },
    });
    this.#checkNesting(request.parentRunId);
    const definition = this.#definitions.find({ namespace, name, version });
    const childRunId =
      store.findRunByIdempotencyKey(request.idempotencyKey)?.id ??
      (await this.#begin(definition, {
        ...{ input: request.input, actor: request.actor, idempotencyKey: request.idempotencyKey },
        parent: { runId: request.parentRunId, taskReference: request.reference },
        isTainted: request.tainted,
        priority: this.#drivers.get(request.parentRunId)?.summary.priority ?? 0,
      }));
    const known = store.getRun(childRunId);
    if (request.isRetry && (known?.status === "faulted" || known?.status === "cancelled"))
      await this.operations.retry(childRunId, {}, request.actor);
    if (!task.await) return { output: { runId: childRunId }, childRunId, simulated: false };
    using _waits = this.#runs.awaitChild(childRunId, request.parentRunId);
    const cancel = (): void => {
      if (!(signal.reason instanceof RunLeft)) void this.#cancelChild(childRunId, request.actor);
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    await this.#childEnded(childRunId, signal);
    signal.removeEventListener("abort", cancel);
    signal.throwIfAborted();
    const child = await this.getRun(childRunId);
    if (child.tainted === true) request.onTaint();
    return this.#childResult(child);
  }

  /** A child that is suspended is waited for until it has been resumed and has ended. */
  async #childEnded(runId: string, signal: AbortSignal): Promise<void> {
    await this.#ended(runId);
    while (!signal.aborted && this.#options.store.getRun(runId)?.status === "suspended") {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      using _heard = this.#hub.subscribe({ runId }, () => resolve(undefined));
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
      await promise;
      await this.#ended(runId);
    }
  }

  async #cancelChild(runId: string, actor: Actor): Promise<void> {
    const waiting = this.#runs.waitingRun(runId);
    const run = waiting === undefined ? undefined : this.#options.store.getRun(runId);
    const driver = waiting === undefined || run === undefined ? this.#drivers.get(runId) : this.#open(run, waiting);
    await driver?.cancel(actor);
  }

  #childResult(run: Run): ChildResult {
    if (run.status === "completed")
      return { output: run.output ?? null, childRunId: run.id, simulated: run.simulated === true };
    if (run.error !== undefined) throw new WorkflowFault(run.error);
    throw new LogoMeshError("LM_WORKFLOW_TASK_FAULT", `The run ${run.id} of ${run.workflow.name} is ${run.status}.`);
  }

  #checkNesting(runId: string): void {
    let depth = 1;
    for (let run = this.#options.store.getRun(runId); run?.parent !== undefined; depth += 1) {
      if (depth >= NESTING_MAX)
        throw new LogoMeshError(
          "LM_WORKFLOW_TASK_FAULT",
          `Runs start runs ${NESTING_MAX} levels deep; a workflow may be starting itself.`,
        );
      run = this.#options.store.getRun(run.parent.runId);
    }
  }
}

function listens({ tasksByReference }: WorkflowDefinition): boolean {
  for (const { type } of tasksByReference.values()) if (type === "listen") return true;
  return false;
}

/** Ids of the plugins that it names literally. */
function pluginsOf(definition: WorkflowDefinition): string[] {
  const called = collectGrants(definition).filter(({ action }) => action === "plugin.call");
  return [...new Set(called.map(({ resource }) => resource.split("#", 1)[0] ?? ""))];
}

function noRun(runId: string): LogoMeshError {
  return new LogoMeshError("LM_NOT_FOUND", `No run ${runId}. \`logomesh runs list\` shows what is there.`);
}
