import { expect, test } from "vitest";
import { WORKFLOW_SOURCE_BYTES_MAX } from "@logomesh/contracts";
import { parseWorkflow } from "./index.ts";

const HEAD = "document: { dsl: 1.0.3, namespace: test, name: w, version: 1.0.0 }\n";
const TASK = "do:\n  - a: { set: {} }\n";

function problemsOf(text: string): string[] {
  const { definition, problems } = parseWorkflow(text);
  expect(definition === undefined).toBe(problems.length > 0);
  return problems.map(({ line, column, pointer, message }) => `${line}:${column} ${pointer} ${message}`);
}

test("[WL6] a text of more than 1 MiB is refused with its size, one of just that much is read", () => {
  const text = `${HEAD}${TASK}metadata: { note: "`;
  const full = `${text}${"x".repeat(WORKFLOW_SOURCE_BYTES_MAX - text.length - 3)}" }`;
  expect(problemsOf(full)).toEqual([]);
  expect(problemsOf(`${full}  `)).toEqual([
    `1:1  the definition has ${full.length + 2} bytes, at most 1048576 are read`,
  ]);
  expect(problemsOf("é".repeat(600_000))).toEqual(["1:1  the definition has 1200000 bytes, at most 1048576 are read"]);
});

test("[WL6] a text of more than 400,000 words and marks is refused before it is parsed", () => {
  const refused = ["1:1  the definition has more than 400000 words and marks"];
  expect(problemsOf(`a: [${"1,".repeat(210_000)}]`)).toEqual(refused);
  expect(problemsOf("- ".repeat(500_000))).toEqual(refused);
  expect(problemsOf("? ".repeat(500_000))).toEqual(refused);
});

test("[WL6] deep nesting is refused, in brackets, by indentation and in a row", () => {
  const deep = "mappings and lists are nested deeper than 400 levels, or an alias stands for what encloses it";
  expect(problemsOf("[".repeat(100_000))).toEqual([`1:1  ${deep}`]);
  expect(problemsOf(`${HEAD}${TASK}metadata: { a: ${"[".repeat(400)}${"]".repeat(400)} }`)).toEqual([`1:1  ${deep}`]);
  expect(problemsOf(`${HEAD}${TASK}metadata: { a: ${"[".repeat(398)}${"]".repeat(398)} }`)).toEqual([]);
  const rows = Array.from({ length: 500 }, (_, level) => `${" ".repeat(level)}a:`).join("\n");
  expect(problemsOf(rows)).toEqual([expect.stringContaining(deep)]);
  expect(problemsOf("- ".repeat(5_000))).toContainEqual(expect.stringContaining(deep));
});

test("[WL6] tasks nest in at most 64 lists, and are at most 10,000", () => {
  const nested = (levels: number): string =>
    `${HEAD}do: ${"[ { a: { do: ".repeat(levels - 1)}[ { a: { set: {} } } ]${" } } ]".repeat(levels - 1)}`;
  expect(problemsOf(nested(64))).toEqual([]);
  expect(problemsOf(nested(65))).toEqual([expect.stringContaining("tasks are nested deeper than 64 levels")]);
  const many = (count: number): string =>
    `${HEAD}do:\n${Array.from({ length: count }, (_, index) => `- t${index}: { set: {} }\n`).join("")}`;
  expect(problemsOf(many(10_001))).toEqual(["2:1 /do the workflow has more than 10000 tasks"]);
});

test("[WL6] aliases cannot multiply a document beyond measure", () => {
  const laughs = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ..."bcdefghi"
      .split("")
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[index]}`).join(",")}]`),
  ];
  expect(problemsOf(`metadata:\n  ${laughs.join("\n  ")}\n`)).toEqual([
    expect.stringMatching(/^1:1 {2}Excessive alias count/),
  ]);
  const big = `metadata:\n  a: &a "${"x".repeat(100_000)}"\n  b: [${Array(60).fill("*a").join(",")}]\n`;
  expect(problemsOf(HEAD + TASK + big)).toEqual([
    "1:1  with its aliases written out the document exceeds 4194304 characters",
  ]);
  const many = `metadata:\n  a: &a 1\n  b: [${Array(1_001).fill("*a").join(",")}]\n`;
  expect(problemsOf(HEAD + TASK + many)).toEqual([
    expect.stringMatching(/^6:\d+ \/metadata\/b\/1000 the document has more than 1000 aliases$/),
  ]);
});

test("[WL6] an alias for what encloses it, and one for nothing, are refused", () => {
  expect(problemsOf(`${HEAD}do: &d\n  - a: { do: *d }\n`)).toEqual([
    expect.stringContaining("or an alias stands for what encloses it"),
  ]);
  expect(problemsOf("a: [*b]\nb: &b 1\n")).toEqual(["1:5 /a/0 no anchor “&b” stands before this alias"]);
});

test("[WL6] keys that are lists or mappings are refused, however deep, and a merge key is no key", () => {
  expect(problemsOf("? ".repeat(200) + "a")).toEqual(["1:3  a key is a text, not a list, a mapping or an alias"]);
  expect(problemsOf(`${HEAD}${TASK}x: &x { set: {} }\n*x : 1`)).toContainEqual(
    "5:1  a key is a text, not a list, a mapping or an alias",
  );
  expect(problemsOf(`${HEAD}do:\n  - a:\n      <<: { set: {} }\n`)).toEqual([
    expect.stringContaining("the task has no type"),
  ]);
});

test("[WL6] 40,000 keys are compared in linear time, duplicates among them are found", () => {
  const keys = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`);
  expect(problemsOf(`${HEAD}${TASK}metadata:\n  ${[...keys, "k7: 2"].join("\n  ")}\n`)).toEqual([
    "40005:3 /metadata/k7 the key “k7” stands twice in this mapping",
  ]);
});

test("[WL2] at most 50 problems are listed, and messages are cut at 500 characters", () => {
  const tasks = Array.from(
    { length: 80 },
    (_, index) => `  - t${index}: { set: '\${ nothing(${index}) }', oops: 1 }`,
  ).join("\n");
  const { problems, unchecked } = parseWorkflow(`${HEAD}do:\n${tasks}\n`);
  expect(problems).toHaveLength(50);
  expect(problems.every(({ message }) => message.includes("oops"))).toBe(true);
  expect(unchecked).toHaveLength(80);
  const [long] = parseWorkflow(`${HEAD}${TASK}${"x".repeat(900)}: 1\n`).problems;
  expect(long?.message).toHaveLength(501);
  const bad = Array.from({ length: 80 }, () => "a: 1\n").join("");
  expect(parseWorkflow(bad).problems).toHaveLength(50);
});

test("[WL1] names that every JavaScript object has are names like any other", () => {
  const text = [
    HEAD + "use: { errors: { constructor: { type: t, status: 400 } }, timeouts: { toString: { after: PT1S } } }",
    "do:",
    "  - constructor: { set: { __proto__: { polluted: true }, toString: 1 }, then: __proto__ }",
    "  - __proto__: { raise: { error: constructor } }",
    "  - valueOf: { set: {}, timeout: toString }",
  ];
  const { definition, problems } = parseWorkflow(text.join("\n"));
  expect(problems).toEqual([]);
  expect(definition?.body.tasks.map(({ name }) => name)).toEqual(["constructor", "__proto__", "valueOf"]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(
    problemsOf(
      `${HEAD}do:\n  - a: { call: constructor }\n  - b: { raise: { error: toString } }\n  - c: { set: {}, timeout: valueOf }\n`,
    ),
  ).toHaveLength(3);
});
