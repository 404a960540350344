import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogoMeshError, type ConstitutionChange, type PolicyExplanation } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { parseConstitution, requireWorkspace } from "@logomesh/core";
import { readTextFile, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type Connection } from "../context.ts";
import { printError } from "../output/printError.ts";
import { countText, visible, visibleBlock, visibleLine } from "../output/text.ts";

const FLIPS_SHOWN_MAX = 50;

const show: Command = {
  usage: "",
  summary: "Show the constitution: the rules that no grant can overrule, and whether they are in force",
  async run({ json }, context) {
    const { client } = await connect(context);
    const constitution = await client.getConstitution();
    if (json) {
      context.printJson(constitution);
      return 0;
    }
    const { print, note, noteStyle: style } = context;
    const { file, text, inForce, problem } = constitution;
    if (text !== undefined) print(visible(text).trimEnd());
    if (problem !== undefined) {
      note(`${style.red("✗")} ${visibleLine(file)} is not in force: ${visibleBlock(problem.detail ?? "", "  ")}`);
      note(
        inForce === undefined
          ? "  Nothing privileged runs until it is repaired."
          : `  The last good version, with ${inForce.rules.length} rules, stays in force.`,
      );
      return 1;
    }
    note(`${style.green("✓")} ${inForce?.rules.length ?? 0} rules are in force, from ${visibleLine(file)}`);
    return 0;
  },
};

const check: Command = {
  usage: "[file]",
  summary: "Check a constitution, and say what it would change where a workbench runs",
  positionals: { min: 0, max: 1 },
  async run({ positionals: [given], json }, context) {
    const { text, name } = await readConstitution(given, context);
    const rules = parseConstitution(text, name);
    const change = await (
      await findRunning(context)
    )?.client.putConstitution({ query: { preview: true }, body: { text } });
    if (json) {
      context.printJson({ valid: true, rules: [...rules.keys()], ...(change === undefined ? {} : { change }) });
      return 0;
    }
    context.print(`${context.style.green("✓")} ${visibleLine(name)} is valid: ${rules.size} rules`);
    if (change === undefined) context.note("No workbench runs here, so what it would change is not known.");
    else printChange(change, context);
    return 0;
  },
};

/** Undefined also outside of a workspace, where a file can be checked all the same. */
async function findRunning({ workbenches, env, root }: CliContext): Promise<Connection | undefined> {
  try {
    return await workbenches.find({ env, root });
  } catch (error) {
    if (error instanceof LogoMeshError && error.code === "LM_WORKSPACE_INVALID") return undefined;
    throw error;
  }
}

async function readConstitution(
  given: string | undefined,
  context: CliContext,
): Promise<{ text: string; name: string }> {
  if (given !== undefined) return readTextFile(given, context);
  const { constitution } = requireWorkspace(context.root);
  return readTextFile(constitution, context);
}

const edit: Command = {
  usage: "[--file <file>] [--yes]",
  summary: "Edit the constitution, see what that changes, and put it in force",
  options: {
    file: { type: "string", help: "take the new text from this file instead of an editor; - is standard input" },
    yes: { type: "boolean", help: "put it in force without asking" },
  },
  examples: ["EDITOR=nano logomesh policy edit", "logomesh policy edit --file constitution.new --yes"],
  async run(args, context) {
    const { client } = await connect(context);
    const { text: before = "", sha256 } = await client.getConstitution();
    const file = textOption(args, "file");
    const text = file === undefined ? await editUntilValid(before, { client, context }) : await given(file, context);
    if (text === undefined) return 1;
    if (text === before) {
      context.note("Nothing was changed.");
      return 0;
    }
    const preview = await client.putConstitution({ query: { preview: true }, body: { text } });
    if (!args.json) printChange(preview, context);
    if (args.values.yes !== true && !(await isYes("Put it in force? [y/N]", context))) {
      context.note("Nothing was changed.");
      return 1;
    }
    const body = { text, ...(sha256 === undefined ? {} : { baseSha256: sha256 }) };
    const change = await client.putConstitution({ body });
    if (args.json) context.printJson(change);
    else context.print(`${context.style.green("✓")} In force: ${change.sha256}`);
    return 0;
  },
};

async function given(file: string, context: CliContext): Promise<string> {
  return (await readTextFile(file, context)).text;
}

/** Undefined when the user gives up; the draft is kept then, and its place is said. */
async function editUntilValid(
  before: string,
  { client, context }: { client: Client; context: CliContext },
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-"));
  const draft = join(folder, "constitution.cedar");
  writeFileSync(draft, before, { mode: 0o600 });
  for (;;) {
    const code = await context.openEditor(draft);
    if (code !== 0) throw new LogoMeshError("LM_INPUT_INVALID", `The editor ended with exit code ${code}.`);
    const text = readFileSync(draft, "utf8");
    try {
      await client.putConstitution({ query: { preview: true }, body: { text } });
    } catch (error) {
      if (!(error instanceof LogoMeshError) || error.code !== "LM_POLICY_CONSTITUTION_INVALID") throw error;
      printError(error, context);
      if (await isYes("Edit it again? [y/N]", context)) continue;
      context.note(`Nothing was changed. Your text is in ${draft}`);
      return undefined;
    }
    rmSync(folder, { recursive: true });
    return text;
  }
}

async function isYes(question: string, context: CliContext): Promise<boolean> {
  return /^y(es)?$/i.test(await context.ask(question));
}

function printChange({ rules, replayed, left, flips }: ConstitutionChange, { print, style }: CliContext): void {
  const marks = [
    ...rules.added.map((id) => style.green(`  + ${visibleLine(id)}`)),
    ...rules.removed.map((id) => style.red(`  - ${visibleLine(id)}`)),
    ...rules.changed.map((id) => style.yellow(`  ~ ${visibleLine(id)}`)),
  ];
  if (marks.length === 0) print("No rule changes.");
  else ["Rules:", ...marks].forEach(print);
  const rest = left === 0 ? "" : ` ${countText(left, "request")} more, asked since the start, were not tried.`;
  if (flips.length === 0) {
    print(`None of ${replayed} requests (asked lately, or named by a grant) would be decided differently.${rest}`);
    return;
  }
  print(`${flips.length} of ${replayed} requests would be decided differently:${rest}`);
  for (const { principal, action, resource, tainted, before, after } of flips.slice(0, FLIPS_SHOWN_MAX)) {
    const verdict = after.allowed ? style.green("allowed") : style.red("denied");
    const data = tainted ? " with private data" : "";
    print(`  ${verdict}  ${visibleLine(`${principal}  ${action}  ${resource}${data}`)}`);
    const { policies, reason } = after.allowed ? before : after;
    const by = policies.length === 0 ? "" : ` (${policies.join(", ")})`;
    print(style.dim(`    ${after.allowed ? "was: " : ""}${visibleLine(reason + by)}`));
  }
  if (flips.length > FLIPS_SHOWN_MAX) print(`  … and ${flips.length - FLIPS_SHOWN_MAX} more`);
}

const why: Command = {
  usage: "<number>",
  summary: "Explain an entry of the log: who asked what, which policy decided, which grant would change it",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [text = ""], json }, context) {
    if (!/^\d{1,15}$/.test(text)) throw new UsageError(`an entry has a number, not “${text}”`);
    const { client } = await connect(context);
    const explanation = await client.explainDecision({ params: { seq: Number(text) } });
    if (json) context.printJson(explanation);
    else printExplanation(explanation, context);
    return 0;
  },
};

function printExplanation(explanation: PolicyExplanation, { print, style }: CliContext): void {
  const { seq, ts, recorded, request, principals, policies, remedy } = explanation;
  const { action, resource, tainted, callDepth, run, task } = request;
  const verdict = recorded.allowed ? style.green("allowed") : style.red("denied");
  print(`Entry ${seq}, ${ts}: ${verdict}. ${visibleBlock(recorded.reason, "  ")}`);
  print(`  ${style.bold(visibleLine(action))} on ${resource.type} ${visibleLine(resource.id)}`);
  for (const [name, value] of Object.entries(resource.attributes ?? {}))
    print(style.dim(`    ${visibleLine(`${name}: ${JSON.stringify(value)}`)}`));
  const facts = [
    ...(tainted ? ["with private data"] : []),
    ...(callDepth > 0 ? [`${countText(callDepth, "call")} deep`] : []),
    ...(run === undefined ? [] : [`run ${run}`]),
    ...(task === undefined ? [] : [task]),
  ];
  if (facts.length > 0) print(style.dim(`    ${visibleLine(facts.join(", "))}`));
  if (principals.length > 0) print("Asked by, each of whom must be allowed:");
  for (const { principal, isRefused, now } of principals) {
    const mark = isRefused ? style.red("✗ refused") : "  ";
    print(`  ${visibleLine(principal)} ${mark} ${style.dim(`now ${now.allowed ? "allowed" : "denied"}`)}`);
  }
  for (const { id, origin, why: reason, text } of policies) {
    print(`${style.bold(visibleLine(id))} (${origin})${reason === undefined ? "" : `: ${visibleLine(reason)}`}`);
    print(text === undefined ? "    There is no such policy any more." : `    ${visibleBlock(text.trim(), "    ")}`);
  }
  if (principals.length > 0) print(remedy === undefined ? "It would be allowed now." : visibleBlock(remedy.text, "  "));
  if (remedy?.grant?.kind === "plugin") print(`    ${visibleLine(JSON.stringify(remedy.grant.permissions))}`);
}

export const policyCommands = {
  ...{ "policy show": show, "policy check": check, "policy edit": edit, "policy why": why },
};
