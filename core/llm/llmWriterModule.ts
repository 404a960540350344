import type { CreateWriterModule, WriteContext } from "../db/index.ts";

export interface SetAliasParams {
  alias: string;
  provider: string;
  model: string;
  /** A JSON object. */
  options: string;
  setBy: string;
}

const SET =
  "INSERT OR REPLACE INTO llm_alias (alias, provider, model, options, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?)";

/** Commands `llm.setAlias`, `llm.clearAlias`. */
export const createLlmWriterModule: CreateWriterModule = () => ({
  name: "llm",
  commands: {
    "llm.setAlias": (context: WriteContext, { alias, provider, model, options, setBy }: SetAliasParams): void => {
      context.sql(SET).run(alias, provider, model, options, setBy, context.clock.nowMs());
    },
    "llm.clearAlias": (context: WriteContext, { alias }: { alias: string }): void => {
      context.sql("DELETE FROM llm_alias WHERE alias = ?").run(alias);
    },
  },
});
