import { z } from "zod";
import { JsonValueSchema } from "../json.ts";

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
