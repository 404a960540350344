import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { GenerateResult, JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { GenerateContext } from "../ports/index.ts";
import { TokenLedger } from "./store/index.ts";
import { fixtureServer } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

// A server of the revision 2025-11-25 that asks its client, in a process of its own.

const ID = "org.example.fixture";
const why = "for the test";
const SERVER = fixtureServer({
  tools: `[{ name: "ask" }, { name: "say" }, { name: "rename" }, { name: "other", description: "before" }]`,
  body: `
    if (name === "say") send({ method: args.method, params: args.params });
    if (name === "rename") {
      tools.find((tool) => tool.name === "other").description = "after";
      tools.push({ name: "more" });
      send({ method: "notifications/tools/list_changed" });
    }
    if (name !== "ask") return text(name);
    const asked = "q" + log.length;
    send({ id: asked, method: args.method, params: args.params });
    const find = () => log.find((message) => message.id === asked && message.method === undefined);
    while (find() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    return text(JSON.stringify({ answer: find(), client: log[0].params.capabilities }));`,
});

async function open(permissions: JsonObject) {
  const host = new TestHost();
  const prompts: { context: GenerateContext; model: string | undefined }[] = [];
  mkdirSync(join(host.root, "docs"));
  host.write("older", { files: { "index.mjs": SERVER }, manifest: { permissions } });
  const result = { text: "fine", model: "small", provider: "test", simulated: true, finishReason: "stop" };
  host.services = {
    models: {
      models: {
        generate: ({ model }, context) => {
          prompts.push({ context, model });
          return Promise.resolve({ ...result, durationMs: 1, requestSeq: 1, responseSeq: 2 } as GenerateResult);
        },
      },
      tokens: new TokenLedger({ ...host.database, clock: host.clock }),
    },
  };
  await host.open();
  const ask = async (method: string, params: JsonObject = {}) =>
    JSON.parse(String((await host.call("ask", { method, params })).content[0]?.text)) as {
      answer: JsonObject;
      client: JsonObject;
    };
  return { host, prompts, ask, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

const MESSAGES = { messages: [{ role: "user", content: { type: "text", text: "Well?" } }], maxTokens: 10 };

test("[PL105, PL106] without a grant there are no roots, and a model is denied", async () => {
  await using older = await open({});
  older.host.policy.denied.add("llm.generate default");
  const { answer, client } = await older.ask("roots/list");
  expect({ result: answer.result, client }).toEqual({ result: { roots: [] }, client: {} });
  expect((await older.ask("sampling/createMessage", MESSAGES)).answer.error).toMatchObject({
    code: 4030,
    data: { code: "LM_POLICY_DENIED" },
  });
  expect(older.prompts).toEqual([]);
});

test("[PL105, PL106] granted roots are named, a granted model answers in the name of who called", async () => {
  await using older = await open({
    "fs.mount": [{ path: "docs", why }],
    "llm.generate": { models: ["small"], max_tokens_per_day: 1_000, why },
  });
  const { answer, client } = await older.ask("roots/list");
  expect(answer.result).toEqual({ roots: [{ uri: "file:///work/docs", name: "docs" }] });
  expect(client).toEqual({ roots: {}, sampling: {} });
  expect((await older.ask("sampling/createMessage", MESSAGES)).answer.result).toEqual({
    ...{ role: "assistant", content: { type: "text", text: "fine" }, model: "small", stopReason: "endTurn" },
  });
  // It sees files of the workspace, so what it asks is private.
  expect(older.prompts).toEqual([
    {
      model: "small",
      context: {
        ...{ caller: { type: "Plugin", id: ID }, actor: { type: "plugin", id: ID } },
        ...{ chain: [CALLER.principal], tainted: true },
      },
    },
  ]);
  expect(older.host.audit.kinds()).toContain("host.llm_generate");
});

test("[PL107] a tool that says something new waits for a new grant, the others go on", async () => {
  await using older = await open({});
  const { host } = older;
  await host.call("other");
  await host.call("rename");
  await expect.poll(() => host.host.get(ID).stateReason).toMatch(/something new about other, more/);
  for (const tool of ["other", "more"])
    await expect(host.call(tool)).rejects.toMatchObject({
      code: "LM_PLUGIN_NOT_GRANTED",
      message: expect.stringContaining(tool),
    });
  expect((await host.call("say", { method: "x" })).isError).toBe(false);
  expect(host.host.get(ID).tools).toMatchObject([
    ...[{ name: "ask" }, { name: "say" }, { name: "rename" }],
    ...[{ name: "other", description: "after" }, { name: "more" }],
  ]);
  await host.host.grant(ID, { sha256: host.host.get(ID).sha256, caller: CALLER });
  expect((await host.call("other")).isError).toBe(false);
  expect((await host.call("more")).isError).toBe(false);
  expect(host.host.get(ID).stateReason).toBeUndefined();
  expect(host.sandbox.processes).toHaveLength(1);
});

test("[PL107] log messages are in the plugin's log", async () => {
  await using older = await open({});
  const params = { level: "warning", data: "low on \n paper" };
  await older.host.call("say", { method: "notifications/message", params });
  await expect.poll(() => older.host.host.logs(ID)).toEqual(["[warning] low on paper"]);
});
