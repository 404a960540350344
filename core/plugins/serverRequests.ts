import { LogoMeshError, PluginPermissionsSchema, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { isObject, toLogoMeshError } from "../base/index.ts";
import { HOST_ERROR, RPC, toRpcError, type RpcError } from "./hostPlane/hostErrors.ts";

// What servers ask of their client on the plugin plane: folders they may use, and answers of a model; by requests in the older era, in
// their answers in the modern one. Both are what the plugin was granted and nothing else; a model is asked through the host plane's gate.

/** Answers at once; a server that asks for more waits for none of them. */
export const SERVER_REQUESTS_MAX = 8;
const ANSWER_TOKENS = 1_024;

export interface ServerRequestsOptions {
  /** Folders inside: `/work/<name>`. */
  roots: readonly string[];
  granted: () => JsonObject;
  hasModels: boolean;
  /** `llm_generate` of the host plane. @throws LogoMeshError */
  generate: (args: JsonObject, meta: JsonObject) => Promise<JsonObject>;
}

export type ServerAnswer = { result: JsonObject } | { error: RpcError };

/** The client side of a server. */
export class ServerRequests {
  readonly #options: ServerRequestsOptions;

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** Undefined for a method that a client does not have. */
  async answer(method: string, params: JsonObject): Promise<ServerAnswer | undefined> {
    if (method === "ping") return { result: {} };
    if (method === "roots/list") return { result: { roots: this.#options.roots.map(describeRoot) } };
    const isSampling = method === "sampling/createMessage" && this.#options.hasModels;
    return isSampling ? await this.#sample(params) : undefined;
  }

  async #sample(params: JsonObject): Promise<ServerAnswer> {
    try {
      const meta = isObject(params._meta) ? params._meta : {};
      const answer = await this.#options.generate(toGenerateArguments(params, grantedModels(this.#options)), meta);
      return { result: toSamplingResult(answer) };
    } catch (error) {
      const known = toLogoMeshError(error);
      const { code, message, retryable } = known;
      const data = { code, retryable };
      const rpc = code === "LM_INPUT_INVALID" ? RPC.invalidParams : HOST_ERROR.failed;
      return { error: toRpcError(known) ?? { code: rpc, message: message.slice(0, 2_000).toWellFormed(), data } };
    }
  }
}

/** What a plugin is told that its client can do: nothing that was not granted. */
export function clientCapabilities(options: Omit<ServerRequestsOptions, "generate">): JsonObject {
  const { roots, hasModels } = options;
  return {
    ...(roots.length > 0 ? { roots: {} } : {}),
    ...(hasModels && grantedModels(options).length > 0 ? { sampling: {} } : {}),
  };
}

function grantedModels({ granted }: Pick<ServerRequestsOptions, "granted">): string[] {
  return PluginPermissionsSchema.safeParse(granted()).data?.["llm.generate"]?.models ?? [];
}

function describeRoot(path: string): JsonObject {
  return { uri: `file://${path}`, name: path.slice(path.lastIndexOf("/") + 1) };
}

/** A hint that was granted is followed, else the first model that was. */
function toGenerateArguments(params: JsonObject, models: readonly string[]): JsonObject {
  const { messages, systemPrompt, maxTokens, temperature, stopSequences, modelPreferences } = params;
  const hints = isObject(modelPreferences) && Array.isArray(modelPreferences.hints) ? modelPreferences.hints : [];
  const names = hints.flatMap((hint) => (isObject(hint) && typeof hint.name === "string" ? [hint.name] : []));
  const hinted = names.find((name) => models.includes(name));
  const model = hinted ?? models[0];
  const options = {
    ...(typeof temperature === "number" ? { temperature } : {}),
    ...(Array.isArray(stopSequences) ? { stop: stopSequences } : {}),
  };
  return {
    ...(model === undefined ? {} : { model }),
    ...(typeof systemPrompt === "string" ? { system: systemPrompt } : {}),
    messages: Array.isArray(messages) ? messages.map(toChatMessage) : [],
    maxTokens: typeof maxTokens === "number" ? maxTokens : ANSWER_TOKENS,
    ...(Object.keys(options).length > 0 ? { options } : {}),
  };
}

function toChatMessage(message: JsonValue): JsonObject {
  const { role = "", content = null } = isObject(message) ? message : {};
  const blocks = Array.isArray(content) ? content : [content];
  const texts = blocks.map((block) => {
    if (isObject(block) && block.type === "text" && typeof block.text === "string") return block.text;
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      "Messages are made of text blocks; this workbench passes nothing else on.",
    );
  });
  return { role, content: texts.join("\n") };
}

function toSamplingResult({ text = "", model = "", finishReason }: JsonObject): JsonObject {
  return {
    role: "assistant",
    content: { type: "text", text },
    model,
    stopReason: finishReason === "length" ? "maxTokens" : "endTurn",
  };
}

/** A log message of a server, as one line. */
export function logLineOf(params: JsonObject): string {
  const { logger, data = null } = params;
  const level = typeof params.level === "string" ? params.level : "info";
  const text = typeof data === "string" ? data : JSON.stringify(data);
  const source = typeof logger === "string" ? ` ${logger.slice(0, 100)}` : "";
  return `[${level.slice(0, 20)}${source}] ${text.slice(0, 2_000)}`.replaceAll(/\s+/g, " ").toWellFormed();
}
