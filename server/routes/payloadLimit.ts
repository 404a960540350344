import type { JsonValue } from "@logomesh/contracts";

interface Payloads {
  input?: JsonValue | undefined;
  output?: JsonValue | undefined;
}

/** The same without input and output that are larger, which are told by their size. */
export function withinLimit<T extends Payloads>(
  whole: T,
  bytesMax: number | undefined,
): T & { inputBytes?: number; outputBytes?: number } {
  if (bytesMax === undefined) return whole;
  const { input, output, ...rest } = whole;
  return {
    ...(rest as T),
    ...payload("input", input, bytesMax),
    ...payload("output", output, bytesMax),
  };
}

function payload(name: "input" | "output", value: JsonValue | undefined, bytesMax: number): object {
  if (value === undefined) return {};
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > bytesMax ? { [`${name}Bytes`]: bytes } : { [name]: value };
}
