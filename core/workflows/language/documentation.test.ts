import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";

const REFERENCE = readFileSync(join(import.meta.dirname, "../../../docs/workflow-reference.md"), "utf8");
const HEAD = 'document: { dsl: "1.0.3", namespace: default, name: example, version: "1.0.0" }\ndo:\n  - example:\n';

const examples = [...REFERENCE.matchAll(/^### `(\w+)`\n\n.*\n\n```yaml\n([\s\S]*?)```/gm)].map(
  ([, type = "", text = ""]) => [type, text] as const,
);

test("the reference has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(10);
});

test.each(examples)("[WL1] the example of “%s” in the reference is accepted as such a task", (type, text) => {
  const { definition, problems } = parseWorkflow(HEAD + text.replace(/^(?=.)/gm, "      "));
  expect(problems).toEqual([]);
  expect(definition?.tasksByReference.get("/do/0/example")?.type).toBe(type);
});
