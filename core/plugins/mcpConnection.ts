import type { Readable, Writable } from "node:stream";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { isObject } from "../base/index.ts";
import type { Clock } from "../ports/index.ts";
import { HOST_ERROR, RPC } from "./hostPlane/hostErrors.ts";
import { MessageReader } from "./messageReader.ts";
import { LEGACY_REVISIONS, META, MODERN_REVISION, type Era } from "./protocolRevisions.ts";
import { SERVER_REQUESTS_MAX, type ServerAnswer } from "./serverRequests.ts";

// The plugin plane: the host is the client of a Model Context Protocol server ("stdio" transport: one JSON-RPC 2.0 message per line), in both
// eras: `initialize` begins the older one, `discover` the modern one, in which every request says its revision itself. Owns the requests in
// flight. Everything that arrives is hostile until it has been matched to one of them.

/** Dropped messages until the plugin has to go. */
const VIOLATIONS_MAX = 20;
/** Notifications and requests that a plugin may send in a second without being asked. */
const UNASKED_PER_SECOND_MAX = 1_000;
/** Bytes on their way to a plugin that does not read. */
const OUTBOUND_BYTES_MAX = 16 * 1024 * 1024;

/** Cancelled requests whose answer may still come. */
const LATE_MAX = 1_000;
/** Of the log messages that a plugin of the modern era may send; without it, none. */
const LOG_LEVEL = "info";

interface Pending extends RequestOptions {
  resolve: (result: JsonObject) => void;
  reject: (error: unknown) => void;
}

export interface RequestOptions {
  /** Asks to be told how far the plugin is. What it says is passed on as it came, until there is an answer. */
  onProgress?: ((params: JsonObject) => void) | undefined;
  /** Also takes an answer that asks for input first; else it is a fault of the plugin. */
  mayAskInput?: boolean;
}

/** What the host says of itself. */
export interface Introduction {
  client: { name: string; version: string };
  capabilities: JsonObject;
  /** Of the plugin; go along in `_meta` under `org.logomesh/settings`, when there are any. */
  settings?: JsonObject;
}

export interface McpRequest {
  result: Promise<JsonObject>;
  /** Tells the plugin and fails the result with the error; does nothing once there is an answer. */
  cancel: (reason: string, error: unknown) => void;
  isSettled: () => boolean;
}

export interface McpConnectionOptions {
  /** For error texts. */
  pluginId: string;
  input: Readable;
  output: Writable;
  lineBytesMax: number;
  clock: Clock;
  /** What the plugin asks of its client; undefined for a method that the client does not have. */
  onRequest: (method: string, params: JsonObject) => Promise<ServerAnswer | undefined>;
  onNotification: (method: string, params: JsonObject) => void;
  /** The plugin broke a rule so badly that it has to go. */
  onFatal: (error: LogoMeshError) => void;
}

export class McpConnection {
  readonly #options: McpConnectionOptions;
  readonly #reader: MessageReader;
  readonly #pending = new Map<number, Pending>();
  /** Cancelled requests: answers to these may still come, and are nobody's fault. */
  readonly #late = new Set<number>();
  /** What every request says in the modern era: members of its `_meta`, written once. */
  #envelope: string | undefined;
  #nextId = 1;
  #answering = 0;
  #violations = 0;
  #unasked = { sinceMs: 0, count: 0 };
  #closedBy: LogoMeshError | undefined;
  #outbound: string[] = [];
  #outboundChars = 0;
  #heardAtMs: number;

  constructor(options: McpConnectionOptions) {
    this.#options = options;
    this.#heardAtMs = options.clock.monotonicMs();
    this.#reader = new MessageReader({
      lineBytesMax: options.lineBytesMax,
      onMessage: (message) => this.#receive(message),
      onViolation: (what) => this.#violate(what),
      onFatal: (what) => options.onFatal(this.#fault(what)),
    });
    // Still read when closed: a plugin that is being stopped must not hang in its last words.
    options.input.on("data", (chunk: Buffer) => this.#reader.push(chunk));
    // A plugin that is gone makes writing fail; its end is reported by the process.
    options.output.on("error", () => undefined);
  }

  get violations(): number {
    return this.#violations;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** When the plugin last said something, on the monotonic clock. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  get era(): Era {
    return this.#envelope === undefined ? "legacy" : "modern";
  }

  /** The handshake of the older era. @throws LogoMeshError LM_PLUGIN_PROTOCOL */
  async initialize({ client, capabilities, settings }: Introduction): Promise<void> {
    const { result } = this.request("initialize", {
      ...{ protocolVersion: LEGACY_REVISIONS[0], capabilities, clientInfo: client },
      ...metaOf(settings),
    });
    const { protocolVersion } = await result;
    if (!LEGACY_REVISIONS.some((known) => known === protocolVersion))
      throw this.#fault(`speaks protocol ${JSON.stringify(protocolVersion ?? null)}, which is not understood`);
    this.notify("notifications/initialized", {});
  }

  /**
   * From now on each request says revision, client and capabilities itself. Resolves to the capabilities of the plugin.
   * @throws LogoMeshError LM_PLUGIN_PROTOCOL; LM_PLUGIN_TOOL_FAILED for a plugin of the older era
   */
  async discover({ client, capabilities, settings }: Introduction): Promise<JsonObject> {
    const said = { [META.version]: MODERN_REVISION, [META.client]: client, [META.capabilities]: capabilities };
    this.#envelope = membersOf(said);
    const { supportedVersions, capabilities: offered } = await this.request("server/discover", metaOf(settings)).result;
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_REVISION))
      throw this.#fault(`does not speak protocol ${MODERN_REVISION}`);
    if (!isObject(offered)) return {};
    if (offered.logging !== undefined) this.#envelope = membersOf({ ...said, [META.logLevel]: LOG_LEVEL });
    return offered;
  }

  /** Resolves when the plugin said anything to a question that costs it nothing. */
  async ping(method = this.era === "modern" ? "server/discover" : "ping"): Promise<void> {
    try {
      await this.request(method, {}).result;
    } catch (error) {
      // “Method not found” is a sign of life too.
      if (!(error instanceof LogoMeshError && error.code === "LM_PLUGIN_TOOL_FAILED")) throw error;
    }
  }

  /**
   * Sends a request. After `cancel`, `isSettled` says whether the plugin answered all the same, and so is done with it.
   */
  request(method: string, params: JsonObject, options: RequestOptions = {}): McpRequest {
    const id = this.#nextId++;
    const result = new Promise<JsonObject>((resolve, reject) => {
      const text = this.#paramsText(id, params, options);
      const refusal = this.#sendLine(
        `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${text}}`,
      );
      if (refusal !== undefined) reject(refusal);
      else this.#pending.set(id, { resolve, reject, ...options });
    });
    const cancel = (reason: string, error: unknown): void => {
      const pending = this.#pending.get(id);
      if (pending === undefined) return;
      this.#pending.delete(id);
      pending.reject(error);
      const [oldest] = this.#late;
      if (this.#late.size >= LATE_MAX && oldest !== undefined) this.#late.delete(oldest);
      this.#late.add(id);
      this.notify("notifications/cancelled", { requestId: id, reason });
    };
    return { result, cancel, isSettled: () => !this.#pending.has(id) && !this.#late.has(id) };
  }

  /** A notification that cannot be sent is dropped: the plugin is gone, or reads nothing. */
  notify(method: string, params: JsonObject): void {
    this.#send({ jsonrpc: "2.0", method, params });
  }

  /** Fails everything in flight, and everything that is asked from now on. */
  close(error: LogoMeshError): void {
    this.#closedBy ??= error;
    this.#reader.stop();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }

  #paramsText(id: number, params: JsonObject, { onProgress }: RequestOptions): string {
    if (this.#envelope === undefined && onProgress === undefined) return JSON.stringify(params);
    if (onProgress === undefined && Object.keys(params).at(-1) === "_meta") {
      // As every call is: written in one go, and what every request says is put before the last two braces.
      const text = JSON.stringify(params);
      if (!text.endsWith("{}}")) return `${text.slice(0, -2)},${this.#envelope ?? ""}}}`;
    }
    const { _meta = {}, ...rest } = params;
    const meta = onProgress === undefined ? _meta : { ...(_meta as JsonObject), progressToken: id };
    const members = [membersOf(meta as JsonObject), this.#envelope ?? ""].filter(Boolean).join(",");
    return `{${[membersOf(rest), `"_meta":{${members}}`].filter(Boolean).join(",")}}`;
  }

  #send(message: JsonObject): LogoMeshError | undefined {
    return this.#sendLine(JSON.stringify(message));
  }

  /** What is sent in one turn is written in one piece. Answers why it was not taken. */
  #sendLine(line: string): LogoMeshError | undefined {
    if (this.#closedBy !== undefined) return this.#closedBy;
    const { output, pluginId, lineBytesMax } = this.#options;
    // A UTF-16 unit becomes three bytes at most: short texts need not be counted.
    if (line.length * 3 > lineBytesMax && Buffer.byteLength(line) > lineBytesMax)
      return new LogoMeshError(
        "LM_TOO_LARGE",
        `A message for ${pluginId} is longer than its max_message_bytes, ${lineBytesMax}. Pass less, or raise the limit in its manifest.`,
      );
    if (output.writableLength + this.#outboundChars > OUTBOUND_BYTES_MAX)
      return new LogoMeshError(
        "LM_PLUGIN_BUSY",
        `${pluginId} does not read what it is sent; ${OUTBOUND_BYTES_MAX} bytes wait.`,
      );
    if (this.#outbound.length === 0) queueMicrotask(() => this.#flush());
    this.#outbound.push(line, "\n");
    this.#outboundChars += line.length + 1;
    return undefined;
  }

  #flush(): void {
    const text = this.#outbound.join("");
    this.#outbound = [];
    this.#outboundChars = 0;
    this.#options.output.write(text);
  }

  #receive(message: unknown): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      this.#violate("a message that is no object");
      return;
    }
    const { id, method, params, result, error } = message as Record<string, unknown>;
    if (typeof method === "string") this.#receiveUnasked(method, { id, params });
    else if (typeof id !== "number") this.#violate("an answer without one of our ids");
    else this.#receiveAnswer(id, { result, error });
  }

  #receiveAnswer(id: number, { result, error }: { result: unknown; error: unknown }): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      if (!this.#late.delete(id)) this.#violate("an answer that nobody asked for");
      return;
    }
    this.#pending.delete(id);
    if (typeof error === "object" && error !== null) {
      const { code, message } = error as { code?: unknown; message?: unknown };
      const text = typeof message === "string" ? message.slice(0, 2_000) : "no reason given";
      pending.reject(
        new LogoMeshError("LM_PLUGIN_TOOL_FAILED", `${this.#options.pluginId}: ${text} (${String(code)})`),
      );
    } else if (isObject(result)) {
      const { resultType = "complete" } = result;
      const isKnown = resultType === "complete" || (resultType === "input_required" && pending.mayAskInput === true);
      if (isKnown || this.era === "legacy") pending.resolve(result);
      else
        pending.reject(
          this.#fault(`answered with the type ${JSON.stringify(resultType).slice(0, 100)}, which is not understood`),
        );
    } else {
      this.#violate("an answer with neither result nor error");
      pending.reject(this.#fault("answered with neither result nor error"));
    }
  }

  #receiveUnasked(method: string, { id, params }: { id: unknown; params: unknown }): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#unasked.sinceMs >= 1_000) this.#unasked = { sinceMs: nowMs, count: 0 };
    this.#unasked.count += 1;
    if (this.#unasked.count > UNASKED_PER_SECOND_MAX) {
      this.#options.onFatal(
        this.#fault(`sent more than ${UNASKED_PER_SECOND_MAX} messages in a second without being asked`),
      );
      return;
    }
    const given = isObject(params) ? params : {};
    if (id !== undefined && this.era === "modern") this.#violate("a request, which its revision does not allow");
    else if (id === undefined && method === "notifications/progress") this.#progress(given);
    else if (id === undefined) this.#options.onNotification(method, given);
    else if (typeof id === "number" || typeof id === "string") void this.#answer(id, { method, params: given });
  }

  /** Of a call that nobody knows, or that was answered already, it is for nobody. */
  #progress(params: JsonObject): void {
    const { progressToken } = params;
    if (typeof progressToken === "number") this.#pending.get(progressToken)?.onProgress?.(params);
  }

  /** A plugin that asks and does not read its answers goes without them. */
  async #answer(id: number | string, { method, params }: { method: string; params: JsonObject }): Promise<void> {
    if (this.#answering >= SERVER_REQUESTS_MAX) {
      const message = `${SERVER_REQUESTS_MAX} requests are being answered; wait for one.`;
      this.#send({ jsonrpc: "2.0", id, error: { code: HOST_ERROR.rateLimited, message } });
      return;
    }
    this.#answering += 1;
    try {
      const answer = await this.#options.onRequest(method, params);
      const whole = answer ?? { error: { code: RPC.methodNotFound, message: "method not found" } };
      const refusal = this.#send({ jsonrpc: "2.0", id, ...whole } as unknown as JsonObject);
      if (refusal?.code === "LM_TOO_LARGE")
        this.#send({ jsonrpc: "2.0", id, error: { code: HOST_ERROR.tooLarge, message: refusal.message } });
    } finally {
      this.#answering -= 1;
    }
  }

  #violate(what: string): void {
    this.#violations += 1;
    if (this.#violations === VIOLATIONS_MAX)
      this.#options.onFatal(this.#fault(`sent ${VIOLATIONS_MAX} messages that break the protocol, the last: ${what}`));
  }

  #fault(what: string): LogoMeshError {
    return new LogoMeshError("LM_PLUGIN_PROTOCOL", `The plugin ${this.#options.pluginId} ${what}.`);
  }
}

/** The members of an object as JSON, without its braces. */
function membersOf(value: JsonObject): string {
  return JSON.stringify(value).slice(1, -1);
}

function metaOf(settings: JsonObject = {}): JsonObject {
  return Object.keys(settings).length === 0 ? {} : { _meta: { "org.logomesh/settings": settings } };
}
