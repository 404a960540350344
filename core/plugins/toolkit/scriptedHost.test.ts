import { LogoMeshError, type JsonObject, type ToolProgress } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ProcessTaint } from "../hostPlane/processTaint.ts";
import { parseManifest } from "../manifest.ts";
import { ScriptedHost } from "./scriptedHost.ts";

const why = "The test needs it.";
const ALL = {
  ...{ "fs.read": [{ path: "docs", why }], "fs.propose": [{ path: "docs", why }], store: { max_bytes: 100, why } },
  "net.fetch": [{ host: "api.example.org", methods: ["GET"], why }],
  "llm.generate": { models: ["default"], max_tokens_per_day: 10, why },
  ...{ "model.propose": { why }, "thought.read": { why }, "thought.write": { why } },
  "plugin.call": [{ target: "org.example.other#tool", why }],
  "event.publish": [{ type: "org.example.made", why }],
  "event.subscribe": [{ type: "org.example.*", why }],
};

function createHost(permissions: JsonObject = ALL): ScriptedHost {
  const manifest = {
    ...{ id: "org.example.fixture", name: "Fixture", version: "1.0.0", description: "Of a test.", permissions },
    ...{ runtime: "nodejs", entry_point: "index.ts", security_level: "sandbox" },
  };
  return new ScriptedHost(parseManifest(JSON.stringify(manifest), "plugin.json"));
}

const session = { pluginId: "org.example.fixture", taint: new ProcessTaint() };

function ask(host: ScriptedHost, tool: string, args: JsonObject = {}, more: JsonObject[] | ToolProgress[] = []) {
  return host.call(tool, args, {
    ...{ session, call: { callers: [] }, signal: new AbortController().signal },
    onText: (text) => void (more as JsonObject[]).push({ text }),
    onProgress: (progress) => void (more as ToolProgress[]).push(progress),
  });
}

/** Of every tool of the host: what a test says, what is asked, and the whole answer. */
const ANSWERS: readonly [tool: string, result: JsonObject, asked: JsonObject, answer: object][] = [
  ["fs_read", { text: "é" }, { path: "docs/a" }, { path: "docs/a", text: "é", bytes: 2, sha256: expect.any(String) }],
  ["fs_read", { text: "ab" }, { path: "docs/a", as: "base64" }, { base64: "YWI=", bytes: 2 }],
  ["fs_read", { base64: "/w==" }, { path: "docs/a", as: "blob" }, { handle: expect.stringMatching(/^logomesh:/) }],
  ["fs_list", { entries: [{ name: "a", kind: "file", size: 1 }] }, { path: "docs" }, { entries: [{ name: "a" }] }],
  ["fs_propose_change", {}, { path: "docs/a", text: null }, { status: "pending", approvalId: expect.any(String) }],
  ["store_get", { value: null }, { key: "k" }, { found: true, value: null }],
  ["store_get", {}, { key: "k" }, { found: false }],
  ["store_put", {}, { key: "k", value: 1 }, {}],
  ["store_delete", { deleted: false }, { key: "k" }, { deleted: false }],
  ["store_list", { keys: ["a"] }, {}, { keys: ["a"], isMore: false }],
  [
    "blob_put",
    {},
    { base64: "AQI=" },
    { bytes: 2, handle: expect.stringMatching(/^logomesh:\/\/blob\/[0-9a-f]{64}$/) },
  ],
  [
    ...(["blob_get", { base64: "AQID" }, { handle: "logomesh://blob/1", offset: 1, length: 1 }] as const),
    { base64: "Ag==", bytes: 3, isMore: true, media: "application/octet-stream" },
  ],
  [
    ...(["net_fetch", { status: 404, text: "no" }, { url: "https://api.example.org/", as: "base64" }] as const),
    { status: 404, headers: {}, url: "https://api.example.org/", bytes: 2, base64: "bm8=" },
  ],
  ["net_fetch", {}, { url: "https://api.example.org/" }, { status: 200, text: "", bytes: 0 }],
  ["llm_generate", { text: "yes" }, { prompt: "?" }, { text: "yes", simulated: true, finishReason: "stop" }],
  [
    ...(["model_propose", {}, { alias: "fast", provider: "p", model: "m", why }] as const),
    { status: "pending", contentHash: expect.any(String) },
  ],
  [
    ...(["plugin_call", { structuredContent: { n: 1 } }, { plugin: "org.example.other", tool: "tool" }] as const),
    { structuredContent: { n: 1 }, isError: false, content: [{ type: "text", text: '{"n":1}' }] },
  ],
  ["event_publish", {}, { type: "org.example.made" }, { id: expect.stringMatching(/^evt_/) }],
  ["thought_search", { thoughts: [{ title: "A" }] }, {}, { thoughts: [{ title: "A", tags: [], simulated: false }] }],
  ["thought_get", { thought: { title: "A" } }, { id: "tht_1" }, { thought: { id: "tht_1", segments: [] } }],
  ["thought_create", {}, { title: "A" }, { id: expect.stringMatching(/^tht_/) }],
];

test.each(ANSWERS)("[PL300] [PL302] [PL303] %s answers %j to %j", async (tool, result, asked, answer) => {
  const host = createHost();
  host.begin({ calls: [{ tool, arguments: asked, result }] });
  expect(await ask(host, tool, asked)).toMatchObject(answer);
  expect(host.end()).toEqual({ problems: [], calls: [{ tool, arguments: asked }] });
});

test("[PL300] every tool that the host can have is answered by some test, and listed with the schemas of the host", () => {
  const names = createHost()
    .list()
    .map(({ name }) => name);
  expect([...new Set(ANSWERS.map(([tool]) => tool))].sort()).toEqual(names.sort());
  expect(names).not.toContain("test_begin");
});

test("[PL300] pieces, progress, errors and events come as the test says", async () => {
  const host = createHost();
  host.begin({
    calls: [
      { tool: "llm_generate", pieces: ["Hel", "lo"] },
      { tool: "plugin_call", progress: [{ progress: 1, total: 2 }], result: { content: [] } },
      { tool: "store_get", error: { code: "LM_POLICY_DENIED", message: "Not today." } },
      { tool: "events/listen", arguments: { types: ["org.example.*"] }, events: [{ type: "org.example.a", data: 7 }] },
      { tool: "events/listen", error: { code: "LM_POLICY_DENIED" } },
    ],
  });
  const heard: JsonObject[] = [];
  expect(await ask(host, "llm_generate", { prompt: "Hi" }, heard)).toMatchObject({ text: "Hello" });
  await ask(host, "plugin_call", { plugin: "org.example.other", tool: "tool" }, heard);
  expect(heard).toEqual([{ text: "Hel" }, { text: "lo" }, { progress: 1, total: 2 }]);
  await expect(ask(host, "store_get", { key: "k" })).rejects.toMatchObject({
    ...{ code: "LM_POLICY_DENIED", message: "Not today." },
  });
  using events = await host.listen({ types: ["org.example.*"] }, { session });
  expect(await events.next()).toMatchObject({ event: { type: "org.example.a", data: 7 }, dropped: 0 });
  const silence = events.next();
  events[Symbol.dispose]();
  expect(await silence).toBeUndefined();
  await expect(host.listen({ types: ["other"] }, { session })).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  expect(host.end().problems).toEqual([]);
});

test("[PL301] what no test expects is refused with the entry that would answer it, and is in the verdict", async () => {
  const host = createHost();
  await expect(ask(host, "store_get", { key: "k" })).rejects.toThrow("No script runs: store_get");
  host.begin({ calls: [{ tool: "store_get", arguments: { key: "a" }, result: { value: 1 } }] });
  const message = await ask(host, "store_get", { key: "b" }).catch(
    (error: unknown) => (error as LogoMeshError).message,
  );
  expect(message).toBe(
    'The script of the test does not expect this: store_get {"key":"b"}. It expects store_get with {"key":"a"}. To answer it, add ' +
      '{"tool":"store_get","arguments":{"key":"b"},"result":{"found":…,"value":…}} to the calls that the test expects of the host.',
  );
  const { problems } = host.end();
  expect(problems).toEqual([
    expect.stringContaining("No script runs"),
    message,
    'The test expects store_get {"key":"a"}, and the plugin did not ask for it.',
  ]);
  expect(host.end().problems).toEqual([]);
});

test("[PL301] an expected call is answered as often as it is expected", async () => {
  const host = createHost();
  host.begin({ calls: [{ tool: "store_put", times: 2 }] });
  await ask(host, "store_put", { key: "a", value: 1 });
  expect(host.end().problems).toEqual([expect.stringMatching(/expects store_put/)]);
  host.begin({ calls: [{ tool: "store_put" }] });
  await ask(host, "store_put", { key: "a", value: 1 });
  await expect(ask(host, "store_put", { key: "a", value: 1 })).rejects.toThrow("{} (asked for already)");
});

test.each<[lie: JsonObject, where: string]>([
  [{ tool: "rm" }, "/calls/0/tool"],
  [{ tool: "store_get", arguments: { kee: "k" } }, "/calls/0/arguments/kee store_get takes key"],
  [{ tool: "store_get", result: { found: "yes" } }, "/calls/0/result/found"],
  [{ tool: "store_get", result: { found: true, extra: 1 } }, "/calls/0/result/extra is no field"],
  [{ tool: "fs_list", result: { entries: [{ name: "a", kind: "link", size: 1 }] } }, "/calls/0/result/entries/0/kind"],
  [{ tool: "fs_list", result: { entries: [{ name: "a", kind: "file", size: 1, mode: 7 }] } }, "does not give"],
  [{ tool: "store_get", error: { code: "NO_SUCH" } }, "/calls/0/error/code"],
  [{ tool: "store_get", result: {}, error: { code: "LM_TIMEOUT" } }, "a result and an error"],
  [{ tool: "store_get", pieces: ["a"] }, "/calls/0/pieces"],
  [{ tool: "events/listen", result: {} }, "/calls/0/result"],
  [{ tool: "store_get", times: 1_001 }, "/calls/0/times"],
  [{ tool: "store_get", unknown: 1 }, "/calls/0"],
])("[PL302] %j is refused", (call, where) => {
  expect(() => createHost().begin({ calls: [call] })).toThrow(where);
});

test("[PL302] what plugin.json does not ask for is not answered, but may be denied", () => {
  const host = createHost({ store: { max_bytes: 1, why } });
  const call = { tool: "net_fetch", result: { text: "" } };
  expect(() => host.begin({ calls: [call] })).toThrow("“net_fetch” needs net.fetch, and plugin.json does not ask");
  host.begin({ calls: [{ tool: "net_fetch", error: { code: "LM_POLICY_DENIED" } }] });
});

test.each<[tool: string, result: JsonObject, asked: JsonObject, what: RegExp]>([
  ["fs_list", {}, { path: "docs" }, /\/result\/entries/],
  ["fs_read", {}, { path: "docs" }, /\/result\/(sha256|bytes)/],
  ["fs_read", { text: "abc", bytes: 2 }, { path: "docs" }, /bytes is 2, and would be 3/],
  ["fs_read", { base64: "/w==" }, { path: "docs" }, /no text in UTF-8/],
  ["store_get", { found: false, value: 1 }, { key: "k" }, /found is false, and would be true/],
])(
  "[PL302] %s that answers %j to %j is refused when it is asked, and fails the test",
  async (tool, result, asked, what) => {
    const host = createHost();
    host.begin({ calls: [{ tool, result }] });
    await expect(ask(host, tool, asked)).rejects.toThrow(what);
    expect(host.end().problems).toEqual([expect.stringMatching(what)]);
  },
);

test("[PL302] pieces that are another text than the result are refused", async () => {
  const host = createHost();
  host.begin({ calls: [{ tool: "llm_generate", pieces: ["a"], result: { text: "b" } }] });
  await expect(ask(host, "llm_generate", { prompt: "?" })).rejects.toThrow("another text");
});

test("[PL301] one script runs at a time, of at most 1,000 calls", () => {
  const host = createHost();
  const many = Array.from({ length: 1_001 }, () => ({ tool: "store_put" }));
  expect(() => host.begin({ calls: many })).toThrow(/calls/);
  host.begin({ calls: [] });
  expect(() => host.begin({ calls: [] })).toThrow(LogoMeshError);
});

test("[PL300] a script and its verdict are asked for as tools, beside those of the host", async () => {
  const host = createHost();
  await ask(host, "test_begin", { calls: [{ tool: "store_put" }] });
  expect(await ask(host, "test_end")).toEqual({ problems: [expect.stringContaining("store_put")], calls: [] });
  expect(["test_begin", "test_end", "store_put", "rm"].map((name) => host.has(name))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([host.timeoutMs("store_put"), host.openProxy(), host.hasEvents]).toEqual([30_000, undefined, true]);
});
