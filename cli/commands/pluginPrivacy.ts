import { connect } from "../connect.ts";
import { UsageError, type Command } from "../context.ts";
import { textOption } from "../arguments.ts";
import { printPlugin } from "../output/printPlugin.ts";

const forget: Command = {
  usage: "<plugin> [--yes]",
  summary: "Delete what a plugin kept while it had read private data, its folder /data included",
  positionals: { min: 1, max: 1 },
  options: { yes: { type: "boolean", help: "do not ask" } },
  async run({ positionals: [id = ""], values, json }, context) {
    const { client } = await connect(context);
    const { privateData } = await client.getPlugin({ params: { id } });
    if (privateData === undefined) context.note(`${id} kept nothing while it had read private data.`);
    const isAsked = privateData !== undefined && context.isInteractive && values.yes !== true && !json;
    if (isAsked && !/^y(es)?$/i.test(await context.ask("Delete it for good? [y/N]"))) {
      context.note("Nothing was deleted.");
      return 1;
    }
    const plugin = await client.forgetPrivateData({ params: { id } });
    if (json) context.printJson(plugin);
    else printPlugin(plugin, context);
    return 0;
  },
};

const declassify: Command = {
  usage: "<plugin> --why <reason>",
  summary: "Say that what a plugin kept is not private; nothing is deleted, and the log keeps the reason",
  positionals: { min: 1, max: 1 },
  options: { why: { type: "string", help: "why it is not private" } },
  async run(args, context) {
    const [id = ""] = args.positionals;
    const why = textOption(args, "why");
    if (why === undefined) throw new UsageError("say why with --why <reason>; the log keeps it");
    const { client } = await connect(context);
    const plugin = await client.declassifyPrivateData({ params: { id }, body: { why } });
    if (args.json) context.printJson(plugin);
    else printPlugin(plugin, context);
    return 0;
  },
};

export const pluginPrivacyCommands = { "plugin forget": forget, "plugin declassify": declassify };
