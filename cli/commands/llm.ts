import { connect } from "../connect.ts";
import { textOption, type Command } from "../context.ts";
import { table, visible } from "../output/style.ts";

const models: Command = {
  usage: "",
  summary: "List models and say which one answers",
  async run({ json }, context) {
    const { client } = await connect(context);
    const status = await client.getModels();
    if (json) {
      context.print(JSON.stringify(status));
      return 0;
    }
    const { style } = context;
    const rows = status.models.map(({ name, provider, parameterSize, simulated }) => [
      visible(name),
      provider,
      parameterSize ?? "",
      simulated ? style.yellow("simulated") : "",
    ]);
    for (const line of table(rows)) context.print(line);
    for (const [alias, { model, simulated }] of Object.entries(status.aliases))
      context.print(`${style.bold(alias)} → ${visible(model)}${simulated ? style.yellow(" (simulated)") : ""}`);
    if (status.hint !== undefined) context.print(style.yellow(status.hint));
    return 0;
  },
};

const chat: Command = {
  usage: "<prompt> [--model <name>]",
  summary: "Ask a model once and show its answer as it arrives",
  positionals: { min: 1, max: 1 },
  options: {
    model: { type: "string", help: "a model or an alias (default: default)" },
    system: { type: "string", help: "the system prompt" },
  },
  async run(args, context) {
    const { client } = await connect(context);
    const model = textOption(args, "model");
    const system = textOption(args, "system");
    const body = {
      prompt: args.positionals[0] ?? "",
      ...(model === undefined ? {} : { model }),
      ...(system === undefined ? {} : { system }),
    };
    let text = "";
    for await (const chunk of client.streamGenerate({ body, signal: context.signal })) {
      if ("delta" in chunk) {
        text += chunk.delta;
        if (!args.json && context.isInteractive) context.draw(visible(chunk.delta));
        continue;
      }
      if (args.json) context.print(JSON.stringify(chunk.result));
      else if (context.isInteractive) context.draw("\n");
      else context.print(visible(text));
      if (!args.json)
        context.note(
          context.style.dim(
            `${chunk.result.model} (${chunk.result.provider}${chunk.result.simulated ? ", simulated" : ""}), log entries ${chunk.result.requestSeq} and ${chunk.result.responseSeq}`,
          ),
        );
    }
    return 0;
  },
};

export const llmCommands = { "llm models": models, "llm chat": chat };
