import { join } from "node:path";
import type { AuditEntry, JsonValue, VerifyReport } from "@logomesh/contracts";
import { requireWorkspace, stateHome } from "@logomesh/core";
import { verifyLog } from "@logomesh/core/verify";
import { numberOption, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command } from "../context.ts";
import { render } from "../output/render.ts";
import { countText, visibleBlock, visibleLine } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const FILTERS = ["kind", "actor", "model", "run", "plugin", "status", "q"] as const;
const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

const query: Command = {
  usage: `${FILTERS.map((name) => `[--${name} <…>]`).join(" ")} [--limit <n>]`,
  summary: "List what happened, newest first",
  options: {
    ...Object.fromEntries(
      FILTERS.map((name) => {
        const help = name === "q" ? "text in prompts and answers" : `of this ${name} only`;
        return [name, { type: "string" as const, help }];
      }),
    ),
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  examples: ["logomesh audit query --kind llm.request", "logomesh audit query --run run_… --status faulted"],
  async run(args, context) {
    const limit = numberOption(args, "limit", { min: 1, max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
    const given = FILTERS.flatMap((name) => {
      const value = textOption(args, name);
      return value === undefined ? [] : [[name, value] as const];
    });
    const { client } = await connect(context);
    const page = await client.queryAudit({ query: { limit, ...Object.fromEntries(given) }, signal: context.signal });
    if (args.json) context.printJson(page);
    else if (page.items.length === 0) context.print("No such entries.");
    else {
      for (const entry of page.items) printEntry(entry, context);
      if (page.nextCursor !== null) context.note(`More with: --limit ${Math.min(limit * 2, LIMIT_MAX)}`);
    }
    return 0;
  },
};

function printEntry({ seq, ts, kind, actor, trace, data }: AuditEntry, { print, style }: CliContext): void {
  const [name] = [data.name, data.reason].filter((fact) => typeof fact === "string");
  const facts = [name, trace.task, trace.plugin, trace.model, trace.status].filter((fact) => fact !== undefined);
  const head = `${style.dim(`${String(seq).padStart(6)} ${timeText(ts)}`)} ${style.bold(visibleLine(kind))}`;
  const who = style.dim(visibleLine(`${actor.type}:${actor.id.slice(0, 24)}`));
  print(`${head} ${visibleLine(facts.join(" · "))} ${who}`);
}

const show: Command = {
  usage: "<number>",
  summary: "Show an entry with its payloads: prompts, answers, arguments, results",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [text = ""], json }, context) {
    if (!/^\d{1,15}$/.test(text)) throw new UsageError(`an entry has a number, not “${text}”`);
    const { client } = await connect(context);
    const entry = await client.getAuditEntry({ params: { seq: Number(text) } });
    if (json) context.printJson(entry);
    else for (const line of render(entry as JsonValue, { columns: context.columns })) context.print(line);
    return 0;
  },
};

const verify: Command = {
  usage: "[--offline]",
  summary:
    "Verify the whole log. Exit codes: 0 healthy, 1 changed, 2 incomplete or without outside witness, 3 not verified",
  // Whoever asks by script must not take a mistyped option or a wrong folder for a verdict.
  exitCodes: { failed: 3, usage: 3 },
  options: { offline: { type: "boolean", help: "read the files, ask no workbench even if one runs" } },
  async run({ json, values }, context) {
    const { workbenches, env, root } = context;
    const running = values.offline === true ? undefined : await workbenches.find({ env, root });
    const report = running === undefined ? verifyOffline(context) : await running.client.verifyAudit();
    if (json) context.printJson(report);
    else printReport(report, { context, isOffline: running === undefined });
    return report.exitCode;
  },
};

/** The verifier only reads, so it works beside a running workbench and without one. */
function verifyOffline({ root, env }: CliContext): VerifyReport {
  const paths = requireWorkspace(root);
  const outsideRoot = join(stateHome(env), "checkpoints");
  const params = { databasePath: paths.database, keysFolder: paths.keys, outsideRoot };
  return verifyLog(params, { monotonicMs: () => performance.now() });
}

function printReport(report: VerifyReport, { context, isOffline }: { context: CliContext; isOffline: boolean }): void {
  const { print, style } = context;
  const verdicts = [
    style.green("✓ The log is whole and unchanged"),
    style.red("✗ The log was changed"),
    style.yellow("! The log is incomplete or has no outside witness"),
  ];
  const firstBad = report.findings.find(({ severity, seq }) => severity === "tampered" && seq !== undefined)?.seq;
  print(`${verdicts[report.exitCode] ?? ""}${firstBad === undefined ? "" : `; the first bad entry is ${firstBad}`}`);
  print(
    `  ${countText(report.entries, "entry", "entries")}, ${countText(report.checkpoints, "checkpoint")}, ` +
      `${report.outsideCheckpoints} outside the workspace, ${report.entriesSinceOutside} entries since the last of those`,
  );
  const how = isOffline ? "read from the files" : "by the running workbench";
  print(style.dim(`  root ${report.root}  ${Math.round(report.durationMs)} ms, ${how}`));
  for (const { severity, message, seq } of report.findings) {
    const mark = severity === "tampered" ? style.red("✗") : style.yellow("!");
    print(`  ${mark} ${seq === undefined ? "" : `entry ${seq}: `}${visibleBlock(message, "    ")}`);
  }
}

export const auditCommands = { "audit query": query, "audit show": show, "audit verify": verify };
