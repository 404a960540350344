import type { JsonObject, PluginManifest, PluginRuntime } from "@logomesh/contracts";

// The manifest of an MCP bundle (`manifest.json`, MCPB 0.3), which other hosts read. Its schema refuses fields that it does not know, so
// everything of ours is one object under `_meta`.

export const MCPB_MANIFEST_FILE = "manifest.json";
/** Key of our manifest in `_meta`. */
export const MCPB_META_KEY = "org.logomesh";
const MCPB_VERSION = "0.3";

const SERVER_TYPES: Readonly<Record<PluginRuntime, string>> = { nodejs: "node", python: "python", shell: "binary" };
const COMMANDS: Readonly<Record<PluginRuntime, string>> = { nodejs: "node", python: "python3", shell: "bash" };

export function toMcpbManifest(manifest: PluginManifest): JsonObject {
  const { runtime, entry_point: entryPoint, args } = manifest;
  const { $schema: _, ...ours } = manifest;
  const optional = {
    ...pick(manifest, ["homepage", "icon", "screenshots", "keywords", "license"]),
    ...(manifest.repository === undefined ? {} : { repository: { type: "git", url: manifest.repository } }),
  };
  return {
    manifest_version: MCPB_VERSION,
    ...{ name: manifest.id, display_name: manifest.name, version: manifest.version },
    description: manifest.description,
    author: { name: manifest.author ?? manifest.id },
    server: {
      ...{ type: SERVER_TYPES[runtime], entry_point: entryPoint },
      mcp_config: { command: COMMANDS[runtime], args: ["${__dirname}/" + entryPoint, ...args], env: {} },
    },
    tools: Object.keys(manifest.tools).map((name) => ({ name })),
    ...optional,
    _meta: { [MCPB_META_KEY]: ours as JsonObject },
  };
}

function pick(manifest: PluginManifest, names: readonly (keyof PluginManifest)[]): JsonObject {
  const found = names.filter((name) => manifest[name] !== undefined);
  return Object.fromEntries(found.map((name) => [name, manifest[name] as string | string[]]));
}
