import { expect, test } from "vitest";
import { LogoMeshError, type RunEvent, type ServerMessage } from "../index.ts";
import { createClient, type WatchEventsOptions } from "./index.ts";

class FakeSocket {
  static opened: FakeSocket[] = [];
  static onOpened: (() => void) | undefined;
  readonly sent: unknown[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
    FakeSocket.opened.push(this);
    queueMicrotask(() => FakeSocket.onOpened?.());
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.closed = true;
  }
  receive(message: ServerMessage | string): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

function nextSocket(): Promise<FakeSocket> {
  return new Promise((resolve) => {
    FakeSocket.onOpened = () => resolve(FakeSocket.opened.at(-1)!);
  });
}

/** Starts a watch over sockets that the test plays. */
function watch(options: Partial<WatchEventsOptions> = {}) {
  FakeSocket.opened = [];
  const stop = new AbortController();
  const messages: ServerMessage[] = [];
  const states: string[] = [];
  const delays: number[] = [];
  const client = createClient({
    baseUrl: "https://mesh.local",
    token: "t0p",
    WebSocket: FakeSocket,
    wait: async (delayMs) => void delays.push(delayMs),
  });
  const first = nextSocket();
  const ended = client.watchEvents({
    signal: stop.signal,
    onMessage: (message) => messages.push(message),
    onConnectionChange: (state) => states.push(state),
    ...options,
  });
  return { first, ended, stop, messages, states, delays };
}

function event(id: number): ServerMessage {
  const body: RunEvent = { id, runId: "r", seq: id, type: "t", time: "2026-01-01T00:00:00.000Z", data: {} };
  return { type: "event", event: body };
}

test("the token is the first message, never part of the address", async () => {
  const { first, ended, stop, states } = watch({ run: "r 1", after: 7, types: ["event", "task"] });
  const socket = await first;
  expect(socket.url).toBe("wss://mesh.local/api/events?run=r+1&after=7&types=event%2Ctask");
  expect(socket.sent).toEqual([]);
  socket.onopen?.();
  expect(socket.sent).toEqual([{ type: "auth", token: "t0p" }]);
  stop.abort();
  await ended;
  expect(socket.closed).toBe(true);
  expect(states).toEqual(["connecting", "open"]);
});

test("a lost connection is resumed from the last position that arrived", async () => {
  const { first, ended, stop, messages, states } = watch();
  let socket = await first;
  expect(socket.url).toBe("wss://mesh.local/api/events");
  socket.receive({ type: "snapshot", position: 4 });
  let next = nextSocket();
  socket.onclose?.();
  socket = await next;
  expect(socket.url).toBe("wss://mesh.local/api/events?after=4");
  socket.receive(event(5));
  next = nextSocket();
  socket.onerror?.();
  socket = await next;
  expect(socket.url).toBe("wss://mesh.local/api/events?after=5");
  stop.abort();
  await ended;
  expect(messages).toEqual([{ type: "snapshot", position: 4 }, event(5)]);
  expect(states).toEqual(["connecting", "waiting", "connecting", "waiting", "connecting"]);
});

test("waiting grows with each failure up to ten seconds and starts again after a message", async () => {
  const { first, ended, stop, delays } = watch();
  let socket = await first;
  for (let failure = 0; failure < 8; failure += 1) {
    const next = nextSocket();
    socket.onclose?.();
    socket = await next;
  }
  socket.receive({ type: "snapshot", position: 0 });
  const next = nextSocket();
  socket.onclose?.();
  await next;
  stop.abort();
  await ended;
  const limits = [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 250];
  expect(delays).toHaveLength(limits.length);
  for (const [index, limit] of limits.entries()) {
    expect(delays[index]).toBeGreaterThanOrEqual(limit / 2);
    expect(delays[index]).toBeLessThanOrEqual(limit);
  }
});

test("a refusal for good rejects; one that passes is told and tried again", async () => {
  const { first, ended, messages } = watch();
  const busy = new LogoMeshError("LM_DB_LOCKED", "Locked.").toProblem();
  let socket = await first;
  socket.receive({ type: "error", problem: busy });
  const next = nextSocket();
  socket.onclose?.();
  socket = await next;
  socket.receive({ type: "error", problem: new LogoMeshError("LM_API_UNAUTHENTICATED", "No.").toProblem() });
  await expect(ended).rejects.toMatchObject({ code: "LM_API_UNAUTHENTICATED" });
  expect(messages).toEqual([{ type: "error", problem: busy }]);
  expect(socket.closed).toBe(true);
});

test("messages of an unknown kind are passed over", async () => {
  const { first, ended, stop, messages } = watch();
  const socket = await first;
  socket.receive('{"type":"weather"}');
  socket.receive("no json");
  socket.onmessage?.({ data: new ArrayBuffer(1) });
  socket.receive({ type: "reset" });
  stop.abort();
  await ended;
  expect(messages).toEqual([{ type: "reset" }]);
});

test("an exception of the listener ends the watch", async () => {
  const { first, ended } = watch({
    onMessage: () => {
      throw new Error("full");
    },
  });
  (await first).receive({ type: "reset" });
  await expect(ended).rejects.toThrow("full");
});

test("aborting while it waits ends the watch at once", async () => {
  const stop = new AbortController();
  const client = createClient({ baseUrl: "http://127.0.0.1", WebSocket: FakeSocket });
  const first = nextSocket();
  const ended = client.watchEvents({
    signal: stop.signal,
    onMessage: () => undefined,
    onConnectionChange: (state) => {
      if (state === "waiting") queueMicrotask(() => stop.abort());
    },
  });
  const socket = await first;
  socket.onopen?.();
  expect(socket.sent).toEqual([{ type: "auth", token: "" }]);
  socket.onclose?.();
  await ended;
});
