import {
  LogoMeshError,
  RUN_PRIORITY_MAX as PRIORITY_MAX,
  type JsonObject,
  type JsonValue,
  type Run,
  type StartRunParams,
} from "@logomesh/contracts";
import { parse as parseYaml } from "yaml";
import { numberOption, readDefinition, readTextFile, textOptions } from "../arguments.ts";
import { Interrupted, UsageError, type CliContext, type Command, type CommandArguments } from "../context.ts";
import type { Connection } from "../context.ts";
import { printRun } from "../output/printRun.ts";
import { watchRun } from "../output/watchRun.ts";

export const runCommand: Command = {
  usage: "<name|file> [--input <name>=<value>]… [--input-file <file>]… [--priority <n>] [--watch | --detach]",
  summary: "Run a workflow and wait for its end",
  positionals: { min: 1, max: 1 },
  options: {
    input: { type: "string", multiple: true, help: "a member of the input; a value that is JSON is taken as such" },
    "input-file": {
      type: "string",
      multiple: true,
      help: "the input as .json or .yaml; another text becomes {text, name}, several become {files}; - is standard input",
    },
    priority: {
      type: "string",
      help: `goes before what is lower and waits too: ${-PRIORITY_MAX} to ${PRIORITY_MAX}, by default 0`,
    },
    watch: { type: "boolean", help: "show each task as it happens; Ctrl-C leaves the run alone" },
    detach: { type: "boolean", help: "print the run's id and do not wait" },
  },
  examples: [
    "logomesh run reading-digest --input-file workflows/samples/walden.md --watch",
    "logomesh run reading-digest --input-file notes.md --priority=-10 --detach",
    "logomesh run default/reading-digest@1.0.0 --input text='A few words.' --json",
  ],
  async run(args, context) {
    if (args.values.watch === true && args.values.detach === true) {
      throw new UsageError("--watch waits for the end, --detach does not: give one of them");
    }
    const target = await workflowOf(args.positionals[0] ?? "", context);
    const priority = numberOption(args, "priority", { min: -PRIORITY_MAX, max: PRIORITY_MAX });
    const params = {
      ...target,
      input: await inputOf(args, context),
      ...(priority === undefined ? {} : { priority }),
    };
    const { workbenches, env, root } = context;
    const running = await workbenches.find({ env, root });
    if (running !== undefined) return startAndWait(params, { args, context, connection: running, isOwn: false });
    if (args.values.detach === true) {
      throw new LogoMeshError(
        "LM_API_NO_SERVER",
        `A run goes on in the background only while a workbench serves ${root}.`,
      );
    }
    // The workspace is free: this process is its workbench for as long as the run takes, for nobody but this machine.
    await using started = await workbenches.start(
      { env: { LOGOMESH_LOG: "error", ...env }, root },
      { host: "127.0.0.1", port: 0 },
    );
    return await startAndWait(params, { args, context, connection: started.connection, isOwn: true });
  },
};

interface StartAndWaitOptions {
  args: CommandArguments;
  context: CliContext;
  connection: Connection;
  /** The workbench ends with this command. */
  isOwn: boolean;
}

async function startAndWait(params: StartRunParams, options: StartAndWaitOptions): Promise<number> {
  const { args, context, isOwn } = options;
  const { client } = options.connection;
  const { id } = await client.startRun({ body: params, signal: context.signal });
  if (args.values.detach === true) {
    if (args.json) context.printJson({ id });
    else context.print(id);
    return 0;
  }
  let ended: Run;
  try {
    ended = await watchRun({ client, context, runId: id, isShown: args.values.watch === true && !args.json });
  } catch (error) {
    if (error instanceof Interrupted) context.note(leftNote(id, isOwn));
    throw error;
  }
  if (args.json) context.printJson(ended);
  else await printRun(ended, { context, client });
  return ended.status === "completed" ? 0 : 1;
}

function leftNote(runId: string, isOwn: boolean): string {
  if (isOwn) return `Stopped. The run ${runId} goes on where it was at the next: logomesh start`;
  return `Left. The run ${runId} goes on: logomesh runs watch ${runId}, or logomesh runs cancel ${runId}`;
}

/** A file is sent as it is; a name is one of the workspace's workflows: `name`, `namespace/name`, `name@version`. */
async function workflowOf(target: string, context: CliContext): Promise<Pick<StartRunParams, "workflow" | "source">> {
  if (/\.(ya?ml|json)$/i.test(target)) return { source: await readDefinition(target, context) };
  const match = /^(?:([^/@\s]+)\/)?([^/@\s]+)(?:@(\S+))?$/.exec(target);
  if (match === null) throw new UsageError(`“${target}” is neither a file (.yaml, .json) nor a workflow's name`);
  const [, namespace = "default", name = "", version] = match;
  return { workflow: { namespace, name, ...(version === undefined ? {} : { version }) } };
}

async function inputOf(args: CommandArguments, context: CliContext): Promise<JsonValue> {
  const input = await inputOfFiles(textOptions(args, "input-file"), context);
  const members = textOptions(args, "input").map((text): [string, JsonValue] => {
    const index = text.indexOf("=");
    if (index <= 0) throw new UsageError(`--input is <name>=<value>, not “${text}”`);
    return [text.slice(0, index), valueOf(text.slice(index + 1))];
  });
  if (members.length === 0) return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new UsageError("--input adds members, so the input file must hold an object");
  }
  return { ...input, ...Object.fromEntries(members) };
}

async function inputOfFiles(paths: string[], context: CliContext): Promise<JsonValue> {
  const files = await Promise.all(paths.map((path) => readTextFile(path, context)));
  const [only] = files;
  if (only === undefined) return {};
  if (files.length > 1) return { files: files.map(({ name, text }) => ({ name, text })) };
  if (!/\.(json|ya?ml)$/i.test(only.name)) return { text: only.text, name: only.name } satisfies JsonObject;
  try {
    return parseYaml(only.text) as JsonValue;
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    throw new LogoMeshError("LM_INPUT_INVALID", `${only.name} cannot be read as JSON or YAML: ${reason}`, {
      cause: error,
    });
  }
}

function valueOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // What is no JSON is meant as text.
    return text;
  }
}
