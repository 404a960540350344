import type { Plugin } from "@logomesh/contracts";
import { connect } from "../connect.ts";
import { UsageError, parseJsonArgument, textOption, type CliContext, type Command } from "../context.ts";
import { render } from "../output/printRun.ts";
import { table, visible } from "../output/style.ts";

const MIB = 1024 * 1024;

const list: Command = {
  usage: "",
  summary: "List plugins with state, tools and usage",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { items } = await client.listPlugins();
    if (json) context.print(JSON.stringify({ items }));
    else if (items.length === 0)
      context.print("No plugins. Put a folder with a plugin.json into the workspace's plugins folder and start again.");
    else for (const plugin of items) printPlugin(plugin, context);
    return 0;
  },
};

function printPlugin(plugin: Plugin, { print, style }: CliContext): void {
  const { usage } = plugin;
  const paint =
    plugin.state === "ready" || plugin.state === "busy"
      ? style.green
      : plugin.state === "stopped"
        ? style.dim
        : style.yellow;
  print(
    `${style.bold(plugin.id)} ${plugin.version}  ${paint(plugin.state)}  ${style.dim(`${plugin.runtime}, ${plugin.granted ? `granted (${plugin.group})` : "not granted"}`)}`,
  );
  if (plugin.stateReason !== undefined) print(`  ${visible(plugin.stateReason)}`);
  for (const line of table(
    plugin.tools.map(({ name, effect, description }) => [`  ${visible(name)}`, effect, visible(description ?? "")]),
  ))
    print(line);
  if (usage.calls > 0)
    print(
      style.dim(
        `  ${usage.calls} calls, ${usage.errors} errors, ${(usage.memoryBytes / MIB).toFixed(0)} MiB, ${usage.processes} processes`,
      ),
    );
}

/** A command that changes one plugin and shows it. */
function change(summary: string, act: (id: string, context: CliContext) => Promise<Plugin>): Command {
  return {
    usage: "<plugin>",
    summary,
    positionals: { min: 1, max: 1 },
    async run({ positionals: [id = ""], json }, context) {
      const plugin = await act(id, context);
      if (json) context.print(JSON.stringify(plugin));
      else printPlugin(plugin, context);
      return 0;
    },
  };
}

const load = change("Start a plugin's process", async (id, context) =>
  (await connect(context)).client.loadPlugin({ params: { id } }),
);
const unload = change("Stop a plugin's process", async (id, context) =>
  (await connect(context)).client.unloadPlugin({ params: { id } }),
);
const revoke = change("Take a plugin's grant back and stop it", async (id, context) =>
  (await connect(context)).client.revokePlugin({ params: { id } }),
);
const release = change("Release a plugin from quarantine", async (id, context) =>
  (await connect(context)).client.releasePlugin({ params: { id } }),
);

const grant = change("Grant a plugin what it asks for, as it is now", async (id, context) => {
  const { client } = await connect(context);
  const { sha256, permissions } = await client.getPlugin({ params: { id } });
  const asked = Object.entries(permissions);
  context.note(asked.length === 0 ? `${id} asks for nothing but its own computing.` : `${id} asks for:`);
  for (const [name, wanted] of asked)
    for (const line of render(wanted as never, "    ")) context.note(`  ${name} ${line.trim()}`);
  return client.grantPlugin({ params: { id }, body: { sha256 } });
});

const logs: Command = {
  usage: "<plugin>",
  summary: "Show the last lines a plugin wrote to stderr",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const { lines } = await client.getPluginLogs({ params: { id } });
    if (json) context.print(JSON.stringify({ lines }));
    else for (const line of lines) context.print(visible(line));
    return 0;
  },
};

const call: Command = {
  usage: "<plugin> <tool> [--arguments <json>]",
  summary: "Call a tool of a plugin",
  positionals: { min: 2, max: 2 },
  options: { arguments: { type: "string", help: "the arguments as JSON" } },
  async run(args, context) {
    const [id = "", tool = ""] = args.positionals;
    const given = parseJsonArgument(textOption(args, "arguments") ?? "{}", "--arguments");
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw new UsageError("--arguments must be a JSON object");
    const { client } = await connect(context);
    const result = await client.callTool({
      params: { id, tool },
      body: { arguments: given },
      signal: context.signal,
    });
    if (args.json) context.print(JSON.stringify(result));
    else {
      const shown =
        result.structuredContent ??
        result.content.map((block) => (typeof block.text === "string" ? block.text : `(${block.type})`)).join("\n");
      for (const line of render(shown)) context.print(line);
    }
    return result.isError ? 1 : 0;
  },
};

export const pluginCommands = {
  ...{
    "plugin list": list,
    "plugin load": load,
    "plugin unload": unload,
    "plugin grant": grant,
    "plugin revoke": revoke,
  },
  ...{ "plugin release": release, "plugin logs": logs, "plugin call": call },
};
