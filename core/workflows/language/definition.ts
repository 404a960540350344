import type { Effect, JsonObject, JsonValue } from "@logomesh/contracts";
import type { Template } from "../expressions/index.ts";

/** `continue`, `exit`, `end`, or the name of a task in the same list. */
export type FlowDirective = string;

export interface DataSchema {
  /** JSON Schema 2020-12. */
  document: JsonObject;
}

/** What every task has. */
export interface TaskBase {
  name: string;
  /** JSON pointer with index and name: /do/0/greet. */
  reference: string;
  metadata: JsonObject;
  /** Own declaration in `metadata.logomesh.effect`. */
  effect?: Effect;
  /** Own declaration in `metadata.logomesh.unknown`: what follows when nobody recorded whether a `once` step happened. Default: `ask`. */
  unknown?: "ask" | "fail";
  /** Own declaration in `metadata.logomesh.hosts`: origins that it reaches beside what it names. */
  hosts?: string[];
  if?: Template;
  inputSchema?: DataSchema;
  inputFrom?: Template;
  outputSchema?: DataSchema;
  outputAs?: Template;
  exportSchema?: DataSchema;
  exportAs?: Template;
  timeout?: Timeout;
  then?: FlowDirective;
}

/** Milliseconds, or an expression for an ISO 8601 duration. */
export interface Timeout {
  after: number | Template;
}

export interface DoTask extends TaskBase {
  type: "do";
  tasks: TaskList;
}

export interface SetTask extends TaskBase {
  type: "set";
  value: Template;
}

export interface CallTask extends TaskBase {
  type: "call";
  /** Name in the built-in catalogue: http, llm, plugin, thought.create. */
  call: BuiltinCall;
  with: Template;
  authentication?: Authentication;
  /** Names of the secrets that it uses. */
  secrets?: string[];
  /** Static values of `with` that the policy needs to know before anything runs. */
  literals: JsonObject;
}

export type BuiltinCall = "http" | "openapi" | "llm" | "plugin" | "thought.create";

/** How an HTTP call proves who it is; what is in no secret stands in the arguments. */
export interface Authentication {
  scheme: "basic" | "bearer" | "digest" | "oauth2";
  /** Name of the secret with the credentials. */
  secret?: string;
}

export interface ForkTask extends TaskBase {
  type: "fork";
  branches: TaskList;
  compete: boolean;
}

export interface ForTask extends TaskBase {
  type: "for";
  each: string;
  in: Template;
  at: string;
  while?: Template;
  tasks: TaskList;
}

export interface SwitchTask extends TaskBase {
  type: "switch";
  cases: { name: string; when?: Template; then: FlowDirective }[];
}

export interface TryTask extends TaskBase {
  type: "try";
  tasks: TaskList;
  catch: CatchClause;
}

export interface CatchClause {
  /** Members of the error that must be equal. */
  errorsWith?: Template;
  as: string;
  when?: Template;
  exceptWhen?: Template;
  retry?: RetryPolicy;
  do?: TaskList;
  then?: FlowDirective;
}

export interface RetryPolicy {
  when?: Template;
  exceptWhen?: Template;
  delayMs: number;
  backoff: "constant" | "linear" | "exponential";
  /** Attempts in total, the first included; undefined means no limit of attempts. */
  attemptsMax?: number;
  /** Of each attempt; a longer one is stopped and counts as failed. */
  attemptDurationMsMax?: number;
  /** Since the first attempt started. */
  durationMsMax?: number;
  jitter?: { fromMs: number; toMs: number };
}

export interface RaiseTask extends TaskBase {
  type: "raise";
  error: Template;
}

export interface WaitTask extends TaskBase {
  type: "wait";
  duration: number | Template;
}

export interface RunTask extends TaskBase {
  type: "run";
  workflow: { namespace: string; name: string; version: string };
  input: Template;
  /** False: the task is done when the child run is stored. */
  await: boolean;
}

/** Publishes an event; kept with the step. */
export interface EmitTask extends TaskBase {
  type: "emit";
  eventType: string;
  /** Attributes of the event, `data` among them. */
  event: Template;
}

/** Waits for events. */
export interface ListenTask extends TaskBase {
  type: "listen";
  to: EventStrategy;
  read: "data" | "envelope" | "raw";
  foreach?: ListenIterator;
}

/** Which events: one, any (until something), or all of a list. */
export interface EventStrategy {
  kind: "one" | "any" | "all";
  filters: EventFilter[];
  /** Of `any`: a condition on what was consumed so far, or events that end it. */
  until?: Template | EventStrategy;
}

export interface EventFilter {
  /** Each must hold. `value` is evaluated when listening begins; `pattern` for each event, on the attribute. */
  attributes: ({ name: string } & ({ value: Template } | { pattern: Template }))[];
  /** Evaluated on the data of each event: true fits, and so does a part of it. */
  data?: Template;
  /** `from` is evaluated on the event; without `expect` its first value is what later ones must equal. */
  correlate: { key: string; from: Template; expect?: Template }[];
}

/** What is done with each consumed event, one after the other. */
export interface ListenIterator extends Pick<TaskBase, "outputSchema" | "outputAs" | "exportSchema" | "exportAs"> {
  item: string;
  at: string;
  tasks: TaskList;
}

export type Task =
  | EmitTask
  | ListenTask
  | DoTask
  | SetTask
  | CallTask
  | ForkTask
  | ForTask
  | SwitchTask
  | TryTask
  | RaiseTask
  | WaitTask
  | RunTask;

/** Tasks whose work is done outside the interpreter. */
export type EffectTask = CallTask | RunTask | EmitTask;

/** Tasks in order; `start` of a list is its first. */
export interface TaskList {
  reference: string;
  tasks: Task[];
  /** Position by name. */
  indexOf: ReadonlyMap<string, number>;
}

/** How many runs of a workflow go on at once; the others wait. */
export interface Concurrency {
  runs: number;
  /** Of the run's input; counted for each value by itself. */
  key?: Template;
}

/** A checked definition: everything resolved, every expression compiled. */
export interface WorkflowDefinition {
  namespace: string;
  name: string;
  version: string;
  title?: string;
  summary?: string;
  dsl: string;
  /** SHA-256 (hex) of the canonical JSON of the document. */
  hash: string;
  document: JsonObject;
  source: string;
  inputSchema?: DataSchema;
  inputFrom?: Template;
  outputSchema?: DataSchema;
  outputAs?: Template;
  timeout?: Timeout;
  concurrency?: Concurrency;
  body: TaskList;
  /** By reference, for views and recovery. */
  tasksByReference: ReadonlyMap<string, Task>;
}

/** The literal value of a template, or undefined when it has expressions. */
export function literalOf(template: Template): JsonValue | undefined {
  return template.kind === "literal" ? template.value : undefined;
}
