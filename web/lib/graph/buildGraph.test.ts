import type { JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { END, START, buildGraph, type GraphEdge } from "./buildGraph.ts";
import { layoutGraph } from "./layoutGraph.ts";

function edgesOf(yaml: string): string[] {
  return buildGraph(parse(yaml) as JsonObject).edges.map(edgeText);
}

function edgeText({ from, to, kind, label }: GraphEdge): string {
  return `${from} → ${to}${kind === "flow" ? "" : ` ${kind}`}${label === undefined ? "" : ` (${label})`}`;
}

test("tasks follow each other in order", () => {
  expect(edgesOf("do: [{ a: { set: {} } }, { b: { set: {} } }]")).toEqual([
    `${START} → /do/0/a`,
    "/do/0/a → /do/1/b",
    `/do/1/b → ${END}`,
  ]);
});

test("branches of a fork start from it and meet in a join", () => {
  const yaml = "do: [{ f: { fork: { branches: [{ x: { set: {} } }, { y: { set: {} } }] } } }, { z: { set: {} } }]";
  expect(edgesOf(yaml)).toEqual([
    `${START} → /do/0/f`,
    "/do/0/f → /do/0/f/fork/branches/0/x",
    "/do/0/f → /do/0/f/fork/branches/1/y",
    "/do/0/f/fork/branches/0/x → /do/0/f#join",
    "/do/0/f/fork/branches/1/y → /do/0/f#join",
    "/do/0/f#join → /do/1/z",
    `/do/1/z → ${END}`,
  ]);
});

test("the cases of a switch lead where they say, with their names", () => {
  const yaml = `
do:
  - s: { switch: [{ long: { when: "\${ .n > 1 }", then: b } }, { stop: { when: "\${ .n < 0 }", then: end } }, { short: { then: c } }] }
  - a: { set: {} }
  - b: { set: {} }
  - c: { set: {} }`;
  expect(edgesOf(yaml)).toEqual([
    `${START} → /do/0/s`,
    "/do/0/s → /do/2/b (long)",
    `/do/0/s → ${END} (stop)`,
    "/do/0/s → /do/3/c (short)",
    "/do/1/a → /do/2/b",
    "/do/2/b → /do/3/c",
    `/do/3/c → ${END}`,
  ]);
});

test("a switch without a default goes on when no case fits", () => {
  expect(edgesOf('do: [{ s: { switch: [{ x: { when: "${ . }", then: end } }] } }, { a: { set: {} } }]')).toContain(
    "/do/0/s → /do/1/a (otherwise)",
  );
});

test("the body of a loop returns to its head, and the flow goes on from there", () => {
  const yaml = 'do: [{ l: { for: { each: item, in: "${ . }" }, do: [{ x: { set: {} } }] } }, { z: { set: {} } }]';
  expect(edgesOf(yaml)).toEqual([
    `${START} → /do/0/l`,
    "/do/0/l → /do/0/l/do/0/x (each)",
    "/do/0/l/do/0/x → /do/0/l loop",
    "/do/0/l → /do/1/z (then)",
    `/do/1/z → ${END}`,
  ]);
});

test("a catch with tasks is reached by an error", () => {
  const yaml = "do: [{ t: { try: [{ x: { set: {} } }], catch: { do: [{ y: { set: {} } }] } } }, { z: { set: {} } }]";
  expect(edgesOf(yaml)).toEqual([
    `${START} → /do/0/t`,
    "/do/0/t → /do/0/t/try/0/x",
    "/do/0/t → /do/0/t/catch/do/0/y error (on error)",
    "/do/0/t/try/0/x → /do/1/z",
    "/do/0/t/catch/do/0/y → /do/1/z",
    `/do/1/z → ${END}`,
  ]);
});

test("a catch that only retries adds no way out; one that swallows the error does", () => {
  expect(edgesOf("do: [{ t: { try: [{ x: { set: {} } }], catch: { retry: {} } } }]")).not.toContain(
    `/do/0/t → ${END} error (on error)`,
  );
  expect(edgesOf("do: [{ t: { try: [{ x: { set: {} } }], catch: {} } }]")).toContain(
    `/do/0/t → ${END} error (on error)`,
  );
});

test("nothing follows a raise, and exit leaves the inner list only", () => {
  const yaml = "do: [{ d: { do: [{ x: { set: {}, then: exit } }, { y: { raise: {} } }] } }, { z: { set: {} } }]";
  expect(edgesOf(yaml)).toEqual([
    `${START} → /do/0/d`,
    "/do/0/d → /do/0/d/do/0/x",
    "/do/0/d/do/0/x → /do/1/z",
    `/do/1/z → ${END}`,
  ]);
});

test("nodes say what their call is about", () => {
  const yaml = `
do:
  - a: { call: plugin, with: { plugin: org.logomesh.text-tools, tool: keywords } }
  - b: { call: llm, with: { prompt: hi } }
  - c: { call: http, with: {} }
  - d: { run: { workflow: { name: other } } }
  - e: { unknown: 1 }`;
  const { nodes } = buildGraph(parse(yaml) as JsonObject);
  expect(nodes.map(({ type, detail }) => [type, detail])).toEqual([
    ["start", undefined],
    ["call", "keywords · text-tools"],
    ["call", "model default"],
    ["call", "http"],
    ["run", "other"],
    ["unknown", undefined],
    ["end", undefined],
  ]);
});

test("a definition without tasks, or with nonsense in it, still has a graph", () => {
  expect(edgesOf("{}")).toEqual([`${START} → ${END}`]);
  expect(edgesOf("do: [1, null, { a: 2 }]")).toEqual([`${START} → /do/2/a`, `/do/2/a → ${END}`]);
});

test("every node has its place, above what follows it, branches at one height", () => {
  const graph = buildGraph(
    parse("do: [{ f: { fork: { branches: [{ x: { set: {} } }, { y: { set: {} } }] } } }]") as JsonObject,
  );
  const places = layoutGraph(graph);
  const yOf = (id: string) => places.get(id)?.y ?? Number.NaN;
  expect([...places.keys()]).toEqual(graph.nodes.map(({ id }) => id));
  for (const { from, to } of graph.edges) expect(yOf(from)).toBeLessThan(yOf(to));
  expect(yOf("/do/0/f/fork/branches/0/x")).toBe(yOf("/do/0/f/fork/branches/1/y"));
  expect(places.get("/do/0/f/fork/branches/0/x")?.x).not.toBe(places.get("/do/0/f/fork/branches/1/y")?.x);
});
