import type {
  Effect,
  JsonObject,
  JsonValue,
  Page,
  PageQuery,
  Run,
  RunEvent,
  RunStatus,
  RunSummary,
  RunTask,
  RunTaskSummary,
  TaskStatus,
  WorkflowDetail,
  WorkflowError,
  WorkflowIdentity,
  WorkflowReference,
  WorkflowSummary,
} from "@logomesh/contracts";
import type { AuditEntryDraft, WriteCommand } from "../../ports/index.ts";

/** A definition as it is kept: by content hash. */
export interface StoredDefinition extends WorkflowIdentity {
  /** False: kept for a run only, its version names nothing. */
  listed: boolean;
  source: string;
  document: JsonObject;
  title: string | undefined;
  summary: string | undefined;
  origin: string;
  createdAtMs: number;
  /** The newest content wins under the same version; otherwise a different content is refused. */
  replace: boolean;
}

/** A run as it begins. */
export interface NewRun {
  workflow: WorkflowIdentity;
  input: JsonValue;
  createdAtMs: number;
  startedBy: string;
  idempotencyKey?: string;
  /** Default: 0. */
  priority?: number;
  /** Where it has or waits for a place. */
  queue?: string;
  /** The engine that begins it. */
  owner?: string;
  /** Its listeners hear events that were stored behind this position. Default 0. */
  eventPosition?: number;
  parent?: { runId: string; taskReference: string };
}

/** What ends or moves a task from outside: the result of an effect, a timer, the timeout of a task, an event that it listened for. */
export type JournalEventKind = "effect" | "timer" | "timeout" | "event";

/** A task of a run as it is kept. Payloads are JSON text; absent ones are null. */
export interface StoredTask {
  /** Order of starting within the run. */
  seq: number;
  reference: string;
  name: string;
  type: string;
  call: string | null;
  parentSeq: number | null;
  iteration: number | null;
  attempt: number;
  status: TaskStatus;
  effect: Effect;
  startedAtMs: number;
  endedAtMs: number | null;
  /** Set when something from outside ended it; these rows, in `eventOrder`, are the journal that rebuilds a run. */
  event: JournalEventKind | null;
  eventOrder: number | null;
  input: string | null;
  output: string | null;
  error: string | null;
  details: string | null;
}

/** A lifecycle event before it has its numbers. */
export interface EventDraft {
  type: string;
  timeMs: number;
  data: JsonObject;
}

/** One atomic step of a run's life. Everything in it becomes durable together, or nothing does. */
export interface Transition {
  runId: string;
  /** Of the owner; a stale one is refused with LM_WORKFLOW_LEASE_LOST. */
  epoch: number;
  /** Set on the first transition. */
  create?: NewRun;
  /** Takes a run up again that is faulted or cancelled: its end, error and output are taken back before the rest applies. */
  reopens?: boolean;
  status?: RunStatus;
  statusReason?: string;
  startedAtMs?: number;
  endedAtMs?: number;
  output?: JsonValue;
  error?: WorkflowError;
  simulated?: boolean;
  tainted?: boolean;
  rows: readonly StoredTask[];
  events: readonly EventDraft[];
  audit: readonly AuditEntryDraft[];
  /** Changes inside the database that belong to the recorded steps. */
  writes: readonly WriteCommand[];
}

export interface CommitResult {
  /** Id of the first event; the others follow without gaps. */
  firstEventId: number;
  firstEventSeq: number;
}

/** A run that has not ended, and what is needed to go on with it. */
export interface ClaimedRun {
  runId: string;
  epoch: number;
  /** Recoveries since a step was last recorded, this one included. */
  idleRecoveries: number;
  eventPosition: number;
}

/** Which of the live runs are taken over, and by whom. */
export interface RunClaim {
  /** Default: all. */
  runId?: string;
  /** The engine that takes them. */
  owner?: string;
  /** Set where engines share the store: those whose lease runs on after this instant keep their runs; the leases of others end. */
  nowMs?: number;
}

export interface RunQuery extends PageQuery {
  status?: RunStatus;
  workflow?: string;
  q?: string;
}

/** Durability of definitions and runs. The interpreter and the engine assume nothing else about where they live. */
export interface WorkflowStore {
  /** Commands for a unit that also grants and audits. @throws LM_CONFLICT for another content under a taken version */
  saveDefinition(definition: StoredDefinition, together: { audit?: AuditEntryDraft }): Promise<void>;
  getDefinition(
    reference: WorkflowReference,
  ): { identity: WorkflowIdentity; source: string; document: JsonObject } | undefined;
  getDefinitionByHash(hash: string): { source: string; document: JsonObject } | undefined;
  /** Whether a version with exactly this text came from this origin. */
  isDefined(text: { origin: string; source: string }): boolean;
  describeDefinition(reference: WorkflowReference): WorkflowDetail | undefined;
  listDefinitions(page: PageQuery): Promise<Page<WorkflowSummary>>;
  /** @throws LM_WORKFLOW_IN_USE unless forced */
  deleteDefinition(reference: WorkflowReference, options: { force: boolean; audit: AuditEntryDraft }): Promise<void>;

  /**
   * @throws LM_WORKFLOW_LEASE_LOST, LM_WORKFLOW_RUN_FINISHED, LM_CONFLICT when the idempotency key is taken
   */
  commit(transition: Transition): Promise<CommitResult>;
  /** Takes over runs that have not ended: raises the epoch and counts the recovery. */
  claimLiveRuns(audit: (run: { runId: string }) => AuditEntryDraft, claim?: RunClaim): Promise<ClaimedRun[]>;
  /** Whether the lease was there before. */
  renewLease(lease: { engineId: string; untilMs: number }): Promise<boolean>;
  hasExpiredLease(nowMs: number): boolean;

  /**
   * Takes over one run, ended or not, because a person asks: raises its epoch and counts its idle recoveries from none. Undefined
   * when there is no such run.
   */
  claimRun(runId: string, owner?: string): Promise<ClaimedRun | undefined>;

  /**
   * Deletes ended runs of these statuses, the oldest end first, each whole (tasks, lifecycle events, signals), until they had `tasksMax` tasks;
   * at least one where there is any. Never a live run, nor a child whose parent may still go on. The numbers of events never go back.
   * Answers how many runs it deleted.
   */
  deleteRuns(which: { statuses: readonly RunStatus[]; endedBeforeMs: number; tasksMax: number }): Promise<number>;
  /** Gives up to so much free space back. Answers what was given back; 0 when nothing is left to give. */
  shrink(bytesMax: number): Promise<number>;
  /** Of everything that is kept, and of it what is used. */
  size(): { bytes: number; usedBytes: number };
  /** An audit entry that belongs to no run. */
  record(audit: AuditEntryDraft): Promise<void>;

  getRun(runId: string): Run | undefined;
  findRunByIdempotencyKey(key: string): Run | undefined;
  listRuns(query: RunQuery): Promise<Page<RunSummary>>;
  listChildren(runId: string): { runId: string; taskReference: string; status: RunStatus }[];
  /** Every row, payloads included, in order of starting. */
  loadTasks(runId: string): StoredTask[];
  listTasks(runId: string, page: PageQuery): Page<RunTaskSummary>;
  getTask(runId: string, seq: number): RunTask | undefined;

  listEvents(query: { runId?: string; after: number; limit: number }): Promise<RunEvent[]>;
  eventPosition(): number;
}
