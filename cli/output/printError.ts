import { ERROR_CATALOGUE, type LogoMeshError } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { visibleBlock, visibleLine } from "./text.ts";

/** Title, detail, the faulty places, what to do, and the code. */
export function printError(error: LogoMeshError, context: Pick<CliContext, "note" | "noteStyle">): void {
  const { note, noteStyle: style } = context;
  const { title, help } = ERROR_CATALOGUE[error.code];
  note(`${style.red("✗")} ${style.bold(title)}: ${visibleBlock(error.message, "    ")}`);
  for (const { line, column, pointer, message } of error.problems ?? []) {
    const place = line === undefined ? pointer : `line ${line}, column ${column ?? 1}`;
    note(`    ${style.dim(place === "" ? "·" : visibleLine(place))} ${visibleLine(message)}`);
  }
  note(`  ${help}`);
  note(`  ${style.dim(error.code)}`);
}
