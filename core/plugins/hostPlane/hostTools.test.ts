import {
  LogoMeshError,
  type GenerateResult,
  type CallToolResult,
  type JsonObject,
  type JsonValue,
  type ThoughtDetail,
} from "@logomesh/contracts";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { GenerateContext, PluginToolCall, PluginToolOptions, Principal } from "../../ports/index.ts";
import { PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";
import { TokenLedger } from "../store/index.ts";

const OTHER = "org.example.other";
const why = "for the test";

function play(...options: ConstructorParameters<typeof PlayedPlane>): PlayedPlane {
  const played = new PlayedPlane(...options).listen();
  onTestFinished(() => played[Symbol.dispose]());
  played.grant({ store: { max_bytes: 100_000, why } });
  return played;
}

const content = (answer: { result?: JsonObject }): JsonObject => (answer.result?.structuredContent ?? {}) as JsonObject;
const workflow: Principal = { type: "Workflow", id: "hash" };
const client: Principal = { type: "Client", id: "tok_1" };
const plugin = (id: string): Principal => ({ type: "Plugin", id });

/** Another plugin that keeps what it is called with. */
function recordingPlugins(answer: Partial<CallToolResult> = {}, { isPrivate = false } = {}) {
  const calls: PluginToolCall[] = [];
  return {
    calls,
    plugins: {
      describeTool: () => undefined,
      callTool: (call: PluginToolCall, { onTaint }: PluginToolOptions): Promise<CallToolResult> => {
        calls.push(call);
        if (isPrivate) onTaint();
        return Promise.resolve({ content: [], isError: false, durationMs: 2, ...answer });
      },
    },
  };
}

const CALL = { plugin: OTHER, tool: "t", arguments: { a: 1 } };

test("[HP12] [HP13] a request with a call's token is asked for that call's callers, and only for those", async () => {
  const { calls, plugins } = recordingPlugins();
  const played = play({ plugins });
  using one = played.plane.begin({
    callers: [workflow],
    run: { runId: "run_1", taskReference: "/do/0/a" },
  });
  using two = played.plane.begin({ callers: [client, plugin("org.example.first")] });
  await played.call("plugin_call", CALL, { "org.logomesh/call": one.token });
  await played.call("plugin_call", CALL, { "org.logomesh/call": two.token });
  expect(calls.map(({ chain, caller, run }) => ({ chain, caller, run }))).toEqual([
    { chain: [workflow], caller: plugin(PLUGIN), run: { runId: "run_1", taskReference: "/do/0/a" } },
    { chain: [client, plugin("org.example.first")], caller: plugin(PLUGIN), run: undefined },
  ]);
  expect(played.policy.asked).toMatchObject([
    { principal: plugin(PLUGIN), action: "plugin.call", resource: { id: `${OTHER}#t` }, chain: [workflow] },
    { chain: [client, plugin("org.example.first")] },
  ]);
  expect(played.audit.entries.map(({ kind, trace }) => [kind, trace])).toEqual([
    ["host.plugin_call", { plugin: PLUGIN, status: "completed", run: "run_1", task: "/do/0/a" }],
    ["host.plugin_call", { plugin: PLUGIN, status: "completed" }],
  ]);
});

test("[HP13] without a token, or with one that is old, foreign or no text, everybody whose call is in flight counts", async () => {
  const { calls, plugins } = recordingPlugins();
  const played = play({ plugins });
  const stranger = play({}, { seed: 8 });
  using foreign = stranger.plane.begin({ callers: [client] });
  const chainOf = async (token?: JsonValue): Promise<readonly Principal[] | undefined> => {
    await played.call("plugin_call", CALL, token === undefined ? {} : { "org.logomesh/call": token });
    return calls.at(-1)?.chain;
  };
  expect(await chainOf()).toEqual([]);
  const old = played.plane.begin({ callers: [workflow] });
  expect(await chainOf()).toEqual([workflow]);
  using _second = played.plane.begin({ callers: [client, plugin("org.example.b")] });
  using _third = played.plane.begin({ callers: [client] });
  const all = [workflow, client, plugin("org.example.b")];
  for (const token of [undefined, "", "0".repeat(32), foreign.token, 7, null, {}, [old.token], "__proto__"])
    expect(await chainOf(token)).toEqual(all);
  expect(await chainOf(old.token)).toEqual([workflow]);
  old[Symbol.dispose]();
  expect(await chainOf(old.token)).toEqual([client, plugin("org.example.b")]);
});

test("[HP13] what a plugin says about itself changes nothing", async () => {
  const played = play();
  const claims = {
    ...{
      plugin: "org.example.admin",
      "org.logomesh/plugin": "org.example.admin",
      principal: { type: "Client", id: "t" },
    },
    ...{ "io.modelcontextprotocol/clientInfo": { name: "org.example.admin", version: "1" }, tainted: false, chain: [] },
  };
  await played.ask("initialize", {
    protocolVersion: "2025-11-25",
    clientInfo: { name: "org.example.admin", version: "1" },
  });
  await played.call("store_put", { key: "a", value: 1 }, claims);
  expect(played.policy.asked).toEqual([
    {
      ...{ principal: plugin(PLUGIN), action: "store", resource: { type: "Plugin", id: PLUGIN } },
      context: { tainted: false },
    },
  ]);
  expect((await played.store.get(PLUGIN, "a")).value).toBe(1);
  expect(content(await played.call("store_put", { key: "b", value: 1, plugin: OTHER }))).toMatchObject({
    code: "LM_INPUT_INVALID",
  });
});

test("[HP15] values and blobs are asked for the plugin alone", async () => {
  const played = play();
  using begun = played.plane.begin({ callers: [workflow, plugin(OTHER)] });
  const meta = { "org.logomesh/call": begun.token };
  const { handle = "" } = content(await played.call("blob_put", { base64: "aGk=" }, meta));
  await played.call("blob_get", { handle }, meta);
  for (const [tool, args] of Object.entries({
    store_put: { key: "k", value: 1 },
    store_get: { key: "k" },
    store_list: {},
    store_delete: { key: "k" },
  }))
    await played.call(tool, args, meta);
  expect(played.policy.asked.map(({ action, chain }) => [action, chain])).toEqual([
    ...["blob", "blob", "store", "store", "store", "store"].map((action) => [action, undefined]),
  ]);
});

test("[HP16] who read a thought is tainted from then on, in what it asks and calls", async () => {
  const { calls, plugins } = recordingPlugins();
  const thought = { id: "tht_1", title: "Secret" } as ThoughtDetail;
  const played = play({
    plugins,
    thoughts: {
      search: () => Promise.resolve([thought]),
      get: () => Promise.resolve(thought),
      create: () => Promise.resolve(thought),
    },
  });
  await played.call("plugin_call", CALL);
  expect(content(await played.call("thought_create", { title: "x" }))).toEqual({ id: "tht_1" });
  expect(played.taint.isSet).toBe(false);
  expect(content(await played.call("thought_search", { text: "sec" }))).toEqual({ thoughts: [thought] });
  expect(played.taint.isSet).toBe(true);
  await played.call("plugin_call", CALL);
  expect(content(await played.call("thought_get", { id: "tht_1" }))).toEqual({ thought });
  expect(calls.map(({ tainted }) => tainted)).toEqual([false, true]);
  expect(played.policy.asked.map(({ action, context }) => [action, context?.tainted])).toEqual([
    ["plugin.call", false],
    ["thought.write", false],
    ["thought.read", false],
    ["plugin.call", true],
    ["thought.read", true],
  ]);
  expect(played.audit.entries.map(({ kind, data }) => [kind, data?.tainted])).toEqual([
    ["host.plugin_call", undefined],
    ["host.thought_create", undefined],
    ["host.thought_search", true],
    ["host.plugin_call", true],
    ["host.thought_get", true],
  ]);
});

test("[HP16] a tainted caller, and a tainted answer, taint the plugin", async () => {
  const first = play();
  await first.taint.add();
  expect(first.taint.isSet).toBe(true);
  const { plugins } = recordingPlugins({ structuredContent: { secret: 1 } }, { isPrivate: true });
  const second = play({ plugins });
  const answer = content(await second.call("plugin_call", CALL));
  expect(answer).toEqual({ content: [], isError: false, durationMs: 2, structuredContent: { secret: 1 } });
  expect(second.taint.isSet).toBe(true);
});

test("[HP17] a change is recorded together with what it changed, with hash and size", async () => {
  const played = play();
  await played.call("store_put", { key: "k", value: { a: "ü" } });
  await played.call("store_delete", { key: "k" });
  expect(content(await played.call("store_delete", { key: "k" }))).toEqual({ deleted: false });
  await played.call("blob_put", { base64: "aGk=", media: "text/plain" });
  expect(played.audit.entries).toMatchObject([
    {
      kind: "host.store_put",
      actor: { type: "plugin", id: PLUGIN },
      data: { key: "k", bytes: 10, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
    { kind: "host.store_delete", data: { key: "k" } },
    { kind: "host.store_delete", data: { key: "k" } },
    {
      kind: "host.blob_put",
      data: {
        media: "text/plain",
        bytes: 2,
        sha256: "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
      },
    },
  ]);
  expect(JSON.stringify(played.audit.entries)).not.toContain("ü");
});

test("[HP17] texts that are no Unicode, or endless, are recorded as what an entry can hold", async () => {
  const played = play();
  await played.call("store_get", { key: "\ud800".repeat(3) });
  await played.call("plugin_call", { plugin: "p".repeat(128), tool: "\udfff" });
  for (const { data } of played.audit.entries) expect(JSON.stringify(data).isWellFormed()).toBe(true);
  expect(played.audit.entries).toMatchObject([
    { kind: "host.store_get", data: { key: "\ufffd\ufffd\ufffd", code: "LM_INPUT_INVALID" } },
    { kind: "host.plugin_call", data: { tool: "\ufffd" } },
  ]);
});

test("[HP4] a store that is full is 4130, and the granted size is what counts", async () => {
  const played = play();
  played.grant({ store: { max_bytes: 20, why } });
  expect(await played.call("store_put", { key: "k", value: "x".repeat(30) })).toMatchObject({
    error: { code: 4130, data: { code: "LM_PLUGIN_STORE_FULL" } },
  });
  expect(await played.call("blob_put", { base64: Buffer.alloc(30).toString("base64") })).toMatchObject({
    error: { code: 4130, data: { code: "LM_BLOB_QUOTA" } },
  });
  expect(content(await played.call("store_put", { key: "k", value: 1 }))).toEqual({});
  played.grant({});
  expect(await played.call("store_put", { key: "l", value: 1 })).toMatchObject({ error: { code: 4130 } });
});

test("[HP20] every JSON value that is put is got, for this plugin only", async () => {
  const played = play();
  await played.store.put(OTHER, { key: "k", value: "theirs" }, { bytesMax: 1e6 });
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (generated) => {
      const value = JSON.parse(JSON.stringify(generated)) as JsonValue;
      await played.clock.advance(100);
      const put = await played.call("store_put", { key: "k", value });
      // Numbers that lose digits on the way are refused, not changed.
      if (put.result?.isError === true) expect(content(put).code).toBe("LM_INPUT_INVALID");
      else expect(content(await played.call("store_get", { key: "k" }))).toEqual({ found: true, value });
    }),
    { seed: 5, numRuns: 100 },
  );
  expect((await played.store.get(OTHER, "k")).value).toBe("theirs");
  for (const key of ["a/1", "a/2", "b"]) await played.call("store_put", { key, value: null });
  expect(content(await played.call("store_list", { prefix: "a/" }))).toEqual({ keys: ["a/1", "a/2"], isMore: false });
  expect(content(await played.call("store_list", { prefix: "a/", after: "a/1" }))).toEqual({
    keys: ["a/2"],
    isMore: false,
  });
});

test("[HP19] handles that cross with a call can be read by both, and a stranger's handle opens nothing", async () => {
  const theirs = await new Promise<string>((resolve) => resolve("b".repeat(64)));
  const shared: string[] = [];
  const { plugins } = recordingPlugins();
  const played: PlayedPlane = play({
    plugins: {
      ...plugins,
      callTool: async ({ arguments: args }) => {
        shared.push(
          (await played.blobs.get(JSON.stringify(args.file).slice(-65, -1), { owner: `plugin:${OTHER}` })).media,
        );
        const { sha256 } = await played.blobs.put(Buffer.from("back"), {
          owner: `plugin:${OTHER}`,
          media: "text/plain",
        });
        return { content: [], isError: false, durationMs: 1, structuredContent: { file: `logomesh://blob/${sha256}` } };
      },
    },
  });
  const { handle = "" } = content(await played.call("blob_put", { base64: "aGk=", media: "a/b" }));
  const answer = content(
    await played.call("plugin_call", { ...CALL, arguments: { file: handle, deep: [`logomesh://blob/${theirs}`] } }),
  );
  expect(shared).toEqual(["a/b"]);
  const back = (answer.structuredContent as JsonObject).file ?? "";
  expect(content(await played.call("blob_get", { handle: back }))).toEqual({
    ...{ base64: Buffer.from("back").toString("base64"), media: "text/plain", bytes: 4, isMore: false },
  });
  expect(content(await played.call("blob_get", { handle: back, offset: 1, length: 2 }))).toMatchObject({
    ...{ base64: Buffer.from("ac").toString("base64"), isMore: true },
  });
  const { sha256 } = await played.blobs.put(Buffer.from("private"), {
    owner: "plugin:org.example.third",
    media: "a/b",
  });
  for (const handle of [`logomesh://blob/${sha256}`, `logomesh://blob/${theirs}`])
    expect(content(await played.call("blob_get", { handle }))).toMatchObject({ code: "LM_NOT_FOUND" });
  expect(content(await played.call("blob_get", { handle: "file:///etc/passwd" }))).toMatchObject({
    code: "LM_INPUT_INVALID",
  });
});

// ---- models

function playModels(generate: (context: GenerateContext) => Promise<Partial<GenerateResult>>) {
  const contexts: GenerateContext[] = [];
  const asked: (number | undefined)[] = [];
  const played: PlayedPlane = new PlayedPlane({
    get models() {
      return {
        tokens: new TokenLedger({
          get reader() {
            return played.database.reader;
          },
          get writer() {
            return played.database.writer;
          },
          get clock() {
            return played.clock;
          },
        }),
        models: {
          generate: async ({ maxTokens }: { maxTokens?: number | undefined }, context: GenerateContext) => {
            contexts.push(context);
            asked.push(maxTokens);
            const answer: GenerateResult = {
              ...{ text: "yes", model: "m", provider: "p", simulated: true, finishReason: "stop", durationMs: 1 },
              ...{ requestSeq: 4, responseSeq: 5 },
            };
            return { ...answer, ...(await generate(context)) };
          },
        },
      };
    },
  }).listen();
  onTestFinished(() => played[Symbol.dispose]());
  const grant = (perDay: number): void =>
    played.grant({ "llm.generate": { models: ["default"], max_tokens_per_day: perDay, why } });
  return { played, contexts, asked, grant };
}

test("[HP18] tokens are counted by plugin and day, and beyond the granted number prompts are refused", async () => {
  const { played, asked, grant, contexts } = playModels(() => Promise.resolve({ inputTokens: 10, outputTokens: 40 }));
  grant(120);
  const ask = () => played.call("llm_generate", { prompt: "hello there", maxTokens: 50 });
  using begun = played.plane.begin({
    callers: [workflow],
    run: { runId: "run_1", taskReference: "/do/0" },
  });
  expect(begun.token).toBeDefined();
  expect(content(await ask())).toMatchObject({ text: "yes", inputTokens: 10 });
  expect(await ask()).toHaveProperty("result");
  expect(await ask()).toMatchObject({ error: { code: 4290, data: { code: "LM_PLUGIN_TOKENS_USED" } } });
  expect(asked).toEqual([50, 50]);
  expect(contexts[0]).toEqual({
    ...{ caller: plugin(PLUGIN), actor: { type: "plugin", id: PLUGIN }, chain: [workflow], tainted: false },
    run: { runId: "run_1", taskReference: "/do/0" },
  });
  await played.clock.advance(86_400_000);
  expect(await ask()).toHaveProperty("result");
});

test("[HP18] prompts under way count, and a failed one costs what was sent and came", async () => {
  let fail: (error: Error) => void = () => undefined;
  const { played, grant } = playModels(() => new Promise((_, reject) => (fail = reject)));
  grant(5_000);
  const first = played.call("llm_generate", {
    system: "x".repeat(90),
    messages: [{ role: "user", content: "y".repeat(210) }],
  });
  await played.settle();
  expect(await played.call("llm_generate", { prompt: "z", maxTokens: 900 })).toMatchObject({ error: { code: 4290 } });
  fail(new LogoMeshError("LM_LLM_SERVER", "It fell over."));
  await first;
  await played.settle();
  expect(played.messages.find(({ id }) => id === 1)).toMatchObject({
    result: { isError: true, structuredContent: { code: "LM_LLM_SERVER" } },
  });
  expect(played.database.db.prepare("SELECT plugin_id, tokens FROM plugin_tokens").all()).toEqual([
    { plugin_id: PLUGIN, tokens: 100 },
  ]);
});

test("[HP18] a prompt that is denied costs nothing, and without a grant no model is asked", async () => {
  const { played, grant, contexts } = playModels(() => Promise.reject(new LogoMeshError("LM_POLICY_DENIED", "no")));
  grant(5_000);
  expect(await played.call("llm_generate", { prompt: "z" })).toMatchObject({ error: { code: 4030 } });
  expect(played.database.db.prepare("SELECT count(*) AS n FROM plugin_tokens").get()).toEqual({ n: 0 });
  played.grants.plugins.clear();
  played.policy.denied.add("llm.generate default");
  expect(await played.call("llm_generate", { prompt: "z" })).toMatchObject({ error: { code: 4030 } });
  expect(contexts).toHaveLength(1);
});
