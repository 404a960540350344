import fc from "fast-check";
import type { JsonValue } from "@logomesh/contracts";

/** Generated jq programs and values: everything the compiled form knows, some of what it leaves to the reference, and much that fails. */

const KEYS = ["a", "b", "c", "é", "1", "2", "", "__proto__", "a b", "😀"];
const TEXTS = [
  "",
  "a",
  "ab",
  "b",
  "a,b,,c",
  "é",
  "😀x",
  "\u{ffff}",
  "\u0000",
  "\u007f",
  '"\\\n',
  " 12 ",
  "12",
  "-0.5",
  "${ .a }",
  "AbÉ",
];
const NUMBERS = [
  0, 1, -1, 2, 3, 0.5, -2.5, 10, 1e15, 1e16, 1e17, 1e-5, 0.1, 123456789012, 9007199254740991, 1e300, -1e300, 5e-324,
];

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom<JsonValue>(null, true, false, ...NUMBERS) },
    { weight: 2, arbitrary: fc.constantFrom(...TEXTS) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0) },
    { weight: 4, arbitrary: fc.array(tie("value"), { maxLength: 4 }) },
    {
      weight: 4,
      arbitrary: fc
        .uniqueArray(fc.tuple(fc.constantFrom(...KEYS), tie("value")), { maxLength: 4, selector: ([key]) => key })
        .map(
          (members) =>
            JSON.parse(
              `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
            ) as JsonValue,
        ),
    },
  ),
})).value;

/** Mostly a mapping with lists and mappings in it: on anything else nearly every program ends with an error. */
const input: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ a: json, b: json, c: fc.array(json, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: json },
);

const B0 = (
  "not length keys keys_unsorted values recurse add any all sort unique min max reverse ascii_downcase ascii_upcase tostring " +
  "tonumber tojson type floor ceil sqrt fabs to_entries from_entries flatten objects arrays strings numbers booleans nulls " +
  "first last empty error abs trim fromjson @base64 @json ascii"
).split(" ");
const B1 = (
  "map map_values select any all join split range first sort_by group_by unique_by min_by max_by has in contains inside " +
  "startswith endswith ltrimstr rtrimstr with_entries add error flatten test index"
).split(" ");

interface Programs {
  program: string;
  operand: string;
  term: string;
}

const anyProgram: fc.Arbitrary<string> = fc.letrec<Programs>((tieAny) => {
  const tie = (name: keyof Programs): fc.Arbitrary<string> => tieAny(name) as fc.Arbitrary<string>;
  const two = (operators: string[]): fc.Arbitrary<string> =>
    fc
      .tuple(tie("operand"), fc.constantFrom(...operators), tie("operand"))
      .map(([a, operator, b]) => `${a} ${operator} ${b}`);
  const suffixed = fc
    .tuple(
      tie("term"),
      fc.constantFrom(
        ".a",
        ".b",
        '."é"',
        '.["1"]',
        ".[0]",
        ".[-1]",
        ".[]",
        "[1:]",
        ".[:2]",
        "[-2:3]",
        "?",
        ".[1.5]",
        ".c[0].a",
        ".[null]",
      ),
    )
    .map(([term, suffix]) => `${term}${suffix}`);
  const leaf = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(".", ".a", ".b", ".c", ".c[]", ".a.b", "..", ".[]?", "$v", "$w", ".a[0]") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "null",
        "true",
        "false",
        "0",
        "1",
        "2",
        "-1",
        "0.5",
        "1e3",
        "1.10",
        "12345678901234567890",
      ),
    },
    { weight: 2, arbitrary: fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text)) },
    { weight: 2, arbitrary: fc.constantFrom(...B0) },
  );
  return {
    program: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      { weight: 3, arbitrary: tie("operand") },
      { weight: 4, arbitrary: fc.tuple(tie("program"), tie("program")).map(([a, b]) => `${a} | ${b}`) },
      { weight: 1, arbitrary: fc.tuple(tie("program"), tie("program")).map(([a, b]) => `${a}, ${b}`) },
      { weight: 1, arbitrary: fc.tuple(tie("term"), tie("program")).map(([a, b]) => `${a} as $x | ${b} | [., $x]`) },
    ),
    operand: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      { weight: 4, arbitrary: tie("term") },
      { weight: 3, arbitrary: two(["+", "-", "*", "/", "%"]) },
      { weight: 2, arbitrary: two(["==", "!=", "<", "<=", ">", ">="]) },
      { weight: 2, arbitrary: two(["//", "and", "or"]) },
      { weight: 1, arbitrary: tie("term").map((term) => `-${term}`) },
    ),
    term: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      { weight: 5, arbitrary: leaf },
      { weight: 4, arbitrary: suffixed },
      { weight: 2, arbitrary: tie("program").map((inner) => `(${inner})`) },
      { weight: 2, arbitrary: tie("program").map((inner) => `[${inner}]`) },
      {
        weight: 3,
        arbitrary: fc.tuple(fc.constantFrom(...B1), tie("program")).map(([name, inner]) => `${name}(${inner})`),
      },
      { weight: 1, arbitrary: tie("program").map((inner) => `"x\\(${inner})y"`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie("operand"), tie("operand"), tie("term"))
          .map(([a, b, key]) => `{a: ${a}, "b": ${b} , (${key}): 1, $v, c,}`),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(tie("operand"), tie("operand")).map(([a, b]) => `{a: ${a}, "1": ${b} | .}`),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie("program"), tie("program"), tie("program"))
          .map(([a, b, c]) => `if ${a} then ${b} elif ${c} then . else ${a} end`),
      },
      { weight: 1, arbitrary: fc.tuple(tie("program"), tie("program")).map(([a, b]) => `if ${a} then ${b} end`) },
      { weight: 1, arbitrary: fc.tuple(tie("term"), tie("term")).map(([a, b]) => `(try ${a} catch ${b})`) },
      { weight: 1, arbitrary: tie("term").map((a) => `(try ${a})`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie("term"), tie("operand"), tie("operand"))
          .map(([a, b, c]) => `reduce ${a} as $x (${b}; ${c} | [., $x])`),
      },
      { weight: 1, arbitrary: fc.tuple(tie("operand"), tie("program")).map(([a, b]) => `limit(${a}; ${b})`) },
      {
        weight: 1,
        arbitrary: fc.tuple(tie("operand"), tie("operand")).map(([a, b]) => `[limit(20; range(${a}; ${b}))]`),
      },
    ),
  };
}).program;

/** Values whose members have known types, so that programs about them seldom fail. */
const typedInput: fc.Arbitrary<JsonValue> = fc.record({
  n: fc.constantFrom(...NUMBERS),
  s: fc.constantFrom(...TEXTS),
  l: fc.array(json, { maxLength: 5 }),
  m: fc.array(fc.constantFrom(...NUMBERS), { maxLength: 5 }),
  t: fc.array(fc.constantFrom(...TEXTS), { maxLength: 5 }),
  o: fc.dictionary(fc.constantFrom(...KEYS.filter((key) => key !== "__proto__")), json, { maxKeys: 4 }),
  r: fc.array(fc.record({ k: fc.constantFrom<JsonValue>(1, 2, "x", null, [1], { a: 1 }), v: json }), { maxLength: 4 }),
  j: json,
});

interface Typed {
  any: string;
  num: string;
  str: string;
  arr: string;
  obj: string;
  bool: string;
}

const either = (choices: string[]): fc.Arbitrary<string> => fc.constantFrom(...choices);

/** Programs about `typedInput`, which is `$v` and, outside of `map` and its like, also `.`. */
const typedProgram: fc.Arbitrary<string> = fc.letrec<Typed>((tieAny) => {
  const tie = (name: keyof Typed): fc.Arbitrary<string> => tieAny(name) as fc.Arbitrary<string>;
  const form = (template: string, ...names: (keyof Typed)[]): fc.Arbitrary<string> =>
    fc
      .tuple(...names.map(tie))
      .map((parts) => parts.reduce((text, part) => text.replace(/(?<!\w)_(?!\w)/, () => part), template));
  const forms = (leaves: string[], ...others: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
    fc.oneof({ maxDepth: 5, depthSize: "small" }, { weight: others.length, arbitrary: either(leaves) }, ...others);
  return {
    any: forms(
      [".", "$v.j", "null", "$v.o.a", "$v.l[0]", "empty", "..", "type", "$v.r[0].v"],
      ...(["num", "str", "arr", "obj", "bool"] as const).map(tie),
      form("(_ // _)", "any", "any"),
      form("if _ then _ else _ end", "bool", "any", "any"),
      form("if _ then _ end", "any", "any"),
      form("(_ | _)", "any", "any"),
      form("(_, _)", "any", "any"),
      form("_[_]", "arr", "num"),
      form("_[_]?", "obj", "str"),
      form("first(_)", "any"),
      form("(_ | first)", "arr"),
      form("(_ | last)", "arr"),
      form("(_ | add)", "arr"),
      form("(_ | min)", "arr"),
      form("(_ | max_by(_))", "arr", "any"),
      form("(_ | min_by(_))", "arr", "any"),
      form("(try error(_) catch .)", "any"),
      form("(try _ catch .)", "any"),
      form("(_ as $x | [$x, _])", "any", "any"),
      form("reduce _[] as $x (_; [., $x] | last)", "arr", "any"),
      form("reduce _[] as $x (0; . + ($x | type | length))", "arr"),
      form("limit(2; _)", "any"),
    ),
    num: forms(
      ["0", "1", "2", "0.5", "-1", "$v.n", "$v.m[0]?", "(.|length? // 3)", "1e3", "100"],
      form("(_ + _)", "num", "num"),
      form("(_ - _)", "num", "num"),
      form("(_ * _)", "num", "num"),
      form("(_ / _)", "num", "num"),
      form("(_ % _)", "num", "num"),
      form("(-_)", "num"),
      form("(_ | length)", "any"),
      form("(_ | floor)", "num"),
      form("(_ | ceil)", "num"),
      form("(_ | fabs)", "num"),
      form("(_ | sqrt)", "num"),
      form("(_ | tostring | tonumber)", "num"),
      form("(_ | tonumber? // 7)", "str"),
    ),
    str: forms(
      ['"a"', '"x,y"', '"😀é"', "$v.s", "$v.t[0]", '""', '","', "type"],
      form("(_ + _)", "str", "str"),
      form('"<\\(_)>"', "any"),
      form('"\\(_)-\\(_)"', "num", "str"),
      form("(_ | tostring)", "any"),
      form("(_ | tojson)", "any"),
      form("(_ | ascii_downcase)", "str"),
      form("(_ | ascii_upcase)", "str"),
      form("(_ | ltrimstr(_))", "str", "str"),
      form("(_ | rtrimstr(_))", "str", "str"),
      form("(_ | join(_))", "arr", "str"),
      form("($v.t | join(_))", "str"),
      form("_[_:_]", "str", "num", "num"),
      form("_[1:]", "str"),
      form("(_ | reverse)", "str"),
      form("(_ * 2)", "str"),
    ),
    arr: forms(
      ["$v.l", "$v.m", "$v.t", "$v.r", "[]", "[1, 2, null]", "[.]", "[..]", "[$v.o[]]"],
      form("[_]", "any"),
      form("[_, _]", "any", "any"),
      form("(_ + _)", "arr", "arr"),
      form("(_ - _)", "arr", "arr"),
      form("(_ | map(_))", "arr", "any"),
      form("(_ | map(select(_)))", "arr", "bool"),
      form("(_ | map_values(_))", "arr", "any"),
      form("(_ | sort)", "arr"),
      form("(_ | sort_by(_))", "arr", "any"),
      form("(_ | sort_by(_, _))", "arr", "any", "num"),
      form("(_ | group_by(_))", "arr", "any"),
      form("($v.r | group_by(.k))"),
      form("($v.r | sort_by(.k) | map(.v))"),
      form("(_ | unique)", "arr"),
      form("(_ | unique_by(_))", "arr", "any"),
      form("(_ | flatten)", "arr"),
      form("(_ | flatten(1))", "arr"),
      form("(_ | reverse)", "arr"),
      form("(_ / _)", "str", "str"),
      form("(_ | split(_))", "str", "str"),
      form("(_ | keys)", "obj"),
      form("(_ | keys_unsorted)", "obj"),
      form("(_ | keys)", "arr"),
      form("(_ | to_entries)", "obj"),
      form("_[_:_]", "arr", "num", "num"),
      form("_[:_]", "arr", "num"),
      form("[range(_; 5)]", "num"),
      form("[limit(3; range(_))]", "num"),
      form("[_[]?]", "any"),
      form("[_ | objects, arrays, strings, numbers, booleans, nulls, values]", "any"),
    ),
    obj: forms(
      ["$v.o", "{}", "{a: 1}", '{"1": 1}', "($v.r[0] // {})", "$v"],
      form("{a: _, b: _}", "any", "any"),
      form("{(_): _}", "str", "any"),
      form('{x: _, "y": _ | _, $v}', "num", "num", "any"),
      form("(_ + _)", "obj", "obj"),
      form("(_ * _)", "obj", "obj"),
      form("(_ | map_values(_))", "obj", "any"),
      form("(_ | with_entries(select(_)))", "obj", "bool"),
      form('(_ | with_entries(.key += "x"))', "obj"),
      form('(_ | with_entries({key: (.key + "x"), value: _}))', "obj", "any"),
      form("(_ | to_entries | from_entries)", "obj"),
      form("(_ | add // {} | objects)", "arr"),
    ),
    bool: forms(
      ["true", "false", "(.|not)", "(. == null)"],
      ...["==", "!=", "<", "<=", ">", ">="].map((operator) => form(`(_ ${operator} _)`, "any", "any")),
      form("(_ < _)", "str", "str"),
      form("(_ == _)", "num", "num"),
      form("(_ and _)", "bool", "any"),
      form("(_ or _)", "any", "bool"),
      form("(_ | not)", "any"),
      form("(_ | any)", "arr"),
      form("(_ | all)", "arr"),
      form("(_ | any(_))", "arr", "bool"),
      form("(_ | all(_))", "obj", "bool"),
      form("(_ | has(_))", "obj", "str"),
      form("(_ | has(_))", "arr", "num"),
      form("(_ | in(_))", "str", "obj"),
      form("(_ | contains(_))", "arr", "arr"),
      form("(_ | contains(_))", "str", "str"),
      form("(_ | contains(_))", "obj", "obj"),
      form("(_ | inside(_))", "obj", "obj"),
      form("(_ | startswith(_))", "str", "str"),
      form("(_ | endswith(_))", "str", "str"),
    ),
  };
}).any;

/** A program with the value of `.` and of `$v`. */
export const programs: fc.Arbitrary<[source: string, data: JsonValue, v: JsonValue]> = fc.oneof(
  { weight: 1, arbitrary: fc.tuple(anyProgram, input, json) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(typedProgram, typedInput)
      .map(([source, data]): [string, JsonValue, JsonValue] => [source, data, data]),
  },
);

/** Token soup: most of it is no program at all, and both sides must agree on which. */
export const soups: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...". .. .a .b[0] [ ] ( ) { } : , ; | ? // ?// + - * / % == < and or not if then else elif end try catch reduce as $v $x :".split(
        " ",
      ),
      ...[
        '"s"',
        '"\\(1)"',
        "1",
        "0.5",
        "a",
        "map(",
        "empty",
        "{a",
        "null",
        "[]",
        "=",
        "|=",
        "# note\n",
        "foreach",
        "@base64",
        "é",
        "true",
      ],
    ),
    { minLength: 1, maxLength: 9 },
  )
  .map((tokens) => tokens.join(" "));
