import { readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const list: Command = {
  usage: "",
  summary: "List the names of secrets; their values are never shown",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { items } = await client.listSecrets();
    if (json) context.printJson({ items });
    else if (items.length === 0) context.print("No secrets yet. Add one with: logomesh secret set <name>");
    else {
      table(items.map(({ name, updatedAt }) => [visibleLine(name), context.style.dim(timeText(updatedAt))])).forEach(
        context.print,
      );
    }
    return 0;
  },
};

const set: Command = {
  usage: "<name> [--value-file <file>]",
  summary: "Keep a secret, typed unseen or read from standard input",
  positionals: { min: 1, max: 1 },
  options: { "value-file": { type: "string", help: "a file with the value; default and - are standard input" } },
  examples: ["printenv GITHUB_TOKEN | logomesh secret set GITHUB_TOKEN"],
  async run(args, context) {
    const [name = ""] = args.positionals;
    const file = textOption(args, "value-file") ?? "-";
    // Never an argument: every program of this machine may read those.
    const typed = file === "-" ? await context.askHidden(`Value of ${visibleLine(name)} (not shown):`) : undefined;
    const value = typed ?? (await readTextFile(file, context)).text.replace(/\r?\n$/, "");
    if (value === "") throw new UsageError("The value is empty. Give it on standard input.");
    const { client } = await connect(context);
    const secret = await client.putSecret({ params: { name }, body: { value } });
    if (args.json) context.printJson(secret);
    else
      context.print(`${visibleLine(secret.name)} is kept. Plugins that are granted it get it with their next start.`);
    return 0;
  },
};

const remove: Command = {
  usage: "<name>",
  summary: "Forget a secret",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [name = ""], json }, context) {
    const { client } = await connect(context);
    const answer = await client.deleteSecret({ params: { name } });
    if (json) context.printJson(answer);
    else context.print(`${visibleLine(name)} is forgotten.`);
    return 0;
  },
};

export const secretCommands = { "secret list": list, "secret set": set, "secret remove": remove };
