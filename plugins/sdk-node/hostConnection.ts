// The plugin's half of the host plane: a client of the Model Context Protocol (revision 2026-07-28, without handshake) on the descriptor that
// LOGOMESH_HOST_FD names. Opened by the first request, so that a plugin that asks for nothing starts as fast as without it. It knows nothing
// of sockets: bytes come through `receive` and leave through `send`, so that it can be driven without a process.
import { toJsonValue, type JsonValue } from "./jsonValue.ts";
import { LineReader } from "./lineReader.ts";
import type { ToolProgress } from "./tool.ts";
import { isObject } from "./validate.ts";

/** Below what the workbench answers at once; more wait here. */
const IN_FLIGHT_MAX = 24;

const META_CALL = "org.logomesh/call";
const META_BASE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "logomesh-plugin-sdk", version: "0.1.0" },
};

type JsonObject = Record<string, JsonValue>;

/** A request that the workbench refused or could not carry out. */
export class HostError extends Error {
  override readonly name = "HostError";
  /** `LM_POLICY_DENIED`, `LM_FILE_NOT_FOUND` … as in the workbench's list of errors. */
  readonly code: string;
  /** 4030 denied, 4031 needs a grant, 4130 too large, 4290 too many, 5040 too late; undefined for a failure of the operation itself. */
  readonly status: number | undefined;
  /** The same request may work later. */
  readonly isRetryable: boolean;
  readonly data: JsonObject;

  constructor(message: string, { code, status, data = {} }: { code: string; status?: number; data?: JsonObject }) {
    super(message);
    this.code = code;
    this.status = status;
    this.isRetryable = data.retryable === true;
    this.data = data;
  }
}

export interface HostRequestOptions {
  /** Of the call that the request is for. */
  callToken?: string | undefined;
  signal?: AbortSignal | undefined;
  /** How far it is, or text that comes bit by bit as its message. */
  onProgress?: ((progress: ToolProgress) => void) | undefined;
}

export interface HostTransport {
  send(line: string): void;
}

interface Pending {
  resolve(result: JsonObject): void;
  reject(error: Error): void;
  onProgress: HostRequestOptions["onProgress"];
}

/** Events of one open request, in order. */
interface Listener {
  push: (event: JsonObject) => void;
  fail: (error: Error) => void;
}

export class HostConnection {
  readonly #open: (receive: (chunk: Buffer) => void, close: () => void) => HostTransport;
  readonly #lines = new LineReader();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<number, Listener>();
  readonly #waiting: (() => void)[] = [];
  #transport: HostTransport | undefined;
  #inFlight = 0;
  #nextId = 1;

  constructor(open: (receive: (chunk: Buffer) => void, close: () => void) => HostTransport) {
    this.#open = open;
  }

  /** The `structuredContent` of a tool of the workbench. @throws HostError, the signal's reason, TypeError for what is not JSON */
  async call(tool: string, args: Record<string, unknown>, options: HostRequestOptions = {}): Promise<JsonObject> {
    const json = toJsonValue(args, tool);
    options.signal?.throwIfAborted();
    await this.#enter();
    try {
      options.signal?.throwIfAborted();
      const result = await this.#request("tools/call", { name: tool, arguments: json }, options);
      const content = isObject(result.structuredContent) ? result.structuredContent : {};
      if (result.isError !== true) return content;
      const { message, code } = content;
      throw new HostError(typeof message === "string" ? message : `${tool} failed`, {
        code: typeof code === "string" ? code : "LM_INTERNAL",
        data: content,
      });
    } finally {
      this.#leave();
    }
  }

  /** Events until the signal aborts or the loop that reads them ends. */
  async *listen(types: readonly string[], options: HostRequestOptions = {}): AsyncGenerator<JsonObject, void, void> {
    const queue: JsonObject[] = [];
    let failure: Error | undefined;
    let wake: () => void = () => undefined;
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const listener: Listener = {
      push: (event) => {
        queue.push(event);
        wake();
      },
      fail: (error) => {
        failure = error;
        wake();
      },
    };
    this.#request("events/listen", { types: [...types] }, { ...options, signal }, listener).catch(listener.fail);
    try {
      for (;;) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else if (options.signal?.aborted === true) return;
        else if (failure !== undefined) throw failure;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop.abort();
    }
  }

  #request(
    method: string,
    params: JsonObject,
    { callToken, signal, onProgress }: HostRequestOptions,
    listener?: Listener,
  ): Promise<JsonObject> {
    const id = this.#nextId++;
    const meta = {
      ...META_BASE,
      ...(callToken === undefined ? {} : { [META_CALL]: callToken }),
      ...(onProgress === undefined ? {} : { progressToken: id }),
    };
    return new Promise<JsonObject>((resolve, reject) => {
      const onAbort = (): void => {
        this.#send({ method: "notifications/cancelled", params: { requestId: id } });
        settle(() => reject(signal?.reason as Error));
      };
      const settle = (then: () => void): void => {
        this.#pending.delete(id);
        this.#listeners.delete(id);
        signal?.removeEventListener("abort", onAbort);
        then();
      };
      this.#pending.set(id, {
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
        onProgress,
      });
      if (listener !== undefined) this.#listeners.set(id, listener);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        this.#send({ id, method, params: { ...params, _meta: meta } });
      } catch (error) {
        settle(() => reject(error));
      }
    });
  }

  #send(message: JsonObject): void {
    this.#transport ??= this.#open(
      (chunk) => this.#receive(chunk),
      () => this.#close(),
    );
    this.#transport.send(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  #receive(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) {
      // The workbench never writes a line that is too long or no JSON; were it so, the request would meet its time limit.
      if (line === undefined) continue;
      const message = JSON.parse(line.toString("utf8")) as JsonValue;
      if (isObject(message)) this.#receiveMessage(message);
    }
  }

  #receiveMessage({ id, method, params, result, error }: JsonObject): void {
    if (method === "notifications/progress" && isObject(params)) {
      const { progressToken, progress, total, message } = params;
      if (typeof progressToken === "number" && typeof progress === "number")
        this.#pending.get(progressToken)?.onProgress?.({
          progress,
          ...(typeof total === "number" ? { total } : {}),
          ...(typeof message === "string" ? { message } : {}),
        });
    } else if (method === "notifications/events/event" && isObject(params)) {
      const { subscriptionId, ...event } = params;
      if (typeof subscriptionId === "number") this.#listeners.get(subscriptionId)?.push(event);
    } else if (typeof id === "number") {
      const pending = this.#pending.get(id);
      if (isObject(result)) pending?.resolve(result);
      else pending?.reject(toHostError(error));
    }
  }

  #close(): void {
    const error = new HostError("The workbench closed the host plane.", { code: "HOST_CLOSED" });
    for (const pending of [...this.#pending.values()]) pending.reject(error);
    this.#transport = undefined;
  }

  async #enter(): Promise<void> {
    if (this.#inFlight >= IN_FLIGHT_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight += 1;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next();
  }
}

function toHostError(error: JsonValue | undefined): HostError {
  const { code, message, data } = isObject(error) ? error : {};
  const details = isObject(data) ? data : {};
  return new HostError(typeof message === "string" ? message : "The workbench refused the request.", {
    code: typeof details.code === "string" ? details.code : String(typeof code === "number" ? code : "LM_INTERNAL"),
    ...(typeof code === "number" ? { status: code } : {}),
    data: details,
  });
}

const connections = new WeakMap<NodeJS.Process, HostConnection>();

/** Over the descriptor that the workbench announced: one for each process, whoever asks. */
export function connectHost(process: NodeJS.Process): HostConnection {
  const known = connections.get(process) ?? openAnnounced(process);
  connections.set(process, known);
  return known;
}

function openAnnounced(process: NodeJS.Process): HostConnection {
  return new HostConnection((receive, close) => {
    const fd = Number(process.env.LOGOMESH_HOST_FD);
    if (!Number.isInteger(fd) || fd < 3)
      throw new HostError("There is no workbench to ask: LOGOMESH_HOST_FD is not set.", { code: "HOST_CLOSED" });
    // Loaded here, because a plugin that asks for nothing does without.
    const { Socket } = process.getBuiltinModule("node:net");
    const socket = new Socket({ fd, readable: true, writable: true });
    socket.on("data", receive);
    socket.on("error", () => undefined);
    socket.on("close", close);
    // What keeps a plugin alive is its standard input.
    socket.unref();
    return { send: (line) => void socket.write(line) };
  });
}
