import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CallToolResult } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createTempFolder } from "../../testing/index.ts";
import { differenceOf, readTestCases, type TestCase } from "./testCases.ts";

function read(text: string): TestCase[] {
  using folder = createTempFolder();
  const path = join(folder.path, "a.test.yaml");
  writeFileSync(path, text);
  return readTestCases(path, "a.test.yaml");
}

test("[PL305] YAML and JSON say the same", () => {
  const json = { cases: [{ name: "a", tool: "t", arguments: { n: 1 }, result: { at: "2026-01-01" } }] };
  const yaml = "cases:\n  - name: a\n    tool: t\n    arguments: { n: 1 }\n    result: { at: 2026-01-01 }\n";
  expect(read(yaml)).toEqual(read(JSON.stringify(json)));
});

const BOMB = `a: &a [1,1,1,1]\n${"bcdefgh"
  .split("")
  .map((name, index) => `${name}: &${name} [${`*${"abcdefg"[index]},`.repeat(9)}]`)
  .join("\n")}\n`;

test.each<[text: string, why: string]>([
  ["", "is a mapping"],
  ["[1]", "is a mapping"],
  ["cases: [}", "a.test.yaml:"],
  ["cases: []", "/cases"],
  ["cases: [{ name: a, tool: t }]", "expects nothing"],
  ["cases: [{ name: a, tool: t, result: 1, resullt: 2 }]", "/cases/0"],
  ["cases: [{ name: a, tool: t, result: 1, arguments: 7 }]", "must be an object"],
  [BOMB, "Alias"],
  [`cases: ${"[".repeat(20_000)}`, "a.test.yaml"],
  [`# ${"x".repeat(262_144)}`, "at most 262144 are read"],
])("[PL305] %.40j is refused and says why", (text, why) => {
  expect(() => read(text)).toThrow(why);
});

const said = (text: string, more: Partial<CallToolResult> = {}): CallToolResult => ({
  ...{ content: [{ type: "text", text }, { type: "image" }], isError: false, durationMs: 1 },
  ...more,
});
const wants = (expected: Partial<TestCase>): TestCase => ({
  ...{ name: "a", tool: "t", arguments: {}, host: [] },
  ...expected,
});

test.each<[expected: Partial<TestCase>, outcome: CallToolResult | { failure: string }, difference: string | undefined]>(
  [
    [{ result: { n: 1 } }, said("", { structuredContent: { n: 1 } }), undefined],
    [{ result: { n: 1 } }, said("", { structuredContent: { n: 2 } }), 'It answers {"n":2}, and should answer {"n":1}.'],
    [{ result: { n: 1 } }, said("plain"), "It answers the text “plain\n”, and should"],
    [{ result: null }, said("plain"), undefined],
    [{ text: "lai" }, said("plain"), undefined],
    [{ text: "fancy" }, said("plain"), "Its text should have “fancy” in it, and is “plain"],
    [{ text: "a" }, said("a", { isError: true }), "It fails: a"],
    [{ result: 1 }, { failure: "It crashed." }, "It fails: It crashed."],
    [{ error: "cras" }, { failure: "It crashed." }, undefined],
    [{ error: "cras" }, said("crash", { isError: true }), undefined],
    [{ error: "other" }, { failure: "It crashed." }, "It should fail with “other”, and it fails with “It crashed.”."],
    [{ error: "other" }, said("fine"), "It should fail with “other”, and it answers the text “fine"],
  ],
)("[PL305] what should be %j and is %j", (expected, outcome, difference) => {
  const found = differenceOf(wants(expected), outcome);
  if (difference === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(difference);
});
