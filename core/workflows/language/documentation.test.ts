import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";
import { languageTables } from "./tables.ts";

const REFERENCE = readFileSync(join(import.meta.dirname, "../../../docs/workflow-reference.md"), "utf8");
const HEAD = 'document: { dsl: "1.0.3", namespace: default, name: example, version: "1.0.0" }\ndo:\n  - example:\n';

const examples = [...REFERENCE.matchAll(/^### `(\w+)`\n\n.*\n\n```yaml\n([\s\S]*?)```/gm)].map(
  ([, type = "", text = ""]) => [type, text] as const,
);

test("the reference has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(10);
});

test("[WL1] the reference names every call with its fields, and every type of task with an example", () => {
  const { calls, tasks, callsNotSupported } = languageTables();
  expect(examples.map(([type]) => type).sort()).toEqual(Object.keys(tasks).sort());
  for (const [call, { fields }] of Object.entries(calls)) {
    const row = REFERENCE.split("\n").find((line) => line.startsWith(`| \`${call}\` |`)) ?? "";
    expect([call, fields.filter((field) => !row.includes(`\`${field}\``))]).toEqual([call, []]);
  }
  expect(callsNotSupported.filter((call) => !REFERENCE.includes(`\`call: ${call}\``))).toEqual([]);
});

test.each(examples)("[WL1] the example of “%s” in the reference is accepted as such a task", (type, text) => {
  const { definition, problems } = parseWorkflow(HEAD + text.replace(/^(?=.)/gm, "      "));
  expect(problems).toEqual([]);
  expect(definition?.tasksByReference.get("/do/0/example")?.type).toBe(type);
});
