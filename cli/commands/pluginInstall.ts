import { mkdtempSync, openAsBlob, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { JsonObjectSchema, LogoMeshError, type Plugin } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { importServer } from "@logomesh/core";
import { jsonOption, readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type CommandArguments } from "../context.ts";
import { printPlugin, requestLines, toBeGranted } from "../output/printPlugin.ts";
import { render } from "../output/render.ts";
import { changePlugin } from "./plugin.ts";

const install: Command = {
  usage: "<folder|.tgz|.mcpb> [--grant]",
  summary: "Install or upgrade a plugin",
  positionals: { min: 1, max: 1 },
  options: { grant: { type: "boolean", help: "grant at once what it asks for, which is shown" } },
  examples: ["logomesh plugin install ./word-count-1.0.0.tgz"],
  async run(args, context) {
    const [path = ""] = args.positionals;
    const { client } = await connect(context);
    return installFrom(resolve(context.cwd, path), { client, args, context });
  },
};

async function installFrom(
  path: string,
  { client, args, context }: { client: Client; args: CommandArguments; context: CliContext },
): Promise<number> {
  let plugin = await sendBundle(path, { client, signal: context.signal });
  const asked = toBeGranted(plugin);
  if (!plugin.granted || plugin.waiting !== undefined) requestLines(asked, context.noteStyle).forEach(context.note);
  const { id, sha256 } = asked;
  if (args.values.grant === true) plugin = await client.grantPlugin({ params: { id }, body: { sha256 } });
  if (args.json) context.printJson(plugin);
  else printPlugin(plugin, context);
  return 0;
}

/** A folder by its path, an archive as it is read. @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID; as the installation */
async function sendBundle(path: string, { client, signal }: { client: Client; signal: AbortSignal }): Promise<Plugin> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is nothing at ${path}.`);
  if (stats.isDirectory()) return client.installPlugin({ body: { path }, signal });
  if (!stats.isFile())
    throw new LogoMeshError("LM_INPUT_INVALID", `${path} is no file. Name a folder, a .tgz or an .mcpb.`);
  return client.sendPlugin({ bundle: await openAsBlob(path), name: basename(path).slice(0, 200), signal });
}

const importCommand: Command = {
  usage: "<npm:name@version|settings.json> [--args <json>] [--server <name>] [--grant]",
  summary: "Install an MCP server that was made for other hosts; nothing of it runs before it is granted",
  positionals: { min: 1, max: 1 },
  options: {
    args: { type: "string", help: "what the package is started with, as a JSON array of texts" },
    server: { type: "string", help: "which one of the mcpServers in the settings" },
    grant: { type: "boolean", help: "grant at once what it asks for, which is shown" },
  },
  examples: ["logomesh plugin import npm:@modelcontextprotocol/server-everything@2026.1.14"],
  async run(args, context) {
    const [what = ""] = args.positionals;
    const { client } = await connect(context);
    const folder = mkdtempSync(join(tmpdir(), "logomesh-import-"));
    try {
      const npm = /^npm:(.+)$/.exec(what)?.[1];
      const source =
        npm === undefined
          ? { mcpServers: (await readTextFile(what, context)).text, server: textOption(args, "server") }
          : { npm, args: argumentList(args) };
      await importServer({ source, folder, signal: context.signal });
      return await installFrom(folder, { client, args, context });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function argumentList(args: CommandArguments): string[] {
  const value = jsonOption(args, "args") ?? [];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === "string")) return value;
  throw new UsageError("--args must be a JSON array of texts");
}

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

const settings: Command = {
  usage: "<plugin> [--set <json>]",
  summary: "Show a plugin's settings, or replace what was set",
  positionals: { min: 1, max: 1 },
  options: { set: { type: "string", help: "the settings as a JSON object" } },
  examples: [`logomesh plugin settings org.example.weather --set '{"city":"Bern"}'`],
  async run(args, context) {
    const [id = ""] = args.positionals;
    const given = jsonOption(args, "set");
    const parsed = given === undefined ? undefined : JsonObjectSchema.safeParse(given);
    if (parsed?.success === false) throw new UsageError("--set must be a JSON object");
    const { client } = await connect(context);
    const params = { id };
    const answer =
      parsed === undefined
        ? await client.getPluginSettings({ params })
        : await client.setPluginSettings({ params, body: { settings: parsed.data } });
    if (args.json) context.printJson(answer);
    else if (answer.schema === null) context.note(`${id} has no settings.`);
    else for (const line of render(answer.settings, { columns: context.columns })) context.print(line);
    return 0;
  },
};

const enable = changePlugin("Let a plugin run again", (client, { id }) => client.enablePlugin({ params: { id } }));
const disable = changePlugin("Stop a plugin when its calls have ended, and let it run no more", (client, { id }) =>
  client.disablePlugin({ params: { id } }),
);

export const pluginInstallCommands = {
  ...{ "plugin install": install, "plugin import": importCommand, "plugin uninstall": uninstall },
  "plugin settings": settings,
  ...{ "plugin enable": enable, "plugin disable": disable },
};
