import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import type { Clock, Logger } from "../../ports/index.ts";
import { ENVIRONMENT, runtimeCommand } from "./bubblewrapArgs.ts";
import { checkBundle } from "./bundleCheck.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { assertDataFits } from "./dataFolder.ts";
import { gateCommand, GRANTED_PREFIX } from "./gate.ts";
import { killTree, startToGate } from "./gatedProcess.ts";
import { KEEPER_FD, outsideLauncherCommand, TREE_MARK } from "./outsideLauncher.ts";
import { killPid } from "./processTree.ts";
import { createRuntimeFinder, SYSTEM_PYTHON, type Runtime } from "./runtimes.ts";
import type { SandboxProcess, SandboxSpec } from "./sandbox.ts";
import { createGroupMaker } from "./sandboxGroups.ts";
import type { HostFacts } from "./sandboxStatus.ts";
import { removeGroup, superviseTree } from "./superviseTree.ts";

const MIB = 1024 * 1024;
/** Until the keeper has ended a tree. */
const KEEPER_GRACE_MS = 2000;
const TOOLS = ["/usr/bin/bash", "/usr/bin/setpriv", "/usr/bin/rm"];

export interface OutsideRunnerOptions {
  logger: Logger;
  clock: Clock;
  /** The Node that runs Node plugins: `process.execPath`. */
  nodePath: string;
  pythonCandidates?: readonly string[];
  /** Default: what `process` says. */
  host?: HostFacts;
  /** Whether the kernel's control groups are looked for. Default: true. */
  usesControlGroups?: boolean;
}

/** Runs plugins that a person let run without a sandbox: they may do whatever the workbench's user may. */
export interface OutsideRunner {
  /** Why nothing can be run so here, as a sentence. */
  obstacle(): string | undefined;
  /**
   * What the sandbox shows at `/plugin`, `/data` and so on is below the folder that `LOGOMESH_ROOT` names.
   * @throws LogoMeshError LM_PLUGIN_SECURITY_LEVEL, LM_PLUGIN_RUNTIME_MISSING, LM_PLUGIN_START_FAILED
   */
  launch(spec: SandboxSpec): Promise<SandboxProcess>;
}

/**
 * The rules of a sandbox without its walls: a tree of its own that ends with the workbench, a fixed environment, closed descriptors,
 * resource limits, a control group where there is one, and a watchdog. Never as root. Disposing ends what runs.
 */
export function createOutsideRunner(options: OutsideRunnerOptions): OutsideRunner & Disposable {
  const { logger, clock, nodePath, pythonCandidates = [SYSTEM_PYTHON], usesControlGroups = true } = options;
  const host = options.host ?? { platform: process.platform, arch: process.arch, uid: process.getuid?.() };
  const findRuntime = createRuntimeFinder({ nodePath, pythonCandidates });
  const groups = createGroupMaker({ clock, isUsed: usesControlGroups });
  const running = new Set<SandboxProcess>();
  let disposed = false;

  const launch = async (spec: SandboxSpec): Promise<SandboxProcess> => {
    const obstacle = findObstacle(host);
    if (obstacle !== undefined)
      throw new LogoMeshError("LM_PLUGIN_SECURITY_LEVEL", `${spec.pluginId} was not started. ${obstacle}`);
    const runtime = await findRuntime(spec.runtime);
    if (spec.data !== undefined) await assertDataFits(spec.data);
    await checkBundle({ folder: spec.bundleFolder, entryPoint: spec.entryPoint, asStranger: false });
    const group = groups.make(spec);
    const root = mkdtempSync(join(realpathSync(tmpdir()), "logomesh-outside-"));
    try {
      const started = await start({ spec, runtime, root, group, clock, logger });
      running.add(started);
      void started.exited.then(() => running.delete(started));
      if (disposed) started.kill();
      return started;
    } catch (error) {
      await removeGroup(group, { clock, logger });
      rmSync(root, { recursive: true, force: true });
      throw error;
    }
  };

  return {
    obstacle: () => findObstacle(host),
    launch,
    [Symbol.dispose]() {
      disposed = true;
      for (const started of running) started.kill();
    },
  };
}

function findObstacle({ platform, uid }: HostFacts): string | undefined {
  if (platform !== "linux") return `Plugins run on Linux only, this is ${platform}.`;
  if (uid === 0)
    return "Outside of the sandbox no plugin runs as root: start the workbench as an ordinary user, whose files are then all it can reach.";
  const missing = TOOLS.filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `Missing here: ${missing.join(" ")}.`;
}

interface StartOptions {
  spec: SandboxSpec;
  runtime: Runtime;
  /** Of this tree alone; its keeper deletes it. */
  root: string;
  group: ControlGroup | undefined;
  clock: Clock;
  logger: Logger;
}

async function start({ spec, runtime, root, group, clock, logger }: StartOptions): Promise<SandboxProcess> {
  const { pluginId, limits } = spec;
  layOut(root, spec);
  const program = programOf({ spec, runtime, root });
  const command = [...gateCommand({ ...spec, isOutside: true }), ...program, ...(spec.args ?? [])];
  const started = await startToGate({
    ...{ pluginId, clock, cwd: join(root, "plugin"), more: [], feeds: {} },
    command: outsideLauncherCommand({ root, joinFiles: group?.joinFiles ?? [], command }),
    environment: environmentOf({ spec, root, interpreter: program[0] ?? "" }),
  });
  const { pid, stdin, stdout, stderr, hostPlane, exit, drained } = started;
  const keeper = started.stream(KEEPER_FD);
  const kept = new Promise<void>((resolve) => keeper?.once("close", resolve).resume());
  started.openGate();
  const supervision = superviseTree({
    ...{ pluginId, exit, memoryBytesMax: limits.memory_mb * MIB, clock, logger },
    ...(group === undefined ? { processesMax: limits.max_processes } : { group }),
    ...(spec.data === undefined ? {} : { data: spec.data }),
    tree: {
      rootPid: pid,
      kill() {
        killPid(pid);
        keeper?.end();
      },
      async gone() {
        keeper?.end();
        using _fallback = clock.setTimer(KEEPER_GRACE_MS, () => {
          killTree(pid);
          keeper?.destroy();
        });
        await Promise.all([kept, drained]);
      },
    },
  });
  return {
    ...{ pid, stdin, stdout, stderr, hostPlane },
    ...supervision,
    async [Symbol.asyncDispose]() {
      supervision.kill();
      await supervision.exited;
    },
  };
}

/** Links to what a sandbox would show, at the same paths. */
function layOut(root: string, { bundleFolder, readOnlyMounts = {}, data }: SandboxSpec): void {
  const links = { ...readOnlyMounts, "/plugin": bundleFolder, ...(data === undefined ? {} : { "/data": data.folder }) };
  for (const [inside, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, inside)), { recursive: true });
    symlinkSync(target, join(root, inside));
  }
}

function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "/"; // a user that no file names
  }
}

/** Node finds modules by the paths of links, so that the SDK is one folder up from the bundle as it is in a sandbox. */
const NODE_LINKS = ["--preserve-symlinks", "--preserve-symlinks-main"];

function programOf({ spec, runtime, root }: { spec: SandboxSpec; runtime: Runtime; root: string }): string[] {
  const { mount } = runtime;
  const interpreter = mount?.destination === runtime.interpreter ? mount.source : runtime.interpreter;
  const [file = "", ...rest] = runtimeCommand({ ...spec, interpreter, root });
  return spec.runtime === "nodejs" ? [file, ...NODE_LINKS, ...rest] : [file, ...rest];
}

function environmentOf({ spec, root, interpreter }: { spec: SandboxSpec; root: string; interpreter: string }) {
  const granted = Object.entries(spec.environment ?? {}).map(([name, value]) => [`${GRANTED_PREFIX}${name}`, value]);
  return {
    ...ENVIRONMENT,
    HOME: homeFolder(),
    PATH: [...new Set([dirname(interpreter), "/usr/bin", "/bin"])].join(":"),
    LOGOMESH_ROOT: root,
    LOGOMESH_BUNDLE: join(root, "plugin"),
    [TREE_MARK]: randomUUID(),
    ...(Object.fromEntries(granted) as Record<string, string>),
  };
}
