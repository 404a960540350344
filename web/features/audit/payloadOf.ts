import type { JsonValue } from "@logomesh/contracts";

/** JSON payloads as a tree, all others as text; what claims to be JSON and is not stays text. */
export function payloadOf(text: string | undefined, media: string): JsonValue | undefined {
  if (text === undefined || !/\bjson\b/.test(media)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
