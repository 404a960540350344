import { LogoMeshError, type JsonObject, type JsonValue, type ModelInfo, type ProviderInfo } from "@logomesh/contracts";
import { Agent, request as sendRequest, type Dispatcher } from "undici";
import { isCancellation, messageOf, toLogoMeshError } from "../base/index.ts";
import type { ExecutorChunk, ExecutorEnd, ExecutorRequest, LLMExecutor } from "./llmExecutor.ts";
import { readJsonLines } from "./ndjson.ts";

// Ollama's native API (docs/api.md of ollama/ollama). Its OpenAI-compatible one cannot set the context, and without `truncate: false` and
// `shift: false` the server shortens prompts silently. A model that thinks for minutes before its first token is normal, so undici's own
// time-outs are off and ours are used.

const CONNECT_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 1_500;
/** Between two parts of an answer, once it has begun. */
const IDLE_TIMEOUT_MS = 120_000;
/** Context window that is asked for unless the prompt's options say another: constant, because a change reloads the model. */
const CONTEXT_TOKENS = 8_192;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

export class OllamaExecutor implements LLMExecutor, AsyncDisposable {
  readonly provider = "ollama";
  readonly simulated = false;
  readonly local = true;
  readonly concurrency = 1;
  readonly #url: string;
  readonly #agent: Agent;
  readonly #models = new Map<string, ModelInfo>();

  /** `idleTimeoutMs`: default 120 s between two parts of an answer */
  constructor(options: { url: string; idleTimeoutMs?: number }) {
    this.#url = options.url;
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: 0,
      bodyTimeout: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async probe(): Promise<{ info: ProviderInfo; models: ModelInfo[] }> {
    const info = { name: "ollama", simulated: false, endpoint: this.#url };
    if (!isLoopback(this.#url)) {
      const hint = `OLLAMA_HOST points to ${new URL(this.#url).host}, another machine. Prompts stay here; unset it or let it name this machine.`;
      return { info: { ...info, available: false, hint }, models: [] };
    }
    try {
      const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
      const [version, tags] = await Promise.all([
        this.#ask("/api/version", { signal }),
        this.#ask("/api/tags", { signal }),
      ]);
      const models = (Array.isArray(tags.models) ? tags.models : []).flatMap(toModelInfo);
      this.#models.clear();
      for (const model of models) this.#models.set(model.name, model);
      const known = typeof version.version === "string" ? { version: version.version } : {};
      const hint =
        models.length === 0 ? { hint: "Ollama answers and has no model. Get one with: ollama pull qwen3:4b" } : {};
      return { info: { ...info, ...known, ...hint, available: true }, models };
    } catch {
      return {
        info: { ...info, available: false, hint: "Ollama does not answer. Start it with: ollama serve" },
        models: [],
      };
    }
  }

  async describe(model: string, { signal }: { signal: AbortSignal }): Promise<ModelInfo> {
    this.#assertLocal();
    if (!this.#models.has(model) && !this.#models.has(`${model}:latest`)) {
      const tags = await this.#ask("/api/tags", { signal });
      for (const info of (Array.isArray(tags.models) ? tags.models : []).flatMap(toModelInfo))
        this.#models.set(info.name, info);
    }
    const found = this.#models.get(model) ?? this.#models.get(`${model}:latest`);
    if (found === undefined)
      throw new LogoMeshError(
        "LM_LLM_MODEL_NOT_FOUND",
        `Ollama has no model ${model}. Get it with: ollama pull ${model}`,
      );
    if (found.remoteHost !== undefined)
      throw new LogoMeshError(
        "LM_LLM_REMOTE_REFUSED",
        `${found.name} would run on ${found.remoteHost}, and the prompt would leave this machine.`,
      );
    return found;
  }

  async *generate(request: ExecutorRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ExecutorChunk> {
    this.#assertLocal();
    const body = toBody(request);
    const answer = await this.#send("/api/chat", { body, signal });
    if (answer.statusCode !== 200) throw refusal(request.model, answer.statusCode, await readText(answer.body));
    let isDone = false;
    try {
      for await (const line of readJsonLines(answer.body)) {
        if (typeof line.error === "string") throw refusal(request.model, 200, JSON.stringify(line));
        const message = line.message as JsonObject | undefined;
        if (typeof message?.content === "string" && message.content !== "") yield { delta: message.content };
        if (line.done === true) {
          isDone = true;
          yield { end: toEnd(line, body) };
          break;
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LogoMeshError) throw error;
      throw new LogoMeshError("LM_LLM_UNREACHABLE", `Ollama broke off while it answered: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (!isDone) throw new LogoMeshError("LM_LLM_PROTOCOL", "Ollama ended its answer without saying that it was done.");
  }

  #assertLocal(): void {
    if (!isLoopback(this.#url))
      throw new LogoMeshError(
        "LM_LLM_REMOTE_REFUSED",
        `OLLAMA_HOST points to ${new URL(this.#url).host}; prompts stay on this machine.`,
      );
  }

  async #ask(path: string, options: { signal: AbortSignal }): Promise<JsonObject> {
    const answer = await this.#send(path, options);
    const text = await readText(answer.body);
    if (answer.statusCode !== 200) throw refusal("", answer.statusCode, text);
    try {
      return JSON.parse(text) as JsonObject;
    } catch {
      throw new LogoMeshError("LM_LLM_PROTOCOL", `Ollama answered ${path} with something that is no JSON.`);
    }
  }

  async #send(
    path: string,
    { body, signal }: { body?: JsonObject; signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await sendRequest(`${this.#url}${path}`, {
        dispatcher: this.#agent,
        method: body === undefined ? "GET" : "POST",
        headers: { "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isCancellation(error)) throw error;
      throw new LogoMeshError(
        "LM_LLM_UNREACHABLE",
        `Ollama does not answer on ${this.#url} (${messageOf(error)}). Start it with: ollama serve`,
        {
          cause: error,
        },
      );
    }
  }
}

function toBody({ model, messages, format, options, maxTokens }: ExecutorRequest): JsonObject {
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    stream: true,
    truncate: false,
    shift: false,
    options: { num_ctx: CONTEXT_TOKENS, ...options, ...(maxTokens === undefined ? {} : { num_predict: maxTokens }) },
    ...(format === undefined ? {} : { format }),
  };
}

function toEnd(line: JsonObject, body: JsonObject): ExecutorEnd {
  const {
    prompt_eval_count: inputTokens,
    eval_count: outputTokens,
    eval_duration: nanoseconds,
    done_reason: reason,
  } = line;
  const window = (body.options as JsonObject).num_ctx;
  return {
    finishReason: reason === "stop" || reason === "length" ? reason : "unknown",
    ...(isCount(inputTokens) ? { inputTokens } : {}),
    ...(isCount(outputTokens) ? { outputTokens } : {}),
    ...(isCount(nanoseconds) && isCount(outputTokens) && nanoseconds > 0
      ? { tokensPerSecond: (outputTokens / nanoseconds) * 1e9 }
      : {}),
    ...(isCount(inputTokens) && isCount(window) && inputTokens >= window ? { suspectedTruncation: true } : {}),
  };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function toModelInfo(tag: JsonValue): ModelInfo[] {
  if (typeof tag !== "object" || tag === null || Array.isArray(tag) || typeof tag.name !== "string") return [];
  const details = (typeof tag.details === "object" && tag.details !== null ? tag.details : {}) as JsonObject;
  const remoteHost = typeof tag.remote_host === "string" && tag.remote_host !== "" ? tag.remote_host : undefined;
  const isCloud = /[-:]cloud$/.test(tag.name);
  return [
    {
      provider: "ollama",
      name: tag.name,
      simulated: false,
      ...(typeof tag.digest === "string" ? { digest: tag.digest } : {}),
      ...(Number.isSafeInteger(tag.size) ? { sizeBytes: tag.size as number } : {}),
      ...(typeof details.family === "string" ? { family: details.family } : {}),
      ...(typeof details.parameter_size === "string" ? { parameterSize: details.parameter_size } : {}),
      ...(remoteHost !== undefined || isCloud ? { remoteHost: remoteHost ?? "ollama.com" } : {}),
    },
  ];
}

function refusal(model: string, status: number, text: string): LogoMeshError {
  const detail = errorText(text);
  if (status === 404 || /model .* not found/i.test(detail))
    return new LogoMeshError(
      "LM_LLM_MODEL_NOT_FOUND",
      `Ollama has no model ${model}. Get it with: ollama pull ${model}`,
    );
  if (/context length|context size|too long|exceeds? the (available )?context/i.test(detail))
    return new LogoMeshError(
      "LM_LLM_CONTEXT_OVERFLOW",
      `The prompt does not fit the context window of ${model}: ${detail}`,
    );
  if (/does not support/i.test(detail)) return new LogoMeshError("LM_LLM_CAPABILITY", `${model}: ${detail}`);
  if (status === 429 || status === 503) return new LogoMeshError("LM_LLM_BUSY", `Ollama is busy: ${detail}`);
  return new LogoMeshError("LM_LLM_SERVER", `Ollama failed (${status}): ${detail}`);
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

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.byteLength;
      if (length > ANSWER_BYTES_MAX)
        throw new LogoMeshError("LM_LLM_PROTOCOL", `Ollama's answer has more than ${ANSWER_BYTES_MAX} bytes.`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof LogoMeshError || isCancellation(error)) throw error;
    throw new LogoMeshError("LM_LLM_UNREACHABLE", `Ollama broke off: ${toLogoMeshError(error).message}`, {
      cause: error,
    });
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isLoopback(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
