import type { AuditLog, Reader, Writer } from "../../ports/index.ts";
import { pluginEntry } from "../callMeta.ts";
import type { OwnFolder } from "../hostPlane/processTaint.ts";
import type { MarkFolderParams } from "./pluginWriterModule.ts";

/** Plugins whose own folder was within the reach of a tainted process: kept in memory, because everything that such a process asks, asks. */
export class PrivateFolders {
  readonly #options: { writer: Writer; audit: AuditLog };
  readonly #since = new Map<string, number>();
  readonly #marking = new Map<string, Promise<void>>();

  constructor({ writer, reader, audit }: { writer: Writer; reader: Reader; audit: AuditLog }) {
    this.#options = { writer, audit };
    for (const { plugin_id, since } of reader.all("SELECT plugin_id, since FROM plugin_private_folder"))
      this.#since.set(String(plugin_id), Number(since));
  }

  of(pluginId: string): OwnFolder {
    return {
      isPrivate: () => this.#since.has(pluginId),
      markPrivate: () => this.#mark(pluginId),
    };
  }

  /** Milliseconds since 1970 (UTC); undefined when it is not private. */
  sinceMs(pluginId: string): number | undefined {
    return this.#since.get(pluginId);
  }

  /** No more: the row went with `plugins.unmarkFolder` or `plugins.forget`. */
  forget(pluginId: string): void {
    this.#since.delete(pluginId);
  }

  #mark(pluginId: string): Promise<void> {
    const marking = this.#marking.get(pluginId) ?? this.#write(pluginId).finally(() => this.#marking.delete(pluginId));
    this.#marking.set(pluginId, marking);
    return marking;
  }

  async #write(pluginId: string): Promise<void> {
    const { writer, audit } = this.#options;
    const entry = pluginEntry("plugin.data-private", { actor: { type: "plugin", id: pluginId }, pluginId });
    const params: MarkFolderParams = { pluginId };
    const [since] = await writer.run([{ name: "plugins.markFolder", params }, audit.command(entry)]);
    this.#since.set(pluginId, since as number);
  }
}
