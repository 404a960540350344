import type {
  AuditEntry,
  ChatMessage,
  GenerateParams,
  GenerateResult,
  JsonObject,
  ModelInfo,
} from "@logomesh/contracts";
import { sha256Hex, toLogoMeshError } from "../base/index.ts";
import type { AuditEntryDraft, AuditLog, GenerateContext } from "../ports/index.ts";
import { maskCredentials } from "./maskCredentials.ts";

/** What was recorded of a call before its bytes left. */
export interface RecordedRequest {
  seq: number;
  model: ModelInfo;
  context: GenerateContext;
}

/** Version of the OpenTelemetry conventions for generative AI whose names the entries use. */
const CONVENTIONS = "1.37.0";

/** Kinds of the entries that end a request; each names it in `data.request`. */
export const REQUEST_ENDS = ["llm.response", "llm.failed", "llm.orphaned"] as const;

/**
 * Writes down every call of a model: the prompt before a byte leaves, the answer (or why there is none) after it. Both entries are on
 * disk before the call goes on. Field names follow the OpenTelemetry conventions for generative AI where they have one.
 */
export class LLMAuditLogger {
  readonly #audit: AuditLog;

  constructor(audit: AuditLog) {
    this.#audit = audit;
  }

  /** @throws LogoMeshError LM_AUDIT_UNWRITABLE; the call must then be refused */
  async request(
    model: ModelInfo,
    call: { messages: readonly ChatMessage[]; params: GenerateParams; context: GenerateContext },
  ): Promise<RecordedRequest> {
    const { messages, params, context } = call;
    const prompt = maskCredentials(JSON.stringify(messages));
    const settings = JSON.stringify({
      options: params.options ?? {},
      format: params.format ?? null,
      maxTokens: params.maxTokens ?? null,
    });
    const { seq } = await this.#audit.append({
      ...this.#entry("llm.request", { model, context }),
      data: {
        conventions: CONVENTIONS,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model.provider,
        "gen_ai.request.model": model.name,
        requested: params.model ?? "default",
        simulated: model.simulated,
        local: model.remoteHost === undefined,
        ...(context.tainted === true ? { tainted: true } : {}),
        ...callersOf(context),
        ...(context.caller.type === "Client" ? { token: context.caller.id } : {}),
        credentialsMasked: prompt.masked,
        // Temperatures are fractions, which entries do not hold: the settings are a payload, and their hash is here.
        settings: sha256Hex(settings),
        ...(model.digest === undefined ? {} : { digest: model.digest }),
      },
      payload: {
        prompt: { bytes: prompt.text, media: "application/json" },
        settings: { bytes: settings, media: "application/json" },
      },
    });
    return { seq, model, context };
  }

  async response(
    request: RecordedRequest,
    answer: Pick<
      GenerateResult,
      "text" | "finishReason" | "inputTokens" | "outputTokens" | "durationMs" | "timeToFirstTokenMs"
    > & { queuedMs: number },
  ): Promise<number> {
    const text = maskCredentials(answer.text);
    const { inputTokens, outputTokens, timeToFirstTokenMs } = answer;
    const { seq } = await this.#audit.append({
      ...this.#entry("llm.response", request, "completed"),
      data: {
        ...this.#about(request),
        "gen_ai.response.finish_reasons": [answer.finishReason],
        durationMs: Math.round(answer.durationMs),
        queuedMs: Math.round(answer.queuedMs),
        credentialsMasked: text.masked,
        ...(inputTokens === undefined ? {} : { "gen_ai.usage.input_tokens": inputTokens }),
        ...(outputTokens === undefined ? {} : { "gen_ai.usage.output_tokens": outputTokens }),
        ...(timeToFirstTokenMs === undefined ? {} : { timeToFirstTokenMs: Math.round(timeToFirstTokenMs) }),
      },
      payload: { response: { bytes: text.text, media: "text/plain" } },
    });
    return seq;
  }

  async failed(
    request: RecordedRequest,
    failure: { error: unknown; partialText: string; durationMs: number },
  ): Promise<void> {
    const { code, message } = toLogoMeshError(failure.error);
    const partial = maskCredentials(failure.partialText);
    await this.#audit.append({
      ...this.#entry("llm.failed", request, code === "LM_CANCELLED" ? "cancelled" : "faulted"),
      data: {
        ...this.#about(request),
        "error.type": code,
        detail: maskCredentials(message).text,
        durationMs: Math.round(failure.durationMs),
        credentialsMasked: partial.masked,
      },
      payload: { partial: { bytes: partial.text, media: "text/plain" } },
    });
  }

  /** The end of a request that a crash cut off: whether the model answered is not known. */
  async orphaned({ seq, trace, data }: AuditEntry): Promise<void> {
    const name = data["gen_ai.request.model"];
    await this.#audit.append({
      kind: "llm.orphaned",
      actor: { type: "system", id: "workbench" },
      trace: { ...trace, status: "unknown" },
      data: {
        request: seq,
        ...Object.fromEntries(
          ["gen_ai.provider.name", "simulated"].flatMap((field) => {
            const value = data[field];
            return value === undefined ? [] : [[field, value]];
          }),
        ),
        ...(name === undefined ? {} : { "gen_ai.response.model": name }),
      },
    });
  }

  #about({ seq, model }: RecordedRequest): JsonObject {
    return {
      request: seq,
      "gen_ai.provider.name": model.provider,
      "gen_ai.response.model": model.name,
      simulated: model.simulated,
    };
  }

  #entry(
    kind: string,
    { model, context }: { model: ModelInfo; context: GenerateContext },
    status?: string,
  ): Pick<AuditEntryDraft, "kind" | "actor" | "trace"> {
    return {
      kind,
      actor: context.actor,
      trace: {
        model: model.name,
        ...(context.caller.type === "Plugin" ? { plugin: context.caller.id } : {}),
        ...(context.run === undefined ? {} : { run: context.run.runId, task: context.run.taskReference }),
        ...(status === undefined ? {} : { status }),
      },
    };
  }
}

/** In whose name, as `policy why` reads it. */
function callersOf({ chain = [] }: GenerateContext): JsonObject {
  return chain.length === 0 ? {} : { callers: chain.map(({ type, id }) => `${type}:${id}`) };
}
