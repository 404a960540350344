import { readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import type { Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visible, visibleLine } from "../output/text.ts";

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
    for (const [alias, { model, simulated }] of Object.entries(status.aliases)) {
      print(`${style.bold(visibleLine(alias))} → ${visibleLine(model)}${simulatedText(simulated)}`);
    }
    if (status.hint !== undefined) print(style.yellow(visible(status.hint)));
    return 0;
  },
};

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

export const llmCommands = { "llm models": models, "llm chat": chat };
