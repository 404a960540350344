import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { LogoMeshError, type JsonObject, type JsonValue, type Run, type StartRunParams } from "@logomesh/contracts";
import { parse as parseYaml } from "yaml";
import { findServer, type Connection } from "../connect.ts";
import {
  Interrupted,
  UsageError,
  textOptions,
  type CliContext,
  type Command,
  type CommandArguments,
} from "../context.ts";
import { printRun } from "../output/printRun.ts";
import { watchRun } from "../output/watchRun.ts";
import { startWorkbench } from "../workbench.ts";

export const runCommand: Command = {
  usage: "<name|file> [--input k=v]… [--input-file <file>]… [--watch]",
  summary: "Run a workflow and wait for its end",
  positionals: { min: 1, max: 1 },
  options: {
    input: { type: "string", multiple: true, help: "a member of the input: name=value; JSON values are taken as such" },
    "input-file": {
      type: "string",
      multiple: true,
      help: "the input as .json or .yaml, or a text that becomes {text, name}",
    },
    watch: { type: "boolean", help: "show each task as it happens" },
    detach: { type: "boolean", help: "do not wait for the end" },
  },
  async run(args, context) {
    const params = { ...workflowOf(args.positionals[0] ?? ""), input: inputOf(args) };
    const running = await findServer(context);
    if (running !== undefined) return startAndWait(params, { args, context, connection: running });
    if (args.values.detach === true)
      throw new LogoMeshError(
        "LM_API_NO_SERVER",
        "A run goes on in the background only while a workbench runs. Start one with: logomesh start",
      );
    // The workspace is free: this process is its workbench for as long as the run takes.
    await using started = await startWorkbench(
      { ...context, env: { LOGOMESH_LOG: "error", ...context.env } },
      { port: 0 },
    );
    return await startAndWait(params, { args, context, connection: started.connection });
  },
};

async function startAndWait(
  params: StartRunParams,
  { args, context, connection }: { args: CommandArguments; context: CliContext; connection: Connection },
): Promise<number> {
  const { client } = connection;
  const started = await client.startRun({ body: params });
  if (args.values.detach === true) {
    context.print(args.json ? JSON.stringify(started) : started.id);
    return 0;
  }
  let ended: Run;
  try {
    ended = await watchRun({ client, context, runId: started.id, isShown: args.values.watch === true && !args.json });
  } catch (error) {
    if (error instanceof Interrupted)
      context.note(`The run ${started.id} goes on. See it with: logomesh runs show ${started.id}`);
    throw error;
  }
  if (args.json) context.print(JSON.stringify(ended));
  else await printRun(ended, { context, client });
  return ended.status === "completed" ? 0 : 1;
}

/** A file is sent as it is; a name is one of the workspace's workflows: `name`, `namespace/name`, `name@version`. */
function workflowOf(target: string): Pick<StartRunParams, "workflow" | "source"> {
  if (/\.(ya?ml|json)$/i.test(target)) return { source: readText(target) };
  const match = /^(?:([^/@]+)\/)?([^/@]+)(?:@(.+))?$/.exec(target);
  if (match === null) throw new UsageError(`“${target}” is neither a file (.yaml, .json) nor a workflow's name`);
  const [, namespace = "default", name = "", version] = match;
  return { workflow: { namespace, name, ...(version === undefined ? {} : { version }) } };
}

function inputOf(args: CommandArguments): JsonValue {
  const files = textOptions(args, "input-file");
  const [only] = files;
  let input: JsonValue = {};
  if (only !== undefined && files.length === 1) input = readInputFile(only);
  else if (files.length > 1) input = { files: files.map((file) => ({ name: basename(file), text: readText(file) })) };
  const members = textOptions(args, "input").map((text): [string, JsonValue] => {
    const index = text.indexOf("=");
    if (index <= 0) throw new UsageError(`--input is name=value, not “${text}”`);
    return [text.slice(0, index), valueOf(text.slice(index + 1))];
  });
  if (members.length === 0) return input;
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw new UsageError("--input adds members, so the input file must hold an object");
  return { ...input, ...Object.fromEntries(members) };
}

function readInputFile(file: string): JsonValue {
  const text = readText(file);
  if (!/\.(json|ya?ml)$/i.test(file)) return { text, name: basename(file) } satisfies JsonObject;
  try {
    return parseYaml(text) as JsonValue;
  } catch (error) {
    throw new LogoMeshError("LM_INPUT_INVALID", `${file} cannot be read as JSON or YAML: ${(error as Error).message}`);
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

function readText(file: string): string {
  if (!existsSync(file)) throw new LogoMeshError("LM_NOT_FOUND", `There is no file ${file}.`);
  return readFileSync(file, "utf8");
}
