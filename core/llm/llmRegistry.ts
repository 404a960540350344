import {
  LogoMeshError,
  type Actor,
  type ChatMessage,
  type GenerateParams,
  type GenerateResult,
  type JsonObject,
  type JsonValue,
  type ModelChoice,
  type ModelInfo,
  type ModelsStatus,
  type ProviderInfo,
} from "@logomesh/contracts";
import { messageOf, toDisposable } from "../base/index.ts";
import type {
  AuditHistory,
  AuditLog,
  Clock,
  GenerateContext,
  LanguageModels,
  Logger,
  ModelChoices,
  ModelPlaces,
  Policy,
  PolicyRequest,
  Principal,
} from "../ports/index.ts";
import { FairQueue } from "./fairQueue.ts";
import { LLMAuditLogger, REQUEST_ENDS } from "./llmAuditLogger.ts";
import type { ExecutorEnd, LLMExecutor } from "./llmExecutor.ts";
import type { ModelAliases } from "./modelAliases.ts";
import { MisfitError, StructuredOutput } from "./structuredOutput.ts";

// The gateway: which model answers, whether it may, in which order, and what is recorded. An alias may fall back to the mock unless a person
// chose what it stands for; a model that was named or chosen is never replaced.

const PROBE_MS = 5_000;
const ALIASES = ["default", "fast"] as const;
/** When a provider has models, but none that chats. */
const PULL_HINT = "Get a real model with: ollama pull qwen3:4b";
/** Of one answer: what the log keeps whole, with room for what masking and UTF-8 add. */
const ANSWER_CHARS_MAX = 4 * 1024 * 1024;

export interface LLMRegistryOptions {
  /** The real providers in order of preference. */
  executors: readonly LLMExecutor[];
  mock: LLMExecutor;
  aliases: ModelAliases;
  audit: AuditLog;
  policy: Policy;
  clock: Clock;
  logger: Logger;
  limits?: ModelLimits;
}

/** Prompts that are answered at once; the others wait. */
export interface ModelLimits {
  /** Of all models of a provider on this machine together. Default: one, so that models do not push each other out of memory. */
  localModels?: number;
  /** Of one model, by its name; it then no longer counts among those of its provider. */
  models?: Readonly<Record<string, number>>;
}

interface Probe {
  atMs: number;
  providers: { executor: LLMExecutor; info: ProviderInfo; models: ModelInfo[] }[];
}

interface Choice {
  executor: LLMExecutor;
  model: string;
  /** What the call gets unless it says otherwise. */
  options?: JsonObject;
}

/** One call on its way. */
interface Conversation {
  params: GenerateParams;
  executor: LLMExecutor;
  model: ModelInfo;
  context: GenerateContext;
  signal: AbortSignal;
  onText?: (delta: string) => void;
}

/** What has come so far. */
interface Progress {
  text: string;
  firstMs: number | undefined;
}

/** Callers of a door; other features pass a GenerateContext. */
interface DoorCaller {
  actor: Actor;
  principal: Principal;
}

export class LLMRegistry implements LanguageModels, ModelChoices, ModelPlaces, AsyncDisposable {
  readonly #options: LLMRegistryOptions;
  readonly #log: LLMAuditLogger;
  readonly #queues = new Map<string, FairQueue>();
  readonly #underWay = new Set<AbortController>();
  readonly #structured = new StructuredOutput();
  readonly #all: readonly LLMExecutor[];
  #probe: Promise<Probe> | undefined;
  #probedAtMs = 0;

  constructor(options: LLMRegistryOptions) {
    this.#options = options;
    this.#log = new LLMAuditLogger(options.audit);
    this.#all = [...options.executors, options.mock];
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
        const { executor, model, options } = this.#choose(alias, providers);
        const { provider, simulated } = executor;
        return [alias, { provider, model, simulated, ...optional({ options }), ...this.#chosenBy(alias) }] as const;
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

  async offered(alias: string, { provider, model }: ModelChoice): Promise<ModelInfo> {
    assertAlias(alias);
    const { providers } = await this.#look();
    const found = providers.find(({ executor }) => executor.provider === provider);
    const known = providers.map(({ executor }) => executor.provider).join(", ");
    if (found === undefined)
      throw new LogoMeshError("LM_INPUT_INVALID", `There is no provider ${provider}; there are ${known}.`);
    const { info, models } = found;
    if (!info.available) throw new LogoMeshError("LM_LLM_UNREACHABLE", info.hint ?? `${provider} does not answer.`);
    const offer = models.find(({ name }) => name === model || name === `${model}:latest`);
    if (offer === undefined) {
      const names = models.map(({ name }) => name).join(", ") || "none";
      throw new LogoMeshError("LM_LLM_MODEL_NOT_FOUND", `${provider} has no model ${model}; it has ${names}.`);
    }
    if (offer.remoteHost !== undefined)
      throw new LogoMeshError("LM_LLM_REMOTE_REFUSED", `${model} runs at ${offer.remoteHost}, not on this machine.`);
    if (!isChatModel(offer))
      throw new LogoMeshError(
        "LM_LLM_CAPABILITY",
        `${model} makes embeddings; ${alias} stands for a model that answers.`,
      );
    return offer;
  }

  chosen(alias: string): ModelChoice | undefined {
    const found = this.#options.aliases.get(alias);
    if (found === undefined) return undefined;
    const { provider, model, options = {} } = found;
    return { provider, model, ...(Object.keys(options).length === 0 ? {} : { options }) };
  }

  async choose(alias: string, choice: ModelChoice | undefined, { actor }: { actor: Actor }): Promise<void> {
    if (choice === undefined) assertAlias(alias);
    else await this.offered(alias, choice);
    await this.#options.aliases.set(alias, choice, actor);
  }

  /**
   * Gives every request below the entry `before` that has no end its `llm.orphaned` entry. For the time after a start, with the size
   * that the log had then: requests of this process are still under way.
   */
  async recordOrphans({ history, before }: { history: AuditHistory; before: number }): Promise<number> {
    const cutOff = await history.listUnended({ begin: "llm.request", ends: REQUEST_ENDS, before });
    await Promise.all(cutOff.map((request) => this.#log.orphaned(request)));
    return cutOff.length;
  }

  /** Every call under way fails with this error; what comes later is not concerned. */
  halt(error: LogoMeshError): void {
    for (const call of this.#underWay) call.abort(error);
  }

  async placesOf(model = "default"): Promise<{ name: string; places: number } | undefined> {
    const { providers } = await this.#look();
    try {
      return this.#placesOf(this.#choose(model, providers));
    } catch {
      // Whoever asks it is told why there is no such model.
      return undefined;
    }
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
    this.#underWay.add(limit);
    using _underWay = toDisposable(() => this.#underWay.delete(limit));
    const { timeoutMs } = params;
    using _timer =
      timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, () => limit.abort(tooLate(timeoutMs)));
    const signal = AbortSignal.any([call.signal, limit.signal]);
    const { providers } = await this.#look();
    signal.throwIfAborted();
    const requested = params.model ?? "default";
    const { executor, model: name, options = {} } = this.#choose(requested, providers);
    const { local, simulated, provider } = executor;
    this.#options.policy.require({
      principal: call.context.caller,
      action: "llm.generate",
      resource: { type: "Model", id: requested, attributes: { name, provider, local, simulated } },
      ...policyContext(call.context),
    });
    if (params.format !== undefined) this.#structured.check(params.format);
    const model = await executor.describe(name, { signal });
    const merged = { ...options, ...params.options };
    const asked = Object.keys(merged).length === 0 ? params : { ...params, options: merged };
    return await this.#converse({ ...call, params: asked, executor, model, signal });
  }

  #placesOf({ executor, model }: { executor: LLMExecutor; model: string }): { name: string; places: number } {
    const { models = {}, localModels } = this.#options.limits ?? {};
    const own = Object.hasOwn(models, model) ? models[model] : undefined;
    if (own !== undefined) return { name: `model ${model}`, places: own };
    const { provider, local, simulated, concurrency } = executor;
    return {
      name: `models of ${provider}`,
      places: local && !simulated ? (localModels ?? concurrency) : concurrency,
    };
  }

  #enterQueue({ executor, model, context, signal }: Conversation): Promise<() => void> {
    const { name, places } = this.#placesOf({ executor, model: model.name });
    const queue = this.#queues.get(name) ?? new FairQueue({ provider: name, places });
    this.#queues.set(name, queue);
    return queue.enter(`${context.caller.type}:${context.caller.id}`, signal);
  }

  /** Asks once; with a schema, once more when the first answer does not fit it. */
  async #converse(call: Conversation): Promise<GenerateResult> {
    const { params, onText } = call;
    const messages = messagesOf(params);
    if (params.format === undefined) return this.#ask(call, messages, () => undefined);
    const schema = params.format;
    // With a schema the text is handed out once it fits.
    const { onText: _, ...silent } = call;
    const check = (text: string): JsonValue => this.#structured.parse(schema, text);
    let result: GenerateResult;
    try {
      result = await this.#ask(silent, messages, check);
    } catch (error) {
      if (!(error instanceof MisfitError)) throw error;
      result = await this.#ask(silent, [...messages, ...repairOf(error)], check);
    }
    onText?.(result.text);
    return result;
  }

  /** One prompt with its two entries. `check` gives the parsed value or throws. */
  async #ask(
    call: Conversation,
    messages: readonly ChatMessage[],
    check: (text: string) => JsonValue | undefined,
  ): Promise<GenerateResult> {
    const { params, executor, model, context, signal } = call;
    const { clock, logger } = this.#options;
    // Before the queue: while one prompt is answered, the entries of those that wait go to disk.
    const request = await this.#log.request(model, { messages, params, context });
    const askedMs = clock.monotonicMs();
    let startedMs = askedMs;
    const progress: Progress = { text: "", firstMs: undefined };
    try {
      const leave = await this.#enterQueue(call);
      startedMs = clock.monotonicMs();
      const end = await this.#stream({ ...call, messages, progress }).finally(leave);
      const structured = check(progress.text);
      const facts = {
        ...end,
        text: progress.text,
        durationMs: clock.monotonicMs() - startedMs,
        ...(progress.firstMs === undefined ? {} : { timeToFirstTokenMs: progress.firstMs - startedMs }),
      };
      const responseSeq = await this.#log.response(request, { ...facts, queuedMs: startedMs - askedMs });
      return {
        ...facts,
        provider: executor.provider,
        model: model.name,
        simulated: executor.simulated,
        requestSeq: request.seq,
        responseSeq,
        ...(model.digest === undefined ? {} : { digest: model.digest }),
        ...(structured === undefined ? {} : { structured }),
      };
    } catch (error) {
      const cause = signal.aborted ? (signal.reason as unknown) : error;
      const failure = { error: cause, partialText: progress.text, durationMs: clock.monotonicMs() - startedMs };
      await this.#log.failed(request, failure).catch((unwritable: unknown) => {
        // The failure itself is what the caller needs to know.
        logger.error(
          { request: request.seq, error: messageOf(unwritable) },
          "the end of a model call was not recorded",
        );
      });
      throw withPartialText(cause, progress.text);
    }
  }

  async #stream(call: Conversation & { messages: readonly ChatMessage[]; progress: Progress }): Promise<ExecutorEnd> {
    const { executor, model, messages, params, progress, signal } = call;
    const { format, options, maxTokens } = params;
    const request = {
      model: model.name,
      messages,
      ...(format === undefined ? {} : { format }),
      ...(options === undefined ? {} : { options }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
    };
    for await (const chunk of executor.generate(request, { signal })) {
      if ("end" in chunk) return chunk.end;
      progress.firstMs ??= this.#options.clock.monotonicMs();
      progress.text += chunk.delta;
      if (progress.text.length > ANSWER_CHARS_MAX)
        throw new LogoMeshError(
          "LM_TOO_LARGE",
          `The answer has more than ${ANSWER_CHARS_MAX} characters. Set maxTokens to end it earlier.`,
        );
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

  #chosenBy(alias: string): { chosen?: { by: string; at: string } } {
    const found = this.#options.aliases.get(alias);
    return found === undefined ? {} : { chosen: { by: found.setBy, at: new Date(found.setAtMs).toISOString() } };
  }

  #choose(requested: string, providers: Probe["providers"]): Choice {
    const { mock, aliases } = this.#options;
    const chosen = aliases.get(requested);
    const chosenExecutor = this.#all.find(({ provider }) => provider === chosen?.provider);
    if (chosen !== undefined && chosenExecutor !== undefined)
      return {
        executor: chosenExecutor,
        model: chosen.model,
        ...optional({ options: this.chosen(requested)?.options }),
      };
    const isAlias = isAliasName(requested);
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

function isAliasName(name: string): boolean {
  return (ALIASES as readonly string[]).includes(name);
}

/** @throws LogoMeshError LM_INPUT_INVALID */
function assertAlias(name: string): void {
  if (isAliasName(name)) return;
  throw new LogoMeshError("LM_INPUT_INVALID", `There is no alias ${name}; there are ${ALIASES.join(" and ")}.`);
}

function optional({ options }: { options: JsonObject | undefined }): { options?: JsonObject } {
  return options === undefined ? {} : { options };
}

function policyContext({ chain, tainted, run }: GenerateContext): Pick<PolicyRequest, "chain" | "context"> {
  return {
    ...(chain === undefined ? {} : { chain }),
    context: {
      ...(tainted === undefined ? {} : { tainted }),
      ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }),
    },
  };
}

function hintOf(providers: Probe["providers"]): string {
  const own = providers.find(({ executor }) => !executor.simulated)?.info.hint;
  return `Answers are simulated. ${own ?? PULL_HINT}`;
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

function repairOf({ text, message }: MisfitError): ChatMessage[] {
  return [
    { role: "assistant", content: text },
    { role: "user", content: `${message} Answer again with nothing but JSON that fits the schema.` },
  ];
}

function tooLate(timeoutMs: number): LogoMeshError {
  return new LogoMeshError("LM_TIMEOUT", `The model did not finish within ${timeoutMs} ms.`);
}

/** What came before the failure is kept; a cancel passes through untouched. */
function withPartialText(error: unknown, partialText: string): unknown {
  if (!(error instanceof LogoMeshError) || error instanceof MisfitError) return error;
  return new LogoMeshError(error.code, error.message, {
    cause: error,
    data: { ...error.data, partialText },
    retryable: error.retryable,
  });
}
