import { expect, test } from "vitest";
import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { BUILTINS } from "./builtins.ts";
import { compileExpression, evaluateFast } from "./expression.ts";

const all = (program: string, input: JsonValue): JsonValue | undefined =>
  evaluateFast(compileExpression(`[${program}]`), input, {});

const RECORDS = [
  { k: "b", v: 1 },
  { k: "a", v: 2 },
  { k: "b", v: 3 },
];

const CASES: [program: string, input: JsonValue, outputs: JsonValue][] = [
  ["length", "é😀", [2]],
  [".[] | length", [null, -2.5, { a: 1 }, [1]], [0, 2.5, 1, 1]],
  [
    "keys, keys_unsorted",
    { b: 1, a: 2 },
    [
      ["a", "b"],
      ["b", "a"],
    ],
  ],
  ["keys", ["x", "y"], [[0, 1]]],
  ["sort", ["b", null, [1], { a: 1 }, true, 2, false, 1, "a"], [[null, false, true, 1, 2, "a", "b", [1], { a: 1 }]]],
  ["sort", ["\u{10000}", "\u{ffff}", "a"], [["a", "\u{ffff}", "\u{10000}"]]],
  ["sort_by(.k) | map(.v)", RECORDS, [[2, 1, 3]]],
  ["group_by(.k) | map(map(.v))", RECORDS, [[[2], [1, 3]]]],
  ["unique", [2, 1, 2], [[1, 2]]],
  ["unique_by(.k) | map(.v)", RECORDS, [[2, 1]]],
  ["min_by(.k).v, max_by(.k).v", RECORDS, [2, 3]],
  ["min, max", [3, 1, 2], [1, 3]],
  ["min, max", [], [null, null]],
  ["add", ["a", "b", "c"], ["abc"]],
  ["add", [[1], [2, [3]], []], [[1, 2, [3]]]],
  ["add", [], [null]],
  ["add(.[].v)", RECORDS, [6]],
  ["any, all", [true, false], [true, false]],
  ["any(. > 2), all(. > 0)", [1, 2, 3], [true, true]],
  ["any, all", {}, [false, true]],
  ['join(", ")', ["a", 1, null, true], ["a, 1, , true"]],
  ['join(",")', [], [""]],
  ['split(",")', "a,b,", [["a", "b", ""]]],
  ['split("")', "é😀", [["é", "😀"]]],
  ['split(",")', "", [[]]],
  ["range(3)", null, [0, 1, 2]],
  ["range(2; 4)", null, [2, 3]],
  ["first, last", [1, 2], [1, 2]],
  ["first(.[]), limit(2; .[]), limit(0; error)", [1, 2, 3], [1, 1, 2]],
  ["reverse", [1, 2], [[2, 1]]],
  ['has("a"), has("b")', { a: null }, [true, false]],
  ["has(0), has(-1), has(2)", [1, 2], [true, false, false]],
  ['"a" | in({a: 1})', null, [true]],
  ['contains("bar")', "foobar", [true]],
  ['contains(["b"]), contains([1])', ["abc", 2], [true, false]],
  ["contains({a: [1]})", { a: [1, 2], b: 1 }, [true]],
  ["inside([1, 2])", [1], [true]],
  [
    'startswith("a"), endswith("a"), ltrimstr("a"), rtrimstr("c"), rtrimstr("")',
    "abc",
    [true, false, "bc", "ab", "abc"],
  ],
  ["ascii_downcase, ascii_upcase", "aÉZ", ["aÉz", "AÉZ"]],
  [".[] | tostring", [1, "a", [1.5, null]], ["1", "a", "[1.5,null]"]],
  [".[] | tonumber", ["12", -0.5, "-0.5"], [12, -0.5, -0.5]],
  ["tojson", { a: ["é"] }, ['{"a":["é"]}']],
  [".[] | type", [null, true, 1, "", [], {}], ["null", "boolean", "number", "string", "array", "object"]],
  ["floor, ceil, fabs", -1.5, [-2, -1, 1.5]],
  ["sqrt", 16, [4]],
  ["to_entries", { a: 1 }, [[{ key: "a", value: 1 }]]],
  ["from_entries", [{ key: "a", value: 1 }], [{ a: 1 }]],
  ["with_entries({key: .value, value: .key})", { a: "b" }, [{ b: "a" }]],
  ["map_values(. + 1)", { a: 1 }, [{ a: 2 }]],
  ["map_values(. + 1)", [1], [[2]]],
  ["map(., .)", { a: 1 }, [[1, 1]]],
  ["flatten", [1, [2, [3]]], [[1, 2, 3]]],
  [
    ".[] | objects, arrays, strings, numbers, booleans, nulls, values",
    [{}, [], "", 0, false, null],
    [{}, {}, [], [], "", "", 0, 0, false, false, null],
  ],
  ["recurse", [1, [2]], [[1, [2]], 1, [2], 2]],
  ["..", { a: [1] }, [{ a: [1] }, [1], 1]],
  ["select(. > 1)", 2, [2]],
  ["not", null, [true]],
  [".[] as $x | $x * 2", [1, 2], [2, 4]],
  ["(.a, .b) + (10, 20)", { a: 1, b: 2 }, [11, 12, 21, 22]],
  [".[1:], .[:-1], .[1:2]", "aé😀", ["é😀", "aé", "é"]],
  [".[1:]", null, [null]],
  ["(.[], 9)[0:1]?", ["ab", 1, [1, 2]], ["a", [1]]],
  [".[]?, .a[]?, (1, 2)?", { a: 3 }, [3, 1, 2]],
  ['(.[] | .a?), try error("x") catch ., try error({a: 1}) catch .a', [1, { a: 2 }], [2, "x", 1]],
  ["(.[] // 7), (empty // 8)", [null, 1, false, 2], [1, 2, 8]],
  ["(.[] and true), (.[] or false)", [true, null], [true, false, true, false]],
  ["(.[] | if . then 1 else 2 end), if .[] then 3, 4 else 5 end", [true, null], [1, 2, 3, 4, 5]],
  ["reduce .[] as $x (0; . + $x)", [1, 2, 3], [6]],
  [". - [1], (. / 2)?", [1, 2, 1], [[2]]],
  ['"a,b" / ","', null, [["a", "b"]]],
  ["7 % 3, -7 % 3, 7 % -3, 5.9 % 2.1", null, [1, -1, 1, 1]],
  ["{a: 1} + {a: 2, b: 3}", null, [{ a: 2, b: 3 }]],
];

test.each(CASES)("[EX1] [%s] on %j", (program, input, outputs) => {
  expect(all(program, input)).toEqual(outputs);
});

test.each<[program: string, input: JsonValue, message: string]>([
  ["length", true, "boolean (true) has no length"],
  ["keys", 1, "number (1) has no keys"],
  [".[]", null, "Cannot iterate over null"],
  [".[]", 1, "Cannot iterate over number (1)"],
  ["map_values(1)", "a", 'Cannot iterate over string ("a")'],
  ["map_values(1)", null, "Cannot iterate over null"],
  ["sort", {}, "object ({}) cannot be sorted, as it is not an array"],
  ["floor", "a", 'string ("a") number required'],
  ["split(1)", "a", "split input and separator must be strings"],
  ['startswith("a")', 1, "startswith() requires string inputs"],
  ["ascii_downcase", 1, "ascii_downcase input must be a string"],
  ["tonumber", [], "array ([]) cannot be parsed as a number"],
  ['has("a")', [], "Cannot check whether array has a string key"],
  ["has(0)", {}, "Cannot check whether object has a number key"],
  ["contains(1)", "a", 'string ("a") and number (1) cannot have their containment checked'],
  ["contains(false)", true, "boolean (true) and boolean (false) cannot have their containment checked"],
  ['range("a")', null, "Range bounds must be numeric"],
  [".[0]", {}, "Cannot index object with number"],
  [".[0:1]", {}, "Cannot index object with object"],
  ['.["a":]', [], "Start and end indices of an array slice must be numbers"],
  ["{(.): 1}", 1, "Object keys must be strings, not number (1)"],
  [". - 1", "a", 'string ("a") and number (1) cannot be subtracted'],
  [". / 0", 1, "number (1) and number (0) cannot be divided because the divisor is zero"],
  [". / {}", 1, "number (1) and object ({}) cannot be divided"],
  [". % 0", 1, "number (1) and number (0) cannot be divided because the divisor is zero"],
  [". % null", 1, "number (1) and null (null) cannot be divided"],
  ["-.", [1], "array ([1]) cannot be negated"],
])("[EX6] %s on %j raises an error", (program, input, message) => {
  let thrown: unknown;
  try {
    all(program, input);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(LogoMeshError);
  expect(thrown).toMatchObject({
    code: "LM_WORKFLOW_EXPRESSION",
    message: `${message} in the expression [${program}]`,
  });
});

test("[EX1] every builtin that is compiled has a case here", () => {
  const words = new Set(CASES.flatMap(([program]) => program.match(/\w+/g) ?? []));
  expect(Object.keys(BUILTINS).filter((name) => !words.has(name.replace(/\/\d$/, "")))).toEqual([]);
  expect(Object.getPrototypeOf(BUILTINS)).toBeNull();
});
