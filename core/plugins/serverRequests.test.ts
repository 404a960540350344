import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ServerRequests, clientCapabilities, logLineOf, type ServerRequestsOptions } from "./serverRequests.ts";

const GRANTED = { "llm.generate": { models: ["small", "large"], max_tokens_per_day: 100, why: "to answer" } };

function create(options: Partial<ServerRequestsOptions> = {}) {
  const asked: JsonObject[] = [];
  const requests = new ServerRequests({
    ...{ roots: ["/work/docs"], granted: () => GRANTED, hasModels: true },
    generate: (args) => {
      asked.push(args);
      return Promise.resolve({ text: "fine", model: "small", finishReason: "stop" });
    },
    ...options,
  });
  const sample = (params: JsonObject) => requests.answer("sampling/createMessage", params);
  return { asked, requests, sample };
}

const TEXT = { role: "user", content: { type: "text", text: "How are you?" } };

test("[PL105] roots and sampling are announced where they were granted", () => {
  const granted = { roots: ["/work/docs"], granted: () => GRANTED, hasModels: true };
  expect(clientCapabilities(granted)).toEqual({ roots: {}, sampling: {} });
  expect(clientCapabilities({ ...granted, roots: [], granted: () => ({}) })).toEqual({});
  expect(clientCapabilities({ ...granted, hasModels: false })).toEqual({ roots: {} });
});

test("[PL105] roots are what was granted", async () => {
  const roots = [{ uri: "file:///work/docs", name: "docs" }];
  expect(await create().requests.answer("roots/list", {})).toEqual({ result: { roots } });
  expect(await create({ roots: [] }).requests.answer("roots/list", {})).toEqual({ result: { roots: [] } });
});

test("[PL17] a ping is answered, and what a client does not have is unknown", async () => {
  const { requests } = create();
  expect(await requests.answer("ping", {})).toEqual({ result: {} });
  expect(await requests.answer("elicitation/create", {})).toBeUndefined();
  expect(await create({ hasModels: false }).sample({ messages: [TEXT] })).toBeUndefined();
});

test("[PL106] a message is asked of a granted model, a hint is followed when it is one", async () => {
  const { asked, sample } = create();
  expect(await sample({ messages: [TEXT] })).toEqual({
    result: { role: "assistant", content: { type: "text", text: "fine" }, model: "small", stopReason: "endTurn" },
  });
  await sample({
    messages: [TEXT, { role: "assistant", content: [TEXT.content, TEXT.content] }],
    ...{ systemPrompt: "Be brief.", maxTokens: 7, temperature: 0.5, stopSequences: ["."] },
    modelPreferences: { hints: [{ name: "huge" }, 7, { name: "large" }] },
  });
  const question = { role: "user", content: "How are you?" };
  expect(asked).toEqual([
    { model: "small", messages: [question], maxTokens: 1_024 },
    {
      ...{ model: "large", system: "Be brief.", maxTokens: 7, options: { temperature: 0.5, stop: ["."] } },
      messages: [question, { role: "assistant", content: "How are you?\nHow are you?" }],
    },
  ]);
});

test("[PL106] an answer that was cut off says so", async () => {
  const { sample } = create({ generate: () => Promise.resolve({ text: "fi", model: "m", finishReason: "length" }) });
  expect(await sample({ messages: [TEXT] })).toMatchObject({ result: { stopReason: "maxTokens" } });
});

test.each<[string, Partial<ServerRequestsOptions>, JsonObject, object]>([
  ["a picture", {}, { messages: [{ role: "user", content: { type: "image", data: "" } }] }, { code: -32_602 }],
  ["no message", {}, { messages: [7] }, { code: -32_602 }],
  ["a denial", failing("LM_POLICY_DENIED"), { messages: [TEXT] }, { code: 4030, data: { code: "LM_POLICY_DENIED" } }],
  ["a full budget", failing("LM_PLUGIN_TOKENS_USED"), { messages: [TEXT] }, { code: 4290 }],
  [
    "a failure",
    failing("LM_LLM_UNREACHABLE"),
    { messages: [TEXT] },
    { code: 5000, data: { code: "LM_LLM_UNREACHABLE" } },
  ],
])("[PL106] %s is an error", async (_, options, params, error) => {
  expect(await create(options).sample(params)).toMatchObject({ error });
});

function failing(code: ConstructorParameters<typeof LogoMeshError>[0]): Partial<ServerRequestsOptions> {
  return { generate: () => Promise.reject(new LogoMeshError(code, "no")) };
}

test("[PL107] a log message is one line, whatever it says", () => {
  expect(logLineOf({ level: "error", logger: "db", data: "a\nb\r\n[fatal] c" })).toBe("[error db] a b [fatal] c");
  expect(logLineOf({ data: { a: [1] } })).toBe('[info] {"a":[1]}');
  expect(logLineOf({}).length).toBeLessThan(20);
  expect(logLineOf({ data: "x".repeat(10_000) }).length).toBeLessThan(2_100);
});
