import type { JsonObject } from "@logomesh/contracts";
import { LEGACY_REVISIONS, META, MODERN_REVISION, type Era } from "../protocolRevisions.ts";
import { RPC, type RpcError } from "./hostErrors.ts";

const SUPPORTED = [MODERN_REVISION, ...LEGACY_REVISIONS];

/** The tools of a workbench do not change while it runs. */
const LISTING_TTL_MS = 3_600_000;

const SERVER = { name: "logomesh", version: "1" };
const CAPABILITIES = { tools: {}, extensions: { "org.logomesh/host": {} } };
const INSTRUCTIONS =
  "What the workbench does for this plugin, within what a person granted. Send the `_meta` key org.logomesh/call of the call that a request is for.";

/** How a request is spoken, or why it cannot be answered. */
export function readEra(
  meta: JsonObject,
  { method, isInitialized }: { method: string; isInitialized: boolean },
): Era | RpcError {
  const version = meta[META.version];
  if (version === undefined) {
    if (isInitialized && method !== "server/discover") return "legacy";
    const message = `send initialize first, or give ${META.version} and ${META.capabilities} in _meta`;
    return { code: method === "server/discover" ? RPC.invalidParams : RPC.invalidRequest, message };
  }
  if (version !== MODERN_REVISION) {
    if (isInitialized && LEGACY_REVISIONS.some((known) => known === version)) return "legacy";
    const requested = typeof version === "string" ? version.slice(0, 100) : "";
    const data = { supported: SUPPORTED, requested };
    return { code: RPC.unsupportedVersion, message: "Unsupported protocol version", data };
  }
  const capabilities = meta[META.capabilities];
  if (typeof capabilities !== "object" || capabilities === null || Array.isArray(capabilities))
    return { code: RPC.invalidParams, message: `${META.capabilities} is missing in _meta` };
  return "modern";
}

export const describeServer = {
  initialize({ protocolVersion }: JsonObject): JsonObject {
    const version = LEGACY_REVISIONS.find((known) => known === protocolVersion) ?? LEGACY_REVISIONS[0];
    return {
      ...{ protocolVersion: version, capabilities: CAPABILITIES, serverInfo: SERVER },
      instructions: INSTRUCTIONS,
    };
  },
  discover(): JsonObject {
    return {
      ...{ supportedVersions: SUPPORTED, capabilities: CAPABILITIES, instructions: INSTRUCTIONS },
      ...this.listing(),
      _meta: { [META.server]: SERVER },
    };
  },
  /** How long a list may be kept, and for whom. */
  listing(): JsonObject {
    return { ttlMs: LISTING_TTL_MS, cacheScope: "public" };
  },
};
