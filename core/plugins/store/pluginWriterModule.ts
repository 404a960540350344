import type { CreateWriterModule, WriteContext } from "../../db/index.ts";

export interface SetPluginSettingParams {
  pluginId: string;
  isEnabled: boolean;
  /** A JSON object. */
  settings: string;
}

const UPSERT_SETTING = `INSERT OR REPLACE INTO plugin_setting (plugin_id, enabled, settings, updated_at) VALUES (?, ?, ?, ?)`;
/** Commands `plugins.setSetting`, `plugins.forget`; values and blobs are the storage's. */
export const createPluginWriterModule: CreateWriterModule = () => ({
  name: "plugins",
  commands: {
    "plugins.setSetting": (context: WriteContext, params: SetPluginSettingParams): void => {
      const { pluginId, isEnabled, settings } = params;
      context.sql(UPSERT_SETTING).run(pluginId, isEnabled ? 1 : 0, settings, context.clock.nowMs());
    },
    "plugins.forget": (context: WriteContext, { pluginId }: { pluginId: string }): void => {
      context.sql("DELETE FROM plugin_setting WHERE plugin_id = ?").run(pluginId);
      context.sql("DELETE FROM plugin_tokens WHERE plugin_id = ?").run(pluginId);
    },
  },
});
