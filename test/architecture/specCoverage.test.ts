import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./importGraph.ts";

/** `- **WF12** …` declares a rule; `[WF12]` in a test cites it. */
const RULE = /^- \*\*([A-Z]{2}\d+)\*\*/gm;
const CITATION = /\[([A-Z]{2}\d+(?:,\s*[A-Z]{2}\d+)*)\]/g;

function filesOf(...patterns: string[]): string[] {
  return execFileSync("git", ["ls-files", "-co", "--exclude-standard", ...patterns], { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
}

function idsIn(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(ROOT, file), "utf8").matchAll(pattern)].flatMap((match) =>
    (match[1] ?? "").split(/,\s*/),
  );
}

const rules = filesOf("*SPEC.md").flatMap((file) => idsIn(file, RULE));
const tests = filesOf("*.test.ts", "*.test.tsx", "*.suite.ts", "test/security/attacks/*.ts").filter(
  (file) => !file.startsWith("test/architecture/"),
);
const prefixes = new Set(rules.map((rule) => rule.slice(0, 2)));
const citations = new Set(tests.flatMap((file) => idsIn(file, CITATION)).filter((id) => prefixes.has(id.slice(0, 2))));

test("rule ids are unique", () => {
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([]);
});

test("every rule of a SPEC.md is cited by a test", () => {
  expect(rules.filter((rule) => !citations.has(rule))).toEqual([]);
});

test("tests cite only rules that exist", () => {
  expect([...citations].filter((id) => !rules.includes(id))).toEqual([]);
});
