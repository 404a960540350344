import type { ChatMessage, GenerateResult, JsonObject, ModelInfo, ProviderInfo } from "@logomesh/contracts";

/** One prompt, in the form that every provider gets. */
export interface ExecutorRequest {
  model: string;
  messages: readonly ChatMessage[];
  /** JSON Schema that the provider is asked to keep to; nobody relies on it. */
  format?: JsonObject;
  options?: JsonObject;
  maxTokens?: number;
}

/** What the provider told at the end; absent members are unknown. */
export interface ExecutorEnd {
  finishReason: GenerateResult["finishReason"];
  inputTokens?: number;
  outputTokens?: number;
  tokensPerSecond?: number;
  suspectedTruncation?: boolean;
}

export type ExecutorChunk = { delta: string } | { end: ExecutorEnd };

/** Speaks to one provider. */
export interface LLMExecutor {
  readonly provider: string;
  readonly simulated: boolean;
  /** Whether prompts stay on this machine. */
  readonly local: boolean;
  /** Prompts that are answered at once; the others wait. */
  readonly concurrency: number;
  /** Never throws: what is wrong is in `hint`. */
  probe(): Promise<{ info: ProviderInfo; models: ModelInfo[] }>;
  /**
   * The model as it will be used, checked for everything that can be known before a prompt leaves.
   * @throws LogoMeshError LM_LLM_UNREACHABLE, LM_LLM_MODEL_NOT_FOUND, LM_LLM_REMOTE_REFUSED
   */
  describe(model: string, options: { signal: AbortSignal }): Promise<ModelInfo>;
  /**
   * Yields text, and the end last. Aborting closes the connection and throws the signal's reason.
   * @throws LogoMeshError LM_LLM_*
   */
  generate(request: ExecutorRequest, options: { signal: AbortSignal }): AsyncIterable<ExecutorChunk>;
}
