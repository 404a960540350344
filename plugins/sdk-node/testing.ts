// For the tests of a plugin, which `logomesh plugin test` runs in the sandbox: there the host on descriptor 3 answers what a test says and
// performs nothing. The plugin under test asks it as it asks the workbench, by the same connection.
import { PassThrough } from "node:stream";
import {
  HostError,
  connectHost,
  createHost,
  type Host,
  type JsonValue,
  type Plugin,
  type ToolProgress,
} from "./index.ts";

type JsonObject = Record<string, JsonValue>;

/** A call that a test expects of the plugin, and what the host answers. */
export interface HostCall {
  /** As the workbench calls it: `fs_read`, `store_get`, `net_fetch`, `llm_generate` …, or `events/listen`. */
  tool: string;
  /** What is named here has to be asked so; what is not may be anything. */
  arguments?: JsonObject;
  /** What follows from the rest (hash and length of a text, ids) may be left out; what the workbench would never answer is refused. */
  result?: JsonObject;
  /** The call fails with this code of docs/errors.md. */
  error?: { code: string; message?: string };
  /** Of `llm_generate`: the text bit by bit. */
  pieces?: string[];
  /** Of `plugin_call`: what the other plugin tells while it works. */
  progress?: ToolProgress[];
  /** Of `events/listen`, in order. */
  events?: { type: string; subject?: string; source?: string; data?: JsonValue }[];
  /** How often it is expected; default: once. */
  times?: number;
}

/** What the tool answered, as the workbench would get it. */
export interface ToolAnswer {
  content: { type: string; text?: string; [key: string]: JsonValue | undefined }[];
  structuredContent?: JsonValue;
  isError: boolean;
  /** What it told while it worked. */
  progress: ToolProgress[];
  /** What it asked of the host, in order. */
  hostCalls: { tool: string; arguments: JsonObject }[];
}

export interface CallToolOptions {
  /** What it may ask of the host; without any, nothing. */
  host?: readonly HostCall[];
  settings?: JsonObject;
  idempotencyKey?: string;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/**
 * Calls a tool as the workbench does: arguments and result are checked against its schemas, and what it throws is an answer with `isError`.
 * @throws Error for a call of the host that was not expected, and for an expected one that never came
 */
export async function callTool(
  plugin: Plugin,
  tool: string,
  args: JsonObject = {},
  { host = [], ...options }: CallToolOptions = {},
): Promise<ToolAnswer> {
  const { result, hostCalls } = await inScript(host, () => ask(plugin, tool, args, options));
  return { ...result, hostCalls };
}

/**
 * Runs `work` with a host that answers these calls, for code that is given a host.
 * @throws what `work` throws; Error for a call that was not expected, and for an expected one that never came
 */
export async function withHost<T>(calls: readonly HostCall[], work: (host: Host) => T | Promise<T>): Promise<T> {
  return (await inScript(calls, () => work(createHost(connectHost(globalThis.process))))).result;
}

interface Verdict {
  problems: string[];
  calls: ToolAnswer["hostCalls"];
}

async function inScript<T>(
  calls: readonly HostCall[],
  work: () => T | Promise<T>,
): Promise<{ result: T; hostCalls: ToolAnswer["hostCalls"] }> {
  if (globalThis.process.env.LOGOMESH_TEST === undefined)
    throw new Error("There is no host to script here: run the tests with `logomesh plugin test`.");
  const connection = connectHost(globalThis.process);
  await connection.call("test_begin", { calls: [...calls] });
  const end = async (): Promise<Verdict> => (await connection.call("test_end", {})) as unknown as Verdict;
  let result: T;
  try {
    result = await work();
  } catch (error) {
    const { problems } = await end();
    // That the host refused is why it failed.
    if (problems.length === 0 || (error instanceof HostError && problems.includes(error.message))) throw error;
    throw new Error(problems.join("\n"), { cause: error });
  }
  const { problems, calls: hostCalls } = await end();
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { result, hostCalls };
}

const REQUEST_META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

interface Message {
  id?: number;
  params?: ToolProgress;
  result?: Omit<ToolAnswer, "progress" | "hostCalls">;
  error?: { message: string };
}

/** One server of the plugin, on streams instead of stdin and stdout, for one call. */
async function ask(
  plugin: Plugin,
  tool: string,
  args: JsonObject,
  { settings = {}, idempotencyKey, signal }: Omit<CallToolOptions, "host">,
): Promise<Omit<ToolAnswer, "hostCalls">> {
  signal?.throwIfAborted();
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const progress: ToolProgress[] = [];
  const answered = Promise.withResolvers<NonNullable<Message["result"]>>();
  let rest = "";
  stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { id, params, result, error } = JSON.parse(line) as Message;
      if (id === undefined && params !== undefined) progress.push(reportOf(params));
      else if (id === 2 && result !== undefined) answered.resolve(result);
      else if (error !== undefined) answered.reject(new Error(error.message));
    }
  });
  const send = (message: object): void => void stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const cancel = (): void => {
    send({ method: "notifications/cancelled", params: { requestId: 2, reason: "the test cancels" } });
    answered.reject(signal?.reason as Error);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  // It takes the console for itself; a test has its own.
  const { console } = globalThis;
  const { stderr } = globalThis.process;
  const ended = Promise.withResolvers<undefined>();
  const process = { stdin, stdout, stderr, exit: () => ended.resolve(undefined) } as unknown as NodeJS.Process;
  void plugin.serve({ process });
  globalThis.console = console;
  try {
    const meta = { ...REQUEST_META, "org.logomesh/settings": settings };
    send({ id: 1, method: "server/discover", params: { _meta: meta } });
    const key = idempotencyKey === undefined ? {} : { "org.logomesh/idempotencyKey": idempotencyKey };
    const _meta = { ...REQUEST_META, progressToken: 2, ...key };
    send({ id: 2, method: "tools/call", params: { name: tool, arguments: args, _meta } });
    const { content, structuredContent, isError } = await answered.promise;
    return { content, isError, ...(structuredContent === undefined ? {} : { structuredContent }), progress };
  } finally {
    signal?.removeEventListener("abort", cancel);
    stdin.end();
    await ended.promise;
  }
}

function reportOf({ progress, total, message }: ToolProgress): ToolProgress {
  return { progress, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) };
}
