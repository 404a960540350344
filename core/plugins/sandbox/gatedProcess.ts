import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import { LogoMeshError } from "@logomesh/contracts";
import type { Clock } from "../../ports/index.ts";
import { FD } from "./launcher.ts";
import { killPid, listTree } from "./processTree.ts";

// Starts a launcher with the descriptors of FD and waits until it says, through the gate, that everything stands. What fails before is no
// fault of the plugin. The plugin's first instruction comes after the gate was opened.

/** From spawn to the plugin's first instruction: some 20 ms, on a machine under heavy load a second. */
const SETUP_TIMEOUT_MS = 10_000;
/** Until a stream that nobody reads no longer holds up the news of the end. */
const DRAIN_MS = 200;
/** Of the launcher's complaints. */
const STDERR_CHARS_MAX = 2000;

export interface GatedProcessOptions {
  pluginId: string;
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  cwd: string;
  /** Written at once, and ended, by descriptor. */
  feeds: Readonly<Record<number, string | Buffer>>;
  /** Descriptors behind the gate, in order: a pipe of its own, nothing, or one that is closed here. */
  more: readonly (number | "pipe" | "ignore")[];
  clock: Clock;
  /** A better reason than what the launcher wrote. */
  explain?: () => string | undefined;
}

export interface GatedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly hostPlane: Duplex;
  /** What is piped to a descriptor. */
  stream(fd: number): Duplex | null;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Whoever reads the streams has had their last bytes. */
  readonly drained: Promise<void>;
  openGate(): void;
}

/** @throws LogoMeshError LM_PLUGIN_START_FAILED; nothing of it is left then */
export async function startToGate(options: GatedProcessOptions): Promise<GatedProcess> {
  const { pluginId, command, environment, cwd, feeds, more, clock, explain } = options;
  const [file = "", ...args] = command;
  const piped = Array.from({ length: FD.gate + 1 }, () => "pipe" as const);
  // A process group of its own: Ctrl-C in a terminal is for the workbench, which then stops its plugins itself.
  const child = spawn(file, args, { env: environment, cwd, stdio: [...piped, ...more], detached: true });
  for (const fd of more) if (typeof fd === "number") closeSync(fd);
  const drained = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("exit", () => clock.setTimer(DRAIN_MS, resolve));
  });
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  const { pid, stdin, stdout, stderr } = child;
  const stream = (fd: number) => child.stdio[fd] as Duplex | null;
  const hostPlane = stream(FD.hostPlane);
  if (pid === undefined || stdin === null || stdout === null || stderr === null || hostPlane === null)
    throw startFailed(pluginId, `${file} could not be run`);
  // The news of their end is the exit.
  stdin.on("error", () => undefined);
  for (let fd = FD.hostPlane; fd < piped.length + more.length; fd += 1) stream(fd)?.on("error", () => undefined);
  // When a child ends, Node throws away what nobody reads.
  const hold = () => undefined;
  stderr.on("readable", hold);
  for (const [fd, content] of Object.entries(feeds)) stream(Number(fd))?.end(content);

  using _deadline = clock.setTimer(SETUP_TIMEOUT_MS, () => killTree(pid));
  const ready = new Promise<true>((resolve) => stream(FD.gate)?.once("data", () => resolve(true)));
  const stands = await Promise.race([ready, exit.then(() => false)]);
  if (!stands) throw startFailed(pluginId, explain?.() ?? (await complaint(stderr)));
  stderr.off("readable", hold);
  const openGate = () => void stream(FD.gate)?.end("g");
  return { pid, stdin, stdout, stderr, hostPlane, stream, exit, drained, openGate };
}

export function startFailed(pluginId: string, why: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_START_FAILED", `The process of ${pluginId} could not be set up: ${why}`);
}

/** Children first, so that none of them is handed to another parent before it is listed. */
export function killTree(pid: number): void {
  for (const member of listTree(pid).reverse()) killPid(member);
}

async function complaint(stderr: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stderr.setEncoding("utf8")) text = (text + String(chunk)).slice(-STDERR_CHARS_MAX);
  return text.trim() === "" ? "it ended without a word" : text.trim();
}
