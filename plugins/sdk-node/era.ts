import type { JsonValue } from "./jsonValue.ts";
import { RPC, type Request } from "./messages.ts";
import { isObject } from "./validate.ts";

// The two eras of the Model Context Protocol: up to 2025-11-25 a connection begins with `initialize`; from 2026-07-28 on each request says
// its revision in `_meta` and nothing has to come before it.

export type Era = "legacy" | "modern";

const MODERN = "2026-07-28";
export const LEGACY_VERSIONS = ["2025-11-25", "2025-06-18"] as const;
const SUPPORTED: readonly string[] = [MODERN, ...LEGACY_VERSIONS];

const META_VERSION = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER = "io.modelcontextprotocol/serverInfo";
/** The tools of a plugin do not change while it runs. */
const LISTING = { ttlMs: 3_600_000, cacheScope: "public" } as const;

type JsonObject = Record<string, JsonValue>;

interface Refusal {
  code: number;
  message: string;
  data?: JsonObject;
}

/** How a request is spoken, or why it cannot be answered. */
export function readEra({ method, params }: Request, isInitialized: boolean): Era | Refusal {
  const meta = isObject(params._meta) ? params._meta : {};
  const version = meta[META_VERSION];
  if (method === "initialize" || (version === undefined && method === "ping")) return "legacy";
  if (version === MODERN) {
    if (isObject(meta[META_CAPABILITIES])) return "modern";
    return { code: RPC.invalidParams, message: `${META_CAPABILITIES} is missing in _meta` };
  }
  if (version !== undefined) {
    const requested = typeof version === "string" ? version : "";
    const data = { supported: [...SUPPORTED], requested };
    return { code: RPC.unsupportedVersion, message: "Unsupported protocol version", data };
  }
  if (method === "server/discover") return { code: RPC.invalidParams, message: `${META_VERSION} is missing in _meta` };
  if (isInitialized || !["tools/list", "tools/call"].includes(method)) return "legacy";
  return { code: RPC.invalidRequest, message: "send initialize first" };
}

/** The answer to `server/discover`. */
export function describeServer(server: { name: string; version: string }): JsonObject {
  return {
    ...{ supportedVersions: [...SUPPORTED], capabilities: { tools: {} }, ...LISTING },
    _meta: { [META_SERVER]: { ...server } },
  };
}

/** A result as its era wants it. */
export function inEra(era: Era, result: JsonObject, { isListing = false } = {}): JsonObject {
  if (era === "legacy") return result;
  return { resultType: "complete", ...result, ...(isListing ? LISTING : {}) };
}
