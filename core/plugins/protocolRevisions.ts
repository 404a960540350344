/**
 * The two eras of the Model Context Protocol: up to 2025-11-25 a connection begins with `initialize`; from 2026-07-28 on every request says
 * itself which revision it speaks (docs/specification/2026-07-28/basic/versioning of the specification).
 */
export type Era = "legacy" | "modern";

export const MODERN_REVISION = "2026-07-28";
/** Newest first; all of them speak the same of what is used here. */
export const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** Keys of `_meta` that the protocol reserves. */
export const META = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  client: "io.modelcontextprotocol/clientInfo",
  server: "io.modelcontextprotocol/serverInfo",
  logLevel: "io.modelcontextprotocol/logLevel",
} as const;
