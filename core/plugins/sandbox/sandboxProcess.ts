import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { LogoMeshError } from "@logomesh/contracts";
import type { Clock, Logger } from "../../ports/index.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { watchData } from "./dataFolder.ts";
import { withBridge } from "./networkBridge.ts";
import { FD } from "./launcher.ts";
import type { LaunchPlan } from "./launchPlan.ts";
import { isAlive, listTree, sampleTree, type TreeSample } from "./processTree.ts";
import type { SandboxExit, SandboxProcess } from "./sandbox.ts";
import { startWatchdog, watchMemoryKills } from "./watchdog.ts";

const MIB = 1024 * 1024;
/** From spawn to the plugin's first instruction: some 20 ms, on a machine under heavy load a second. */
const SETUP_TIMEOUT_MS = 10_000;
/** Until killing the sandbox's first process has ended bubblewrap too. */
const KILL_GRACE_MS = 2000;
/** Between looks at whether the sandbox's first process is gone. */
const GONE_POLL_MS = 2;
/** Until a stream that nobody reads no longer holds up the news of the end. */
const DRAIN_MS = 200;
/** Of the launcher's complaints. */
const STDERR_CHARS_MAX = 2000;

export interface StartOptions {
  clock: Clock;
  logger: Logger;
  /** Descriptors of `plan.sources`, in order; closed here. */
  sourceFds: readonly number[];
  /** That the plan joins; removed here, whatever happens. */
  group?: ControlGroup;
}

interface StartWatchOptions {
  clock: Clock;
  logger: Logger;
  listProcesses: () => number[];
  onExceeded: () => void;
}

/**
 * Runs a plan. States: set up (launcher, then bubblewrap) → gate opened → running → exited. The plugin's first instruction comes after
 * the gate, which opens once bubblewrap has bound its life to ours.
 * @throws LogoMeshError LM_PLUGIN_START_FAILED when the sandbox could not be set up
 */
export async function startSandboxProcess(plan: LaunchPlan, options: StartOptions): Promise<SandboxProcess> {
  const { clock, logger, group } = options;
  try {
    return await start(plan, options);
  } catch (error) {
    await removeGroup(group, { clock, logger });
    throw error;
  }
}

async function start(plan: LaunchPlan, options: StartOptions): Promise<SandboxProcess> {
  const { clock, logger, sourceFds, group } = options;
  const [file = "", ...args] = plan.command;
  const bridge = plan.isProxied ? "pipe" : "ignore";
  const stdio = ["pipe", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe", bridge, ...sourceFds] as const;
  // A process group of its own: Ctrl-C in a terminal is for the workbench, which then stops its plugins itself.
  const child = spawn(file, args, { env: plan.environment, cwd: "/", stdio: [...stdio], detached: true });
  for (const fd of sourceFds) closeSync(fd);

  const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr];
  const pid = child.pid;
  const streams = (fd: number) => child.stdio[fd] as Duplex | null;
  const drained = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("exit", () => clock.setTimer(DRAIN_MS, resolve));
  });
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  const hostPlane = streams(FD.hostPlane);
  const proxy = plan.isProxied ? streams(FD.bridge) : null;
  if (pid === undefined || stdin === null || stdout === null || stderr === null || hostPlane === null) {
    throw startFailed(plan, `${file} could not be run`);
  }

  for (const fd of [FD.hostPlane, FD.args, FD.seccomp, FD.gate, FD.bridge]) streams(fd)?.on("error", () => undefined); // its end is the exit's news
  stdin.on("error", () => undefined);
  // When a child ends, Node throws away what nobody reads.
  const hold = () => undefined;
  stderr.on("readable", hold);
  streams(FD.args)?.end(plan.options.map((option) => `${option}\0`).join(""));
  streams(FD.seccomp)?.end(plan.seccomp);

  const killAll = () => {
    for (const member of listTree(pid).reverse()) killPid(member);
  };
  using _deadline = clock.setTimer(SETUP_TIMEOUT_MS, killAll);
  const standing = new Promise((resolve) => streams(FD.gate)?.once("data", resolve)).then(() => firstInside(pid));
  const insidePid = await Promise.race([standing, exit.then(() => undefined)]);
  if (insidePid === undefined)
    throw startFailed(plan, hasLostMemory(group) ? tooLittleMemory(plan) : await complaint(stderr));
  stderr.off("readable", hold);
  streams(FD.gate)?.end("g");

  let cause: SandboxExit["cause"];
  let running = true;
  let fallback: Disposable | undefined;
  // The first process of a PID namespace takes all others with it, and is gone only when they are; then bubblewrap ends by itself.
  const kill = (why: NonNullable<SandboxExit["cause"]>) => {
    if (!running) return;
    cause ??= why;
    killPid(insidePid);
    fallback ??= clock.setTimer(KILL_GRACE_MS, killAll);
  };
  const memoryBytesMax = (plan.isProxied ? withBridge(plan.limits) : plan.limits).memory_mb * MIB;
  const endForMemory = () => {
    logger.warn({ pluginId: plan.pluginId, ...watchdog.usage() }, "plugin exceeded its memory limit");
    kill("memory");
  };
  const watchdog = startWatchdog({
    clock,
    sample: () => sample({ group, rootPid: pid, insidePid, exactAboveBytes: memoryBytesMax }),
    memoryBytesMax,
    onMemoryExceeded: endForMemory,
  });
  const killWatch =
    group === undefined
      ? undefined
      : watchMemoryKills({ clock, kills: () => group.memoryKills(), onKilled: endForMemory });
  const dataWatch = watchPlanData(plan, {
    ...{ clock, logger, listProcesses: () => listTree(pid) },
    onExceeded: () => kill("data"),
  });
  const exited = exit.then(async ({ code, signal }): Promise<SandboxExit> => {
    running = false;
    // The process that was killed may have been the one that all others depend on.
    if (hasLostMemory(group)) cause ??= "memory";
    watchdog[Symbol.dispose]();
    killWatch?.[Symbol.dispose]();
    dataWatch?.[Symbol.dispose]();
    fallback?.[Symbol.dispose]();
    // bubblewrap passes the plugin's exit code on before the last daemons have died.
    await Promise.all([untilGone(insidePid, clock), drained]);
    await removeGroup(group, { clock, logger });
    if (cause !== undefined) return { code: null, signal: "SIGKILL", cause };
    return { code, signal };
  });

  return {
    pid,
    stdin,
    stdout,
    stderr,
    hostPlane,
    ...(proxy === null ? {} : { proxy }),
    exited,
    kill: () => kill("killed"),
    usage: () => watchdog.usage(),
    async [Symbol.asyncDispose]() {
      kill("killed");
      await exited;
    },
  };
}

interface SampleOptions {
  group: ControlGroup | undefined;
  rootPid: number;
  insidePid: number;
  exactAboveBytes: number;
}

/** The group knows it all, or a part: what it does not know is counted by walking the tree. */
function sample({ group, ...tree }: SampleOptions): TreeSample {
  const { memoryBytes, cpuMs, processes } = group?.usage() ?? {};
  if (memoryBytes !== undefined && cpuMs !== undefined && processes !== undefined)
    return { memoryBytes, cpuMs, processes };
  const walked = sampleTree(tree);
  return {
    memoryBytes: memoryBytes ?? walked.memoryBytes,
    cpuMs: cpuMs ?? walked.cpuMs,
    processes: processes ?? walked.processes,
  };
}

function hasLostMemory(group: ControlGroup | undefined): boolean {
  return group !== undefined && group.memoryKills() > 0;
}

function tooLittleMemory({ limits }: LaunchPlan): string {
  return `its runtime needs more than the ${limits.memory_mb} MiB of memory that its manifest asks for`;
}

async function removeGroup(
  group: ControlGroup | undefined,
  { clock, logger }: Pick<StartOptions, "clock" | "logger">,
): Promise<void> {
  if (group !== undefined && !(await group.remove(clock)))
    logger.warn({ joinFiles: group.joinFiles }, "the control group of a sandbox could not be removed");
}

function watchPlanData(
  { pluginId, data }: LaunchPlan,
  { clock, logger, listProcesses, onExceeded }: StartWatchOptions,
): Disposable | undefined {
  if (data === undefined) return undefined;
  const exceeded = (bytes: number | undefined): void => {
    logger.warn({ pluginId, bytes, bytesMax: data.bytesMax }, "plugin keeps more data than it may");
    onExceeded();
  };
  return watchData({ clock, data, listProcesses, onExceeded: exceeded });
}

/**
 * The sandbox's first process: bubblewrap's one child. Not asked of bubblewrap itself, which would say it to a pipe after it made that
 * process and before it lets it go on: if the host is dead by then, the pipe ends bubblewrap, and the process waits forever.
 */
function firstInside(bubblewrapPid: number): number | undefined {
  return listTree(bubblewrapPid)[1];
}

async function complaint(stderr: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stderr.setEncoding("utf8")) text = (text + String(chunk)).slice(-STDERR_CHARS_MAX);
  return text.trim() === "" ? "it ended without a word" : text.trim();
}

/** The first process of a PID namespace is gone, or a zombie, only when all others are. */
async function untilGone(insidePid: number, clock: Clock): Promise<void> {
  while (isAlive(insidePid)) {
    killPid(insidePid);
    await new Promise<void>((resolve) => clock.setTimer(GONE_POLL_MS, resolve));
  }
}

function startFailed(plan: LaunchPlan, why: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_START_FAILED", `The sandbox of ${plan.pluginId} could not be set up: ${why}`);
}

function killPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // already gone
  }
}
