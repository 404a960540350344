import {
  LogoMeshError,
  type Actor,
  type ChatMessage,
  type GenerateParams,
  type GenerateResult,
  type JsonValue,
  type ModelInfo,
  type ModelsStatus,
  type ProviderInfo,
} from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { AuditLog, Clock, GenerateContext, LanguageModels, Logger, Policy, Principal } from "../ports/index.ts";
import { FairQueue } from "./fairQueue.ts";
import { LLMAuditLogger, type RecordedRequest } from "./llmAuditLogger.ts";
import type { ExecutorEnd, LLMExecutor } from "./llmExecutor.ts";
import { StructuredOutput } from "./structuredOutput.ts";

// The gateway: which model answers, whether it may, in which order, and what is recorded. An alias may fall back to the mock; a model that
// was named is never replaced.

const PROBE_MS = 5_000;
const ALIASES = ["default", "fast"] as const;
const PULL_HINT =
  "Answers are simulated. For a real model install Ollama (https://ollama.com), then run: ollama pull qwen3:4b";

export interface LLMRegistryOptions {
  /** The real providers in order of preference. */
  executors: readonly LLMExecutor[];
  mock: LLMExecutor;
  audit: AuditLog;
  policy: Policy;
  clock: Clock;
  logger: Logger;
}

interface Probe {
  atMs: number;
  providers: { executor: LLMExecutor; info: ProviderInfo; models: ModelInfo[] }[];
}

interface Choice {
  executor: LLMExecutor;
  model: string;
}

/** Callers of a door; other features pass a GenerateContext. */
interface DoorCaller {
  actor: Actor;
  principal: Principal;
}

export class LLMRegistry implements LanguageModels, AsyncDisposable {
  readonly #options: LLMRegistryOptions;
  readonly #log: LLMAuditLogger;
  readonly #queues = new Map<string, FairQueue>();
  readonly #structured = new StructuredOutput();
  readonly #all: readonly LLMExecutor[];
  #probe: Promise<Probe> | undefined;
  #probedAtMs = 0;

  constructor(options: LLMRegistryOptions) {
    this.#options = options;
    this.#log = new LLMAuditLogger(options.audit);
    this.#all = [...options.executors, options.mock];
    for (const { provider, concurrency } of this.#all)
      this.#queues.set(provider, new FairQueue({ provider, places: concurrency }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const executor of this.#all) {
      if (Symbol.asyncDispose in executor) await (executor as AsyncDisposable)[Symbol.asyncDispose]();
    }
  }

  async status(): Promise<ModelsStatus> {
    const { providers } = await this.#look();
    const aliases = Object.fromEntries(
      ALIASES.map((alias) => {
        const { executor, model } = this.#choose(alias, providers);
        return [alias, { provider: executor.provider, model, simulated: executor.simulated }] as const;
      }),
    );
    const hint = aliases.default?.simulated === true ? { hint: hintOf(providers) } : {};
    return {
      models: providers.flatMap(({ models }) => models),
      providers: providers.map(({ info }) => info),
      aliases,
      ...hint,
    };
  }

  async providers(): Promise<ProviderInfo[]> {
    return (await this.#look()).providers.map(({ info }) => info);
  }

  generate(
    params: GenerateParams,
    by: GenerateContext | { caller: DoorCaller; signal: AbortSignal; onText?: (delta: string) => void },
    how?: { signal: AbortSignal; onText?: (delta: string) => void },
  ): Promise<GenerateResult> {
    if (how !== undefined) return this.#generate(params, { context: by as GenerateContext, ...how });
    const { caller, signal, onText } = by as {
      caller: DoorCaller;
      signal: AbortSignal;
      onText?: (delta: string) => void;
    };
    const context: GenerateContext = { caller: caller.principal, actor: caller.actor };
    return this.#generate(params, { context, signal, ...(onText === undefined ? {} : { onText }) });
  }

  async #generate(
    params: GenerateParams,
    call: { context: GenerateContext; signal: AbortSignal; onText?: (delta: string) => void },
  ): Promise<GenerateResult> {
    const { clock } = this.#options;
    const limit = new AbortController();
    const { timeoutMs } = params;
    using _timer =
      timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, () => limit.abort(tooLate(timeoutMs)));
    const signal = AbortSignal.any([call.signal, limit.signal]);
    const { providers } = await this.#look();
    const requested = params.model ?? "default";
    const { executor, model: name } = this.#choose(requested, providers);
    const { local, simulated, provider } = executor;
    this.#options.policy.require({
      principal: call.context.caller,
      action: "llm.generate",
      resource: { type: "Model", id: requested, attributes: { name, provider, local, simulated } },
      ...(call.context.run === undefined
        ? {}
        : { context: { run: call.context.run.runId, task: call.context.run.taskReference } }),
    });
    const model = await executor.describe(name, { signal });
    const queue = this.#queues.get(provider);
    const { type, id } = call.context.caller;
    const leave = await queue?.enter(`${type}:${id}`, signal);
    try {
      const request = await this.#log.request(model, { messages: messagesOf(params), params, context: call.context });
      return await this.#answer({
        params,
        request,
        executor,
        signal,
        ...(call.onText === undefined ? {} : { onText: call.onText }),
      });
    } finally {
      leave?.();
    }
  }

  async #answer(call: {
    params: GenerateParams;
    request: RecordedRequest;
    executor: LLMExecutor;
    signal: AbortSignal;
    onText?: (delta: string) => void;
  }): Promise<GenerateResult> {
    const { params, request, executor, signal } = call;
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const progress = { text: "", firstMs: undefined as number | undefined };
    try {
      // With a schema the text is handed out once it fits.
      const onText = params.format === undefined ? call.onText : undefined;
      const ask = (messages: readonly ChatMessage[]): Promise<ExecutorEnd> => {
        progress.text = "";
        return this.#stream({ ...call, messages, progress, startedMs, ...(onText === undefined ? {} : { onText }) });
      };
      let end = await ask(messagesOf(params));
      let structured: JsonValue | undefined;
      if (params.format !== undefined) {
        const first = this.#structured.parse(params.format, progress.text);
        if ("fault" in first) end = await ask(repairOf(params, { text: progress.text, fault: first.fault }));
        const second = "fault" in first ? this.#structured.parse(params.format, progress.text) : first;
        if ("fault" in second)
          throw new LogoMeshError("LM_LLM_STRUCTURED_OUTPUT", `The answer does not fit the schema: ${second.fault}`);
        structured = second.value;
        call.onText?.(progress.text);
      }
      const durationMs = clock.monotonicMs() - startedMs;
      const { firstMs } = progress;
      const facts = {
        ...end,
        text: progress.text,
        durationMs,
        ...(firstMs === undefined ? {} : { timeToFirstTokenMs: firstMs }),
      };
      const responseSeq = await this.#log.response(request, facts);
      const { model } = request;
      return {
        ...facts,
        ...{
          provider: executor.provider,
          model: model.name,
          simulated: executor.simulated,
          requestSeq: request.seq,
          responseSeq,
        },
        ...(model.digest === undefined ? {} : { digest: model.digest }),
        ...(structured === undefined ? {} : { structured }),
      };
    } catch (error) {
      const failure = { error, partialText: progress.text, durationMs: clock.monotonicMs() - startedMs };
      await this.#log.failed(request, failure);
      throw withPartialText(error, progress.text, signal);
    }
  }

  async #stream(call: {
    executor: LLMExecutor;
    request: RecordedRequest;
    params: GenerateParams;
    messages: readonly ChatMessage[];
    signal: AbortSignal;
    startedMs: number;
    progress: { text: string; firstMs: number | undefined };
    onText?: (delta: string) => void;
  }): Promise<ExecutorEnd> {
    const { executor, params, progress, signal } = call;
    const { format, options, maxTokens } = params;
    const chunks = executor.generate(
      {
        ...{ model: call.request.model.name, messages: call.messages },
        ...(format === undefined ? {} : { format }),
        ...(options === undefined ? {} : { options }),
        ...(maxTokens === undefined ? {} : { maxTokens }),
      },
      { signal },
    );
    for await (const chunk of chunks) {
      if ("end" in chunk) return chunk.end;
      progress.firstMs ??= this.#options.clock.monotonicMs() - call.startedMs;
      progress.text += chunk.delta;
      call.onText?.(chunk.delta);
    }
    throw new LogoMeshError("LM_LLM_PROTOCOL", `${executor.provider} ended its answer without saying so.`);
  }

  /** What the providers said last, at most five seconds ago. */
  #look(): Promise<Probe> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#probe === undefined || nowMs - this.#probedAtMs >= PROBE_MS) {
      this.#probedAtMs = nowMs;
      this.#probe = Promise.all(this.#all.map(async (executor) => ({ executor, ...(await executor.probe()) }))).then(
        (providers) => ({
          atMs: nowMs,
          providers,
        }),
      );
    }
    return this.#probe;
  }

  #choose(requested: string, providers: Probe["providers"]): Choice {
    const { mock } = this.#options;
    const isAlias = (ALIASES as readonly string[]).includes(requested);
    const local = providers.flatMap(({ executor, models }) =>
      executor.simulated
        ? []
        : models
            .filter(isChatModel)
            .map((model) => ({ executor, model: model.name, sizeBytes: model.sizeBytes ?? Infinity })),
    );
    if (isAlias) {
      const smallestFirst = requested === "fast" ? local.toSorted((a, b) => a.sizeBytes - b.sizeBytes) : local;
      return smallestFirst[0] ?? { executor: mock, model: "mock" };
    }
    if (requested === "mock") return { executor: mock, model: "mock" };
    const owner = providers.find(({ models }) =>
      models.some(({ name }) => name === requested || name === `${requested}:latest`),
    );
    const [first] = this.#options.executors;
    if (owner === undefined && first === undefined)
      throw new LogoMeshError(
        "LM_LLM_MODEL_NOT_FOUND",
        `There is no model ${requested}. Known are ${ALIASES.join(", ")} and mock.`,
      );
    return { executor: owner?.executor ?? first ?? mock, model: requested };
  }
}

function hintOf(providers: Probe["providers"]): string {
  const own = providers.find(({ executor }) => !executor.simulated)?.info;
  return own?.available === true && own.hint !== undefined ? `Answers are simulated. ${own.hint}` : PULL_HINT;
}

function isChatModel({ remoteHost, family, name }: ModelInfo): boolean {
  return remoteHost === undefined && !/embed|bert|minilm/i.test(`${family ?? ""} ${name}`);
}

function messagesOf({ system, prompt, messages }: GenerateParams): ChatMessage[] {
  return [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
    ...(messages ?? [{ role: "user" as const, content: prompt ?? "" }]),
  ];
}

function repairOf(params: GenerateParams, { text, fault }: { text: string; fault: string }): ChatMessage[] {
  return [
    ...messagesOf(params),
    { role: "assistant", content: text },
    {
      role: "user",
      content: `That does not fit the JSON Schema: ${fault}. Answer again with nothing but JSON that fits it.`,
    },
  ];
}

function tooLate(timeoutMs: number): LogoMeshError {
  return new LogoMeshError("LM_TIMEOUT", `The model did not finish within ${timeoutMs} ms.`);
}

/** What came before the failure is kept; a cancel passes through untouched. */
function withPartialText(error: unknown, partialText: string, signal: AbortSignal): unknown {
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (!(cause instanceof LogoMeshError)) return signal.aborted ? cause : toLogoMeshError(cause);
  return new LogoMeshError(cause.code, cause.message, {
    cause,
    data: { ...cause.data, partialText },
    ...(cause.problems === undefined ? {} : { problems: [...cause.problems] }),
  });
}
