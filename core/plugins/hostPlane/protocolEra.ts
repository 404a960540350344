import type { JsonObject } from "@logomesh/contracts";
import { RPC, type RpcError } from "./hostErrors.ts";

// The two eras of the Model Context Protocol: up to 2025-11-25 a connection begins with `initialize`; from 2026-07-28 on every request says
// itself which revision it speaks (docs/specification/2026-07-28/basic/versioning of the specification).

const MODERN = "2026-07-28";
/** All of them speak the same of what is used here. */
const LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const SUPPORTED = [MODERN, ...LEGACY];

const META_VERSION = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER = "io.modelcontextprotocol/serverInfo";
/** The tools of a workbench do not change while it runs. */
const LISTING_TTL_MS = 3_600_000;

const SERVER = { name: "logomesh", version: "1" };
const CAPABILITIES = { tools: {}, extensions: { "org.logomesh/host": {} } };
const INSTRUCTIONS =
  "What the workbench does for this plugin, within what a person granted. Send the `_meta` key org.logomesh/call of the call that a request is for.";

export type Era = "legacy" | "modern";

/** How a request is spoken, or why it cannot be answered. */
export function readEra(
  meta: JsonObject,
  { method, isInitialized }: { method: string; isInitialized: boolean },
): Era | RpcError {
  const version = meta[META_VERSION];
  if (version === undefined) {
    if (isInitialized && method !== "server/discover") return "legacy";
    const message = `send initialize first, or give ${META_VERSION} and ${META_CAPABILITIES} in _meta`;
    return { code: method === "server/discover" ? RPC.invalidParams : RPC.invalidRequest, message };
  }
  if (version !== MODERN) {
    if (isInitialized && typeof version === "string" && LEGACY.includes(version)) return "legacy";
    const requested = typeof version === "string" ? version.slice(0, 100) : "";
    const data = { supported: SUPPORTED, requested };
    return { code: RPC.unsupportedVersion, message: "Unsupported protocol version", data };
  }
  const capabilities = meta[META_CAPABILITIES];
  if (typeof capabilities !== "object" || capabilities === null || Array.isArray(capabilities))
    return { code: RPC.invalidParams, message: `${META_CAPABILITIES} is missing in _meta` };
  return "modern";
}

export const describeServer = {
  initialize({ protocolVersion }: JsonObject): JsonObject {
    const version = LEGACY.find((known) => known === protocolVersion) ?? LEGACY[0] ?? MODERN;
    return {
      ...{ protocolVersion: version, capabilities: CAPABILITIES, serverInfo: SERVER },
      instructions: INSTRUCTIONS,
    };
  },
  discover(): JsonObject {
    return {
      ...{ supportedVersions: SUPPORTED, capabilities: CAPABILITIES, instructions: INSTRUCTIONS },
      ...this.listing(),
      _meta: { [META_SERVER]: SERVER },
    };
  },
  /** How long a list may be kept, and for whom. */
  listing(): JsonObject {
    return { ttlMs: LISTING_TTL_MS, cacheScope: "public" };
  },
};
