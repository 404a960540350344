import type { ReplayRunResult, Run } from "@logomesh/contracts";
import { messageOf } from "../../../base/index.ts";
import { drive, type Machine, type MachineEnd } from "../../interpreter/index.ts";
import type { StoredTask } from "../../store/workflowStore.ts";
import { fold, journalOf } from "../journal.ts";

// Runs the interpreter over a stored journal, without any effect, and holds what it makes against what is stored, byte for byte.

/** Texts of a difference that are shown; the rest is cut. */
const SHOWN_CHARS_MAX = 2_000;

/** What of a row follows from the journal. */
const COLUMNS = [
  ...(["reference", "name", "type", "call", "parentSeq", "iteration", "attempt", "status", "effect"] as const),
  ...(["startedAtMs", "endedAtMs", "event", "eventOrder", "input", "output", "error", "details"] as const),
];

export async function replayRun(
  run: Run,
  { createMachine, rows }: { createMachine: () => Machine; rows: readonly StoredTask[] },
): Promise<ReplayRunResult> {
  const journal = journalOf(rows);
  const machine = createMachine();
  const counts = { events: journal.length, tasks: 0 };
  try {
    await fold(machine, journal);
    // The time limit of the whole run has no task and so no row: its end says that it fired.
    const isTimedOut = run.status === "faulted" && !machine.ended && machine.timers.has("timeout:-1");
    if (isTimedOut) await drive(machine.apply({ kind: "timeout", seq: -1, atMs: stoppedAtMs(run, rows) }));
  } catch (error) {
    return { identical: false, ...counts, difference: { field: "journal", recorded: "", replayed: messageOf(error) } };
  }
  if (run.status === "cancelled" && !machine.ended) machine.cancel(stoppedAtMs(run, rows));
  const { rows: made, ended } = machine.takeTransition();
  const replayed = new Map([...machine.liveRows(), ...made].map((row) => [row.seq, row]));
  for (const row of rows) {
    const other = replayed.get(row.seq);
    // Before a retry the run went another way; those rows stay for the reader.
    if (other === undefined && isBeforeRetry(row, rows)) continue;
    counts.tasks += 1;
    const field = other === undefined ? "task" : COLUMNS.find((column) => !isSame(column, row, other));
    if (field === undefined) continue;
    const shown = (from: StoredTask | undefined): string => textOf(field === "task" ? from?.reference : from?.[field]);
    const place = { seq: row.seq, reference: row.reference, field };
    return { identical: false, ...counts, difference: { ...place, recorded: shown(row), replayed: shown(other) } };
  }
  const difference = differenceOfEnd(run, ended);
  return difference === undefined ? { identical: true, ...counts } : { identical: false, ...counts, difference };
}

/** Of a task that has not ended only what it began with is stored. */
function isSame(column: (typeof COLUMNS)[number], row: StoredTask, other: StoredTask): boolean {
  if (row.endedAtMs === null && (column === "status" || column === "details")) return true;
  return row[column] === other[column];
}

function isBeforeRetry(row: StoredTask, rows: readonly StoredTask[]): boolean {
  return rows.some(({ type, seq }) => type === "restart" && seq > row.seq);
}

/** Nothing in the journal says when a run was stopped as a whole; every row that it ended does. */
function stoppedAtMs(run: Run, rows: readonly StoredTask[]): number {
  const last = rows.findLast(({ status, event }) => status === "cancelled" && event === null);
  return last?.endedAtMs ?? Date.parse(run.endedAt ?? run.createdAt);
}

function differenceOfEnd(run: Run, ended: MachineEnd | undefined): ReplayRunResult["difference"] {
  const isEnded = ["completed", "faulted", "cancelled"].includes(run.status);
  if ((ended?.status ?? "live") !== (isEnded ? run.status : "live"))
    return { field: "status", recorded: run.status, replayed: ended?.status ?? "not ended" };
  const pairs = {
    output: [run.output, ended?.status === "completed" ? ended.output : undefined],
    error: [run.error, ended?.status === "faulted" ? ended.error : undefined],
  };
  for (const [field, [recorded, replayed]] of Object.entries(pairs))
    if (textOf(recorded, Infinity) !== textOf(replayed, Infinity))
      return { field, recorded: textOf(recorded), replayed: textOf(replayed) };
  return undefined;
}

function textOf(value: unknown, charsMax = SHOWN_CHARS_MAX): string {
  const text = typeof value === "string" ? value : value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
