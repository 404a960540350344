import type { JsonObject, JsonValue, TaskStatus, WorkflowError } from "@logomesh/contracts";
import { isObject } from "../expressions/index.ts";
import { jsonText } from "../jsonText.ts";
import type { Task } from "../language/index.ts";
import type { CloudEvent } from "../../ports/index.ts";
import type { StoredTask } from "../store/workflowStore.ts";
import type { Frame, Timer } from "./frame.ts";
import type { RestartEvent } from "./transition.ts";

/** Data of tasks without effect is stored for the reader only; larger values are left out, the journal can rebuild them. */
const PURE_PAYLOAD_CHARS_MAX = 16_384;

export function toRow(
  frame: Frame,
  end: { status: TaskStatus; endedAtMs: number | null; output?: JsonValue; error?: WorkflowError },
): StoredTask {
  const { task, locals } = frame;
  const isEffect = locals.kind === "effect";
  const text = (value: JsonValue): string | null => {
    const json = jsonText(value);
    return isEffect || json.length <= PURE_PAYLOAD_CHARS_MAX ? json : null;
  };
  return {
    seq: frame.seq,
    reference: task.reference,
    name: task.name,
    type: task.type,
    call: task.type === "call" ? task.call : null,
    parentSeq: frame.parent === undefined || frame.parent.seq < 0 ? null : frame.parent.seq,
    iteration: frame.iteration ?? null,
    attempt: frame.attempt,
    status: end.status,
    effect: isEffect ? locals.effect : "pure",
    startedAtMs: frame.startedAtMs,
    endedAtMs: end.endedAtMs,
    event: frame.event?.kind ?? null,
    eventOrder: frame.event?.order ?? null,
    input: text(isEffect ? withoutCredentials(task, locals.arguments) : frame.input),
    output: end.output === undefined ? null : text(end.output),
    error: end.error === undefined ? null : JSON.stringify(end.error),
    details: isEffect && locals.details !== undefined ? JSON.stringify(locals.details) : null,
  };
}

/** What a call says to prove who it is, is shown to nobody; a step that runs again evaluates its arguments anew. */
function withoutCredentials(task: Task, value: JsonValue): JsonValue {
  if (task.type !== "call" || task.authentication === undefined || !isObject(value)) return value;
  const hidden = { [task.authentication.scheme]: "[private]" };
  if (Object.hasOwn(value, "authentication")) return { ...value, authentication: hidden };
  const { endpoint } = value;
  return isObject(endpoint ?? null)
    ? { ...value, endpoint: { ...(endpoint as JsonObject), authentication: hidden } }
    : value;
}

/** The row of an event that a listening task consumed: what the journal needs to consume it again. */
export function eventRow(
  frame: Frame,
  consumed: { seq: number; order: number; nowMs: number; position: number; event: CloudEvent },
): StoredTask {
  const { seq, order, nowMs, position, event } = consumed;
  return {
    seq,
    reference: `${frame.task.reference}/listen`,
    name: event.type,
    type: "listen",
    call: null,
    parentSeq: frame.seq,
    iteration: frame.iteration ?? null,
    attempt: frame.attempt,
    status: "completed",
    effect: "pure",
    startedAtMs: nowMs,
    endedAtMs: nowMs,
    event: "event",
    eventOrder: order,
    input: null,
    output: JSON.stringify(event),
    error: null,
    details: JSON.stringify({ position, event: event.id, source: event.source }),
  };
}

/** The row that says where a person had the run go on. */
export function restartRow(event: RestartEvent): StoredTask {
  const { seq, order, atMs, from, name } = event;
  return {
    ...{ seq, reference: "", name, type: "restart", call: null, parentSeq: null, iteration: null, attempt: 1 },
    ...{ status: "completed", effect: "pure", startedAtMs: atMs, endedAtMs: atMs, event: "timer", eventOrder: order },
    ...{ input: null, output: null, error: null, details: from === undefined ? null : JSON.stringify({ from }) },
  };
}

/** The row of a timer that belongs to no task of its own: the pause before a retry, the time limit of an attempt. */
export function timerRow(timer: Timer, { nowMs, order }: { nowMs: number; order: number }): StoredTask {
  const { frame, kind } = timer;
  return {
    seq: timer.seq,
    reference: `${frame.task.reference}/catch/retry`,
    name: kind,
    type: "wait",
    call: null,
    parentSeq: frame.seq,
    iteration: frame.iteration ?? null,
    attempt: frame.locals.kind === "try" ? Math.max(1, frame.locals.attempt) : 1,
    status: "completed",
    effect: "pure",
    startedAtMs: timer.armedAtMs,
    endedAtMs: nowMs,
    event: "timer",
    eventOrder: order,
    input: null,
    output: null,
    error: null,
    details: JSON.stringify({ timer: kind, dueAt: new Date(timer.dueAtMs).toISOString() }),
  };
}
