import type { JsonValue } from "@logomesh/contracts";
import type { WriteCommand } from "./writer.ts";

/** Commands of the caller (its entry of the log) that are committed together with the change, or not at all. */
export interface Together {
  together?: readonly WriteCommand[];
}

export interface StorageUsage {
  bytes: number;
  entries: number;
}

/**
 * Bytes by their SHA-256, at most 64 MiB each. Owners are `plugin:<id>`, `run:<id>` …; who stores a blob pays for it, also when others
 * are handed it.
 *
 * @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE, LM_BLOB_QUOTA, LM_NOT_FOUND
 */
export interface BlobStore {
  /**
   * `ownerBytesMax`: what the owner may hold altogether; default and ceiling 512 MiB.
   * @returns lower-case hexadecimal SHA-256; the handle is `logomesh://blob/<sha256>`
   */
  put(
    bytes: Uint8Array,
    options: { owner: string; media: string; ownerBytesMax?: number } & Together,
  ): Promise<{ sha256: string }>;
  /** Only what `owner` stored or was handed. */
  get(sha256: string, options: { owner: string }): Promise<{ bytes: Uint8Array; media: string }>;
  /** Lets another owner read it, for as long as who stored it keeps it. */
  share(sha256: string, options: { from: string; to: string } & Together): Promise<void>;
  /** Takes it from the owner and from those it was handed to; false when the owner had no such blob. */
  delete(sha256: string, options: { owner: string } & Together): Promise<boolean>;
  /** What the owner pays for. */
  usage(owner: string): StorageUsage;
}

/**
 * JSON values of one plugin by key (at most 512 bytes of UTF-8, no control characters), each at most 1 MiB as text. Integers beyond 2^53
 * are strings; NaN and infinities are refused.
 *
 * @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE, LM_PLUGIN_STORE_FULL
 */
export interface PluginStore {
  get(pluginId: string, key: string): Promise<JsonValue | undefined>;
  /** `bytesMax`: of all keys and values of the plugin, the `store` permission's `max_bytes`. */
  put(
    pluginId: string,
    entry: { key: string; value: JsonValue },
    options: { bytesMax: number } & Together,
  ): Promise<void>;
  /** False when there was no such key. */
  delete(pluginId: string, key: string, options?: Together): Promise<boolean>;
  /** Keys that begin so, in the order of their code points; at most 1,000, `after` continues. */
  list(pluginId: string, options: { prefix: string; after?: string }): Promise<{ keys: string[]; isMore: boolean }>;
  usage(pluginId: string): StorageUsage;
  /** Everything of the plugin, its blobs too, at uninstall. */
  clear(pluginId: string): Promise<void>;
}
