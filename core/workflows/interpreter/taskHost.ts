import type { JsonValue, WorkflowError } from "@logomesh/contracts";
import type { Template } from "../expressions/index.ts";
import type { DataSchema, FlowDirective, TaskList } from "../language/index.ts";
import type { Frame, Locals, Scope, TimerKind } from "./frame.ts";
import type { Steps } from "./steps.ts";

/** What a type of task with a life of its own (`try`, `listen`) asks of the machine that runs it. */
export interface TaskHost {
  readonly runId: string;
  /** The instant of the event that is being applied; the interpreter has no other clock. */
  nowMs(): number;
  /** The next number in order of starting, for a row of its own. */
  takeSeq(): number;
  evaluate(
    template: Template,
    data: JsonValue,
    frame: Frame,
    options?: { output?: JsonValue; scope?: Scope },
  ): Steps<JsonValue>;
  /** Begins the first task of a list below the frame; an empty list is done at once. */
  enterList(frame: Frame, locals: Extract<Locals, { list: TaskList }>, input: JsonValue, scope?: Scope): void;
  finish(frame: Frame, output: JsonValue, then?: FlowDirective): void;
  fault(frame: Frame, error: WorkflowError): Steps<void>;
  arm(kind: TimerKind, timer: { seq: number; frame: Frame; delayMs: number }): void;
  disarm(key: string): void;
  /** Wants events for the frame, until `unlisten` or its end. */
  listen(frame: Frame): void;
  unlisten(frame: Frame): void;
  /** How many events moved the run so far. */
  order(): number;
  /** @throws WorkflowFault */
  validate(schema: DataSchema | undefined, value: JsonValue, what: string): void;
  exportContext(context: JsonValue): void;
}

/** jq's notion: everything but false and null. */
export function isTrue(value: JsonValue): boolean {
  return value !== false && value !== null;
}
