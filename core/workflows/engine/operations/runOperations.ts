import {
  LogoMeshError,
  isTerminalRunStatus,
  type Actor,
  type JsonObject,
  type BulkRunsParams,
  type BulkRunsResult,
  type CompareRunsResult,
  type PruneRunsParams,
  type PruneRunsResult,
  type ReplayRunResult,
  type ResumeRunParams,
  type Run,
  type StepDecision,
} from "@logomesh/contracts";
import type { Clock } from "../../../ports/index.ts";
import type { Machine } from "../../interpreter/index.ts";
import type { ClaimedRun, WorkflowStore } from "../../store/workflowStore.ts";
import { runEntry } from "../lifecycle.ts";
import type { RunDriver } from "../runDriver.ts";
import { actOnRuns, pruneRuns } from "./bulk.ts";
import { compareRuns } from "./compare.ts";
import { prepareContinuation } from "./continuation.ts";
import { replayRun } from "./replay.ts";

/** What the operations ask of the engine around them. */
export interface OperationsHost {
  store: WorkflowStore;
  clock: Clock;
  /** @throws LogoMeshError when nothing may be started now */
  assertStarting: () => void;
  /** @throws LogoMeshError LM_NOT_FOUND */
  getRun: (runId: string) => Promise<Run>;
  cancel: (runId: string, actor: Actor) => Promise<Run>;
  /** The owner of a run that goes on. */
  driverOf: (runId: string) => RunDriver | undefined;
  /** Whose the runs are that go on here. */
  engineId: () => string;
  /** Becomes the owner of a run. */
  open: (run: Run, claim: ClaimedRun) => RunDriver;
  /** A machine at the start of a run. */
  createMachine: (run: Run) => Machine;
}

/** What a person may have done with a run besides starting and cancelling it. */
export class RunOperations {
  readonly #host: OperationsHost;
  readonly #busy = new Set<string>();

  constructor(host: OperationsHost) {
    this.#host = host;
  }

  /** Nothing more of the run begins until it is resumed. @throws LogoMeshError LM_NOT_FOUND, LM_CONFLICT, LM_WORKFLOW_RUN_FINISHED */
  async suspend(runId: string, { reason, actor }: { reason?: string | undefined; actor: Actor }): Promise<Run> {
    const run = await this.#host.getRun(runId);
    if (isTerminalRunStatus(run.status)) throw finished(run);
    if (run.status === "suspended") return run;
    const driver = this.#host.driverOf(runId);
    if (driver === undefined || run.status === "pending")
      throw new LogoMeshError("LM_CONFLICT", `Run ${runId} is ${run.status}: it has not begun. Cancel it instead.`);
    if (!(await driver.suspend(actor, reason ?? `Suspended by ${actor.type} ${actor.id}.`)))
      throw finished(await this.#host.getRun(runId));
    return this.#host.getRun(runId);
  }

  /**
   * A suspended run goes on. Each step whose outcome is unknown needs a decision.
   * @throws LogoMeshError LM_NOT_FOUND, LM_CONFLICT, LM_WORKFLOW_STEP_UNKNOWN, LM_WORKFLOW_CANNOT_CONTINUE
   */
  async resume(runId: string, params: ResumeRunParams, actor: Actor): Promise<Run> {
    const run = await this.#host.getRun(runId);
    if (isTerminalRunStatus(run.status)) throw finished(run);
    if (run.status !== "suspended")
      throw new LogoMeshError("LM_CONFLICT", `Run ${runId} is ${run.status}; only a suspended run is resumed.`);
    return this.#continue(run, { kind: "run.resumed", decisions: params.steps ?? [], actor });
  }

  /**
   * A run that faulted or was cancelled goes on from the task that failed, or from what was going on.
   * @throws LogoMeshError LM_NOT_FOUND, LM_CONFLICT, LM_WORKFLOW_STEP_UNKNOWN, LM_WORKFLOW_CANNOT_CONTINUE
   */
  async retry(runId: string, params: ResumeRunParams, actor: Actor): Promise<Run> {
    const run = await this.#host.getRun(runId);
    if (run.status !== "faulted" && run.status !== "cancelled")
      throw new LogoMeshError(
        "LM_CONFLICT",
        `Run ${runId} is ${run.status}; only a faulted or cancelled run is retried.`,
      );
    return this.#continue(run, { kind: "run.retried", decisions: params.steps ?? [], actor });
  }

  /** Runs the interpreter over what is recorded, without any effect. @throws LogoMeshError LM_NOT_FOUND, LM_CONFLICT */
  async replay(runId: string): Promise<ReplayRunResult> {
    const run = await this.#host.getRun(runId);
    if (run.status === "pending")
      throw new LogoMeshError("LM_CONFLICT", `Run ${runId} has not begun: there is nothing to replay.`);
    const createMachine = (): Machine => this.#host.createMachine(run);
    return replayRun(run, { createMachine, rows: this.#host.store.loadTasks(runId) });
  }

  /** @throws LogoMeshError LM_NOT_FOUND */
  async compare(runIdA: string, runIdB: string): Promise<CompareRunsResult> {
    const load = async (runId: string) => {
      const run = await this.#host.getRun(runId);
      return { run, rows: this.#host.store.loadTasks(runId) };
    };
    return compareRuns(await load(runIdA), await load(runIdB));
  }

  /** Cancels or retries every run that the filter finds. */
  bulk(params: BulkRunsParams, actor: Actor): Promise<BulkRunsResult> {
    const act = (runId: string, action: BulkRunsParams["action"]): Promise<Run> =>
      action === "cancel" ? this.#host.cancel(runId, actor) : this.retry(runId, {}, actor);
    return actOnRuns(params, { store: this.#host.store, act });
  }

  /** Deletes ended runs and gives their space back. @throws LogoMeshError LM_INPUT_INVALID */
  prune(params: PruneRunsParams, actor: Actor): Promise<PruneRunsResult> {
    const { store, clock } = this.#host;
    const audit = (data: PruneRunsResult) => ({ kind: "run.pruned", actor, data: { ...data } });
    return pruneRuns(params, { store, nowMs: clock.nowMs(), audit });
  }

  async #continue(
    run: Run,
    order: { kind: "run.resumed" | "run.retried"; decisions: readonly StepDecision[]; actor: Actor },
  ): Promise<Run> {
    const { store, clock } = this.#host;
    this.#host.assertStarting();
    if (this.#busy.has(run.id) || this.#host.driverOf(run.id) !== undefined)
      throw new LogoMeshError("LM_CONFLICT", `Run ${run.id} is being taken up already.`);
    this.#busy.add(run.id);
    try {
      const { kind, decisions, actor } = order;
      const isRetry = kind === "run.retried";
      const machine = await prepareContinuation({
        ...{ runId: run.id, decisions, isRetry, nowMs: clock.nowMs(), rows: store.loadTasks(run.id) },
        createMachine: () => this.#host.createMachine(run),
      });
      const claim = await store.claimRun(run.id, this.#host.engineId());
      if (claim === undefined) throw new LogoMeshError("LM_NOT_FOUND", `No run ${run.id}.`);
      const data: JsonObject = Object.fromEntries(decisions.map(({ seq, decision }) => [`step${seq}`, decision]));
      const entry = runEntry({ runId: run.id, ...run.workflow }, { kind, actor, status: "running", data });
      // What a retry takes back is no part of the run any more.
      const { error: _error, endedAt: _endedAt, ...begun } = run;
      await this.#host.open(begun, claim).takeUp(machine, { actor, entry, reopens: isRetry });
      return await this.#host.getRun(run.id);
    } finally {
      this.#busy.delete(run.id);
    }
  }
}

function finished(run: Run): LogoMeshError {
  return new LogoMeshError("LM_WORKFLOW_RUN_FINISHED", `Run ${run.id} is ${run.status}.`);
}
