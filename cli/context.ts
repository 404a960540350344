import { LogoMeshError } from "@logomesh/contracts";
import type { Style } from "./output/style.ts";

/** What a command has of the world; tests pass their own. */
export interface CliContext {
  env: NodeJS.ProcessEnv;
  /** Folder of the workspace. */
  root: string;
  /** Prints a line of the result. */
  print: (line: string) => void;
  /** Prints a line about the work; goes to standard error. */
  note: (line: string) => void;
  /** Writes to standard error as it is, for progress that redraws itself. */
  draw: (text: string) => void;
  /** Whether standard error is a terminal. */
  isInteractive: boolean;
  style: Style;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
}

/** Parsed arguments of a command. */
export interface CommandArguments {
  positionals: readonly string[];
  /** Every option as it was given. */
  values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  json: boolean;
}

export interface Command {
  /** After the noun and verb: `<name|file> [--input k=v]`. */
  usage: string;
  summary: string;
  options?: Readonly<Record<string, { type: "string" | "boolean"; multiple?: boolean; help: string }>>;
  /** How many positional arguments there must be. */
  positionals?: { min: number; max: number };
  /** @returns the exit code, 0 when nothing is returned */
  run: (args: CommandArguments, context: CliContext) => Promise<number | undefined>;
}

/** A mistake in the arguments: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Thrown by what was interrupted by Ctrl-C: exit code 130. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The value of a text option. */
export function textOption(args: CommandArguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === "string" ? value : undefined;
}

export function textOptions(args: CommandArguments, name: string): string[] {
  const value = args.values[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

export function numberOption(
  args: CommandArguments,
  name: string,
  range: { min: number; max: number },
): number | undefined {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.min || value > range.max)
    throw new UsageError(`--${name} must be a whole number from ${range.min} to ${range.max}, not ${text}`);
  return value;
}

/** JSON text of an argument. @throws LogoMeshError LM_INPUT_INVALID */
export function parseJsonArgument(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LogoMeshError("LM_INPUT_INVALID", `${what} is not JSON: ${(error as Error).message}`);
  }
}
