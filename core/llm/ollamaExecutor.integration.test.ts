import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { ExecutorChunk, ExecutorRequest } from "./llmExecutor.ts";
import { OllamaExecutor, type OllamaExecutorOptions } from "./ollamaExecutor.ts";
import { FakeOllama, answerLines, type ChatScript } from "./testing/fakeOllama.ts";

const NEVER = new AbortController().signal;

async function setUp(script?: ChatScript, options: Partial<OllamaExecutorOptions> = {}) {
  const fake = await FakeOllama.start();
  const executor = new OllamaExecutor({ url: fake.url, ...options });
  onTestFinished(async () => {
    await executor[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });
  if (script !== undefined) fake.chats = [script];
  return { fake, executor };
}

/** What came, and how it ended. */
async function ask(executor: OllamaExecutor, request: Partial<ExecutorRequest> = {}, signal = NEVER) {
  const chunks: ExecutorChunk[] = [];
  let error: unknown;
  try {
    const full = { model: "qwen3:4b", messages: [{ role: "user" as const, content: "Hello" }], ...request };
    for await (const chunk of executor.generate(full, { signal })) chunks.push(chunk);
  } catch (caught) {
    error = caught;
  }
  const text = chunks.map((chunk) => ("delta" in chunk ? chunk.delta : "")).join("");
  const end = chunks.flatMap((chunk) => ("end" in chunk ? [chunk.end] : []))[0];
  return { text, end, error };
}

test("[LM15] a prompt goes with context, truncate and shift; the answer comes with its counters", async () => {
  const { fake, executor } = await setUp({ pieces: answerLines(["Hel", "lo ", "wörld"]) });
  const format = { type: "object" };
  expect(await ask(executor, { format, maxTokens: 9, options: { temperature: 0.5 } })).toEqual({
    text: "Hello wörld",
    end: { finishReason: "stop", inputTokens: 12, outputTokens: 5, tokensPerSecond: 10 },
    error: undefined,
  });
  expect(fake.chatBodies).toEqual([
    {
      model: "qwen3:4b",
      messages: [{ role: "user", content: "Hello" }],
      stream: true,
      truncate: false,
      shift: false,
      options: { num_ctx: 8192, temperature: 0.5, num_predict: 9 },
      format,
    },
  ]);
});

test("[LM15] the context is no larger than the model's own, and the prompt's options may name another", async () => {
  const { fake, executor } = await setUp({ pieces: answerLines(["x"]) });
  fake.show = { model_info: { "a.context_length": 2048 } };
  await ask(executor);
  await ask(executor, { options: { num_ctx: 1024 } });
  expect(fake.chatBodies.map(({ options }) => options)).toEqual([{ num_ctx: 2048 }, { num_ctx: 1024 }]);
  expect(fake.requests.filter(({ path }) => path === "/api/show")).toHaveLength(1);
});

test("[LM15] counters that the server leaves out are unknown", async () => {
  const { executor } = await setUp({ pieces: ['{"message":{"content":"a"}}\n', '{"done":true}'] });
  expect(await ask(executor)).toEqual({ text: "a", end: { finishReason: "unknown" }, error: undefined });
});

test.each([
  [2, true],
  [4096, true],
  [5000, undefined],
])("[LM15] %s counted tokens of a long prompt: suspected truncation %s", async (count, expected) => {
  const { executor } = await setUp({ pieces: answerLines(["x"], { prompt_eval_count: count }) });
  const { end } = await ask(executor, { messages: [{ role: "user", content: "word ".repeat(4500) }] });
  expect(end?.suspectedTruncation).toBe(expected);
});

test("[LM18] lines that are cut anywhere, also within a character, are put together", async () => {
  const bytes = Buffer.from(answerLines(["ä€😀", "b"]).join(""));
  const pieces = Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1));
  const { executor } = await setUp({ pieces });
  expect((await ask(executor)).text).toBe("ä€😀b");
});

test.each<[string, ChatScript, string, RegExp]>([
  ["drops in the middle", { pieces: answerLines(["part"]).slice(0, 1), then: "drop" }, "LM_LLM_SERVER", /broke off/],
  ["ends without done", { pieces: answerLines(["part"]).slice(0, 1) }, "LM_LLM_PROTOCOL", /without saying/],
  [
    "sends garbage",
    { pieces: [...answerLines(["part"]).slice(0, 1), "<html>\n"] },
    "LM_LLM_PROTOCOL",
    /no JSON: <html>/,
  ],
  ["sends a list", { pieces: [...answerLines(["part"]).slice(0, 1), "[]\n"] }, "LM_LLM_PROTOCOL", /no object/],
  [
    "sends a cut character",
    { pieces: [...answerLines(["part"]).slice(0, 1), Uint8Array.of(0xe2, 0x82)] },
    "LM_LLM_PROTOCOL",
    /no JSON/,
  ],
  [
    "sends a huge line",
    { pieces: [...answerLines(["part"]).slice(0, 1), "x".repeat(1_200_000)], then: "hang" },
    "LM_LLM_PROTOCOL",
    /more than 1048576/,
  ],
  [
    "reports a fault",
    { pieces: [...answerLines(["part"]).slice(0, 1), '{"error":"runner died"}\n'] },
    "LM_LLM_SERVER",
    /runner died/,
  ],
  [
    "passes on to another machine",
    { pieces: [...answerLines(["part"]).slice(0, 1), '{"remote_host":"ollama.com"}\n'] },
    "LM_LLM_REMOTE_REFUSED",
    /ollama\.com/,
  ],
])("[LM18] a server that %s is an error after what came before", async (_name, script, code, message) => {
  const { executor } = await setUp(script);
  const { text, error } = await ask(executor);
  expect(text).toBe("part");
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});

test("[LM18] a server that stalls is an error, before its first byte and after it", async () => {
  const late = await setUp({ pieces: [], silent: true }, { firstByteTimeoutMs: 200 });
  expect((await ask(late.executor)).error).toMatchObject({ code: "LM_LLM_UNREACHABLE" });
  const stalling = await setUp({ pieces: answerLines(["part"]).slice(0, 1), then: "hang" }, { idleTimeoutMs: 200 });
  expect(await ask(stalling.executor)).toMatchObject({ text: "part", error: { code: "LM_LLM_SERVER" } });
});

test.each([
  [404, '{"error":"model \'qwen3:4b\' not found"}', "LM_LLM_MODEL_NOT_FOUND", /ollama pull qwen3:4b/, false],
  [
    400,
    '{"error":"the prompt is longer than the context length currently available"}',
    "LM_LLM_CONTEXT_OVERFLOW",
    /num_ctx/,
    false,
  ],
  [400, '{"error":"request exceeds the available context size"}', "LM_LLM_CONTEXT_OVERFLOW", /num_ctx/, false],
  [400, '{"error":"\\"qwen3:4b\\" does not support thinking"}', "LM_LLM_CAPABILITY", /thinking/, false],
  [400, '{"error":"bad field"}', "LM_LLM_SERVER", /bad field/, false],
  [401, '{"error":"unauthorized"}', "LM_LLM_REMOTE_REFUSED", /unauthorized/, false],
  [403, "", "LM_LLM_REMOTE_REFUSED", /no reason/, false],
  [429, "{}", "LM_LLM_BUSY", /busy/, true],
  [503, '{"error":"server busy"}', "LM_LLM_BUSY", /busy/, true],
  [500, "<html>oops</html>", "LM_LLM_SERVER", /oops/, true],
])("[LM19] status %i with %s is %s", async (status, text, code, message, retryable) => {
  const { executor } = await setUp({ status, pieces: [text] });
  expect((await ask(executor)).error).toMatchObject({ code, message: expect.stringMatching(message), retryable });
});

test("[LM19] a refusal that breaks off or never stops is still an error", async () => {
  const broken = await setUp({ status: 500, pieces: ["oo"], then: "drop" });
  expect((await ask(broken.executor)).error).toMatchObject({ code: "LM_LLM_SERVER" });
  const endless = await setUp({ status: 500, pieces: ["x".repeat(5_000_000)], then: "hang" });
  expect((await ask(endless.executor)).error).toMatchObject({ code: "LM_LLM_PROTOCOL" });
});

test("[LM19] a model that is not there is named with the line that gets it", async () => {
  const { fake, executor } = await setUp();
  expect((await ask(executor, { model: "llama9" })).error).toMatchObject({
    code: "LM_LLM_MODEL_NOT_FOUND",
    message: expect.stringContaining("ollama pull llama9"),
  });
  fake.tags = [{ name: "llama9:latest", digest: "d9" }];
  expect(await executor.describe("llama9", { signal: NEVER })).toEqual({
    provider: "ollama",
    name: "llama9:latest",
    digest: "d9",
    parameterSize: "4B",
    contextLength: 40_960,
    simulated: false,
  });
});

test("[LM19] a model that cannot chat, or cannot be described, is refused before the prompt leaves", async () => {
  const { fake, executor } = await setUp();
  fake.show = { capabilities: ["embedding"] };
  fake.tags = [{ name: "minilm" }];
  expect((await ask(executor, { model: "minilm" })).error).toMatchObject({ code: "LM_LLM_CAPABILITY" });
  fake.showStatus = 500;
  expect((await ask(executor, { model: "minilm" })).error).toMatchObject({ code: "LM_LLM_SERVER" });
  expect(fake.chatBodies).toEqual([]);
});

test("[LM19] unreachable says how to start it", async () => {
  const { fake, executor } = await setUp();
  await fake[Symbol.asyncDispose]();
  expect((await ask(executor)).error).toMatchObject({
    code: "LM_LLM_UNREACHABLE",
    message: expect.stringContaining("ollama serve"),
  });
  expect((await executor.probe()).info).toMatchObject({
    available: false,
    hint: expect.stringContaining("ollama serve"),
  });
});

test("[LM17] models of other machines are refused before the prompt leaves", async () => {
  const { fake, executor } = await setUp({ pieces: answerLines(["x"]) });
  fake.tags = [
    { name: "big:cloud" },
    { name: "x", remote_host: "ollama.com" },
    { name: "gpt-120b-cloud" },
    { name: "hidden" },
  ];
  fake.show = { remote_host: "https://ollama.com:443" };
  for (const model of ["big:cloud", "x", "gpt-120b-cloud", "hidden"])
    expect((await ask(executor, { model })).error).toMatchObject({ code: "LM_LLM_REMOTE_REFUSED" });
  expect(fake.chatBodies).toEqual([]);
  const { models } = await executor.probe();
  expect(models.map(({ remoteHost }) => remoteHost)).toEqual(["ollama.com", "ollama.com", "ollama.com", undefined]);
});

test.each([
  "http://192.168.1.5:11434",
  "http://127.0.0.1.example.org:1",
  "http://127.0.0.1@example.org:1",
  "http://0.0.0.0:1",
])("[LM16] %s is not contacted", async (url) => {
  await using executor = new OllamaExecutor({ url });
  expect((await ask(executor)).error).toMatchObject({ code: "LM_LLM_REMOTE_REFUSED" });
  const { info, models } = await executor.probe();
  expect([info.available, models]).toEqual([false, []]);
  expect(info.hint).toContain("OLLAMA_HOST");
});

test.each(["http://localhost:9", "http://[::1]:9", "http://127.3.2.1:9"])("[LM16] %s is this machine", async (url) => {
  await using executor = new OllamaExecutor({ url });
  expect((await ask(executor)).error).toMatchObject({ code: "LM_LLM_UNREACHABLE" });
});

test("a probe that waits for an answer ends with its executor", async () => {
  const silent = createServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => void silent.close());
  const executor = new OllamaExecutor({ url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  const asked = once(silent, "connection");
  const probing = executor.probe();
  await asked;
  await executor[Symbol.asyncDispose]();
  // By itself it would wait for 1.5 s.
  const late = new Promise((resolve) => setTimeout(resolve, 1_000, "late"));
  expect(await Promise.race([probing, late])).toMatchObject({ info: { available: false } });
});

test("a probe tells version and models, and what to do when there are none", async () => {
  const { fake, executor } = await setUp();
  fake.tags = [{ name: "a", size: 7, digest: "d", family: "f" }];
  expect(await executor.probe()).toEqual({
    info: { name: "ollama", available: true, simulated: false, endpoint: fake.url, version: "0.13.5" },
    models: [
      { provider: "ollama", name: "a", digest: "d", sizeBytes: 7, family: "f", parameterSize: "4B", simulated: false },
    ],
  });
  fake.tags = [];
  expect((await executor.probe()).info.hint).toContain("ollama pull");
});

test("[LM20] aborting closes the connection, before the first byte and between parts", async () => {
  const reason = new DOMException("stop", "AbortError");
  const silent = await setUp({ pieces: [], silent: true });
  const first = new AbortController();
  const waiting = ask(silent.executor, {}, first.signal);
  await expect.poll(() => silent.fake.chatBodies.length).toBe(1);
  first.abort(reason);
  expect((await waiting).error).toBe(reason);
  await silent.fake.aborted;

  const hanging = await setUp({ pieces: answerLines(["part"]).slice(0, 1), then: "hang" });
  const second = new AbortController();
  const stream = hanging.executor.generate({ model: "qwen3:4b", messages: [] }, second);
  expect(await stream.next()).toMatchObject({ value: { delta: "part" } });
  const next = stream.next();
  second.abort(reason);
  const abortedAtMs = performance.now();
  await expect(next).rejects.toBe(reason);
  expect((await hanging.fake.aborted) - abortedAtMs).toBeLessThan(1_000);
});

test("[LM20] a reader that stops early closes the connection as well", async () => {
  const { fake, executor } = await setUp({ pieces: answerLines(["a", "b"]).slice(0, 2), then: "hang" });
  for await (const _chunk of executor.generate({ model: "qwen3:4b", messages: [] }, { signal: NEVER })) break;
  await fake.aborted;
});

test("[LM20] aborting while a refusal is read throws the reason", async () => {
  const { fake, executor } = await setUp({ status: 500, pieces: ["x"], then: "hang" });
  const controller = new AbortController();
  const waiting = ask(executor, {}, controller.signal);
  await expect.poll(() => fake.chatBodies.length).toBe(1);
  const reason = new DOMException("stop", "AbortError");
  controller.abort(reason);
  expect((await waiting).error).toBe(reason);
});
