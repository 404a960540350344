import type { Duplex } from "node:stream";
import { LogoMeshError, type JsonObject, type JsonValue, type ToolProgress } from "@logomesh/contracts";
import { isObject, toLogoMeshError } from "../../base/index.ts";
import type { Clock, OnToolProgress, Principal, Random } from "../../ports/index.ts";
import { MessageReader } from "../messageReader.ts";
import { CallRegister } from "./callRegister.ts";
import { isTaintedEvent } from "./eventTools.ts";
import { HOST_ERROR, RPC, toErrorResult, toRpcError, type RpcError } from "./hostErrors.ts";
import { HostOutbox } from "./hostOutbox.ts";
import type { NetworkProxy } from "./networkProxy.ts";
import type { HostApi, HostSession } from "./pluginApi.ts";
import type { ProcessTaint } from "./processTaint.ts";
import { ProgressText } from "./progressText.ts";
import type { Era } from "../protocolRevisions.ts";
import { describeServer, readEra } from "./protocolEra.ts";
import { DENIAL_COST, RequestBudget } from "./requestBudget.ts";

// The host plane: on descriptor 3 the plugin is a client of the Model Context Protocol and this is its server, in both eras (2025-11-25 with
// `initialize`, 2026-07-28 without). Owns the plugin's requests in flight. Who asks is the socket:
// nothing in a message is believed but the token of a call, and that can only narrow the callers.

/** Messages that break the protocol until the plugin has to go. */
const VIOLATIONS_MAX = 20;
/** Requests that are answered at once. */
const IN_FLIGHT_MAX = 32;
/** Requests for events that stay open. */
const LISTENS_MAX = 8;
const ID_CHARS_MAX = 128;

export const META_CALL = "org.logomesh/call";

type RequestId = string | number;

export interface HostPlaneOptions {
  pluginId: string;
  stream: Duplex;
  lineBytesMax: number;
  /** Whether the process has read private data. */
  taint: ProcessTaint;
  /** The host's end of a proxied sandbox's bridge. */
  proxy?: Duplex | undefined;
  /** A line for the plugin's log. */
  onNote?: (text: string) => void;
  api: HostApi;
  clock: Clock;
  random: Random;
  /** A message came, or an event went. */
  onUsed?: () => void;
  /** The plugin broke a rule so badly that it has to go. */
  onFatal: (error: LogoMeshError) => void;
}

interface Request {
  id: RequestId;
  params: JsonObject;
  meta: JsonObject;
  era: Era;
}

export class HostPlane implements Disposable {
  readonly #options: HostPlaneOptions;
  readonly #reader: MessageReader;
  readonly #calls: CallRegister;
  readonly #outbox: HostOutbox;
  readonly #budget: RequestBudget;
  readonly #session: HostSession;
  readonly #proxy: NetworkProxy | undefined;
  readonly #inFlight = new Map<RequestId, AbortController>();
  /** Requests that came on the plugin plane. */
  readonly #asked = new Set<AbortController>();
  readonly #listens = new Map<RequestId, { types: readonly string[]; subscription: Disposable }>();
  #isInitialized = false;
  #isClosed = false;
  #violations = 0;

  constructor(options: HostPlaneOptions) {
    this.#options = options;
    const { stream, pluginId, clock, random, lineBytesMax } = options;
    this.#calls = new CallRegister(random);
    this.#outbox = new HostOutbox(stream, lineBytesMax);
    this.#budget = new RequestBudget(clock);
    this.#session = { pluginId, taint: options.taint };
    this.#proxy = this.#openProxy();
    this.#reader = new MessageReader({
      lineBytesMax,
      onMessage: (message) => this.#receive(message),
      onViolation: (what) => this.#violate(what),
      onFatal: (what) => this.#end(what),
    });
    stream.on("data", (chunk: Buffer) => this.#reader.push(chunk));
    // A plugin may close the plane and live on; what it asked is for nobody then.
    stream.on("error", () => undefined);
    stream.on("end", () => this[Symbol.dispose]());
    stream.on("close", () => this[Symbol.dispose]());
  }

  get violations(): number {
    return this.#violations;
  }

  /** Types of events that it waits for. */
  get listensTo(): readonly string[] {
    return [...this.#listens.values()].flatMap(({ types }) => types);
  }

  /** A call of the plugin begins; disposing ends it. What is asked with its token is asked for these callers. */
  begin(call: {
    callers: readonly Principal[];
    run?: { runId: string; taskReference: string } | undefined;
  }): Disposable & { readonly token: string } {
    const begun = this.#calls.begin(call);
    // What is open already serves these callers too from now on.
    this.#proxy?.judgeAgain();
    return begun;
  }

  /**
   * A request that came on the plugin plane, under the same limits.
   * @throws LogoMeshError LM_PLUGIN_BUSY, LM_TIMEOUT, and what the tool throws
   */
  async ask(name: string, args: JsonObject, meta: JsonObject): Promise<JsonObject> {
    const { api, clock, pluginId } = this.#options;
    const isFull = this.#inFlight.size + this.#asked.size >= IN_FLIGHT_MAX;
    if (isFull || this.#budget.take() !== "ok")
      throw new LogoMeshError("LM_PLUGIN_BUSY", `${pluginId} asks too much at once; it has to wait for answers.`);
    const abort = new AbortController();
    this.#asked.add(abort);
    const timeoutMs = api.timeoutMs(name);
    using _timer = clock.setTimer(timeoutMs, () => abort.abort(tooLate(name, timeoutMs)));
    try {
      const call = this.#calls.of(meta[META_CALL]);
      const asked = { session: this.#session, call, signal: abort.signal, onText: undefined, onProgress: undefined };
      return await untilAborted(api.call(name, args, asked), abort.signal);
    } catch (error) {
      if (toLogoMeshError(error).code === "LM_POLICY_DENIED") this.#budget.charge(DENIAL_COST);
      throw error;
    } finally {
      this.#asked.delete(abort);
    }
  }

  /** No network is left to the plugin, which may end in peace. */
  endNetwork(): void {
    this.#proxy?.[Symbol.dispose]();
  }

  /** The plugin is gone, or has to go: what it asked on either plane is for nobody, and no network is left to it. */
  end(): void {
    this.endNetwork();
    for (const abort of this.#asked) abort.abort(closed());
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reader.stop();
    for (const abort of this.#inFlight.values()) abort.abort(closed());
    for (const { subscription } of this.#listens.values()) subscription[Symbol.dispose]();
    this.#outbox.close();
    this.#options.stream.destroy();
  }

  // ---- inside

  #openProxy(): NetworkProxy | undefined {
    const { proxy: stream, api, clock, onNote = () => undefined } = this.#options;
    if (stream === undefined) return undefined;
    const opened = api.openProxy({
      ...{ stream, session: this.#session, budget: this.#budget, clock, onNote },
      callInFlight: () => this.#calls.of(undefined),
      onFlood: () => {
        this.endNetwork();
        this.#end("asks for more connections than anybody could answer");
      },
    });
    if (opened === undefined) stream.destroy();
    return opened;
  }

  #receive(message: unknown): void {
    if (this.#isClosed) return;
    this.#options.onUsed?.();
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      this.#violate("a message that is no object");
      return;
    }
    const { id, method, params = {} } = message as Record<string, JsonValue>;
    if (typeof method !== "string") {
      this.#violate("a message without a method");
      return;
    }
    const verdict = this.#budget.take();
    if (verdict === "flood") {
      this.#end("asks more than anybody could answer");
      return;
    }
    if (id === undefined) {
      if (method === "notifications/cancelled") this.#cancel(params);
      return;
    }
    if (!isRequestId(id)) this.#violate("a request without a usable id");
    else if (this.#inFlight.has(id) || this.#listens.has(id)) this.#violate("a request whose id is in use");
    else if (!isObject(params)) this.#fail(id, { code: RPC.invalidParams, message: "params must be an object" });
    else if (verdict === "wait") this.#fail(id, tooMany("Too many requests; send fewer."));
    else this.#dispatch(method, id, params);
  }

  #dispatch(method: string, id: RequestId, params: JsonObject): void {
    if (method === "initialize") {
      this.#isInitialized = true;
      this.#outbox.send({ jsonrpc: "2.0", id, result: describeServer.initialize(params) });
      return;
    }
    if (method === "ping") {
      this.#outbox.send({ jsonrpc: "2.0", id, result: {} });
      return;
    }
    const meta = isObject(params._meta) ? params._meta : {};
    const era = readEra(meta, { method, isInitialized: this.#isInitialized });
    if (typeof era !== "string") {
      this.#fail(id, era);
      return;
    }
    const request: Request = { id, params, meta, era };
    if (method === "server/discover") this.#reply(request, describeServer.discover());
    else if (method === "tools/list")
      this.#reply(request, { tools: this.#options.api.list(), ...(era === "modern" ? describeServer.listing() : {}) });
    else if (method === "tools/call") void this.#callTool(request);
    else if (method === "events/listen") void this.#listen(request);
    else this.#fail(id, { code: RPC.methodNotFound, message: `no method ${method.slice(0, 100)}` });
  }

  async #callTool(request: Request): Promise<void> {
    const { id, params, meta } = request;
    const { api, clock } = this.#options;
    const { name, arguments: args = {} } = params;
    if (typeof name !== "string" || !api.has(name)) {
      this.#fail(id, { code: RPC.invalidParams, message: "no such tool; see tools/list" });
      return;
    }
    if (!isObject(args)) {
      this.#fail(id, { code: RPC.invalidParams, message: "arguments must be an object" });
      return;
    }
    if (this.#inFlight.size >= IN_FLIGHT_MAX) {
      this.#fail(id, tooMany(`${IN_FLIGHT_MAX} requests are in flight; wait for an answer.`));
      return;
    }
    const abort = new AbortController();
    this.#inFlight.set(id, abort);
    const timeoutMs = api.timeoutMs(name);
    using _timer = clock.setTimer(timeoutMs, () => abort.abort(tooLate(name, timeoutMs)));
    using progress = this.#progressOf(meta);
    try {
      const result = await untilAborted(
        api.call(name, args, {
          ...{ session: this.#session, call: this.#calls.of(meta[META_CALL]), signal: abort.signal },
          onText: progress === undefined ? undefined : (text) => progress.text.add(text),
          onProgress: progress?.pass,
        }),
        abort.signal,
      );
      progress?.text.flush();
      this.#reply(request, resultOf(result));
    } catch (error) {
      this.#answerFailure(request, error);
    } finally {
      this.#inFlight.delete(id);
    }
  }

  async #listen(request: Request): Promise<void> {
    const { id, params, meta } = request;
    const { api } = this.#options;
    if (!api.hasEvents) {
      this.#fail(id, { code: RPC.methodNotFound, message: "no method events/listen" });
      return;
    }
    if (this.#listens.size >= LISTENS_MAX) {
      this.#fail(id, tooMany(`${LISTENS_MAX} requests for events are open; cancel one.`));
      return;
    }
    try {
      using subscription = await api.listen(params, { session: this.#session, call: this.#calls.of(meta[META_CALL]) });
      if (this.#isClosed) return;
      this.#listens.set(id, { types: params.types as string[], subscription });
      this.#outbox.send({
        jsonrpc: "2.0",
        method: "notifications/events/acknowledged",
        params: { subscriptionId: id },
      });
      for (let next = await subscription.next(); next !== undefined; next = await subscription.next()) {
        if (isTaintedEvent(next.event)) await this.#session.taint.add();
        const params = { subscriptionId: id, ...next } as unknown as JsonObject;
        this.#outbox.send({ jsonrpc: "2.0", method: "notifications/events/event", params });
        this.#options.onUsed?.();
        // Events wait in the bus, where their number is bounded.
        await this.#outbox.writable();
      }
    } catch (error) {
      this.#answerFailure(request, error);
    } finally {
      this.#listens.delete(id);
    }
  }

  #cancel(params: JsonValue): void {
    const requestId = isObject(params) ? params.requestId : undefined;
    if (requestId === undefined || !isRequestId(requestId)) return;
    this.#inFlight.get(requestId)?.abort(cancelled());
    this.#listens.get(requestId)?.subscription[Symbol.dispose]();
  }

  #progressOf({ progressToken }: JsonObject): (Disposable & { text: ProgressText; pass: OnToolProgress }) | undefined {
    if (progressToken === undefined || !isRequestId(progressToken)) return undefined;
    const tell = (progress: ToolProgress): void => {
      const params = { progressToken, ...progress } as JsonObject;
      this.#outbox.send({ jsonrpc: "2.0", method: "notifications/progress", params });
    };
    const text = new ProgressText(this.#options.clock, (message, chars) => tell({ progress: chars, message }));
    return {
      text,
      // Who reads nothing misses these; text of a model is bounded by its length, these are not.
      pass: (progress) => (this.#outbox.hasRoom ? tell(progress) : undefined),
      [Symbol.dispose]: () => text[Symbol.dispose](),
    };
  }

  #reply({ id, era }: Request, result: JsonObject): void {
    const whole = era === "modern" ? { resultType: "complete", ...result } : result;
    if (this.#outbox.send({ jsonrpc: "2.0", id, result: whole })) return;
    const limit = this.#options.lineBytesMax;
    const message = `The answer is longer than the plugin's max_message_bytes, ${limit}. Ask for less, or for a blob.`;
    this.#fail(id, { code: HOST_ERROR.tooLarge, message, data: { code: "LM_TOO_LARGE", retryable: false } });
  }

  #answerFailure(request: Request, error: unknown): void {
    // The protocol wants no answer to a cancelled request.
    if (error instanceof DOMException && error.name === "AbortError") return;
    const known = toLogoMeshError(error);
    if (known.code === "LM_POLICY_DENIED") this.#budget.charge(DENIAL_COST);
    const rpc = toRpcError(known);
    if (rpc !== undefined) this.#fail(request.id, rpc);
    else this.#reply(request, toErrorResult(known));
  }

  #fail(id: RequestId, error: RpcError): void {
    this.#outbox.send({ jsonrpc: "2.0", id, error: { ...error } });
  }

  #violate(what: string): void {
    this.#violations += 1;
    if (this.#violations === VIOLATIONS_MAX)
      this.#end(`sent ${VIOLATIONS_MAX} messages that break the protocol on the host plane, the last: ${what}`);
  }

  #end(what: string): void {
    this[Symbol.dispose]();
    this.#options.onFatal(new LogoMeshError("LM_PLUGIN_PROTOCOL", `The plugin ${this.#options.pluginId} ${what}.`));
  }
}

/** Text content for whoever reads no structured content; short, because it says the same twice. */
const TEXT_CHARS_MAX = 2_000;

function resultOf(structuredContent: JsonObject): JsonObject {
  const json = JSON.stringify(structuredContent);
  const text = json.length <= TEXT_CHARS_MAX ? json : "The result is in structuredContent.";
  return { content: [{ type: "text", text }], structuredContent, isError: false };
}

/** What does not heed its signal is left behind. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function isRequestId(id: JsonValue): id is RequestId {
  return typeof id === "string" ? id.length <= ID_CHARS_MAX : Number.isSafeInteger(id);
}

function tooMany(message: string): RpcError {
  return { code: HOST_ERROR.rateLimited, message, data: { retryable: true } };
}

function tooLate(name: string, timeoutMs: number): LogoMeshError {
  return new LogoMeshError("LM_TIMEOUT", `${name} did not finish within ${timeoutMs} ms.`);
}

function cancelled(): DOMException {
  return new DOMException("The plugin cancelled its request.", "AbortError");
}

function closed(): DOMException {
  return new DOMException("The host plane was closed.", "AbortError");
}
