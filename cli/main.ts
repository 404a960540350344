import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { LogoMeshError } from "@logomesh/contracts";
import { Interrupted, UsageError, type CliContext, type Workbenches } from "./context.ts";
import { openEditor } from "./openEditor.ts";
import { nounHelp, commandHelp, overview } from "./output/help.ts";
import { printError } from "./output/printError.ts";
import { createStyle } from "./output/style.ts";
import { visible, visibleJson } from "./output/text.ts";
import { findCommand, parseCommandLine, type ParsedCommand } from "./parseCommandLine.ts";
import { isTerminal, readHidden } from "./readHidden.ts";
import { findWorkbench } from "./workbenches/findWorkbench.ts";
import { startWorkbench } from "./workbenches/startWorkbench.ts";

/** Exit codes: 0 done, 1 failed, 2 usage, 69 no workbench (EX_UNAVAILABLE of sysexits.h), 130 interrupted. */
const EXIT = { failed: 1, usage: 2, noServer: 69, interrupted: 130 } as const;
const NOTE_COLUMNS_DEFAULT = 80;

/** A stream of the process, as far as it matters here. */
export interface OutputStream {
  write: (text: string) => unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface MainOptions {
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: OutputStream;
  stderr: OutputStream;
  /** Default: nothing. */
  stdin?: NodeJS.ReadableStream;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  /** Default: those of this machine. */
  workbenches?: Workbenches;
  /** Default: the editor that the environment names. */
  openEditor?: CliContext["openEditor"];
}

/** Runs one command. @returns its exit code */
export async function main(options: MainOptions): Promise<number> {
  const context = createContext(options);
  const exitCodes = findCommand(options.argv)?.command.exitCodes ?? EXIT;
  const isJson = options.argv.includes("--json");
  let help = "logomesh --help";
  try {
    const parsed = parseCommandLine(options.argv);
    if (parsed.kind === "command") help = `logomesh ${parsed.name} --help`;
    return await runCommand(parsed, context);
  } catch (error) {
    return report(error, { context, isJson, help, exitCodes });
  }
}

async function runCommand(parsed: ParsedCommand, context: CliContext): Promise<number> {
  switch (parsed.kind) {
    case "overview":
      overview(context.style).forEach(context.print);
      return parsed.isAsked ? 0 : EXIT.usage;
    case "noun":
      nounHelp(parsed.noun, context.style).forEach(parsed.isAsked ? context.print : context.note);
      return parsed.isAsked ? 0 : EXIT.usage;
    case "help":
      commandHelp(parsed, context.style).forEach(context.print);
      return 0;
    case "command":
      return (await parsed.command.run(parsed.args, context)) ?? 0;
  }
}

function createContext(options: MainOptions): CliContext {
  const { env, cwd, stdout, stderr, stdin, signal, workbenches } = options;
  const mayColour = (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  const print = (line: string): void => void stdout.write(`${line}\n`);
  return {
    ...{ env, cwd, signal, print },
    root: workspaceOf({ env, cwd }),
    workbenches: workbenches ?? { find: findWorkbench, start: startWorkbench },
    printJson: (value) => print(visibleJson(value)),
    stream: (text) => void stdout.write(visible(text)),
    note: (line) => void stderr.write(`${line}\n`),
    draw: (text) => void stderr.write(text),
    input: stdin ?? NO_INPUT,
    readInput: () => readAll(stdin),
    ask: (question) => {
      stderr.write(`${question} `);
      return readLine(stdin, signal);
    },
    askHidden: async (question) => {
      if (!isTerminal(stdin)) return undefined;
      stderr.write(`${question} `);
      try {
        return await readHidden(stdin);
      } finally {
        stderr.write("\n");
      }
    },
    openEditor: options.openEditor ?? ((file) => openEditor(file, env)),
    isInteractive: stderr.isTTY === true && env.TERM !== "dumb",
    style: createStyle(stdout.isTTY === true && mayColour),
    noteStyle: createStyle(stderr.isTTY === true && mayColour),
    columns: stdout.isTTY === true ? stdout.columns : undefined,
    noteColumns: stderr.columns ?? NOTE_COLUMNS_DEFAULT,
  };
}

/** What LOGOMESH_WORKSPACE says, else the folder one stands in when it is a workspace, else ./workspace. */
function workspaceOf({ env, cwd }: Pick<MainOptions, "env" | "cwd">): string {
  const given = env.LOGOMESH_WORKSPACE ?? "";
  if (given !== "") return resolve(cwd, given);
  return existsSync(join(cwd, "logomesh.yaml")) ? cwd : join(cwd, "workspace");
}

const NO_INPUT: AsyncIterable<string> = Readable.from([]);

async function readAll(stdin: MainOptions["stdin"]): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stdin ?? []) parts.push(Buffer.from(part as string));
  return Buffer.concat(parts).toString("utf8");
}

/** Resolves with the empty text at the end of the input, too. */
async function readLine(stdin: MainOptions["stdin"], signal: AbortSignal): Promise<string> {
  if (stdin === undefined) return "";
  const lines = createInterface({ input: stdin, signal });
  const { promise, resolve: answer } = Promise.withResolvers<string>();
  lines.once("line", answer);
  lines.once("close", () => answer(""));
  const line = await promise;
  lines.close();
  signal.throwIfAborted();
  return line.trim();
}

function report(
  error: unknown,
  options: { context: CliContext; isJson: boolean; help: string; exitCodes: { failed: number; usage: number } },
): number {
  const { context, isJson, help, exitCodes } = options;
  const { note, noteStyle } = context;
  if (error instanceof Interrupted || (context.signal.aborted && isAbort(error))) return EXIT.interrupted;
  if (error instanceof UsageError) {
    note(`${noteStyle.red("✗")} ${visible(error.message)}`);
    note(`  See: ${error.see ?? help}`);
    return exitCodes.usage;
  }
  const problem = error instanceof LogoMeshError ? error : internalError(error);
  if (isJson) note(visibleJson(problem.toProblem()));
  else printError(problem, context);
  if (context.env.LOGOMESH_LOG === "debug" && error instanceof Error) note(visible(error.stack ?? error.message));
  return problem.code === "LM_API_NO_SERVER" ? EXIT.noServer : exitCodes.failed;
}

/** A bug of ours; its stack is for those who look for it. */
function internalError(error: unknown): LogoMeshError {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new LogoMeshError("LM_INTERNAL", `${detail} (LOGOMESH_LOG=debug shows where)`, { cause: error });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "ResponseAborted");
}
