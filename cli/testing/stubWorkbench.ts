import { LogoMeshError, ROUTES, type RouteName, type ServerMessage, type ToolProgress } from "@logomesh/contracts";
import { createClient, type CallResult } from "@logomesh/contracts/client";
import type { Connection } from "../context.ts";

type Answers = { [N in RouteName]?: (request: StubRequest) => CallResult<N> };

export interface StubRequest {
  path: string;
  query: URLSearchParams;
  body: unknown;
}

/** One connection of a client to the events; the test says what is sent. */
export interface StubSocket {
  url: string;
  send: (message: ServerMessage) => void;
  /** The connection is lost. */
  drop: () => void;
}

export interface StubWorkbench extends Connection {
  /** Method, path and body of each request, in order. */
  readonly requests: string[];
}

/** The real client over a transport in memory: routes answer what the test says, a route that it does not name is not found. */
export function createStubWorkbench(
  answers: Answers,
  options: {
    onConnect?: (socket: StubSocket) => void;
    stream?: (body: unknown) => string[];
    progress?: ToolProgress[];
  } = {},
): StubWorkbench {
  const requests: string[] = [];
  const fetch = (input: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted();
    const url = new URL(input);
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    requests.push(`${init.method ?? "GET"} ${url.pathname}${url.search}${init.body === "{}" ? "" : bodyText(init)}`);
    if (options.stream !== undefined && url.pathname === ROUTES.generate.path) {
      return Promise.resolve(new Response(options.stream(body).join("\n")));
    }
    const [found] = Object.entries(ROUTES)
      .filter(([, { method, path }]) => method === init.method && patternOf(path).test(url.pathname))
      // `/api/audit/verify` before `/api/audit/:seq`.
      .sort(([, a], [, b]) => a.path.split(":").length - b.path.split(":").length);
    const answer = found === undefined ? undefined : answers[found[0] as RouteName];
    try {
      if (answer === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is no ${url.pathname}.`);
      const result = answer({ path: url.pathname, query: url.searchParams, body });
      if (new Headers(init.headers).get("accept") !== "application/x-ndjson")
        return Promise.resolve(Response.json(result));
      const chunks = [...(options.progress ?? []).map((progress) => ({ progress })), { result }];
      return Promise.resolve(new Response(chunks.map((chunk) => JSON.stringify(chunk)).join("\n")));
    } catch (error) {
      if (!(error instanceof LogoMeshError)) throw error;
      return Promise.resolve(Response.json(error.toProblem(), { status: error.status }));
    }
  };
  const client = createClient({
    baseUrl: "http://127.0.0.1:7420",
    token: "token",
    fetch: fetch as typeof globalThis.fetch,
    WebSocket: socketClass(options.onConnect ?? ((socket) => socket.drop())),
    // A lost connection is tried again at once, but never in the same turn.
    wait: () => new Promise((resolve) => setImmediate(resolve)),
  });
  return { client, url: "http://127.0.0.1:7420", requests };
}

function bodyText({ body }: RequestInit): string {
  if (body instanceof Blob) return ` (${body.size} bytes)`;
  return typeof body === "string" ? ` ${body}` : "";
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`);
}

function socketClass(onConnect: (socket: StubSocket) => void) {
  return class {
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onclose: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    readonly #url: string;

    constructor(url: string) {
      this.#url = url;
      queueMicrotask(() => this.onopen?.(undefined as never));
    }

    /** The client's first message opens the stream. */
    send(): void {
      onConnect({
        url: this.#url,
        send: (message) => this.onmessage?.({ data: JSON.stringify(message) }),
        drop: () => this.onclose?.(undefined as never),
      });
    }

    close(): void {
      this.onclose?.(undefined as never);
    }
  };
}
