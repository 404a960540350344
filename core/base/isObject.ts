import type { JsonObject } from "@logomesh/contracts";

/** A JSON value, or what may be one, that has members. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
