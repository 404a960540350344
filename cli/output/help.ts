import { COMMANDS } from "../commands/index.ts";
import type { Command } from "../context.ts";
import { table, type Style } from "./style.ts";

const NOTES = [
  "Every command takes --json and --help.",
  "The workspace is what LOGOMESH_WORKSPACE names, else the folder you are in when it is one, else ./workspace.",
  "Exit codes: 0 done, 1 failed, 2 wrong usage, 69 no workbench runs, 130 interrupted.",
];

/** Every command, one line each. */
export function overview(style: Style): string[] {
  return [
    `${style.bold("logomesh")} <command>: a local workbench for workflows, plugins and models`,
    "",
    ...commandRows(Object.entries(COMMANDS), style),
    "",
    ...NOTES,
  ];
}

/** The commands of one noun. */
export function nounHelp(noun: string, style: Style): string[] {
  const entries = Object.entries(COMMANDS).filter(([name]) => name.startsWith(`${noun} `));
  return [
    `${style.bold(`logomesh ${noun}`)} <command>`,
    "",
    ...commandRows(entries, style),
    "",
    `Options: logomesh ${noun} <command> --help`,
  ];
}

function commandRows(entries: [name: string, command: Command][], style: Style): string[] {
  return table(entries.map(([name, { summary }]) => [`  ${style.bold(name)}`, summary]));
}

/** How to write one command, and its options. */
export function commandHelp({ name, command }: { name: string; command: Command }, style: Style): string[] {
  const { usage, summary, options, examples } = command;
  const all: NonNullable<Command["options"]> = {
    ...options,
    json: { type: "boolean", help: "print JSON" },
    help: { type: "boolean", help: "show this" },
  };
  const rows = Object.entries(all).map(([option, { type, help }]) => [
    `  --${option}${type === "string" ? " <…>" : ""}`,
    help,
  ]);
  return [
    `${style.bold(`logomesh ${name}`)} ${usage}`.trimEnd(),
    summary,
    "",
    ...table(rows),
    ...(examples === undefined ? [] : ["", "For example:", ...examples.map((example) => `  ${example}`)]),
  ];
}
