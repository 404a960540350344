import type { CreateWriterModule, WriteContext } from "../../db/index.ts";

export interface SetPluginSettingParams {
  pluginId: string;
  isEnabled: boolean;
  /** A JSON object. */
  settings: string;
}

export interface AddTokensParams {
  pluginId: string;
  /** `2026-11-27` */
  day: string;
  tokens: number;
}

const ADD_TOKENS = `INSERT INTO plugin_tokens (plugin_id, day, tokens) VALUES (?, ?, ?)
  ON CONFLICT (plugin_id, day) DO UPDATE SET tokens = tokens + excluded.tokens`;
const UPSERT_SETTING = `INSERT OR REPLACE INTO plugin_setting (plugin_id, enabled, settings, updated_at) VALUES (?, ?, ?, ?)`;
/** Commands `plugins.setSetting`, `plugins.addTokens`, `plugins.forget`; values and blobs are the storage's. */
export const createPluginWriterModule: CreateWriterModule = () => ({
  name: "plugins",
  commands: {
    "plugins.setSetting": (context: WriteContext, params: SetPluginSettingParams): void => {
      const { pluginId, isEnabled, settings } = params;
      context.sql(UPSERT_SETTING).run(pluginId, isEnabled ? 1 : 0, settings, context.clock.nowMs());
    },
    "plugins.addTokens": (context: WriteContext, { pluginId, day, tokens }: AddTokensParams): void => {
      context.sql(ADD_TOKENS).run(pluginId, day, tokens);
    },
    "plugins.forget": (context: WriteContext, { pluginId }: { pluginId: string }): void => {
      context.sql("DELETE FROM plugin_setting WHERE plugin_id = ?").run(pluginId);
      context.sql("DELETE FROM plugin_tokens WHERE plugin_id = ?").run(pluginId);
    },
  },
});
