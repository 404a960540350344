import { z } from "zod";
import { JsonValueSchema } from "../json.ts";
import { RunStatusSchema, TERMINAL_RUN_STATUSES, TaskStatusSchema, WorkflowIdentitySchema } from "./run.ts";

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

/** At least one part of the filter: nobody acts on every run by leaving it empty. */
export const BulkRunsParamsSchema = z.strictObject({
  filter: z
    .strictObject({
      status: RunStatusSchema.optional(),
      workflow: z.string().min(1).max(200).optional(),
      q: z.string().min(1).max(200).optional(),
    })
    .refine((filter) => Object.keys(filter).length > 0, { message: "name a status, a workflow or a text" }),
  action: z.enum(["cancel", "retry"]),
});
export type BulkRunsParams = z.infer<typeof BulkRunsParamsSchema>;

export const BulkRunsResultSchema = z.object({
  matched: z.int().min(0),
  done: z.int().min(0),
  refused: z.int().min(0),
  /** The first hundred. */
  refusals: z.array(z.object({ runId: z.string(), code: z.string(), detail: z.string() })),
  /** The filter finds more than one request acts on. */
  isMore: z.boolean(),
});
export type BulkRunsResult = z.infer<typeof BulkRunsResultSchema>;

export const PruneRunsParamsSchema = z.strictObject({
  /** Default: every status that is an end. */
  statuses: z.array(z.enum(TERMINAL_RUN_STATUSES)).min(1).optional(),
  /** Only runs that ended at least so long ago. */
  olderThanMs: z.int().min(0).optional(),
  /** Only until what is used of the database is at most so large. */
  databaseBytesMax: z.int().min(0).optional(),
});
export type PruneRunsParams = z.infer<typeof PruneRunsParamsSchema>;

export const PruneRunsResultSchema = z.object({
  runs: z.int().min(0),
  /** Given back to the file system; the file shrinks with the next checkpoint of its log. */
  bytesFreed: z.int().min(0),
  databaseBytes: z.int().min(0),
});
export type PruneRunsResult = z.infer<typeof PruneRunsResultSchema>;
