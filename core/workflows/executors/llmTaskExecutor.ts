import type { JsonObject } from "@logomesh/contracts";
import { z } from "zod";
import type { LanguageModels, ModelPlaces } from "../../ports/index.ts";
import { parseDuration } from "../language/index.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor } from "./taskExecutor.ts";

const ArgumentsSchema = z.strictObject({
  model: z.string().min(1).max(200).optional(),
  system: z.string().optional(),
  prompt: z.string().optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() }))
    .min(1)
    .optional(),
  format: z.record(z.string(), z.json()).optional(),
  options: z.record(z.string(), z.json()).optional(),
  maxTokens: z.int().min(1).optional(),
  /** ISO 8601 or the specification's duration object. */
  timeout: z.json().optional(),
});

/** `call: llm`. The gateway audits prompt and answer itself, before and after; the step's entry only points there. */
export function createLlmTaskExecutor(models: LanguageModels & ModelPlaces): TaskExecutor {
  return {
    kind: "llm",
    effect: () => "idempotent",
    shares: ({ literals: { model } }) => models.placesOf(typeof model === "string" ? model : undefined),
    async execute(request, { signal, onText, tainted }) {
      const { timeout, ...rest } = parseArguments(ArgumentsSchema, request.arguments, "llm");
      const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
      const params = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      const result = await models.generate(
        { ...params, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
        {
          caller: request.principal,
          actor: request.actor,
          tainted,
          run: { runId: request.runId, taskReference: request.task.reference },
        },
        { signal, onText },
      );
      const { provider, model, simulated, finishReason, inputTokens, outputTokens, requestSeq, responseSeq } = result;
      const details: JsonObject = { provider, model, simulated, finishReason, requestSeq, responseSeq };
      if (inputTokens !== undefined) details.inputTokens = inputTokens;
      if (outputTokens !== undefined) details.outputTokens = outputTokens;
      const output: JsonObject = { text: result.text, provider, model, simulated, finishReason };
      if (result.structured !== undefined) output.structured = result.structured;
      return { output, details, simulated };
    },
  };
}
