import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { UsageError, type CliContext, type CommandArguments } from "./context.ts";

/** The value of a text option. */
export function textOption(args: CommandArguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === "string" ? value : undefined;
}

/** The values of a text option that may be given several times. */
export function textOptions(args: CommandArguments, name: string): string[] {
  const value = args.values[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** @throws UsageError when the value is no whole number of the range */
export function numberOption(
  args: CommandArguments,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not “${text}”`);
}

/** @throws UsageError when the value is none of the choices */
export function choiceOption<T extends string>(
  args: CommandArguments,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = textOption(args, name);
  const choice = choices.find((candidate) => candidate === text);
  if (text === undefined || choice !== undefined) return choice;
  throw new UsageError(`--${name} must be one of ${choices.join(", ")}, not “${text}”`);
}

/** The value of a text option as JSON. @throws UsageError */
export function jsonOption(args: CommandArguments, name: string): unknown {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--${name} is not JSON: ${(error as Error).message}`);
  }
}

export interface TextFile {
  /** Its last part, or `standard input`. */
  name: string;
  text: string;
}

/** The text of a file that holds a workflow. @throws LogoMeshError as readTextFile, LM_WORKFLOW_INVALID when there is nothing in it */
export async function readDefinition(path: string, context: Pick<CliContext, "cwd" | "readInput">): Promise<string> {
  const { name, text } = await readTextFile(path, context);
  if (text.trim() === "") throw new LogoMeshError("LM_WORKFLOW_INVALID", `There is nothing in ${name}.`);
  return text;
}

/** The text of a file that an argument names; `-` is standard input. @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID */
export async function readTextFile(path: string, context: Pick<CliContext, "cwd" | "readInput">): Promise<TextFile> {
  if (path === "-") return { name: "standard input", text: await context.readInput() };
  const file = resolve(context.cwd, path);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new LogoMeshError("LM_NOT_FOUND", `There is no file ${file}.`);
    if (code === "EISDIR") throw new LogoMeshError("LM_INPUT_INVALID", `${file} is a folder. Name a file in it.`);
    throw new LogoMeshError("LM_INPUT_INVALID", `${file} cannot be read: ${code ?? "unknown error"}.`, {
      cause: error,
    });
  }
  try {
    return { name: basename(file), text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `${file} is not text in UTF-8. Convert it first, for example with: iconv -t UTF-8`,
      { cause: error },
    );
  }
}
