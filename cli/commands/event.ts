import { numberOption, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type Command } from "../context.ts";
import { DATA_OPTIONS, dataOption } from "../dataOption.ts";
import { table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 500;

const send: Command = {
  usage: "--type <type> [--data <json> | --data-file <file>] [--subject <text>]",
  summary: "Publish an event",
  options: {
    type: { type: "string", help: "words with dots between, like com.acme.order.paid" },
    ...DATA_OPTIONS,
    subject: { type: "string", help: "what it is about, like an order's number" },
  },
  examples: [`logomesh event send --type com.acme.order.paid --data '{"order":7}'`],
  async run(args, context) {
    const type = textOption(args, "type");
    if (type === undefined) throw new UsageError("An event needs a --type.");
    const data = await dataOption(args, context);
    const subject = textOption(args, "subject");
    const { client } = await connect(context);
    const published = await client.publishEvent({
      body: {
        type,
        ...(subject === undefined ? {} : { subject }),
        ...(data === undefined ? {} : { data }),
      },
    });
    if (args.json) context.printJson(published);
    else context.print(visibleLine(published.id));
    return 0;
  },
};

const list: Command = {
  usage: "[--type <type>] [--limit <n>]",
  summary: "List the events that are kept, newest first",
  options: {
    type: { type: "string", help: "of exactly this type" },
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  async run(args, context) {
    const type = textOption(args, "type");
    const limit = numberOption(args, "limit", { min: 1, max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
    const { client } = await connect(context);
    const page = await client.listEvents({ query: { limit, ...(type === undefined ? {} : { type }) } });
    if (args.json) context.printJson(page);
    else if (page.items.length === 0) context.print("No events are kept.");
    else {
      const rows = page.items.map(({ position, runId, event }) => [
        String(position),
        visibleLine(event.type),
        visibleLine(event.source),
        context.style.dim(timeText(event.time)),
        runId === undefined ? "" : context.style.dim(`for ${runId}`),
      ]);
      table(rows).forEach(context.print);
      if (page.nextCursor !== null) context.note(`More with: --limit ${Math.min(limit * 2, LIMIT_MAX)}`);
    }
    return 0;
  },
};

export const eventCommands = { "event send": send, "event list": list };
