import type { Effect, JsonObject, JsonValue } from "@logomesh/contracts";
import type { Task, TaskList } from "../language/index.ts";
import type { ListenLocals } from "./listenTask.ts";
import type { JournalEventKind } from "../store/workflowStore.ts";

/** Variables of loops and catches, by name without `$`. */
export type Scope = Readonly<Record<string, JsonValue>>;

/** One activation of a task. The tree of live frames is the whole state of a run; ended frames are dropped from it. */
export interface Frame {
  /** Order of starting; -1 for the workflow itself. A restart gives an outstanding effect a new one. */
  seq: number;
  /** A person had the run go on while it was outstanding. */
  isRestarted?: boolean;
  readonly task: Task;
  readonly parent: Frame | undefined;
  /** Where in the run it stands, the same for every attempt of a retry and after every recovery. */
  readonly path: string;
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

/** A list that is being walked. */
export interface ListLocals {
  list: TaskList;
  /** Tasks of it begun so far; `then` can lead back, so this is more than the position. */
  steps: number;
}

/** What a type of task keeps while it is live. */
export type Locals =
  | { kind: "none" }
  | ({ kind: "list" } & ListLocals)
  | ({ kind: "loop"; items: readonly JsonValue[]; index: number } & ListLocals)
  | { kind: "fork"; outputs: JsonValue[]; pending: number }
  | ({ kind: "try"; phase: "try" | "pause" | "catch"; attempt: number; timerSeq?: number } & ListLocals)
  | { kind: "effect"; effect: Effect; arguments: JsonValue; details?: JsonObject }
  | ListenLocals
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
