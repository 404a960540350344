import { COMMANDS } from "../commands/index.ts";
import type { Command } from "../context.ts";
import type { Style } from "./style.ts";
import { table } from "./style.ts";

export function overview(style: Style): string[] {
  const rows = Object.entries(COMMANDS).map(([name, { usage, summary }]) => [
    `  ${style.bold(name)} ${usage}`.trimEnd(),
    summary,
  ]);
  return [
    "logomesh: a local workbench for workflows, plugins and models",
    "",
    ...table(rows),
    "",
    "Every command takes --json and --help. The workspace is ./workspace unless LOGOMESH_WORKSPACE says otherwise.",
  ];
}

export function helpOf(name: string, { usage, summary, options }: Command, style: Style): string[] {
  const all: NonNullable<Command["options"]> = { ...options, json: { type: "boolean", help: "print JSON" } };
  const rows = Object.entries(all).map(([option, { type, help }]) => [
    `  --${option}${type === "string" ? " <…>" : ""}`,
    help,
  ]);
  return [`${style.bold(`logomesh ${name}`)} ${usage}`.trimEnd(), summary, "", ...table(rows)];
}

/** “Did you mean …” for a word that is at most two slips away. */
export function suggest(word: string, names: readonly string[]): string {
  const nouns = [...new Set(names.map((name) => name.split(" ")[0] ?? name))];
  const [best] = nouns
    .map((noun) => ({ noun, slips: distance(word, noun) }))
    .filter(({ slips }) => slips <= 2)
    .sort((a, b) => a.slips - b.slips);
  return best === undefined ? " See: logomesh --help" : ` Did you mean “${best.noun}”?`;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_value, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
