import type { JsonValue } from "@logomesh/contracts";
import { toJsonText } from "../base/index.ts";
import type { PluginStore, Reader, StorageUsage, Together, Writer } from "../ports/index.ts";
import { KEYS_LISTED_MAX, VALUE_BYTES_MAX, assertKey, pluginOwner } from "./limits.ts";
import { readUsage } from "./sqliteBlobStore.ts";
import type { PutValueParams } from "./storageWriterModule.ts";

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const LAST_CODE_POINT = 0x10ffff;

/** Values of plugins in the workspace's database, as JSON text. */
export class SqlitePluginStore implements PluginStore {
  readonly #writer: Writer;
  readonly #reader: Reader;

  constructor({ writer, reader }: { writer: Writer; reader: Reader }) {
    this.#writer = writer;
    this.#reader = reader;
  }

  get(pluginId: string, key: string): Promise<JsonValue | undefined> {
    return new Promise((resolve) => {
      assertKey(key);
      const row = this.#reader.get("SELECT value FROM plugin_value WHERE plugin_id = ? AND key = ?", pluginId, key);
      resolve(row === undefined ? undefined : (JSON.parse(row.value as string) as JsonValue));
    });
  }

  async put(
    pluginId: string,
    { key, value }: { key: string; value: JsonValue },
    { bytesMax, together = [] }: { bytesMax: number } & Together,
  ): Promise<void> {
    assertKey(key);
    const text = toJsonText(value, { what: "The value", bytesMax: VALUE_BYTES_MAX });
    const params: PutValueParams = { pluginId, key, value: text, bytesMax };
    await this.#writer.run([{ name: "storage.putValue", params }, ...together]);
  }

  async delete(pluginId: string, key: string, { together = [] }: Together = {}): Promise<boolean> {
    assertKey(key);
    const [existed] = await this.#writer.run([{ name: "storage.deleteValue", params: { pluginId, key } }, ...together]);
    return existed as boolean;
  }

  list(
    pluginId: string,
    { prefix, after }: { prefix: string; after?: string },
  ): Promise<{ keys: string[]; isMore: boolean }> {
    return new Promise((resolve) => {
      if (prefix !== "") assertKey(prefix);
      if (after !== undefined) assertKey(after);
      const end = endOfPrefix(prefix);
      const rows = this.#reader.all(
        `SELECT key FROM plugin_value WHERE plugin_id = ? AND key >= ? AND key > ? ${end === undefined ? "" : "AND key < ?"}
         ORDER BY key LIMIT ?`,
        ...[pluginId, prefix, after ?? "", ...(end === undefined ? [] : [end]), KEYS_LISTED_MAX + 1],
      );
      const keys = rows.slice(0, KEYS_LISTED_MAX).map(({ key }) => key as string);
      resolve({ keys, isMore: rows.length > KEYS_LISTED_MAX });
    });
  }

  usage(pluginId: string): StorageUsage {
    return readUsage(this.#reader, { owner: pluginId, kind: "value" });
  }

  async clear(pluginId: string): Promise<void> {
    const command = { name: "storage.clear", params: { pluginId, owner: pluginOwner(pluginId) } };
    for (let isMore = true; isMore;) {
      const [answer] = (await this.#writer.run([command])) as [{ isMore: boolean }];
      ({ isMore } = answer);
    }
  }
}

/** The first text, by code point, after everything that begins with the prefix; undefined when there is none. */
function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === LAST_CODE_POINT) continue;
    const next = last + 1 === FIRST_SURROGATE ? AFTER_SURROGATES : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
