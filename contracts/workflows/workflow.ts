import { z } from "zod";
import { InputProblemSchema } from "../errors/problem.ts";
import { JsonObjectSchema, JsonValueSchema } from "../json.ts";
import { WorkflowIdentitySchema } from "./run.ts";

export const WORKFLOW_SOURCE_BYTES_MAX = 1_048_576;

export const WorkflowSourceSchema = z.strictObject({
  /** The definition as YAML or JSON text. */
  source: z.string().min(1).max(WORKFLOW_SOURCE_BYTES_MAX),
});

export const WorkflowSummarySchema = WorkflowIdentitySchema.extend({
  title: z.string().optional(),
  summary: z.string().optional(),
  createdAt: z.iso.datetime(),
  /** Newest first. */
  versions: z.array(z.string()),
  /** Where it came from: a file name in `workflows/`, or `api`. */
  origin: z.string(),
});
export type WorkflowSummary = z.infer<typeof WorkflowSummarySchema>;

export const WorkflowDetailSchema = WorkflowSummarySchema.extend({
  source: z.string(),
  definition: JsonObjectSchema,
  /** JSON Schema of the input, when the definition declares one: the start form is made from it. */
  inputSchema: JsonObjectSchema.optional(),
});
export type WorkflowDetail = z.infer<typeof WorkflowDetailSchema>;

export const DefineWorkflowResultSchema = WorkflowIdentitySchema.extend({
  warnings: z.array(InputProblemSchema),
  /** What the definition names, and so what pushing it granted: hosts, plugins, models, actions. */
  grants: z.array(z.object({ action: z.string(), resource: z.string() })),
});
export type DefineWorkflowResult = z.infer<typeof DefineWorkflowResultSchema>;

export const ValidateWorkflowResultSchema = z.object({
  valid: z.boolean(),
  problems: z.array(InputProblemSchema),
  warnings: z.array(InputProblemSchema),
});
export type ValidateWorkflowResult = z.infer<typeof ValidateWorkflowResultSchema>;

export const WorkflowReferenceSchema = z.strictObject({
  namespace: z.string().min(1).default("default"),
  name: z.string().min(1),
  /** Default: the newest. */
  version: z.string().min(1).optional(),
});
export type WorkflowReference = z.infer<typeof WorkflowReferenceSchema>;

/** Enough to order by hand; both ways from 0. */
export const RUN_PRIORITY_MAX = 100;

export const StartRunParamsSchema = z
  .strictObject({
    workflow: WorkflowReferenceSchema.optional(),
    source: z.string().min(1).max(WORKFLOW_SOURCE_BYTES_MAX).optional(),
    input: JsonValueSchema.optional(),
    /** Two starts with one key give one run. */
    idempotencyKey: z.string().min(1).max(200).optional(),
    /** Higher goes before what is lower and waits too. */
    priority: z.int().min(-RUN_PRIORITY_MAX).max(RUN_PRIORITY_MAX).optional(),
    /** Wait this long for the end; then 200 with the finished run, else 202. */
    waitMs: z.int().min(0).max(300_000).optional(),
  })
  .refine((params) => (params.workflow === undefined) !== (params.source === undefined), {
    message: "give either `workflow` or `source`",
  });
export type StartRunParams = z.infer<typeof StartRunParamsSchema>;
