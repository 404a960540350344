import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, type Duplex, type Readable, type Writable } from "node:stream";
import type { JsonObject } from "@logomesh/contracts";
import { assert } from "../base/index.ts";
import type { Sandbox, SandboxExit, SandboxProcess, SandboxSpec, SandboxStatus } from "./sandbox/sandbox.ts";

const PYTHON = "/usr/bin/python3";
const PYTHON_BOOTSTRAP =
  "import sys,runpy;n=int(sys.argv[1]);sys.path[:0]=sys.argv[2:2+n];runpy.run_path(sys.argv[2+n],run_name='__main__')";

/**
 * Starts plugins as plain child processes, laid out as in the sandbox: the bundle in `plugin`, mounts beside it. For tests and benchmarks
 * of the plugin host; it keeps nothing away from anything.
 */
export class UnconfinedSandbox implements Sandbox, AsyncDisposable {
  readonly #root = mkdtempSync(join(tmpdir(), "logomesh-unconfined-"));
  readonly processes: UnconfinedProcess[] = [];
  current: SandboxStatus = { available: true, kind: "bubblewrap" };

  status(): SandboxStatus {
    return this.current;
  }

  launch(spec: SandboxSpec): Promise<SandboxProcess> {
    const folder = join(this.#root, String(this.processes.length));
    const bundle = join(folder, "plugin");
    cpSync(spec.bundleFolder, bundle, { recursive: true });
    for (const [inside, host] of Object.entries(spec.readOnlyMounts ?? {})) {
      mkdirSync(dirname(join(folder, inside)), { recursive: true });
      symlinkSync(host, join(folder, inside));
    }
    if (spec.data !== undefined) symlinkSync(spec.data.folder, join(folder, "data"));
    const [command = "", ...args] = commandOf(spec, { folder, bundle });
    const env = { ...process.env, LOGOMESH_BUNDLE: bundle, LOGOMESH_HOST_FD: "3", ...spec.environment };
    const started = new UnconfinedProcess(
      spawn(command, args, { cwd: folder, env, stdio: ["pipe", "pipe", "pipe", "pipe"] }),
    );
    this.processes.push(started);
    return Promise.resolve(started);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((process) => process[Symbol.asyncDispose]()));
    rmSync(this.#root, { recursive: true, force: true });
  }
}

class UnconfinedProcess implements SandboxProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly hostPlane: Duplex;
  readonly pid: number;
  readonly exited: Promise<SandboxExit>;
  readonly #child: ChildProcess;
  /** What the watchdog of a real sandbox would say. */
  cause: SandboxExit["cause"];

  constructor(child: ChildProcess) {
    this.#child = child;
    const [stdin, stdout, stderr, hostPlane] = child.stdio;
    assert(stdin !== null && stdout !== null && stderr !== null, "the streams are pipes");
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.hostPlane = hostPlane as Duplex;
    this.pid = child.pid ?? 0;
    this.exited = new Promise((resolve) => {
      child.once("error", () => resolve({ code: null, signal: null }));
      child.once("close", (code, signal) =>
        resolve({ code, signal, ...(this.cause === undefined ? {} : { cause: this.cause }) }),
      );
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  usage() {
    return { memoryBytes: 1_000_000, cpuMs: 5, cpuPercent: 12.4, processes: 1 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}

export interface SentMessage {
  id?: number;
  method: string;
  params: JsonObject;
}

/** A process that is played by the test. */
export class PlayedProcess implements SandboxProcess {
  readonly pid = 1;
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly hostPlane = new PassThrough();
  readonly #exit = Promise.withResolvers<SandboxExit>();
  readonly exited = this.#exit.promise;
  isKilled = false;
  #written = "";

  constructor() {
    this.stdin.on("data", (chunk: Buffer) => (this.#written += chunk.toString()));
  }

  /** What it was sent. */
  messages(): SentMessage[] {
    const lines = this.#written.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as SentMessage);
  }

  say(message: object): void {
    this.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  end(exit: SandboxExit): void {
    this.#exit.resolve(exit);
  }

  kill(): void {
    this.isKilled = true;
    this.end({ code: null, signal: "SIGKILL", cause: "killed" });
  }

  usage() {
    return { memoryBytes: 0, cpuMs: 0, cpuPercent: 0, processes: 1 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}

function commandOf(spec: SandboxSpec, paths: { folder: string; bundle: string }): string[] {
  return [...programOf(spec, paths), ...(spec.args ?? [])];
}

function programOf(
  { runtime, entryPoint, program }: SandboxSpec,
  { folder, bundle }: { folder: string; bundle: string },
) {
  const entry = program === undefined ? join(bundle, entryPoint) : join(folder, program);
  if (runtime === "nodejs") return [process.execPath, entry];
  if (runtime === "shell") return [entry];
  const search = [bundle, join(bundle, "vendor"), join(folder, "sdk/python")];
  return [PYTHON, "-I", "-B", "-X", "utf8", "-c", PYTHON_BOOTSTRAP, String(search.length), ...search, entry];
}

/** Writes the folder of a plugin and returns its path. */
export function writePlugin(
  folder: string,
  { manifest = {}, files }: { manifest?: Record<string, unknown>; files: Readonly<Record<string, string>> },
): string {
  mkdirSync(folder, { recursive: true });
  const whole = {
    id: "org.example.fixture",
    name: "Fixture",
    version: "1.0.0",
    description: "A plugin of a test.",
    runtime: "nodejs",
    entry_point: Object.keys(files)[0],
    security_level: "sandbox",
    ...manifest,
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(whole));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o755 });
  }
  return folder;
}

/**
 * A server of the Model Context Protocol without any library. `tools` are expressions for its list, `body` is the function body that
 * answers a call: it sees `name`, `args`, `meta`, `id`, `message` and the helpers `send(value)`, `raw(text)`, `text(string)` and `log`.
 */
export function fixtureServer({
  tools,
  body,
  preamble = "",
}: {
  tools: string;
  body: string;
  preamble?: string;
}): string {
  return `
const raw = (text) => process.stdout.write(text);
const send = (value) => raw(JSON.stringify({ jsonrpc: "2.0", ...value }) + "\\n");
const log = [];
const text = (value) => ({ content: [{ type: "text", text: value }] });
const tools = ${tools};
${preamble}
async function answer(message) {
  const { id, method, params = {} } = message;
  if (method === "initialize")
    return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "fixture", version: "1" } };
  if (method === "ping") return {};
  if (method === "tools/list") return { tools };
  const { name, arguments: args, _meta: meta } = params;
  ${body}
}
let rest = "";
process.stdin.setEncoding("utf8").on("data", async (chunk) => {
  rest += chunk;
  const lines = rest.split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    log.push(message);
    if (message.id === undefined || message.method === undefined) continue;
    answer(message).then((result) => result && send({ id: message.id, result }));
  }
});
process.stdin.on("end", () => process.exit(0));
`;
}
