import { connect } from "../connect.ts";
import { numberOption, textOption, type Command } from "../context.ts";
import { printRun } from "../output/printRun.ts";
import { statusText, table, visible } from "../output/style.ts";
import { watchRun } from "../output/watchRun.ts";

const LIMIT_DEFAULT = 20;

const list: Command = {
  usage: "[--status <status>] [--workflow <name>] [--limit <n>]",
  summary: "List runs, newest first",
  options: {
    status: { type: "string", help: "pending, running, waiting, suspended, cancelled, faulted or completed" },
    workflow: { type: "string", help: "of this workflow only" },
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  async run(args, context) {
    const { client } = await connect(context);
    const status = textOption(args, "status");
    const workflow = textOption(args, "workflow");
    const page = await client.listRuns({
      query: {
        limit: numberOption(args, "limit", { min: 1, max: 200 }) ?? LIMIT_DEFAULT,
        ...(status === undefined ? {} : { status: status as "running" }),
        ...(workflow === undefined ? {} : { workflow }),
      },
    });
    if (args.json) context.print(JSON.stringify(page));
    else if (page.items.length === 0) context.print("No runs yet. Start one with: logomesh run <workflow>");
    else {
      const rows = page.items.map((run) => [
        run.id,
        statusText(run.status, context.style),
        run.workflow.name,
        run.createdAt,
      ]);
      for (const line of table(rows)) context.print(line);
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
    const [run, tasks] = await Promise.all([
      client.getRun({ params: { id } }),
      client.listRunTasks({ params: { id }, query: { limit: 200 } }),
    ]);
    if (json) context.print(JSON.stringify({ ...run, tasks: tasks.items }));
    else {
      await printRun(run, { context, client });
      context.print("");
      const rows = tasks.items.map((task) => [
        String(task.seq),
        statusText(task.status, context.style),
        visible(task.name),
        task.call ?? task.type,
        task.reference,
      ]);
      for (const line of table(rows)) context.print(line);
    }
    return 0;
  },
};

const watch: Command = {
  usage: "<run>",
  summary: "Follow a run to its end",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const run = await watchRun({ client, context, runId: id, isShown: !json });
    if (json) context.print(JSON.stringify(run));
    else await printRun(run, { context, client });
    return run.status === "completed" ? 0 : 1;
  },
};

const cancel: Command = {
  usage: "<run>",
  summary: "Cancel a run and stop its work",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const run = await client.cancelRun({ params: { id } });
    context.print(json ? JSON.stringify(run) : `${statusText(run.status, context.style)} ${run.id}`);
    return 0;
  },
};

export const runsCommands = { "runs list": list, "runs show": show, "runs watch": watch, "runs cancel": cancel };
