import { PassThrough } from "node:stream";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, test, vi } from "vitest";
import { linesOf } from "./lines.ts";
import { bridgeStdio, type StdioBridgeOptions } from "./stdioBridge.ts";
import { headersOf, messagesOf } from "./wire.ts";

type Send = StdioBridgeOptions["send"];

interface Answer {
  id?: unknown;
  result?: unknown;
  method?: string;
  error?: { code: number; message: string };
}

function setUp(send: Send) {
  const input = new PassThrough();
  const written: Answer[] = [];
  const stop = new AbortController();
  const done = bridgeStdio({
    ...{ input, send, signal: stop.signal },
    write: (line) => void written.push(JSON.parse(line) as Answer),
  });
  const say = (message: unknown): void => void input.write(`${JSON.stringify(message)}\n`);
  return { input, written, stop, done, say };
}

const request = (id: number | string, method = "tools/list", params: JsonObject = {}) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});
const result = (id: unknown) => ({ jsonrpc: "2.0", id, result: {} });
const json = (value: unknown, status = 200) => Response.json(value, { status });

function events(...messages: unknown[]): Response {
  const text = messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`).join("");
  return new Response(`: keepalive\n\n${text}`, { headers: { "content-type": "text/event-stream" } });
}

/** Answers when the request is closed, and not before. */
const untilClosed: Send = (_body, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

test("[CM1] messages go out and come back as lines, of one body or of events", async () => {
  const bodies: unknown[] = [];
  const { input, written, done, say } = setUp(async (body) => {
    const message = JSON.parse(body) as { id?: number };
    bodies.push(message);
    if (message.id === undefined) return new Response(null, { status: 202 });
    const progress = { jsonrpc: "2.0", method: "notifications/progress", params: {} };
    return message.id === 1 ? json(result(1)) : events(progress, result(message.id));
  });
  say(request(1));
  say({ jsonrpc: "2.0", method: "notifications/initialized" });
  say(request(2));
  input.end("\r\n  \n");
  await done;
  expect(bodies).toHaveLength(3);
  expect(written).toHaveLength(3);
  expect(written).toEqual(
    expect.arrayContaining([result(1), result(2), expect.objectContaining({ method: "notifications/progress" })]),
  );
});

test("[CM1] refusals of the door and answers that are none become errors of the request", async () => {
  const answers: Response[] = [
    json({ jsonrpc: "2.0", id: null, error: { code: 401, message: "unknown token" } }, 401),
    new Response("null", { status: 502 }),
    json({ hello: 1 }, 500),
    new Response("<html>", { status: 500 }),
  ];
  const { input, written, done, say } = setUp(async (body) => {
    const { id } = JSON.parse(body) as { id: number };
    if (id === 9) throw new LogoMeshError("LM_API_NO_SERVER", "Nothing serves the workspace.");
    return answers[id]!;
  });
  for (const id of [0, 1, 2, 3, 9]) say(request(id));
  input.end();
  await done;
  expect(written.map(({ id, error }) => [id, error?.code]).sort()).toEqual([
    [0, 401],
    [1, 503],
    [2, 500],
    [3, 503],
    [9, 503],
  ]);
  expect(written.find(({ id }) => id === 9)?.error?.message).toBe("Nothing serves the workspace.");
});

test("[CM4] a cancelled request is closed and not answered", async () => {
  const { input, written, done, say } = setUp(untilClosed);
  say(request(1));
  say(request("1"));
  say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
  say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } });
  say({ jsonrpc: "2.0", method: "notifications/cancelled" });
  // Once it is over its id is free again.
  await vi.waitFor(() => {
    say(request(1));
    expect(written.length).toBeGreaterThan(0);
  });
  expect(new Set(written.map(({ id, error }) => JSON.stringify([id, error?.code])))).toEqual(new Set(["[1,-32600]"]));
  input.end();
  await done;
});

test("[CM4] a signal cancels what is under way", async () => {
  const { written, stop, done, say } = setUp(untilClosed);
  say(request(1));
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await done;
  expect(written).toEqual([]);
});

test("[CM5] ids under way, too many requests and long lines are refused", async () => {
  const { input, written, done, say, stop } = setUp(untilClosed);
  for (let id = 0; id < 65; id += 1) say(request(id));
  say({ jsonrpc: "2.0", method: "notifications/x" });
  say(request(0));
  input.write(`"${"x".repeat(4 * 1_048_576)}"\n`);
  await vi.waitFor(() => expect(written).toHaveLength(3));
  expect(written.map(({ id, error }) => [id, error?.code])).toEqual([
    [64, 429],
    [0, -32600],
    [null, 413],
  ]);
  stop.abort();
  await done;
});

test("[CM5] a line may come in any parts; a long one is dropped and the next one is read", async () => {
  async function* input() {
    yield* [
      "a",
      "é".slice(0, 1),
      "b\nlong",
      "er than eight",
      "\n",
      Buffer.from([0xc3]),
      Buffer.from([0xa9, 0x0a]),
      "end",
    ];
  }
  const lines: (string | undefined)[] = [];
  for await (const line of linesOf(input(), 8)) lines.push(line);
  expect(lines).toEqual(["aéb", undefined, "é", "end"]);
  const tail: (string | undefined)[] = [];
  for await (const line of linesOf(
    (async function* () {
      yield "0123456789";
    })(),
    8,
  ))
    tail.push(line);
  expect(tail).toEqual([undefined]);
});

test("[CM1] headers repeat what the message says, in a form that headers can carry", () => {
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  expect(headersOf(request(1), undefined)).toEqual({});
  expect(headersOf(request(1), "2025-11-25")).toEqual({ "mcp-protocol-version": "2025-11-25" });
  expect(headersOf(request(1, "tools/call", { name: "a", _meta }), "2025-11-25")).toEqual({
    ...{ "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "a" },
  });
  const encoded = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;
  for (const name of ["é", "a\r\nx: y", " a", "", "=?base64?x?="])
    expect(headersOf(request(1, "resources/read", { uri: name, _meta }), undefined)["mcp-name"]).toBe(encoded(name));
  expect(headersOf(request(1, "constructor", { name: "a", _meta }), undefined)).not.toHaveProperty("mcp-name");
});

test("[CM1] after initialize the agreed revision goes along", async () => {
  const seen: unknown[] = [];
  const { input, done, say } = setUp(async (body, { headers }) => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    seen.push(headers["mcp-protocol-version"]);
    return json(
      method === "initialize" ? { jsonrpc: "2.0", id, result: { protocolVersion: "2025-06-18" } } : result(id),
    );
  });
  say(request(1, "initialize"));
  await vi.waitFor(() => expect(seen).toHaveLength(1));
  await new Promise((resolve) => setImmediate(resolve));
  say(request(2));
  input.end();
  await done;
  expect(seen).toEqual([undefined, "2025-06-18"]);
});

test("[CM5] an event without an end is not gathered for ever", async () => {
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(1_048_576))),
  });
  const response = new Response(stream, { headers: { "content-type": "text/event-stream" } });
  const read = async (): Promise<void> => {
    for await (const _message of messagesOf(response)) expect.unreachable();
  };
  await expect(read()).rejects.toThrow("longer than");
});
