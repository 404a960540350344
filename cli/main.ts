import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { COMMANDS } from "./commands/index.ts";
import { Interrupted, UsageError, type CliContext, type Command } from "./context.ts";
import { helpOf, overview, suggest } from "./output/help.ts";
import { printError } from "./output/printError.ts";
import { createStyle } from "./output/style.ts";

/** Exit codes: 0 done, 1 failed, 2 usage, 69 no workbench (EX_UNAVAILABLE of sysexits.h), 130 interrupted. */
const EXIT = { failed: 1, usage: 2, noServer: 69, interrupted: 130 } as const;

export interface MainOptions {
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: { write: (text: string) => unknown };
  stderr: { write: (text: string) => unknown; isTTY?: boolean };
  signal: AbortSignal;
}

/** Runs one command. @returns its exit code */
export async function main(options: MainOptions): Promise<number> {
  const context = createContext(options);
  try {
    const found = findCommand(options.argv);
    if (found === undefined) {
      for (const line of overview(context.style)) context.print(line);
      return options.argv.length === 0 ? EXIT.usage : 0;
    }
    const { name, command, rest } = found;
    const args = parseCommand(command, rest);
    if (args.values.help === true) {
      for (const line of helpOf(name, command, context.style)) context.print(line);
      return 0;
    }
    return (await command.run(args, context)) ?? 0;
  } catch (error) {
    return report(error, { context, argv: options.argv });
  }
}

/** For the entry: the process's own streams and signals. A second Ctrl-C ends it at once. */
export async function runMain(): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
      interrupted.abort(new Interrupted());
    });
  }
  process.exitCode = await main({
    ...{ argv: process.argv.slice(2), env: process.env, cwd: process.cwd() },
    ...{ stdout: process.stdout, stderr: process.stderr, signal: interrupted.signal },
  });
}

function createContext({ env, cwd, stdout, stderr, signal }: MainOptions): CliContext {
  const isInteractive = stderr.isTTY === true;
  return {
    ...{ env, signal, isInteractive },
    root: resolve(cwd, env.LOGOMESH_WORKSPACE ?? "workspace"),
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    draw: (text) => void stderr.write(text),
    style: createStyle(isInteractive && (env.NO_COLOR ?? "") === ""),
  };
}

function findCommand(argv: readonly string[]): { name: string; command: Command; rest: readonly string[] } | undefined {
  const [noun = "", verb = ""] = argv;
  if (noun === "" || noun === "help" || noun === "--help" || noun === "-h") return undefined;
  const two = COMMANDS[`${noun} ${verb}`];
  if (two !== undefined) return { name: `${noun} ${verb}`, command: two, rest: argv.slice(2) };
  const one = COMMANDS[noun];
  if (one !== undefined) return { name: noun, command: one, rest: argv.slice(1) };
  const verbs = Object.keys(COMMANDS).filter((name) => name.startsWith(`${noun} `));
  if (verbs.length > 0) throw new UsageError(`say what to do: ${verbs.map((name) => `logomesh ${name}`).join(", ")}`);
  throw new UsageError(`there is no command “${noun}”.${suggest(noun, Object.keys(COMMANDS))}`);
}

function parseCommand(command: Command, rest: readonly string[]): Parameters<Command["run"]>[0] {
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...rest],
      allowPositionals: true,
      options: { ...options, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { positionals, values } = parsed;
  const { min, max } = command.positionals ?? { min: 0, max: 0 };
  if (values.help !== true && (positionals.length < min || positionals.length > max))
    throw new UsageError(`expected ${command.usage === "" ? "no arguments" : command.usage}`);
  return { positionals, values, json: values.json === true };
}

function report(error: unknown, { context, argv }: { context: CliContext; argv: readonly string[] }): number {
  if (error instanceof Interrupted || (context.signal.aborted && context.signal.reason === error))
    return EXIT.interrupted;
  if (error instanceof UsageError) {
    context.note(`${context.style.red("✗")} ${error.message}`);
    context.note(`  See: logomesh ${argv[0] ?? ""} --help`);
    return EXIT.usage;
  }
  if (error instanceof LogoMeshError) {
    if (argv.includes("--json")) context.note(JSON.stringify(error.toProblem()));
    else printError(error, context);
    return error.code === "LM_API_NO_SERVER" ? EXIT.noServer : EXIT.failed;
  }
  context.note(
    `${context.style.red("✗")} LogoMesh failed inside: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return EXIT.failed;
}
