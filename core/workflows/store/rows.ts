import type {
  JsonObject,
  JsonValue,
  Run,
  RunStatus,
  RunSummary,
  RunTask,
  RunTaskSummary,
  WorkflowError,
} from "@logomesh/contracts";
import type { SqlRow, SqlValue } from "../../ports/index.ts";
import type { StoredTask } from "./workflowStore.ts";
import type { TaskRecord } from "./workflowWriterModule.ts";

function json(value: SqlValue | undefined): JsonValue | undefined {
  return typeof value === "string" ? (JSON.parse(value) as JsonValue) : undefined;
}

function instant(value: SqlValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : new Date(Number(value)).toISOString();
}

/** Leaves members out that are undefined, so that whole objects compare. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

export function toRunSummary(row: SqlRow): RunSummary {
  const summary: { [K in keyof RunSummary]: RunSummary[K] | undefined } = {
    id: row.id as string,
    workflow: {
      namespace: row.namespace as string,
      name: row.name as string,
      version: row.version as string,
      hash: row.hash as string,
    },
    status: row.status as RunStatus,
    statusReason: (row.status_reason as string | null) ?? undefined,
    error: json(row.error) as WorkflowError | undefined,
    createdAt: instant(row.created_at) ?? "",
    startedAt: instant(row.started_at),
    endedAt: instant(row.ended_at),
    parent:
      row.parent_run === null
        ? undefined
        : { runId: row.parent_run as string, taskReference: row.parent_task as string },
    simulated: row.simulated === 1 ? true : undefined,
    tainted: row.tainted === 1 ? true : undefined,
    startedBy: (row.started_by as string | null) ?? undefined,
    priority: row.priority === 0 ? undefined : Number(row.priority),
    queue: (row.queue as string | null) ?? undefined,
    recoveries: Number(row.recoveries),
  };
  return compact(summary) as RunSummary;
}

export function toRun(row: SqlRow): Run {
  return compact({
    ...toRunSummary(row),
    input: json(row.input),
    output: json(row.output),
  });
}

export function toTaskSummary(row: SqlRow): RunTaskSummary {
  return summarizeTask(toStoredTask(row));
}

export function toTask(row: SqlRow): RunTask {
  return describeTask(toStoredTask(row));
}

export function toStoredTask(row: SqlRow): StoredTask {
  const { started_at, ended_at, parent_seq, event_order, ...rest } = row;
  return {
    ...(rest as unknown as StoredTask),
    startedAtMs: started_at as number,
    endedAtMs: ended_at as number | null,
    parentSeq: parent_seq as number | null,
    eventOrder: event_order as number | null,
  };
}

/** A task, which may only live in memory yet, in the form of the API. */
export function describeTask(task: StoredTask): RunTask {
  const described: RunTask = summarizeTask(task);
  const input = json(task.input);
  const output = json(task.output);
  if (input !== undefined) described.input = input;
  if (output !== undefined) described.output = output;
  return described;
}

/** Made for every event of every step, hence plain assignments. */
export function summarizeTask(task: StoredTask): RunTaskSummary {
  const { seq, reference, name, type, call, parentSeq, iteration, attempt, status, effect, error, details } = task;
  const summary: RunTaskSummary = {
    ...{ seq, reference, name, type, attempt, status, effect },
    startedAt: new Date(task.startedAtMs).toISOString(),
  };
  if (call !== null) summary.call = call;
  if (parentSeq !== null) summary.parentSeq = parentSeq;
  if (iteration !== null) summary.iteration = iteration;
  if (task.endedAtMs !== null) summary.endedAt = new Date(task.endedAtMs).toISOString();
  if (error !== null) summary.error = JSON.parse(error) as WorkflowError;
  if (details !== null) summary.details = JSON.parse(details) as JsonObject;
  return summary;
}

export function toRecord(task: StoredTask): TaskRecord {
  return [
    task.seq,
    task.reference,
    task.name,
    task.type,
    task.call,
    task.parentSeq,
    task.iteration,
    task.attempt,
    task.status,
    task.effect,
    task.startedAtMs,
    task.endedAtMs,
    task.event,
    task.eventOrder,
    task.input,
    task.output,
    task.error,
    task.details,
  ];
}
