/** A jq token; `start` is its offset in the expression. */
export interface Token {
  kind: "number" | "string" | "identifier" | "field" | "variable" | "keyword" | "operator" | "format" | "end";
  text: string;
  start: number;
  /** For strings: literal pieces and the source of what is interpolated between them. */
  parts?: StringPart[];
}

export type StringPart = { literal: string } | { source: string };

export class JqSyntaxError extends Error {
  override readonly name = "JqSyntaxError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const KEYWORDS = new Set(
  "def as if then elif else end and or reduce foreach try catch label import include __loc__".split(" "),
);
const OPERATORS = ["?//=", "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", ".."];
const SINGLES = ".[]{}():;,|=<>+-*/%?$";
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Longest expression that is compiled; a longer one is a mistake or an attack. */
export const EXPRESSION_CHARS_MAX = 65_536;

export function tokenize(source: string): Token[] {
  if (source.length > EXPRESSION_CHARS_MAX) {
    throw new JqSyntaxError(
      `The expression has ${source.length} characters, at most ${EXPRESSION_CHARS_MAX} are read.`,
      0,
    );
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source.charAt(at);
    if (/\s/.test(char)) {
      at += 1;
    } else if (char === "#") {
      while (at < source.length && source.charAt(at) !== "\n") at += 1;
    } else {
      const token = readToken(source, at);
      tokens.push(token);
      at = token.start + tokenLength(source, token);
    }
  }
  tokens.push({ kind: "end", text: "", start: source.length });
  return tokens;
}

const lengths = new WeakMap<Token, number>();

function tokenLength(_source: string, token: Token): number {
  return lengths.get(token) ?? token.text.length;
}

function readToken(source: string, start: number): Token {
  const rest = source.slice(start);
  if (rest.startsWith('"')) return readString(source, start);
  const number = /^(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/.exec(rest);
  if (number !== null) return { kind: "number", text: number[0], start };
  const field = /^\.[A-Za-z_]\w*/.exec(rest);
  if (field !== null) return { kind: "field", text: field[0], start };
  const variable = /^\$([A-Za-z_]\w*)(::\w+)?/.exec(rest);
  if (variable !== null) return { kind: "variable", text: variable[0], start };
  const format = /^@\w+/.exec(rest);
  if (format !== null) return { kind: "format", text: format[0], start };
  const word = /^[A-Za-z_]\w*(::\w+)*/.exec(rest);
  if (word !== null) return { kind: KEYWORDS.has(word[0]) ? "keyword" : "identifier", text: word[0], start };
  const operator =
    OPERATORS.find((candidate) => rest.startsWith(candidate)) ??
    (SINGLES.includes(rest.charAt(0)) ? rest.charAt(0) : undefined);
  if (operator === undefined) throw new JqSyntaxError(`Unexpected character ${JSON.stringify(rest.charAt(0))}`, start);
  return { kind: "operator", text: operator, start };
}

function readString(source: string, start: number): Token {
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
      continue;
    }
    const escape = source.charAt(at + 1);
    if (escape === "(") {
      const end = closingParenthesis(source, at + 2);
      parts.push({ literal }, { source: source.slice(at + 2, end) });
      literal = "";
      at = end + 1;
    } else if (escape === "u") {
      const hex = /^[0-9a-fA-F]{4}/.exec(source.slice(at + 2));
      if (hex === null) throw new JqSyntaxError("\\u needs four hexadecimal digits", at);
      literal += String.fromCharCode(Number.parseInt(hex[0], 16));
      at += 6;
    } else {
      const mapped = ESCAPES[escape];
      if (mapped === undefined) throw new JqSyntaxError(`Unknown escape \\${escape}`, at);
      literal += mapped;
      at += 2;
    }
  }
  parts.push({ literal });
  const token: Token = { kind: "string", text: source.slice(start, at + 1), start, parts };
  lengths.set(token, at + 1 - start);
  return token;
}

/** Offset of the `)` that closes an interpolation, minding nested strings and parentheses. */
function closingParenthesis(source: string, from: number): number {
  let depth = 1;
  let at = from;
  while (at < source.length) {
    const char = source.charAt(at);
    if (char === '"') {
      const token = readString(source, at);
      at += lengths.get(token) ?? 1;
      continue;
    }
    if (char === "(") depth += 1;
    if (char === ")") {
      depth -= 1;
      if (depth === 0) return at;
    }
    at += 1;
  }
  throw new JqSyntaxError("The interpolation \\( is not closed", from - 2);
}
