/** A jq token; `start` and `end` are offsets in the expression. */
export interface Token {
  kind: "number" | "string" | "identifier" | "field" | "variable" | "keyword" | "operator" | "format" | "end";
  text: string;
  start: number;
  end: number;
  /** For strings: literal pieces and the tokens of what is interpolated between them. */
  parts?: StringPart[];
}

export type StringPart = { literal: string } | { tokens: Token[] };

/** What jq would refuse, or what is refused before jq sees it. */
export class JqSyntaxError extends Error {
  override readonly name = "JqSyntaxError";
  /** Of the fault, in the expression. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at character ${offset + 1})`);
    this.offset = offset;
  }
}

const KEYWORDS = new Set(
  "def as if then elif else end and or reduce foreach try catch label import include __loc__".split(" "),
);
const OPERATORS = ["?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", ".."];
const SINGLES = ".[]{}():;,|=<>+-*/%?$";
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const PATTERNS = [
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["field", /\.[A-Za-z_]\w*/y],
  ["variable", /\$(?:[A-Za-z_]\w*::)*[A-Za-z_]\w*/y],
  ["format", /@\w+/y],
  ["identifier", /(?:[A-Za-z_]\w*::)*[A-Za-z_]\w*/y],
] as const;

/** Longest expression that is compiled; a longer one is a mistake or an attack. */
export const EXPRESSION_CHARS_MAX = 65_536;
/** Strings within interpolations within strings; nobody reads more. */
const STRING_NESTING_MAX = 16;

/** The tokens of an expression, the last of kind `end`. @throws JqSyntaxError */
export function tokenize(source: string): Token[] {
  if (source.length > EXPRESSION_CHARS_MAX) {
    throw new JqSyntaxError(
      `The expression has ${source.length} characters, at most ${EXPRESSION_CHARS_MAX} are read`,
      0,
    );
  }
  return readTokens(source, 0, 0);
}

/** Reads to the end or, inside a string, to the `)` that closes the interpolation; its offset is the start of the end token. */
function readTokens(source: string, from: number, stringDepth: number): Token[] {
  const tokens: Token[] = [];
  let open = 0;
  let at = from;
  for (;;) {
    at = skipBlank(source, at);
    if (at >= source.length) {
      if (stringDepth > 0) throw new JqSyntaxError("The interpolation \\( is not closed", from - 2);
      break;
    }
    const token = source.charAt(at) === '"' ? readString(source, at, stringDepth) : readToken(source, at);
    if (token.text === "(") open += 1;
    if (token.text === ")" && --open < 0) {
      if (stringDepth > 0) break;
      throw new JqSyntaxError("Unexpected “)”", at);
    }
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", start: at, end: at });
  return tokens;
}

function skipBlank(source: string, from: number): number {
  let at = from;
  for (;;) {
    const char = source.charAt(at);
    if (char === "#") at = skipComment(source, at);
    else if (char === " " || char === "\t" || char === "\n" || char === "\r") at += 1;
    else return at;
  }
}

/** Releases of jq differ on where a comment with a backslash or a lone carriage return ends, so these are refused. */
function skipComment(source: string, from: number): number {
  let at = from;
  while (at < source.length && source.charAt(at) !== "\n") {
    const char = source.charAt(at);
    if (char === "\\") throw new JqSyntaxError("A comment cannot contain a backslash", at);
    if (char === "\r" && source.charAt(at + 1) !== "\n")
      throw new JqSyntaxError("A comment cannot contain a carriage return", at);
    at += 1;
  }
  return at;
}

function readToken(source: string, start: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = start;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined)
      return { kind: KEYWORDS.has(text) ? "keyword" : kind, text, start, end: start + text.length };
  }
  const char = source.charAt(start);
  const text =
    OPERATORS.find((candidate) => source.startsWith(candidate, start)) ?? (SINGLES.includes(char) ? char : undefined);
  if (text === undefined) throw new JqSyntaxError(`Unexpected character ${JSON.stringify(char)}`, start);
  return { kind: "operator", text, start, end: start + text.length };
}

function readString(source: string, start: number, stringDepth: number): Token {
  if (stringDepth >= STRING_NESTING_MAX)
    throw new JqSyntaxError(`Strings are nested deeper than ${STRING_NESTING_MAX} interpolations`, start);
  const parts: StringPart[] = [];
  let literal = "";
  let at = start + 1;
  for (;;) {
    const char = source.charAt(at);
    if (char === "") throw new JqSyntaxError("The string is not closed", start);
    if (char === '"') break;
    if (char !== "\\") {
      literal += char;
      at += 1;
    } else if (source.charAt(at + 1) === "(") {
      parts.push(literalPart(literal, start));
      literal = "";
      const tokens = readTokens(source, at + 2, stringDepth + 1);
      parts.push({ tokens });
      at = (tokens.at(-1)?.start ?? at) + 1;
    } else {
      const escape = readEscape(source, at);
      literal += escape.text;
      at = escape.end;
    }
  }
  parts.push(literalPart(literal, start));
  return { kind: "string", text: source.slice(start, at + 1), start, end: at + 1, parts };
}

function literalPart(literal: string, start: number): StringPart {
  if (!literal.isWellFormed()) throw new JqSyntaxError("The string has half of a surrogate pair", start);
  return { literal };
}

function readEscape(source: string, at: number): { text: string; end: number } {
  const escape = source.charAt(at + 1);
  if (escape === "u") {
    const hex = /^[0-9a-fA-F]{4}/.exec(source.slice(at + 2, at + 6));
    if (hex === null) throw new JqSyntaxError("\\u needs four hexadecimal digits", at);
    return { text: String.fromCharCode(Number.parseInt(hex[0], 16)), end: at + 6 };
  }
  const text = Object.hasOwn(ESCAPES, escape) ? ESCAPES[escape] : undefined;
  if (text === undefined) throw new JqSyntaxError(`Unknown escape \\${escape}`, at);
  return { text, end: at + 2 };
}
