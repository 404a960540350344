import { ERROR_CATALOGUE, LogoMeshError } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { visible } from "./style.ts";

/** Title, detail, the faulty places, code, and what to do. */
export function printError(error: LogoMeshError, { note, style }: Pick<CliContext, "note" | "style">): void {
  const { title, help } = ERROR_CATALOGUE[error.code];
  note(`${style.red("✗")} ${style.bold(title)}: ${visible(error.message)}`);
  for (const { line, column, pointer, message } of error.problems ?? []) {
    const place = line === undefined ? pointer : `line ${line}, column ${column ?? 1}`;
    note(`    ${style.dim(place === "" ? "·" : place)} ${visible(message)}`);
  }
  note(`  ${help}`);
  note(`  ${style.dim(error.code)}`);
}
