import {
  LogoMeshError,
  type Actor,
  type Effect,
  type JsonObject,
  type JsonValue,
  type ToolProgress,
} from "@logomesh/contracts";
import { isCancellation, sha256Hex } from "../../base/index.ts";
import type { AuditPayload, WriteCommand } from "../../ports/index.ts";
import type { TaskExecutor, TaskExecutorRegistry, TaskResult } from "../executors/index.ts";
import { toWorkflowError, type EffectOutcome, type Frame } from "../interpreter/index.ts";
import { jsonText } from "../jsonText.ts";
import type { CallTask, EffectTask, RunTask } from "../language/index.ts";
import type { EffectQueue } from "./effectQueue.ts";
import type { EventEmitter } from "./eventEmitter.ts";

/** Of the JSON text of one step's output. */
const OUTPUT_CHARS_MAX = 8 * 1024 * 1024;

/** Starts and awaits the runs that `run: workflow` tasks want. */
export interface ChildRuns {
  run(task: RunTask, request: ChildRequest, signal: AbortSignal): Promise<ChildResult>;
}

export interface ChildRequest {
  input: JsonValue;
  parentRunId: string;
  reference: string;
  idempotencyKey: string;
  /** The parent was retried: a child that failed goes on too. */
  isRetry: boolean;
  actor: Actor;
  /** The parent has read private data, which the input may carry. */
  tainted: boolean;
  /** Called when the child has read private data, before its result or fault is handed back. */
  onTaint: () => void;
}

export interface ChildResult {
  output: JsonValue;
  childRunId: string;
  simulated: boolean;
}

export interface EffectRunnerOptions {
  executors: TaskExecutorRegistry;
  children: ChildRuns;
  emitter: EventEmitter;
  /** Effects of all runs together. */
  queue: EffectQueue;
  onBug: (error: unknown, frame: Frame) => void;
}

/** The result of an effect, ready to be recorded. */
export interface EffectReport {
  outcome: EffectOutcome;
  writes: readonly WriteCommand[];
  details: JsonObject | undefined;
  payload: Record<string, AuditPayload> | undefined;
  simulated: boolean;
}

export interface EffectOrder {
  runId: string;
  definitionHash: string;
  frame: Frame;
  simulated: boolean;
  /** The run has read private data. */
  tainted: boolean;
  /** Called when this step reads private data, before its outcome is known. */
  onTaint: () => void;
  /** Of the run; higher goes first. */
  priority: number;
  /** Called with what it waits for when it has to, and with undefined when its turn has come. */
  onWait: (reason: string | undefined) => void;
  signal: AbortSignal;
  onText: (delta: string) => void;
  onProgress: (progress: ToolProgress) => void;
}

/** Performs what the interpreter launches. Never throws: whatever happens is an outcome. */
export class EffectRunner {
  readonly #options: EffectRunnerOptions;

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
  }

  effectOf(task: EffectTask, { args, runId }: { args: JsonValue; runId: string }): Effect {
    if (task.effect !== undefined) return task.effect;
    if (task.type === "run") return "idempotent";
    // Nothing happens before its commit.
    if (task.type === "emit") return "pure";
    return this.#options.executors.get(task.call)?.effect(task, args, runId) ?? "once";
  }

  async run(order: EffectOrder): Promise<EffectReport> {
    const { frame } = order;
    try {
      const report = await this.#perform(order);
      const length = report.outcome.ok ? jsonText(report.outcome.output).length : 0;
      if (length > OUTPUT_CHARS_MAX)
        throw new LogoMeshError(
          "LM_TOO_LARGE",
          `The result of “${frame.task.name}” has ${length} characters; at most ${OUTPUT_CHARS_MAX} are kept. Let the step return less.`,
        );
      return report;
    } catch (thrown) {
      return this.#failed(thrown, frame);
    }
  }

  async #perform({ frame, signal, ...order }: EffectOrder): Promise<EffectReport> {
    const { task, locals } = frame;
    const args = locals.kind === "effect" ? locals.arguments : null;
    const idempotencyKey = idempotencyKeyOf(order.runId, frame);
    const actor: Actor = { type: "workflow", id: order.definitionHash };
    if (task.type === "run") {
      // A child run takes no place: its own steps do, and a parent that held one could starve them.
      const result = await this.#options.children.run(
        task,
        {
          ...{ input: args, parentRunId: order.runId, reference: task.reference, idempotencyKey, actor },
          ...{ tainted: order.tainted, onTaint: order.onTaint, isRetry: frame.isRestarted === true },
        },
        signal,
      );
      const details = { runId: result.childRunId };
      return {
        outcome: { ok: true, output: result.output },
        writes: [],
        details,
        payload: undefined,
        simulated: result.simulated,
      };
    }
    if (task.type === "emit") {
      const principal = { type: "Workflow", id: order.definitionHash } as const;
      const { runId, tainted } = order;
      return toReport(
        this.#options.emitter.emit({ task, attributes: args, runId, idempotencyKey, principal, tainted }),
      );
    }
    if (task.type !== "call") throw new LogoMeshError("LM_INTERNAL", `${task.type} is no effect.`);
    const executor = this.#options.executors.get(task.call);
    if (executor === undefined) throw new LogoMeshError("LM_INTERNAL", `No executor for call: ${task.call}.`);
    const leave = await this.#awaitTurn(executor, { task, signal, ...order });
    try {
      const result = await executor.execute(
        {
          runId: order.runId,
          task,
          arguments: args,
          input: frame.input,
          principal: { type: "Workflow", id: order.definitionHash },
          actor,
        },
        {
          ...{ signal, idempotencyKey, simulated: order.simulated },
          ...{ onText: order.onText, onProgress: order.onProgress },
          ...{ tainted: order.tainted, taint: order.onTaint },
        },
      );
      return toReport(result);
    } finally {
      leave();
    }
  }

  async #awaitTurn(
    executor: TaskExecutor,
    { task, runId, priority, signal, onWait }: Omit<EffectOrder, "frame"> & { task: CallTask },
  ): Promise<() => void> {
    const found = executor.shares?.(task);
    const shared = found instanceof Promise ? await found : found;
    const { queue } = this.#options;
    const waiting: string[] = [];
    const leave = await queue.enter({
      ...{ runId, priority, shared, signal },
      onWait(reason) {
        waiting.push(reason);
        onWait(reason);
      },
    });
    if (waiting.length > 0) onWait(undefined);
    return leave;
  }

  #failed(thrown: unknown, frame: Frame): EffectReport {
    let error: unknown = thrown;
    if (isCancellation(thrown)) error = new LogoMeshError("LM_CANCELLED", `“${frame.task.name}” was stopped.`);
    let outcome: EffectOutcome;
    try {
      outcome = { ok: false, error: toWorkflowError(error, frame.task.reference) };
    } catch (bug) {
      this.#options.onBug(bug, frame);
      const internal = new LogoMeshError(
        "LM_INTERNAL",
        `“${frame.task.name}” failed inside LogoMesh; the log has the details.`,
      );
      outcome = { ok: false, error: toWorkflowError(internal, frame.task.reference) };
    }
    return { outcome, writes: [], details: undefined, payload: undefined, simulated: false };
  }
}

function toReport({ output, writes, details, payload, simulated }: TaskResult): EffectReport {
  return { outcome: { ok: true, output }, writes: writes ?? [], details, payload, simulated: simulated === true };
}

function idempotencyKeyOf(runId: string, frame: Frame): string {
  return sha256Hex(`${runId}${frame.path}`).slice(0, 32);
}
