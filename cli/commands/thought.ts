import { connect } from "../connect.ts";
import { numberOption, textOption, textOptions, type Command } from "../context.ts";
import { table, visible } from "../output/style.ts";

const list: Command = {
  usage: "[--tag <tag>] [--limit <n>]",
  summary: "List thoughts, newest first",
  options: {
    tag: { type: "string", help: "with this tag only" },
    limit: { type: "string", help: "how many (default 20)" },
  },
  async run(args, context) {
    const { client } = await connect(context);
    const tag = textOption(args, "tag");
    const page = await client.listThoughts({
      query: { limit: numberOption(args, "limit", { min: 1, max: 200 }) ?? 20, ...(tag === undefined ? {} : { tag }) },
    });
    if (args.json) context.print(JSON.stringify(page));
    else if (page.items.length === 0) context.print("No thoughts yet. Add one with: logomesh thought add <title>");
    else
      for (const line of table(
        page.items.map(({ id, title, tags, simulated }) => [
          id,
          visible(title),
          context.style.dim(`${tags.join(" ")}${simulated ? " (mock)" : ""}`),
        ]),
      ))
        context.print(line);
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
      context.print(JSON.stringify(thought));
      return 0;
    }
    const { style } = context;
    context.print(`${style.bold(visible(thought.title))}${thought.simulated ? style.yellow("  mock") : ""}`);
    context.print(style.dim(`${thought.createdAt} ${thought.tags.join(" ")}`));
    if (thought.body !== undefined) context.print(`\n${visible(thought.body)}`);
    for (const { title, content } of thought.segments)
      context.print(`\n${style.bold(visible(title ?? "·"))}\n${visible(content)}`);
    return 0;
  },
};

const add: Command = {
  usage: "<title> [--body <text>] [--tag <tag>]…",
  summary: "Add a thought",
  positionals: { min: 1, max: 1 },
  options: { body: { type: "string", help: "its text" }, tag: { type: "string", multiple: true, help: "a tag" } },
  async run(args, context) {
    const { client } = await connect(context);
    const body = textOption(args, "body");
    const thought = await client.createThought({
      body: {
        title: args.positionals[0] ?? "",
        tags: textOptions(args, "tag"),
        ...(body === undefined ? {} : { body }),
      },
    });
    context.print(args.json ? JSON.stringify(thought) : thought.id);
    return 0;
  },
};

export const thoughtCommands = { "thought list": list, "thought show": show, "thought add": add };
