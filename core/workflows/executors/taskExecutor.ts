import type { Actor, Effect, JsonObject, JsonValue, ToolProgress } from "@logomesh/contracts";
import type { AuditPayload, Principal, WriteCommand } from "../../ports/index.ts";
import type { CallTask } from "../language/index.ts";

/** One step that a run wants done. */
export interface TaskRequest {
  runId: string;
  task: CallTask;
  /** The evaluated `with`. */
  arguments: JsonValue;
  /** The task's input, for placeholders of an endpoint. */
  input: JsonValue;
  /** Who asks: the workflow, by the hash of its definition. */
  principal: Principal;
  actor: Actor;
}

export interface TaskContext {
  /** Aborted on cancel, timeout, or when a race was lost; the executor must then stop its work and settle. */
  signal: AbortSignal;
  /** The same for every try of this step, whatever happened to the process. */
  idempotencyKey: string;
  /** Whether a simulated model answered any step of the run so far. */
  simulated: boolean;
  /** Whether a step of the run has read private data: asked of the policy with everything that this one does. */
  tainted: boolean;
  /** Says that this step reads private data, whether it succeeds or not. The run stays tainted. */
  taint: () => void;
  /** Text as it arrives; shown, never stored. */
  onText: (delta: string) => void;
  /** How far the step is, when it tells; shown, never stored. */
  onProgress: (progress: ToolProgress) => void;
}

export interface TaskResult {
  output: JsonValue;
  /** Changes inside the database; committed together with the step, so they happen exactly once. */
  writes?: readonly WriteCommand[];
  /** Facts for the reader: model, plugin, tokens, status code. Integers, texts, booleans. */
  details?: JsonObject;
  /** What the step's audit entry keeps, by role; left out where the port behind the executor keeps it itself. */
  payload?: Record<string, AuditPayload>;
  simulated?: boolean;
}

/** Something narrower than the engine that steps share: a plugin, the machine's model. */
export interface SharedPlaces {
  /** For people too: `plugin text-tools`, `model qwen3:4b`. */
  name: string;
  /** Steps that may use it at once. */
  places: number;
}

/** Performs one kind of `call`. */
export interface TaskExecutor {
  /** The name after `call:`. */
  readonly kind: CallTask["call"];
  /** How often the effect may happen. */
  effect(task: CallTask, args: JsonValue, runId: string): Effect;
  /** Where the step waits for its turn, besides the engine's own places. It takes no other than these before it is performed. */
  shares?(task: CallTask): SharedPlaces | undefined | Promise<SharedPlaces | undefined>;
  /** @throws LogoMeshError; anything else is a bug of ours */
  execute(request: TaskRequest, context: TaskContext): Promise<TaskResult>;
}

/** The executors by the name after `call:`. */
export type TaskExecutorRegistry = ReadonlyMap<string, TaskExecutor>;

export function createTaskExecutorRegistry(executors: readonly TaskExecutor[]): TaskExecutorRegistry {
  return new Map(executors.map((executor) => [executor.kind, executor]));
}
