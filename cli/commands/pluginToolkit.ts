import { writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { RegistryEntry } from "@logomesh/contracts";
import {
  PLUGIN_TEMPLATES,
  checkPlugin,
  createLogger,
  createPluginFolder,
  packPlugin,
  searchPlugins,
  testPluginFolder,
} from "@logomesh/core";
import { choiceOption, numberOption, textOption } from "../arguments.ts";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { countText, visible, visibleLine } from "../output/text.ts";

const create: Command = {
  usage: "<folder> --runtime <node-ts|python|shell> [--id <id>]",
  summary: "Make a new plugin that runs at once",
  positionals: { min: 1, max: 1 },
  options: {
    runtime: { type: "string", help: `${PLUGIN_TEMPLATES.join(", ")} (default: node-ts)` },
    id: { type: "string", help: "reverse-DNS name (default: org.example.<folder>)" },
  },
  async run(args, context) {
    const [path = ""] = args.positionals;
    const folder = resolve(context.cwd, path);
    const template = choiceOption(args, "runtime", PLUGIN_TEMPLATES) ?? "node-ts";
    const id = textOption(args, "id");
    const made = await createPluginFolder({ template, folder, ...(id === undefined ? {} : { id }) });
    if (args.json) context.printJson({ folder, ...made });
    else {
      context.print(`${made.id} is in ${folder}: ${made.files.join(", ")}`);
      context.note(`Test it:  logomesh plugin test ${path}`);
      context.note(`Serve it: logomesh plugin dev ${path} --grant`);
    }
    return 0;
  },
};

const validate: Command = {
  usage: "<folder|.tgz|.mcpb>",
  summary: "Check a plugin as an installation would, and say what to correct",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [path = ""], json }, context) {
    const report = await checkPlugin(resolve(context.cwd, path));
    const isValid = report.problems.length === 0;
    if (json) context.printJson({ valid: isValid, ...report });
    else printReport(report, { path, context });
    return isValid ? 0 : 1;
  },
};

function printReport(
  { problems, warnings, manifest, files = 0, bytes = 0, sha256 = "" }: Awaited<ReturnType<typeof checkPlugin>>,
  { path, context: { print, style } }: { path: string; context: CliContext },
): void {
  for (const { file, line, column, pointer, message } of problems) {
    const place = line === undefined ? "" : `:${line}:${column ?? 1}`;
    const where = [file === undefined ? path : `${join(path, file)}${place}`, pointer].filter((part) => part !== "");
    print(`${style.red("✗")} ${visibleLine(where.join(" "))} ${visibleLine(message)}`);
  }
  for (const warning of warnings) print(`${style.yellow("!")} ${visibleLine(warning)}`);
  if (manifest === undefined || problems.length > 0) return;
  const size = `${countText(files, "file")}, ${countText(bytes, "byte")}`;
  print(`${style.green("✓")} ${visibleLine(manifest.id)} ${manifest.version}: ${size}, sha256 ${sha256}`);
}

const pack: Command = {
  usage: "<folder> [--format tgz|mcpb] [--out <folder>]",
  summary: "Pack a plugin into one file; the same files give the same bytes",
  positionals: { min: 1, max: 1 },
  options: {
    format: { type: "string", help: "tgz, or mcpb for other MCP hosts too (default: tgz)" },
    out: { type: "string", help: "where to write it (default: here)" },
  },
  async run(args, context) {
    const [path = ""] = args.positionals;
    const format = choiceOption(args, "format", ["tgz", "mcpb"]) ?? "tgz";
    const { bytes, fileName, sha256 } = await packPlugin(resolve(context.cwd, path), format);
    const file = join(resolve(context.cwd, textOption(args, "out") ?? "."), fileName);
    writeFileSync(file, bytes);
    if (args.json) context.printJson({ file, bytes: bytes.byteLength, sha256 });
    else context.print(`${file}: ${countText(bytes.byteLength, "byte")}; the plugin in it has the sha256 ${sha256}`);
    return 0;
  },
};

const test: Command = {
  usage: "<folder> [--timeout <seconds>]",
  summary: "Run a plugin's own tests in the sandbox, with a host that answers what they say",
  positionals: { min: 1, max: 1 },
  options: { timeout: { type: "string", help: "of all tests together, in seconds (default: 120)" } },
  async run(args, context) {
    const {
      positionals: [path = ""],
      json,
    } = args;
    const seconds = numberOption(args, "timeout", { min: 1, max: 3_600 });
    const folder = resolve(context.cwd, path);
    const onOutput = (text: string): void => {
      if (json) return;
      context.stream(visible(text));
    };
    const logger = createLogger({ level: "warn" });
    const { isPassed, files } = await testPluginFolder({
      ...{ folder, onOutput, signal: context.signal, logger },
      ...(seconds === undefined ? {} : { timeoutMs: seconds * 1_000 }),
    });
    if (json) context.printJson({ passed: isPassed, files });
    else if (isPassed) context.print(`${context.style.green("✓")} ${countText(files.length, "file")} of tests passed`);
    else context.print(`${context.style.red("✗")} the tests of ${visibleLine(basename(folder))} failed`);
    return isPassed ? 0 : 1;
  },
};

const search: Command = {
  usage: "[words] [--registry <registry.json|folder>]",
  summary: "Search a local registry of plugins, by default the one that logomesh.yaml names",
  positionals: { min: 0, max: 20 },
  options: { registry: { type: "string", help: "an index, or a folder of plugins; needs no workbench" } },
  examples: ["logomesh plugin search weather", "logomesh plugin search weather --registry ~/plugins/registry.json"],
  async run(args, context) {
    const registry = textOption(args, "registry");
    const words = args.positionals.join(" ");
    const items =
      registry === undefined
        ? await searchWorkbench(words, context)
        : await searchPlugins(resolve(context.cwd, registry), words);
    if (args.json) context.printJson({ items });
    else if (items.length === 0) context.print("No such plugins.");
    else
      for (const { id, description, versions, rating, installs } of items) {
        const stars = rating === undefined ? "" : `, ${rating.mean.toFixed(1)} stars of ${rating.count}`;
        const [newest] = versions;
        context.print(
          `${context.style.bold(visibleLine(id))} ${visibleLine(newest?.version ?? "")}  ${countText(installs, "install")}${stars}`,
        );
        context.print(`  ${visibleLine(description)}`);
        context.print(context.style.dim(`  logomesh plugin install ${visibleLine(newest?.source ?? "")}`));
      }
    return 0;
  },
};

async function searchWorkbench(q: string, context: CliContext): Promise<RegistryEntry[]> {
  const { client } = await connect(context);
  const { items, nextCursor } = await client.searchRegistry({ query: { q } });
  if (nextCursor !== null) context.note(`The first ${items.length}; more words find fewer.`);
  return items;
}

export const pluginToolkitCommands = {
  ...{ "plugin create": create, "plugin validate": validate, "plugin test": test, "plugin pack": pack },
  "plugin search": search,
};
