import type { Actor, GenerateParams, GenerateResult } from "@logomesh/contracts";
import type { Principal } from "./policy.ts";

export interface GenerateContext {
  caller: Principal;
  actor: Actor;
  /** Everybody in whose name the caller asks; each must be allowed too. */
  chain?: readonly Principal[];
  /** The caller has read private data. */
  tainted?: boolean;
  run?: { runId: string; taskReference: string };
}

/** Answers prompts, for the other features. Every call is audited before its bytes leave and after the answer. */
export interface LanguageModels {
  /**
   * Streams text through `onText` and resolves with the whole answer. Aborting the signal closes the connection.
   * @throws LogoMeshError LM_LLM_* (partial text in `data.partialText`), LM_POLICY_DENIED, LM_AUDIT_UNWRITABLE
   */
  generate(
    params: GenerateParams,
    context: GenerateContext,
    options: { signal: AbortSignal; onText?: (delta: string) => void },
  ): Promise<GenerateResult>;
}
