import { RunStatusSchema } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { choiceOption, numberOption, textOption } from "../arguments.ts";
import { DATA_OPTIONS, dataOption } from "../dataOption.ts";
import { connect } from "../connect.ts";
import { Interrupted, type Command } from "../context.ts";
import { timeText } from "../output/timeText.ts";
import { printRun } from "../output/printRun.ts";
import { statusText, table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";
import { watchRun } from "../output/watchRun.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 500;

const list: Command = {
  usage: "[--status <status>] [--workflow <name>] [--limit <n>]",
  summary: "List runs, newest first",
  options: {
    status: { type: "string", help: RunStatusSchema.options.join(", ") },
    workflow: { type: "string", help: "of this workflow only" },
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  async run(args, context) {
    const status = choiceOption(args, "status", RunStatusSchema.options);
    const workflow = textOption(args, "workflow");
    const limit = numberOption(args, "limit", { min: 1, max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
    const { client } = await connect(context);
    const page = await client.listRuns({
      query: { limit, ...(status === undefined ? {} : { status }), ...(workflow === undefined ? {} : { workflow }) },
      signal: context.signal,
    });
    if (args.json) context.printJson(page);
    else if (page.items.length === 0) {
      const isFiltered = status !== undefined || workflow !== undefined;
      context.print(isFiltered ? "No such runs." : "No runs yet. Start one with: logomesh run <workflow> --watch");
    } else {
      const rows = page.items.map((run) => [
        run.id,
        statusText(run.status, context.style),
        visibleLine(run.workflow.name) + (run.simulated === true ? context.style.dim(" (mock)") : ""),
        context.style.dim(timeText(run.createdAt)),
      ]);
      table(rows).forEach(context.print);
      if (page.nextCursor !== null) context.note(`More with: --limit ${Math.min(limit * 2, LIMIT_MAX)}`);
    }
    return 0;
  },
};

const show: Command = {
  usage: "<run>",
  summary: "Show a run with its tasks",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const run = await client.getRun({ params: { id }, signal: context.signal });
    const tasks = await listTasks(client, id);
    if (json) {
      context.printJson({ ...run, tasks });
      return 0;
    }
    await printRun(run, { context, client });
    context.print("");
    const rows = tasks.map(({ seq, status, name, call, type, reference, attempt }) => [
      String(seq).padStart(3),
      statusText(status, context.style),
      visibleLine(name) + (attempt > 1 ? ` (attempt ${attempt})` : ""),
      call ?? type,
      context.style.dim(visibleLine(reference)),
    ]);
    table(rows).forEach(context.print);
    return 0;
  },
};

async function listTasks(client: Client, id: string): Promise<Awaited<ReturnType<Client["listRunTasks"]>>["items"]> {
  const items = [];
  let cursor: string | undefined;
  do {
    const page = await client.listRunTasks({
      params: { id },
      query: { limit: LIMIT_MAX, ...(cursor === undefined ? {} : { cursor }) },
    });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

const watch: Command = {
  usage: "<run>",
  summary: "Follow a run to its end",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    try {
      const run = await watchRun({ client, context, runId: id, isShown: !json });
      if (json) context.printJson(run);
      else await printRun(run, { context, client });
      return run.status === "completed" ? 0 : 1;
    } catch (error) {
      if (error instanceof Interrupted) context.note(`Left. The run ${id} goes on.`);
      throw error;
    }
  },
};

const cancel: Command = {
  usage: "<run>",
  summary: "Cancel a run and stop its work",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const run = await client.cancelRun({ params: { id }, signal: context.signal });
    if (json) context.printJson(run);
    else context.print(`${statusText(run.status, context.style)} ${run.id}`);
    return 0;
  },
};

const signal: Command = {
  usage: "<run> <name> [--data <json> | --data-file <file>]",
  summary: "Send a signal to a run; it is kept until the run listens",
  positionals: { min: 2, max: 2 },
  options: DATA_OPTIONS,
  examples: [`logomesh runs signal run_01 approved --data '{"by":"Ada"}'`],
  async run(args, context) {
    const [id = "", name = ""] = args.positionals;
    const data = await dataOption(args, context);
    const { client } = await connect(context);
    const sent = await client.signalRun({ params: { id }, body: { name, ...(data === undefined ? {} : { data }) } });
    if (args.json) context.printJson(sent);
    else context.print(visibleLine(sent.id));
    return 0;
  },
};

export const runsCommands = {
  "runs list": list,
  "runs show": show,
  "runs watch": watch,
  "runs cancel": cancel,
  "runs signal": signal,
};
