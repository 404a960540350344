import { RunStatusSchema, TERMINAL_RUN_STATUSES } from "@logomesh/contracts";
import type { ResumeRunParams, Run, StepDecision } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { choiceOption, numberOption, textOption, textOptions } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type CommandArguments } from "../context.ts";
import { statusText } from "../output/style.ts";
import { comparisonLines } from "../output/comparison.ts";
import { visibleBlock, visibleLine } from "../output/text.ts";

function printState(run: Run, { json }: CommandArguments, context: CliContext): number {
  if (json) context.printJson(run);
  else {
    context.print(`${statusText(run.status, context.style)} ${run.id}`);
    if (run.statusReason !== undefined) context.print(`  ${visibleBlock(run.statusReason, "  ")}`);
  }
  return 0;
}

const suspend: Command = {
  usage: "<run> [--reason <text>]",
  summary: "Leave a run until it is resumed",
  options: { reason: { type: "string", help: "shown with the run" } },
  positionals: { min: 1, max: 1 },
  async run(args, context) {
    const reason = textOption(args, "reason");
    const { client } = await connect(context);
    const [id = ""] = args.positionals;
    const body = reason === undefined ? {} : { reason };
    return printState(await client.suspendRun({ params: { id }, body, signal: context.signal }), args, context);
  },
};

const DECISION_OPTIONS = {
  "retry-step": { type: "string", multiple: true, help: "number of a step that may have acted: do it again" },
  "complete-step": { type: "string", multiple: true, help: "<number>=<output as JSON>: it happened and answered this" },
  "fail-step": { type: "string", multiple: true, help: "number of a step: it failed" },
} as const;

/** The decisions that the options say. @throws UsageError */
function decisionsOf(args: CommandArguments): StepDecision[] {
  const seqOf = (text: string, option: string): number => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new UsageError(`--${option} begins with the number of a step, not “${text}”`);
  };
  return [
    ...textOptions(args, "retry-step").map((text) => ({ seq: seqOf(text, "retry-step"), decision: "retry" }) as const),
    ...textOptions(args, "fail-step").map((text) => ({ seq: seqOf(text, "fail-step"), decision: "fail" }) as const),
    ...textOptions(args, "complete-step").map((text): StepDecision => {
      const [number = "", ...rest] = text.split("=");
      const seq = seqOf(number, "complete-step");
      try {
        return { seq, decision: "complete", output: JSON.parse(rest.join("=")) as never };
      } catch {
        throw new UsageError(
          `--complete-step ${number}=… needs the step's output as JSON, for example ${number}='{"ok":true}'`,
        );
      }
    }),
  ];
}

function continuing(what: "resumeRun" | "retryRun", texts: Pick<Command, "summary" | "examples">): Command {
  return {
    usage: "<run> [--retry-step <n>] [--complete-step <n>=<json>] [--fail-step <n>]",
    ...texts,
    options: DECISION_OPTIONS,
    positionals: { min: 1, max: 1 },
    async run(args, context) {
      const steps = decisionsOf(args);
      const body: ResumeRunParams = steps.length === 0 ? {} : { steps };
      const { client }: { client: Client } = await connect(context);
      const [id = ""] = args.positionals;
      const run = await client[what]({ params: { id }, body, signal: context.signal });
      printState(run, args, context);
      if (!args.json) context.note(`Follow it with: logomesh runs watch ${run.id}`);
      return 0;
    },
  };
}

const replay: Command = {
  usage: "<run>",
  summary: "Run the interpreter over a run's journal, without any effect, and compare",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const result = await client.replayRun({ params: { id }, signal: context.signal });
    const { identical, events, tasks, difference } = result;
    if (json) context.printJson(result);
    else if (identical)
      context.print(`${context.style.green("✓")} identical: ${tasks} tasks from ${events} recorded events`);
    else if (difference !== undefined) {
      const { seq, reference, field, recorded, replayed } = difference;
      const place = seq === undefined ? "" : ` of task ${seq} ${visibleLine(reference ?? "")}`;
      context.print(`${context.style.red("✗ not identical")}: ${field}${place}`);
      context.print(`  recorded  ${visibleLine(recorded)}`);
      context.print(`  replayed  ${visibleLine(replayed)}`);
    }
    return identical ? 0 : 1;
  },
};

const compare: Command = {
  usage: "<run> <run> [--all]",
  summary: "Show two runs side by side",
  options: { all: { type: "boolean", help: "also tasks that do not differ" } },
  positionals: { min: 2, max: 2 },
  async run({ positionals: [a = "", b = ""], values, json }, context) {
    const { client } = await connect(context);
    const result = await client.compareRuns({ query: { a, b }, signal: context.signal });
    if (json) context.printJson(result);
    else comparisonLines(result, { style: context.style, all: values.all === true }).forEach(context.print);
    return 0;
  },
};

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

const prune: Command = {
  usage: "[--older-than-days <n>] [--database-mib <n>] [--status <status>]",
  summary: "Delete ended runs, the oldest first, and give their space back",
  options: {
    "older-than-days": { type: "string", help: "only runs that ended so long ago" },
    "database-mib": { type: "string", help: "only until the database uses no more than this" },
    status: { type: "string", help: TERMINAL_RUN_STATUSES.join(", ") },
  },
  examples: ["logomesh runs prune --older-than-days 30"],
  async run(args, context) {
    const days = numberOption(args, "older-than-days", { min: 0, max: 36_500 });
    const mib = numberOption(args, "database-mib", { min: 0, max: 1_000_000 });
    const status = choiceOption(args, "status", TERMINAL_RUN_STATUSES);
    if (days === undefined && mib === undefined) throw new UsageError("give --older-than-days, --database-mib or both");
    const { client } = await connect(context);
    const result = await client.pruneRuns({
      body: {
        ...(days === undefined ? {} : { olderThanMs: days * DAY_MS }),
        ...(mib === undefined ? {} : { databaseBytesMax: mib * MIB }),
        ...(status === undefined ? {} : { statuses: [status] }),
      },
      signal: context.signal,
    });
    if (args.json) context.printJson(result);
    else {
      const freed = (result.bytesFreed / MIB).toFixed(1);
      context.print(`${result.runs} runs deleted, ${freed} MiB given back`);
    }
    return 0;
  },
};

const bulk: Command = {
  usage: "cancel|retry [--status <status>] [--workflow <name>] [--query <text>]",
  summary: "Cancel or retry every run that the options find",
  options: {
    status: { type: "string", help: RunStatusSchema.options.join(", ") },
    workflow: { type: "string", help: "of this workflow only" },
    query: { type: "string", help: "in the name of the workflow" },
  },
  examples: ["logomesh runs bulk retry --status faulted --workflow digest"],
  positionals: { min: 1, max: 1 },
  async run(args, context) {
    const [action] = args.positionals;
    if (action !== "cancel" && action !== "retry") throw new UsageError("say cancel or retry");
    const status = choiceOption(args, "status", RunStatusSchema.options);
    const workflow = textOption(args, "workflow");
    const q = textOption(args, "query");
    const filter = {
      ...(status === undefined ? {} : { status }),
      ...(workflow === undefined ? {} : { workflow }),
      ...(q === undefined ? {} : { q }),
    };
    if (Object.keys(filter).length === 0) throw new UsageError("give --status, --workflow or --query");
    const { client } = await connect(context);
    const result = await client.bulkRuns({ body: { filter, action }, signal: context.signal });
    if (args.json) context.printJson(result);
    else {
      context.print(`${result.done} of ${result.matched} runs: ${action === "cancel" ? "cancelled" : "retried"}`);
      for (const { runId, detail } of result.refusals) context.print(`  ${runId}  ${visibleLine(detail)}`);
      if (result.isMore) context.note("There are more. Repeat the command.");
    }
    return result.refused === 0 ? 0 : 1;
  },
};

export const runOperationCommands = {
  "runs prune": prune,
  "runs bulk": bulk,
  "runs replay": replay,
  "runs compare": compare,
  "runs suspend": suspend,
  "runs resume": continuing("resumeRun", {
    summary: "Go on with a suspended run",
    examples: ["logomesh runs resume run_01 --complete-step 3='{\"sent\":true}'"],
  }),
  "runs retry": continuing("retryRun", {
    summary: "Go on with a faulted or cancelled run from the task that failed",
    examples: ["logomesh runs retry run_01"],
  }),
};
