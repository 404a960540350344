import {
  GenerateParamsSchema,
  LogoMeshError,
  PluginPermissionsSchema,
  type GenerateParams,
  type GenerateResult,
  type JsonObject,
} from "@logomesh/contracts";
import { z } from "zod";
import type { LanguageModels } from "../../ports/index.ts";
import { hostTool, type HostRequest, type HostTool } from "./hostTool.ts";
import type { TokenLedger } from "../store/index.ts";

/** A model on a slow machine takes minutes for a long answer. */
const TIMEOUT_MS = 600_000;
/** Reserved for an answer whose length the plugin does not bound. */
const ANSWER_TOKENS = 4_096;
/** Characters of a token, on the low side: what a prompt costs is estimated before the model counts it. */
const CHARS_PER_TOKEN = 3;

/** `llm_generate`, within the models and the tokens of a day that were granted. */
export function modelTools({
  models,
  tokens,
}: {
  models: LanguageModels;
  tokens: TokenLedger;
}): Record<string, HostTool> {
  return {
    llm_generate: hostTool({
      description:
        "Asks a language model. With a progress token, text comes bit by bit in the messages of progress notifications.",
      input: GenerateParamsSchema,
      output: z.object({
        ...{ text: z.string(), structured: z.json().optional(), model: z.string(), provider: z.string() },
        ...{ simulated: z.boolean(), finishReason: z.string() },
        ...{ inputTokens: z.int().optional(), outputTokens: z.int().optional() },
      }),
      timeoutMs: TIMEOUT_MS,
      // The gateway has its own entries, before the prompt leaves and after the answer.
      record: "queued",
      subject: ({ model = "default" }) => ({ model }),
      async run(params, request) {
        assertListed(params, request);
        const bounded = { ...params, maxTokens: params.maxTokens ?? ANSWER_TOKENS };
        const promptTokens = estimate(params);
        using reserved = tokens.reserve(request.pluginId, {
          tokens: promptTokens + bounded.maxTokens,
          dayMax: dayMaxOf(request),
        });
        let text = "";
        try {
          const answer = await models.generate(bounded, contextOf(request), {
            signal: request.signal,
            onText: (delta) => {
              text += delta;
              request.onText?.(delta);
            },
          });
          const used = (answer.inputTokens ?? promptTokens) + (answer.outputTokens ?? tokensOf(answer.text.length));
          await reserved.use(used);
          return { result: resultOf(answer), data: { requestSeq: answer.requestSeq, tokens: used } };
        } catch (error) {
          // Refused before a model was asked, it cost nothing.
          if (!(error instanceof LogoMeshError && error.code === "LM_POLICY_DENIED"))
            await reserved.use(promptTokens + tokensOf(text.length));
          throw error;
        }
      },
    }),
  };
}

/** Policy knows the model once the gateway has chosen it; without any grant there is nothing to count against. */
function assertListed({ model = "default" }: GenerateParams, request: HostRequest): void {
  if (dayMaxOf(request) === 0) request.require("llm.generate", { type: "Model", id: model });
}

function dayMaxOf(request: HostRequest): number {
  return PluginPermissionsSchema.safeParse(request.granted()).data?.["llm.generate"]?.max_tokens_per_day ?? 0;
}

function contextOf({ pluginId, callers, isTainted, run }: HostRequest): Parameters<LanguageModels["generate"]>[1] {
  return {
    caller: { type: "Plugin", id: pluginId },
    actor: { type: "plugin", id: pluginId },
    ...{ chain: callers, tainted: isTainted },
    ...(run === undefined ? {} : { run }),
  };
}

function resultOf(answer: GenerateResult): JsonObject {
  const { text, structured, model, provider, simulated, finishReason, inputTokens, outputTokens } = answer;
  return {
    ...{ text, model, provider, simulated, finishReason },
    ...(structured === undefined ? {} : { structured }),
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  };
}

function estimate({ system = "", prompt = "", messages = [] }: GenerateParams): number {
  return tokensOf(messages.reduce((sum, { content }) => sum + content.length, system.length + prompt.length));
}

function tokensOf(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}
