import type {
  Effect,
  JsonObject,
  JsonValue,
  Run,
  RunStatus,
  RunSummary,
  RunTask,
  RunTaskSummary,
  TaskStatus,
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
    startedBy: (row.started_by as string | null) ?? undefined,
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
  return compact({
    seq: Number(row.seq),
    reference: row.reference as string,
    name: row.name as string,
    type: row.type as string,
    call: (row.call as string | null) ?? undefined,
    parentSeq: row.parent_seq === null ? undefined : Number(row.parent_seq),
    iteration: row.iteration === null ? undefined : Number(row.iteration),
    attempt: Number(row.attempt),
    status: row.status as TaskStatus,
    effect: row.effect as Effect,
    startedAt: instant(row.started_at),
    endedAt: instant(row.ended_at),
    error: json(row.error) as WorkflowError | undefined,
    details: json(row.details) as JsonObject | undefined,
  });
}

export function toTask(row: SqlRow): RunTask {
  return compact({
    ...toTaskSummary(row),
    input: json(row.input),
    output: json(row.output),
  });
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

/** A task that may only live in memory yet, in the form of the API. */
export function describeTask(task: StoredTask): RunTask {
  return toTask({
    ...task,
    started_at: task.startedAtMs,
    ended_at: task.endedAtMs,
    parent_seq: task.parentSeq,
  });
}

export function summarizeTask(task: StoredTask): RunTaskSummary {
  return toTaskSummary({
    ...task,
    started_at: task.startedAtMs,
    ended_at: task.endedAtMs,
    parent_seq: task.parentSeq,
  });
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
