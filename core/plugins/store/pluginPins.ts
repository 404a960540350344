import type { JsonObject } from "@logomesh/contracts";
import type { PluginGrant, Reader, WriteCommand, Writer } from "../../ports/index.ts";

/** A content of a plugin that a run goes on calling, with what it was granted when the run began. */
export interface PluginPin {
  sha256: string;
  permissions: JsonObject;
  toolsHash?: string;
}

export interface PinRunParams {
  runId: string;
  pins: readonly { pluginId: string; sha256: string; permissions: string; toolsHash: string | null }[];
}

/** Which content each run that has not ended began with. They are written with the run's beginning, and deleted with its end. */
export class PluginPins {
  readonly #options: { reader: Reader; writer: Writer };

  constructor({ reader, writer }: { reader: Reader; writer: Writer }) {
    this.#options = { reader, writer };
  }

  /** Belongs to the transaction in which the run begins. */
  pin(runId: string, grants: readonly PluginGrant[]): WriteCommand[] {
    if (grants.length === 0) return [];
    const pins = grants.map(({ pluginId, sha256, permissions, toolsHash = null }) => ({
      ...{ pluginId, sha256, toolsHash },
      permissions: JSON.stringify(permissions),
    }));
    return [{ name: "plugins.pin", params: { runId, pins } satisfies PinRunParams }];
  }

  /** Belongs to the transaction in which the run ends. */
  release(runId: string): WriteCommand[] {
    return [{ name: "plugins.unpin", params: { runId } }];
  }

  /** No run is bound to any content of the plugin any more. */
  async forget(pluginId: string): Promise<void> {
    await this.#options.writer.run([{ name: "plugins.unpinPlugin", params: { pluginId } }]);
  }

  of(runId: string, pluginId: string): PluginPin | undefined {
    const row = this.#options.reader.get(
      "SELECT sha256, permissions, tools_hash FROM plugin_pin WHERE run_id = ? AND plugin_id = ?",
      runId,
      pluginId,
    );
    if (row === undefined) return undefined;
    return {
      sha256: String(row.sha256),
      permissions: JSON.parse(String(row.permissions)) as JsonObject,
      ...(row.tools_hash === null ? {} : { toolsHash: String(row.tools_hash) }),
    };
  }

  /** How many live runs each content of the plugin has, by hash. */
  runsOf(pluginId: string): Map<string, number> {
    const rows = this.#options.reader.all(
      "SELECT sha256, count(*) AS runs FROM plugin_pin WHERE plugin_id = ? GROUP BY sha256",
      pluginId,
    );
    return new Map(rows.map(({ sha256, runs }) => [String(sha256), Number(runs)]));
  }
}
