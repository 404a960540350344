import { expect, test } from "vitest";
import { SOURCE } from "../../../testing/fixtures.ts";
import { buildGraph } from "../../../lib/graph/buildGraph.ts";
import { readSource, taskAt } from "./taskPlaces.ts";

test("every task of the graph has its place in the text, under the same reference", () => {
  const read = readSource(SOURCE);
  const nodes = buildGraph(read?.definition ?? {}).nodes.filter(({ kind }) => kind === "task");
  expect(read?.tasks.map(({ reference }) => reference).toSorted()).toEqual(nodes.map(({ id }) => id).toSorted());
  for (const { from, line, reference } of read?.tasks ?? []) {
    expect(SOURCE.slice(from).startsWith(reference.split("/").at(-1) ?? "?")).toBe(true);
    expect(SOURCE.slice(0, from).split("\n").length).toBe(line);
  }
});

test("the caret stands in the innermost task", () => {
  const tasks = readSource(SOURCE)?.tasks ?? [];
  const at = (text: string): string | undefined => taskAt(tasks, SOURCE.indexOf(text) + 1)?.reference;
  expect(at("You summarise")).toBe("/do/2/study/fork/branches/3/summary/try/0/ask");
  expect(at("backoff:")).toBe("/do/2/study/fork/branches/3/summary");
  expect(at("branches:")).toBe("/do/2/study");
  expect(at("namespace:")).toBeUndefined();
});

test("a name with a slash is one step of the reference", () => {
  const read = readSource('do:\n  - "a/b~c":\n      set: { x: 1 }\n');
  expect(read?.tasks.map(({ reference }) => reference)).toEqual(["/do/0/a~1b~0c"]);
  expect(buildGraph(read?.definition ?? {}).nodes.some(({ id }) => id === "/do/0/a~1b~0c")).toBe(true);
});

test.each([
  "do: *nowhere",
  "a: &a [*a, *b]",
  "- 1",
  "",
  "do:\n  - 7\n  - {}\n  - [a]: 1",
  `a: &a [1]\nb: [${"*a,".repeat(200)}]`,
])("a text that is no definition does not break the page: %j", (text) => {
  expect(() => readSource(text)).not.toThrow();
});

test("only a mapping without faults is a definition", () => {
  expect(readSource("do: []")?.definition).toEqual({ do: [] });
  expect(["- a", "a: [", ""].map(readSource)).toEqual([undefined, undefined, undefined]);
});
