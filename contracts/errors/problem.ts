import { z } from "zod";
import { JsonObjectSchema } from "../json.ts";

/** One fault in an input, located for a person and for an editor. */
export const InputProblemSchema = z.object({
  /** JSON pointer (RFC 6901) to the faulty value; "" is the whole document. */
  pointer: z.string(),
  message: z.string(),
  /** 1-based; only for text documents. */
  line: z.int().min(1).optional(),
  /** 1-based; only for text documents. */
  column: z.int().min(1).optional(),
});
export type InputProblem = z.infer<typeof InputProblemSchema>;

/** RFC 9457 problem document with a stable `code` from the error catalogue. */
export const ProblemSchema = z.object({
  type: z.string(),
  status: z.int(),
  title: z.string(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  code: z.string(),
  retryable: z.boolean().optional(),
  data: JsonObjectSchema.optional(),
  problems: z.array(InputProblemSchema).optional(),
});
export type Problem = z.infer<typeof ProblemSchema>;
