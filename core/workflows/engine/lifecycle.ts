import { isTerminalRunStatus, type Actor, type JsonObject, type RunStatus } from "@logomesh/contracts";
import type { AuditEntryDraft, AuditPayload } from "../../ports/index.ts";
import type { MachineEnd } from "../interpreter/index.ts";
import { summarizeTask } from "../store/rows.ts";
import type { EventDraft, StoredTask } from "../store/workflowStore.ts";

// What a transition tells the outside: lifecycle events in the form of the specification (section "Lifecycle events" of dsl.md), and
// entries of the audit log. Pure functions of the rows.

const WORKFLOW = "io.serverlessworkflow.workflow";
const TASK = "io.serverlessworkflow.task";

/** The run as its events and entries name it. */
export interface RunIdentity {
  runId: string;
  namespace: string;
  name: string;
  version: string;
  hash: string;
}

const RUN_EVENT: Partial<Record<RunStatus, string>> = {
  suspended: "suspended",
  cancelled: "cancelled",
  faulted: "faulted",
  completed: "completed",
};

const TASK_EVENT: Partial<Record<StoredTask["status"], string>> = {
  completed: "completed",
  faulted: "faulted",
  cancelled: "cancelled",
};

export function runEvent(
  run: RunIdentity,
  change: { status: RunStatus; created?: boolean; atMs: number; reason?: string },
): EventDraft {
  const { status, atMs, reason } = change;
  const what = change.created === true ? "started" : (RUN_EVENT[status] ?? "status-changed");
  const time = new Date(atMs).toISOString();
  return {
    type: `${WORKFLOW}.${what}.v1`,
    timeMs: atMs,
    data: {
      name: run.runId,
      definition: { namespace: run.namespace, name: run.name, version: run.version, hash: run.hash },
      status,
      [isTerminalRunStatus(status) ? `${status}At` : "at"]: time,
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

/** An event for each task that ended; `task` is its summary as the API shows it. */
export function taskEvents(run: RunIdentity, rows: readonly StoredTask[]): EventDraft[] {
  return rows.flatMap((row) => {
    const what = TASK_EVENT[row.status];
    if (what === undefined || row.endedAtMs === null) return [];
    return [taskEvent(run, row, { what, atMs: row.endedAtMs })];
  });
}

export function taskStartedEvent(run: RunIdentity, row: StoredTask): EventDraft {
  return taskEvent(run, row, { what: "started", atMs: row.startedAtMs });
}

function taskEvent(run: RunIdentity, row: StoredTask, { what, atMs }: { what: string; atMs: number }): EventDraft {
  return {
    type: `${TASK}.${what}.v1`,
    timeMs: atMs,
    data: {
      workflow: run.runId,
      task: row.reference,
      [`${what}At`]: new Date(atMs).toISOString(),
      state: summarizeTask(row) as unknown as JsonObject,
    },
  };
}

export function runEntry(
  run: RunIdentity,
  what: { kind: string; actor: Actor; status?: RunStatus; data?: JsonObject; payload?: Record<string, AuditPayload> },
): AuditEntryDraft {
  const { kind, actor, status, data, payload } = what;
  return {
    kind,
    actor,
    trace: { run: run.runId, ...(status === undefined ? {} : { status }) },
    data: {
      workflow: `${run.namespace}/${run.name}`,
      version: run.version,
      definition: run.hash,
      ...data,
    },
    ...(payload === undefined ? {} : { payload }),
  };
}

/** The entry of a run that has ended. */
export function endEntry(run: RunIdentity, { ended, actor }: { ended: MachineEnd; actor: Actor }): AuditEntryDraft {
  const common = { kind: `run.${ended.status}`, actor, status: ended.status };
  if (ended.status === "completed")
    return runEntry(run, {
      ...common,
      payload: { output: { bytes: JSON.stringify(ended.output), media: "application/json" } },
    });
  if (ended.status === "faulted")
    return runEntry(run, { ...common, data: { error: ended.error.type, detail: ended.error.detail ?? "" } });
  return runEntry(run, common);
}

/** The entry of a step: an effect whose outcome became known. */
export function stepEntry(
  run: RunIdentity,
  step: { row: StoredTask; actor: Actor; details?: JsonObject; payload?: Record<string, AuditPayload> },
): AuditEntryDraft {
  const { row, details } = step;
  const error = row.error === null ? undefined : (JSON.parse(row.error) as JsonObject);
  return {
    kind: `step.${row.status}`,
    actor: step.actor,
    trace: {
      run: run.runId,
      task: row.reference,
      status: row.status,
      ...(typeof details?.plugin === "string" ? { plugin: details.plugin } : {}),
      ...(typeof details?.model === "string" ? { model: details.model } : {}),
    },
    data: {
      seq: row.seq,
      name: row.name,
      call: row.call ?? row.type,
      effect: row.effect,
      attempt: row.attempt,
      durationMs: Math.max(0, (row.endedAtMs ?? row.startedAtMs) - row.startedAtMs),
      ...details,
      ...(error === undefined ? {} : { error: describeError(error) }),
    },
    ...(step.payload === undefined ? {} : { payload: step.payload }),
  };
}

/** Entries hold texts and whole numbers only, so an error's free-form data stays in the run. */
function describeError(error: JsonObject): JsonObject {
  const kept = ["type", "status", "detail", "code"].flatMap((key) => {
    const value = error[key];
    return typeof value === "string" || Number.isSafeInteger(value) ? [[key, value] as const] : [];
  });
  return Object.fromEntries(kept) as JsonObject;
}
