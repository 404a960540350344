import { LogoMeshError, type Problem } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ServerLogger } from "../options.ts";
import { challengeUnauthenticated, problemOf } from "../problem.ts";
import { McpClient } from "./client.ts";
import { Exchanges } from "./exchanges.ts";
import { REQUEST_BYTES_MAX } from "./limits.ts";

// `POST /mcp`: the Model Context Protocol over streamable HTTP. Host, origin, token, scope, media type and size were checked as for every
// route; here a request of Fastify becomes one of the web, which is what the protocol's package is served with.

const SESSION_HEADER = "mcp-session-id";
const SESSION = /^[\x21-\x7e]{1,100}$/;
const PARSE_ERROR = -32700;

export interface McpRouteOptions {
  workbench: Workbench;
  logger: ServerLogger;
  createSessionId: () => string;
}

export function addMcp(app: FastifyInstance, options: McpRouteOptions): void {
  const { logger, createSessionId } = options;
  const exchanges = new Exchanges();
  const handler = lazyHandler(options);
  app.addHook("preClose", handler.close);
  app.route({
    method: "POST",
    url: "/mcp",
    bodyLimit: REQUEST_BYTES_MAX,
    config: { scope: "mcp" },
    errorHandler: (error, request, reply) => sendError(error, { request, reply, logger }),
    async handler(request, reply) {
      const message = messageOf(request.body);
      const session = sessionOf(request);
      const identity = requireIdentity(request);
      const { tokenId } = identity;
      if (message.method === "notifications/cancelled" && session !== undefined && message.cancels !== undefined)
        exchanges.cancel({ tokenId, session, id: message.cancels });
      const exchange =
        session === undefined || message.id === undefined
          ? undefined
          : exchanges.open({ tokenId, session, id: message.id });
      reply.raw.once("close", () => exchange?.[Symbol.dispose]());
      const cancelled = exchange?.signal ?? NEVER;
      const client = new McpClient(identity, { requestId: request.id, cancelled });
      const response = await (
        await handler.get()
      ).fetch(toWebRequest(request, reply), {
        authInfo: { token: "", clientId: tokenId, scopes: ["mcp"], extra: { client } },
        ...(request.body === undefined ? {} : { parsedBody: request.body }),
      });
      if (message.method === "initialize" && response.ok) response.headers.set(SESSION_HEADER, createSessionId());
      return reply.send(response);
    },
  });
  // Nothing is kept for a client between its requests: there is no stream to open and no session to end.
  app.route({
    method: ["GET", "DELETE"],
    url: "/mcp",
    config: { scope: "mcp", hasNoBody: true },
    errorHandler: (error, request, reply) => sendError(error, { request, reply, logger }),
    handler: (_request, reply) =>
      reply
        .status(405)
        .header("allow", "POST")
        .send({ jsonrpc: "2.0", id: null, error: { code: 405, message: "Send requests by POST." } }),
  });
}

const NEVER = new AbortController().signal;

/** The protocol's package takes its time to load: a workbench that no client asks does without. */
function lazyHandler({ workbench, logger }: McpRouteOptions): {
  get: () => Promise<Awaited<ReturnType<typeof load>>>;
  close: () => Promise<void>;
} {
  const load = async () => (await import("./mcpHandler.ts")).createHandler({ workbench, logger });
  let loading: ReturnType<typeof load> | undefined;
  return {
    get: () => (loading ??= load()),
    async close() {
      const handler = await loading;
      handler?.[Symbol.dispose]();
      await handler?.close();
    },
  };
}

/** The client's going away aborts it. */
function toWebRequest(request: FastifyRequest, reply: FastifyReply): Request {
  const abort = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // The body was read, and nobody behind this door needs the token.
    if (name === "authorization" || name === "content-length" || name === "transfer-encoding") continue;
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  return new Request(`http://${request.host}/mcp`, { method: request.method, headers, signal: abort.signal });
}

interface Message {
  method: string | undefined;
  id: string | number | undefined;
  /** Id of the request that a notification cancels. */
  cancels: string | number | undefined;
}

/** As far as it matters here; the package checks the message. */
function messageOf(body: unknown): Message {
  const { method, id, params } = membersOf(body);
  return {
    method: typeof method === "string" ? method : undefined,
    id: idOf(id),
    cancels: idOf(membersOf(params).requestId),
  };
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function idOf(value: unknown): string | number | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

function sessionOf(request: FastifyRequest): string | undefined {
  const session = request.headers[SESSION_HEADER];
  return typeof session === "string" && SESSION.test(session) ? session : undefined;
}

function requireIdentity({ identity }: FastifyRequest): NonNullable<FastifyRequest["identity"]> {
  if (identity === undefined) throw new LogoMeshError("LM_API_UNAUTHENTICATED", "The request has no bearer token.");
  return identity;
}

/** Errors before there is an answer of the protocol, in its form: clients look at the status, people at the message. */
function sendError(
  error: unknown,
  { request, reply, logger }: { request: FastifyRequest; reply: FastifyReply; logger: ServerLogger },
): void {
  const problem = problemOf(error, { id: request.id, logger });
  challengeUnauthenticated(reply, problem);
  const isUnreadable = problem.code === "LM_INPUT_INVALID";
  const code = isUnreadable ? PARSE_ERROR : problem.status;
  void reply
    .status(isUnreadable ? 400 : problem.status)
    .type("application/json")
    .send({ jsonrpc: "2.0", id: null, error: { code, message: textOf(problem), data: problem } });
}

function textOf({ title, detail }: Problem): string {
  return detail === undefined ? title : `${title}: ${detail}`;
}
