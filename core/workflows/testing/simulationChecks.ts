import { isTerminalRunStatus, type JsonValue, type RunStatus } from "@logomesh/contracts";
import { ExpressionEvaluator } from "../expressions/index.ts";
import { toEvent } from "../engine/journal.ts";
import { Machine, SchemaValidator, drive } from "../interpreter/index.ts";
import { parseWorkflow } from "../language/index.ts";
import type { StoredTask } from "../store/workflowStore.ts";
import type { MemoryState } from "./memoryDisk.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

// What must hold of everything that is on the disk when a run has ended, however it got there.

export async function checkHistory(
  state: MemoryState,
  { runId, world }: { runId: string; world: SimulatedWorld },
): Promise<string[]> {
  const faults: string[] = [];
  for (const [id, run] of state.runs) {
    const status = run.status as RunStatus;
    const tasks = [...(state.tasks.get(id)?.values() ?? [])];
    faults.push(...checkEvents(state, { id, status }), ...checkAudit(state, { id, status, tasks }));
    if (isTerminalRunStatus(status)) {
      if (status !== "cancelled") faults.push(...(await checkReplay(state, { id, tasks })));
      const open = tasks.filter(({ endedAtMs, status }) => endedAtMs === null && status !== "unknown");
      if (status === "completed" && open.length > 0)
        faults.push(`${id} is completed and step ${open[0]?.seq ?? 0} is not`);
    } else if (
      id !== runId &&
      isTerminalRunStatus(state.runs.get(runId)?.status as RunStatus) &&
      status !== "suspended"
    ) {
      faults.push(`child run ${id} is ${status} after its parent has ended`);
    }
  }
  const thoughts = [...state.tasks.values()].flatMap((tasks) => [...tasks.values()]).filter(isKeptThought).length;
  const kept = state.writes.filter(({ name }) => name === "test.thought");
  if (thoughts !== kept.length) faults.push(`${thoughts} thoughts are recorded and ${kept.length} are stored`);
  if (world.pending.length > 0) faults.push(`${world.pending.length} calls go on after the run has ended`);
  return faults;
}

function isKeptThought(task: StoredTask): boolean {
  return task.call === "thought.create" && task.status === "completed";
}

function checkEvents(state: MemoryState, { id, status }: { id: string; status: RunStatus }): string[] {
  const events = state.events.filter(({ runId }) => runId === id);
  const numbers = events.map(({ seq }) => seq);
  const last = events.at(-1)?.type ?? "";
  return [
    ...(numbers.every((seq, index) => seq === index + 1) ? [] : [`events of ${id} are numbered ${numbers.join(" ")}`]),
    ...(isTerminalRunStatus(status) && !last.includes(`workflow.${status}`)
      ? [`${id} is ${status} and tells last of ${last}`]
      : []),
  ];
}

function checkAudit(
  state: MemoryState,
  { id, status, tasks }: { id: string; status: RunStatus; tasks: StoredTask[] },
): string[] {
  const entries = state.audit.filter(({ trace }) => trace?.run === id);
  const count = (kind: string): number => entries.filter((entry) => entry.kind === kind).length;
  const recorded = tasks.filter((task) => task.event === "effect" && task.status === "completed").length;
  return [
    ...(count("run.started") === 1 ? [] : [`${id} was started ${count("run.started")} times`]),
    ...(count("step.completed") === recorded
      ? []
      : [`${id} has ${recorded} completed steps and ${count("step.completed")} entries`]),
    ...(isTerminalRunStatus(status) && count(`run.${status}`) !== 1
      ? [`${id} ended ${count(`run.${status}`)} times`]
      : []),
  ];
}

/** The journal alone gives the same end. */
async function checkReplay(state: MemoryState, { id, tasks }: { id: string; tasks: StoredTask[] }): Promise<string[]> {
  const run = state.runs.get(id);
  const { definition } = parseWorkflow(state.definitions.get(String(run?.hash))?.source ?? "");
  if (run === undefined || definition === undefined) return [`${id} has lost its definition`];
  using evaluator = new ExpressionEvaluator();
  const machine = new Machine({
    ...{ definition, runId: id, evaluator, schemas: new SchemaValidator(), effectOf: () => "pure" as const },
    ...{
      input: JSON.parse(String(run.input)) as JsonValue,
      createdAtMs: Number(run.created_at),
      startedAtMs: Number(run.started_at),
    },
    runtime: { name: "LogoMesh", version: "0.0.0" },
  });
  await drive(machine.start());
  const journal = tasks
    .filter((task) => task.eventOrder !== null)
    .sort((a, b) => Number(a.eventOrder) - Number(b.eventOrder));
  for (const [index, row] of journal.entries()) {
    const event = toEvent(row);
    if (row.eventOrder !== index + 1) return [`the journal of ${id} has no event ${index + 1}`];
    if (!machine.expects(event)) return [`the journal of ${id} has step ${row.seq} where it cannot be`];
    await drive(machine.apply(event));
  }
  // The workflow itself has no row: that its own time was up is stored as the end of the run.
  const timeout = { kind: "timeout", seq: -1, atMs: Number(run.ended_at) } as const;
  if (!machine.ended && machine.expects(timeout)) await drive(machine.apply(timeout));
  const { ended } = machine.takeTransition();
  const told =
    ended === undefined
      ? undefined
      : [ended.status, "output" in ended ? ended.output : undefined, "error" in ended ? ended.error : undefined];
  const stored = [run.status, parse(run.output), parse(run.error)];
  return JSON.stringify(told) === JSON.stringify(stored)
    ? []
    : [`the journal of ${id} gives ${JSON.stringify(told)}, stored is ${JSON.stringify(stored)}`];
}

function parse(text: unknown): unknown {
  return typeof text === "string" ? JSON.parse(text) : undefined;
}
