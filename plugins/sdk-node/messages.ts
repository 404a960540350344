import { isObject } from "./validate.ts";
import type { JsonValue } from "./jsonValue.ts";

/** Codes of JSON-RPC 2.0 and of the Model Context Protocol. */
export const RPC = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  unsupportedVersion: -32_022,
} as const;

export type RequestId = string | number;

export interface Request {
  id: RequestId;
  method: string;
  params: Record<string, JsonValue>;
}

export type Incoming =
  | { kind: "request"; request: Request }
  | { kind: "notification"; method: string; params: Record<string, JsonValue> }
  | { kind: "response" }
  | { kind: "invalid"; id: RequestId | null; message: string };

/** Sorts one parsed line into what JSON-RPC 2.0 knows. */
export function readMessage(value: JsonValue): Incoming {
  if (!isObject(value) || value.jsonrpc !== "2.0") {
    return { kind: "invalid", id: null, message: "not a JSON-RPC 2.0 message" };
  }
  const { id, method } = value;
  const params = value.params ?? {};
  const hasId = typeof id === "string" || typeof id === "number";
  if (typeof method !== "string") {
    if (hasId && ("result" in value || "error" in value)) return { kind: "response" };
    return { kind: "invalid", id: hasId ? id : null, message: "neither a request nor a response" };
  }
  if (!isObject(params)) {
    return { kind: "invalid", id: hasId ? id : null, message: "params must be an object" };
  }
  if (id === undefined) return { kind: "notification", method, params };
  if (!hasId) return { kind: "invalid", id: null, message: "the id must be a string or a number" };
  return { kind: "request", request: { id, method, params } };
}
