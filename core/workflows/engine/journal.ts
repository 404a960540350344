import type { JsonObject, JsonValue, RunStatus, RunSummary, WorkflowError } from "@logomesh/contracts";
import { isTerminalRunStatus } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import type { CloudEvent } from "../../ports/index.ts";
import type { EffectOutcome, MachineEvent } from "../interpreter/index.ts";
import type { StoredTask } from "../store/workflowStore.ts";

// Between rows as they are stored and events as the interpreter takes them. Pure functions.

/** The rows that something from outside ended, in the order in which it did. */
export function journalOf(rows: readonly StoredTask[]): StoredTask[] {
  return rows.filter((row) => row.eventOrder !== null).sort((a, b) => Number(a.eventOrder) - Number(b.eventOrder));
}

export function effectEvent(
  seq: number,
  { atMs, outcome, details }: { atMs: number; outcome: EffectOutcome; details: JsonObject | undefined },
): MachineEvent {
  return { kind: "effect", seq, atMs, outcome, ...(details === undefined ? {} : { details }) };
}

/** What a row of the journal says happened. */
export function toEvent(row: StoredTask): MachineEvent {
  assert(row.event !== null && row.endedAtMs !== null, `row ${row.seq} is an outcome`);
  if (row.event === "event") {
    const { position } = JSON.parse(row.details ?? "{}") as { position: number };
    const event = JSON.parse(row.output ?? "{}") as CloudEvent;
    return { kind: "event", seq: row.parentSeq ?? 0, atMs: row.endedAtMs, position, event };
  }
  if (row.event !== "effect") return { kind: row.event, seq: row.seq, atMs: row.endedAtMs };
  const outcome: EffectOutcome =
    row.error !== null
      ? { ok: false, error: JSON.parse(row.error) as WorkflowError }
      : { ok: true, output: JSON.parse(row.output ?? "null") as JsonValue, recorded: true };
  const details = row.details === null ? undefined : (JSON.parse(row.details) as JsonObject);
  return effectEvent(row.seq, { atMs: row.endedAtMs, outcome, details });
}

export interface SummaryChange {
  status: RunStatus;
  startedAtMs: number | undefined;
  endedAtMs?: number;
  error?: WorkflowError;
  isSimulated?: boolean;
  isTainted?: boolean;
  reason?: string;
}

export function summaryAfter(summary: RunSummary, change: SummaryChange): RunSummary {
  const { startedAtMs, endedAtMs } = change;
  const { statusReason, ...rest } = summary;
  return {
    ...rest,
    // A reason belongs to its status.
    ...(statusReason === undefined || change.status !== summary.status ? {} : { statusReason }),
    status: change.status,
    ...(startedAtMs === undefined ? {} : { startedAt: new Date(startedAtMs).toISOString() }),
    ...(endedAtMs === undefined || !isTerminalRunStatus(change.status)
      ? {}
      : { endedAt: new Date(endedAtMs).toISOString() }),
    ...(change.error === undefined ? {} : { error: change.error }),
    ...(change.isSimulated === true ? { simulated: true } : {}),
    ...(change.isTainted === true ? { tainted: true } : {}),
    ...(change.reason === undefined ? {} : { statusReason: change.reason }),
  };
}
