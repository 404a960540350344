import { LogoMeshError, type Effect, type JsonValue, type PluginManifest, type PluginTool } from "@logomesh/contracts";
import { canonicalJson, isObject, sha256Hex } from "../base/index.ts";
import type { McpConnection } from "./mcpConnection.ts";

const TOOLS_MAX = 1_000;
const PAGES_MAX = 100;
/** Of the JSON text of one schema. */
const SCHEMA_CHARS_MAX = 65_536;
const NAME_CHARS_MAX = 128;
/** Of all pages as JSON text: held as long as the plugin runs, hashed, and shown. */
const LIST_CHARS_MAX = 4 * 1024 * 1024;

/** The tools of a running plugin, with the effect class of its granted manifest; what it does not name is `once`. */
export async function listTools(connection: McpConnection, manifest: PluginManifest): Promise<PluginTool[]> {
  const tools = new Map<string, PluginTool>();
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let chars = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await connection.request("tools/list", cursor === undefined ? {} : { cursor }).result;
    const listed = Array.isArray(answer.tools) ? answer.tools : [];
    chars += JSON.stringify(listed).length;
    if (chars > LIST_CHARS_MAX) throw fault(manifest, `says more than ${LIST_CHARS_MAX} characters about its tools`);
    for (const tool of listed) addTool(tools, { tool, manifest });
    if (typeof answer.nextCursor !== "string") return [...tools.values()];
    cursor = answer.nextCursor;
    if (cursors.has(cursor)) throw fault(manifest, "lists its tools in a circle");
    cursors.add(cursor);
  }
  throw fault(manifest, `lists its tools in more than ${PAGES_MAX} pages`);
}

function addTool(
  tools: Map<string, PluginTool>,
  { tool, manifest }: { tool: JsonValue; manifest: PluginManifest },
): void {
  if (!isObject(tool) || typeof tool.name !== "string" || tool.name === "" || tool.name.length > NAME_CHARS_MAX)
    throw fault(manifest, "lists a tool without a usable name");
  const { name, description, inputSchema, outputSchema } = tool;
  if (tools.has(name)) throw fault(manifest, `lists the tool ${name} twice`);
  if (tools.size >= TOOLS_MAX) throw fault(manifest, `lists more than ${TOOLS_MAX} tools`);
  for (const schema of [inputSchema, outputSchema]) {
    if (schema !== undefined && (!isObject(schema) || JSON.stringify(schema).length > SCHEMA_CHARS_MAX))
      throw fault(manifest, `gives ${name} a schema that is no object or longer than ${SCHEMA_CHARS_MAX} characters`);
  }
  // JSON.stringify writes half of a surrogate pair as an escape; it could be neither hashed nor logged.
  if (/\\ud[89a-f]/.test(JSON.stringify([name, inputSchema ?? null, outputSchema ?? null])))
    throw fault(manifest, "lists a tool whose name or schema is not Unicode text");
  tools.set(name, {
    name,
    effect: effectOf(manifest, name),
    ...(typeof description === "string" ? { description: description.slice(0, 10_000).toWellFormed() } : {}),
    ...(isObject(inputSchema) ? { inputSchema } : {}),
    ...(isObject(outputSchema) ? { outputSchema } : {}),
  });
}

export function effectOf(manifest: PluginManifest, tool: string): Effect {
  return Object.hasOwn(manifest.tools, tool) ? (manifest.tools[tool]?.effect ?? "once") : "once";
}

/** What a grant is bound to besides the bundle: names, descriptions and schemas of all tools. */
export function toolsHash(tools: readonly PluginTool[]): string {
  return sha256Hex(canonicalJson([...tools].sort((a, b) => (a.name < b.name ? -1 : 1))));
}

function fault({ id }: PluginManifest, what: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_PROTOCOL", `The plugin ${id} ${what}.`);
}
