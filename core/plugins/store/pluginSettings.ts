import type { JsonObject } from "@logomesh/contracts";
import type { AuditEntryDraft, AuditLog, Reader, Writer } from "../../ports/index.ts";
import type { SetPluginSettingParams } from "./pluginWriterModule.ts";

/** What a person set for one plugin. */
export interface PluginSetting {
  isEnabled: boolean;
  settings: JsonObject;
}

const DEFAULT: PluginSetting = { isEnabled: true, settings: {} };

/** Enabled or not, and settings, by plugin; kept in memory because every call asks. Each change commits together with its entry. */
export class PluginSettings {
  readonly #options: { writer: Writer; audit: AuditLog };
  readonly #byId = new Map<string, PluginSetting>();

  constructor({ writer, reader, audit }: { writer: Writer; reader: Reader; audit: AuditLog }) {
    this.#options = { writer, audit };
    for (const row of reader.all("SELECT plugin_id, enabled, settings FROM plugin_setting"))
      this.#byId.set(String(row.plugin_id), {
        isEnabled: row.enabled === 1,
        settings: JSON.parse(String(row.settings)) as JsonObject,
      });
  }

  get(pluginId: string): PluginSetting {
    return this.#byId.get(pluginId) ?? DEFAULT;
  }

  async set(pluginId: string, change: Partial<PluginSetting>, entry: AuditEntryDraft): Promise<void> {
    const next = { ...this.get(pluginId), ...change };
    const { isEnabled, settings } = next;
    const params: SetPluginSettingParams = { pluginId, isEnabled, settings: JSON.stringify(settings) };
    await this.#options.writer.run([{ name: "plugins.setSetting", params }, this.#options.audit.command(entry)]);
    this.#byId.set(pluginId, next);
  }

  /** Deletes settings and counters of the plugin. */
  async forget(pluginId: string, entry: AuditEntryDraft): Promise<void> {
    await this.#options.writer.run([
      { name: "plugins.forget", params: { pluginId } },
      this.#options.audit.command(entry),
    ]);
    this.#byId.delete(pluginId);
  }
}
