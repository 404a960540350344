import { expect, test } from "vitest";
import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { compileExpression, evaluateFast } from "./expression.ts";
import { JqSyntaxError } from "./lexer.ts";

function fast(
  source: string,
  input: JsonValue = null,
  variables: Record<string, JsonValue> = {},
): JsonValue | undefined {
  return evaluateFast(compileExpression(source), input, variables);
}

function failure(source: string, input: JsonValue = null): { code: string; message: string } {
  try {
    const value = fast(source, input);
    throw new Error(`${source} gives ${JSON.stringify(value)}`);
  } catch (error) {
    if (error instanceof LogoMeshError) return { code: error.code, message: error.message };
    throw error;
  }
}

function faultOf(source: string): { offset: number; message: string } {
  try {
    compileExpression(source);
  } catch (error) {
    if (error instanceof JqSyntaxError) return { offset: error.offset, message: error.message };
    throw error;
  }
  throw new Error(`${source} is accepted`);
}

test.each([
  ["env", 0],
  ["$ENV.PATH", 0],
  ["now", 0],
  [".a | input_line_number", 5],
  ["[input]", 1],
  ["[inputs]", 1],
  ["input_filename", 0],
  ['. | debug("x")', 4],
  ["stderr", 0],
  ["halt", 0],
  ['"a" | halt_error', 6],
  ["localtime", 0],
  ['strflocaltime("%Y")', 0],
  ["get_search_list", 0],
  ["modulemeta", 0],
  ['import "a" as a; 1', 0],
  ['include "a"; 1', 0],
  ["$__loc__", 0],
  ["$__prog_args", 0],
  ['"x \\("\\(now)")"', 8],
  ["def now: 1; now", 4],
  ["{a: now}", 4],
  ["{a: if 1, now then 2 end}", 10],
  ["{a: [1, now]}", 8],
  ["{a, now}", 4],
  ["{$__loc__}", 1],
  ["{now: 1}[now]", 9],
])("[EX4] %s is refused: its result could not be replayed", (source, offset) => {
  const fault = faultOf(source);
  expect(fault.offset).toBe(offset);
  expect(fault.message).toMatch(
    /^“.+” is not allowed: its result depends on when or where it runs and could not be replayed \(at character/,
  );
});

test("[EX4] a member may be called now, env or input, in objects and in paths", () => {
  expect(fast("{now: 1, env: .env, input: .input.now}", { env: "e", input: { now: 2 } })).toEqual({
    now: 1,
    env: "e",
    input: 2,
  });
  expect(fast("{input}", { input: 3 })).toEqual({ input: 3 });
  expect(fast('"now", "$ENV"')).toBe("now");
});

test.each([
  ["", 0, "Unexpected end of the expression"],
  [".a |", 4, "Unexpected end of the expression"],
  ["1 == 1 == 1", 7, "Unexpected “==”"],
  ["[1, 2", 5, "Unexpected end of the expression, expected “]”"],
  ["{a: 1 b}", 6, "Unexpected “b”, expected “,” or “}”"],
  ["{1: 2}", 1, "Unexpected “1”"],
  ["{(1)}", 4, "Unexpected “}”, expected “:”"],
  ["if . then 1", 11, "Unexpected end of the expression, expected “end”"],
  ["if . else 1 end", 5, "Unexpected “else”, expected “then”"],
  ["reduce .[] as $x (0)", 19, "Unexpected “)”, expected “;”"],
  [".a then", 3, "Unexpected “then”"],
  ['"\\(1 2)"', 5, "Unexpected “2”"],
  [". as $x", 7, "Unexpected end of the expression"],
  ["map(1;", 6, "Unexpected end of the expression"],
  ["then", 0, "Unexpected “then”"],
])("[EX3] %j is refused at character %i", (source, offset, message) => {
  expect(faultOf(source)).toEqual({ offset, message: `${message} (at character ${offset + 1})` });
});

test.each([
  "def f: 1; f",
  ".a = 1",
  ".a |= 2",
  ". as [$x] | $x",
  "foreach .[] as $x (0; . + $x)",
  "label $out | 1",
  "@base64",
  '{@base64 "a": 1}',
  "{$x: 1}",
  "1 + 1 as $x | $x",
  "try -1",
  "reduce -1 as $x (0; .)",
  "reduce 1 + 1 as $x (0; .)",
  ".a.[1:2]",
  ".a.[:2]",
  "12345678901234567890",
  "1.10",
  "{(1): 2}",
  "{(-1): 2}",
  'test("a")',
  "$a::b",
  "select",
  "{a: (1, 2)}",
  '"\\(1, 2)"',
  "limit(1, 2; 3)",
  "range(1, 2)",
  "any(1, 2)",
  "map_values(1, 2)",
  "sort_by(1, 2)",
  "has(1, 2)",
  ".[1, 2:3]",
])("[EX2] %s is left to real jq", (source) => {
  expect(compileExpression(source).fast).toBeUndefined();
});

test("[EX5] the first output counts, and no output is null", () => {
  expect(fast(".[]", [7, 8])).toBe(7);
  expect(fast("empty")).toBeNull();
  expect(fast("first(empty)")).toBeNull();
});

test("[EX5] variables are read by name; text in data that looks like an expression stays text", () => {
  const expression = compileExpression('{i: $input, c: "\\($context.n)", x: (1 as $x | $x + 1)}');
  expect(expression.variables).toEqual(["input", "context", "x"]);
  expect(evaluateFast(expression, null, { input: "${ .a }", context: { n: "\\(1)" } })).toEqual({
    i: "${ .a }",
    c: "\\(1)",
    x: 2,
  });
  expect(fast("$missing")).toBeUndefined();
  expect(fast("$toString")).toBeUndefined();
});

test("[EX5] a key called __proto__ is data", () => {
  const data = JSON.parse('{"__proto__": {"a": 1}, "b": 2}') as JsonValue;
  expect(JSON.stringify(fast('{"__proto__": .__proto__.a} + {c: 1}', data))).toBe('{"__proto__":1,"c":1}');
  expect(JSON.stringify(fast('with_entries(select(.key != "b"))', data))).toBe('{"__proto__":{"a":1}}');
  expect(({} as { a?: number }).a).toBeUndefined();
  expect(fast(".constructor", {})).toBeNull();
});

test("[EX6] an error of the program is LM_WORKFLOW_EXPRESSION with jq's words and the expression", () => {
  expect(failure(".a.b", { a: "text" })).toEqual({
    code: "LM_WORKFLOW_EXPRESSION",
    message: 'Cannot index string with string ("b") in the expression .a.b',
  });
  expect(failure("error({code: 1})").message).toBe('{"code":1} (not a string) in the expression error({code: 1})');
  expect(failure(`error("x") | ${".".repeat(1)}${" ".repeat(300)}`).message).toHaveLength(
    "x in the expression ".length + 198,
  );
  expect(failure('{} + "é"', null).message).toContain('object ({}) and string ("é") cannot be added');
  expect(failure(". + 1", { a: [1, { b: "a rather long text in here" }], c: 2 }).message).toContain(
    'object ({"a":[1,{"b":"a rather lon...) and',
  );
  expect(failure(". + 1", "x".repeat(100)).message).toContain(`string ("${"x".repeat(25)}...) and number`);
});

test("[EX7] values, texts, lists and results have limits", () => {
  for (const source of [
    "[range(3000000)]",
    "reduce range(3000000) as $i (0; 1)",
    '[range(9)] | reduce range(30) as $i ("aaaaaaaa"; . + .)',
    '[range(9)] | reduce range(30) as $i ("aaaaaaaa"; "\\(.)\\(.)")',
    "reduce range(40) as $i ([1]; . + .)",
    "reduce range(40) as $i (1; [., .])",
    "reduce range(40) as $i (1; {a: ., b: .})",
    "limit(3000000; range(3000000))",
    "[limit(1100000; range(1100000))]",
  ])
    expect({ source, code: failure(source).code }).toEqual({ source, code: "LM_WORKFLOW_EXPRESSION_LIMIT" });
});

test("[EX7] a value that shares its parts is judged by its written size, not by its memory", () => {
  expect(failure("reduce range(60) as $i (1; [., .])").message).toContain(
    "The result is larger than 8388608 characters.",
  );
  // Written out here it would take years: the reference is given it, where a time limit holds.
  for (const use of [
    "tojson",
    "tostring",
    ". == .",
    "flatten | length",
    ". as $d | contains($d)",
    "[., .] | sort | length",
    '"\\(.)"',
  ])
    expect({ use, value: fast(`reduce range(60) as $i (1; [., .]) | ${use}`) }).toEqual({ use, value: undefined });
});

test("[EX7] work on long texts and lists goes to the reference before it hurts", () => {
  expect(fast("reduce range(50000) as $i ([]; . + [$i]) | length")).toBeUndefined();
  expect(fast("reduce range(2000) as $i ([]; . + [$i]) | length")).toBe(2000);
  expect(fast("[range(100000) as $i | $s[$i:$i + 1]] | length", null, { s: "x".repeat(100_000) })).toBeUndefined();
});

test("[EX7] nesting has limits: 200 levels of an expression, the stack for values", () => {
  const parentheses = (depth: number): string => `${"(".repeat(depth)}1${")".repeat(depth)}`;
  expect(fast(parentheses(199))).toBe(1);
  expect(faultOf(parentheses(300)).message).toMatch(/^Nested deeper than 200 levels/);
  expect(faultOf(Array.from({ length: 300 }, () => "1").join(" // ")).message).toMatch(
    /^Nested deeper than 200 levels/,
  );
  expect(faultOf(`${"- ".repeat(300)}1`).message).toMatch(/^Nested deeper than 200 levels/);
  expect(faultOf(`{a: ${"1 | ".repeat(300)}1}`).message).toMatch(/^Nested deeper than 200 levels/);
  expect(faultOf(`${"if 1 then 1 el".repeat(300)}se 2 end`).message).toMatch(/^Nested deeper than 200 levels/);
  expect(faultOf(`.${"[0]".repeat(20_000)}`).message).toMatch(/^The expression is nested too deeply/);
  let deep: JsonValue = [];
  for (let depth = 0; depth < 200_000; depth++) deep = [deep];
  expect(failure("[..] | length", deep).code).toBe("LM_WORKFLOW_EXPRESSION_LIMIT");
});

test("[EX2] numbers, keys and texts that jq treats in its own way are left to it", () => {
  for (const [source, input] of [
    ["-.", 0],
    [". * -1", 0],
    [". / 3 | ceil", -1],
    [". * 1e300 * 1e300", 2],
    ["tostring", 1e16],
    ["tostring", 1e-5],
    ['"\\(.)"', [{ a: 1e20 }]],
    ["tojson", { a: "\u007f" }],
    [".[1.5]", [1, 2, 3]],
    ["has(0.5)", [1]],
    [".[null]", [1]],
    [".[1.5:]", [1]],
    ['{b: 1, "1": 2}', null],
    ['{b: 1} + {"1": 2}', null],
    ["from_entries", [{ name: "a", value: 1 }]],
    ["from_entries", {}],
    ["to_entries", [1]],
    ["flatten", {}],
    ["reverse", "abc"],
    ["join(1)", ["a"]],
    ['join(",")', [[1], 2]],
    ["tonumber", "0x1"],
    ["ltrimstr(1)", "a"],
    ["error(null)", 1],
    ["try error catch .", null],
    ["try (. + 1) catch .", "a"],
    [". * 2", "a"],
    [". % 9007199254740993", 1e300],
    ["limit(-1; 1)", 1],
    ['limit("a"; 1)', 1],
  ] as const)
    expect({ source, value: fast(source, input as JsonValue) }).toEqual({ source, value: undefined });
});
