import { LogoMeshError, type CallToolResult, type JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import type { PluginTools } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { jsonText } from "../jsonText.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor } from "./taskExecutor.ts";

const ArgumentsSchema = z.strictObject({
  plugin: z.string(),
  tool: z.string(),
  arguments: z.record(z.string(), z.json()).default({}),
});

/** Of a tool's own error text in the step's error. */
const DETAIL_CHARS_MAX = 2000;

/** Steps in one plugin at once unless the settings say less: as many calls as it takes. More would wait there and hold places of others. */
const PLACES_DEFAULT = 32;

/** `call: plugin`. The tool's effect class is what the granted manifest declares. `places`: at once, by plugin. */
export function createPluginTaskExecutor(
  plugins: PluginTools,
  { places = {} }: { places?: Readonly<Record<string, number>> } = {},
): TaskExecutor {
  return {
    kind: "plugin",
    shares({ literals: { plugin } }) {
      if (typeof plugin !== "string") return undefined;
      const own = Object.hasOwn(places, plugin) ? places[plugin] : undefined;
      return { name: `plugin ${plugin}`, places: own ?? PLACES_DEFAULT };
    },
    effect({ literals: { plugin, tool } }, _args, runId) {
      if (typeof plugin !== "string" || typeof tool !== "string") return "once";
      return plugins.describeTool(plugin, tool, runId)?.effect ?? "once";
    },
    async execute(request, { signal, idempotencyKey, tainted, taint, onProgress }) {
      const { plugin, tool, arguments: args } = parseArguments(ArgumentsSchema, request.arguments, "plugin");
      const result = await plugins.callTool(
        {
          pluginId: plugin,
          tool,
          arguments: args,
          caller: request.principal,
          idempotencyKey,
          tainted,
          run: { runId: request.runId, taskReference: request.task.reference },
        },
        { signal, onTaint: taint, onProgress },
      );
      if (result.isError) {
        const text = textOf(result).slice(0, DETAIL_CHARS_MAX);
        throw new LogoMeshError("LM_PLUGIN_TOOL_FAILED", `${plugin}#${tool}: ${text || "the tool gave no reason"}`);
      }
      const output = outputOf(result);
      const described = plugins.describeTool(plugin, tool, request.runId);
      return {
        output,
        details: {
          plugin,
          tool,
          ...(described === undefined ? {} : { version: described.version, sha256: described.sha256 }),
        },
        payload: {
          arguments: { bytes: JSON.stringify(args), media: "application/json" },
          result: { bytes: jsonText(output), media: "application/json" },
        },
      };
    },
  };
}

/** Structured content where there is some, else the text: as JSON when it is an object or a list. */
function outputOf(result: CallToolResult): JsonValue {
  if (result.structuredContent !== undefined) return result.structuredContent;
  const text = textOf(result);
  try {
    const value = JSON.parse(text) as JsonValue;
    if (isObject(value) || Array.isArray(value)) return value;
  } catch {
    // Text that is no JSON stays text.
  }
  return { text };
}

function textOf(result: CallToolResult): string {
  return result.content
    .map((block) => (block.type === "text" && typeof block.text === "string" ? block.text : ""))
    .join("\n")
    .trim();
}
