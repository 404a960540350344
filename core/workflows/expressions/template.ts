import type { JsonValue } from "@logomesh/contracts";
import { compileExpression, type Expression } from "./expression.ts";
import { isObject } from "./values.ts";

/** A value of a definition in which some texts are expressions. Compiled once, evaluated often. */
export type Template =
  | { kind: "literal"; value: JsonValue }
  | { kind: "expression"; expression: Expression }
  | { kind: "array"; items: Template[] }
  | { kind: "object"; members: { key: string; value: Template }[] };

/** `${ … }` around the whole text: the strict mode of the specification. */
const STRICT = /^\s*\$\{([\s\S]*)\}\s*$/;

export function isExpressionText(text: string): boolean {
  return STRICT.test(text);
}

export interface TemplateOptions {
  /** For fields the specification calls expressions: text without `${ }` is one as well. */
  bareText?: boolean;
  /** Called for a text that does not compile; the text then stays a literal. */
  onFault: (path: (string | number)[], error: Error) => void;
}

/** Text of a definition to a template. Faults are reported, not thrown, so that a document shows all of them at once. */
export function compileTemplate(value: JsonValue, options: TemplateOptions, path: (string | number)[] = []): Template {
  if (typeof value === "string") return compileText(value, options, path);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileTemplate(item, { ...options, bareText: false }, [...path, index]));
    return items.every((item) => item.kind === "literal") ? { kind: "literal", value } : { kind: "array", items };
  }
  if (isObject(value)) {
    const members = Object.keys(value).map((key) => ({
      key,
      value: compileTemplate(value[key] as JsonValue, { ...options, bareText: false }, [...path, key]),
    }));
    return members.every((member) => member.value.kind === "literal")
      ? { kind: "literal", value }
      : { kind: "object", members };
  }
  return { kind: "literal", value };
}

function compileText(text: string, options: TemplateOptions, path: (string | number)[]): Template {
  const strict = STRICT.exec(text)?.[1];
  const source = strict ?? (options.bareText === true ? text : undefined);
  if (source === undefined) return { kind: "literal", value: text };
  try {
    return { kind: "expression", expression: compileExpression(source) };
  } catch (error) {
    options.onFault(path, error as Error);
    return { kind: "literal", value: text };
  }
}
