import { numberOption, readTextFile, textOption, textOptions } from "../arguments.ts";
import { connect } from "../connect.ts";
import type { Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visible, visibleLine, wrap } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const LIMIT_DEFAULT = 20;

const list: Command = {
  usage: "[--tag <tag>] [--limit <n>]",
  summary: "List thoughts, newest first",
  options: {
    tag: { type: "string", help: "with this tag only" },
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  async run(args, context) {
    const tag = textOption(args, "tag");
    const limit = numberOption(args, "limit", { min: 1, max: 500 }) ?? LIMIT_DEFAULT;
    const { client } = await connect(context);
    const page = await client.listThoughts({ query: { limit, ...(tag === undefined ? {} : { tag }) } });
    if (args.json) context.printJson(page);
    else if (page.items.length === 0) {
      context.print(
        tag === undefined ? "No thoughts yet. Add one with: logomesh thought add <title>" : "No such thoughts.",
      );
    } else {
      const rows = page.items.map(({ id, title, tags, simulated }) => [
        id,
        visibleLine(title),
        context.style.dim(visibleLine(`${tags.join(" ")}${simulated ? " (mock)" : ""}`)),
      ]);
      table(rows).forEach(context.print);
    }
    return 0;
  },
};

const show: Command = {
  usage: "<thought>",
  summary: "Show a thought with its segments",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const thought = await client.getThought({ params: { id } });
    if (json) {
      context.printJson(thought);
      return 0;
    }
    const { style, print, columns } = context;
    const printText = (text: string): void => {
      const lines = visible(text).split("\n");
      (columns === undefined ? lines : lines.flatMap((line) => wrap(line, columns))).forEach(print);
    };
    print(`${style.bold(visibleLine(thought.title))}${thought.simulated ? style.yellow("  mock") : ""}`);
    print(style.dim(visibleLine([timeText(thought.createdAt), ...thought.tags].join("  "))));
    if (thought.body !== undefined) printText(`\n${thought.body}`);
    for (const { title, content } of thought.segments) {
      print(`\n${style.bold(visibleLine(title ?? "·"))}`);
      printText(content);
    }
    return 0;
  },
};

const add: Command = {
  usage: "<title> [--body <text> | --body-file <file>] [--tag <tag>]…",
  summary: "Add a thought",
  positionals: { min: 1, max: 1 },
  options: {
    body: { type: "string", help: "its text" },
    "body-file": { type: "string", help: "a file with its text; - is standard input" },
    tag: { type: "string", multiple: true, help: "a tag" },
  },
  async run(args, context) {
    const file = textOption(args, "body-file");
    const body = file === undefined ? textOption(args, "body") : (await readTextFile(file, context)).text;
    const { client } = await connect(context);
    const thought = await client.createThought({
      body: {
        title: args.positionals[0] ?? "",
        tags: textOptions(args, "tag"),
        ...(body === undefined ? {} : { body }),
      },
    });
    if (args.json) context.printJson(thought);
    else context.print(thought.id);
    return 0;
  },
};

export const thoughtCommands = { "thought list": list, "thought show": show, "thought add": add };
