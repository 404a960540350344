import http, { type IncomingMessage } from "node:http";
import { LogoMeshError, type JsonObject, type ModelInfo, type ProviderInfo } from "@logomesh/contracts";
import type { Agent, Dispatcher } from "undici";
import { messageOf } from "../base/index.ts";
import type { ExecutorChunk, ExecutorRequest, LLMExecutor } from "./llmExecutor.ts";
import { readJsonLines } from "./ndjson.ts";
import { modelNotFound, refusal, remoteHostOf, toChatBody, toDetails, toEnd, toModels } from "./ollamaWire.ts";

// A model that thinks for minutes before its first token is normal, so undici's own time-outs are replaced by ours. The prompt leaves only
// in `/api/chat`, after everything that the server tells about the model was checked.

const CONNECT_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 1_500;
/** Between two parts of an answer, once it has begun. */
const IDLE_TIMEOUT_MS = 120_000;
/** A list of models or a description; answers to prompts are bounded by the gateway. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Descriptions that are kept, by digest. */
const DETAILS_MAX = 500;

export interface OllamaExecutorOptions {
  /** Without a trailing slash. Another host than this machine is refused. */
  url: string;
  /** Until the answer begins. Default: none, because loading a model and reading a long prompt take what they take. */
  firstByteTimeoutMs?: number;
  /** Between two parts of an answer. Default: 120 s. */
  idleTimeoutMs?: number;
}

interface Answer {
  statusCode: number;
  body: AsyncIterable<Uint8Array>;
}

/** Models of the Ollama on this machine. */
export class OllamaExecutor implements LLMExecutor, AsyncDisposable {
  readonly provider = "ollama";
  readonly simulated = false;
  readonly local = true;
  readonly concurrency = 1;
  readonly #url: string;
  readonly #options: OllamaExecutorOptions;
  readonly #closing = new AbortController();
  /** Its module takes 30 ms to load, so it is not loaded before something is asked of Ollama. */
  #agent: Promise<Agent> | undefined;
  #models = new Map<string, ModelInfo>();
  /** By digest: what a digest says never changes. */
  readonly #details = new Map<string, ReturnType<typeof toDetails>>();

  constructor(options: OllamaExecutorOptions) {
    this.#url = options.url;
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const agent = await this.#agent;
    await agent?.destroy();
  }

  async probe(): Promise<{ info: ProviderInfo; models: ModelInfo[] }> {
    const info = { name: "ollama", simulated: false, endpoint: this.#url };
    if (!isLoopback(this.#url)) return { info: { ...info, available: false, hint: remoteHint(this.#url) }, models: [] };
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(PROBE_TIMEOUT_MS), this.#closing.signal]);
      const [{ version }, models] = await Promise.all([this.#ask("/api/version", { signal }), this.#list(signal)]);
      const hint = models.length === 0 ? { hint: "Ollama has no model. Get one with: ollama pull qwen3:4b" } : {};
      return {
        info: { ...info, ...(typeof version === "string" ? { version } : {}), ...hint, available: true },
        models,
      };
    } catch {
      const hint =
        "Ollama does not answer. Start it with: ollama serve (or install it from https://ollama.com), then: ollama pull qwen3:4b";
      return { info: { ...info, available: false, hint }, models: [] };
    }
  }

  async describe(model: string, { signal }: { signal: AbortSignal }): Promise<ModelInfo> {
    this.#assertLocal();
    const found = this.#find(model) ?? (await this.#list(signal), this.#find(model));
    if (found === undefined) throw modelNotFound(model);
    if (found.remoteHost !== undefined) throw remoteRefused(found.name, found.remoteHost);
    const { canChat, remoteHost, contextLength } = await this.#show(found, signal);
    if (remoteHost !== undefined) throw remoteRefused(found.name, remoteHost);
    if (!canChat)
      throw new LogoMeshError("LM_LLM_CAPABILITY", `${found.name} does not answer prompts. Name a model that chats.`);
    return { ...found, ...(contextLength === undefined ? {} : { contextLength }) };
  }

  async *generate(request: ExecutorRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ExecutorChunk> {
    const { contextLength } = await this.describe(request.model, { signal });
    const body = toChatBody(request, { contextLength });
    const { model } = request;
    const answer = await this.#send("/api/chat", { body, signal });
    if (answer.statusCode !== 200)
      throw refusal(await this.#readText(answer, signal), { model, status: answer.statusCode });
    try {
      for await (const line of readJsonLines(answer.body)) {
        if (typeof line.error === "string") throw refusal(JSON.stringify(line), { model, status: 200 });
        const remoteHost = remoteHostOf(line);
        if (remoteHost !== undefined) throw remoteRefused(model, remoteHost);
        const { content } = (line.message ?? {}) as { content?: unknown };
        if (typeof content === "string" && content !== "") yield { delta: content };
        if (line.done === true) {
          yield { end: toEnd(line, body) };
          return;
        }
      }
    } catch (error) {
      throw brokenOff(error, signal);
    } finally {
      // Also when the reader stops early: the model must not go on for nobody.
      answer.body.destroy();
    }
    throw new LogoMeshError("LM_LLM_PROTOCOL", "Ollama ended its answer without saying that it was done.");
  }

  #assertLocal(): void {
    if (!isLoopback(this.#url)) throw new LogoMeshError("LM_LLM_REMOTE_REFUSED", remoteHint(this.#url));
  }

  #find(model: string): ModelInfo | undefined {
    return this.#models.get(model) ?? this.#models.get(`${model}:latest`);
  }

  async #list(signal: AbortSignal): Promise<ModelInfo[]> {
    const models = toModels(await this.#ask("/api/tags", { signal }));
    this.#models = new Map(models.map((model) => [model.name, model]));
    return models;
  }

  async #show({ name, digest }: ModelInfo, signal: AbortSignal): Promise<ReturnType<typeof toDetails>> {
    const known = digest === undefined ? undefined : this.#details.get(digest);
    if (known !== undefined) return known;
    const details = toDetails(await this.#ask("/api/show", { body: { model: name }, signal }));
    if (this.#details.size >= DETAILS_MAX) this.#details.clear();
    if (digest !== undefined) this.#details.set(digest, details);
    return details;
  }

  async #ask(path: string, options: { body?: { model: string }; signal: AbortSignal }): Promise<JsonObject> {
    const { body, signal } = options;
    const answer = await (body === undefined ? this.#get(path, signal) : this.#send(path, { body, signal }));
    const text = await this.#readText(answer, options.signal);
    const model = options.body?.model ?? "";
    if (answer.statusCode !== 200) throw refusal(text, { model, status: answer.statusCode });
    try {
      return JSON.parse(text) as JsonObject;
    } catch (error) {
      throw new LogoMeshError("LM_LLM_PROTOCOL", `Ollama answered ${path} with something that is no JSON.`, {
        cause: error,
      });
    }
  }

  /** Looks what is there, which happens at every start: with the client that is loaded already, as the server's other half. */
  async #get(path: string, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    try {
      const { get } = this.#url.startsWith("https:") ? await import("node:https") : http;
      get(`${this.#url}${path}`, { signal, agent: false }, resolve).once("error", reject);
      const answer = await promise;
      return { statusCode: answer.statusCode ?? 0, body: answer };
    } catch (error) {
      throw this.#unreachable(error, signal);
    }
  }

  /** With a client whose time limits can be chosen: an answer may take longer to begin than any default. */
  async #send(
    path: string,
    { body, signal }: { body: JsonObject; signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    try {
      const { request: sendRequest } = await import("undici");
      return await sendRequest(`${this.#url}${path}`, {
        dispatcher: await (this.#agent ??= this.#createAgent()),
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal,
      });
    } catch (error) {
      throw this.#unreachable(error, signal);
    }
  }

  #unreachable(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return new LogoMeshError(
      "LM_LLM_UNREACHABLE",
      `Ollama does not answer on ${this.#url} (${messageOf(error)}). Start it with: ollama serve`,
      { cause: error },
    );
  }

  async #createAgent(): Promise<Agent> {
    const { Agent } = await import("undici");
    return new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: this.#options.firstByteTimeoutMs ?? 0,
      bodyTimeout: this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    });
  }

  async #readText({ body }: Answer, signal: AbortSignal): Promise<string> {
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
      throw brokenOff(error, signal);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}

function brokenOff(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof LogoMeshError) return error;
  return new LogoMeshError("LM_LLM_SERVER", `Ollama broke off while it answered: ${messageOf(error)}`, {
    cause: error,
  });
}

function remoteRefused(model: string, host: string): LogoMeshError {
  return new LogoMeshError(
    "LM_LLM_REMOTE_REFUSED",
    `${model} would run on ${host}, and the prompt would leave this machine. Name a model that runs here.`,
  );
}

function remoteHint(url: string): string {
  return `OLLAMA_HOST points to ${new URL(url).host}, another machine. Prompts stay here: unset it or let it name this machine.`;
}

function isLoopback(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
