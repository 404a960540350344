import { ajvOf } from "./testing/ajv.ts";
import type { JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import type { ExecutorChunk, ExecutorRequest } from "./llmExecutor.ts";
import { MockExecutor } from "./mockExecutor.ts";

const RIVERS = `Summarize this note for me:

Rivers carve valleys over thousands of years. My cat sleeps. Rivers also carry sediment from mountains to the sea.
It rained. Sediment that rivers carry builds deltas where the rivers meet the sea.`;

async function answer(request: Partial<ExecutorRequest> & { prompt?: string }, signal = new AbortController().signal) {
  const { prompt = RIVERS, ...rest } = request;
  const executor = new MockExecutor({ clock: new FakeClock(), deltaDelayMs: 0 });
  const chunks: ExecutorChunk[] = [];
  const messages = [{ role: "user" as const, content: prompt }];
  for await (const chunk of executor.generate({ model: "mock", messages, ...rest }, { signal })) chunks.push(chunk);
  const deltas = chunks.flatMap((chunk) => ("delta" in chunk ? [chunk.delta] : []));
  return { text: deltas.join(""), deltas, last: chunks.at(-1) };
}

test("[LM13] the answer is made of the telling sentences of the prompt's text, in several parts", async () => {
  const { text, deltas, last } = await answer({});
  expect(text).toBe(
    "Rivers carve valleys over thousands of years. Rivers also carry sediment from mountains to the sea. Sediment that rivers carry builds deltas where the rivers meet the sea.",
  );
  expect(deltas.length).toBeGreaterThan(3);
  expect(last).toEqual({ end: { finishReason: "stop", inputTokens: 38, outputTokens: 28 } });
  expect(await answer({})).toEqual({ text, deltas, last });
});

test("[LM13] maxTokens cuts the answer and says so", async () => {
  const { text, last } = await answer({ maxTokens: 5 });
  expect(text).toBe("Rivers carve valleys over thousands");
  expect(last).toMatchObject({ end: { finishReason: "length", outputTokens: 5 } });
});

test.each([
  ["", "There is no text to answer from."],
  ["Hello", "Hello"],
  ["Say: yes", "Say: yes"],
  ["Rain fell. Rain fell. Rain fell.", "Rain fell."],
])("[LM13] the prompt %j is answered with %j", async (prompt, expected) => {
  expect((await answer({ prompt })).text).toBe(expected);
});

test("[LM7] the mock stops when it is aborted, before and between parts", async () => {
  const reason = new DOMException("stop", "AbortError");
  await expect(answer({}, AbortSignal.abort(reason))).rejects.toBe(reason);
  const clock = new FakeClock();
  const executor = new MockExecutor({ clock, deltaDelayMs: 10 });
  const controller = new AbortController();
  const stream = executor.generate({ model: "mock", messages: [{ role: "user", content: RIVERS }] }, controller);
  const first = stream.next();
  await clock.advance(10);
  expect(await first).toMatchObject({ value: { delta: "Rivers carve valleys over" } });
  const second = stream.next();
  controller.abort(reason);
  await expect(second).rejects.toBe(reason);
  expect(clock.nextTimerMs()).toBeUndefined();
});

const SCHEMAS: [string, JsonObject][] = [
  [
    "an object",
    {
      type: "object",
      required: ["title", "tags", "score"],
      additionalProperties: false,
      properties: {
        title: { type: "string", maxLength: 20 },
        tags: { type: "array", minItems: 3, uniqueItems: true, items: { type: "string" } },
        score: { type: "integer", minimum: 3, maximum: 5 },
        note: { type: "string" },
      },
    },
  ],
  ["properties without required", { properties: { a: { type: "boolean" }, b: { enum: ["x", "y"] }, c: { const: 7 } } }],
  [
    "references",
    { $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "array", items: { $ref: "#/$defs/c" } }, c: { type: "null" } } },
  ],
  ["choices", { oneOf: [{ type: "string", minLength: 200 }, { type: "number" }] }],
  ["nullable", { type: ["null", "string"], format: "date-time" }],
  ["only null", { type: ["null"] }],
  [
    "parts",
    {
      allOf: [
        { type: "object", properties: { a: { type: "number", exclusiveMinimum: 4 } }, required: ["a"] },
        { properties: { b: { items: {} } }, required: ["b"] },
      ],
    },
  ],
  ["numbers below zero", { type: "number", maximum: -3, multipleOf: 2 }],
  ["more items than words", { type: "array", minItems: 40, uniqueItems: true, items: { type: "string" } }],
  ["an undeclared required member", { type: "object", required: ["x"] }],
  ["nothing", {}],
];

test.each(SCHEMAS)("[LM14] the answer to a schema of %s fits it", async (_name, format) => {
  const { text } = await answer({ format });
  expect({ text, errors: ajvOf(format)(JSON.parse(text)) }).toEqual({ text, errors: [] });
});

test("[LM14] a schema that refers to itself or elsewhere ends", async () => {
  const loop = { $ref: "#/$defs/l", $defs: { l: { type: "object", properties: { next: { $ref: "#/$defs/l" } } } } };
  expect((await answer({ format: loop })).text).toContain("null");
  expect((await answer({ format: { $ref: "https://example.org/s" } })).text).toBe("null");
});

test("[LM2] the mock is available and simulated", async () => {
  const executor = new MockExecutor({ clock: new FakeClock(), deltaDelayMs: 0 });
  const { info, models } = await executor.probe();
  expect([info.simulated, info.available]).toEqual([true, true]);
  expect(models).toEqual([await executor.describe()]);
});
