import type { Clock, Logger } from "../../ports/index.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { killTree, startFailed, startToGate } from "./gatedProcess.ts";
import { FD } from "./launcher.ts";
import type { LaunchPlan } from "./launchPlan.ts";
import { withBridge } from "./networkBridge.ts";
import { isAlive, killPid, listTree } from "./processTree.ts";
import type { SandboxProcess } from "./sandbox.ts";
import { hasLostMemory, removeGroup, superviseTree } from "./superviseTree.ts";

const MIB = 1024 * 1024;
/** Until killing the sandbox's first process has ended bubblewrap too. */
const KILL_GRACE_MS = 2000;
/** Between looks at whether the sandbox's first process is gone. */
const GONE_POLL_MS = 2;

export interface StartOptions {
  clock: Clock;
  logger: Logger;
  /** Descriptors of `plan.sources`, in order; closed here. */
  sourceFds: readonly number[];
  /** That the plan joins; removed here, whatever happens. */
  group?: ControlGroup;
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

async function start(plan: LaunchPlan, { clock, logger, sourceFds, group }: StartOptions): Promise<SandboxProcess> {
  const { pluginId, command, environment, isProxied } = plan;
  const limits = isProxied ? withBridge(plan.limits) : plan.limits;
  const started = await startToGate({
    ...{ pluginId, command, environment, cwd: "/", more: [isProxied ? "pipe" : "ignore", ...sourceFds], clock },
    feeds: { [FD.args]: plan.options.map((option) => `${option}\0`).join(""), [FD.seccomp]: plan.seccomp },
    explain: () => (hasLostMemory(group) ? tooLittleMemory(plan) : undefined),
  });
  const { pid, stdin, stdout, stderr, hostPlane, exit, drained } = started;
  const proxy = isProxied ? started.stream(FD.bridge) : null;
  const insidePid = firstInside(pid);
  if (insidePid === undefined) throw startFailed(pluginId, "it ended at once");
  started.openGate();

  let fallback: Disposable | undefined;
  const supervision = superviseTree({
    ...{ pluginId, exit, memoryBytesMax: limits.memory_mb * MIB, clock, logger },
    ...(plan.data === undefined ? {} : { data: plan.data }),
    ...(group === undefined ? {} : { group }),
    tree: {
      rootPid: pid,
      insidePid,
      // The first process of a PID namespace takes all others with it, and is gone only when they are; then bubblewrap ends by itself.
      kill() {
        killPid(insidePid);
        fallback ??= clock.setTimer(KILL_GRACE_MS, () => killTree(pid));
      },
      // bubblewrap passes the plugin's exit code on before the last daemons have died.
      async gone() {
        fallback?.[Symbol.dispose]();
        await Promise.all([untilGone(insidePid, clock), drained]);
      },
    },
  });
  return {
    ...{ pid, stdin, stdout, stderr, hostPlane },
    ...(proxy === null ? {} : { proxy }),
    ...supervision,
    async [Symbol.asyncDispose]() {
      supervision.kill();
      await supervision.exited;
    },
  };
}

function tooLittleMemory({ limits }: LaunchPlan): string {
  return `its runtime needs more than the ${limits.memory_mb} MiB of memory that its manifest asks for`;
}

/**
 * The sandbox's first process: bubblewrap's one child. Not asked of bubblewrap itself, which would say it to a pipe after it made that
 * process and before it lets it go on: if the host is dead by then, the pipe ends bubblewrap, and the process waits forever.
 */
function firstInside(bubblewrapPid: number): number | undefined {
  return listTree(bubblewrapPid)[1];
}

/** The first process of a PID namespace is gone, or a zombie, only when all others are. */
async function untilGone(insidePid: number, clock: Clock): Promise<void> {
  while (isAlive(insidePid)) {
    killPid(insidePid);
    await new Promise<void>((resolve) => clock.setTimer(GONE_POLL_MS, resolve));
  }
}
