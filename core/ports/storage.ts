import type { JsonValue } from "@logomesh/contracts";
import type { WriteCommand } from "./writer.ts";

/**
 * Whether who keeps it has read private data. What is kept so makes everybody who reads it private too, and so does what is *not* there,
 * where the owner kept or took away anything so.
 */
export interface Privacy {
  isPrivate: boolean;
}

/** What an owner kept while it had read private data. */
export interface KeptPrivate {
  /** Milliseconds since 1970 (UTC). */
  sinceMs: number;
  values: number;
  blobs: number;
}

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
    options: { owner: string; media: string; ownerBytesMax?: number } & Partial<Privacy> & Together,
  ): Promise<{ sha256: string }>;
  /** Only what `owner` stored or was handed. */
  get(sha256: string, options: { owner: string }): Promise<{ bytes: Uint8Array; media: string } & Privacy>;
  /** Lets another owner read it, for as long as who stored it keeps it. */
  share(sha256: string, options: { from: string; to: string } & Together): Promise<void>;
  /** Takes it from the owner and from those it was handed to; false when the owner had no such blob. */
  delete(sha256: string, options: { owner: string } & Together): Promise<boolean>;
  /** What the owner pays for. */
  usage(owner: string): StorageUsage;
  /** Of what this owner cannot read: that it is not there may be private. */
  isPrivate(owner: string): boolean;
}

/**
 * JSON values of one plugin by key (at most 512 bytes of UTF-8, no control characters), each at most 1 MiB as text. Integers beyond 2^53
 * are strings; NaN and infinities are refused.
 *
 * @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE, LM_PLUGIN_STORE_FULL
 */
export interface PluginStore {
  /** Without `value` when there is no such key. */
  get(pluginId: string, key: string): Promise<{ value?: JsonValue } & Privacy>;
  /** `bytesMax`: of all keys and values of the plugin, the `store` permission's `max_bytes`. */
  put(
    pluginId: string,
    entry: { key: string; value: JsonValue },
    options: { bytesMax: number } & Partial<Privacy> & Together,
  ): Promise<void>;
  /** `existed` is false when there was no such key. */
  delete(pluginId: string, key: string, options?: Partial<Privacy> & Together): Promise<{ existed: boolean } & Privacy>;
  /** Keys that begin so, in the order of their code points; at most 1,000, `after` continues. */
  list(
    pluginId: string,
    options: { prefix: string; after?: string },
  ): Promise<{ keys: string[]; isMore: boolean } & Privacy>;
  usage(pluginId: string): StorageUsage;
  /** Whether the plugin kept, or took away, anything while it had read private data, blobs included. */
  isPrivate(pluginId: string): boolean;
  /** How much of that there is now; undefined when it never did. */
  keptPrivate(pluginId: string): KeptPrivate | undefined;
  /** Deletes what was kept so; what is left is private no more. */
  forgetPrivate(pluginId: string, options?: Together): Promise<void>;
  /** Says of what was kept so that it is not private, on the word of a person. */
  declassify(pluginId: string, options?: Together): Promise<void>;
  /** Everything of the plugin, its blobs too, at uninstall. */
  clear(pluginId: string): Promise<void>;
}
