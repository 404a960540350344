import { closeSync, constants, openSync, realpathSync } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts";
import { messageOf, sha256Hex } from "../../base/index.ts";
import type { Clock, Logger } from "../../ports/index.ts";
import { checkBundle } from "./bundleCheck.ts";
import { adoptDataFolder, assertDataFits } from "./dataFolder.ts";
import { withBridge } from "./networkBridge.ts";
import { planLaunch, readRootEntries } from "./launchPlan.ts";
import { createRuntimeFinder, SYSTEM_PYTHON } from "./runtimes.ts";
import type { Sandbox, SandboxProcess, SandboxSpec, SandboxStatus } from "./sandbox.ts";
import { createGroupMaker } from "./sandboxGroups.ts";
import { startSandboxProcess } from "./sandboxProcess.ts";
import { boundsOf, probeSandbox, type HostFacts } from "./sandboxStatus.ts";
import { seccompProgram } from "./seccomp.ts";

/** Host users for plugins of a workbench that runs as root, above those that systems give away: one for each, because pipes, keys and watches are bounded per user. */
const UID_BASE = 1_900_000_000;
const UID_COUNT = 60_000;
/** Plugins that keep data have the same user each time. */
const DATA_UID_BASE = UID_BASE + UID_COUNT;

export interface BubblewrapSandboxOptions {
  logger: Logger;
  clock: Clock;
  /** The Node that runs Node plugins: `process.execPath`. */
  nodePath: string;
  /** Default: `/usr/bin/python3`. The first that is an interpreter of version 3.11 or newer runs Python plugins. */
  pythonCandidates?: readonly string[];
  /** Default: `/usr/bin/bwrap`, the path that distributions give the permission to use namespaces. */
  bwrapPath?: string;
  /** Default: what `process` says. */
  host?: HostFacts;
  /** Whether the kernel's control groups are looked for. Default: true. */
  usesControlGroups?: boolean;
}

/**
 * Sandboxes made of Linux namespaces by bubblewrap, with a system-call filter, resource limits and a watchdog; see SPEC.md. Launch from the
 * main thread: a sandbox dies with the thread that started it. Disposing ends what runs and what is about to.
 */
export function createBubblewrapSandbox(options: BubblewrapSandboxOptions): Sandbox & Disposable {
  const { logger, clock, nodePath, pythonCandidates = [SYSTEM_PYTHON], bwrapPath = "/usr/bin/bwrap" } = options;
  const { usesControlGroups = true } = options;
  const host = options.host ?? { platform: process.platform, arch: process.arch, uid: process.getuid?.() };
  const isRoot = host.uid === 0;
  const findRuntime = createRuntimeFinder({ nodePath, pythonCandidates });
  const rootEntries = readRootEntries();
  const running = new Set<SandboxProcess>();
  let launches = 0;
  let disposed = false;
  let good: SandboxStatus | undefined;
  const groups = createGroupMaker({ clock, isUsed: usesControlGroups });

  /** A bad answer is asked for again: what was missing may have been installed. */
  const status = () => {
    if (good !== undefined) return good;
    const found = probeSandbox({ host, bwrapPath, dropToUid: isRoot ? UID_BASE : undefined, rootEntries });
    if (!found.available) return found;
    good = { ...found, bounds: boundsOf(groups.find()) };
    return good;
  };

  const launch = async (wanted: SandboxSpec) => {
    const { available, hint = "" } = status();
    const seccomp = seccompProgram(host.arch, {
      countsSharedMemory: typeof groups.find() === "object",
      sockets: wanted.network,
    });
    if (!available || seccomp === undefined) {
      throw new LogoMeshError(
        "LM_PLUGIN_SANDBOX_UNAVAILABLE",
        `${wanted.pluginId} was not started, because there is no sandbox for it. ${hint}`,
      );
    }
    const spec = withRealPaths(wanted);
    const runtime = await findRuntime(spec.runtime);
    const needsNode = spec.network === "proxied" && spec.runtime !== "nodejs";
    const bridgeMount = needsNode ? (await findRuntime("nodejs")).mount : undefined;
    const dropToUid = isRoot ? chooseUid(spec, ++launches) : undefined;
    if (spec.data !== undefined) {
      if (dropToUid !== undefined) adoptDataFolder(spec.data.folder, dropToUid);
      await assertDataFits(spec.data);
    }
    using opened = new DisposableStack();
    const group = groups.make({ ...spec, limits: spec.network === "proxied" ? withBridge(spec.limits) : spec.limits });
    if (group !== undefined) opened.defer(() => group.removeNow());
    const joinFiles = group?.joinFiles ?? [];
    const plan = planLaunch({ spec, runtime, bridgeMount, seccomp, bwrapPath, dropToUid, rootEntries, joinFiles });
    const sourceFds = plan.sources.map((source) => opened.adopt(openFolder(spec, source), closeSync));
    // By descriptor, so that what is checked is what will be mounted.
    const folder = sourceFds[0] === undefined ? spec.bundleFolder : `/proc/self/fd/${sourceFds[0]}`;
    await checkBundle({ folder, entryPoint: spec.entryPoint, asStranger: isRoot });
    opened.move(); // the process closes and removes them
    const started = await startSandboxProcess(plan, {
      ...{ clock, logger, sourceFds },
      ...(group === undefined ? {} : { group }),
    });
    logger.debug({ pluginId: spec.pluginId, pid: started.pid }, "sandbox started");
    running.add(started);
    void started.exited.then(() => running.delete(started));
    if (disposed) started.kill();
    return started;
  };

  return {
    status,
    launch,
    [Symbol.dispose]() {
      disposed = true;
      for (const started of running) started.kill();
    },
  };
}

function chooseUid({ pluginId, data }: SandboxSpec, launch: number): number {
  if (data === undefined) return UID_BASE + (launch % UID_COUNT);
  return DATA_UID_BASE + (Number.parseInt(sha256Hex(pluginId).slice(0, 8), 16) % UID_COUNT);
}

function withRealPaths(spec: SandboxSpec): SandboxSpec {
  const real = (path: string) => reach(spec, () => realpathSync(path));
  const mounts = Object.entries(spec.readOnlyMounts ?? {}).map(([inside, source]) => [inside, real(source)] as const);
  const data = spec.data === undefined ? {} : { data: { ...spec.data, folder: real(spec.data.folder) } };
  return { ...spec, ...data, bundleFolder: real(spec.bundleFolder), readOnlyMounts: Object.fromEntries(mounts) };
}

function openFolder(spec: SandboxSpec, path: string): number {
  return reach(spec, () => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW));
}

function reach<T>(spec: SandboxSpec, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    const detail = `What ${spec.pluginId} needs cannot be opened: ${messageOf(error)}`;
    throw new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", detail, { cause: error });
  }
}
