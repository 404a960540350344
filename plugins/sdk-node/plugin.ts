import { Console } from "node:console";
import { toolsOf } from "./decorator.ts";
import { createHost, type Host } from "./host.ts";
import { connectHost } from "./hostConnection.ts";
import { PluginServer, type ServerOptions } from "./server.ts";
import { makeTool, type PluginInfo, type Tool, type ToolOptions } from "./tool.ts";

/** The workbench kills a plugin 2 s after it closed its stdin; handlers that ignore their signal get most of that. */
const CLOSE_GRACE_MS = 1500;

export interface ServeOptions {
  /** Default: the process's own. */
  process?: NodeJS.Process;
}

export interface Plugin {
  readonly info: PluginInfo;
  /** By name. */
  readonly tools: ReadonlyMap<string, Tool>;
  /**
   * The workbench, for what the plugin does by itself, outside of any call. Inside one use `context.host`: it asks in the name of whoever
   * called, and this one, while calls are under way, in the name of all of them.
   */
  readonly host: Host;
  /**
   * Adds a tool; argument and result types follow from the schemas.
   * @throws TypeError for a name that is taken or a declaration that could not work
   */
  tool<I, O>(name: string, options: ToolOptions<I, O>): void;
  /**
   * Adds the methods of an object that are declared with `@tool()`.
   * @throws TypeError as `tool`, and when there are none
   */
  addTools(instance: object): void;
  /**
   * Speaks the Model Context Protocol on stdin and stdout until stdin closes, then ends the process.
   * `console` and `process.stdout` lead to stderr from then on, so that nothing but the protocol reaches the workbench.
   * Under `logomesh plugin test` it returns at once, so that tests can import the plugin.
   */
  serve(options?: ServeOptions): Promise<void>;
}

/** Declares a plugin. Add tools to it, then `serve()`. */
export function definePlugin(info: PluginInfo): Plugin {
  const tools = new Map<string, Tool>();
  const connection = connectHost(globalThis.process);
  const add = (tool: Tool): void => {
    if (tools.has(tool.name)) throw new TypeError(`Tool ${tool.name} is declared twice`);
    tools.set(tool.name, tool);
  };
  return {
    info,
    tools,
    host: createHost(connection),
    tool: (name, options) => add(makeTool(name, options)),
    addTools: (instance) => toolsOf(instance).forEach(add),
    serve: ({ process = globalThis.process } = {}) => serveOn(process, { plugin: info, tools, host: connection }),
  };
}

async function serveOn(
  process: NodeJS.Process,
  parts: Pick<ServerOptions, "plugin" | "tools" | "host">,
): Promise<void> {
  if (process === globalThis.process && process.env.LOGOMESH_TEST !== undefined) return;
  const write = claimStdout(process);
  const server = new PluginServer({
    ...parts,
    send: write,
    log: (line) => process.stderr.write(`${line}\n`),
    now: () => performance.now(),
  });
  await new Promise<void>((resolve) => {
    process.stdin.on("data", (chunk: Buffer) => server.receive(chunk));
    process.stdin.once("end", resolve);
    process.stdin.once("error", () => resolve());
    // A workbench that went away cannot be answered; stdin tells the same.
    process.stdout.on("error", () => resolve());
  });
  const grace = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_GRACE_MS).unref());
  await Promise.race([server.close(), grace]);
  process.exit(0);
}

/** Keeps the real stdout for the protocol and sends everybody else's output to stderr. */
function claimStdout(process: NodeJS.Process): (line: string) => void {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  globalThis.console = new Console(process.stderr, process.stderr);
  return (line) => void write(line);
}
