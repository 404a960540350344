import { cpSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHost } from "./testingHost.ts";

const SAMPLES = join(import.meta.dirname, "../../plugins");
let host: TestHost;

beforeAll(async () => {
  host = new TestHost();
  host.eras = undefined;
  for (const name of ["text-tools", "data-stats"])
    cpSync(join(SAMPLES, name), join(host.pluginsFolder, name), { recursive: true });
  await host.open();
});
afterAll(() => host[Symbol.asyncDispose]());

const call = async (pluginId: string, tool: string, args: JsonObject) =>
  (await host.call(tool, args, { pluginId })).structuredContent;
const text = (tool: string, args: JsonObject) => call("org.logomesh.text-tools", tool, args);
const stats = (tool: string, args: JsonObject) => call("org.logomesh.data-stats", tool, args);

test("every tool of the samples says what it answers, and all are pure but those that keep or propose something", async () => {
  await text("slugify", { text: "" });
  await stats("describe", { values: [] });
  const tools = host.host.list().flatMap((plugin) => plugin.tools);
  expect(tools.map(({ name, effect }) => [name, effect])).toEqual([
    ...["describe", "histogram", "linear_trend", "describe_texts", "word_count", "keywords", "slugify"].map((name) => [
      name,
      "pure",
    ]),
    ...["track_keywords", "tidy_file"].map((name) => [name, "once"]),
  ]);
  for (const tool of tools)
    expect(tool).toMatchObject({ description: expect.any(String), inputSchema: {}, outputSchema: {} });
});

test("[PL110, PL116] both SDKs are spoken to in the modern era", () => {
  const eras = host.audit.entries.flatMap(({ kind, data }) => (kind === "plugin.probed" ? [data?.era] : []));
  expect(eras).toEqual(["modern", "modern"]);
});

test("text-tools answers through the SDK for Node.js", async () => {
  expect(await text("word_count", { text: "Zwei Sätze. 👩‍👩‍👧!" })).toMatchObject({ words: 2, characters: 14 });
  expect(await text("word_count", { text: "" })).toMatchObject({ words: 0, lines: 0 });
  expect(await text("keywords", { text: "Solar power. Solar power is power.", limit: 1 })).toEqual({
    keywords: [{ keyword: "solar power", score: expect.any(Number), count: 2 }],
  });
  expect(await text("slugify", { text: "Ünïcode Café" })).toEqual({ slug: "unicode-cafe" });
});

test("text-tools reads a megabyte", async () => {
  const words = "lorem ipsum dolor ".repeat(60_000);
  expect(await text("word_count", { text: words })).toMatchObject({ words: 180_000 });
  expect(await text("keywords", { text: `${words}. one two` })).toHaveProperty("keywords");
});

test("arguments that make no sense are refused by name", async () => {
  await expect(text("keywords", { text: "x", limit: 0 })).rejects.toMatchObject({
    code: "LM_PLUGIN_INPUT_INVALID",
    problems: [{ pointer: "/limit" }],
  });
  await expect(text("word_count", { text: 7 })).rejects.toMatchObject({ code: "LM_PLUGIN_INPUT_INVALID" });
  await expect(stats("describe", { values: ["NaN"] })).rejects.toMatchObject({ problems: [{ pointer: "/values/0" }] });
  await expect(stats("describe", { values: [null] })).rejects.toMatchObject({ code: "LM_PLUGIN_INPUT_INVALID" });
  await expect(stats("histogram", { values: [1], bins: 1_001 })).rejects.toMatchObject({
    problems: [{ pointer: "/bins" }],
  });
});

test("data-stats has texts counted by text-tools, and says when it cannot", async () => {
  expect(await stats("describe_texts", { texts: ["a b c", "d"] })).toMatchObject({ count: 2, mean: 2, max: 3 });
  expect(await stats("describe_texts", { texts: [] })).toMatchObject({ count: 0 });
  host.policy.denied.add("plugin.call org.logomesh.text-tools#word_count");
  const refused = await host.call("describe_texts", { texts: ["a"] }, { pluginId: "org.logomesh.data-stats" });
  host.policy.denied.clear();
  expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("not here") }] });
});

test("data-stats describes lists", async () => {
  expect(await stats("describe", { values: [4, 1, 3, 2] })).toEqual({
    ...{ count: 4, sum: 10, mean: 2.5, median: 2.5, min: 1, max: 4 },
    ...{ standard_deviation: expect.closeTo(1.2909944, 6), lower_quartile: 1.75, upper_quartile: 3.25 },
  });
  expect(await stats("describe", { values: [] })).toMatchObject({ count: 0, mean: 0 });
  expect(await stats("describe", { values: [7] })).toMatchObject({
    count: 1,
    mean: 7,
    standard_deviation: 0,
    lower_quartile: 7,
  });
  expect(await stats("describe", { values: [5, 5, 5] })).toMatchObject({
    standard_deviation: 0,
    lower_quartile: 5,
    upper_quartile: 5,
  });
});

test("data-stats counts in bins and fits lines", async () => {
  expect(await stats("histogram", { values: [0, 1, 2, 3, 4], bins: 2 })).toEqual({
    bins: [
      { start: 0, end: 2, count: 2 },
      { start: 2, end: 4, count: 3 },
    ],
  });
  expect(await stats("histogram", { values: [3, 3] })).toEqual({ bins: [{ start: 3, end: 3, count: 2 }] });
  expect(await stats("histogram", { values: [] })).toEqual({ bins: [] });
  expect(await stats("linear_trend", { values: [1, 3, 5] })).toEqual({ slope: 2, intercept: 1, r_squared: 1 });
  expect(await stats("linear_trend", { values: [2, 2, 2] })).toEqual({ slope: 0, intercept: 2, r_squared: 1 });
  expect(await stats("linear_trend", { values: [1, 2], x: [10, 20] })).toMatchObject({ slope: 0.1 });
});

test.each([
  ["linear_trend", { values: [1] }, /at least two values/],
  ["linear_trend", { values: [1, 2], x: [1] }, /2 values and 1 x/],
  ["linear_trend", { values: [1, 2], x: [3, 3] }, /all x are the same/],
  ["histogram", { values: [-1.7e308, 1.7e308] }, /too far apart/],
  ["describe", { values: [1.7e308, 1.7e308, 1.7e308] }, /too large/],
  ["describe", { values: [-1.7e308, 1.7e308] }, /too large/],
  ["linear_trend", { values: [-1.7e308, 1.7e308, 1e308] }, /too large/],
])("data-stats %s of %j says what is wrong with it", async (tool, args, message) => {
  const result = await host.call(tool, args, { pluginId: "org.logomesh.data-stats" });
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringMatching(message) }] });
});
