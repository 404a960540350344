import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { ServerMessage } from "@logomesh/contracts";
import { createClient } from "@logomesh/contracts/client";
import { expect, test } from "vitest";
import { APPROVAL, COMPLETED_EVENT, eventOf, taskOf } from "../testing/fixtures.ts";
import type { FakeWorkbench } from "../testing/fakeWorkbench.ts";
import { listen } from "../testing/listeningServer.ts";
import { openRawWebSocket, RawWebSocket } from "../testing/rawWebSocket.ts";

const HELLO = { type: "auth", token: "run-token" };

async function open(url: string, headers?: Record<string, string>): Promise<RawWebSocket> {
  const socket = await openRawWebSocket(url, headers);
  if (socket instanceof RawWebSocket) return socket;
  throw new Error(`refused with ${socket}`);
}

function subscribed(workbench: FakeWorkbench): Promise<void> {
  return poll(() => workbench.subscribers.size > 0);
}

async function poll(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
}

/** A way to the server that can be cut. */
async function cuttable(port: number): Promise<AsyncDisposable & { url: string; cut: () => void }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) sockets.add(socket.on("error", () => undefined));
    near.pipe(far).pipe(near);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

test("[EV1] nothing is sent before the token came", async () => {
  await using listening = await listen();
  using socket = await open(`${listening.eventsUrl}?after=0`);
  listening.workbench.happen(eventOf(1));
  await (await fetch(`${listening.server.url}/healthz`)).text();
  expect(socket.messages).toEqual([]);
  expect(listening.workbench.subscribers.size).toBe(0);
  socket.send(HELLO);
  await socket.until(({ type }) => type === "event");
  expect(socket.messages.map(({ type }) => type)).toEqual(["snapshot", "event"]);
});

test.each<[string, unknown, string, string]>([
  ["an unknown token", { type: "auth", token: "guess" }, "", "LM_API_UNAUTHENTICATED"],
  ["a token without the scope", { type: "auth", token: "llm-token" }, "", "LM_API_FORBIDDEN"],
  ["something else than a token", { type: "subscribe" }, "", "LM_API_UNAUTHENTICATED"],
  ["an unknown run", HELLO, "?run=run-9", "LM_NOT_FOUND"],
  ["a position that is no number", HELLO, "?after=x", "LM_INPUT_INVALID"],
  ["an unknown kind of message", HELLO, "?types=event,weather", "LM_INPUT_INVALID"],
])("[EV1] %s is one error and the end", async (_what, hello, query, code) => {
  await using listening = await listen();
  using socket = await open(listening.eventsUrl + query);
  socket.send(hello);
  expect(await socket.closed).toBe(1008);
  expect(socket.messages).toEqual([{ type: "error", problem: expect.objectContaining({ code }) }]);
  expect(listening.workbench.subscribers.size).toBe(0);
});

test("[EV1] a client that says nothing is sent away", async () => {
  await using listening = await listen({ limits: { webSocketHelloMs: 20 } });
  using socket = await open(listening.eventsUrl);
  expect(await socket.closed).toBe(1008);
  expect(socket.messages).toMatchObject([{ type: "error", problem: { code: "LM_API_UNAUTHENTICATED" } }]);
});

test("[EV1] a client that leaves before its token costs nothing", async () => {
  await using listening = await listen();
  const socket = await open(listening.eventsUrl);
  socket[Symbol.dispose]();
  await socket.closed;
  expect(listening.workbench.subscribers.size).toBe(0);
  expect(listening.errors).toEqual([]);
});

test.each([
  [{ origin: "https://evil.example" }, 403],
  [{ origin: "null" }, 403],
  [{ host: "evil.example" }, 403],
])("[SV5] an upgrade with %j is refused before it happens", async (headers, status) => {
  await using listening = await listen();
  expect(await openRawWebSocket(listening.eventsUrl, headers)).toBe(status);
});

test("[SV5] an upgrade with the origin of the page is accepted, one elsewhere is 404", async () => {
  await using listening = await listen();
  using socket = await open(listening.eventsUrl, { origin: listening.server.url });
  socket.send(HELLO);
  await socket.until(({ type }) => type === "snapshot");
  expect(await openRawWebSocket(listening.eventsUrl.replace("/api/events", "/api/nothing"))).toBe(404);
});

test("[EV4] the client resumes by itself: nothing missed, nothing twice", async () => {
  await using listening = await listen();
  const { workbench } = listening;
  await using way = await cuttable(listening.server.port);
  workbench.tasks.set("run-1", [taskOf(0)]);
  const stop = new AbortController();
  const got: ServerMessage[] = [];
  const states: string[] = [];
  const lost = Promise.withResolvers<undefined>();
  const watching = createClient({
    baseUrl: way.url,
    token: "run-token",
    wait: async () => {
      workbench.happen(eventOf(3));
      lost.resolve(undefined);
    },
  }).watchEvents({
    run: "run-1",
    signal: stop.signal,
    onConnectionChange: (state) => states.push(state),
    onMessage: (message) => {
      got.push(message);
      if (message.type === "event" && message.event.type === COMPLETED_EVENT) stop.abort();
    },
  });
  await subscribed(workbench);
  await poll(() => got.length > 0);
  workbench.happen(eventOf(1));
  workbench.tell("run-1", { type: "token", runId: "run-1", taskSeq: 0, delta: "Hi" });
  workbench.happen(eventOf(2));
  await poll(() => got.length === 4);
  way.cut();
  await lost.promise;
  await poll(() => got.some((message) => message.type === "event" && message.event.id === 3));
  workbench.happen(eventOf(4, { type: COMPLETED_EVENT }));
  await watching;
  expect(got.map((message) => (message.type === "event" ? message.event.id : message.type))).toEqual([
    "snapshot",
    1,
    "token",
    2,
    "snapshot",
    3,
    4,
  ]);
  expect(states).toEqual(["connecting", "open", "waiting", "connecting", "open"]);
  await poll(() => workbench.subscribers.size === 0);
});

test("[EV5] a client that stops reading is reset and still gets the end of the run", async () => {
  await using listening = await listen({ limits: { webSocketBufferBytesMax: 65_536 } });
  const { workbench } = listening;
  using socket = await open(`${listening.eventsUrl}?run=run-1`);
  socket.send(HELLO);
  await socket.until(({ type }) => type === "snapshot");
  socket.pause();
  const data = { text: "x".repeat(100_000) };
  for (let id = 1; id <= 400; id += 1) {
    workbench.happen(eventOf(id, { data, ...(id === 390 ? { type: COMPLETED_EVENT } : {}) }));
    if (id % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.resume();
  await socket.until((message) => message.type === "event" && message.event.id === 390);
  workbench.happen(eventOf(401));
  await socket.until((message) => message.type === "event" && message.event.id === 401);
  const kinds = socket.messages.map(({ type }) => type);
  const reset = kinds.indexOf("reset");
  expect(reset).toBeGreaterThan(0);
  expect(kinds[reset + 1]).toBe("snapshot");
  const ids = socket.messages.flatMap((message) => (message.type === "event" ? [message.event.id] : []));
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  expect(ids.length).toBeLessThan(401);
  expect(ids.slice(-2)).toEqual([390, 401]);
});

test("[EV10] the inbox is told to an admin only", async () => {
  await using listening = await listen();
  const { workbench, eventsUrl } = listening;
  using admin = await open(`${eventsUrl}?after=0`);
  using runner = await open(`${eventsUrl}?after=0`);
  admin.send({ type: "auth", token: "admin-token" });
  runner.send(HELLO);
  await poll(() => workbench.subscribers.size === 2);
  await Promise.all([admin, runner].map((socket) => socket.until(({ type }) => type === "snapshot")));
  for (const listener of workbench.approvalListeners) listener({ approval: APPROVAL, pending: 1 });
  workbench.happen(eventOf(1));
  await Promise.all([admin, runner].map((socket) => socket.until(({ type }) => type === "event")));
  expect(admin.messages.map(({ type }) => type)).toEqual(["snapshot", "approval", "event"]);
  expect(runner.messages.map(({ type }) => type)).toEqual(["snapshot", "event"]);
});

test("[EV6] a revoked token ends its connections at the next heartbeat", async () => {
  await using listening = await listen({ limits: { webSocketHeartbeatMs: 20 } });
  const { workbench } = listening;
  const watching = createClient({ baseUrl: listening.server.url, token: "run-token" }).watchEvents({
    signal: new AbortController().signal,
    onMessage: () => void workbench.tokens.delete("run-token"),
  });
  await expect(watching).rejects.toMatchObject({ code: "LM_API_UNAUTHENTICATED" });
  await poll(() => workbench.subscribers.size === 0);
});

test("[EV6] a client that does not answer is dropped, one that answers stays", async () => {
  await using listening = await listen({ limits: { webSocketHeartbeatMs: 30 } });
  using mute = await open(listening.eventsUrl);
  mute.send(HELLO);
  const stop = new AbortController();
  const states: string[] = [];
  const watching = listening.client.watchEvents({
    signal: stop.signal,
    onMessage: () => undefined,
    onConnectionChange: (state) => states.push(state),
  });
  expect(await mute.closed).toBeUndefined();
  stop.abort();
  await watching;
  expect(states).toEqual(["connecting", "open"]);
});

test("[EV8] beyond the limit of connections a client is told to try again later", async () => {
  await using listening = await listen({ limits: { webSocketsMax: 1 } });
  using first = await open(listening.eventsUrl);
  using second = await open(listening.eventsUrl);
  expect(await second.closed).toBe(1013);
  first.send(HELLO);
  await first.until(({ type }) => type === "snapshot");
});

test("[EV9] a server that closes tells its clients and keeps no subscription", async () => {
  const listening = await listen();
  const socket = await open(listening.eventsUrl);
  socket.send(HELLO);
  await socket.until(({ type }) => type === "snapshot");
  await listening[Symbol.asyncDispose]();
  expect(await socket.closed).toBe(1001);
  expect(listening.workbench.subscribers.size).toBe(0);
});
