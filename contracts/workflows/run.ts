import { z } from "zod";
import { EffectSchema } from "../plugins/pluginManifest.ts";
import { JsonObjectSchema, JsonValueSchema } from "../json.ts";

/** Statuses of the Open Workflow Specification 1.0.3. */
export const RunStatusSchema = z.enum([
  "pending",
  "running",
  "waiting",
  "suspended",
  "cancelled",
  "faulted",
  "completed",
]);
export type RunStatus = z.infer<typeof RunStatusSchema>;

export const TERMINAL_RUN_STATUSES = ["cancelled", "faulted", "completed"] as const satisfies readonly RunStatus[];

export function isTerminalRunStatus(status: RunStatus): boolean {
  return (TERMINAL_RUN_STATUSES as readonly RunStatus[]).includes(status);
}

export const TaskStatusSchema = z.enum([...RunStatusSchema.options, "skipped", "unknown"]);
export type TaskStatus = z.infer<typeof TaskStatusSchema>;

/** The specification's error, plus our stable code. */
export const WorkflowErrorSchema = z.object({
  /** URI of the error type. */
  type: z.string(),
  status: z.int(),
  title: z.string().optional(),
  detail: z.string().optional(),
  /** JSON pointer to the task that raised it. */
  instance: z.string().optional(),
  code: z.string().optional(),
  data: JsonObjectSchema.optional(),
});
export type WorkflowError = z.infer<typeof WorkflowErrorSchema>;

export const WorkflowIdentitySchema = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  /** SHA-256 (hex) of the definition's canonical JSON. */
  hash: z.string(),
});
export type WorkflowIdentity = z.infer<typeof WorkflowIdentitySchema>;

export const RunSchema = z.object({
  id: z.string(),
  workflow: WorkflowIdentitySchema,
  status: RunStatusSchema,
  input: JsonValueSchema.optional(),
  output: JsonValueSchema.optional(),
  error: WorkflowErrorSchema.optional(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  /** The run whose `run: workflow` task started this one. */
  parent: z.object({ runId: z.string(), taskReference: z.string() }).optional(),
  forkOf: z.string().optional(),
  /** True when a simulated model (mock) answered any step. */
  simulated: z.boolean().optional(),
  /** True once a step read private data (a thought, a file): what follows stays on this machine, if the constitution says so. */
  tainted: z.boolean().optional(),
  /** Who started it: `cli`, `api`, `web` token name, or the parent run. */
  startedBy: z.string().optional(),
  /** Goes before what is lower and waits too; 0 when absent. */
  priority: z.int().optional(),
  /** Where it has or waits for a place, when its workflow limits how many runs go on at once: `namespace/name`, with the key's value. */
  queue: z.string().optional(),
  /** Times a workbench took the run over after a crash. */
  recoveries: z.int().min(0),
  /** Set when the run can never continue by itself, in words for the user. */
  statusReason: z.string().optional(),
});
export type Run = z.infer<typeof RunSchema>;

/** A run without its payloads, for lists. */
export const RunSummarySchema = RunSchema.omit({ input: true, output: true });
export type RunSummary = z.infer<typeof RunSummarySchema>;

export const RunTaskSchema = z.object({
  /** Order of starting within the run; the handle in URLs. */
  seq: z.int().min(0),
  /** JSON pointer of the task in the definition: /do/0/greet. */
  reference: z.string(),
  name: z.string(),
  /** do, set, call, fork, for, switch, try, raise, wait, run, listen, emit. */
  type: z.string(),
  /** For `call`: http, llm, plugin, thought.create … */
  call: z.string().optional(),
  /** `seq` of the enclosing task. */
  parentSeq: z.int().min(0).optional(),
  /** 0-based loop index of the nearest enclosing `for`. */
  iteration: z.int().min(0).optional(),
  /** 1-based. */
  attempt: z.int().min(1),
  status: TaskStatusSchema,
  effect: EffectSchema,
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  input: JsonValueSchema.optional(),
  output: JsonValueSchema.optional(),
  error: WorkflowErrorSchema.optional(),
  /** Facts of the executor: model, provider, simulated, tokens, plugin, auditSeq … */
  details: JsonObjectSchema.optional(),
});
export type RunTask = z.infer<typeof RunTaskSchema>;

/** Sizes of payloads that were left out because the question set a limit: bytes of their JSON. */
const LEFT_OUT = { inputBytes: z.int().min(1).optional(), outputBytes: z.int().min(1).optional() };

/** A run, whose payloads may be left out. */
export const RunViewSchema = RunSchema.extend(LEFT_OUT);
export type RunView = z.infer<typeof RunViewSchema>;

/** A task, whose payloads may be left out. */
export const RunTaskViewSchema = RunTaskSchema.extend(LEFT_OUT);
export type RunTaskView = z.infer<typeof RunTaskViewSchema>;

/** A task without its payloads, for lists and live updates. */
export const RunTaskSummarySchema = RunTaskSchema.omit({ input: true, output: true });
export type RunTaskSummary = z.infer<typeof RunTaskSummarySchema>;

/**
 * A durable lifecycle event: `data` of the specification's CloudEvents `io.serverlessworkflow.workflow.*.v1` and
 * `io.serverlessworkflow.task.*.v1`, numbered within its run and within the workspace.
 */
export const RunEventSchema = z.object({
  /** Position in the workspace's event log; the `after` of a resumed WebSocket. */
  id: z.int().min(1),
  runId: z.string(),
  /** Position within the run, from 1 without gaps. */
  seq: z.int().min(1),
  type: z.string(),
  time: z.iso.datetime(),
  data: JsonObjectSchema,
});
export type RunEvent = z.infer<typeof RunEventSchema>;

/** A signal for one run: it hears the event `io.logomesh.signal.<name>` with this data. */
export const SignalRunParamsSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, _ and -"),
  data: z.json().optional(),
  /** The same id is taken once. Default: a new one. */
  id: z.string().min(1).max(200).optional(),
});
export type SignalRunParams = z.infer<typeof SignalRunParamsSchema>;
