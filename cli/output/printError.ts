import { ERROR_CATALOGUE, type LogoMeshError } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { visibleBlock, visibleLine } from "./text.ts";

/** Title, detail, what to do or, where they are known, the faulty places, and the code. */
export function printError(error: LogoMeshError, context: Pick<CliContext, "note" | "noteStyle">): void {
  const { note, noteStyle: style } = context;
  const { title, help } = ERROR_CATALOGUE[error.code];
  note(`${style.red("✗")} ${style.bold(title)}: ${visibleBlock(error.message, "    ")}`);
  const problems = error.problems ?? [];
  const [only, ...others] = problems;
  // A single fault is mostly what the detail says already.
  const isSaid = only !== undefined && others.length === 0 && error.message.includes(only.message);
  for (const { line, column, pointer, message } of isSaid ? [] : problems) {
    const place = [line === undefined ? "" : `line ${line}, column ${column ?? 1}`, pointer].filter(Boolean).join(" ");
    note(`    ${style.dim(place === "" ? "·" : visibleLine(place))} ${visibleLine(message)}`);
  }
  if (problems.length === 0) note(`  ${help}`);
  note(`  ${style.dim(error.code)}`);
}
