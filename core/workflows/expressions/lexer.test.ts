import { expect, test } from "vitest";
import { EXPRESSION_CHARS_MAX, JqSyntaxError, tokenize } from "./lexer.ts";

function faultOf(source: string): { offset: number; message: string } {
  try {
    tokenize(source);
  } catch (error) {
    if (error instanceof JqSyntaxError) return { offset: error.offset, message: error.message };
    throw error;
  }
  throw new Error(`${source} is accepted`);
}

test("[EX3] every kind of token is read with its place", () => {
  const kinds = tokenize('.a | $v * 1.5e3 @base64 "s" if foo::bar // # note\n ..').map(({ kind, text, start }) => [
    kind,
    text,
    start,
  ]);
  expect(kinds).toEqual([
    ["field", ".a", 0],
    ["operator", "|", 3],
    ["variable", "$v", 5],
    ["operator", "*", 8],
    ["number", "1.5e3", 10],
    ["format", "@base64", 16],
    ["string", '"s"', 24],
    ["keyword", "if", 28],
    ["identifier", "foo::bar", 31],
    ["operator", "//", 40],
    ["operator", "..", 51],
    ["end", "", 53],
  ]);
});

test("[EX3] escapes and interpolations of a string are taken apart, with places in the whole expression", () => {
  const [token] = tokenize('"a\\n\\u00e9\\ud83d\\ude00\\"\\/\\(1 + ("b)" | length))c"');
  expect(
    token?.parts?.map((part) =>
      "literal" in part ? part.literal : part.tokens.map(({ text, start }) => [text, start]),
    ),
  ).toEqual([
    'a\né😀"/',
    [
      ["1", 28],
      ["+", 30],
      ["(", 32],
      ['"b)"', 33],
      ["|", 38],
      ["length", 40],
      [")", 46],
      ["", 47],
    ],
    "c",
  ]);
});

test.each([
  ["\u00a0.a", 0, 'Unexpected character "\u00a0"'],
  [". ~ 1", 2, 'Unexpected character "~"'],
  ['. + "abc', 4, "The string is not closed"],
  ['"a\\(1', 2, "The interpolation \\( is not closed"],
  ['"a\\q"', 2, "Unknown escape \\q"],
  ['"\\u12g4"', 1, "\\u needs four hexadecimal digits"],
  ['"\\ud800"', 0, "The string has half of a surrogate pair"],
  ['"\\(1)\\udc00"', 0, "The string has half of a surrogate pair"],
  ["1) | (2", 1, "Unexpected “)”"],
  ["1 # a \\\n + env", 6, "A comment cannot contain a backslash"],
  ["1 # a\r + env", 5, "A comment cannot contain a carriage return"],
])("[EX3] %j is refused at character %i", (source, offset, message) => {
  expect(faultOf(source)).toEqual({ offset, message: `${message} (at character ${offset + 1})` });
});

test("[EX3] comments end with their line, also where lines end with CR LF, and inside interpolations", () => {
  expect(tokenize('1 # a ) "\r\n+ 2 # end').map(({ text }) => text)).toEqual(["1", "+", "2", ""]);
  const [token] = tokenize('"\\(1 # ")\n + now)"');
  expect(token?.parts?.[1]).toMatchObject({ tokens: [{ text: "1" }, { text: "+" }, { text: "now" }, { kind: "end" }] });
});

test("[EX7] an expression is at most 65,536 characters, and strings nest in at most 16 interpolations", () => {
  expect(tokenize(".".padEnd(EXPRESSION_CHARS_MAX, " "))).toHaveLength(2);
  expect(faultOf(".".padEnd(EXPRESSION_CHARS_MAX + 1, " ")).message).toContain(
    "has 65537 characters, at most 65536 are read",
  );
  const nested = (depth: number): string => (depth === 0 ? "1" : `"\\(${nested(depth - 1)})"`);
  expect(tokenize(nested(16))).toHaveLength(2);
  expect(faultOf(nested(17))).toEqual({
    offset: 48,
    message: "Strings are nested deeper than 16 interpolations (at character 49)",
  });
});
