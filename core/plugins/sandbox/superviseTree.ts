import type { Clock, Logger } from "../../ports/index.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { watchData } from "./dataFolder.ts";
import { listTree, sampleTree, type TreeSample } from "./processTree.ts";
import type { SandboxExit, SandboxUsage } from "./sandbox.ts";
import { startWatchdog, watchMemoryKills } from "./watchdog.ts";

// Watches a running tree of processes until it has ended: measures it, ends it when it is beyond a bound or when it is told to, and says
// why it ended. How a tree is ended, and when it is gone, is known to whoever started it.

export interface SupervisedTree {
  rootPid: number;
  /** The first process inside of a sandbox; undefined where processes run as others do. */
  insidePid?: number;
  /** Ends all of it at once. */
  kill(): void;
  /** Resolves when no process of it is left; called when the root has ended. */
  gone(): Promise<void>;
}

export interface SuperviseOptions {
  pluginId: string;
  tree: SupervisedTree;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  memoryBytesMax: number;
  /** Where neither the kernel nor a resource limit counts them. */
  processesMax?: number;
  data?: { folder: string; bytesMax: number };
  /** Removed when all is over. */
  group?: ControlGroup;
  clock: Clock;
  logger: Logger;
}

export interface Supervision {
  exited: Promise<SandboxExit>;
  kill(): void;
  usage(): SandboxUsage;
}

export function superviseTree(options: SuperviseOptions): Supervision {
  const { pluginId, tree, memoryBytesMax, processesMax, group, clock, logger } = options;
  let cause: SandboxExit["cause"];
  let running = true;
  const end = (why: NonNullable<SandboxExit["cause"]>) => {
    if (!running) return;
    cause ??= why;
    tree.kill();
  };
  const blame = (why: "memory" | "processes") => {
    if (cause !== undefined) return;
    logger.warn({ pluginId, ...watchdog.usage() }, `plugin exceeded its limit of ${why}`);
    cause = why;
  };
  const endFor = (why: "memory" | "processes") => {
    if (running) blame(why);
    end(why);
  };
  const watchdog = startWatchdog({
    clock,
    sample: () => sample({ tree, group, exactAboveBytes: memoryBytesMax }),
    memoryBytesMax,
    ...(processesMax === undefined ? {} : { processesMax }),
    onExceeded: endFor,
  });
  const watches = [
    watchdog,
    ...(group === undefined
      ? []
      : [watchMemoryKills({ clock, kills: () => group.memoryKills(), onKilled: () => endFor("memory") })]),
    ...watchOwnData(options, () => end("data")),
  ];
  const exited = options.exit.then(async ({ code, signal }): Promise<SandboxExit> => {
    running = false;
    // The process that was killed may have been the one that all others depend on.
    if (hasLostMemory(group)) blame("memory");
    for (const watch of watches) watch[Symbol.dispose]();
    await tree.gone();
    await removeGroup(group, { clock, logger });
    if (cause !== undefined) return { code: null, signal: "SIGKILL", cause };
    return { code, signal };
  });
  return { exited, kill: () => end("killed"), usage: () => watchdog.usage() };
}

export function hasLostMemory(group: ControlGroup | undefined): boolean {
  return group !== undefined && group.memoryKills() > 0;
}

export async function removeGroup(
  group: ControlGroup | undefined,
  { clock, logger }: Pick<SuperviseOptions, "clock" | "logger">,
): Promise<void> {
  if (group !== undefined && !(await group.remove(clock)))
    logger.warn({ joinFiles: group.joinFiles }, "the control group of a plugin could not be removed");
}

interface SampleOptions {
  tree: SupervisedTree;
  group: ControlGroup | undefined;
  exactAboveBytes: number;
}

/** The group knows it all, or a part: what it does not know is counted by walking the tree. */
function sample({ tree: { rootPid, insidePid }, group, exactAboveBytes }: SampleOptions): TreeSample {
  const { memoryBytes, cpuMs, processes } = group?.usage() ?? {};
  if (memoryBytes !== undefined && cpuMs !== undefined && processes !== undefined)
    return { memoryBytes, cpuMs, processes };
  const walked = sampleTree({ rootPid, insidePid, exactAboveBytes });
  return {
    memoryBytes: memoryBytes ?? walked.memoryBytes,
    cpuMs: cpuMs ?? walked.cpuMs,
    processes: processes ?? walked.processes,
  };
}

function watchOwnData({ pluginId, data, tree, clock, logger }: SuperviseOptions, onExceeded: () => void): Disposable[] {
  if (data === undefined) return [];
  const exceeded = (bytes: number | undefined): void => {
    logger.warn({ pluginId, bytes, bytesMax: data.bytesMax }, "plugin keeps more data than it may");
    onExceeded();
  };
  return [watchData({ clock, data, listProcesses: () => listTree(tree.rootPid), onExceeded: exceeded })];
}
