import type { JsonValue } from "@logomesh/contracts";

/** Bytes by their SHA-256. @throws LogoMeshError LM_TOO_LARGE, LM_NOT_FOUND */
export interface BlobStore {
  /** @returns lower-case hexadecimal SHA-256; the handle is `logomesh://blob/<sha256>` */
  put(bytes: Uint8Array, options: { owner: string; media: string }): Promise<{ sha256: string }>;
  /** Only what `owner` stored or was handed. */
  get(sha256: string, options: { owner: string }): Promise<{ bytes: Uint8Array; media: string }>;
  /** Lets another owner read it. */
  share(sha256: string, options: { from: string; to: string }): Promise<void>;
}

/** Values of one plugin by key, within the `store` permission's `max_bytes`. @throws LogoMeshError LM_PLUGIN_STORE_FULL */
export interface PluginStore {
  get(pluginId: string, key: string): Promise<JsonValue | undefined>;
  put(pluginId: string, entry: { key: string; value: JsonValue }, options: { bytesMax: number }): Promise<void>;
  delete(pluginId: string, key: string): Promise<boolean>;
  /** Keys that begin so, in order; at most 1,000, `after` continues. */
  list(pluginId: string, options: { prefix: string; after?: string }): Promise<{ keys: string[]; isMore: boolean }>;
  /** Everything of the plugin, at uninstall. */
  clear(pluginId: string): Promise<void>;
}
