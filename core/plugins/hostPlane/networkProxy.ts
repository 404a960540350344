import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { sha256Hex, toLogoMeshError } from "../../base/index.ts";
import type { AuditLog, Clock, WebFetch, WebTunnels } from "../../ports/index.ts";
import type { CallInFlight } from "./callRegister.ts";
import { DENIAL_COST, type RequestBudget } from "./requestBudget.ts";
import type { HostRequest } from "./hostTool.ts";
import { requireHost, sentEntry } from "./networkTools.ts";
import { OpenTunnel } from "./openTunnel.ts";
import type { HostSession } from "./pluginApi.ts";

// The host's end of a proxied sandbox (sandbox/networkBridge.ts): what comes is HTTP/2 from a hostile client, one stream for each connection
// of the plugin. CONNECT opens a tunnel, of which host and port are judged: before it opens, with each call that begins, before anything is
// sent when the process became tainted, and once a second. Other requests are unencrypted http and go the way of `net_fetch`.

/** Streams of one plugin at once; the bridge is told, a plugin beside it may not heed it. */
const CONNECTIONS_MAX = 32;
/** What the protocol itself may hold. */
const SESSION_MEMORY_MB = 8;
const HEADER_PAIRS_MAX = 80;
const HEADER_BYTES_MAX = 32 * 1024;
/** Each stream has a window of 64 KiB; one that stands still does not take that of the others. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Of an unencrypted request. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const JUDGE_AGAIN_MS = 1_000;
/** Between a refusal and the end of a stream on which the plugin goes on sending. */
const LINGER_MS = 2_000;
/** They describe the connection to the host, not the answer. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length)$/;

type Operation = Pick<HostRequest, "signal"> & { call: CallInFlight; kind: string; subject: JsonObject };

export interface ProxyOptions {
  /** The host's end of the bridge. */
  stream: Duplex;
  session: HostSession;
  budget: RequestBudget;
  clock: Clock;
  /** In whose name the plugin works at the moment. */
  callInFlight: () => CallInFlight;
  /** A line for the plugin's log. */
  onNote: (text: string) => void;
  /** It asks more than anybody could answer. */
  onFlood: () => void;
}

export interface NetworkProxyOptions extends ProxyOptions {
  web: WebFetch;
  tunnels: WebTunnels;
  audit: AuditLog;
  requestOf: (operation: Operation) => HostRequest;
}

export class NetworkProxy implements Disposable {
  readonly #options: NetworkProxyOptions;
  readonly #h2: ServerHttp2Session;
  readonly #tunnels = new Set<OpenTunnel>();
  readonly #stopped = new AbortController();
  #connections = 0;
  #wasTainted: boolean;
  #timer: Disposable | undefined;

  constructor(options: NetworkProxyOptions) {
    this.#options = options;
    const { stream, session } = options;
    this.#wasTainted = session.taint.isSet;
    stream.on("error", () => undefined);
    this.#h2 = performServerHandshake(stream, {
      ...{ maxSessionMemory: SESSION_MEMORY_MB, maxHeaderListPairs: HEADER_PAIRS_MAX },
      settings: { maxConcurrentStreams: CONNECTIONS_MAX, maxHeaderListSize: HEADER_BYTES_MAX, enablePush: false },
    });
    this.#h2.setLocalWindowSize(WINDOW_BYTES);
    this.#h2.on("error", () => undefined);
    this.#h2.on("stream", (stream, headers) => void this.#serve(stream, headers));
    this.#h2.once("close", () => this[Symbol.dispose]());
  }

  /** Ends every tunnel that may not be open any more. */
  judgeAgain(): void {
    for (const tunnel of this.#tunnels) tunnel.judge();
  }

  /** The process, or another with the same folder, may have read private data since it was asked last. */
  #judgeTaint(): void {
    const { taint } = this.#options.session;
    if (taint.isSet === this.#wasTainted) return;
    this.#wasTainted = taint.isSet;
    this.judgeAgain();
  }

  /** Ends every connection at once. */
  [Symbol.dispose](): void {
    if (this.#stopped.signal.aborted) return;
    const error = new LogoMeshError(
      "LM_PLUGIN_STOPPED",
      `${this.#options.session.pluginId} ends, and with it its connections.`,
    );
    this.#stopped.abort(error);
    this.#timer?.[Symbol.dispose]();
    for (const tunnel of this.#tunnels) tunnel.end(error);
    this.#h2.destroy();
    this.#options.stream.destroy();
  }

  // ---- inside

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const { budget, onFlood, onNote } = this.#options;
    const gone = new AbortController();
    stream.on("error", () => undefined);
    stream.once("close", () => gone.abort(new DOMException("The plugin closed the connection.", "AbortError")));
    const signal = AbortSignal.any([gone.signal, this.#stopped.signal]);
    const verdict = budget.take();
    if (verdict === "flood") return onFlood();
    const isTunnel = headers[":method"] === "CONNECT";
    this.#connections += 1;
    try {
      if (verdict === "wait" || this.#connections > CONNECTIONS_MAX)
        throw new LogoMeshError(
          "LM_NET_BUSY",
          `${CONNECTIONS_MAX} connections at once are the most allowed; send fewer.`,
        );
      await (isTunnel ? this.#tunnel(stream, { headers, signal }) : this.#fetch(stream, { headers, signal }));
    } catch (error) {
      if (signal.aborted) return;
      const known = toLogoMeshError(error);
      if (known.code === "LM_POLICY_DENIED") budget.charge(DENIAL_COST);
      const what = isTunnel ? "CONNECT" : `${headers[":method"] ?? ""} http://`;
      onNote(`network: ${what} ${headers[":authority"] ?? ""} failed: ${known.message}`);
      answerError(stream, known);
      // What the plugin goes on sending is for nobody; a stream that is reset at once would lose its answer.
      stream.resume();
      const linger = this.#options.clock.setTimer(LINGER_MS, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.once("close", () => linger[Symbol.dispose]());
    } finally {
      this.#connections -= 1;
    }
  }

  async #tunnel(stream: ServerHttp2Stream, { headers, signal }: Asked): Promise<void> {
    const { tunnels, audit, clock } = this.#options;
    const authority = headers[":authority"] ?? "";
    const target = { ...tunnels.parse(authority), method: "CONNECT" };
    const subject = { host: `${target.host}:${target.port}`, method: "CONNECT" };
    const request = this.#requestOf({ kind: "host.net_connect", subject, signal });
    requireHost(request, target);
    await audit.append(withStatus(request.entry({}), "sent"));
    const startedMs = clock.monotonicMs();
    const record = (status: string, data: JsonObject): void => audit.enqueue(withStatus(request.entry(data), status));
    try {
      const { stream: outside, address } = await tunnels.open(authority, {
        signal,
        authorize: (hop) => requireHost(request, hop),
      });
      if (stream.destroyed) outside.destroy();
      else stream.respond({ ":status": 200 });
      const tunnel = new OpenTunnel({
        ...{ inside: stream, outside, clock },
        onSend: () => this.#judgeTaint(),
        judge: () =>
          requireHost(this.#requestOf({ kind: "host.net_connect", subject, signal }), { ...target, address }),
      });
      this.#tunnels.add(tunnel);
      this.#watch();
      // What was asked while it opened may have changed what is allowed.
      tunnel.judge();
      const { error, ...counted } = await tunnel.ended;
      this.#tunnels.delete(tunnel);
      record(error === undefined ? "completed" : "faulted", {
        address,
        ...counted,
        ...(error && { code: error.code }),
      });
    } catch (error) {
      const durationMs = Math.round(clock.monotonicMs() - startedMs);
      const { code } = toLogoMeshError(error);
      // A denial has an entry of its own.
      if (code !== "LM_POLICY_DENIED") record(signal.aborted ? "cancelled" : "faulted", { code, durationMs });
      throw error;
    }
  }

  async #fetch(stream: ServerHttp2Stream, { headers, signal }: Asked): Promise<void> {
    const { web, audit, session } = this.#options;
    const method = headers[":method"] ?? "";
    const url = `http://${headers[":authority"] ?? ""}${headers[":path"] ?? ""}`;
    if (headers[":scheme"] !== "http" || !URL.canParse(url))
      throw new LogoMeshError("LM_NET_REFUSED", "Ask for http://host/path, or open a tunnel.");
    const { hostname, port, host } = new URL(url);
    const request = this.#requestOf({ kind: "host.net_fetch", subject: { host, method, via: "proxy" }, signal });
    requireHost(request, { scheme: "http", host: hostname, port: Number(port) || 80, method });
    const body = await collect(stream);
    await audit.append(sentEntry(request, { url, bytes: body }));
    const answer = await web.fetch(
      { url, method, headers: plainHeaders(headers), ...(body === undefined ? {} : { body }) },
      {
        ...{ signal, caller: `plugin:${session.pluginId}`, timeoutMs: TIMEOUT_MS, redirects: "answer" },
        authorize: (hop) => requireHost(request, hop),
      },
    );
    const { status } = answer;
    const data = { httpStatus: status, sha256: sha256Hex(answer.body), bytes: answer.body.length };
    await audit.append(request.entry(data));
    if (stream.destroyed) return;
    stream.respond({ ":status": status, ...answerHeaders(answer.headers) });
    stream.end(answer.body);
  }

  #requestOf(operation: Omit<Operation, "call">): HostRequest {
    return this.#options.requestOf({ ...operation, call: this.#options.callInFlight() });
  }

  /** Grants and rules change while tunnels are open. */
  #watch(): void {
    this.#timer ??= this.#options.clock.setTimer(JUDGE_AGAIN_MS, () => {
      this.#timer = undefined;
      this.judgeAgain();
      if (this.#tunnels.size > 0) this.#watch();
    });
  }
}

interface Asked {
  headers: IncomingHttpHeaders;
  signal: AbortSignal;
}

function withStatus(draft: ReturnType<HostRequest["entry"]>, status: string): ReturnType<HostRequest["entry"]> {
  return { ...draft, trace: { ...draft.trace, status } };
}

/** Leaves the stream open for an answer, also to what is too much of it. */
function collect(stream: ServerHttp2Stream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    stream.once("end", () => resolve(length === 0 ? undefined : Buffer.concat(chunks, length)));
    stream.once("close", () => reject(new LogoMeshError("LM_NET_FAILED", "The request was broken off.")));
    stream.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_BYTES_MAX) return void chunks.push(chunk);
      stream.pause();
      reject(new LogoMeshError("LM_TOO_LARGE", `The body is longer than ${BODY_BYTES_MAX} bytes. Send less at once.`));
    });
  });
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (name.startsWith(":") || HOP_BY_HOP.test(name) || value === undefined) return [];
      return [[name, Array.isArray(value) ? value.join(", ") : value]];
    }),
  );
}

function answerHeaders(headers: Readonly<Record<string, string>>): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (HOP_BY_HOP.test(name)) return [];
      return [[name, name === "set-cookie" ? value.split("\n") : value]];
    }),
  );
}

function answerError(stream: ServerHttp2Stream, error: LogoMeshError): void {
  if (stream.destroyed) return;
  if (stream.headersSent) {
    stream.close(constants.NGHTTP2_CONNECT_ERROR);
    return;
  }
  stream.respond({ ":status": error.status, "content-type": "text/plain; charset=utf-8" });
  stream.end(`${error.code}: ${error.message}\n`);
}
