import { createHash } from "node:crypto";
import type { JsonObject, JsonValue, Plugin, PluginTool } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts";
import { clipText, type ToolResult } from "../results.ts";
import type { ToolContext, ToolDescription } from "./clientTool.ts";

// Tools of plugins, as far as the token was made for them. What a plugin says about its tools is text of strangers: it is passed on as the
// description of that tool, cut, and decides nothing.

/** Many model providers take no longer names and no other characters than these: `[A-Za-z0-9_-]`. */
const NAME_CHARS_MAX = 64;
const HASH_CHARS = 8;
const DESCRIPTION_CHARS_MAX = 4_000;
const SCHEMA_CHARS_MAX = 65_536;

interface Target {
  pluginId: string;
  tool: string;
}

/** Name under which clients call a tool, by what it calls. `tools`: of the token, as `<plugin>#<tool>`. */
export function pluginToolNames(tools: readonly string[]): Map<string, Target> {
  const sorted = [...new Set(tools)].sort();
  const plain = sorted.map((id) => ({ id, name: plainName(id) }));
  return new Map(
    plain.map(({ id, name }) => {
      const isShared = name.length > NAME_CHARS_MAX || plain.some((other) => other.id !== id && other.name === name);
      return [isShared ? hashedName(name, id) : name, targetOf(id)];
    }),
  );
}

/** As they are now: of plugins that are granted and switched on. */
export function describePluginTools(tools: readonly string[], plugins: readonly Plugin[]): ToolDescription[] {
  return [...pluginToolNames(tools)].flatMap(([name, { pluginId, tool }]) => {
    const plugin = plugins.find(({ id }) => id === pluginId);
    if (plugin === undefined || !plugin.granted || !plugin.enabled) return [];
    const known = plugin.tools.find((candidate) => candidate.name === tool);
    return known === undefined ? [] : [describe(name, plugin, known)];
  });
}

/**
 * Calls the tool behind a name; undefined when the token was not made for one of that name.
 * @throws LogoMeshError LM_PLUGIN_*, LM_POLICY_DENIED
 */
export function findPluginTool(
  name: string,
  tools: readonly string[],
): { call(args: JsonObject, context: ToolContext): Promise<ToolResult> } | undefined {
  const target = pluginToolNames(tools).get(name);
  if (target === undefined) return undefined;
  return {
    async call(args, { workbench, caller, signal, forward }) {
      const result = await workbench.plugins.call(
        target,
        { arguments: args },
        {
          ...{ caller, signal },
          ...(forward === undefined ? {} : { onProgress: forward }),
        },
      );
      const { content, structuredContent, isError } = result;
      return {
        content: content as ToolResult["content"],
        ...(isObject(structuredContent) ? { structuredContent } : {}),
        isError,
      };
    },
  };
}

function describe(name: string, plugin: Plugin, tool: PluginTool): ToolDescription {
  const { text } = clipText(tool.description ?? "", DESCRIPTION_CHARS_MAX);
  const outputSchema = objectSchema(tool.outputSchema);
  return {
    name,
    title: `${plugin.name}: ${tool.name}`,
    description: text === "" ? `Tool ${tool.name} of the plugin ${plugin.name}.` : text,
    inputSchema: objectSchema(tool.inputSchema) ?? { type: "object" },
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations: {
      readOnlyHint: tool.effect === "pure",
      destructiveHint: tool.effect === "once",
      idempotentHint: tool.effect !== "once",
      openWorldHint: tool.effect !== "pure",
    },
  };
}

/** Older clients know schemas of objects only; one that is too large is left out, and the plugin itself still refuses what does not fit. */
function objectSchema(schema: JsonObject | undefined): (JsonObject & { type: "object" }) | undefined {
  if (schema?.type !== "object" || JSON.stringify(schema).length > SCHEMA_CHARS_MAX) return undefined;
  return { ...schema, type: "object" };
}

function targetOf(id: string): Target {
  const index = id.indexOf("#");
  if (index <= 0) throw new LogoMeshError("LM_INTERNAL", `A token names the tool ${JSON.stringify(id)}.`);
  return { pluginId: id.slice(0, index), tool: id.slice(index + 1) };
}

/** No tool of LogoMesh itself has two underscores. */
function plainName(id: string): string {
  return id.replace("#", "__").replace(/[^A-Za-z0-9_-]/g, "_");
}

function hashedName(name: string, id: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, HASH_CHARS);
  return `${name.slice(0, NAME_CHARS_MAX - HASH_CHARS - 1)}_${hash}`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
