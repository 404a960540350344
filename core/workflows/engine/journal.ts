import type { JsonObject, JsonValue, RunStatus, RunSummary, WorkflowError } from "@logomesh/contracts";
import { isTerminalRunStatus } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import type { CloudEvent } from "../../ports/index.ts";
import { drive, type EffectOutcome, type Machine, type MachineEvent, type RestartEvent } from "../interpreter/index.ts";
import type { StoredTask } from "../store/workflowStore.ts";

// Between rows as they are stored and events as the interpreter takes them. Pure functions.

/** The rows that something from outside ended, in the order in which it did, without those that a retry took back. */
export function journalOf(rows: readonly StoredTask[]): StoredTask[] {
  const ordered = rows
    .filter((row) => row.eventOrder !== null)
    .sort((a, b) => Number(a.eventOrder) - Number(b.eventOrder));
  let journal: StoredTask[] = [];
  for (const row of ordered) {
    const from = row.type === "restart" ? restartOf(row).from : undefined;
    if (from !== undefined) journal = journal.filter(({ eventOrder }) => Number(eventOrder) < from);
    journal.push(row);
  }
  return journal;
}

/** Folds a journal through a machine at the start of its run, without any effect. @throws Error when it does not fit */
export async function fold(machine: Machine, journal: readonly StoredTask[]): Promise<void> {
  await drive(machine.start());
  for (const row of journal) {
    const event = toEvent(row);
    if (!machine.expects(event)) throw new Error(`task ${row.seq} (${row.reference}) is not expected there`);
    await drive(machine.apply(event));
  }
}

function restartOf(row: StoredTask): RestartEvent {
  const { from } = JSON.parse(row.details ?? "{}") as { from?: number };
  return {
    ...{ kind: "restart", seq: row.seq, order: Number(row.eventOrder), atMs: Number(row.endedAtMs), name: row.name },
    ...(from === undefined ? {} : { from }),
  };
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
  if (row.type === "restart") return restartOf(row);
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
