import { LogoMeshError, type JsonObject, type JsonValue, type ModelInfo } from "@logomesh/contracts";
import { isObject } from "../base/index.ts";
import type { ExecutorEnd, ExecutorRequest } from "./llmExecutor.ts";

// The messages of Ollama's native API (docs/api.md of ollama/ollama). Its OpenAI-compatible one cannot set the context.

/** Context window that is asked for, unless the prompt's options name another: constant, because a change reloads the model. */
const CONTEXT_TOKENS = 8_192;
/** Ordinary text has more bytes in a token than this, rarely fewer. */
const BYTES_PER_TOKEN = 3.5;
/** Below this estimate the guess is too rough to say that a prompt was cut. */
const ESTIMATE_TOKENS_MIN = 1_000;
const CUT_BELOW = 0.6;

/** Body of `/api/chat`. Without `truncate: false` and `shift: false` the server shortens prompts and still answers 200. */
export function toChatBody(request: ExecutorRequest, { contextLength }: { contextLength: number | undefined }) {
  const { model, messages, format, options, maxTokens } = request;
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    stream: true,
    truncate: false,
    shift: false,
    options: {
      num_ctx: Math.min(CONTEXT_TOKENS, contextLength ?? CONTEXT_TOKENS),
      ...options,
      ...(maxTokens === undefined ? {} : { num_predict: maxTokens }),
    },
    ...(format === undefined ? {} : { format }),
  } satisfies JsonObject;
}

/** What the last line tells; counters that are absent are unknown. */
export function toEnd(line: JsonObject, { messages, options }: ReturnType<typeof toChatBody>): ExecutorEnd {
  const { prompt_eval_count: input, eval_count: output, eval_duration: nanoseconds, done_reason: reason } = line;
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const isCut = isCount(input) && looksCut(input, { estimate: bytes / BYTES_PER_TOKEN, window: options.num_ctx });
  return {
    finishReason: reason === "stop" || reason === "length" ? reason : "unknown",
    ...(isCount(input) ? { inputTokens: input } : {}),
    ...(isCount(output) ? { outputTokens: output } : {}),
    ...(isCount(output) && isCount(nanoseconds) && nanoseconds > 0
      ? { tokensPerSecond: (output / nanoseconds) * 1e9 }
      : {}),
    ...(isCut ? { suspectedTruncation: true } : {}),
  };
}

/** Far fewer tokens than the text must have, or exactly the half window that the server keeps when it cuts. */
function looksCut(inputTokens: number, { estimate, window }: { estimate: number; window: JsonValue }): boolean {
  if (estimate < ESTIMATE_TOKENS_MIN) return false;
  const half = typeof window === "number" ? window / 2 : 0;
  return inputTokens < estimate * CUT_BELOW || Math.abs(inputTokens - half) <= 2;
}

/** The models of an answer of `/api/tags`. */
export function toModels(tags: JsonObject): ModelInfo[] {
  return (Array.isArray(tags.models) ? tags.models : []).flatMap((tag) => {
    if (!isObject(tag) || typeof tag.name !== "string") return [];
    const details = isObject(tag.details) ? tag.details : {};
    const remoteHost = remoteHostOf(tag) ?? (/[-:]cloud$/.test(tag.name) ? "ollama.com" : undefined);
    return [
      {
        provider: "ollama",
        name: tag.name,
        simulated: false,
        ...(typeof tag.digest === "string" ? { digest: tag.digest } : {}),
        ...(isCount(tag.size) ? { sizeBytes: Math.trunc(tag.size) } : {}),
        ...(typeof details.family === "string" ? { family: details.family } : {}),
        ...(typeof details.parameter_size === "string" ? { parameterSize: details.parameter_size } : {}),
        ...(remoteHost === undefined ? {} : { remoteHost }),
      },
    ];
  });
}

/** What an answer of `/api/show` adds. */
export function toDetails(show: JsonObject): { contextLength?: number; canChat: boolean; remoteHost?: string } {
  const info = isObject(show.model_info) ? show.model_info : {};
  const contextLength = Object.entries(info).find(([key]) => key.endsWith(".context_length"))?.[1];
  const capabilities = Array.isArray(show.capabilities) ? show.capabilities : undefined;
  const remoteHost = remoteHostOf(show);
  return {
    // Older servers name no capabilities.
    canChat: capabilities?.includes("completion") ?? true,
    ...(isCount(contextLength) && contextLength > 0 ? { contextLength: Math.trunc(contextLength) } : {}),
    ...(remoteHost === undefined ? {} : { remoteHost }),
  };
}

/** Set on everything about a model that Ollama passes on to another machine. */
export function remoteHostOf(value: JsonObject): string | undefined {
  return typeof value.remote_host === "string" && value.remote_host !== "" ? value.remote_host : undefined;
}

/** The error of a refusal, whole answers (`status` other than 200) and error lines in a stream alike. */
export function refusal(text: string, { model, status }: { model: string; status: number }): LogoMeshError {
  const detail = errorText(text);
  if (status === 404 || /model .* not found/i.test(detail)) return modelNotFound(model);
  if (/context (length|size|window)|too long|exceeds? the (available )?context/i.test(detail))
    return new LogoMeshError(
      "LM_LLM_CONTEXT_OVERFLOW",
      `The prompt does not fit the context window of ${model}: ${detail}. Shorten it or raise options.num_ctx.`,
    );
  if (/does not support/i.test(detail)) return new LogoMeshError("LM_LLM_CAPABILITY", `${model}: ${detail}`);
  if (status === 401 || (status === 403 && model !== ""))
    return new LogoMeshError("LM_LLM_REMOTE_REFUSED", `${model} runs elsewhere: ${detail}`);
  if (status === 429 || status === 503) return new LogoMeshError("LM_LLM_BUSY", `Ollama is busy: ${detail}`);
  const isFault = status < 300 || status >= 500;
  return new LogoMeshError("LM_LLM_SERVER", `Ollama failed (${status}): ${detail}`, { retryable: isFault });
}

export function modelNotFound(model: string): LogoMeshError {
  return new LogoMeshError("LM_LLM_MODEL_NOT_FOUND", `Ollama has no model ${model}. Get it with: ollama pull ${model}`);
}

function errorText(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return error.slice(0, 1_000);
  } catch {
    // Not every answer of a proxy or a crashed server is JSON.
  }
  return text.slice(0, 500) || "no reason given";
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
