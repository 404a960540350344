import type { ModelInfo, ProviderInfo } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";
import { subjectOf, summarize } from "./extract.ts";
import type { ExecutorChunk, ExecutorRequest, LLMExecutor } from "./llmExecutor.ts";
import { sampleOf } from "./schemaSample.ts";

/** Sentences of an answer. */
const SENTENCES = 3;
/** Words of one part of the stream. */
const WORDS_PER_DELTA = 4;
const INFO: ModelInfo = { provider: "mock", name: "mock", family: "extractive summary", simulated: true };

/** Stands in when no model is there: answers with the prompt's own sentences, always the same, and says that it is simulated. */
export class MockExecutor implements LLMExecutor {
  readonly provider = "mock";
  readonly simulated = true;
  readonly local = true;
  readonly concurrency = 16;
  readonly #clock: Clock;
  readonly #deltaDelayMs: number;

  /** @param options `deltaDelayMs`: pause before each part of the stream; 0 sends as fast as it is read */
  constructor(options: { clock: Clock; deltaDelayMs: number }) {
    this.#clock = options.clock;
    this.#deltaDelayMs = options.deltaDelayMs;
  }

  probe(): Promise<{ info: ProviderInfo; models: ModelInfo[] }> {
    return Promise.resolve({ info: { name: "mock", available: true, simulated: true }, models: [INFO] });
  }

  describe(): Promise<ModelInfo> {
    return Promise.resolve(INFO);
  }

  async *generate(request: ExecutorRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ExecutorChunk> {
    const subject = subjectOf(request.messages.findLast(({ role }) => role === "user")?.content ?? "");
    const answer =
      request.format === undefined
        ? summarize(subject, SENTENCES).join(" ") || "There is no text to answer from."
        : JSON.stringify(sampleOf(request.format, subject));
    const words = answer.match(/\s*\S+/gu) ?? [];
    const kept = words.slice(0, request.maxTokens ?? words.length);
    for (let index = 0; index < kept.length; index += WORDS_PER_DELTA) {
      await this.#pause(signal);
      yield { delta: kept.slice(index, index + WORDS_PER_DELTA).join("") };
    }
    yield {
      end: {
        finishReason: kept.length < words.length ? "length" : "stop",
        inputTokens: request.messages.reduce((sum, { content }) => sum + (content.match(/\S+/gu)?.length ?? 0), 0),
        outputTokens: kept.length,
      },
    };
  }

  async #pause(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#deltaDelayMs === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    using _timer = this.#clock.setTimer(this.#deltaDelayMs, () => resolve(undefined));
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
