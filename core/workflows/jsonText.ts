import type { JsonValue } from "@logomesh/contracts";

/** Values are never changed once they are made, and one value passes through many tasks: its text is made once. */
const texts = new WeakMap<object, string>();

export function jsonText(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(value);
  texts.set(value, text);
  return text;
}
