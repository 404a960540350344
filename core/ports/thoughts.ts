import type { Actor, CreateThoughtParams, Thought, ThoughtDetail } from "@logomesh/contracts";

/** The thoughts of the workspace, for the other features. */
export interface Thoughts {
  /** Those that contain every word of `text` (whatever its case), newest first. */
  search(query: { text: string; tag?: string | undefined; limit: number }): Promise<Thought[]>;
  /** @throws LogoMeshError LM_THOUGHT_NOT_FOUND */
  get(thoughtId: string): Promise<ThoughtDetail>;
  /** Recorded together with its entry. */
  create(params: CreateThoughtParams, origin: { actor: Actor; runId?: string }): Promise<ThoughtDetail>;
}
