import type { Actor, GenerateParams, GenerateResult, ModelChoice, ModelInfo } from "@logomesh/contracts";
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

/** How many prompts are answered at once. */
export interface ModelPlaces {
  /** For the model (default: what `default` stands for), with the name of what shares these places; undefined where there is no such model. */
  placesOf(model: string | undefined): Promise<{ name: string; places: number } | undefined>;
}

/** Which models the names `default` and `fast` stand for. */
export interface ModelChoices {
  /**
   * What would answer under the name, as its provider offers it now.
   * @throws LogoMeshError LM_INPUT_INVALID for a name that is none, LM_LLM_UNREACHABLE, LM_LLM_MODEL_NOT_FOUND, LM_LLM_CAPABILITY,
   *   LM_LLM_REMOTE_REFUSED
   */
  offered(alias: string, choice: ModelChoice): Promise<ModelInfo>;
  /** What a person chose; undefined where the workbench chooses. */
  chosen(alias: string): ModelChoice | undefined;
  /** Undefined leaves it to the workbench again. @throws as `offered`, LM_AUDIT_*, and what stops everything */
  choose(alias: string, choice: ModelChoice | undefined, by: { actor: Actor }): Promise<void>;
}
