import type { LogoMeshError } from "@logomesh/contracts";
import type { AuditLog, Clock, Logger, Policy, Reader, Writer } from "../ports/index.ts";
import { LLMRegistry, type ModelLimits } from "./llmRegistry.ts";
import { ModelAliases } from "./modelAliases.ts";
import { MockExecutor } from "./mockExecutor.ts";
import { OllamaExecutor } from "./ollamaExecutor.ts";

export { LLMRegistry } from "./llmRegistry.ts";
export { OllamaExecutor } from "./ollamaExecutor.ts";

/** Pause of the mock before each part of its answer, so that streaming can be seen. */
const MOCK_DELTA_MS = 15;

/** The built-in choice: Ollama when it answers and has a model, else the mock. */
export function createLanguageModels(options: {
  audit: AuditLog;
  policy: Policy;
  clock: Clock;
  logger: Logger;
  /** Without a trailing slash. */
  ollamaUrl: string;
  writer: Writer;
  reader: Reader;
  /** Why nothing may be chosen now: a lockdown. */
  stopped: () => LogoMeshError | undefined;
  limits?: ModelLimits;
}): LLMRegistry {
  const { ollamaUrl, writer, reader, stopped, ...rest } = options;
  return new LLMRegistry({
    ...rest,
    aliases: new ModelAliases({ writer, reader, stopped, audit: rest.audit, clock: rest.clock }),
    executors: [new OllamaExecutor({ url: ollamaUrl })],
    mock: new MockExecutor({ clock: options.clock, deltaDelayMs: MOCK_DELTA_MS }),
  });
}
