import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Schema,
  ToolError,
  definePlugin,
  type JsonSchema,
  type JsonValue,
  type ToolContext,
} from "@logomesh/plugin-sdk";

// Speaks the protocol for a plugin whose manifest describes its tools: each call runs the entry point once, with the name of the tool as
// its argument. It reads the arguments as JSON on stdin, and each as ARG_<NAME> in its environment; what it prints is the result.

interface ToolEntry {
  effect?: "pure" | "idempotent" | "once";
  description?: string;
  input_schema?: JsonSchema;
  output_schema?: JsonSchema;
}

interface Manifest {
  id: string;
  version: string;
  entry_point: string;
  args?: string[];
  resource_limits?: { max_message_bytes?: number };
  tools?: Record<string, ToolEntry>;
}

const BUNDLE = process.env["LOGOMESH_BUNDLE"] ?? "/plugin";
const manifest = JSON.parse(readFileSync(join(BUNDLE, "plugin.json"), "utf8")) as Manifest;
/** Half of a message: the text is escaped, and there is more around it. */
const OUTPUT_BYTES_MAX = (manifest.resource_limits?.max_message_bytes ?? 1_048_576) / 2;

const plugin = definePlugin({ name: manifest.id, version: manifest.version });
for (const [name, { effect = "once", description = name, input_schema, output_schema }] of Object.entries(
  manifest.tools ?? {},
))
  plugin.tool(name, {
    ...{ description, effect },
    input: new Schema<Record<string, JsonValue>>(input_schema ?? { type: "object" }, "required"),
    ...(output_schema === undefined ? {} : { output: new Schema<JsonValue>(output_schema, "required") }),
    handler: (args, context) => run(name, args, { context, isJson: output_schema !== undefined }),
  });

/** Files and not pipes: Node's pipes are sockets, which scripts cannot open as /dev/stdin and /dev/stdout. */
async function run(
  tool: string,
  args: Record<string, JsonValue>,
  { context, isJson }: { context: ToolContext; isJson: boolean },
): Promise<JsonValue> {
  const folder = mkdtempSync("/tmp/call-");
  const output = join(folder, "output");
  try {
    writeFileSync(join(folder, "input"), JSON.stringify(args));
    const [stdin, stdout] = [openSync(join(folder, "input"), "r"), openSync(output, "w")];
    const child = spawn(join(BUNDLE, manifest.entry_point), [tool, ...(manifest.args ?? [])], {
      cwd: BUNDLE,
      env: { ...process.env, ...environmentOf(args) },
      stdio: [stdin, stdout, "inherit"],
      // A group of its own, so that a cancel reaches what it started.
      detached: true,
    });
    for (const descriptor of [stdin, stdout]) closeSync(descriptor);
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    context.signal.addEventListener("abort", kill, { once: true });
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      resolve(code === 0 ? undefined : `${tool} ended with ${signal ?? String(code)}`),
    );
    const failure = await promise;
    context.signal.removeEventListener("abort", kill);
    context.signal.throwIfAborted();
    const text = readOutput(output, tool);
    if (failure !== undefined) throw new ToolError(text === "" ? failure : `${failure}: ${text}`);
    return isJson ? parse(text, tool) : { text };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readOutput(file: string, tool: string): string {
  const { size } = statSync(file);
  if (size > OUTPUT_BYTES_MAX)
    throw new ToolError(`${tool} printed ${size} bytes; at most ${OUTPUT_BYTES_MAX} are passed on.`);
  return readFileSync(file, "utf8").replace(/\n$/, "");
}

function parse(text: string, tool: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ToolError(`${tool} has an output schema and printed no JSON: ${String(error)}`);
  }
}

/** Texts, numbers and booleans as they are, what is made of parts as JSON; ARG_MAX_COUNT for maxCount and max-count. */
function environmentOf(args: Record<string, JsonValue>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_");
      return [`ARG_${words.toUpperCase()}`, typeof value === "object" ? JSON.stringify(value) : String(value)];
    }),
  );
}

await plugin.serve();
