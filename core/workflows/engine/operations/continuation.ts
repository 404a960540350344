import { LogoMeshError, type JsonObject, type StepDecision } from "@logomesh/contracts";
import { messageOf } from "../../../base/index.ts";
import {
  drive,
  toWorkflowError,
  type Frame,
  type Machine,
  type MachineEvent,
  type RestartEvent,
} from "../../interpreter/index.ts";
import type { StoredTask } from "../../store/workflowStore.ts";
import { fold, journalOf } from "../journal.ts";

// Brings an interpreter to where a stored run stands and applies what a person decided. It writes and performs nothing: whoever owns the
// run commits the machine's transition.

export interface ContinuationOptions {
  runId: string;
  createMachine: () => Machine;
  rows: readonly StoredTask[];
  decisions: readonly StepDecision[];
  /** The run has ended: what failed, or was going on when it was cancelled, begins anew. */
  isRetry: boolean;
  nowMs: number;
}

/** @throws LogoMeshError LM_WORKFLOW_CANNOT_CONTINUE, LM_WORKFLOW_STEP_UNKNOWN, LM_INPUT_INVALID */
export async function prepareContinuation(options: ContinuationOptions): Promise<Machine> {
  const { rows, decisions, isRetry, nowMs } = options;
  const { machine, from } = await foldToLast(options);
  // Which rows are outstanding and must not happen twice: nobody knows whether they did.
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  const frames = new Map(machine.effects);
  const open = [...frames].filter(([seq]) => isUncertain(bySeq.get(seq)));
  checkDecisions(decisions, open, options);
  if (isRetry) {
    const last = Math.max(0, ...rows.map(({ eventOrder }) => eventOrder ?? 0));
    const seq = Math.max(-1, ...rows.map((row) => row.seq)) + 1;
    const event: RestartEvent = { kind: "restart", name: "retry", seq, order: last + 1, atMs: nowMs };
    await drive(machine.apply(from === undefined ? event : { ...event, from }));
  }
  for (const decision of decisions) {
    const frame = frames.get(decision.seq);
    const event = frame === undefined ? undefined : eventOf(decision, frame, nowMs);
    if (event !== undefined) await drive(machine.apply(event));
  }
  return machine;
}

/** The machine at the last place from which the run can go on, and the event that a retry takes back. */
async function foldToLast({
  runId,
  createMachine,
  rows,
  isRetry,
}: ContinuationOptions): Promise<{ machine: Machine; from?: number }> {
  const journal = journalOf(rows);
  try {
    const whole = createMachine();
    await fold(whole, journal);
    if (!whole.ended) return takeAll(whole);
    const last = journal.at(-1);
    if (!isRetry || last === undefined || (last.status !== "faulted" && last.name !== "attempt"))
      throw cannot(
        runId,
        "what it does after its last step gives the same again. Fork it with another input or definition",
      );
    const before = createMachine();
    await fold(before, journal.slice(0, -1));
    return { ...takeAll(before), from: Number(last.eventOrder) };
  } catch (error) {
    if (error instanceof LogoMeshError) throw error;
    throw cannot(runId, `its journal does not fit its definition (${messageOf(error)})`);
  }
}

/** What the fold led to is stored already. */
function takeAll(machine: Machine): { machine: Machine } {
  machine.takeTransition();
  return { machine };
}

function cannot(runId: string, why: string): LogoMeshError {
  return new LogoMeshError("LM_WORKFLOW_CANNOT_CONTINUE", `Run ${runId} cannot go on: ${why}.`);
}

/** It began, must not happen twice, and nobody recorded how it ended. */
function isUncertain(row: StoredTask | undefined): boolean {
  return row?.effect === "once" && row.event === null && ["running", "unknown", "cancelled"].includes(row.status);
}

function checkDecisions(
  decisions: readonly StepDecision[],
  open: readonly (readonly [number, Frame])[],
  { runId }: ContinuationOptions,
): void {
  const known = new Set(open.map(([seq]) => seq));
  const stray = decisions.find(
    ({ seq }, index) => !known.has(seq) || decisions.findIndex((d) => d.seq === seq) < index,
  );
  if (stray !== undefined)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `Step ${stray.seq} of run ${runId} is none that waits for one decision.`,
    );
  const decided = new Set(decisions.map(({ seq }) => seq));
  const missing = open.filter(([seq]) => !decided.has(seq));
  if (missing.length === 0) return;
  const names = missing.map(([seq, { task }]) => `“${task.name}” (step ${seq})`).join(", ");
  const steps = missing.map(([seq, { task }]): JsonObject => ({ seq, name: task.name, reference: task.reference }));
  throw new LogoMeshError(
    "LM_WORKFLOW_STEP_UNKNOWN",
    `${names} of run ${runId} may have acted already. Say for each: retry, complete with its output, or fail.`,
    { data: { steps } },
  );
}

function eventOf(decision: StepDecision, frame: Frame, atMs: number): MachineEvent | undefined {
  const details: JsonObject = { decidedByPerson: true };
  switch (decision.decision) {
    case "retry":
      return undefined;
    case "complete":
      return { kind: "effect", seq: frame.seq, atMs, details, outcome: { ok: true, output: decision.output } };
    case "fail": {
      const error = new LogoMeshError(
        "LM_WORKFLOW_STEP_UNKNOWN",
        decision.comment ?? `A person decided that “${frame.task.name}” failed.`,
      );
      const outcome = { ok: false, error: toWorkflowError(error, frame.task.reference) } as const;
      return { kind: "effect", seq: frame.seq, atMs, details, outcome };
    }
  }
}
