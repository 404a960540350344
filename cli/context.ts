import type { SystemStatus } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import type { Config } from "@logomesh/core";
import type { Style } from "./output/style.ts";

/** A workbench that can be asked. */
export interface Connection {
  client: Client;
  url: string;
}

/** A workbench of this process, on the workspace until it is disposed. */
export interface StartedWorkbench extends AsyncDisposable {
  connection: Connection;
  /** A new link that logs a browser in, once. */
  createLoginLink: () => string;
  /** How it is, asked of it in this process. */
  status: () => Promise<SystemStatus>;
  /** Resolves with the error when the workbench can no longer work. */
  failed: Promise<Error>;
}

/** Where commands get a workbench from. */
export interface Workbenches {
  /** The one that runs on the workspace; undefined when none does. @throws LogoMeshError LM_WORKSPACE_INVALID */
  find: (place: WorkspacePlace) => Promise<Connection | undefined>;
  /** @throws LogoMeshError LM_WORKSPACE_LOCKED, LM_WORKSPACE_INVALID, LM_API_PORT_TAKEN, LM_DB_* */
  start: (place: WorkspacePlace, overrides: Partial<Config>) => Promise<StartedWorkbench>;
}

export interface WorkspacePlace {
  env: NodeJS.ProcessEnv;
  /** Folder of the workspace. */
  root: string;
}

/** What a command has of the world; tests pass their own. */
export interface CliContext extends WorkspacePlace {
  /** What relative paths of arguments start from. */
  cwd: string;
  workbenches: Workbenches;
  /** Prints a line of the result. */
  print: (line: string) => void;
  /** Prints the result as JSON. */
  printJson: (value: unknown) => void;
  /** Prints a part of a line of the result, as it arrives. */
  stream: (text: string) => void;
  /** Prints a line about the work; goes to standard error. */
  note: (line: string) => void;
  /** Writes to standard error as it is, for progress that redraws itself. */
  draw: (text: string) => void;
  /** Everything on standard input. */
  readInput: () => Promise<string>;
  /** Standard input as it arrives. */
  input: AsyncIterable<Uint8Array | string>;
  /** Asks on standard error and reads one line; empty when there is nobody to answer. */
  ask: (question: string) => Promise<string>;
  /** Asks on standard error and reads one line that nobody sees; undefined when standard input is no terminal. */
  askHidden: (question: string) => Promise<string | undefined>;
  /** Opens the user's editor and waits for its end. @returns its exit code */
  openEditor: (file: string) => Promise<number>;
  /** Whether standard error is a terminal, where progress may redraw itself. */
  isInteractive: boolean;
  /** Of what is printed as a result. */
  style: Style;
  /** Of notes. */
  noteStyle: Style;
  /** Columns of the terminal that shows results; undefined when none does. */
  columns: number | undefined;
  /** Columns of the terminal that shows notes. */
  noteColumns: number;
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
  /** Whole lines. */
  examples?: readonly string[];
  /** How many positional arguments there must be. Default: none. */
  positionals?: { min: number; max: number };
  /** For commands whose result has exit codes of its own, what stands for a failure and a usage mistake instead of 1 and 2. */
  exitCodes?: { failed: number; usage: number };
  /** @returns the exit code, 0 when nothing is returned */
  run: (args: CommandArguments, context: CliContext) => Promise<number | undefined>;
}

/** A mistake in the arguments: exit code 2, unless the command has its own. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** The line that shows how to write it. Default: the help of the command that throws. */
  readonly see: string | undefined;

  constructor(message: string, see?: string) {
    super(message);
    this.see = see;
  }
}

/** Thrown by what was interrupted by Ctrl-C: exit code 130. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
