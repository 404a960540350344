import type { CreateThoughtParams, ThoughtDetail } from "@logomesh/contracts";
import type { WriteCommand } from "./writer.ts";

/** Prepares thought changes that the caller commits together with its own step. */
export interface ThoughtWrites {
  /** The thought as it will be, and the write that makes it so. Ids are derived from `key`, so a repeated step gives the same thought. */
  prepareCreate(
    params: CreateThoughtParams,
    origin: { key: string; runId?: string; simulated: boolean },
  ): { thought: ThoughtDetail; write: WriteCommand };
}
