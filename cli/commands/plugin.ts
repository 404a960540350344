import {
  JsonObjectSchema,
  LogoMeshError,
  type CallToolParams,
  type CallToolResult,
  type JsonValue,
  type Plugin,
} from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { jsonOption, numberOption, textOptions } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command } from "../context.ts";
import { followLogs } from "../output/followLogs.ts";
import { printPlugin, requestLines, toBeGranted } from "../output/printPlugin.ts";
import { ProgressLine } from "../output/progressText.ts";
import { render } from "../output/render.ts";
import { visibleLine } from "../output/text.ts";

const list: Command = {
  usage: "",
  summary: "List plugins with state, tools and usage",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { items } = await client.listPlugins();
    if (json) context.printJson({ items });
    else if (items.length === 0) {
      context.print("No plugins. Install one with: logomesh plugin install <folder, .tgz or .mcpb>");
    } else for (const plugin of items) printPlugin(plugin, context);
    return 0;
  },
};

/** A command that changes one plugin and shows it. */
export function changePlugin(
  summary: string,
  act: (client: Client, options: { id: string; context: CliContext }) => Promise<Plugin>,
): Command {
  return {
    usage: "<plugin>",
    summary,
    positionals: { min: 1, max: 1 },
    async run({ positionals: [id = ""], json }, context) {
      const { client } = await connect(context);
      const plugin = await act(client, { id, context });
      if (json) context.printJson(plugin);
      else printPlugin(plugin, context);
      return 0;
    },
  };
}

const load = changePlugin("Start a plugin's process", (client, { id, context }) =>
  client.loadPlugin({ params: { id }, signal: context.signal }),
);
const unload = changePlugin("Stop a plugin's process", (client, { id }) => client.unloadPlugin({ params: { id } }));
const revoke = changePlugin("Take a plugin's grant back and stop it", (client, { id }) =>
  client.revokePlugin({ params: { id } }),
);
const release = changePlugin("Release a plugin from quarantine", (client, { id }) =>
  client.releasePlugin({ params: { id } }),
);

const reset = changePlugin("Close the circuit breakers of a plugin's tools", (client, { id }) =>
  client.resetPlugin({ params: { id } }),
);

const grant: Command = {
  usage: "<plugin> [--without <permission>] [--outside-sandbox] [--yes]",
  summary: "Grant a plugin, as it is now, what it asks for, or a part of it",
  positionals: { min: 1, max: 1 },
  options: {
    without: { type: "string", multiple: true, help: "leave this permission out, for example net.fetch" },
    "outside-sandbox": { type: "boolean", help: "let it run without the sandbox, as you, where it cannot run in it" },
    yes: { type: "boolean", help: "do not ask" },
  },
  examples: ["logomesh plugin grant org.example.clipper --without thought.read"],
  async run(args, context) {
    const [id = ""] = args.positionals;
    const { client } = await connect(context);
    const plugin = toBeGranted(await client.getPlugin({ params: { id } }));
    requestLines(plugin, context.noteStyle).forEach(context.note);
    const body = {
      ...{ sha256: plugin.sha256, ...partOf(plugin.permissions, textOptions(args, "without")) },
      ...(args.values["outside-sandbox"] === true ? { outsideSandbox: true as const } : {}),
    };
    const question = body.outsideSandbox
      ? "Grant this, and let it run outside of the sandbox? [y/N]"
      : "Grant this? [y/N]";
    const isAsked = context.isInteractive && args.values.yes !== true && !args.json;
    if (isAsked && !/^y(es)?$/i.test(await context.ask(question))) {
      context.note("Nothing was granted.");
      return 1;
    }
    const granted = await client.grantPlugin({ params: { id }, body });
    if (args.json) context.printJson(granted);
    else printPlugin(granted, context);
    return 0;
  },
};

/** What remains of a request; nothing said is all of it. */
function partOf(asked: Plugin["permissions"], without: readonly string[]): { permissions?: Plugin["permissions"] } {
  const unknown = without.find((name) => !Object.hasOwn(asked, name));
  if (unknown !== undefined)
    throw new UsageError(`it does not ask for ${unknown}, only for: ${Object.keys(asked).join(", ") || "nothing"}`);
  if (without.length === 0) return {};
  return { permissions: Object.fromEntries(Object.entries(asked).filter(([name]) => !without.includes(name))) };
}

const logs: Command = {
  usage: "<plugin> [--follow]",
  summary: "Show the last lines a plugin wrote to stderr",
  positionals: { min: 1, max: 1 },
  options: { follow: { type: "boolean", help: "go on with what it writes, until Ctrl-C" } },
  async run({ positionals: [id = ""], values, json }, context) {
    const { client } = await connect(context);
    if (values.follow === true) return followLogs(id, { client, json, context });
    const { lines } = await client.getPluginLogs({ params: { id } });
    if (json) context.printJson({ lines });
    else if (lines.length === 0) context.note(`${id} wrote nothing to stderr since the workbench started.`);
    else lines.map(visibleLine).forEach(context.print);
    return 0;
  },
};

const reload = changePlugin("Serve what a plugin's folder holds now, in a fresh process", (client, { id, context }) =>
  client.reloadPlugin({ params: { id }, signal: context.signal }),
);

const call: Command = {
  usage: "<plugin> <tool> [--arguments <json>] [--timeout-ms <n>]",
  summary: "Call a tool of a plugin",
  positionals: { min: 2, max: 2 },
  options: {
    arguments: { type: "string", help: "the arguments as a JSON object" },
    "timeout-ms": { type: "string", help: "how long it may take (default: what its manifest says)" },
  },
  examples: [`logomesh plugin call org.logomesh.text-tools slugify --arguments '{"text":"Crème Brûlée"}'`],
  async run(args, context) {
    const [id = "", tool = ""] = args.positionals;
    const given = JsonObjectSchema.safeParse(jsonOption(args, "arguments") ?? {});
    if (!given.success) throw new UsageError("--arguments must be a JSON object");
    const timeoutMs = numberOption(args, "timeout-ms", { min: 10, max: 3_600_000 });
    const { client } = await connect(context);
    const result = await callWithProgress(client, {
      params: { id, tool },
      body: { arguments: given.data, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      context,
    });
    if (args.json) context.printJson(result);
    else for (const line of render(shownOf(result), { columns: context.columns })) context.print(line);
    return result.isError ? 1 : 0;
  },
};

async function callWithProgress(
  client: Client,
  { context, ...call }: { params: { id: string; tool: string }; body: CallToolParams; context: CliContext },
): Promise<CallToolResult> {
  const line = new ProgressLine(context);
  try {
    for await (const chunk of client.streamCallTool({ ...call, signal: context.signal })) {
      if ("result" in chunk) return chunk.result;
      line.show(chunk.progress);
    }
  } finally {
    line.clear();
  }
  throw new LogoMeshError("LM_INTERNAL", "The workbench's stream ended before the result.");
}

function shownOf({ structuredContent, content }: CallToolResult): JsonValue {
  if (structuredContent !== undefined) return structuredContent;
  return content.map((block) => (typeof block.text === "string" ? block.text : `(${block.type})`)).join("\n");
}

export const pluginCommands = {
  ...{ "plugin list": list, "plugin load": load, "plugin unload": unload, "plugin grant": grant },
  ...{
    "plugin revoke": revoke,
    "plugin release": release,
    "plugin reset": reset,
    "plugin reload": reload,
    "plugin logs": logs,
    "plugin call": call,
  },
};
