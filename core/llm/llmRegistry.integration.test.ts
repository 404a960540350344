import type { GenerateParams, ModelsStatus } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { createMemoryDatabase } from "../db/index.ts";
import type { AuditEntryDraft, AuditLog, GenerateContext, Policy, PolicyRequest } from "../ports/index.ts";
import { FakeClock, createSeededRandom, silentLogger } from "../testing/index.ts";
import { createLanguageModels } from "./index.ts";
import { LLMRegistry, type ModelLimits } from "./llmRegistry.ts";
import { createLlmWriterModule } from "./llmWriterModule.ts";
import { MockExecutor } from "./mockExecutor.ts";
import { ModelAliases } from "./modelAliases.ts";
import { OllamaExecutor } from "./ollamaExecutor.ts";
import { FakeOllama, answerLines, type ChatScript } from "./testing/fakeOllama.ts";

const NEVER = new AbortController().signal;
const WORKFLOW: GenerateContext = {
  caller: { type: "Workflow", id: "h1" },
  actor: { type: "workflow", id: "run_1" },
  run: { runId: "run_1", taskReference: "/do/0/ask" },
};
const STOP = new DOMException("stop", "AbortError");

async function setUp(chats: ChatScript[] = [{ pieces: answerLines(["Hel", "lo"]) }]) {
  const fake = await FakeOllama.start();
  fake.chats = chats;
  const clock = new FakeClock();
  const entries: AuditEntryDraft[] = [];
  const database = createMemoryDatabase({
    clock,
    random: createSeededRandom(1),
    modules: [
      createLlmWriterModule,
      () => ({ name: "audit", commands: { "audit.append": (_, draft) => void entries.push(draft) } }),
    ],
  });
  const asked: PolicyRequest[] = [];
  const state = {
    ...{ refuse: undefined as string | undefined, deny: false },
    stop: undefined as LogoMeshError | undefined,
  };
  const audit: AuditLog = {
    append: (draft) => {
      if (state.refuse === draft.kind || state.refuse === "all")
        return Promise.reject(new LogoMeshError("LM_AUDIT_UNWRITABLE", "disk full"));
      entries.push(draft);
      return Promise.resolve({ seq: entries.length - 1 });
    },
    enqueue: () => undefined,
    command: (draft) => ({ name: "audit.append", params: draft }),
  };
  const stopped = () => state.stop;
  const policy: Policy = {
    decide: () => ({ allowed: true, policies: [], reason: "" }),
    require: (request) => {
      asked.push(request);
      if (state.deny) throw new LogoMeshError("LM_POLICY_DENIED", "no");
    },
  };
  const open = (limits?: ModelLimits) =>
    new LLMRegistry({
      executors: [new OllamaExecutor({ url: fake.url })],
      mock: new MockExecutor({ clock, deltaDelayMs: 0 }),
      aliases: new ModelAliases({ ...database, audit, clock, stopped }),
      ...{ clock, logger: silentLogger, audit, policy, ...(limits === undefined ? {} : { limits }) },
    });
  const registry = open();
  onTestFinished(async () => {
    await registry[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
    database[Symbol.dispose]();
  });
  const ask = (
    params: Partial<GenerateParams>,
    options: { signal?: AbortSignal; onText?: (text: string) => void } = {},
  ) => registry.generate({ prompt: "Hi", ...params }, WORKFLOW, { signal: NEVER, ...options });
  return { fake, clock, entries, asked, state, registry, open, ask };
}

const kinds = (entries: AuditEntryDraft[]) => entries.map(({ kind }) => kind);
const payload = (entry: AuditEntryDraft | undefined, role: string) => entry?.payload?.[role]?.bytes;

test("[LM1] [LM6] [LM11] default is answered by Ollama: streamed, recorded, counted", async () => {
  const { entries, ask } = await setUp();
  const deltas: string[] = [];
  const result = await ask({ system: "Be brief." }, { onText: (text) => void deltas.push(text) });
  expect(result).toEqual({
    provider: "ollama",
    model: "qwen3:4b",
    digest: "d1",
    simulated: false,
    text: "Hello",
    finishReason: "stop",
    inputTokens: 12,
    outputTokens: 5,
    tokensPerSecond: 10,
    durationMs: 0,
    timeToFirstTokenMs: 0,
    requestSeq: 0,
    responseSeq: 1,
  });
  expect(deltas).toEqual(["Hel", "lo"]);
  expect(entries).toMatchObject([
    {
      kind: "llm.request",
      actor: WORKFLOW.actor,
      trace: { run: "run_1", task: "/do/0/ask", model: "qwen3:4b" },
      data: {
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "qwen3:4b",
        requested: "default",
        digest: "d1",
      },
      payload: { prompt: { media: "application/json" } },
    },
    {
      kind: "llm.response",
      trace: { status: "completed" },
      data: {
        request: 0,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.response.finish_reasons": ["stop"],
        durationMs: 0,
        queuedMs: 0,
      },
    },
  ]);
  expect(JSON.parse(String(payload(entries[0], "prompt")))).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
  ]);
  expect(payload(entries[1], "response")).toBe("Hello");
});

test("[LM1] fast is the smallest chat model, and a named one is never replaced", async () => {
  const { fake, ask, registry } = await setUp();
  fake.tags = [
    { name: "nomic-embed-text", size: 1 },
    { name: "mini:cloud", size: 2 },
    { name: "big", size: 900, digest: "b" },
    { name: "small", size: 30, digest: "s" },
    { name: "unsized", digest: "u" },
  ];
  expect((await registry.status()).aliases).toEqual({
    default: { provider: "ollama", model: "big", simulated: false },
    fast: { provider: "ollama", model: "small", simulated: false },
  });
  expect((await ask({ model: "fast" })).model).toBe("small");
  expect((await ask({ model: "unsized", messages: [{ role: "user", content: "x" }] })).model).toBe("unsized");
  await expect(ask({ model: "gone" })).rejects.toMatchObject({ code: "LM_LLM_MODEL_NOT_FOUND" });
  expect((await ask({ model: "mock" })).simulated).toBe(true);
  await fake[Symbol.asyncDispose]();
  await expect(ask({ model: "other" })).rejects.toMatchObject({ code: "LM_LLM_UNREACHABLE" });
});

test("[LM1] [LM2] without Ollama the mock answers, and everything says so", async () => {
  const { fake, entries, registry, ask } = await setUp();
  await fake[Symbol.asyncDispose]();
  const result = await ask({ prompt: "Rivers are long." });
  expect(result).toMatchObject({ provider: "mock", model: "mock", simulated: true, text: "Rivers are long." });
  expect(entries.map(({ data }) => data?.simulated)).toEqual([true, true]);
  const status = await registry.status();
  expect(status.aliases.default).toEqual({ provider: "mock", model: "mock", simulated: true });
  expect(status.hint).toMatch(/simulated.*ollama serve/);
  expect(status.models.map(({ simulated }) => simulated)).toEqual([true]);
});

test.each<[string, { name: string }[]]>([
  ["no model", []],
  ["only models that do not chat", [{ name: "bge-m3-embed" }]],
])("[LM2] with %s the hint is to pull one", async (_name, tags) => {
  const { fake, registry } = await setUp();
  fake.tags = tags;
  const status: ModelsStatus = await registry.status();
  expect(status.aliases.default?.simulated).toBe(true);
  expect(status.hint).toContain("ollama pull qwen3:4b");
});

test("[LM3] providers are probed once for many callers, and again after five seconds", async () => {
  const { fake, clock, registry } = await setUp();
  const probes = () => fake.requests.filter(({ path }) => path === "/api/version").length;
  await Promise.all([registry.status(), registry.providers(), registry.status()]);
  await clock.advance(4_999);
  await registry.status();
  expect(probes()).toBe(1);
  await clock.advance(1);
  fake.version = "9.9";
  expect((await registry.providers())[0]?.version).toBe("9.9");
  expect(probes()).toBe(2);
});

test("[LM4] who is denied leaves no trace at the provider", async () => {
  const { fake, state, asked, entries, ask } = await setUp();
  state.deny = true;
  await expect(ask({})).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  expect(asked).toEqual([
    {
      principal: WORKFLOW.caller,
      action: "llm.generate",
      resource: {
        type: "Model",
        id: "default",
        attributes: { name: "qwen3:4b", provider: "ollama", local: true, simulated: false },
      },
      context: { run: "run_1", task: "/do/0/ask" },
    },
  ]);
  expect(entries).toEqual([]);
  expect(fake.chatBodies).toEqual([]);
});

test("[LM5] [WF303] the settings say how many prompts at once: to one model, or to all models of this machine", async () => {
  const { open } = await setUp();
  const registry = open({ localModels: 2, models: { "qwen3:4b": 3 } });
  expect(await registry.placesOf("qwen3:4b")).toEqual({ name: "model qwen3:4b", places: 3 });
  expect(await registry.placesOf("other")).toEqual({ name: "models of ollama", places: 2 });
  expect(await registry.placesOf("mock")).toEqual({ name: "models of mock", places: 16 });
  expect(await open().placesOf(undefined)).toEqual({ name: "models of ollama", places: 1 });
  await registry[Symbol.asyncDispose]();
});

test("[LM5] one prompt at a time, callers in turn", async () => {
  const { fake, registry, ask } = await setUp();
  const by = (id: string, prompt: string) =>
    registry.generate(
      { prompt },
      { caller: { actor: { type: "plugin", id }, principal: { type: "Plugin", id } }, signal: NEVER },
    );
  // The model is known then, so that all four arrive at the queue in this order.
  await ask({});
  await Promise.all([by("a", "a1"), by("a", "a2"), by("a", "a3"), by("b", "b1")]);
  const order = fake.chatBodies.map(({ messages }) => (messages as { content: string }[])[0]?.content);
  expect(order).toEqual(["Hi", "a1", "a2", "b1", "a3"]);
});

test("[LM10] without an entry no byte leaves", async () => {
  const { fake, state, ask } = await setUp();
  state.refuse = "llm.request";
  await expect(ask({})).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE" });
  expect(fake.chatBodies).toEqual([]);
  state.refuse = undefined;
  expect((await ask({})).text).toBe("Hello");
});

test("[LM10] an answer that cannot be recorded is not handed out", async () => {
  const { entries, state, ask } = await setUp();
  state.refuse = "llm.response";
  await expect(ask({})).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE", data: { partialText: "Hello" } });
  expect(kinds(entries)).toEqual(["llm.request", "llm.failed"]);
});

test("[LM11] [LM18] a failure is recorded with what came before it", async () => {
  const { entries, ask } = await setUp([{ pieces: answerLines(["part"]).slice(0, 1), then: "drop" }]);
  await expect(ask({})).rejects.toMatchObject({
    code: "LM_LLM_SERVER",
    retryable: true,
    data: { partialText: "part" },
  });
  expect(entries[1]).toMatchObject({
    kind: "llm.failed",
    trace: { status: "faulted" },
    data: { request: 0, "error.type": "LM_LLM_SERVER" },
  });
  expect(payload(entries[1], "partial")).toBe("part");
});

test("[LM11] a failure stays itself when its end cannot be recorded", async () => {
  const { state, ask } = await setUp([{ status: 500, pieces: ["x"] }]);
  state.refuse = "llm.failed";
  await expect(ask({})).rejects.toMatchObject({ code: "LM_LLM_SERVER" });
});

test("[LM7] [LM20] a cancel passes through untouched in every phase and is recorded", async () => {
  const { fake, entries, ask } = await setUp([{ pieces: answerLines(["part"]).slice(0, 1), then: "hang" }]);
  await expect(ask({}, { signal: AbortSignal.abort(STOP) })).rejects.toBe(STOP);
  const [running, waiting] = [new AbortController(), new AbortController()];
  const started = Promise.withResolvers<string>();
  const first = ask({}, { signal: running.signal, onText: (text) => started.resolve(text) });
  await started.promise;
  const second = ask({}, { signal: waiting.signal });
  await expect.poll(() => fake.requests.length).toBeGreaterThan(3);
  waiting.abort(STOP);
  await expect(second).rejects.toBe(STOP);
  running.abort(STOP);
  await expect(first).rejects.toBe(STOP);
  await fake.aborted;
  // The one that waited was recorded too, and never sent.
  expect(kinds(entries)).toEqual(["llm.request", "llm.request", "llm.failed", "llm.failed"]);
  for (const [index, request] of [1, 0].entries()) {
    expect(entries[2 + index]).toMatchObject({
      trace: { status: "cancelled" },
      data: { request, "error.type": "LM_CANCELLED" },
    });
  }
  expect(fake.chatBodies).toHaveLength(1);
});

test("[LM22] what halts the gateway ends every call under way with its reason, and none that comes later", async () => {
  const { fake, entries, registry, ask } = await setUp([
    { pieces: answerLines(["Hel"]).slice(0, 1), then: "hang" },
    { pieces: answerLines(["ok"]) },
  ]);
  const reason = new LogoMeshError("LM_POLICY_LOCKDOWN", "A drill.");
  const text = Promise.withResolvers<string>();
  const running = ask({}, { onText: text.resolve });
  await text.promise;
  const waiting = ask({});
  registry.halt(reason);
  await expect(running).rejects.toMatchObject({ code: "LM_POLICY_LOCKDOWN" });
  await expect(waiting).rejects.toMatchObject({ code: "LM_POLICY_LOCKDOWN" });
  await fake.aborted;
  expect(kinds(entries)).toContain("llm.failed");
  expect((await ask({})).text).toBe("ok");
});

test("[LM8] the time limit ends the call with the partial text", async () => {
  const { clock, entries, ask } = await setUp([{ pieces: answerLines(["part"]).slice(0, 1), then: "hang" }]);
  const started = Promise.withResolvers<string>();
  const answer = ask({ timeoutMs: 5_000 }, { onText: (text) => started.resolve(text) });
  const failure = expect(answer).rejects.toMatchObject({ code: "LM_TIMEOUT", data: { partialText: "part" } });
  await started.promise;
  await clock.advance(5_000);
  await failure;
  expect(entries[1]?.data).toMatchObject({ "error.type": "LM_TIMEOUT", durationMs: 5_000 });
});

const FORMAT = { type: "object", required: ["n"], properties: { n: { type: "integer" } } };

test.each([
  ["plain", '{"n":1}'],
  ["fenced", '```json\n{"n":1}\n```'],
])("[LM9] a %s answer that fits is parsed and handed out whole", async (_name, text) => {
  const { fake, ask } = await setUp([{ pieces: answerLines([text.slice(0, 5), text.slice(5)]) }]);
  const deltas: string[] = [];
  const result = await ask({ format: FORMAT }, { onText: (delta) => void deltas.push(delta) });
  expect(result).toMatchObject({ text, structured: { n: 1 } });
  expect(deltas).toEqual([text]);
  expect(fake.chatBodies[0]?.format).toEqual(FORMAT);
});

test("[LM9] [LM11] one repair is tried, recorded as a call of its own", async () => {
  const { fake, entries, ask } = await setUp([
    { pieces: answerLines(['{"n":"one"}']) },
    { pieces: answerLines(['{"n":2}']) },
  ]);
  const result = await ask({ format: FORMAT });
  expect(result).toMatchObject({ structured: { n: 2 }, requestSeq: 2, responseSeq: 3 });
  expect(kinds(entries)).toEqual(["llm.request", "llm.failed", "llm.request", "llm.response"]);
  expect(payload(entries[1], "partial")).toBe('{"n":"one"}');
  expect(fake.chatBodies[1]?.messages).toEqual([
    { role: "user", content: "Hi" },
    { role: "assistant", content: '{"n":"one"}' },
    { role: "user", content: expect.stringMatching(/\/n must be integer.*nothing but JSON/) },
  ]);
});

test("[LM9] an answer that fits neither time is an error", async () => {
  const { fake, ask } = await setUp([{ pieces: answerLines(["no JSON at all"]) }]);
  await expect(ask({ format: FORMAT })).rejects.toMatchObject({
    code: "LM_LLM_STRUCTURED_OUTPUT",
    data: { partialText: "no JSON at all" },
  });
  expect(fake.chatBodies).toHaveLength(2);
});

test("[LM9] a repair is not tried after another failure, nor a schema that is none", async () => {
  const { fake, entries, ask } = await setUp([{ status: 500, pieces: [] }]);
  await expect(ask({ format: FORMAT })).rejects.toMatchObject({ code: "LM_LLM_SERVER" });
  expect(fake.chatBodies).toHaveLength(1);
  await expect(ask({ format: { type: "nonsense" } })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(kinds(entries)).toEqual(["llm.request", "llm.failed"]);
});

test("[LM12] credentials are blacked out in the log, and the model still gets them", async () => {
  const key = `ghp_${"a".repeat(36)}`;
  const { fake, entries, ask } = await setUp([{ pieces: answerLines([`Your key is ${key}.`]) }]);
  const result = await ask({ prompt: `My key is ${key}` });
  expect(result.text).toContain(key);
  expect(JSON.stringify(fake.chatBodies)).toContain(key);
  expect(JSON.stringify(entries)).not.toContain(key);
  expect(entries.map(({ data }) => data?.credentialsMasked)).toEqual([1, 1]);
});

test("an answer without end is cut off", async () => {
  const part = "x".repeat(900_000);
  const { ask } = await setUp([{ pieces: answerLines([part, part, part, part, part]) }]);
  await expect(ask({})).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
});

test("[LM11] a plugin's prompt is found by the plugin, and halves of characters harm nothing", async () => {
  const { entries, registry } = await setUp();
  const caller = {
    actor: { type: "plugin", id: "org.example.a" } as const,
    principal: { type: "Plugin", id: "org.example.a" } as const,
  };
  await registry.generate(
    { prompt: "a\ud800", options: { stop: ["\udc00"] } },
    { caller, signal: NEVER, onText: () => undefined },
  );
  expect(entries[0]?.trace).toEqual({ model: "qwen3:4b", plugin: "org.example.a" });
});

test("the built-in choice is Ollama before the mock", async () => {
  const fake = await FakeOllama.start();
  await using _fake = fake;
  const { audit, policy } = { audit: {}, policy: {} } as Parameters<typeof createLanguageModels>[0];
  using database = createMemoryDatabase({ clock: new FakeClock(), random: createSeededRandom(1), modules: [] });
  await using models = createLanguageModels({
    ...{ audit, policy, writer: database.writer, reader: database.reader, stopped: () => undefined },
    clock: new FakeClock(),
    logger: silentLogger,
    ollamaUrl: fake.url,
  });
  expect((await models.providers()).map(({ name, available }) => [name, available])).toEqual([
    ["ollama", true],
    ["mock", true],
  ]);
});

const ADA = { actor: { type: "person", id: "ada" } } as const;
const TAGS = [
  { name: "qwen3:4b", size: 4_000, digest: "d1", family: "qwen3" },
  { name: "gemma:2b", size: 2_000, digest: "d2", family: "gemma" },
  { name: "big:cloud", remote_host: "https://ollama.com" },
  { name: "nomic-embed-text:latest", size: 100, family: "nomic-bert" },
];

test("[LM40] [LM41] what was chosen answers with its options, also after a restart, until it is left to the gateway", async () => {
  const { fake, registry, open, ask } = await setUp();
  fake.tags = TAGS;
  await registry.choose(
    "default",
    { provider: "ollama", model: "gemma:2b", options: { temperature: 0.1, seed: 3 } },
    ADA,
  );
  expect((await registry.status()).aliases).toEqual({
    default: {
      ...{ provider: "ollama", model: "gemma:2b", simulated: false, options: { temperature: 0.1, seed: 3 } },
      chosen: { by: "person:ada", at: expect.any(String) },
    },
    fast: { provider: "ollama", model: "gemma:2b", simulated: false },
  });
  await ask({ options: { seed: 4 } });
  expect(fake.chatBodies.at(-1)).toMatchObject({ model: "gemma:2b", options: { temperature: 0.1, seed: 4 } });
  await using next = open();
  expect((await next.generate({ prompt: "x" }, WORKFLOW, { signal: NEVER })).model).toBe("gemma:2b");
  await next.choose("default", undefined, ADA);
  expect((await next.status()).aliases.default).toEqual({ provider: "ollama", model: "qwen3:4b", simulated: false });
});

test("[LM41] what was chosen is not replaced when it is gone, by the mock neither", async () => {
  const { fake, clock, registry, ask } = await setUp();
  fake.tags = TAGS;
  await registry.choose("default", { provider: "ollama", model: "gemma:2b" }, ADA);
  fake.showStatus = 404;
  await clock.advance(6_000);
  await expect(ask({})).rejects.toMatchObject({ code: "LM_LLM_MODEL_NOT_FOUND" });
  await registry.choose("default", { provider: "mock", model: "mock" }, ADA);
  expect((await ask({})).simulated).toBe(true);
});

test.each<[string, string, { provider: string; model: string }, string]>([
  ["an alias that is none", "best", { provider: "ollama", model: "qwen3:4b" }, "LM_INPUT_INVALID"],
  ["a provider that is none", "default", { provider: "skynet", model: "qwen3:4b" }, "LM_INPUT_INVALID"],
  ["a model that is not there", "default", { provider: "ollama", model: "gpt" }, "LM_LLM_MODEL_NOT_FOUND"],
  ["a model of another provider", "default", { provider: "mock", model: "qwen3:4b" }, "LM_LLM_MODEL_NOT_FOUND"],
  ["a model elsewhere", "default", { provider: "ollama", model: "big:cloud" }, "LM_LLM_REMOTE_REFUSED"],
  ["a model that does not answer", "fast", { provider: "ollama", model: "nomic-embed-text" }, "LM_LLM_CAPABILITY"],
])("[LM40] %s is refused and changes nothing", async (_, alias, choice, code) => {
  const { fake, registry, entries } = await setUp();
  fake.tags = TAGS;
  const before = await registry.status();
  await expect(registry.choose(alias, choice, ADA)).rejects.toMatchObject({ code });
  expect([await registry.status(), entries]).toEqual([before, []]);
});

test("[LM40] a provider that does not answer offers nothing", async () => {
  const { fake, registry } = await setUp();
  await fake[Symbol.asyncDispose]();
  const refused = registry.choose("default", { provider: "ollama", model: "qwen3:4b" }, ADA);
  await expect(refused).rejects.toMatchObject({
    code: "LM_LLM_UNREACHABLE",
    message: expect.stringContaining("ollama"),
  });
});

test("[LM42] each choice is an entry with what was before, and none is made while everything is stopped", async () => {
  const { fake, registry, entries, state } = await setUp();
  fake.tags = TAGS;
  await registry.choose("fast", { provider: "ollama", model: "gemma:2b" }, ADA);
  await registry.choose("fast", { provider: "mock", model: "mock" }, ADA);
  await registry.choose("fast", undefined, ADA);
  expect(entries.map(({ kind, actor, data }) => [kind, actor.id, data])).toEqual([
    ["model.chosen", "ada", { alias: "fast", provider: "ollama", model: "gemma:2b" }],
    [
      ...["model.chosen", "ada"],
      { alias: "fast", provider: "mock", model: "mock", previousProvider: "ollama", previousModel: "gemma:2b" },
    ],
    ["model.unchosen", "ada", { alias: "fast", previousProvider: "mock", previousModel: "mock" }],
  ]);
  state.stop = new LogoMeshError("LM_POLICY_LOCKDOWN", "Locked down.");
  await expect(registry.choose("fast", { provider: "mock", model: "mock" }, ADA)).rejects.toBe(state.stop);
  expect([registry.chosen("fast"), entries.length]).toEqual([undefined, 3]);
});
