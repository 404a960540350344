import { existsSync, readFileSync } from "node:fs";
import { LogoMeshError, type InputProblem } from "@logomesh/contracts";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { table, visible } from "../output/style.ts";

const list: Command = {
  usage: "",
  summary: "List workflows, newest version of each",
  async run({ json }, context) {
    const { client } = await connect(context);
    const page = await client.listWorkflows({ query: { limit: 200 } });
    if (json) context.print(JSON.stringify(page));
    else if (page.items.length === 0) context.print("No workflows yet. Add one with: logomesh workflow push <file>");
    else {
      const rows = page.items.map(({ namespace, name, version, title, summary }) => [
        `${namespace}/${name}`,
        version,
        visible(title ?? summary ?? ""),
      ]);
      for (const line of table(rows)) context.print(line);
    }
    return 0;
  },
};

const validate: Command = {
  usage: "<file>",
  summary: "Check a definition without storing it",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [file = ""], json }, context) {
    const { client } = await connect(context);
    const result = await client.validateWorkflow({ body: { source: readSource(file) } });
    if (json) context.print(JSON.stringify(result));
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
    const { client } = await connect(context);
    const result = await client.defineWorkflow({ body: { source: readSource(file) } });
    if (json) context.print(JSON.stringify(result));
    else {
      const { style } = context;
      context.print(
        `${style.green("✓")} ${result.namespace}/${result.name} ${result.version} ${style.dim(result.hash.slice(0, 12))}`,
      );
      printProblems(result.warnings, { context, file, mark: style.yellow("!") });
      for (const { action, resource } of result.grants) context.print(`  granted: ${action} ${visible(resource)}`);
    }
    return 0;
  },
};

function printProblems(
  problems: readonly InputProblem[],
  { context, file, mark }: { context: CliContext; file: string; mark: string },
): void {
  for (const { line, column, pointer, message } of problems) {
    const place = line === undefined ? pointer : `${line}:${column ?? 1}`;
    context.print(`${mark} ${file}:${place} ${visible(message)}`);
  }
}

function readSource(file: string): string {
  if (!existsSync(file)) throw new LogoMeshError("LM_NOT_FOUND", `There is no file ${file}.`);
  return readFileSync(file, "utf8");
}

export const workflowCommands = { "workflow list": list, "workflow validate": validate, "workflow push": push };
