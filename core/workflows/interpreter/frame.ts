import type { Effect, JsonObject, JsonValue } from "@logomesh/contracts";
import type { Task, TaskList } from "../language/index.ts";
import type { JournalEventKind } from "../store/workflowStore.ts";

/** Variables of loops and catches, by name without `$`. */
export type Scope = Readonly<Record<string, JsonValue>>;

/** One activation of a task. The tree of live frames is the whole state of a run; ended frames are dropped from it. */
export interface Frame {
  /** Order of starting; -1 for the workflow itself. */
  readonly seq: number;
  readonly task: Task;
  readonly parent: Frame | undefined;
  readonly attempt: number;
  readonly iteration: number | undefined;
  readonly scope: Scope;
  readonly rawInput: JsonValue;
  readonly startedAtMs: number;
  input: JsonValue;
  live: boolean;
  /** Set when something from outside ended it. */
  event: { kind: JournalEventKind; order: number } | undefined;
  readonly children: Set<Frame>;
  locals: Locals;
}

/** What a type of task keeps while it is live. */
export type Locals =
  | { kind: "none" }
  | { kind: "list"; list: TaskList }
  | { kind: "loop"; list: TaskList; items: readonly JsonValue[]; index: number }
  | { kind: "fork"; outputs: JsonValue[]; pending: number }
  | { kind: "try"; list: TaskList; phase: "try" | "pause" | "catch"; attempt: number; timerSeq?: number }
  | { kind: "effect"; effect: Effect; arguments: JsonValue; details?: JsonObject }
  | { kind: "wait" };

export type TimerKind = "wait" | "retry" | "attempt" | "timeout";

/** A durable timer: its due time follows from recorded instants, so it is the same after a recovery. */
export interface Timer {
  kind: TimerKind;
  /** `seq` of its row in the journal. */
  seq: number;
  frame: Frame;
  armedAtMs: number;
  dueAtMs: number;
}

export function timerKey(kind: TimerKind, seq: number): string {
  return `${kind === "timeout" ? "timeout" : "timer"}:${seq}`;
}
