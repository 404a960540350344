import { hash } from "node:crypto";
import { assert } from "./assert.ts";

/**
 * RFC 8785 canonical JSON: keys sorted by UTF-16 code unit, ECMAScript number format, no white space.
 * Throws on what JSON cannot say (undefined in arrays, NaN, functions, lone surrogates). Object members that are undefined are
 * left out, as JSON.stringify does.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    assert(Number.isFinite(value), `JSON cannot hold the number ${String(value)}`);
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    assert(value.isWellFormed(), "JSON text cannot hold a lone surrogate");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(",")}]`;
  assert(typeof value === "object", `JSON cannot hold a ${typeof value}`);
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${canonicalJson(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}
