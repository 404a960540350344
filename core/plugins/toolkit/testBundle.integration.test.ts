import { join } from "node:path";
import { expect, test, afterAll } from "vitest";
import { systemClock } from "../../base/index.ts";
import { createTempFolder, silentLogger as logger } from "../../testing/index.ts";
import { createBubblewrapSandbox } from "../sandbox/bubblewrapSandbox.ts";
import { fixtureServer, writePlugin } from "../testing.ts";
import { HOST_CLIENT } from "../hostPlane/testing/askingPlugin.ts";
import { testBundle } from "./testBundle.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const sandbox = createBubblewrapSandbox({ logger, clock: systemClock, nodePath: process.execPath });
afterAll(() => sandbox[Symbol.dispose]());

const STORE = { permissions: { store: { max_bytes: 1_000, why: "It counts." } } };

async function run(
  files: Record<string, string>,
  { manifest = {}, timeoutMs = 60_000 }: { manifest?: Record<string, unknown>; timeoutMs?: number } = {},
) {
  using folder = createTempFolder();
  writePlugin(join(folder.path, "a"), { manifest: { ...STORE, ...manifest }, files });
  let output = "";
  const { isPassed } = await testBundle({
    ...{ folder: join(folder.path, "a"), sandbox, clock: systemClock, timeoutMs, signal: new AbortController().signal },
    ...{ nodeSdkFolder: join(REPOSITORY, "plugins/sdk-node"), pythonSdkFolder: join(REPOSITORY, "plugins/sdk-python") },
    shellSdkFolder: join(REPOSITORY, "plugins/sdk-shell"),
    onOutput: (text) => (output += text),
  });
  return { isPassed, output };
}

const COUNTER = `import { definePlugin, s } from "@logomesh/plugin-sdk";
export const plugin = definePlugin({ name: "counter", version: "1.0.0" });
plugin.tool("count", {
  description: "Counts.", effect: "once", input: s.object({ careless: s.boolean().default(false) }),
  handler: async ({ careless }, { host, progress, settings, idempotencyKey, signal }) => {
    progress({ progress: 1, total: 2, message: "half" });
    const n = careless ? await host.store.get("x").catch(() => 0) : await host.store.get("n");
    await host.store.put("n", Number(n ?? 0) + 1);
    return { n: Number(n ?? 0) + 1, settings, idempotencyKey: idempotencyKey ?? "" };
  },
});
plugin.tool("wait", {
  description: "Waits.", effect: "pure",
  handler: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
});
plugin.tool("hear", {
  description: "Hears one event.", effect: "pure",
  handler: async (_, { host }) => { for await (const { event } of host.listen("org.example.*")) return { type: event.type }; },
});
await plugin.serve();
`;
const NODE_TEST = `import { test } from "node:test";
import assert from "node:assert/strict";
import { callTool, withHost } from "@logomesh/plugin-sdk/testing";
import { plugin } from "./index.ts";
`;
const GET = `{ tool: "store_get", arguments: { key: "n" }, result: { value: 4 } }`;
const PUT = `{ tool: "store_put", arguments: { key: "n", value: 5 } }`;

test("[PL300] [PL301] a test in Node.js sees answer, progress and calls, and fails for each that went otherwise", async () => {
  const { isPassed, output } = await run(
    {
      "index.ts": COUNTER,
      "a.test.ts": `${NODE_TEST}
test("as expected", async () => {
  const answer = await callTool(plugin, "count", {}, { host: [${GET}, ${PUT}], settings: { a: 1 }, idempotencyKey: "k" });
  assert.deepEqual(answer.structuredContent, { n: 5, settings: { a: 1 }, idempotencyKey: "k" });
  assert.deepEqual(answer.progress, [{ progress: 1, total: 2, message: "half" }]);
  assert.deepEqual(answer.hostCalls.map(({ tool }) => tool), ["store_get", "store_put"]);
});
test("invalid arguments are the answer", async () => assert.equal((await callTool(plugin, "count", { careless: 1 })).isError, true));
test("no such tool", async () => { await assert.rejects(callTool(plugin, "nothing"), /no tool named/); });
test("cancelled", async () => {
  await assert.rejects(callTool(plugin, "wait", {}, { signal: AbortSignal.timeout(20) }), /timeout/);
});
test("an event", async () => {
  const host = [{ tool: "events/listen", events: [{ type: "org.example.a" }] }];
  assert.deepEqual((await callTool(plugin, "hear", {}, { host })).structuredContent, { type: "org.example.a" });
});
test("what the code throws comes through", async () => {
  await assert.rejects(withHost([], () => { throw new RangeError("mine"); }), RangeError);
});
test("a lie", async () => {
  await assert.rejects(withHost([{ tool: "store_get", result: { found: "yes" } }], () => 1), /would never answer so/);
});
test("FAIL unexpected", async () => { await callTool(plugin, "count", {}, { host: [${GET}] }); });
test("FAIL swallowed", async () => { await callTool(plugin, "count", { careless: true }, { host: [${PUT.replace("5", "1")}] }); });
test("FAIL missed", async () => { await withHost([${PUT}], () => 1); });
test("outside of a script", async () => { await plugin.host.store.get("late").catch(() => 0); });
`,
    },
    {
      manifest: {
        permissions: { ...STORE.permissions, "event.subscribe": [{ type: "org.example.*", why: "It hears." }] },
      },
    },
  );
  expect(isPassed).toBe(false);
  for (const passed of [
    "as expected",
    "invalid arguments",
    "no such tool",
    "cancelled",
    "an event",
    "what the code",
    "a lie",
  ])
    expect(output).toMatch(new RegExp(`^✔ ${passed}`, "m"));
  for (const failed of ["unexpected", "swallowed", "missed"])
    expect(output).toMatch(new RegExp(`^✖ FAIL ${failed}`, "m"));
  expect(output).toContain('The script of the test does not expect this: store_get {"key":"x"}');
  expect(output).toContain('The test expects store_put {"key":"n","value":5}, and the plugin did not ask for it.');
  expect(output).toContain('✗ No script runs: store_get {"key":"late"}');
});

test("[PL300] [PL301] so does a test in Python", async () => {
  const { isPassed, output } = await run(
    {
      "main.py": `from logomesh import Context, Plugin
plugin = Plugin("counter", "1.0.0")
@plugin.tool(effect="once")
def count(context: Context, careless: bool = False) -> dict:
    """Counts."""
    context.progress(1, 2, "half")
    try:
        n = context.host.store.get("x" if careless else "n", 0)
    except Exception:
        n = 0
    context.host.store.put("n", n + 1)
    return {"n": n + 1, "settings": context.settings, "key": context.idempotency_key}
plugin.serve()
`,
      "test_main.py": `import unittest
from logomesh.testing import ScriptError, call_tool, with_host
from main import plugin
GET = {"tool": "store_get", "arguments": {"key": "n"}, "result": {"value": 4}}
PUT = {"tool": "store_put", "arguments": {"key": "n"}}
class Tests(unittest.TestCase):
    def test_expected(self):
        answer = call_tool(plugin, "count", host=[GET, PUT], settings={"a": 1}, idempotency_key="k")
        self.assertEqual(answer["structuredContent"], {"n": 5, "settings": {"a": 1}, "key": "k"})
        self.assertEqual(answer["progress"], [{"progress": 1, "total": 2, "message": "half"}])
        self.assertEqual([call["tool"] for call in answer["hostCalls"]], ["store_get", "store_put"])
    def test_invalid(self):
        self.assertTrue(call_tool(plugin, "count", {"careless": 1})["isError"])
        with self.assertRaisesRegex(ValueError, "no tool named"):
            call_tool(plugin, "nothing")
    def test_wrong(self):
        with self.assertRaisesRegex(ScriptError, "does not expect this: store_get"):
            call_tool(plugin, "count", {"careless": True}, host=[PUT])
        with self.assertRaisesRegex(ScriptError, "did not ask for it"):
            with with_host([PUT]): pass
        with self.assertRaisesRegex(Exception, "would never answer so"):
            with with_host([{"tool": "store_get", "result": {"found": 1}}]): pass
        with self.assertRaises(KeyError):
            with with_host([]): raise KeyError("mine")
`,
    },
    { manifest: { runtime: "python" } },
  );
  expect({ isPassed, output }).toMatchObject({ isPassed: true, output: expect.stringContaining("Ran 3 tests") });
});

test("[PL305] cases ask the process that would serve, whatever it is written in, and say what went otherwise", async () => {
  const { isPassed, output } = await run({
    "index.mjs": fixtureServer({
      tools: `[{ name: "get" }, { name: "crash" }]`,
      preamble: HOST_CLIENT,
      body: `
  if (name === "crash") process.exit(3);
  const { result, error } = await request("tools/call", { name: "store_get", arguments: args });
  return { content: [], structuredContent: result?.structuredContent ?? error };`,
    }),
    "a.test.yaml": `cases:
  - { name: good, tool: get, arguments: { key: n }, host: [{ tool: store_get, result: { value: 4 } }], result: { found: true, value: 4 } }
  - { name: other, tool: get, arguments: { key: n }, host: [{ tool: store_get, result: { value: 4 } }], result: { value: 5 } }
  - { name: unexpected, tool: get, arguments: { key: n }, text: "" }
  - { name: lie, tool: get, host: [{ tool: store_get, result: { value: 4, more: 1 } }], text: "" }
  - { name: none, tool: gett, text: "" }
  - { name: ends, tool: crash, error: ended with exit code 3 }
  - { name: after, tool: get, text: "" }
`,
  });
  expect(isPassed).toBe(false);
  expect(output.split("\n")).toEqual(
    expect.arrayContaining([
      "ok a.test.yaml: good",
      "not ok a.test.yaml: other",
      '  It answers {"value":4,"found":true}, and should answer {"value":5}.',
      "not ok a.test.yaml: unexpected",
      expect.stringContaining('does not expect this: store_get {"key":"n"}'),
      "not ok a.test.yaml: lie",
      expect.stringContaining("/calls/0/result/more is no field of the answer"),
      "  It fails: org.example.fixture has no tool gett; it has get, crash.",
      "ok a.test.yaml: ends",
      "not ok a.test.yaml: after",
    ]),
  );
});

test("[PL303] [PL304] hostile tests reach nothing, and end as a failure that says why", async () => {
  const node = async (body: string, timeoutMs?: number) =>
    run({ "index.ts": COUNTER, "a.test.ts": NODE_TEST + body }, timeoutMs === undefined ? {} : { timeoutMs });
  expect(
    await node(`test("huge", () => withHost([{ tool: "store_get", result: { value: "x".repeat(4e6) } }], () => 1));`),
  ).toEqual({
    ...{ isPassed: false, output: expect.stringContaining("sent a line of more than 1048576 bytes") },
  });
  // Its own memory ends it first.
  expect(
    await node(`test("huge", () => withHost([{ tool: "store_get", result: { value: "x".repeat(2e8) } }], () => 1));`),
  ).toEqual({
    ...{ isPassed: false, output: expect.stringMatching(/more than (256 MiB|1048576 bytes)/) },
  });
  expect(await node(`test("network", async () => { await fetch("http://127.0.0.1:1"); });`)).toMatchObject({
    isPassed: false,
  });
  expect(await node(`test("leaves", () => process.exit(0));`)).toMatchObject({ isPassed: false });
  expect(await node(``)).toEqual({ isPassed: false, output: expect.stringContaining("No test ran") });
  expect(await node(`throw new Error("while loading");`)).toMatchObject({
    ...{ isPassed: false, output: expect.stringContaining("while loading") },
  });
  await expect(
    node(`test("never", () => new Promise((resolve) => setTimeout(resolve, 1e9)));`, 1_500),
  ).rejects.toMatchObject({
    ...{ code: "LM_TIMEOUT", message: expect.stringContaining("within 1.5 s") },
  });
  const flood = `import os
while True: os.write(1, b"x" * 65536)
`;
  const inPython = { manifest: { runtime: "python" } };
  await expect(run({ "main.py": "", "test_a.py": flood }, inPython)).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  const empty = { "main.py": "", "test_a.py": "" };
  expect(await run(empty, inPython)).toEqual({
    ...{ isPassed: false, output: expect.stringContaining("No test ran") },
  });
});
