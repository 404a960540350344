import { join } from "node:path";
import type { AuditEntry, VerifyReport } from "@logomesh/contracts";
import { requireWorkspace, stateHome } from "@logomesh/core";
import { verifyLog } from "@logomesh/core/verify";
import { connect } from "../connect.ts";
import { UsageError, numberOption, textOption, type CliContext, type Command } from "../context.ts";
import { render } from "../output/printRun.ts";
import { visible } from "../output/style.ts";

const FILTERS = ["kind", "actor", "model", "run", "plugin", "status", "q"] as const;

const query: Command = {
  usage:
    "[--kind <kind>] [--run <run>] [--plugin <plugin>] [--model <model>] [--status <status>] [--q <text>] [--limit <n>]",
  summary: "List what happened, newest first",
  options: {
    ...Object.fromEntries(
      FILTERS.map((name) => [
        name,
        { type: "string" as const, help: name === "q" ? "text in prompts and answers" : `of this ${name} only` },
      ]),
    ),
    limit: { type: "string", help: "how many (default 50)" },
  },
  async run(args, context) {
    const { client } = await connect(context);
    const given = FILTERS.flatMap((name) => {
      const value = textOption(args, name);
      return value === undefined ? [] : [[name, value] as const];
    });
    const page = await client.queryAudit({
      query: { limit: numberOption(args, "limit", { min: 1, max: 200 }) ?? 50, ...Object.fromEntries(given) },
    });
    if (args.json) context.print(JSON.stringify(page));
    else if (page.items.length === 0) context.print("No such entries.");
    else for (const entry of page.items) printEntry(entry, context);
    return 0;
  },
};

function printEntry({ seq, ts, kind, actor, trace, data }: AuditEntry, { print, style }: CliContext): void {
  const facts = [trace.task, trace.plugin, trace.model, trace.status].filter((fact) => fact !== undefined);
  const note = typeof data.name === "string" ? data.name : typeof data.reason === "string" ? data.reason : "";
  print(
    `${style.dim(String(seq).padStart(6))} ${style.dim(ts.slice(0, 19).replace("T", " "))} ${style.bold(kind)} ${visible([note, ...facts].filter(Boolean).join(" · "))} ${style.dim(`${actor.type}:${actor.id.slice(0, 24)}`)}`,
  );
}

const show: Command = {
  usage: "<number>",
  summary: "Show an entry with its payloads: prompts, answers, arguments, results",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [text = ""], json }, context) {
    const seq = Number(text);
    if (!Number.isInteger(seq) || seq < 0) throw new UsageError(`an entry has a number, not “${text}”`);
    const { client } = await connect(context);
    const entry = await client.getAuditEntry({ params: { seq } });
    if (json) context.print(JSON.stringify(entry));
    else for (const line of render(entry as never)) context.print(line);
    return 0;
  },
};

const verify: Command = {
  usage: "",
  summary: "Verify the whole log offline; 0 healthy, 1 tampered, 2 incomplete",
  run({ json }, context) {
    const paths = requireWorkspace(context.root);
    const outsideRoot = join(stateHome(context.env), "checkpoints");
    // The verifier only reads, so it works beside a running workbench and without one.
    const report = verifyLog(
      { databasePath: paths.database, keysFolder: paths.keys, outsideRoot },
      { monotonicMs: () => performance.now() },
    );
    if (json) context.print(JSON.stringify(report));
    else printReport(report, context);
    return Promise.resolve(report.exitCode);
  },
};

function printReport(report: VerifyReport, { print, style }: CliContext): void {
  const verdicts = [
    style.green("✓ The log is whole and unchanged"),
    style.red("✗ The log was changed"),
    style.yellow("! The log is incomplete or has no outside witness"),
  ];
  print(verdicts[report.exitCode] ?? "");
  print(
    `  ${report.entries} entries, ${report.checkpoints} checkpoints, ${report.outsideCheckpoints} of them outside the workspace, ${report.entriesSinceOutside} entries since the last one`,
  );
  print(style.dim(`  root ${report.root}  ${Math.round(report.durationMs)} ms`));
  for (const { severity, message, seq } of report.findings)
    print(
      `  ${severity === "tampered" ? style.red("✗") : style.yellow("!")} ${seq === undefined ? "" : `entry ${seq}: `}${visible(message)}`,
    );
}

export const auditCommands = { "audit query": query, "audit show": show, "audit verify": verify };
