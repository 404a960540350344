import type { JsonValue } from "@logomesh/contracts";
import { visible, visibleLine, widthOf, wrap } from "./text.ts";

/** A member stays beside its name up to this width. */
const SHORT_COLUMNS = 100;

export interface RenderOptions {
  /** Lines are broken to this width; undefined leaves them as they are, for files and pipes. */
  columns?: number | undefined;
}

/** A value as indented text: members by name, items with a dash. Nothing in it is obeyed by a terminal. */
export function render(value: JsonValue, { columns }: RenderOptions = {}): string[] {
  const lines = renderValue(value, "");
  return columns === undefined ? lines : lines.flatMap((line) => wrap(line, columns));
}

function renderValue(value: JsonValue, indent: string): string[] {
  if (Array.isArray(value)) {
    return value.length === 0 ? [`${indent}(empty)`] : value.flatMap((item) => renderItem(item, indent));
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value);
    return members.length === 0 ? [`${indent}(empty)`] : members.flatMap((member) => renderMember(member, indent));
  }
  return textOf(value).map((line) => indent + line);
}

function textOf(value: string | number | boolean | null): string[] {
  return visible(typeof value === "string" ? value : JSON.stringify(value)).split("\n");
}

function renderMember([name, value]: [string, JsonValue], indent: string): string[] {
  const key = visibleLine(name);
  if (typeof value === "object" && value !== null) {
    const isEmpty = Object.keys(value).length === 0;
    return isEmpty ? [`${indent}${key}: (empty)`] : [`${indent}${key}:`, ...renderValue(value, `${indent}  `)];
  }
  const lines = textOf(value);
  const [first = ""] = lines;
  if (lines.length === 1 && widthOf(key) + widthOf(first) < SHORT_COLUMNS) return [`${indent}${key}: ${first}`];
  return [`${indent}${key}:`, ...lines.map((line) => `${indent}  ${line}`)];
}

function renderItem(value: JsonValue, indent: string): string[] {
  const [first = "", ...rest] = renderValue(value, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}
