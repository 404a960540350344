import { beforeEach, describe, expect, test } from "vitest";
import { definePlugin } from "./plugin.ts";
import { LineReader } from "./lineReader.ts";
import { s } from "./schema.ts";
import { HostConnection } from "./hostConnection.ts";
import { PluginServer } from "./server.ts";
import { ToolError } from "./tool.ts";

type Message = Record<string, unknown>;

/** A plugin server with its wires in memory. */
class Wire {
  readonly sent: Message[] = [];
  readonly logged: string[] = [];
  time = 0;
  readonly server: PluginServer;
  #waiting: (() => void) | undefined;

  constructor(plugin: ReturnType<typeof definePlugin>) {
    this.server = new PluginServer({
      plugin: plugin.info,
      tools: plugin.tools,
      send: (line) => {
        this.sent.push(JSON.parse(line) as Message);
        this.#waiting?.();
      },
      log: (line) => this.logged.push(line),
      now: () => this.time,
      host: new HostConnection(() => {
        throw new Error("there is no workbench");
      }),
    });
  }

  write(message: unknown): void {
    this.server.receive(Buffer.from(`${JSON.stringify(message)}\n`));
  }

  call(id: number, name: string, args: unknown, meta?: unknown): void {
    this.write({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args, _meta: meta } });
  }

  async until(count: number): Promise<Message[]> {
    while (this.sent.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return this.sent;
  }
}

const started = Promise.withResolvers<AbortSignal>();

function makePlugin() {
  const plugin = definePlugin({ name: "probe", version: "1.2.3" });
  plugin.tool("add", {
    title: "Add",
    description: "Adds two numbers.",
    effect: "pure",
    input: s.object({ a: s.number(), b: s.number().default(1) }),
    output: s.object({ sum: s.number() }),
    handler: ({ a, b }) => ({ sum: a + b }),
  });
  plugin.tool("hang", {
    description: "Waits until it is cancelled.",
    effect: "once",
    handler: (_, { signal }) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        started.resolve(signal);
      }),
  });
  plugin.tool("talk", {
    description: "Reports and logs.",
    effect: "idempotent",
    handler: (_, { progress, log, idempotencyKey }) => {
      log("working", { step: 1 });
      log("done");
      progress({ progress: 1, total: 2, message: "half" });
      progress({ progress: 2, total: 2 });
      return `key ${idempotencyKey ?? "none"}`;
    },
  });
  plugin.tool("refuse", {
    description: "Fails as it should.",
    effect: "once",
    handler: () => {
      throw new ToolError("no such note");
    },
  });
  plugin.tool("crash", {
    description: "Fails as it should not.",
    effect: "once",
    handler: () => {
      throw new Error("bug");
    },
  });
  plugin.tool("lie", {
    description: "Returns what its schema forbids.",
    effect: "pure",
    output: s.object({ sum: s.number() }),
    handler: () => ({ sum: "three" as unknown as number }),
  });
  plugin.tool("nan", { description: "Returns NaN.", effect: "pure", handler: () => ({ value: Number.NaN }) });
  plugin.tool("nothing", { description: "Returns nothing.", effect: "pure", handler: () => undefined });
  return plugin;
}

let wire: Wire;
beforeEach(() => {
  wire = new Wire(makePlugin());
  wire.write({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25" } });
});

function errorText(message: Message | undefined): unknown {
  const result = message?.result as { content: { text: string }[]; isError: boolean };
  expect(result.isError).toBe(true);
  return result.content[0]?.text;
}

describe("handshake", () => {
  test("answers with the wanted revision, or with its newest", () => {
    wire.write({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-06-18" } });
    wire.write({ jsonrpc: "2.0", id: 2, method: "initialize", params: { protocolVersion: "1999-01-01" } });
    expect(wire.sent.map((message) => message.result)).toEqual(
      ["2025-11-25", "2025-06-18", "2025-11-25"].map((protocolVersion) => ({
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "probe", version: "1.2.3" },
      })),
    );
  });

  test("does nothing but ping before it", () => {
    const fresh = new Wire(makePlugin());
    fresh.write({ jsonrpc: "2.0", id: 1, method: "ping" });
    fresh.write({ jsonrpc: "2.0", id: 2, method: "tools/list" });
    fresh.call(3, "add", { a: 1 });
    expect(fresh.sent).toEqual([
      { jsonrpc: "2.0", id: 1, result: {} },
      { jsonrpc: "2.0", id: 2, error: { code: -32600, message: "send initialize first" } },
      { jsonrpc: "2.0", id: 3, error: { code: -32600, message: "send initialize first" } },
    ]);
  });
});

describe("the modern era", () => {
  const META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const ask = (method: string, params: Message = {}, meta: Message = META): Message | undefined => {
    wire.write({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: meta } });
    return wire.sent.at(-1);
  };
  const SUPPORTED = ["2026-07-28", "2025-11-25", "2025-06-18"];

  beforeEach(() => {
    wire = new Wire(makePlugin());
  });

  test("[PL116] needs no handshake: says what it is, lists and calls, each answer complete", async () => {
    expect(ask("server/discover")?.result).toEqual({
      ...{ resultType: "complete", supportedVersions: SUPPORTED, capabilities: { tools: {} } },
      ...{ ttlMs: 3_600_000, cacheScope: "public" },
      _meta: { "io.modelcontextprotocol/serverInfo": { name: "probe", version: "1.2.3" } },
    });
    const listed = ask("tools/list")?.result as { tools: Message[] };
    expect(listed).toMatchObject({ resultType: "complete", ttlMs: 3_600_000, cacheScope: "public" });
    expect(listed.tools).toHaveLength(8);
    wire.call(5, "add", { a: 2 }, META);
    expect((await wire.until(3))[2]?.result).toEqual({
      ...{ resultType: "complete", content: [{ type: "text", text: '{"sum":3}' }] },
      ...{ structuredContent: { sum: 3 }, isError: false },
    });
    wire.call(6, "add", { a: "two" }, META);
    expect((await wire.until(4))[3]?.result).toMatchObject({ resultType: "complete", isError: true });
  });

  test.each<[string, string, Message, Message]>([
    [
      "an unknown revision",
      "tools/list",
      { ...META, "io.modelcontextprotocol/protocolVersion": "2099-01-01" },
      {
        ...{ code: -32022, message: "Unsupported protocol version" },
        data: { supported: SUPPORTED, requested: "2099-01-01" },
      },
    ],
    [
      "a revision that is no text",
      "tools/list",
      { ...META, "io.modelcontextprotocol/protocolVersion": 7 },
      {
        ...{ code: -32022, message: "Unsupported protocol version", data: { supported: SUPPORTED, requested: "" } },
      },
    ],
    [
      "no capabilities",
      "tools/list",
      { ...META, "io.modelcontextprotocol/clientCapabilities": [] },
      {
        ...{ code: -32602, message: "io.modelcontextprotocol/clientCapabilities is missing in _meta" },
      },
    ],
    [
      "no revision",
      "server/discover",
      {},
      {
        ...{ code: -32602, message: "io.modelcontextprotocol/protocolVersion is missing in _meta" },
      },
    ],
    ["no revision before initialize", "tools/list", {}, { code: -32600, message: "send initialize first" }],
    ["a ping, which the revision does not have", "ping", META, { code: -32601, message: "no method ping" }],
  ])("[PL116] refuses %s", (_what, method, meta, error) => {
    expect(ask(method, {}, meta)).toEqual({ jsonrpc: "2.0", id: 1, error });
  });

  test("[PL116] both eras are answered side by side", () => {
    ask("initialize", { protocolVersion: "2025-11-25" }, {});
    expect(ask("tools/list")?.result).toHaveProperty("resultType");
    expect(ask("tools/list", {}, {})?.result).not.toHaveProperty("resultType");
    expect(ask("ping", {}, {})?.result).toEqual({});
  });

  test("[PL116] settings come with the first request and stay", async () => {
    const plugin = definePlugin({ name: "probe", version: "1.2.3" });
    plugin.tool("where", { description: "Says it.", effect: "pure", handler: (_, { settings }) => settings });
    wire = new Wire(plugin);
    ask("server/discover", {}, { ...META, "org.logomesh/settings": { city: "Bern" } });
    ask("server/discover");
    wire.call(5, "where", {}, META);
    expect((await wire.until(3))[2]).toMatchObject({ result: { structuredContent: { city: "Bern" } } });
  });
});

describe("tools/list", () => {
  test("shows schemas, hints and effect", () => {
    wire.write({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const { tools } = wire.sent[1]?.result as { tools: Message[] };
    expect(tools.slice(0, 2)).toEqual([
      {
        name: "add",
        title: "Add",
        description: "Adds two numbers.",
        inputSchema: {
          type: "object",
          properties: { a: { type: "number" }, b: { type: "number", default: 1 } },
          required: ["a"],
          additionalProperties: false,
        },
        outputSchema: {
          type: "object",
          properties: { sum: { type: "number" } },
          required: ["sum"],
          additionalProperties: false,
        },
        annotations: { readOnlyHint: true, idempotentHint: true },
        _meta: { "org.logomesh/effect": "pure" },
      },
      {
        name: "hang",
        description: "Waits until it is cancelled.",
        inputSchema: { type: "object", properties: {}, additionalProperties: false },
        annotations: { readOnlyHint: false, idempotentHint: false },
        _meta: { "org.logomesh/effect": "once" },
      },
    ]);
  });
});

describe("tools/call", () => {
  test("answers structured and as text", async () => {
    wire.call(1, "add", { a: 2 });
    expect((await wire.until(2))[1]).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: {
        content: [{ type: "text", text: '{"sum":3}' }],
        structuredContent: { sum: 3 },
        isError: false,
      },
    });
  });

  test("answers arguments that do not fit as an error of the call, before the handler sees them", async () => {
    wire.call(1, "add", { a: "2", c: 1 });
    expect(errorText((await wire.until(2))[1])).toBe(
      "Arguments of add are not valid: /a must be of type number, not a string; /c is not known; known are a, b.",
    );
  });

  test.each([
    ["refuse", "no such note", 0],
    ["crash", "bug", 1],
    ["lie", "The result of lie does not fit its output schema: /sum must be of type number, not a string.", 1],
    ["nan", "result.value is NaN, which JSON has no number for", 1],
  ])("answers the failure of %s with its message", async (tool, message, logged) => {
    wire.call(1, tool, {});
    expect(errorText((await wire.until(2))[1])).toBe(message);
    expect(wire.logged.filter((line) => line.startsWith(`tool ${tool} failed: `))).toHaveLength(logged);
  });

  test("answers nothing as null", async () => {
    wire.call(1, "nothing", undefined);
    expect((await wire.until(2))[1]?.result).toEqual({ content: [{ type: "text", text: "null" }], isError: false });
  });

  test("gives handlers what a person set for the plugin", async () => {
    const plugin = definePlugin({ name: "probe", version: "1.2.3" });
    plugin.tool("where", { description: "Says it.", effect: "pure", handler: (_, { settings }) => settings });
    const told = new Wire(plugin);
    const meta = { "org.logomesh/settings": { city: "Bern" } };
    told.write({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25", _meta: meta } });
    told.call(1, "where", {});
    expect((await told.until(2))[1]).toMatchObject({ result: { structuredContent: { city: "Bern" } } });
  });

  test("reports progress to those who ask, not faster than every 50 ms, and passes the idempotency key", async () => {
    wire.call(1, "talk", {}, { progressToken: "p", "org.logomesh/idempotencyKey": "k1" });
    wire.call(2, "talk", {});
    expect((await wire.until(4)).slice(1)).toEqual([
      {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: "p", progress: 1, total: 2, message: "half" },
      },
      { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text: "key k1" }], isError: false } },
      { jsonrpc: "2.0", id: 2, result: { content: [{ type: "text", text: "key none" }], isError: false } },
    ]);
    expect(wire.logged).toEqual(['working {"step":1}', "done", 'working {"step":1}', "done"]);
  });

  test("aborts the signal on cancel and sends no answer", async () => {
    wire.call(7, "hang", {});
    const signal = await started.promise;
    wire.write({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7, reason: "enough" } });
    expect((signal.reason as Error).message).toBe("enough");
    await wire.server.close();
    wire.write({ jsonrpc: "2.0", id: 8, method: "ping" });
    expect(wire.sent.slice(1)).toEqual([{ jsonrpc: "2.0", id: 8, result: {} }]);
  });

  test("close waits for the handlers that it aborts", async () => {
    wire.call(7, "hang", {});
    await wire.server.close();
    expect(wire.sent).toHaveLength(1);
  });

  test("refuses a second call with an id in flight", async () => {
    wire.call(7, "hang", {});
    wire.call(7, "hang", {});
    expect(wire.sent[1]?.error).toEqual({ code: -32600, message: "a call with this id is in flight" });
    await wire.server.close();
  });

  test("refuses calls beyond the limit of calls in flight", async () => {
    for (let id = 1; id <= 1025; id += 1) wire.call(id, "hang", {});
    expect(wire.sent.slice(1)).toEqual([
      { jsonrpc: "2.0", id: 1025, error: { code: -32600, message: "1024 calls are in flight" } },
    ]);
    await wire.server.close();
  });

  test.each([
    [{ name: "none" }, 'no tool named "none"'],
    [{ name: "toString" }, 'no tool named "toString"'],
    [{}, "no tool named undefined"],
    [{ name: "add", arguments: [1] }, "arguments must be an object"],
  ])("refuses %j", (params, message) => {
    wire.write({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    expect(wire.sent[1]).toEqual({ jsonrpc: "2.0", id: 1, error: { code: -32602, message } });
  });
});

describe("messages", () => {
  test.each([
    ["nonsense", null, -32700, /not a line of JSON/],
    ["[]", null, -32600, /not a JSON-RPC/],
    ['{"jsonrpc":"2.0","id":4}', 4, -32600, /neither/],
    ['{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}', 4, -32600, /params/],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', null, -32600, /id/],
    ['{"jsonrpc":"2.0","id":4,"method":"prompts/list"}', 4, -32601, /prompts\/list/],
    [Buffer.from([0x22, 0xff, 0x22]), null, -32700, /not a line of JSON/],
  ])("answers %s with an error and goes on", (line, id, code, message) => {
    wire.server.receive(Buffer.concat([Buffer.from(line), Buffer.from("\n")]));
    wire.write({ jsonrpc: "2.0", id: 9, method: "ping" });
    expect(wire.sent[1]).toMatchObject({ id, error: { code, message: expect.stringMatching(message) } });
    expect(wire.sent[2]).toEqual({ jsonrpc: "2.0", id: 9, result: {} });
  });

  test("ignores empty lines, answers to nobody, and unknown notifications", () => {
    wire.server.receive(Buffer.from("\n  \n"));
    wire.write({ jsonrpc: "2.0", id: 1, result: {} });
    wire.write({ jsonrpc: "2.0", method: "notifications/initialized" });
    wire.write({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 99 } });
    wire.write({ jsonrpc: "2.0", method: "notifications/cancelled", params: {} });
    expect(wire.sent).toHaveLength(1);
  });
});

describe("LineReader", () => {
  test("joins chunks, splits lines and keeps bytes whole", () => {
    const reader = new LineReader(100);
    const bytes = Buffer.from("é\nzwei\ndr");
    const lines = [...bytes].flatMap((byte) => reader.push(Buffer.from([byte])));
    expect(lines.map(String)).toEqual(["é", "zwei"]);
    expect(reader.push(Buffer.from("ei\n")).map(String)).toEqual(["drei"]);
  });

  test("drops a line above the limit and goes on with the next", () => {
    const reader = new LineReader(4);
    expect(reader.push(Buffer.from("1234\n12345\n67"))).toEqual([Buffer.from("1234"), undefined]);
    expect(reader.push(Buffer.from("8901\nok\n"))).toEqual([undefined, Buffer.from("ok")]);
  });

  test("a too long line is answered", () => {
    const line = Buffer.alloc(8_388_609, 0x20);
    wire.server.receive(line);
    wire.server.receive(Buffer.from("\n"));
    expect(wire.sent[1]).toEqual({
      jsonrpc: "2.0",
      id: null,
      error: { code: -32700, message: "the message is longer than the limit" },
    });
  });
});

test("a declaration that could not work is refused at once", () => {
  const plugin = definePlugin({ name: "bad", version: "1.0.0" });
  const tool = { description: "x", effect: "pure" as const, handler: () => ({}) };
  plugin.tool("x", tool);
  expect(() => plugin.tool("x", tool)).toThrow("Tool x is declared twice");
  expect(() => plugin.tool("a b", tool)).toThrow('Tool name "a b"');
  expect(() => plugin.tool("y", { ...tool, input: s.string() })).toThrow("the input schema must be an object schema");
  expect(() => plugin.tool("y", { ...tool, output: s.array(s.string()) })).toThrow("the output schema");
});
