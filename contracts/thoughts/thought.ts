import { z } from "zod";
import { JsonObjectSchema } from "../json.ts";

export const ContentTypeSchema = z.enum(["text", "markdown", "code", "mermaid"]);

export const SegmentSchema = z.object({
  id: z.string(),
  thoughtId: z.string(),
  title: z.string().optional(),
  content: z.string(),
  contentType: ContentTypeSchema,
  fields: JsonObjectSchema,
  sortOrder: z.int().min(0),
});
export type Segment = z.infer<typeof SegmentSchema>;

export const ThoughtSchema = z.object({
  id: z.string(),
  title: z.string(),
  body: z.string().optional(),
  tags: z.array(z.string()),
  color: z.string().optional(),
  position: z.object({ x: z.number(), y: z.number() }).optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** True when a simulated model wrote any of it. */
  simulated: z.boolean(),
  /** The run that created it. */
  runId: z.string().optional(),
});
export type Thought = z.infer<typeof ThoughtSchema>;

export const ThoughtDetailSchema = ThoughtSchema.extend({ segments: z.array(SegmentSchema) });
export type ThoughtDetail = z.infer<typeof ThoughtDetailSchema>;

export const CreateThoughtParamsSchema = z.strictObject({
  title: z.string().min(1).max(500),
  body: z.string().max(1_048_576).optional(),
  tags: z.array(z.string().min(1).max(100)).max(100).default([]),
  color: z.string().max(40).optional(),
  position: z.strictObject({ x: z.number(), y: z.number() }).optional(),
  segments: z
    .array(
      z.strictObject({
        title: z.string().max(500).optional(),
        content: z.string().max(1_048_576),
        contentType: ContentTypeSchema.default("text"),
        fields: JsonObjectSchema.default({}),
      }),
    )
    .max(1000)
    .default([]),
});
export type CreateThoughtParams = z.infer<typeof CreateThoughtParamsSchema>;
