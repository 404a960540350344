import { z } from "zod";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import type { ArchiveFile } from "../archives/archiveFiles.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { MCPB_MANIFEST_FILE, MCPB_META_KEY } from "../toolkit/mcpbManifest.ts";
import { importedManifest } from "./importedManifest.ts";

// A bundle of MCP (`manifest.json`, MCPB 0.3) as a plugin. What such a bundle wants to be told by its user becomes a permission to see an
// environment variable; what it cannot be given in the sandbox refuses the import by name.

const BUNDLE_INSIDE = "/plugin";
const RUNTIMES = { node: "nodejs", python: "python", binary: "shell" } as const;

const McpbManifestSchema = z.object({
  manifest_version: z.string(),
  name: z.string().min(1),
  display_name: z.string().optional(),
  version: z.string(),
  description: z.string().min(1),
  author: z.object({ name: z.string() }),
  server: z.object({
    type: z.enum(["node", "python", "binary"]),
    entry_point: z.string().min(1),
    mcp_config: z.object({
      command: z.string(),
      args: z.array(z.string()).default([]),
      env: z.record(z.string(), z.string()).default({}),
    }),
  }),
  tools: z.array(z.object({ name: z.string().min(1) })).default([]),
  license: z.string().optional(),
  keywords: z.array(z.string()).optional(),
  user_config: z.record(z.string(), z.object({ default: z.unknown().optional() })).default({}),
  _meta: z.record(z.string(), z.unknown()).optional(),
});
type McpbManifest = z.infer<typeof McpbManifestSchema>;

/**
 * The files of an archive with a manifest of ours: one that brought its own loses the foreign one that was packed for other hosts, one
 * that has only the foreign one gets ours made of it.
 * @throws LogoMeshError LM_PLUGIN_MANIFEST_INVALID, naming what cannot be taken over
 */
export function withManifest(files: readonly ArchiveFile[], name: string): readonly ArchiveFile[] {
  const foreign = files.find(({ path }) => path === MCPB_MANIFEST_FILE);
  if (foreign === undefined) return files;
  if (files.some(({ path }) => path === MANIFEST_FILE))
    return isOurs(foreign) ? files.filter((file) => file !== foreign) : files;
  const manifest = fromMcpb(parse(foreign, name), name);
  const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const entry = (manifest as { entry_point?: string }).entry_point;
  // Zips made elsewhere often carry no modes.
  const isBinary = (manifest as { runtime?: string }).runtime === "shell";
  const runnable = files.map((file) => (isBinary && file.path === entry ? { ...file, isExecutable: true } : file));
  return [...runnable, { path: MANIFEST_FILE, content, isExecutable: false }];
}

function isOurs(foreign: ArchiveFile): boolean {
  try {
    const { _meta } = McpbManifestSchema.parse(JSON.parse(Buffer.from(foreign.content).toString("utf8")));
    return _meta?.[MCPB_META_KEY] !== undefined;
  } catch {
    // Something else of that name: a file of the plugin.
    return false;
  }
}

function parse(foreign: ArchiveFile, name: string): McpbManifest {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(foreign.content).toString("utf8"));
  } catch (error) {
    throw refusal(name, `is not JSON: ${String(error)}`);
  }
  const parsed = McpbManifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refusal(name, `/${issue?.path.map(String).join("/") ?? ""}: ${issue?.message ?? "is not valid"}`);
}

function fromMcpb(manifest: McpbManifest, name: string): JsonObject {
  const { server, author, display_name: displayName, user_config: userConfig } = manifest;
  const [first, ...rest] = server.mcp_config.args;
  const entry = server.entry_point;
  const isBinary = server.type === "binary";
  if (!isBinary && first !== `\${__dirname}/${entry}` && first !== entry)
    throw refusal(
      name,
      `/server/mcp_config/args: must begin with \${__dirname}/${entry}; options of the interpreter are not taken over`,
    );
  const args = isBinary ? server.mcp_config.args : rest;
  return importedManifest({
    id: ["mcpb", author.name, manifest.name],
    ...{ name: displayName ?? manifest.name, version: manifest.version, description: manifest.description },
    runtime: RUNTIMES[server.type],
    entryPoint: entry,
    args: args.map((arg) => substitute(arg, { userConfig, name })),
    environment: Object.keys(server.mcp_config.env),
    tools: manifest.tools.map((tool) => tool.name),
    author: author.name,
    ...(manifest.license === undefined ? {} : { license: manifest.license }),
    ...(manifest.keywords === undefined ? {} : { keywords: manifest.keywords }),
  });
}

/** The variables of the format; settings of the user have their default, or refuse the import. */
function substitute(
  text: string,
  { userConfig, name }: { userConfig: McpbManifest["user_config"]; name: string },
): string {
  return text.replaceAll(/\$\{([^}]*)\}/g, (whole, variable: string) => {
    if (variable === "__dirname") return BUNDLE_INSIDE;
    if (variable === "/") return "/";
    if (variable === "HOME") return "/home/plugin";
    const setting = /^user_config\.(.+)$/.exec(variable)?.[1];
    const value = setting === undefined ? undefined : userConfig[setting]?.default;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    throw refusal(
      name,
      `/server/mcp_config/args: ${whole} has no value here; give its setting a default in manifest.json`,
    );
  });
}

function refusal(name: string, what: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_MANIFEST_INVALID", `${name}: ${MCPB_MANIFEST_FILE} ${what}.`);
}
