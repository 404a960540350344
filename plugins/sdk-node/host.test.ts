import { expect, test } from "vitest";
import { createHost } from "./host.ts";
import { HostConnection, connectHost, type HostRequestOptions } from "./hostConnection.ts";
import type { JsonValue } from "./jsonValue.ts";

interface Message {
  id: number;
  method: string;
  params: {
    name: string;
    arguments: Record<string, JsonValue>;
    _meta: Record<string, JsonValue>;
    requestId?: number;
    types?: string[];
  };
}

/** A workbench that answers each request with what the test makes of it. */
function play(answer: (message: Message) => object[], options: HostRequestOptions = {}) {
  const sent: Message[] = [];
  let say: (message: object) => void = () => undefined;
  let hangUp: () => void = () => undefined;
  let opened = 0;
  const connection = new HostConnection((receive, close) => {
    opened += 1;
    say = (message) => receive(Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`));
    hangUp = close;
    return {
      send(line) {
        const message = JSON.parse(line) as Message;
        sent.push(message);
        setImmediate(() => answer(message).forEach((reply) => say(reply)));
      },
    };
  });
  return { sent, host: createHost(connection, options), opened: () => opened, hangUp: () => hangUp() };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const result = ({ id }: Message, structuredContent: object, isError = false): object[] => [
  { id, result: { structuredContent, isError } },
];

const CONTENTS: Record<string, object> = {
  fs_read: { path: "a", text: "t", base64: "aGk=", sha256: "s" },
  fs_list: { entries: [{ name: "a", kind: "file", size: 1 }] },
  fs_propose_change: { approvalId: "apr" },
  store_get: { found: true, value: 1 },
  store_put: {},
  store_delete: { deleted: true },
  store_list: { keys: ["a"], isMore: false },
  blob_put: { handle: "h" },
  net_fetch: { status: 200, headers: {}, url: "u", base64: "aGk=" },
  llm_generate: { text: "yes" },
  plugin_call: { content: [], isError: false },
  model_propose: { approvalId: "apr" },
  thought_search: { thoughts: [{ id: "t" }] },
  thought_get: { thought: { id: "t" } },
  thought_create: { id: "t" },
  event_publish: { id: "e" },
};
const hi = new TextEncoder().encode("hi");

test("each method is a tool of the workbench, asked with the token of the call", async () => {
  const { host, sent, opened } = play((message) => result(message, CONTENTS[message.params.name] ?? {}), {
    callToken: "call-1",
  });
  expect(opened()).toBe(0);
  expect(await host.readFile("a")).toMatchObject({ text: "t" });
  expect(await host.readBytes("a")).toEqual(hi);
  expect(await host.listFiles(".")).toEqual([{ name: "a", kind: "file", size: 1 }]);
  expect(await host.proposeFileChange({ path: "a", text: null })).toEqual({ approvalId: "apr" });
  const proposal = { alias: "default", provider: "ollama", model: "m", why: "w" };
  expect(await host.proposeModel(proposal)).toEqual({ approvalId: "apr" });
  expect(await host.store.get("k")).toBe(1);
  await host.store.put("k", { big: 2n ** 60n, gone: undefined });
  await host.store.put("k", undefined);
  expect(await host.store.delete("k")).toBe(true);
  expect(await host.store.list("p", { after: "a" })).toEqual({ keys: ["a"], isMore: false });
  expect(await host.blobs.put(hi, { media: "m" })).toBe("h");
  expect(await host.fetch("https://e", { body: hi, headers: { a: "b" } })).toMatchObject({ status: 200, body: hi });
  expect(await host.fetch("https://e", { body: "hi" })).toMatchObject({ status: 200 });
  expect(await host.llm.generate({ prompt: "p" })).toEqual({ text: "yes" });
  expect(await host.callPlugin("p", "t", { a: 1 }, { timeoutMs: 9 })).toEqual({ content: [], isError: false });
  expect(await host.thoughts.search({ text: "x" })).toEqual([{ id: "t" }]);
  expect(await host.thoughts.get("t")).toEqual({ id: "t" });
  expect(await host.thoughts.create({ title: "t" })).toBe("t");
  expect(await host.publish({ type: "a.b", data: [1] })).toEqual({ id: "e" });
  const asked = sent.map(({ params }) => [params.name, params.arguments]);
  expect(asked).toContainEqual(["store_put", { key: "k", value: { big: "1152921504606846976" } }]);
  expect(asked).toContainEqual(["store_put", { key: "k", value: null }]);
  expect(asked).toContainEqual(["model_propose", proposal]);
  expect(asked).toContainEqual([
    "net_fetch",
    { url: "https://e", headers: { a: "b" }, bodyBase64: "aGk=", as: "base64" },
  ]);
  expect(asked).toContainEqual(["plugin_call", { plugin: "p", tool: "t", arguments: { a: 1 }, timeoutMs: 9 }]);
  for (const { params } of sent)
    expect(params._meta).toMatchObject({
      "org.logomesh/call": "call-1",
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    });
  expect(opened()).toBe(1);
});

test("a key that is not there is undefined, and a blob comes in parts", async () => {
  const missing = play((message) => result(message, { found: false }));
  expect(await missing.host.store.get("k")).toBeUndefined();
  const parts = [
    { base64: "YQ==", media: "m", isMore: true },
    { base64: "Yg==", media: "m", isMore: false },
  ];
  const { host } = play((message) => result(message, parts.shift() ?? {}));
  expect(await host.blobs.get("h")).toEqual({ bytes: new TextEncoder().encode("ab"), media: "m" });
});

test("refusals and failures are told apart", async () => {
  const data = { code: "LM_POLICY_DENIED", reason: "no", retryable: false };
  const denied = play(({ id }) => [{ id, error: { code: 4030, message: "may not", data } }]);
  await expect(denied.host.readFile("a")).rejects.toMatchObject({
    ...{ name: "HostError", code: "LM_POLICY_DENIED", status: 4030, isRetryable: false, message: "may not", data },
  });
  const failed = play((message) =>
    result(message, { code: "LM_FILE_NOT_FOUND", message: "not there", retryable: true }, true),
  );
  await expect(failed.host.readFile("a")).rejects.toMatchObject({
    ...{ code: "LM_FILE_NOT_FOUND", status: undefined, isRetryable: true, message: "not there" },
  });
  const bare = play(({ id }) => [{ id, error: { code: -32_601 } }]);
  await expect(bare.host.readFile("a")).rejects.toMatchObject({ code: "-32601", status: -32_601 });
  const silent = play((message) => result(message, {}, true));
  await expect(silent.host.readFile("a")).rejects.toMatchObject({ code: "LM_INTERNAL", message: "fs_read failed" });
});

test("what is not JSON never leaves", async () => {
  const { host, sent } = play((message) => result(message, {}));
  await expect(host.store.put("k", { a: Number.NaN })).rejects.toThrow("store_put.value.a is NaN");
  expect(sent).toEqual([]);
});

test("a cancelled call stops its requests, and those that it had not sent yet", async () => {
  const abort = new AbortController();
  const { host, sent } = play(() => [], { signal: abort.signal });
  const waiting = host.readFile("a");
  await new Promise(setImmediate);
  abort.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
  expect(sent.map(({ method, params }) => [method, params.requestId])).toEqual([
    ["tools/call", undefined],
    ["notifications/cancelled", 1],
  ]);
  await expect(host.readFile("b")).rejects.toThrow("cancelled");
  expect(sent).toHaveLength(2);
});

test("text comes bit by bit", async () => {
  const { host } = play((message) => [
    ...["a ", "b"].map((text) => ({
      method: "notifications/progress",
      params: { progressToken: message.params._meta.progressToken, progress: 1, message: text },
    })),
    ...result(message, { text: "a b" }),
  ]);
  const heard: string[] = [];
  expect(await host.llm.generate({ prompt: "p", onText: (text) => heard.push(text) })).toEqual({ text: "a b" });
  expect(heard).toEqual(["a ", "b"]);
});

test("progress of another plugin's tool is heard, and only what is progress", async () => {
  const { host } = play((message) => {
    const { progressToken } = message.params._meta;
    const tell = (params: object) => ({ method: "notifications/progress", params: { progressToken, ...params } });
    const told = [
      { progress: 1, total: 2, message: "half" },
      { progress: "2" },
      { message: "x" },
      { progress: 2, total: "2" },
    ];
    return [...told.map(tell), ...result(message, { content: [], isError: false, durationMs: 1 })];
  });
  const heard: object[] = [];
  await host.callPlugin("org.example.other", "t", {}, { onProgress: (progress) => heard.push(progress) });
  expect(heard).toEqual([{ progress: 1, total: 2, message: "half" }, { progress: 2 }]);
});

test("no more requests are on their way than the workbench answers at once", async () => {
  const held: Message[] = [];
  const { host, sent } = play((message) => {
    held.push(message);
    return held.length < 25 ? [] : result(message, { found: false });
  });
  const all = Array.from({ length: 30 }, (_, at) => host.store.get(String(at)));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(sent).toHaveLength(24);
  expect(all).toHaveLength(30);
});

test("events come in order, until the loop ends", async () => {
  const { host, sent } = play(({ id, method }) =>
    method === "events/listen"
      ? [0, 1, 2].map((at) => ({
          method: "notifications/events/event",
          params: { subscriptionId: id, event: { id: String(at) }, dropped: 0 },
        }))
      : [],
  );
  const seen: string[] = [];
  for await (const { event } of host.listen("a.*")) if (seen.push(event.id) === 3) break;
  expect(seen).toEqual(["0", "1", "2"]);
  expect(sent.map(({ method }) => method)).toEqual(["events/listen", "notifications/cancelled"]);
  expect(sent[0]?.params.types).toEqual(["a.*"]);
});

test("a subscription that was denied says why, and one whose call is cancelled ends", async () => {
  const denied = play(({ id }) => [{ id, error: { code: 4030, message: "no", data: {} } }]);
  await expect(collect(denied.host.listen(["a"]))).rejects.toMatchObject({ status: 4030 });
  const abort = new AbortController();
  const { host } = play(() => [], { signal: abort.signal });
  const events = collect(host.listen(["a"]));
  await new Promise(setImmediate);
  abort.abort();
  expect(await events).toEqual([]);
});

test("a workbench that goes away, or never was, leaves nobody waiting", async () => {
  const { host, hangUp } = play(() => []);
  const waiting = host.readFile("a");
  await new Promise(setImmediate);
  hangUp();
  await expect(waiting).rejects.toMatchObject({ code: "HOST_CLOSED" });
  const alone = createHost(connectHost({ env: {} } as NodeJS.Process));
  await expect(alone.readFile("a")).rejects.toThrow("LOGOMESH_HOST_FD is not set");
});
