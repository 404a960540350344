import type { JsonValue } from "@logomesh/contracts";

/**
 * The part of jq that is compiled; everything else is left to the reference. `lenient` is a `?` right behind an index, slice or
 * iteration: it forgives that step alone, not what its target or key raise.
 */
export type Ast =
  | { kind: "identity" }
  | { kind: "recurse" }
  | { kind: "literal"; value: JsonValue }
  | { kind: "variable"; name: string }
  | { kind: "string"; parts: (string | Ast)[] }
  | { kind: "array"; body: Ast | undefined }
  | { kind: "object"; members: { key: Ast; value: Ast }[] }
  | { kind: "index"; target: Ast; key: Ast; lenient?: boolean }
  | { kind: "slice"; target: Ast; from: Ast | undefined; to: Ast | undefined; lenient?: boolean }
  | { kind: "iterate"; target: Ast; lenient?: boolean }
  | { kind: "optional"; body: Ast }
  | { kind: "negate"; body: Ast }
  | { kind: "pipe" | "comma" | "alternative" | "and" | "or"; left: Ast; right: Ast }
  | { kind: "binary"; operator: BinaryOperator; left: Ast; right: Ast }
  | { kind: "if"; condition: Ast; then: Ast; else: Ast | undefined }
  | { kind: "try"; body: Ast; handler: Ast | undefined }
  | { kind: "bind"; source: Ast; name: string; body: Ast }
  | { kind: "reduce"; source: Ast; name: string; initial: Ast; update: Ast }
  | { kind: "call"; name: string; args: Ast[] };

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=";

/** Builtins whose output is never larger than their input. */
const SHRINKING = new Set([
  "not/0",
  "length/0",
  "select/1",
  "type/0",
  "empty/0",
  "first/0",
  "last/0",
  "values/0",
  "has/1",
]);

/** Whether a program can build a value larger than its input: paths, tests and choices cannot, everything else might. */
export function grows(ast: Ast): boolean {
  switch (ast.kind) {
    case "identity":
    case "recurse":
    case "literal":
    case "variable":
      return false;
    case "index":
      return grows(ast.target) || grows(ast.key);
    case "iterate":
      return grows(ast.target);
    case "optional":
      return grows(ast.body);
    case "pipe":
    case "comma":
    case "alternative":
    case "and":
    case "or":
      return grows(ast.left) || grows(ast.right);
    case "binary":
      return ["+", "*", "/"].includes(ast.operator) || grows(ast.left) || grows(ast.right);
    case "if":
      return grows(ast.condition) || grows(ast.then) || (ast.else !== undefined && grows(ast.else));
    case "bind":
      return grows(ast.source) || grows(ast.body);
    case "call":
      return !SHRINKING.has(ast.name) || ast.args.some(grows);
    case "slice":
      return grows(ast.target);
    case "negate":
      return grows(ast.body);
    case "array":
    case "object":
    case "reduce":
    case "string":
    case "try":
      return true;
  }
}
