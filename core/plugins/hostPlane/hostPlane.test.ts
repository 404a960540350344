import { LogoMeshError, type GenerateResult } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import type { OnToolProgress } from "../../ports/index.ts";
import { MODERN, PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";
import { TokenLedger } from "../store/index.ts";

function play(...options: ConstructorParameters<typeof PlayedPlane>): PlayedPlane {
  const played = new PlayedPlane(...options).listen();
  onTestFinished(() => played[Symbol.dispose]());
  return played;
}

test("[HP1] a client that begins with initialize is served without _meta", async () => {
  const played = play();
  expect(await played.ask("tools/list", { _meta: {} })).toMatchObject({ error: { code: -32_600 } });
  expect(await played.ask("initialize", { protocolVersion: "2025-06-18", capabilities: {} })).toMatchObject({
    result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "logomesh" } },
  });
  expect(await played.ask("initialize", { protocolVersion: "1900-01-01" })).toMatchObject({
    result: { protocolVersion: "2025-11-25" },
  });
  played.send({ method: "notifications/initialized" });
  const listed = await played.ask("tools/list", { _meta: {} });
  expect(listed.result).not.toHaveProperty("resultType");
  expect(listed.result?.tools).toContainEqual(expect.objectContaining({ name: "store_get" }));
  expect(await played.ask("ping", { _meta: {} })).toMatchObject({ result: {} });
  expect(
    await played.ask("tools/list", { _meta: { "io.modelcontextprotocol/protocolVersion": "2025-11-25" } }),
  ).toHaveProperty("result.tools");
});

test("[HP1] a client without handshake says its revision with each request", async () => {
  const played = play();
  expect(await played.ask("server/discover")).toMatchObject({
    result: { resultType: "complete", supportedVersions: expect.arrayContaining(["2026-07-28", "2025-11-25"]) },
  });
  expect((await played.ask("tools/list")).result).toMatchObject({ resultType: "complete", cacheScope: "public" });
  const unknown = { "io.modelcontextprotocol/protocolVersion": "2099-01-01" };
  expect(await played.ask("tools/list", { _meta: unknown })).toMatchObject({
    error: { code: -32_022, data: { requested: "2099-01-01", supported: expect.arrayContaining(["2026-07-28"]) } },
  });
  const bare = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  expect(await played.ask("tools/list", { _meta: bare })).toMatchObject({ error: { code: -32_602 } });
  expect(await played.ask("server/discover", { _meta: {} })).toMatchObject({ error: { code: -32_602 } });
  expect(await played.ask("resources/list")).toMatchObject({ error: { code: -32_601 } });
  expect(await played.ask("events/listen", { types: ["a"] })).toMatchObject({ error: { code: -32_601 } });
});

test("[HP2] tools are those whose service is there, with schemas; any other name is refused", async () => {
  const played = play();
  const { result } = await played.ask("tools/list");
  const tools = result?.tools as { name: string; inputSchema: object; outputSchema: object }[];
  expect(tools.map(({ name }) => name)).toEqual([
    ...["store_get", "store_put", "store_delete", "store_list", "blob_put", "blob_get", "plugin_call"],
  ]);
  for (const tool of tools)
    expect(tool).toMatchObject({ inputSchema: { type: "object" }, outputSchema: { type: "object" } });
  for (const name of ["llm_generate", "__proto__", "constructor", "toString", ""])
    expect(await played.call(name)).toMatchObject({ error: { code: -32_602 } });
  expect(await played.ask("tools/call", { arguments: {} })).toMatchObject({ error: { code: -32_602 } });
  expect(await played.ask("tools/call", { name: "store_get", arguments: [] })).toMatchObject({
    error: { code: -32_602 },
  });
  played.send({ id: "list", method: "ping", params: [] });
  await played.settle();
  expect(played.messages.at(-1)).toMatchObject({ id: "list", error: { code: -32_602 } });
});

test("[HP3] arguments that do not fit are named by place, and no service hears of them", async () => {
  const played = play();
  const answer = await played.call("store_put", { key: 7, extra: true });
  expect(answer.result).toMatchObject({
    isError: true,
    structuredContent: {
      code: "LM_INPUT_INVALID",
      problems: expect.arrayContaining([{ pointer: "/key", message: expect.any(String) }]),
    },
  });
  expect(played.policy.asked).toEqual([]);
  expect(played.audit.entries).toEqual([]);
});

test("[HP4] a denial has the code 4030 with action, policies and reason, and no other entry than its own", async () => {
  const played = play();
  played.policy.denied.add(`store ${PLUGIN}`);
  expect(await played.call("store_get", { key: "a" })).toMatchObject({
    error: { code: 4030, data: { code: "LM_POLICY_DENIED", reason: expect.any(String), policies: [] } },
  });
  expect(played.audit.kinds()).toEqual([]);
});

test.each([
  ["LM_PLUGIN_NOT_GRANTED", 4031],
  ["LM_TOO_LARGE", 4130],
  ["LM_PLUGIN_BUSY", 4290],
  ["LM_PLUGIN_TIMEOUT", 5040],
] as const)("[HP4] %s has the code %i", async (code, expected) => {
  const played = play({
    plugins: { describeTool: () => undefined, callTool: () => Promise.reject(new LogoMeshError(code, "why")) },
  });
  expect(await played.call("plugin_call", { plugin: "org.example.b", tool: "t" })).toMatchObject({
    error: { code: expected, message: "why", data: { code } },
  });
  expect(played.audit.entries).toMatchObject([
    { kind: "host.plugin_call", trace: { status: "faulted" }, data: { code } },
  ]);
});

/** A plugin whose tool answers when the test says so. */
function slowPlugins() {
  const calls: { signal: AbortSignal; answer: () => void; fail: (error: unknown) => void }[] = [];
  const plugins = {
    describeTool: () => undefined,
    callTool: (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<never>((resolve, reject) => {
        const answer = { content: [], isError: false, durationMs: 1 };
        calls.push({ signal, answer: () => resolve(answer as never), fail: reject });
      }),
  };
  return { calls, plugins };
}

const SLOW = { plugin: "org.example.slow", tool: "t" };

test("[HP5] a cancelled request is stopped and never answered", async () => {
  const { calls, plugins } = slowPlugins();
  const played = play({ plugins });
  played.send({ id: "r", method: "tools/call", params: { name: "plugin_call", arguments: SLOW, _meta: MODERN } });
  await played.settle();
  for (const params of [{}, { requestId: {} }, { requestId: "other" }, []])
    played.send({ method: "notifications/cancelled", params });
  await played.settle();
  expect(calls[0]?.signal.aborted).toBe(false);
  played.send({ method: "notifications/cancelled", params: { requestId: "r" } });
  await played.settle();
  expect(calls[0]?.signal.aborted).toBe(true);
  calls[0]?.answer();
  await played.settle();
  expect(played.messages).toEqual([]);
  expect(played.fatal).toEqual([]);
});

test("[HP5] [HP4] what does not end in time is answered with 5040, also when it does not heed its signal", async () => {
  const { calls, plugins } = slowPlugins();
  const played = play({ plugins });
  const first = played.ask("tools/call", { name: "plugin_call", arguments: SLOW });
  await played.settle();
  await played.clock.advance(3_600_000);
  await first;
  await played.settle();
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(played.messages).toMatchObject([{ id: 1, error: { code: 5040 } }]);
});

test("[HP30] progress of another plugin's tool is passed on to who asked, until it is private", async () => {
  const told: OnToolProgress[] = [];
  const played = play({
    plugins: {
      describeTool: () => undefined,
      callTool: async (_call, { onProgress, onTaint }) => {
        onProgress?.({ progress: 1, total: 3, message: "one" });
        onProgress?.({ progress: 2 });
        onTaint();
        onProgress?.({ progress: 3, message: "the secret is out" });
        if (onProgress !== undefined) told.push(onProgress);
        return { content: [], isError: false, durationMs: 1 };
      },
    },
  });
  await played.call("plugin_call", SLOW, { progressToken: "p1" });
  const params = played.messages.flatMap((message) => (message.method === undefined ? [] : [message.params]));
  expect(params).toEqual([
    { progressToken: "p1", progress: 1, total: 3, message: "one" },
    { progressToken: "p1", progress: 2 },
  ]);
  await played.call("plugin_call", SLOW, {});
  expect(played.messages.filter(({ method }) => method !== undefined)).toHaveLength(2);
});

test("[HP30] a plugin that reads nothing misses progress, and holds up nobody", async () => {
  const { plugins } = slowPlugins();
  let tell: OnToolProgress = () => undefined;
  const callTool: typeof plugins.callTool = (call, options: { signal: AbortSignal; onProgress?: OnToolProgress }) => {
    tell = options.onProgress ?? tell;
    return plugins.callTool(call, options);
  };
  // Nobody listens at the plugin's end.
  using played = new PlayedPlane({ plugins: { ...plugins, callTool } });
  played.send({
    id: 1,
    method: "tools/call",
    params: { name: "plugin_call", arguments: SLOW, _meta: { ...MODERN, progressToken: 1 } },
  });
  await played.settle();
  for (let progress = 0; progress < 20_000; progress += 1) {
    tell({ progress, message: "x".repeat(500) });
    if (progress % 1_000 === 0) await played.settle();
  }
  await played.settle();
  let bytes = 0;
  played.stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await played.settle();
  expect(bytes).toBeGreaterThan(1_000_000);
  expect(bytes).toBeLessThan(6_000_000);
});

test("[HP6] text of a model comes in notifications that rise, and is whole when the answer comes", async () => {
  const played: PlayedPlane = play({
    models: {
      tokens: {
        reserve: () => ({ use: () => Promise.resolve(), [Symbol.dispose]: () => undefined }),
      } as unknown as TokenLedger,
      models: {
        generate: async (_params, _context, { onText }) => {
          for (const word of ["one ", "two ", "three ", "four"]) {
            onText?.(word);
            await played.clock.advance(25);
          }
          return {
            ...{ text: "one two three four", model: "m", provider: "p", simulated: true, finishReason: "stop" },
            ...{ durationMs: 1, requestSeq: 1, responseSeq: 2 },
          } satisfies GenerateResult;
        },
      },
    },
  });
  played.grant({ "llm.generate": { models: ["default"], max_tokens_per_day: 100_000, why: "x" } });
  const answer = await played.call("llm_generate", { prompt: "count" }, { progressToken: "p1" });
  expect(answer.result).toMatchObject({ structuredContent: { text: "one two three four" } });
  const progress = played.messages.filter(({ method }) => method === "notifications/progress");
  expect(progress.map(({ params }) => JSON.stringify(params?.message).slice(1, -1)).join("")).toBe(
    "one two three four",
  );
  expect(progress.map(({ params }) => params?.progress)).toEqual([8, 18]);
  expect(progress.every(({ params }) => params?.progressToken === "p1")).toBe(true);
  expect(played.messages.at(-1)).toBe(answer);
});

test.each([
  ["a line that is too long", "x".repeat(5_000)],
  ["nesting", `${"[".repeat(65)}${"]".repeat(65)}\n`],
])("[HP7] %s ends the plugin", async (_, text) => {
  const played = play({}, { lineBytesMax: 4_096 });
  played.raw(text);
  await played.settle();
  expect(played.fatal).toMatchObject([{ code: "LM_PLUGIN_PROTOCOL" }]);
  expect(await played.ask("ping")).toEqual({});
});

test.each([
  ["no JSON", "nonsense\n"],
  ["no UTF-8", Buffer.from([0x22, 0xff, 0x22, 0x0a])],
  ["an array", "[]\n"],
  ["null", "null\n"],
  ["an answer", '{"jsonrpc":"2.0","id":1,"result":{}}\n'],
  ["a null id", '{"jsonrpc":"2.0","id":null,"method":"ping"}\n'],
  ["a fractional id", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n'],
  ["an id beyond 2^53", '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}\n'],
  ["a long id", `{"jsonrpc":"2.0","id":"${"i".repeat(200)}","method":"ping"}\n`],
  ["an object as id", '{"jsonrpc":"2.0","id":{},"method":"ping"}\n'],
])("[HP7] %s is dropped and counted; twenty end the plugin", async (_, line) => {
  const played = play();
  for (let sent = 0; sent < 19; sent += 1) played.raw(line);
  await played.settle();
  expect(played.plane.violations).toBe(19);
  expect(played.fatal).toEqual([]);
  expect(await played.ask("ping")).toMatchObject({ result: {} });
  played.raw(line);
  await played.settle();
  expect(played.fatal).toMatchObject([{ code: "LM_PLUGIN_PROTOCOL" }]);
});

test("[HP7] an id that is in use is counted, and the first request keeps it", async () => {
  const { calls, plugins } = slowPlugins();
  const played = play({ plugins });
  for (let sent = 0; sent < 2; sent += 1)
    played.send({ id: 5, method: "tools/call", params: { name: "plugin_call", arguments: SLOW, _meta: MODERN } });
  await played.settle();
  expect([calls.length, played.plane.violations]).toEqual([1, 1]);
  calls[0]?.answer();
  await played.settle();
  expect(played.messages).toMatchObject([{ id: 5, result: { isError: false } }]);
});

test("[HP8] more than 32 requests at once are refused, and one more is taken when one has ended", async () => {
  const { calls, plugins } = slowPlugins();
  const played = play({ plugins });
  for (let id = 100; id < 133; id += 1)
    played.send({ id, method: "tools/call", params: { name: "plugin_call", arguments: SLOW, _meta: MODERN } });
  await played.settle();
  expect(calls).toHaveLength(32);
  expect(played.messages).toMatchObject([{ id: 132, error: { code: 4290 } }]);
  calls[0]?.answer();
  await played.settle();
  void played.call("plugin_call", SLOW);
  await played.settle();
  expect(calls).toHaveLength(33);
});

test("[HP8] beyond its budget a plugin waits, and one that goes on is ended", async () => {
  const played = play();
  for (let id = 1; id <= 1_001; id += 1) played.send({ id, method: "ping" });
  await played.settle();
  expect(played.messages.at(-1)).toMatchObject({ id: 1_001, error: { code: 4290 } });
  await played.clock.advance(10);
  played.send({ id: 1_002, method: "ping" });
  await played.settle();
  expect(played.messages.at(-1)).toMatchObject({ id: 1_002, result: {} });
  for (let id = 0; id < 10_010; id += 1) played.send({ method: "notifications/flood" });
  await played.settle();
  expect(played.fatal).toMatchObject([{ code: "LM_PLUGIN_PROTOCOL" }]);
});

test("[HP8] denials use the budget up faster: each is an entry of the log", async () => {
  const played = play();
  played.policy.denied.add(`store ${PLUGIN}`);
  const codes = [];
  for (let asked = 0; asked < 60; asked += 1) codes.push((await played.call("store_get", { key: "a" })).error?.code);
  expect(codes.filter((code) => code === 4030)).toHaveLength(48);
  expect(codes.at(-1)).toBe(4290);
});

test("[HP9] a plugin that does not read is not listened to, until it reads", async () => {
  const played = new PlayedPlane();
  onTestFinished(() => played[Symbol.dispose]());
  await played.store.put(PLUGIN, { key: "big", value: "x".repeat(600_000) }, { bytesMax: 1e7 });
  for (let id = 0; id < 100; id += 1) {
    played.send({ id, method: "tools/call", params: { name: "store_get", arguments: { key: "big" }, _meta: MODERN } });
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await played.settle();
  const read = played.audit.entries.length;
  expect(read).toBeLessThan(12);
  await played.settle();
  expect(played.audit.entries.length).toBe(read);
  played.listen();
  for (let turn = 0; turn < 20; turn += 1) await played.settle();
  expect(played.messages.filter(({ result, error }) => result !== undefined || error?.code === 4290)).toHaveLength(100);
});

test("[HP10] closing the plane stops what was asked and fails nothing else", async () => {
  const { calls, plugins } = slowPlugins();
  const played = play({ plugins });
  void played.call("plugin_call", SLOW);
  await played.settle();
  played.stream.end();
  await played.settle();
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(played.fatal).toEqual([]);
  using begun = played.plane.begin({ callers: [] });
  expect(begun.token).toMatch(/^[0-9a-f]{32}$/);
});

test("[HP11] an answer longer than the plugin reads is 4130", async () => {
  const played = play({}, { lineBytesMax: 4_096 });
  await played.store.put(PLUGIN, { key: "big", value: "x".repeat(5_000) }, { bytesMax: 1e7 });
  expect(await played.call("store_get", { key: "big" })).toMatchObject({ error: { code: 4130 } });
  expect(await played.call("store_get", { key: "none" })).toMatchObject({
    result: { structuredContent: { found: false }, content: [{ type: "text", text: '{"found":false}' }] },
  });
});

test("[HP17] what cannot be recorded is not answered", async () => {
  const played = play({
    thoughts: {
      search: () => Promise.resolve([]),
      get: () => Promise.reject(new LogoMeshError("LM_THOUGHT_NOT_FOUND", "gone")),
      create: () => Promise.reject(new Error("a bug")),
    },
  });
  played.audit.isUnwritable = true;
  expect(await played.call("thought_search")).toMatchObject({
    result: { isError: true, structuredContent: { code: "LM_AUDIT_UNWRITABLE" } },
  });
  played.audit.isUnwritable = false;
  expect(await played.call("thought_get", { id: "tht_1" })).toMatchObject({
    result: { isError: true, structuredContent: { code: "LM_THOUGHT_NOT_FOUND" } },
  });
  expect(await played.call("thought_create", { title: "x" })).toMatchObject({
    result: { isError: true, structuredContent: { code: "LM_INTERNAL" } },
  });
  expect(played.audit.entries.map(({ kind, trace }) => [kind, trace?.status])).toEqual([
    ["host.thought_get", "faulted"],
    ["host.thought_create", "faulted"],
  ]);
});

test("[HP8] what is asked on the plugin plane counts with the rest, and ends with the process", async () => {
  const started: string[] = [];
  using plugin = new PlayedPlane({
    plugins: {
      describeTool: () => undefined,
      callTool: ({ tool }) => {
        started.push(tool);
        return new Promise(() => undefined);
      },
    },
  }).listen();
  const args = { plugin: "org.example.other", tool: "t", arguments: {} };
  const asked = Array.from({ length: 32 }, () => plugin.plane.ask("plugin_call", args, {}));
  const outcomes = Promise.allSettled(asked);
  await expect(plugin.plane.ask("plugin_call", args, {})).rejects.toMatchObject({ code: "LM_PLUGIN_BUSY" });
  await expect.poll(() => started.length).toBe(32);
  plugin.plane.end();
  expect((await outcomes).map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => "rejected"));
});

test("[HP50] the list of tools is made once", () => {
  using plane = new PlayedPlane();
  expect(plane.api.list()).toBe(plane.api.list());
});
