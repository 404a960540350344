import { PassThrough } from "node:stream";
import { LogoMeshError, type PluginManifest } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { McpConnection, type McpConnectionOptions } from "./mcpConnection.ts";
import { listTools, toolsHash } from "./toolList.ts";

type Message = { id?: number; method?: string; params?: Record<string, unknown> };

const INTRODUCTION = { client: { name: "logomesh", version: "1" }, capabilities: {} };

/** A connection to a plugin that is played by the test. */
function connect({
  lineBytesMax = 100_000,
  onRequest = () => Promise.resolve(undefined),
}: { lineBytesMax?: number; onRequest?: McpConnectionOptions["onRequest"] } = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const clock = new FakeClock();
  const fatal: LogoMeshError[] = [];
  const writes: string[] = [];
  const notified: object[] = [];
  output.on("data", (chunk: Buffer) => writes.push(chunk.toString()));
  const connection = new McpConnection({
    ...{ pluginId: "org.example.p", input, output, lineBytesMax, clock },
    onRequest: (method, params) => onRequest(method, params),
    onNotification: (method, params) => notified.push({ method, params }),
    onFatal: (error) => fatal.push(error),
  });
  const sent = (): Message[] =>
    writes
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Message);
  const say = (message: unknown): Promise<void> => {
    input.write(`${JSON.stringify(message)}\n`);
    return new Promise((resolve) => setImmediate(resolve));
  };
  return { notified, connection, input, output, clock, fatal, writes, sent, say };
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

test("[PL11] what is sent in one turn is written in one piece", async () => {
  const { connection, writes, sent, say } = connect();
  const answers = [1, 2, 3].map((n) => connection.request("tools/call", { n }).result);
  await tick();
  expect(writes).toHaveLength(1);
  expect(sent().map(({ id }) => id)).toEqual([1, 2, 3]);
  for (const id of [3, 1, 2]) await say({ jsonrpc: "2.0", id, result: { of: id } });
  expect(await Promise.all(answers)).toEqual([{ of: 1 }, { of: 2 }, { of: 3 }]);
});

test("[PL11] a plugin that does not read is busy once 16 MiB wait, and what it asks stays unanswered", async () => {
  const { connection, output, say } = connect({ lineBytesMax: 8_000_000 });
  output.pause();
  output.removeAllListeners("data");
  const text = "x".repeat(4_000_000);
  const calls = Array.from({ length: 6 }, () => connection.request("tools/call", { text }).result);
  for (const call of calls) call.catch(() => undefined);
  await expect(calls[5]).rejects.toMatchObject({ code: "LM_PLUGIN_BUSY" });
  const waiting = output.writableLength;
  for (let id = 0; id < 50; id += 1) await say({ jsonrpc: "2.0", id: `q${id}`, method: "ping" });
  expect(output.writableLength).toBeLessThanOrEqual(waiting + 5_000_000);
  expect(connection.inFlight).toBe(5);
});

test("[PL33] a message above the plugin's own limit is not sent", async () => {
  const { connection, writes } = connect({ lineBytesMax: 1_000 });
  await expect(connection.request("tools/call", { text: "x".repeat(1_000) }).result).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
    message: expect.stringContaining("max_message_bytes, 1000"),
  });
  await expect(connection.request("tools/call", { text: "ü".repeat(480) }).result).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
  });
  void connection.request("tools/call", { text: "x".repeat(900) }).result;
  await tick();
  expect(writes).toHaveLength(1);
  expect(connection.inFlight).toBe(1);
});

test("[PL18] a cancel names the request, and its late answer is nobody's fault", async () => {
  const { connection, sent, say } = connect();
  const request = connection.request("tools/call", {});
  const reason = new Error("no longer wanted");
  request.cancel("no longer wanted", reason);
  request.cancel("twice is once", new Error("twice"));
  await expect(request.result).rejects.toBe(reason);
  await tick();
  expect(sent()[1]).toEqual({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1, reason: "no longer wanted" },
  });
  expect(sent()).toHaveLength(2);
  expect(request.isSettled()).toBe(false);
  await say({ jsonrpc: "2.0", id: 1, result: {} });
  expect(request.isSettled()).toBe(true);
  expect(connection.violations).toBe(0);
  await say({ jsonrpc: "2.0", id: 1, result: {} });
  expect(connection.violations).toBe(1);
});

test("[PL18] the memory of cancelled requests is bounded", async () => {
  const { connection, say } = connect();
  for (let count = 0; count < 1_001; count += 1) {
    const { result, cancel } = connection.request("tools/call", {});
    cancel("x", new Error("x"));
    await expect(result).rejects.toThrow("x");
  }
  await say({ jsonrpc: "2.0", id: 1, result: {} });
  expect(connection.violations).toBe(1);
  await say({ jsonrpc: "2.0", id: 1_001, result: {} });
  expect(connection.violations).toBe(1);
});

test("[PL8] an answer without result and error fails its call; after the 20th violation nothing is read", async () => {
  const { connection, say, fatal } = connect();
  const call = connection.request("tools/call", {}).result;
  const failed = expect(call).rejects.toMatchObject({ code: "LM_PLUGIN_PROTOCOL" });
  await say({ jsonrpc: "2.0", id: 1, result: [1] });
  await failed;
  for (let count = 0; count < 18; count += 1) await say({ jsonrpc: "2.0", id: 99, result: {} });
  expect(fatal).toEqual([]);
  await say("text");
  expect(fatal).toMatchObject([
    { code: "LM_PLUGIN_PROTOCOL", message: expect.stringContaining("a message that is no object") },
  ]);
});

test("[PL9] a thousand notifications a second are borne, one more is not", async () => {
  const { input, clock, fatal, connection } = connect();
  const burst = `${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message" })}\n`.repeat(1_000);
  input.write(burst);
  await tick();
  await clock.advance(1_000);
  input.write(burst);
  await tick();
  expect([fatal, connection.violations]).toEqual([[], 0]);
  input.write(burst);
  await tick();
  expect(fatal[0]?.message).toContain("more than 1000 messages in a second");
});

test("[PL19] closing fails what is in flight and everything asked later", async () => {
  const { connection, writes, say } = connect();
  const call = connection.request("tools/call", {}).result;
  const reason = new LogoMeshError("LM_PLUGIN_STOPPED", "enough");
  connection.close(reason);
  await expect(call).rejects.toBe(reason);
  await expect(connection.request("tools/list", {}).result).rejects.toBe(reason);
  connection.notify("notifications/cancelled", {});
  await say({ jsonrpc: "2.0", id: "q", method: "ping" });
  expect(writes.join("").split("\n").filter(Boolean)).toHaveLength(1);
});

test.each([["2025-11-25"], ["2025-06-18"], ["2024-11-05"]])(
  "the handshake accepts revision %s",
  async (protocolVersion) => {
    const { connection, sent, say } = connect();
    const done = connection.initialize(INTRODUCTION);
    await say({ jsonrpc: "2.0", id: 1, result: { protocolVersion } });
    await done;
    await tick();
    expect(sent()).toMatchObject([
      {
        method: "initialize",
        params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "logomesh" } },
      },
      { method: "notifications/initialized" },
    ]);
  },
);

test.each([["1999-01-01"], [7], [undefined]])("[PL12] the handshake refuses revision %s", async (protocolVersion) => {
  const { connection, say } = connect();
  const done = expect(connection.initialize(INTRODUCTION)).rejects.toMatchObject({
    code: "LM_PLUGIN_PROTOCOL",
    message: expect.stringContaining(JSON.stringify(protocolVersion ?? null)),
  });
  await say({ jsonrpc: "2.0", id: 1, result: { protocolVersion } });
  await done;
});

const MANIFEST = { id: "org.example.p", tools: { a: { effect: "pure" } } } as unknown as PluginManifest;

/** Answers each tools/list with the next page. */
async function list(...pages: unknown[]) {
  const { connection, sent, say } = connect({ lineBytesMax: 8_000_000 });
  const tools = listTools(connection, MANIFEST);
  const done = tools.catch(() => undefined);
  for (const [index, result] of pages.entries()) await say({ jsonrpc: "2.0", id: index + 1, result });
  connection.close(new LogoMeshError("LM_PLUGIN_STOPPED", "asked for more"));
  await done;
  return { tools, cursors: sent().map(({ params }) => params?.cursor) };
}

test("[PL13] tools are listed page by page with the effect class of the manifest", async () => {
  const { tools, cursors } = await list(
    {
      tools: [{ name: "a", description: "A.", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }],
      nextCursor: "p2",
    },
    { tools: [{ name: "b", description: 3, outputSchema: { type: "object" } }] },
  );
  expect(await tools).toEqual([
    { name: "a", description: "A.", effect: "pure", inputSchema: { type: "object" } },
    { name: "b", effect: "once", outputSchema: { type: "object" } },
  ]);
  expect(cursors).toEqual([undefined, "p2"]);
  expect(await (await list({ tools: "none" })).tools).toEqual([]);
});

const page = (names: unknown[], nextCursor?: string) => ({ tools: names.map((name) => ({ name })), nextCursor });

test.each([
  ["a name that comes twice", [page(["a"], "2"), page(["a"])], /lists the tool a twice/],
  ["a cursor that repeats", [page(["a"], "1"), page(["b"], "1")], /in a circle/],
  ["no name", [page([""])], /without a usable name/],
  ["a name that is no text", [page([7])], /without a usable name/],
  ["a name of 129 characters", [page(["x".repeat(129)])], /without a usable name/],
  ["half a surrogate pair", [page(["\ud800"])], /not Unicode text/],
  ["1,001 tools", [page(Array.from({ length: 1_001 }, (_, index) => `t${index}`))], /more than 1000 tools/],
  ["101 pages", Array.from({ length: 101 }, (_, index) => page([`t${index}`], `c${index}`)), /more than 100 pages/],
  ["a schema that is no object", [{ tools: [{ name: "a", inputSchema: [] }] }], /no object or longer/],
  [
    "a giant schema",
    [{ tools: [{ name: "a", inputSchema: { description: "x".repeat(66_000) } }] }],
    /no object or longer/,
  ],
])("[PL13] %s is a fault of the plugin", async (_what, pages, message) => {
  await expect((await list(...pages)).tools).rejects.toMatchObject({
    code: "LM_PLUGIN_PROTOCOL",
    message: expect.stringMatching(message),
  });
});

test("[PL30] the hash of the tools depends on what they are, not on their order", () => {
  const a = { name: "a", effect: "pure", description: "A." } as const;
  const b = { name: "b", effect: "once" } as const;
  expect(toolsHash([a, b])).toBe(toolsHash([b, a]));
  expect(toolsHash([a, b])).not.toBe(toolsHash([{ ...a, description: "Something else." }, b]));
});

test("[PL104] what the plugin asks is answered under its id, and only so much at once", async () => {
  const waiting: PromiseWithResolvers<{ result: object }>[] = [];
  const { connection, sent, say, notified } = connect({
    lineBytesMax: 1_000,
    onRequest: (method) => {
      if (method === "none") return Promise.resolve(undefined);
      if (method === "large") return Promise.resolve({ result: { text: "x".repeat(2_000) } });
      const answer = Promise.withResolvers<{ result: object }>();
      waiting.push(answer);
      return answer.promise as ReturnType<McpConnectionOptions["onRequest"]>;
    },
  });
  await say({ jsonrpc: "2.0", method: "notifications/message", params: { data: "x" } });
  expect(notified).toEqual([{ method: "notifications/message", params: { data: "x" } }]);
  await say({ jsonrpc: "2.0", id: "a", method: "none" });
  await say({ jsonrpc: "2.0", id: "b", method: "large", params: 7 });
  for (let id = 0; id < 9; id += 1) await say({ jsonrpc: "2.0", id, method: "slow" });
  waiting[0]?.resolve({ result: { ok: true } });
  await tick();
  await tick();
  expect(sent()).toEqual([
    { jsonrpc: "2.0", id: "a", error: { code: -32_601, message: "method not found" } },
    { jsonrpc: "2.0", id: "b", error: { code: 4130, message: expect.stringContaining("max_message_bytes") } },
    { jsonrpc: "2.0", id: 8, error: { code: 4290, message: expect.stringContaining("8 requests") } },
    { jsonrpc: "2.0", id: 0, result: { ok: true } },
  ]);
  expect(connection.violations).toBe(0);
});
