import { parseArgs } from "node:util";
import { COMMANDS } from "./commands/index.ts";
import { UsageError, type Command, type CommandArguments } from "./context.ts";
import { nearest } from "./output/nearest.ts";

/** What the words after `logomesh` mean. */
export type ParsedCommand =
  | { kind: "overview"; isAsked: boolean }
  | { kind: "noun"; noun: string; isAsked: boolean }
  | { kind: "help"; name: string; command: Command }
  | { kind: "command"; name: string; command: Command; args: CommandArguments };

const HELP = ["help", "--help", "-h"];

/** @throws UsageError */
export function parseCommandLine(argv: readonly string[]): ParsedCommand {
  const [first = ""] = argv;
  if (first === "help" && argv.length > 1) return parseCommandLine([...argv.slice(1), "--help"]);
  const words = argv.filter((word) => word !== "--json");
  const [noun = "", verb = ""] = words;
  if (noun === "" || HELP.includes(noun)) return { kind: "overview", isAsked: noun !== "" };
  const found = findCommand(words);
  if (found === undefined) return unknownCommand(noun, verb);
  const { name, command } = found;
  const count = name.split(" ").length;
  const rest = dropWords(argv, count);
  const args = parseArguments({ name, command, rest });
  if (args.values.help === true) return { kind: "help", name, command };
  return { kind: "command", name, command, args };
}

/** The command that the first words name. */
export function findCommand(words: readonly string[]): { name: string; command: Command } | undefined {
  const named = words.filter((word) => word !== "--json");
  const name = [3, 2, 1]
    .map((count) => named.slice(0, count).join(" "))
    .find((candidate) => Object.hasOwn(COMMANDS, candidate));
  const command = name === undefined ? undefined : COMMANDS[name];
  return name === undefined || command === undefined ? undefined : { name, command };
}

/** Without the first words that are no options: `--json runs list` means what `runs list --json` does. */
function dropWords(argv: readonly string[], count: number): string[] {
  let left = count;
  return argv.filter((word) => word === "--json" || left-- <= 0);
}

/** @throws UsageError unless help is what was asked for */
function unknownCommand(noun: string, verb: string): ParsedCommand {
  const names = Object.keys(COMMANDS);
  const verbs = names.filter((name) => name.startsWith(`${noun} `)).map((name) => name.slice(noun.length + 1));
  if (verbs.length === 0) {
    const guess = nearest(noun, [...new Set(names.map((name) => name.split(" ")[0] ?? name))]);
    const hint = guess === undefined ? "" : ` Did you mean “${guess}”?`;
    throw new UsageError(`There is no command “${noun}”.${hint}`, "logomesh --help");
  }
  if (verb === "" || HELP.includes(verb)) return { kind: "noun", noun, isAsked: verb !== "" };
  const guess = nearest(verb, verbs);
  const hint = guess === undefined ? ` There is: ${verbs.join(", ")}.` : ` Did you mean “${noun} ${guess}”?`;
  throw new UsageError(`There is no command “${noun} ${verb}”.${hint}`, `logomesh ${noun} --help`);
}

function parseArguments({ name, command, rest }: { name: string; command: Command; rest: string[] }): CommandArguments {
  const see = `logomesh ${name} --help`;
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([option, { type, multiple = false }]) => [option, { type, multiple }]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: rest,
      allowPositionals: true,
      options: { ...options, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new UsageError(optionMessage(error as Error, Object.keys(options)), see);
  }
  const { positionals, values } = parsed;
  const { min, max } = command.positionals ?? { min: 0, max: 0 };
  if (values.help !== true && (positionals.length < min || positionals.length > max)) {
    throw new UsageError(`Write: logomesh ${`${name} ${command.usage}`.trimEnd()}`, see);
  }
  return { positionals, values, json: values.json === true };
}

/** The parser's own message, with the option that was probably meant. */
function optionMessage({ message }: Error, options: string[]): string {
  const [, wrong] = /^Unknown option '--?([^']*)'/.exec(message) ?? [];
  if (wrong === undefined) return message;
  const guess = nearest(wrong, [...options, "json", "help"]);
  return `There is no option “--${wrong}”.${guess === undefined ? "" : ` Did you mean “--${guess}”?`}`;
}
