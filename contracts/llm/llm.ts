import { z } from "zod";
import { JsonObjectSchema, JsonValueSchema } from "../json.ts";

export const ChatMessageSchema = z.strictObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string(),
});
export type ChatMessage = z.infer<typeof ChatMessageSchema>;

export const GenerateParamsSchema = z
  .strictObject({
    /** A model name or an alias (`default`, `fast`). Default: `default`. */
    model: z.string().min(1).max(200).optional(),
    system: z.string().optional(),
    prompt: z.string().optional(),
    messages: z.array(ChatMessageSchema).min(1).max(1000).optional(),
    /** JSON Schema that the answer must fit; the parsed value is then in `structured`. */
    format: JsonObjectSchema.optional(),
    /** Provider options as Ollama names them (temperature, seed, num_ctx …). */
    options: JsonObjectSchema.optional(),
    maxTokens: z.int().min(1).max(1_000_000).optional(),
    /** Total time limit. Default: none. */
    timeoutMs: z.int().min(1).optional(),
  })
  .refine((params) => (params.prompt === undefined) !== (params.messages === undefined), {
    message: "give either `prompt` or `messages`",
  });
export type GenerateParams = z.infer<typeof GenerateParamsSchema>;

export const GenerateResultSchema = z.object({
  provider: z.string(),
  model: z.string(),
  /** SHA-256 digest of the model's weights, when the provider tells it. */
  digest: z.string().optional(),
  /** True when no real model answered. */
  simulated: z.boolean(),
  text: z.string(),
  structured: JsonValueSchema.optional(),
  finishReason: z.enum(["stop", "length", "cancelled", "error", "unknown"]),
  /** Absent when the provider did not count. */
  inputTokens: z.int().min(0).optional(),
  outputTokens: z.int().min(0).optional(),
  durationMs: z.number().min(0),
  timeToFirstTokenMs: z.number().min(0).optional(),
  tokensPerSecond: z.number().min(0).optional(),
  suspectedTruncation: z.boolean().optional(),
  /** Audit entries of the request and of its response. */
  requestSeq: z.int().min(0),
  responseSeq: z.int().min(0),
});
export type GenerateResult = z.infer<typeof GenerateResultSchema>;

/** A line of the NDJSON stream of `POST /api/llm/generate` with `Accept: application/x-ndjson`. */
export const GenerateChunkSchema = z.union([
  z.object({ delta: z.string() }),
  z.object({ result: GenerateResultSchema }),
]);
export type GenerateChunk = z.infer<typeof GenerateChunkSchema>;

export const ModelInfoSchema = z.object({
  provider: z.string(),
  name: z.string(),
  digest: z.string().optional(),
  sizeBytes: z.int().min(0).optional(),
  family: z.string().optional(),
  parameterSize: z.string().optional(),
  contextLength: z.int().optional(),
  simulated: z.boolean(),
  /** Set when the model would leave this machine. */
  remoteHost: z.string().optional(),
});
export type ModelInfo = z.infer<typeof ModelInfoSchema>;

export const ProviderInfoSchema = z.object({
  name: z.string(),
  available: z.boolean(),
  simulated: z.boolean(),
  endpoint: z.string().optional(),
  version: z.string().optional(),
  /** Why it is not available and the line that changes it. */
  hint: z.string().optional(),
});
export type ProviderInfo = z.infer<typeof ProviderInfoSchema>;

/** Which model a name stands for: one of those that its provider offers. */
export const ModelChoiceSchema = z.strictObject({
  provider: z.string().min(1).max(100),
  model: z.string().min(1).max(200),
  /** Provider options that every call gets which does not set them itself. */
  options: JsonObjectSchema.optional(),
});
export type ModelChoice = z.infer<typeof ModelChoiceSchema>;

/** Payload of an approval of kind `model`: what an alias shall mean from now on. */
export const ModelProposalSchema = ModelChoiceSchema.extend({
  alias: z.string().min(1).max(50),
  why: z.string().min(1).max(500),
  /** What was chosen when it was proposed; null when nobody had chosen. Approving replaces this and nothing else. */
  replaces: ModelChoiceSchema.nullable(),
});
export type ModelProposal = z.infer<typeof ModelProposalSchema>;

/** What answers `default` right now: the light in the top bar. */
export const ModelsStatusSchema = z.object({
  models: z.array(ModelInfoSchema),
  providers: z.array(ProviderInfoSchema),
  aliases: z.record(
    z.string(),
    z.object({
      ...{ provider: z.string(), model: z.string(), simulated: z.boolean() },
      options: JsonObjectSchema.optional(),
      /** When a person chose it, and who; absent where the workbench chooses. */
      chosen: z.object({ by: z.string(), at: z.iso.datetime() }).optional(),
    }),
  ),
  /** Shown when `default` is simulated: the command that gets a real model. */
  hint: z.string().optional(),
});
export type ModelsStatus = z.infer<typeof ModelsStatusSchema>;
