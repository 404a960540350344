import type { CreateWriterModule, WriteContext } from "../../db/index.ts";
import type { PinRunParams } from "./pluginPins.ts";

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

export interface MarkFolderParams {
  pluginId: string;
}

const ADD_TOKENS = `INSERT INTO plugin_tokens (plugin_id, day, tokens) VALUES (?, ?, ?)
  ON CONFLICT (plugin_id, day) DO UPDATE SET tokens = tokens + excluded.tokens`;
const INSERT_PIN = `INSERT OR IGNORE INTO plugin_pin (run_id, plugin_id, sha256, permissions, tools_hash) VALUES (?, ?, ?, ?, ?)`;
const UPSERT_SETTING = `INSERT OR REPLACE INTO plugin_setting (plugin_id, enabled, settings, updated_at) VALUES (?, ?, ?, ?)`;

/** Commands `plugins.setSetting`, `plugins.addTokens`, `plugins.markFolder`, `plugins.unmarkFolder`, `plugins.forget`, `plugins.pin`, `plugins.unpin`, `plugins.unpinPlugin`; values and blobs are the storage's. */
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
    "plugins.markFolder": (context: WriteContext, { pluginId }: MarkFolderParams): number => {
      const nowMs = context.clock.nowMs();
      context
        .sql("INSERT INTO plugin_private_folder (plugin_id, since) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .run(pluginId, nowMs);
      return nowMs;
    },
    "plugins.unmarkFolder": (context: WriteContext, { pluginId }: MarkFolderParams): void => {
      context.sql("DELETE FROM plugin_private_folder WHERE plugin_id = ?").run(pluginId);
    },
    "plugins.forget": (context: WriteContext, { pluginId }: { pluginId: string }): void => {
      context.sql("DELETE FROM plugin_setting WHERE plugin_id = ?").run(pluginId);
      context.sql("DELETE FROM plugin_tokens WHERE plugin_id = ?").run(pluginId);
      context.sql("DELETE FROM plugin_pin WHERE plugin_id = ?").run(pluginId);
      context.sql("DELETE FROM plugin_private_folder WHERE plugin_id = ?").run(pluginId);
    },
    "plugins.pin": (context: WriteContext, { runId, pins }: PinRunParams): void => {
      for (const { pluginId, sha256, permissions, toolsHash } of pins)
        context.sql(INSERT_PIN).run(runId, pluginId, sha256, permissions, toolsHash);
    },
    "plugins.unpin": (context: WriteContext, { runId }: { runId: string }): void => {
      context.sql("DELETE FROM plugin_pin WHERE run_id = ?").run(runId);
    },
    "plugins.unpinPlugin": (context: WriteContext, { pluginId }: { pluginId: string }): void => {
      context.sql("DELETE FROM plugin_pin WHERE plugin_id = ?").run(pluginId);
    },
  },
});
