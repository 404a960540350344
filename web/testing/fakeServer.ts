/** Serves the built page and answers its API from fixtures, with one scripted run: for looking at the page, and for its browser tests. */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Duplex } from "node:stream";
import { LogoMeshError, ROUTES, type ErrorCode, type RouteName } from "@logomesh/contracts";
import { createAnswers, type Answers, type Call } from "./fakeAnswers.ts";
import { acceptSocket, type FakeSocket } from "./fakeSocket.ts";
import { FakeWorld } from "./fakeWorld.ts";

export const LOGIN_CODE = "test-code";
export const TOKEN = "test-token";

const MEDIA: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** As the server sends it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface FakeServer extends AsyncDisposable {
  url: string;
  world: FakeWorld;
  /** From now on the route answers with this problem; undefined heals it. */
  fail(route: RouteName, code: ErrorCode | undefined): void;
  /** From now on answers come this late. */
  delayMs: number;
  /** Drops every WebSocket and refuses new ones until called with true. */
  setLive(isLive: boolean): void;
}

export async function startFakeServer(distFolder: string): Promise<FakeServer> {
  const sockets = new Set<FakeSocket>();
  const streams = new Set<Duplex>();
  const world = new FakeWorld((message) => sockets.forEach((socket) => socket.send(message)));
  const answers = createAnswers(world);
  const failures = new Map<RouteName, ErrorCode>();
  let isLive = true;
  const fake: FakeServer = {
    url: "",
    world,
    delayMs: 0,
    fail: (route, code) => (code === undefined ? failures.delete(route) : failures.set(route, code)),
    setLive: (live) => {
      isLive = live;
      if (!live) sockets.forEach((socket) => socket.close());
    },
    [Symbol.asyncDispose]: async () => {
      world.stop();
      streams.forEach((stream) => stream.destroy());
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((request, response) => {
    void handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex) => {
    if (!isLive) return void stream.destroy();
    streams.add(stream);
    acceptSocket(request, stream, {
      onText: (text, socket) => {
        if (!text.includes(TOKEN)) return;
        sockets.add(socket);
        socket.send({ type: "snapshot", position: world.position });
      },
      onClose: (socket) => sockets.delete(socket),
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/")) return sendFile(distFolder, url.pathname, response);
    const found = routeOf(request.method ?? "GET", url);
    if (fake.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, fake.delayMs));
    try {
      if (found === undefined) throw new LogoMeshError("LM_NOT_FOUND", `No route ${url.pathname}`);
      const isOpen = ROUTES[found.name].scope === "none" || request.headers.authorization === `Bearer ${TOKEN}`;
      if (!isOpen) throw new LogoMeshError("LM_API_UNAUTHENTICATED", "The token is unknown.");
      const code = failures.get(found.name);
      if (code !== undefined) throw new LogoMeshError(code, `The test asked ${found.name} to fail.`);
      const answer = answerOf(answers, found.name, { ...found.call, body: await bodyOf(request) });
      sendJson(response, Number(Object.keys(ROUTES[found.name].responses)[0]), answer);
    } catch (error) {
      const known = error instanceof LogoMeshError ? error : new LogoMeshError("LM_INTERNAL", String(error));
      sendJson(response, known.status, known.toProblem());
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

function answerOf(answers: Answers, name: RouteName, call: Call): unknown {
  const answer = answers[name];
  if (answer === undefined) throw new LogoMeshError("LM_NOT_FOUND", `The fake server does not answer ${name}.`);
  return answer(call);
}

function routeOf(method: string, url: URL): { name: RouteName; call: Omit<Call, "body"> } | undefined {
  // Routes without parameters first: /api/audit/verify is not an entry.
  const names = (Object.keys(ROUTES) as RouteName[]).sort(
    (a, b) => (ROUTES[a].path.includes(":") ? 1 : 0) - (ROUTES[b].path.includes(":") ? 1 : 0),
  );
  for (const name of names) {
    const route = ROUTES[name];
    const pattern = new RegExp(`^${route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
    const match = route.method === method ? pattern.exec(url.pathname) : null;
    if (match === null) continue;
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]),
    );
    return { name, call: { params, query: Object.fromEntries(url.searchParams) } };
  }
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** A path without a file is a link into the page. */
async function sendFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  const file = join(folder, normalize(path));
  const isAsset = path.startsWith("/assets/") || path === "/favicon.svg";
  const body = await readFile(isAsset ? file : join(folder, "index.html"));
  response.writeHead(200, {
    "content-type": MEDIA[isAsset ? extname(file) : ".html"] ?? "application/octet-stream",
    "content-security-policy": CONTENT_SECURITY_POLICY,
  });
  response.end(body);
}
