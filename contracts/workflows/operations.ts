import { z } from "zod";
import { JsonValueSchema } from "../json.ts";
import { RunStatusSchema, TaskStatusSchema, WorkflowIdentitySchema } from "./run.ts";

/** Steps of one run that a person decides at once. */
const DECISIONS_MAX = 1_000;
const COMMENT_CHARS_MAX = 1_000;

/** What a person says of a step that may have acted on the outside, or not. */
export const StepDecisionSchema = z.discriminatedUnion("decision", [
  z.strictObject({ seq: z.int().min(0), decision: z.literal("retry") }),
  /** It happened, and this is what it answered. */
  z.strictObject({ seq: z.int().min(0), decision: z.literal("complete"), output: JsonValueSchema }),
  z.strictObject({
    seq: z.int().min(0),
    decision: z.literal("fail"),
    comment: z.string().min(1).max(COMMENT_CHARS_MAX).optional(),
  }),
]);
export type StepDecision = z.infer<typeof StepDecisionSchema>;

export const SuspendRunParamsSchema = z.strictObject({
  /** Shown with the run. */
  reason: z.string().min(1).max(COMMENT_CHARS_MAX).optional(),
});

/** Also of a retry. */
export const ResumeRunParamsSchema = z.strictObject({
  steps: z.array(StepDecisionSchema).max(DECISIONS_MAX).optional(),
});
export type ResumeRunParams = z.infer<typeof ResumeRunParamsSchema>;

/** What the interpreter makes of the journal, held against what is stored. */
export const ReplayRunResultSchema = z.object({
  identical: z.boolean(),
  /** Events of the journal that were folded. */
  events: z.int().min(0),
  /** Rows that were compared. */
  tasks: z.int().min(0),
  /** The first one; long texts are cut. */
  difference: z
    .object({
      seq: z.int().optional(),
      reference: z.string().optional(),
      field: z.string(),
      recorded: z.string(),
      replayed: z.string(),
    })
    .optional(),
});
export type ReplayRunResult = z.infer<typeof ReplayRunResultSchema>;

export const CompareRunsQuerySchema = z.object({ a: z.string().min(1).max(200), b: z.string().min(1).max(200) });

/** The value, or of a large one its size as UTF-8 JSON and its digest. */
export const ComparedValueSchema = z.union([
  z.object({ value: JsonValueSchema }),
  z.object({ bytes: z.int(), sha256: z.string() }),
]);
export type ComparedValue = z.infer<typeof ComparedValueSchema>;

export const ComparedSideSchema = z.object({
  seq: z.int(),
  status: TaskStatusSchema,
  durationMs: z.int().optional(),
  input: ComparedValueSchema.optional(),
  output: ComparedValueSchema.optional(),
  error: ComparedValueSchema.optional(),
});
export type ComparedSide = z.infer<typeof ComparedSideSchema>;

export const ComparedTaskSchema = z.object({
  /** Reference, iterations of the loops around it, and the number of the visit: `/do/0/each/do/0/ask[2]`, `/do/1/ask (2)`. */
  place: z.string(),
  name: z.string(),
  /** The call, or the type of the task. */
  type: z.string(),
  a: ComparedSideSchema.optional(),
  b: ComparedSideSchema.optional(),
  differences: z.array(z.enum(["missing", "status", "input", "output", "error"])),
});
export type ComparedTask = z.infer<typeof ComparedTaskSchema>;

const ComparedRunSchema = z.object({
  id: z.string(),
  workflow: WorkflowIdentitySchema,
  status: RunStatusSchema,
  input: ComparedValueSchema.optional(),
  output: ComparedValueSchema.optional(),
  durationMs: z.int().optional(),
});

export const CompareRunsResultSchema = z.object({
  a: ComparedRunSchema,
  b: ComparedRunSchema,
  tasks: z.array(ComparedTaskSchema),
  /** Tasks that differ; durations alone are no difference. */
  different: z.int().min(0),
  identical: z.boolean(),
});
export type CompareRunsResult = z.infer<typeof CompareRunsResultSchema>;
