import { JsonObjectSchema, type ModelsStatus } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { jsonOption, readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type CommandArguments } from "../context.ts";
import { table } from "../output/style.ts";
import { visible, visibleLine } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const models: Command = {
  usage: "",
  summary: "List models and say which one answers",
  async run({ json }, context) {
    const { client } = await connect(context);
    const status = await client.getModels();
    if (json) {
      context.printJson(status);
      return 0;
    }
    const { style, print } = context;
    const simulatedText = (simulated: boolean): string => (simulated ? style.yellow(" (simulated)") : "");
    const rows = status.models.map(({ name, provider, parameterSize, simulated }) => [
      visibleLine(name) + simulatedText(simulated),
      visibleLine(provider),
      visibleLine(parameterSize ?? ""),
    ]);
    table(rows).forEach(print);
    printAliases(status, context);
    if (status.hint !== undefined) print(style.yellow(visible(status.hint)));
    return 0;
  },
};

function printAliases({ aliases }: ModelsStatus, { style, print }: CliContext): void {
  for (const [alias, { provider, model, simulated, chosen }] of Object.entries(aliases)) {
    const by = chosen === undefined ? "" : `chosen by ${visibleLine(chosen.by)} ${timeText(chosen.at)}`;
    const who = by === "" ? "" : style.dim(` of ${visibleLine(provider)}, ${by}`);
    const mock = simulated ? style.yellow(" (simulated)") : "";
    print(`${style.bold(visibleLine(alias))} → ${visibleLine(model)}${mock}${who}`);
  }
}

const alias: Command = {
  usage: "[<alias> <model> [--provider <name>] [--options <json>]] [<alias> --auto]",
  summary: "Show which models default and fast stand for, or choose among those that are offered",
  positionals: { min: 0, max: 2 },
  options: {
    provider: { type: "string", help: "whose model it is (default: the one that offers it)" },
    options: { type: "string", help: "provider options for every call, as a JSON object" },
    auto: { type: "boolean", help: "leave it to the workbench again" },
  },
  examples: ["logomesh llm alias default qwen3:4b", "logomesh llm alias default --auto"],
  async run(args, context) {
    const [name, model] = args.positionals;
    const { client } = await connect(context);
    const status = await change(args, { client, name, model });
    if (args.json) context.printJson(status.aliases);
    else printAliases(status, context);
    return 0;
  },
};

async function change(
  args: CommandArguments,
  { client, name, model }: { client: Client; name: string | undefined; model: string | undefined },
): Promise<ModelsStatus> {
  if (name === undefined) return client.getModels();
  if (args.values.auto === true && model === undefined) return client.clearModelAlias({ params: { alias: name } });
  if (model === undefined || args.values.auto === true)
    throw new UsageError("name the model, or say --auto to leave the choice to the workbench");
  const options = JsonObjectSchema.safeParse(jsonOption(args, "options") ?? {});
  if (!options.success) throw new UsageError("--options must be a JSON object");
  const provider = textOption(args, "provider") ?? (await providerOf(client, model));
  return client.setModelAlias({ params: { alias: name }, body: { provider, model, options: options.data } });
}

/** The first that offers it; the workbench refuses what nobody does. */
async function providerOf(client: Client, model: string): Promise<string> {
  const { models, providers } = await client.getModels();
  const offer = models.find(({ name }) => name === model || name === `${model}:latest`);
  return offer?.provider ?? providers[0]?.name ?? "ollama";
}

const chat: Command = {
  usage: "<prompt> [--model <name>] [--system <text>]",
  summary: "Ask a model once and show its answer as it arrives",
  positionals: { min: 1, max: 1 },
  options: {
    model: { type: "string", help: "a model or an alias (default: default)" },
    system: { type: "string", help: "the system prompt" },
  },
  examples: ['logomesh llm chat "Why is the sky blue?"', "logomesh llm chat - < prompt.txt"],
  async run(args, context) {
    const [given = ""] = args.positionals;
    const prompt = given === "-" ? (await readTextFile("-", context)).text : given;
    const model = textOption(args, "model");
    const system = textOption(args, "system");
    const body = { prompt, ...(model === undefined ? {} : { model }), ...(system === undefined ? {} : { system }) };
    const { client } = await connect(context);
    let isLineOpen = false;
    const endLine = (): void => {
      if (isLineOpen) context.print("");
      isLineOpen = false;
    };
    // Also when the answer breaks off: what is said about it begins on a line of its own.
    using _end = { [Symbol.dispose]: endLine };
    for await (const chunk of client.streamGenerate({ body, signal: context.signal })) {
      if ("delta" in chunk) {
        if (args.json || chunk.delta === "") continue;
        context.stream(chunk.delta);
        isLineOpen = !chunk.delta.endsWith("\n");
        continue;
      }
      const { result } = chunk;
      if (args.json) {
        context.printJson(result);
        continue;
      }
      endLine();
      const facts = `${result.provider}, log entries ${result.requestSeq} and ${result.responseSeq}`;
      const mock = result.simulated ? context.noteStyle.yellow(" simulated: logomesh llm models says why") : "";
      context.note(context.noteStyle.dim(visibleLine(`${result.model} (${facts})`)) + mock);
    }
    return 0;
  },
};

export const llmCommands = { "llm models": models, "llm alias": alias, "llm chat": chat };
