import type { InputProblem } from "@logomesh/contracts";
import { readDefinition, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";

const list: Command = {
  usage: "",
  summary: "List workflows, newest version of each",
  async run({ json }, context) {
    const { client } = await connect(context);
    const page = await client.listWorkflows({ query: { limit: 200 } });
    if (json) context.printJson(page);
    else if (page.items.length === 0) context.print("No workflows yet. Add one with: logomesh workflow push <file>");
    else {
      const rows = page.items.map(({ namespace, name, version, title, summary }) => [
        visibleLine(`${namespace}/${name}`),
        version,
        visibleLine(title ?? summary ?? ""),
      ]);
      table(rows).forEach(context.print);
    }
    return 0;
  },
};

const validate: Command = {
  usage: "<file>",
  summary: "Check a definition without storing it",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [file = ""], json }, context) {
    const source = await readDefinition(file, context);
    const { client } = await connect(context);
    const result = await client.validateWorkflow({ body: { source } });
    if (json) context.printJson(result);
    else {
      printProblems(result.problems, { context, file, mark: context.style.red("✗") });
      printProblems(result.warnings, { context, file, mark: context.style.yellow("!") });
      if (result.valid) context.print(`${context.style.green("✓")} ${file} is valid`);
    }
    return result.valid ? 0 : 1;
  },
};

const push: Command = {
  usage: "<file>",
  summary: "Store a definition and grant what it names",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [file = ""], json }, context) {
    const source = await readDefinition(file, context);
    const { client } = await connect(context);
    const result = await client.defineWorkflow({ body: { source } });
    if (json) context.printJson(result);
    else {
      const { style } = context;
      context.print(
        `${style.green("✓")} ${visibleLine(`${result.namespace}/${result.name} ${result.version}`)} ${style.dim(result.hash.slice(0, 12))}`,
      );
      printProblems(result.warnings, { context, file, mark: style.yellow("!") });
      for (const { action, resource } of result.grants)
        context.print(`  granted: ${visibleLine(action)} ${visibleLine(resource)}`);
    }
    return 0;
  },
};

const remove: Command = {
  usage: "<namespace/name> [--version <version>] [--force]",
  summary: "Delete a workflow, or one version of it; runs keep their definition",
  positionals: { min: 1, max: 1 },
  options: {
    version: { type: "string", help: "this version alone (default: all)" },
    force: { type: "boolean", help: "also while runs of it have not ended" },
  },
  examples: ["logomesh workflow delete default/weekly --version 1.0.0"],
  async run(args, context) {
    const [reference = ""] = args.positionals;
    const [, namespace = "default", name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(reference) ?? [];
    if (name === undefined) throw new UsageError("name the workflow as <namespace/name>, for example default/weekly");
    const version = textOption(args, "version");
    const query = { force: args.values.force === true, ...(version === undefined ? {} : { version }) };
    const { client } = await connect(context);
    const answer = await client.deleteWorkflow({ params: { namespace, name }, query });
    if (args.json) context.printJson(answer);
    else
      context.print(
        `${visibleLine(`${namespace}/${name}`)} ${version ?? "(all versions)"} is deleted. Its runs are kept.`,
      );
    return 0;
  },
};

function printProblems(
  problems: readonly InputProblem[],
  { context, file, mark }: { context: CliContext; file: string; mark: string },
): void {
  for (const { line, column, pointer, message } of problems) {
    const place = line === undefined ? pointer : `${line}:${column ?? 1}`;
    context.print(`${mark} ${file}:${place} ${visibleLine(message)}`);
  }
}

export const workflowCommands = {
  "workflow list": list,
  "workflow validate": validate,
  "workflow push": push,
  "workflow delete": remove,
};
