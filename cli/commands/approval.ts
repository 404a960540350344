import {
  ApprovalKindSchema,
  ApprovalStatusSchema,
  type Approval,
  type ApprovalDetail,
  type DecideApprovalParams,
  type Problem,
} from "@logomesh/contracts";
import { choiceOption, numberOption, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type CommandArguments } from "../context.ts";
import { printApproval } from "../output/printApproval.ts";
import { statusText, table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";
import { timeText } from "../output/timeText.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

const list: Command = {
  usage: "[--status <status>] [--kind <kind>] [--limit <n>]",
  summary: "List what waits for you; with --status or --kind also what was decided",
  options: {
    status: { type: "string", help: ApprovalStatusSchema.options.join(", ") },
    kind: { type: "string", help: ApprovalKindSchema.options.join(", ") },
    limit: { type: "string", help: `how many (default ${LIMIT_DEFAULT})` },
  },
  async run(args, context) {
    const kind = choiceOption(args, "kind", ApprovalKindSchema.options);
    const given = choiceOption(args, "status", ApprovalStatusSchema.options);
    const status = given ?? (kind === undefined ? "pending" : undefined);
    const limit = numberOption(args, "limit", { min: 1, max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
    const { client } = await connect(context);
    const page = await client.listApprovals({
      query: { limit, ...(status === undefined ? {} : { status }), ...(kind === undefined ? {} : { kind }) },
      signal: context.signal,
    });
    if (args.json) context.printJson(page);
    else if (page.items.length === 0)
      context.print(status === "pending" ? "Nothing waits for you." : "No such approvals.");
    else {
      table(page.items.map((approval) => row(approval, context))).forEach(context.print);
      if (page.nextCursor !== null) context.note(`More with: --limit ${Math.min(limit * 2, LIMIT_MAX)}`);
    }
    return 0;
  },
};

function row({ id, status, kind, title, createdAt }: Approval, { style }: CliContext): string[] {
  return [id, statusText(status, style), kind, visibleLine(title), style.dim(timeText(createdAt))];
}

const show: Command = {
  usage: "<approval>",
  summary: "Show what is asked, a file change as a diff with hidden characters made visible",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [id = ""], json }, context) {
    const { client } = await connect(context);
    const approval = await client.getApproval({ params: { id }, signal: context.signal });
    if (json) context.printJson(approval);
    else {
      printApproval(approval, { context, print: context.print, style: context.style });
      if (approval.status === "pending") {
        context.note(`Decide with: logomesh approval approve ${approval.id}, or reject`);
      }
    }
    return 0;
  },
};

const DECISION_OPTIONS: NonNullable<Command["options"]> = {
  hash: { type: "string", help: "decide only if this is still the content's hash" },
  comment: { type: "string", help: "why; goes into the log" },
  yes: { type: "boolean", help: "do not ask" },
};

/** Shows what is decided, asks, and binds the decision to what was shown. */
function decideCommand(
  decision: DecideApprovalParams["decision"],
  { verb, summary }: { verb: string; summary: string },
): Command {
  return {
    usage: "<approval> [--yes] [--hash <hash>] [--comment <text>]",
    summary,
    positionals: { min: 1, max: 1 },
    options: DECISION_OPTIONS,
    examples: [`logomesh approval ${verb} apr_…`, `logomesh approval ${verb} apr_… --yes --hash 3b7f…`],
    async run(args, context) {
      const { positionals, json } = args;
      const [id = ""] = positionals;
      const { client } = await connect(context);
      const seen = await client.getApproval({ params: { id }, signal: context.signal });
      const contentHash = hashOption(args) ?? seen.contentHash;
      const isAgreed = await confirm(seen, { args, context, question: `${verb} this? [y/N] ` });
      if (!isAgreed) {
        context.note("Nothing was decided.");
        return 1;
      }
      const comment = textOption(args, "comment");
      const body = { decision, contentHash, ...(comment === undefined ? {} : { comment }) };
      const decided = await client.decideApproval({ params: { id }, body, signal: context.signal });
      if (json) context.printJson(decided);
      else printDecided(decided, context);
      return decided.status === "failed" ? 1 : 0;
    },
  };
}

function hashOption(args: CommandArguments): string | undefined {
  const hash = textOption(args, "hash");
  if (hash === undefined || /^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new UsageError("--hash must be the 64 hexadecimal digits that `logomesh approval show` prints");
}

/** What is shown goes where the question goes, so that the result stays parseable. */
async function confirm(
  seen: ApprovalDetail,
  { args, context, question }: { args: CommandArguments; context: CliContext; question: string },
): Promise<boolean> {
  if (args.values.yes === true) return true;
  printApproval(seen, { context, print: context.note, style: context.noteStyle });
  const answer = await context.ask(question);
  return /^y(es)?$/i.test(answer.trim());
}

function printDecided(decided: ApprovalDetail, context: CliContext): void {
  const { id, status, outcome, isUndoable } = decided;
  context.print(`${statusText(status, context.style)} ${id}`);
  if (status === "failed") {
    const { detail, title, code } = outcome as Partial<Problem>;
    context.print(
      `  ${visibleLine(detail ?? title ?? "It could not be carried out.")} ${context.style.dim(code ?? "")}`,
    );
  }
  if (isUndoable) context.note(`Take it back with: logomesh approval undo ${id}`);
}

const approve = decideCommand("approved", {
  verb: "approve",
  summary: "Approve what is shown, and have it carried out",
});
const reject = decideCommand("rejected", { verb: "reject", summary: "Reject what is shown" });

const undo: Command = {
  usage: "<approval> [--yes]",
  summary: "Put a file back to what it was before an approved change, unless it was changed since",
  positionals: { min: 1, max: 1 },
  options: { yes: { type: "boolean", help: "do not ask" } },
  async run(args, context) {
    const [id = ""] = args.positionals;
    const { client } = await connect(context);
    const seen = await client.getApproval({ params: { id }, signal: context.signal });
    if (!(await confirm(seen, { args, context, question: "take this change back? [y/N] " }))) {
      context.note("Nothing was undone.");
      return 1;
    }
    const undone = await client.undoApproval({ params: { id }, signal: context.signal });
    if (args.json) context.printJson(undone);
    else context.print(`${statusText(undone.status, context.style)} ${undone.id}`);
    return 0;
  },
};

export const approvalCommands = {
  "approval list": list,
  "approval show": show,
  "approval approve": approve,
  "approval reject": reject,
  "approval undo": undo,
};
