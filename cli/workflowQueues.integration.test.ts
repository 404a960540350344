import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serveWorkspace } from "./testing/servedWorkspace.ts";

const SETTINGS = `
concurrency:
  steps: 1
  plugins: { org.logomesh.text-tools: 1, org.logomesh.data-stats: 1 }
`;
const call = (plugin: string, tool: string, args: string): string =>
  `{ call: plugin, with: { plugin: org.logomesh.${plugin}, tool: ${tool}, arguments: ${args} } }`;

test("[WF300] with one place in all, plugins that call each other come to their end", async () => {
  await using workspace = await serveWorkspace({ settings: SETTINGS });
  const branches = Array.from({ length: 4 }, (_, index) => [
    `{ outer${index}: ${call("data-stats", "describe_texts", "{ texts: [one word, and two more] }")} }`,
    `{ inner${index}: ${call("text-tools", "word_count", "{ text: three words here }")} }`,
  ]).flat();
  const head = 'document: { dsl: "1.0.3", namespace: default, name: nested, version: "1.0.0" }';
  writeFileSync(
    join(workspace.root, "nested.yaml"),
    `${head}\ndo: [ { all: { fork: { branches: [ ${branches.join(", ")} ] } } } ]\n`,
  );
  const { out } = await workspace.type("logomesh run nested.yaml --json");
  const run = JSON.parse(out) as { status: string; output: { words?: number; count?: number }[] };
  expect(run.status).toBe("completed");
  expect(run.output.map(({ words, count }) => words ?? count)).toEqual([2, 3, 2, 3, 2, 3, 2, 3]);
});
