import type { JsonObject, JsonValue } from "@logomesh/contracts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SqliteBlobStore } from "../../storage/index.ts";
import { TestHost } from "../testingHost.ts";

// Both SDKs, each in a process of its own, against the host plane and the real stores.

const NODE = `import { definePlugin, HostError, s } from "@logomesh/plugin-sdk";
const plugin = definePlugin({ name: "n", version: "1.0.0" });
const tool = (name: string, handler: (args: any, context: any) => unknown): void =>
  plugin.tool(name, { description: name, effect: "once", input: s.from<any>({ type: "object" }), handler });
tool("echo", ({ value }) => ({ value }));
tool("put", async ({ key, value }, { host }) => { await host.store.put(key, value); return { value: await host.store.get(key) }; });
tool("blob", async ({ base64, size }, { host }) => {
  const handle = await host.blobs.put(base64 === undefined ? Buffer.alloc(size, 7) : Buffer.from(base64, "base64"), { media: "x/y" });
  const { bytes, media } = await host.blobs.get(handle);
  return { handle, media, size: bytes.length, base64: size === undefined ? Buffer.from(bytes).toString("base64") : "" };
});
tool("through", async ({ plugin: target, tool: name, args }, { host }) => host.callPlugin(target, name, args));
tool("wait", async (_, { host }) => { await host.callPlugin("org.example.python", "sleep", {}); });
tool("denied", async ({ path }, { host }) => {
  try { await host.thoughts.search({ text: path }); return {}; }
  catch (error) { return { status: (error as HostError).status, code: (error as HostError).code }; }
});
tool("background", async () => ({ keys: (await plugin.host.store.list()).keys }));
await plugin.serve();
`;
const PYTHON = `from typing import Any
import base64
from logomesh import Context, HostError, Plugin
plugin = Plugin("p", "1.0.0")
anything = {"type": "object"}
def tool(function):
    return plugin.tool(effect="once", description=function.__name__, input=anything, output={"type": "object"})(function)
@tool
def echo(value: Any = None): return {"value": value}
@tool
def put(context: Context, key: Any, value: Any):
    context.host.store.put(key, value)
    return {"value": context.host.store.get(key)}
@tool
def blob(context: Context, base64: Any = None, size: Any = None):
    import base64 as codec
    handle = context.host.blobs.put(bytes([7]) * size if base64 is None else codec.b64decode(base64), media="x/y")
    data, media = context.host.blobs.get(handle)
    return {"handle": handle, "media": media, "size": len(data), "base64": codec.b64encode(data).decode() if size is None else ""}
@tool
def through(context: Context, plugin: Any, tool: Any, args: Any): return context.host.call_plugin(plugin, tool, args)
@tool
def sleep(context: Context): context.sleep(60); return {}
@tool
def denied(context: Context, path: Any):
    try: context.host.thoughts.search(path)
    except HostError as error: return {"status": error.status, "code": error.code}
    return {}
@tool
def background(): return {"keys": plugin.host.store.list()["keys"]}
plugin.serve()
`;
const [NODE_ID, PYTHON_ID] = ["org.example.node", "org.example.python"];
const BOTH = [NODE_ID, PYTHON_ID];
const store = { max_bytes: 50_000_000, why: "x" };
let host: TestHost;

beforeAll(async () => {
  host = new TestHost();
  const manifest = { permissions: { store }, resource_limits: { max_message_bytes: 2_000_000, max_processes: 64 } };
  host.write("node", { manifest: { ...manifest, id: NODE_ID }, files: { "index.ts": NODE } });
  host.write("python", { manifest: { ...manifest, id: PYTHON_ID, runtime: "python" }, files: { "main.py": PYTHON } });
  const { thoughts } = { thoughts: { search: () => Promise.resolve([]), get: nothing, create: nothing } };
  host.services = { store: host.options.store, blobs: new SqliteBlobStore(host.database), thoughts };
  await host.open();
});
afterAll(() => host[Symbol.asyncDispose]());

const nothing = () => Promise.reject(new Error("not asked"));
const call = async (pluginId: string, tool: string, args: JsonObject): Promise<JsonObject> => {
  const answer = await host.call(tool, args, { pluginId });
  expect(answer.isError, JSON.stringify(answer.content)).toBe(false);
  return answer.structuredContent as JsonObject;
};

/** What all three runtimes hold alike: numbers that a double holds, no halves of characters. */
const anyValue = fc
  .jsonValue({ stringUnit: "grapheme" })
  .filter((value) => JSON.stringify(value).length < 20_000) as fc.Arbitrary<JsonValue>;

test.each(BOTH)("[HP20] every value survives store and call through the SDK of %s", async (pluginId) => {
  const other = pluginId === NODE_ID ? PYTHON_ID : NODE_ID;
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      // A JSON number says nothing of -0; a large integer is a text for who must keep its digits.
      const wanted = portable(value);
      expect(await call(pluginId, "put", { key: "k", value: wanted })).toEqual({ value: wanted });
      const through = await call(pluginId, "through", { plugin: other, tool: "echo", args: { value: wanted } });
      expect(through.structuredContent).toEqual({ value: wanted });
    }),
    { seed: 11, numRuns: 60 },
  );
});

function portable(value: JsonValue): JsonValue {
  if (typeof value === "number")
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? String(BigInt(value)) : value + 0;
  if (Array.isArray(value)) return value.map(portable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, portable(part)]));
}

test.each(BOTH)(
  "[HP19] [HP20] bytes come back as they went through the SDK of %s, in parts too, and cross by handle",
  async (pluginId) => {
    const base64 = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString("base64");
    const { handle = "", ...facts } = await call(pluginId, "blob", { base64 });
    expect(facts).toEqual({ base64, media: "x/y", size: 256 });
    expect(handle).toMatch(/^logomesh:\/\/blob\/[0-9a-f]{64}$/);
    expect(await call(pluginId, "blob", { size: 1_000_000 })).toMatchObject({ size: 1_000_000 });
  },
);

test.each(BOTH)(
  "[HP4] [HP13] %s is told status and code of a denial, and asks for itself outside of calls",
  async (pluginId) => {
    host.policy.denied.add("thought.read *");
    expect(await call(pluginId, "denied", { path: "x" })).toEqual({ status: 4030, code: "LM_POLICY_DENIED" });
    host.policy.denied.clear();
    expect(await call(pluginId, "background", {})).toEqual({ keys: ["k"] });
  },
);

test("[HP5] a cancelled call stops what it asked for, in the other plugin too", async () => {
  const abort = new AbortController();
  const waiting = host.call("wait", {}, { pluginId: NODE_ID, signal: abort.signal });
  await expect.poll(() => host.host.get(PYTHON_ID).state).toBe("busy");
  abort.abort(new DOMException("stop", "AbortError"));
  await expect(waiting).rejects.toThrow("stop");
  await expect.poll(() => host.host.get(PYTHON_ID).state).not.toBe("busy");
  expect(await call(NODE_ID, "background", {})).toEqual({ keys: ["k"] });
});

test("[HP8] many requests at once wait in the SDK and are all answered", async () => {
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, at) => call(NODE_ID, "put", { key: `many/${at % 10}`, value: at })),
  );
  expect(all).toHaveLength(200);
});
