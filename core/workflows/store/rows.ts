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
import type { TaskRow } from "../interpreter/index.ts";
import type { TaskRowRecord } from "./workflowWriterModule.ts";

/** Values of pure tasks are only for looking at; longer ones are shown by their size. */
const VIEW_CHARS_MAX = 65_536;

function json<T>(value: SqlValue | undefined): T | undefined {
  return typeof value === "string" ? (JSON.parse(value) as T) : undefined;
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
    error: json<WorkflowError>(row.error),
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
    input: json<JsonValue>(row.input),
    output: json<JsonValue>(row.output),
  }) as Run;
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
    error: json<WorkflowError>(row.error),
    details: json<JsonObject>(row.details),
  }) as RunTaskSummary;
}

export function toTask(row: SqlRow): RunTask {
  return compact({
    ...toTaskSummary(row),
    input: json<JsonValue>(row.input),
    output: json<JsonValue>(row.output),
  }) as RunTask;
}

export function toTaskRow(row: SqlRow): TaskRow {
  const { startedAt: _startedAt, endedAt: _endedAt, ...task } = toTask(row);
  return compact({
    ...task,
    startedAtMs: Number(row.started_at),
    endedAtMs: row.ended_at === null ? undefined : Number(row.ended_at),
    endOrder: row.end_order === null ? undefined : Number(row.end_order),
  }) as TaskRow;
}

/** A task that only lives in memory yet, in the form of the API. */
export function liveTask(row: TaskRow): RunTask {
  const { startedAtMs, endedAtMs, endOrder: _endOrder, ...task } = row;
  return compact({
    ...task,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === undefined ? undefined : new Date(endedAtMs).toISOString(),
  }) as RunTask;
}

export function summaryOf(task: RunTask): RunTaskSummary {
  const { input: _input, output: _output, ...summary } = task;
  return summary;
}

export function toRecord(row: TaskRow): TaskRowRecord {
  const isView = row.endOrder === undefined && row.type !== "call";
  const text = (value: JsonValue | object | undefined): string | null => {
    if (value === undefined) return null;
    const whole = JSON.stringify(value);
    return isView && whole.length > VIEW_CHARS_MAX ? JSON.stringify({ $omitted: `${whole.length} characters` }) : whole;
  };
  return [
    row.seq,
    row.reference,
    row.name,
    row.type,
    row.call ?? null,
    row.parentSeq ?? null,
    row.iteration ?? null,
    row.attempt,
    row.status,
    row.effect,
    row.startedAtMs,
    row.endedAtMs ?? null,
    row.endOrder ?? null,
    text(row.input),
    text(row.output),
    text(row.error),
    text(row.details),
  ];
}
