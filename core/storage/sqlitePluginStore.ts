import type { JsonValue } from "@logomesh/contracts";
import { toJsonText } from "../base/index.ts";
import type {
  KeptPrivate,
  PluginStore,
  Privacy,
  Reader,
  StorageUsage,
  Together,
  WriteCommand,
  Writer,
} from "../ports/index.ts";
import { KEYS_LISTED_MAX, VALUE_BYTES_MAX, assertKey, pluginOwner } from "./limits.ts";
import { isPrivateOwner, readKeptPrivate } from "./privateOwners.ts";
import { readUsage } from "./sqliteBlobStore.ts";
import type { DeleteValueParams, PutValueParams } from "./storageWriterModule.ts";

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

  get(pluginId: string, key: string): Promise<{ value?: JsonValue } & Privacy> {
    return new Promise((resolve) => {
      assertKey(key);
      const row = this.#reader.get(
        "SELECT value, private FROM plugin_value WHERE plugin_id = ? AND key = ?",
        pluginId,
        key,
      );
      resolve(
        row === undefined
          ? { isPrivate: this.isPrivate(pluginId) }
          : { value: JSON.parse(row.value as string) as JsonValue, isPrivate: row.private === 1 },
      );
    });
  }

  async put(
    pluginId: string,
    { key, value }: { key: string; value: JsonValue },
    { bytesMax, isPrivate = false, together = [] }: { bytesMax: number } & Partial<Privacy> & Together,
  ): Promise<void> {
    assertKey(key);
    const text = toJsonText(value, { what: "The value", bytesMax: VALUE_BYTES_MAX });
    const params: PutValueParams = { pluginId, key, value: text, bytesMax, isPrivate };
    await this.#writer.run([{ name: "storage.putValue", params }, ...together]);
  }

  async delete(
    pluginId: string,
    key: string,
    { isPrivate = false, together = [] }: Partial<Privacy> & Together = {},
  ): Promise<{ existed: boolean } & Privacy> {
    assertKey(key);
    const params: DeleteValueParams = { pluginId, key, isPrivate };
    const [deleted] = await this.#writer.run([{ name: "storage.deleteValue", params }, ...together]);
    return deleted as { existed: boolean } & Privacy;
  }

  list(
    pluginId: string,
    { prefix, after }: { prefix: string; after?: string },
  ): Promise<{ keys: string[]; isMore: boolean } & Privacy> {
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
      resolve({ keys, isMore: rows.length > KEYS_LISTED_MAX, isPrivate: this.isPrivate(pluginId) });
    });
  }

  usage(pluginId: string): StorageUsage {
    return readUsage(this.#reader, { owner: pluginId, kind: "value" });
  }

  isPrivate(pluginId: string): boolean {
    return isPrivateOwner(this.#reader, pluginOwner(pluginId));
  }

  keptPrivate(pluginId: string): KeptPrivate | undefined {
    return readKeptPrivate(this.#reader, pluginId);
  }

  clear(pluginId: string): Promise<void> {
    return this.#inSlices("storage.clear", pluginId);
  }

  forgetPrivate(pluginId: string, { together = [] }: Together = {}): Promise<void> {
    return this.#inSlices("storage.forgetPrivate", pluginId, together);
  }

  async declassify(pluginId: string, { together = [] }: Together = {}): Promise<void> {
    const params = { pluginId, owner: pluginOwner(pluginId) };
    await this.#writer.run([{ name: "storage.declassify", params }, ...together]);
  }

  /** What goes along, goes along with the first. */
  async #inSlices(name: string, pluginId: string, together: readonly WriteCommand[] = []): Promise<void> {
    const command = { name, params: { pluginId, owner: pluginOwner(pluginId) } };
    for (let isMore = true, more = together; isMore; more = []) {
      const [answer] = (await this.#writer.run([command, ...more])) as [{ isMore: boolean }];
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
