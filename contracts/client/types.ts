import type { z } from "zod";
import type { Route } from "../api/route.ts";
import type { ROUTES, RouteName } from "../api/routes.ts";
import type { ServerMessage } from "../api/events.ts";
import type { GenerateChunk, GenerateParams } from "../llm/llm.ts";
import type { CallToolChunk } from "../plugins/plugin.ts";

export interface CreateClientOptions {
  /** Where the workbench answers, without a trailing path: `http://127.0.0.1:7420`. */
  baseUrl: string;
  /** Sent as bearer. A function is asked before each request, so that a login or logout takes effect at once. */
  token?: string | (() => string | undefined);
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch;
  /** Default: the global one, of browsers and of Node.js ≥ 22. */
  WebSocket?: WebSocketConstructor;
  /** Waits between attempts to reconnect; tests pass their own. Rejects or resolves early when the signal aborts. */
  wait?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** What `watchEvents` needs of a WebSocket. */
export interface WebSocketLike {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}
export type WebSocketConstructor = new (url: string) => WebSocketLike;

type ParamsOf<R extends Route> = R extends { params: infer S extends z.ZodType } ? { params: z.output<S> } : unknown;
type QueryOf<R extends Route> = R extends { query: infer S extends z.ZodType }
  ? { query?: Partial<z.output<S>> }
  : unknown;
type BodyOf<R extends Route> = R extends { body: infer S extends z.ZodType } ? { body: z.input<S> } : unknown;

/** What a call of a route takes: `params`, `query` and `body` as its schemas say, and a signal that cancels it. */
export type CallOptions<N extends RouteName> = ParamsOf<(typeof ROUTES)[N]> &
  QueryOf<(typeof ROUTES)[N]> &
  BodyOf<(typeof ROUTES)[N]> & { signal?: AbortSignal | undefined };

/** What a route answers. */
export type CallResult<N extends RouteName> = {
  [S in keyof (typeof ROUTES)[N]["responses"]]: (typeof ROUTES)[N]["responses"][S] extends infer R extends z.ZodType
    ? z.output<R>
    : never;
}[keyof (typeof ROUTES)[N]["responses"]];

type CallArguments<N extends RouteName> =
  { signal?: AbortSignal } extends CallOptions<N> ? [options?: CallOptions<N>] : [options: CallOptions<N>];

/** One method for each route of the API. */
export type RouteMethods = { [N in RouteName]: (...args: CallArguments<N>) => Promise<CallResult<N>> };

export interface StreamGenerateOptions {
  body: GenerateParams;
  signal?: AbortSignal | undefined;
}

export type ConnectionState = "connecting" | "open" | "waiting";

export interface WatchEventsOptions {
  /** Only this run; its state comes first, in the snapshot. Default: all runs. */
  run?: string;
  /** Resume behind this position. Default: what happens from now on. */
  after?: number;
  /** Kinds of messages besides snapshot, reset and error. Default: all. */
  types?: readonly ("event" | "task" | "token" | "progress" | "plugin" | "approval")[];
  /** Called in order; an exception ends the watch and rejects its promise. */
  onMessage: (message: ServerMessage) => void;
  /** `waiting`: the connection was lost and is tried again after a back-off. */
  onConnectionChange?: (state: ConnectionState) => void;
  /** Ends the watch. */
  signal: AbortSignal;
}

export interface SendPluginOptions {
  /** A `.tgz` or an `.mcpb`: a file of a browser, or `openAsBlob` of Node.js. It is read as it is sent. */
  bundle: Blob;
  /** What errors and the log call it. */
  name: string;
  signal?: AbortSignal | undefined;
}

export interface Client extends RouteMethods {
  /** Installs or upgrades a plugin from an archive that is sent along. @throws LogoMeshError as `installPlugin` */
  sendPlugin(options: SendPluginOptions): Promise<CallResult<"installPlugin">>;
  /**
   * Asks a model and yields its text as it arrives; the last chunk carries the whole result.
   * Leaving the loop or aborting the signal cancels the call of the model.
   *
   * @throws LogoMeshError as `generate`, also in the middle of the stream
   */
  streamGenerate(options: StreamGenerateOptions): AsyncGenerator<GenerateChunk, void, undefined>;
  /**
   * Calls a tool and yields how far it is, when it tells; the last chunk carries the whole result.
   * Leaving the loop or aborting the signal cancels the call.
   *
   * @throws LogoMeshError as `callTool`, also in the middle of the stream
   */
  streamCallTool(options: CallOptions<"callTool">): AsyncGenerator<CallToolChunk, void, undefined>;
  /**
   * Delivers what happens, reconnecting by itself from the last position that arrived. A snapshot follows each reconnection.
   * Resolves when the signal aborts; rejects when the server refuses for good (token, unknown run).
   *
   * @throws LogoMeshError LM_API_UNAUTHENTICATED, LM_API_FORBIDDEN, LM_NOT_FOUND …
   */
  watchEvents(options: WatchEventsOptions): Promise<void>;
}
