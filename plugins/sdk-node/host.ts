import type { HostConnection, HostRequestOptions } from "./hostConnection.ts";
import type { JsonValue } from "./jsonValue.ts";
import type { ToolProgress } from "./tool.ts";

export interface HostFile {
  /** As the workbench calls it. */
  path: string;
  text: string;
  /** Lower-case hexadecimal. */
  sha256: string;
}

export interface HostFolderEntry {
  name: string;
  kind: "file" | "folder" | "other";
  size: number;
}

export interface PendingProposal {
  approvalId: string;
  contentHash: string;
  status: "pending";
}

/** Which model `default` or `fast` shall stand for. */
export interface ModelProposal {
  alias: string;
  provider: string;
  model: string;
  options?: Record<string, JsonValue>;
  /** The person reads it. */
  why: string;
}

export interface HostResponse {
  status: number;
  headers: Record<string, string>;
  /** Where redirects led. */
  url: string;
  body: Uint8Array;
}

export interface GenerateOptions {
  model?: string;
  system?: string;
  prompt?: string;
  messages?: { role: "system" | "user" | "assistant" | "tool"; content: string }[];
  /** JSON Schema that the answer must fit; the value is then in `structured`. */
  format?: Record<string, JsonValue>;
  options?: Record<string, JsonValue>;
  maxTokens?: number;
  timeoutMs?: number;
}

export interface GenerateAnswer {
  text: string;
  structured?: JsonValue;
  model: string;
  provider: string;
  /** No real model answered. */
  simulated: boolean;
  finishReason: string;
  inputTokens?: number;
  outputTokens?: number;
}

export interface PluginAnswer {
  content: { type: string; [key: string]: JsonValue }[];
  structuredContent?: JsonValue;
  isError: boolean;
}

export interface NewThought {
  title: string;
  body?: string;
  tags?: string[];
  segments?: { title?: string; content: string; contentType?: "text" | "markdown" | "code" | "mermaid" }[];
}

/** A note of the workspace, with its `segments` when it was asked for by id. */
export interface HostThought {
  id: string;
  title: string;
  body?: string;
  tags: string[];
  [field: string]: JsonValue | undefined;
}

export interface HostEvent {
  /** A CloudEvents 1.0 envelope; `source` is who published it. */
  event: { id: string; source: string; type: string; time: string; subject?: string; data?: JsonValue };
  /** Events lost before this one, because they came faster than they were read. */
  dropped: number;
}

/**
 * What the workbench does for a plugin, within what a person granted. Each method throws `HostError`; `status` 4030 says that it was denied
 * and why. Requests stop when the call that they are for is cancelled.
 */
export interface Host {
  /** @throws HostError LM_FILE_NOT_FOUND, LM_FILE_REFUSED; for what is no text in UTF-8 use `readBytes` */
  readFile(path: string): Promise<HostFile>;
  /** Of any size and content. */
  readBytes(path: string): Promise<Uint8Array>;
  listFiles(path: string): Promise<HostFolderEntry[]>;
  /** The file changes when a person has approved exactly this text; null deletes it. */
  proposeFileChange(change: { path: string; text: string | null; reason?: string }): Promise<PendingProposal>;
  /** Values of this plugin, which nobody else sees. */
  readonly store: {
    /** Undefined when there is no such key. */
    get(key: string): Promise<JsonValue | undefined>;
    put(key: string, value: unknown): Promise<void>;
    /** False when there was no such key. */
    delete(key: string): Promise<boolean>;
    /** In order; `after` continues. */
    list(prefix?: string, options?: { after?: string }): Promise<{ keys: string[]; isMore: boolean }>;
  };
  /** Bytes by handle (`logomesh://blob/…`), which other plugins can be given in a call. */
  readonly blobs: {
    put(bytes: Uint8Array, options?: { media?: string }): Promise<string>;
    get(handle: string): Promise<{ bytes: Uint8Array; media: string }>;
  };
  fetch(
    url: string,
    options?: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array },
  ): Promise<HostResponse>;
  readonly llm: {
    /** `onText` gets the answer bit by bit. */
    generate(options: GenerateOptions & { onText?: (text: string) => void }): Promise<GenerateAnswer>;
  };
  /** The alias stands for this model when a person has approved exactly that. */
  proposeModel(proposal: ModelProposal): Promise<PendingProposal>;
  /** An answer with `isError` is returned, not thrown. `onProgress` hears how far the other is, when it tells. */
  callPlugin(
    plugin: string,
    tool: string,
    args?: Record<string, unknown>,
    options?: { timeoutMs?: number; onProgress?: (progress: ToolProgress) => void },
  ): Promise<PluginAnswer>;
  readonly thoughts: {
    search(query: { text?: string; tag?: string; limit?: number }): Promise<HostThought[]>;
    get(id: string): Promise<HostThought>;
    create(thought: NewThought): Promise<string>;
  };
  publish(event: { type: string; subject?: string; data?: unknown }): Promise<{ id: string }>;
  /** Events of these types (a trailing `.*` stands for all that begin so), until the loop ends or the call is cancelled. */
  listen(types: string | readonly string[]): AsyncIterable<HostEvent>;
}

/** Parts of a blob that travel as one message. */
const PART_BYTES = 384 * 1024;

/** The API over one connection; `options` say for which call it asks. */
export function createHost(connection: HostConnection, options: HostRequestOptions = {}): Host {
  const call = async <T>(tool: string, args: Record<string, unknown>, more: HostRequestOptions = {}): Promise<T> =>
    (await connection.call(tool, args, { ...options, ...more })) as T;

  const getBlob = async (handle: string): Promise<{ bytes: Uint8Array; media: string }> => {
    const parts: Buffer[] = [];
    for (let offset = 0; ; offset += PART_BYTES) {
      const part = await call<{ base64: string; media: string; isMore: boolean }>("blob_get", {
        ...{ handle, offset, length: PART_BYTES },
      });
      parts.push(Buffer.from(part.base64, "base64"));
      if (!part.isMore) return { bytes: new Uint8Array(Buffer.concat(parts)), media: part.media };
    }
  };

  return {
    readFile: (path) => call("fs_read", { path }),
    async readBytes(path) {
      const { base64 } = await call<{ base64: string }>("fs_read", { path, as: "base64" });
      return new Uint8Array(Buffer.from(base64, "base64"));
    },
    listFiles: async (path) => (await call<{ entries: HostFolderEntry[] }>("fs_list", { path })).entries,
    proposeFileChange: ({ path, text, reason }) => call("fs_propose_change", { path, text, reason }),
    store: {
      async get(key) {
        const { found, value } = await call<{ found: boolean; value?: JsonValue }>("store_get", { key });
        return found ? value : undefined;
      },
      async put(key, value) {
        await call("store_put", { key, value: value ?? null });
      },
      delete: async (key) => (await call<{ deleted: boolean }>("store_delete", { key })).deleted,
      list: (prefix = "", { after } = {}) => call("store_list", { prefix, after }),
    },
    blobs: {
      async put(bytes, { media } = {}) {
        const base64 = Buffer.from(bytes).toString("base64");
        return (await call<{ handle: string }>("blob_put", { base64, media })).handle;
      },
      get: getBlob,
    },
    async fetch(url, { method, headers, body } = {}) {
      const sent = typeof body === "object" ? { bodyBase64: Buffer.from(body).toString("base64") } : { body };
      const { base64, ...answer } = await call<Omit<HostResponse, "body"> & { base64: string }>("net_fetch", {
        ...{ url, method, headers, ...sent, as: "base64" },
      });
      return { ...answer, body: new Uint8Array(Buffer.from(base64, "base64")) };
    },
    llm: {
      generate: ({ onText, ...params }) =>
        call(
          "llm_generate",
          { ...params },
          onText === undefined ? {} : { onProgress: ({ message }) => onText(message ?? "") },
        ),
    },
    proposeModel: (proposal) => call("model_propose", { ...proposal }),
    callPlugin: (plugin, tool, args = {}, { timeoutMs, onProgress } = {}) =>
      call("plugin_call", { plugin, tool, arguments: args, timeoutMs }, { onProgress }),
    thoughts: {
      search: async (query) => (await call<{ thoughts: HostThought[] }>("thought_search", { ...query })).thoughts,
      get: async (id) => (await call<{ thought: HostThought }>("thought_get", { id })).thought,
      create: async (thought) => (await call<{ id: string }>("thought_create", { ...thought })).id,
    },
    publish: (event) => call("event_publish", { ...event }),
    listen: (types) =>
      connection.listen(typeof types === "string" ? [types] : types, options) as unknown as AsyncIterable<HostEvent>,
  };
}
