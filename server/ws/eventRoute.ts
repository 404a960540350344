import { ClientHelloSchema, LogoMeshError, type ServerMessage } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import type { FastifyInstance } from "fastify";
import websocket, { type WebSocket } from "@fastify/websocket";
import { z } from "zod";
import type { ServerLimits, ServerLogger } from "../options.ts";
import { problemOf } from "../problem.ts";
import { requireIdentity } from "../security.ts";
import { EventStream } from "./eventStream.ts";
import { MESSAGE_KINDS, type MessageKind } from "./messages.ts";
import { SocketSink, type SinkConnection } from "./socketSink.ts";

/** Close codes of RFC 6455. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

const EventsQuerySchema = z.object({
  run: z.string().min(1).max(200).optional(),
  after: z.coerce.number().int().min(0).optional(),
  types: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(MESSAGE_KINDS)))
    .default([...MESSAGE_KINDS]),
});

/** Clients send their token and nothing else. */
const CLIENT_MESSAGE_BYTES_MAX = 4096;

export async function registerWebSocket(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: { maxPayload: CLIENT_MESSAGE_BYTES_MAX },
    preClose(done) {
      for (const client of this.websocketServer.clients) client.close(GOING_AWAY, "the workbench stops");
      this.websocketServer.close(done);
    },
  });
}

export interface EventRouteOptions {
  workbench: Workbench;
  logger: ServerLogger;
  limits: ServerLimits;
}

/** The WebSocket `/api/events`. Host and origin were checked before the upgrade; the token comes in the first message. */
export function addEvents(app: FastifyInstance, options: EventRouteOptions): void {
  app.get("/api/events", { websocket: true }, (socket, request) => {
    if (app.websocketServer.clients.size > options.limits.webSocketsMax) {
      socket.close(TRY_AGAIN_LATER, "too many connections");
      return;
    }
    void serveEvents(socket, { id: request.id, query: request.query, connection: request.raw.socket, options });
  });
}

async function serveEvents(
  socket: WebSocket,
  request: { id: string; query: unknown; connection: SinkConnection; options: EventRouteOptions },
): Promise<void> {
  const { id, query, connection, options } = request;
  const { workbench, logger, limits } = options;
  const sink = new SocketSink(socket, connection, limits.webSocketBufferBytesMax);
  const fail = (error: unknown): void => {
    const problem = problemOf(error, { id, logger });
    const message: ServerMessage = { type: "error", problem };
    sink.send(message);
    socket.close(problem.retryable === true ? TRY_AGAIN_LATER : POLICY_VIOLATION, problem.code);
  };
  socket.on("error", (error) => logger.debug({ request: id, error: error.message }, "a WebSocket failed"));
  try {
    const token = await receiveToken(socket, limits.webSocketHelloMs);
    if (token === undefined) return;
    const authenticate = () => requireIdentity(workbench, { token, scope: "run" });
    const { caller } = authenticate();
    const { run, after, types } = parseQuery(query);
    const kinds = new Set<MessageKind>(types);
    // What waits for a person is for those who may decide.
    if (!caller.scopes.includes("admin")) kinds.delete("approval");
    const filter = { runId: run, kinds };
    const stream = new EventStream({ workbench, filter, sink, onError: fail });
    const heart = keepAlive(socket, { everyMs: limits.webSocketHeartbeatMs, authenticate, fail });
    socket.once("close", () => {
      stream[Symbol.dispose]();
      heart[Symbol.dispose]();
    });
    await stream.start(after);
  } catch (error) {
    fail(error);
  }
}

/** Undefined when the client left first. */
async function receiveToken(socket: WebSocket, timeoutMs: number): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const refuse = (detail: string): void => reject(new LogoMeshError("LM_API_UNAUTHENTICATED", detail));
  const timer = setTimeout(() => refuse(`No token came within ${timeoutMs} ms.`), timeoutMs);
  socket.once("close", () => resolve(undefined));
  socket.once("message", (data: Buffer) => {
    const hello = ClientHelloSchema.safeParse(parseJson(data.toString("utf8")));
    if (hello.success) resolve(hello.data.token);
    else refuse('The first message must be {"type":"auth","token":"…"}.');
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function parseQuery(query: unknown): z.output<typeof EventsQuerySchema> {
  const result = EventsQuerySchema.safeParse(query);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => ({ pointer: `/${path.join("/")}`, message }));
  throw new LogoMeshError("LM_INPUT_INVALID", "The query of /api/events is not valid.", { problems });
}

/** Drops a client that did not answer since the last beat, and one whose token is no longer good. */
function keepAlive(
  socket: WebSocket,
  { everyMs, authenticate, fail }: { everyMs: number; authenticate: () => unknown; fail: (error: unknown) => void },
): Disposable {
  let answered = true;
  socket.on("pong", () => (answered = true));
  const beat = setInterval(() => {
    if (!answered) return socket.terminate();
    try {
      authenticate();
    } catch (error) {
      return fail(error);
    }
    answered = false;
    socket.ping();
  }, everyMs);
  return { [Symbol.dispose]: () => clearInterval(beat) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
