import type { JsonValue } from "@logomesh/contracts";

/** The part of jq that is compiled; everything else is left to the reference. */
export type Ast =
  | { kind: "identity" }
  | { kind: "recurse" }
  | { kind: "literal"; value: JsonValue }
  | { kind: "variable"; name: string }
  | { kind: "string"; parts: (string | Ast)[] }
  | { kind: "array"; body: Ast | undefined }
  | { kind: "object"; members: { key: Ast; value: Ast }[] }
  | { kind: "index"; target: Ast; key: Ast }
  | { kind: "slice"; target: Ast; from: Ast | undefined; to: Ast | undefined }
  | { kind: "iterate"; target: Ast }
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
