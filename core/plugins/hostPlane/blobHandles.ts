import type { JsonValue } from "@logomesh/contracts";

const HANDLE = /^logomesh:\/\/blob\/([0-9a-f]{64})$/;
/** Handles that cross with one call. */
const HANDLES_MAX = 100;

export function blobHandle(sha256: string): string {
  return `logomesh://blob/${sha256}`;
}

/** The hash of a handle; undefined for any other text. */
export function parseBlobHandle(handle: string): string | undefined {
  return HANDLE.exec(handle)?.[1];
}

/** The hashes of the handles that are values in it, each once, at most 100. */
export function blobHandlesIn(value: JsonValue): string[] {
  const found = new Set<string>();
  const look = (part: JsonValue): void => {
    if (found.size >= HANDLES_MAX) return;
    if (typeof part === "string") {
      const sha256 = parseBlobHandle(part);
      if (sha256 !== undefined) found.add(sha256);
    } else if (typeof part === "object" && part !== null) Object.values(part).forEach(look);
  };
  look(value);
  return [...found];
}
