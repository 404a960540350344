// The plugin's half of the plugin plane: a Model Context Protocol server of both eras, one JSON-RPC message a line.
// States: new → initialized (which the modern era does without) → closed. Owns the calls in flight and their cancellation. It knows nothing of processes:
// bytes come through `receive`, messages leave through `send`, so that it can be driven without a child process.
import { LEGACY_VERSIONS, describeServer, inEra, readEra, type Era } from "./era.ts";
import { LineReader } from "./lineReader.ts";
import { createHost, type Host } from "./host.ts";
import type { HostConnection } from "./hostConnection.ts";
import { readMessage, RPC, type Request, type RequestId } from "./messages.ts";
import { toJsonValue, type JsonValue } from "./jsonValue.ts";
import { ToolError, type PluginInfo, type Tool, type ToolContext } from "./tool.ts";
import { isObject, validate } from "./validate.ts";

/** Far above what the workbench lets in; beyond it calls are refused. */
const CALLS_MAX = 1024;

/** Faster reports would cost the caller more than they tell. */
const PROGRESS_INTERVAL_MS = 50;

/** `_meta` keys of ours; the prefix is reserved by the reverse-DNS rule of the protocol. */
const META_EFFECT = "org.logomesh/effect";
const META_SETTINGS = "org.logomesh/settings";
const META_IDEMPOTENCY_KEY = "org.logomesh/idempotencyKey";
/** Says to the workbench for which call a request on the host plane is. */
const META_CALL = "org.logomesh/call";

export interface ServerOptions {
  plugin: PluginInfo;
  tools: ReadonlyMap<string, Tool>;
  send: (line: string) => void;
  log: (line: string) => void;
  /** Monotonic milliseconds. */
  now: () => number;
  /** Opened by the first request. */
  host: HostConnection;
}

interface CallInFlight {
  abort: AbortController;
  done: Promise<void>;
}

type JsonObject = Record<string, JsonValue>;

export class PluginServer {
  readonly #options: ServerOptions;
  readonly #lines = new LineReader();
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #calls = new Map<RequestId, CallInFlight>();
  #initialized = false;
  #settings: JsonObject = {};

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  receive(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#receiveLine(line);
  }

  /** Aborts what is in flight and resolves when every handler has settled. */
  async close(): Promise<void> {
    const calls = [...this.#calls.values()];
    for (const call of calls) call.abort.abort(new Error("the workbench stops the plugin"));
    await Promise.all(calls.map((call) => call.done));
  }

  #receiveLine(line: Buffer | undefined): void {
    if (line === undefined) {
      this.#fail(null, RPC.parse, "the message is longer than the limit");
      return;
    }
    let value: JsonValue;
    try {
      const text = this.#decoder.decode(line);
      if (text.trim() === "") return;
      value = JSON.parse(text) as JsonValue;
    } catch (error) {
      this.#fail(null, RPC.parse, `not a line of JSON in UTF-8: ${messageOf(error)}`);
      return;
    }
    const incoming = readMessage(value);
    if (incoming.kind === "request") this.#handleRequest(incoming.request);
    else if (incoming.kind === "notification") this.#handleNotification(incoming.method, incoming.params);
    else if (incoming.kind === "invalid") this.#fail(incoming.id, RPC.invalidRequest, incoming.message);
  }

  #handleNotification(method: string, params: JsonObject): void {
    const { requestId, reason } = params;
    if (method !== "notifications/cancelled") return;
    if (typeof requestId !== "string" && typeof requestId !== "number") return;
    const because = typeof reason === "string" ? reason : "the caller cancelled the call";
    this.#calls.get(requestId)?.abort.abort(new Error(because));
  }

  #handleRequest(request: Request): void {
    const { id, method } = request;
    const era = readEra(request, this.#initialized);
    if (typeof era !== "string") this.#send({ jsonrpc: "2.0", id, error: { ...era } });
    else if (method === "initialize") this.#initialize(request);
    else if (method === "ping" && era === "legacy") this.#reply(id, {});
    else if (method === "server/discover" && era === "modern") this.#discover(request);
    else if (method === "tools/list") this.#reply(id, inEra(era, { tools: this.#listTools() }, { isListing: true }));
    else if (method === "tools/call") this.#callTool(request, era);
    else this.#fail(id, RPC.methodNotFound, `no method ${method}`);
  }

  #initialize({ id, params }: Request): void {
    const wanted = LEGACY_VERSIONS.find((version) => version === params.protocolVersion);
    this.#initialized = true;
    this.#readSettings(params);
    this.#reply(id, {
      protocolVersion: wanted ?? LEGACY_VERSIONS[0],
      capabilities: { tools: {} },
      serverInfo: { name: this.#options.plugin.name, version: this.#options.plugin.version },
    });
  }

  #discover({ id, params }: Request): void {
    this.#readSettings(params);
    const { name, version } = this.#options.plugin;
    this.#reply(id, inEra("modern", describeServer({ name, version })));
  }

  /** The workbench tells them once, with its first request. */
  #readSettings({ _meta }: JsonObject): void {
    const settings = isObject(_meta) ? _meta[META_SETTINGS] : undefined;
    if (isObject(settings)) this.#settings = settings;
  }

  #listTools(): JsonObject[] {
    return [...this.#options.tools.values()].map((tool) => ({
      name: tool.name,
      ...(tool.title === undefined ? {} : { title: tool.title }),
      description: tool.description,
      inputSchema: tool.inputSchema,
      ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }),
      annotations: { readOnlyHint: tool.effect === "pure", idempotentHint: tool.effect !== "once" },
      _meta: { [META_EFFECT]: tool.effect },
    }));
  }

  #callTool({ id, params }: Request, era: Era): void {
    const { name, _meta } = params;
    const args = params.arguments ?? {};
    const tool = typeof name === "string" ? this.#options.tools.get(name) : undefined;
    if (tool === undefined) {
      this.#fail(id, RPC.invalidParams, `no tool named ${JSON.stringify(name)}`);
      return;
    }
    if (!isObject(args)) {
      this.#fail(id, RPC.invalidParams, "arguments must be an object");
      return;
    }
    if (this.#calls.has(id)) {
      this.#fail(id, RPC.invalidRequest, "a call with this id is in flight");
      return;
    }
    if (this.#calls.size >= CALLS_MAX) {
      this.#fail(id, RPC.invalidRequest, `${CALLS_MAX} calls are in flight`);
      return;
    }
    const problems = validate(tool.inputSchema, args);
    if (problems.length > 0) {
      this.#reply(id, inEra(era, errorResult(`Arguments of ${tool.name} are not valid: ${problems.join("; ")}.`)));
      return;
    }
    const abort = new AbortController();
    const meta = isObject(_meta) ? _meta : {};
    const done = this.#run(tool, args, this.#contextOf(meta, abort.signal)).then((result) => {
      this.#calls.delete(id);
      // The protocol wants no answer to a cancelled request.
      if (!abort.signal.aborted) this.#reply(id, inEra(era, result));
    });
    this.#calls.set(id, { abort, done });
  }

  async #run(tool: Tool, args: JsonObject, context: ToolContext): Promise<JsonObject> {
    try {
      return resultOf(tool, await tool.call(args, context));
    } catch (error) {
      if (context.signal.aborted) return {};
      if (!(error instanceof ToolError)) {
        const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#options.log(`tool ${tool.name} failed: ${stack}`);
      }
      return errorResult(messageOf(error));
    }
  }

  #contextOf(meta: JsonObject, signal: AbortSignal): ToolContext {
    const { progressToken } = meta;
    const connection = this.#options.host;
    const key = meta[META_IDEMPOTENCY_KEY];
    const callToken = meta[META_CALL];
    let host: Host | undefined;
    let reportedAt = Number.NEGATIVE_INFINITY;
    return {
      signal,
      idempotencyKey: typeof key === "string" ? key : undefined,
      settings: this.#settings,
      // Made when it is asked for: most calls never do.
      get host() {
        host ??= createHost(connection, { signal, callToken: typeof callToken === "string" ? callToken : undefined });
        return host;
      },
      progress: ({ progress, total, message }) => {
        if (progressToken === undefined || signal.aborted) return;
        const now = this.#options.now();
        if (now - reportedAt < PROGRESS_INTERVAL_MS) return;
        reportedAt = now;
        const params = toJsonValue({ progressToken, progress, total, message }, "progress");
        this.#send({ jsonrpc: "2.0", method: "notifications/progress", params });
      },
      log: (message, fields) => {
        this.#options.log(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
      },
    };
  }

  #reply(id: RequestId, result: JsonObject): void {
    this.#send({ jsonrpc: "2.0", id, result });
  }

  #fail(id: RequestId | null, code: number, message: string): void {
    this.#send({ jsonrpc: "2.0", id, error: { code, message } });
  }

  #send(message: JsonObject): void {
    this.#options.send(`${JSON.stringify(message)}\n`);
  }
}

/** @throws TypeError for a result that is not JSON or does not fit the tool's output schema: a fault of the plugin. */
function resultOf(tool: Tool, value: unknown): JsonObject {
  if (typeof value === "string" && tool.outputSchema === undefined) {
    return { content: [{ type: "text", text: value }], isError: false };
  }
  const json = value === undefined ? null : toJsonValue(value);
  const content = [{ type: "text", text: JSON.stringify(json) }];
  if (tool.outputSchema !== undefined) {
    const problems = validate(tool.outputSchema, json);
    if (problems.length > 0) {
      throw new TypeError(`The result of ${tool.name} does not fit its output schema: ${problems.join("; ")}.`);
    }
  }
  return { content, ...(isObject(json) ? { structuredContent: json } : {}), isError: false };
}

function errorResult(text: string): JsonObject {
  return { content: [{ type: "text", text }], isError: true };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
