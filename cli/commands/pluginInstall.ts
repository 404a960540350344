import { resolve } from "node:path";
import { connect } from "../connect.ts";
import type { Command } from "../context.ts";
import { printPlugin, requestLines } from "../output/printPlugin.ts";
import { changePlugin } from "./plugin.ts";

const install: Command = {
  usage: "<folder|.tgz|.mcpb> [--grant]",
  summary: "Install or upgrade a plugin",
  positionals: { min: 1, max: 1 },
  options: { grant: { type: "boolean", help: "grant at once what it asks for, which is shown" } },
  examples: ["logomesh plugin install ./word-count-1.0.0.tgz"],
  async run({ positionals: [path = ""], values, json }, context) {
    const { client } = await connect(context);
    let plugin = await client.installPlugin({ body: { path: resolve(context.cwd, path) }, signal: context.signal });
    if (!plugin.granted) requestLines(plugin).forEach(context.note);
    const { id, sha256 } = plugin;
    if (values.grant === true) plugin = await client.grantPlugin({ params: { id }, body: { sha256 } });
    if (json) context.printJson(plugin);
    else printPlugin(plugin, context);
    return 0;
  },
};

const uninstall: Command = {
  usage: "<plugin> [--force]",
  summary: "Remove a plugin with its copies, grant, values and settings",
  positionals: { min: 1, max: 1 },
  options: { force: { type: "boolean", help: "also when other plugins need it" } },
  async run({ positionals: [id = ""], values, json }, context) {
    const { client } = await connect(context);
    await client.uninstallPlugin({ params: { id }, query: { force: values.force === true } });
    if (json) context.printJson({ ok: true });
    else context.print(`${id} is uninstalled. The log keeps what it did.`);
    return 0;
  },
};

const enable = changePlugin("Let a plugin run again", (client, { id }) => client.enablePlugin({ params: { id } }));
const disable = changePlugin("Stop a plugin when its calls have ended, and let it run no more", (client, { id }) =>
  client.disablePlugin({ params: { id } }),
);

export const pluginInstallCommands = {
  ...{ "plugin install": install, "plugin uninstall": uninstall },
  ...{ "plugin enable": enable, "plugin disable": disable },
};
