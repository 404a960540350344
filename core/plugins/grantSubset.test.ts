import type { JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { assertSubset } from "./grantSubset.ts";

const why = "w";
const ASKED: JsonObject = {
  "fs.read": [
    { path: "docs", why },
    { path: "src", why },
  ],
  "llm.generate": { models: ["a", "b"], max_tokens_per_day: 100, why },
  "thought.read": { why },
};

test.each<[string, JsonObject]>([
  ["all of it", ASKED],
  ["nothing", {}],
  ["fewer permissions", { "thought.read": { why } }],
  ["fewer entries, in another order of keys", { "fs.read": [{ why, path: "src" }] }],
  ["smaller amounts and fewer models", { "llm.generate": { models: ["b"], max_tokens_per_day: 10, why } }],
])("[PL80] %s can be granted", (_name, wanted) => {
  expect(() => assertSubset(wanted, { asked: ASKED, pluginId: "org.a.b" })).not.toThrow();
});

test.each<[string, JsonObject]>([
  ["a permission it does not ask for", { store: { max_bytes: 1, why } }],
  ["an inherited name", { constructor: { why } }],
  ["another path", { "fs.read": [{ path: ".", why }] }],
  ["another reason", { "fs.read": [{ path: "src", why: "because" }] }],
  ["a larger amount", { "llm.generate": { models: ["a"], max_tokens_per_day: 101, why } }],
  ["another model", { "llm.generate": { models: ["c"], max_tokens_per_day: 1, why } }],
  ["a field more", { "thought.read": { why, more: true } }],
  ["a field less", { "llm.generate": { models: ["a"], why } }],
  ["another kind of value", { "fs.read": { path: "src", why } }],
])("[PL80] %s is refused", (_name, wanted) => {
  expect(() => assertSubset(wanted, { asked: ASKED, pluginId: "org.a.b" })).toThrow(
    expect.objectContaining({ code: "LM_INPUT_INVALID", message: expect.stringContaining("org.a.b") }),
  );
});
