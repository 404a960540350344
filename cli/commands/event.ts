import type { JsonValue } from "@logomesh/contracts";
import { readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type Command } from "../context.ts";
import { visibleLine } from "../output/text.ts";

const send: Command = {
  usage: "--type <type> [--data <json> | --data-file <file>] [--subject <text>]",
  summary: "Publish an event",
  options: {
    type: { type: "string", help: "words with dots between, like com.acme.order.paid" },
    data: { type: "string", help: "its data, as JSON" },
    "data-file": { type: "string", help: "a file with its data as JSON; - is standard input" },
    subject: { type: "string", help: "what it is about, like an order's number" },
  },
  examples: [`logomesh event send --type com.acme.order.paid --data '{"order":7}'`],
  async run(args, context) {
    const type = textOption(args, "type");
    if (type === undefined) throw new UsageError("An event needs a --type.");
    const file = textOption(args, "data-file");
    const inline = textOption(args, "data");
    if (file !== undefined && inline !== undefined) throw new UsageError("Give --data or --data-file, not both.");
    const text = file === undefined ? inline : (await readTextFile(file, context)).text;
    const subject = textOption(args, "subject");
    const { client } = await connect(context);
    const published = await client.publishEvent({
      body: {
        type,
        ...(subject === undefined ? {} : { subject }),
        ...(text === undefined ? {} : { data: parseData(text) }),
      },
    });
    if (args.json) context.printJson(published);
    else context.print(visibleLine(published.id));
    return 0;
  },
};

function parseData(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The data is not JSON: ${cause}. A text needs quotes: '"text"'.`);
  }
}

export const eventCommands = { "event send": send };
