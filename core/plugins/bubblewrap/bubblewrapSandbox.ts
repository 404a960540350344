import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { LogoMeshError } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import type { Clock, Logger } from "../../ports/index.ts";
import type {
  Sandbox,
  SandboxExit,
  SandboxProcess,
  SandboxSpec,
  SandboxStatus,
  SandboxUsage,
} from "../sandbox/sandbox.ts";
import { Interpreters } from "./interpreters.ts";
import { ARGUMENTS_FD, PRIVATE_FOLDER, SECCOMP_FD, rootLauncher, userLauncher, type BoundPath } from "./launcher.ts";
import { sampleTree } from "./processTree.ts";
import { pluginCommand, sandboxArguments, type SandboxMounts } from "./sandboxArguments.ts";
import { createSeccompProgram } from "./seccompProgram.ts";

// Starts plugins under bubblewrap, or not at all. Every start gets fresh descriptors for options and filter (they share their offset with
// whoever reads them) and, as root, a uid of its own. Sandboxes die with the thread that started them: call it from the main thread.

const BWRAP = "/usr/bin/bwrap";
const TOOLS = [BWRAP, "/bin/bash", "/usr/bin/prlimit"];
const ROOT_TOOLS = ["/usr/bin/unshare", "/usr/bin/setpriv"];
/** How often memory, CPU and processes of a plugin are looked at. */
const SAMPLE_MS = 200;
/** Host uids for plugins of a workbench that runs as root: above those that systems hand out. */
const UID_BASE = 1_900_000_000;
const UID_COUNT = 60_000;
const PROBE_TIMEOUT_MS = 10_000;

export interface BubblewrapSandboxOptions {
  logger: Logger;
  clock: Clock;
  /** The Node.js that plugins run on: `process.execPath`. */
  nodePath: string;
  pythonCandidates?: readonly string[];
}

export function createBubblewrapSandbox(options: BubblewrapSandboxOptions): BubblewrapSandbox {
  return new BubblewrapSandbox(options);
}

export class BubblewrapSandbox implements Sandbox, Disposable {
  readonly #options: BubblewrapSandboxOptions;
  readonly #interpreters: Interpreters;
  readonly #isRoot = process.getuid?.() === 0;
  #status: SandboxStatus | undefined;
  #identity: string | undefined;
  #launches = 0;

  constructor(options: BubblewrapSandboxOptions) {
    this.#options = options;
    this.#interpreters = new Interpreters(options);
  }

  [Symbol.dispose](): void {
    if (this.#identity !== undefined) rmSync(this.#identity, { recursive: true, force: true });
    this.#identity = undefined;
  }

  status(): SandboxStatus {
    this.#status ??= this.#probe();
    return this.#status;
  }

  launch(spec: SandboxSpec): Promise<SandboxProcess> {
    return Promise.resolve().then(() => this.#launch(spec));
  }

  #launch(spec: SandboxSpec): SandboxProcess {
    const { available, hint } = this.status();
    if (!available)
      throw new LogoMeshError(
        "LM_PLUGIN_SANDBOX_UNAVAILABLE",
        `The plugin ${spec.pluginId} needs a sandbox, and there is none here. ${hint ?? ""}`.trim(),
      );
    const interpreter = this.#interpreters.find(spec.runtime);
    const folders = [
      { from: spec.bundleFolder, to: "bundle" },
      { from: this.#identityFolder(), to: "identity" },
      ...(interpreter.mount === undefined ? [] : [{ from: interpreter.mount.from, to: "runtime" }]),
      ...Object.entries(spec.readOnlyMounts ?? {}).map(([to, from]) => ({ from, to })),
    ];
    const bound: BoundPath[] = folders.map(({ from }) => identify(from, spec.pluginId));
    // As root, the launcher has bound them to /run/0, /run/1, … by the time bubblewrap looks.
    const visible = folders.map(({ from }, index) => (this.#isRoot ? `${PRIVATE_FOLDER}/${index}` : from));
    const at = (to: string): string => visible[folders.findIndex((folder) => folder.to === to)] ?? "";
    const mounts: SandboxMounts = {
      ...(interpreter.mount === undefined ? {} : { runtime: { from: at("runtime"), to: interpreter.mount.to } }),
      bundle: at("bundle"),
      identity: at("identity"),
      readOnly: Object.keys(spec.readOnlyMounts ?? {}).map((to) => ({ from: at(to), to })),
    };
    const options = sandboxArguments(spec, mounts, SECCOMP_FD);
    const command = [BWRAP, "--args", String(ARGUMENTS_FD), "--", ...pluginCommand(spec, interpreter.path)];
    this.#launches += 1;
    const uid = UID_BASE + (this.#launches % UID_COUNT);
    const launcher = this.#isRoot ? rootLauncher({ uid, bound, command }) : userLauncher(command);
    const child = start(launcher, { options, filter: createSeccompProgram(process.arch) });
    return new BubblewrapProcess(child, {
      clock: this.#options.clock,
      memoryBytesMax: spec.limits.memory_mb * 1024 * 1024,
    });
  }

  /** Runs a trivial command in a sandbox: what is installed may still be forbidden by the kernel. */
  #probe(): SandboxStatus {
    const unavailable = (hint: string): SandboxStatus => ({ available: false, kind: "none", hint, limits: [] });
    if (process.platform !== "linux")
      return unavailable("Sandboxed plugins run on Linux only for now; nothing runs unsandboxed.");
    const missing = [...TOOLS, ...(this.#isRoot ? ROOT_TOOLS : [])].filter((path) => !existsSync(path));
    if (missing.includes(BWRAP)) return unavailable("Install bubblewrap: apt-get install bubblewrap");
    if (missing.length > 0) return unavailable(`Missing: ${missing.join(", ")}. Install util-linux and bash.`);
    if ((statSync(BWRAP).mode & 0o4000) !== 0)
      return unavailable(`${BWRAP} is setuid, which this version is not safe with. Remove the bit: chmod u-s ${BWRAP}`);
    try {
      createSeccompProgram(process.arch);
    } catch (error) {
      return unavailable((error as Error).message);
    }
    const probe = [
      "--unshare-user",
      "--unshare-pid",
      "--unshare-net",
      "--ro-bind",
      "/usr",
      "/usr",
      "--symlink",
      "usr/lib",
      "/lib",
    ];
    const command = [BWRAP, ...probe, "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--", "/usr/bin/true"];
    const launcher = this.#isRoot ? rootLauncher({ uid: UID_BASE, bound: [], command }) : userLauncher(command);
    const [file = "", ...args] = launcher;
    const ran = spawnSync(file, args, { env: {}, cwd: "/", timeout: PROBE_TIMEOUT_MS, encoding: "utf8" });
    if (ran.status === 0) return { available: true, kind: "bubblewrap", limits: ["rlimit", "watchdog"] };
    const reason = ran.stderr.trim().split("\n").at(-1) ?? `exit ${String(ran.status)}`;
    return unavailable(
      `bubblewrap cannot make a sandbox here (${reason}). Unprivileged user namespaces may be switched off: see \`logomesh doctor\`.`,
    );
  }

  #identityFolder(): string {
    if (this.#identity !== undefined) return this.#identity;
    const folder = mkdtempSync(join(tmpdir(), "logomesh-identity-"));
    // Others must be able to enter it: the plugin's uid is nobody's.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "passwd"), "plugin:x:65534:65534:plugin:/home/plugin:/bin/sh\n", { mode: 0o644 });
    writeFileSync(join(folder, "group"), "plugin:x:65534:\n", { mode: 0o644 });
    this.#identity = folder;
    return folder;
  }
}

function identify(path: string, pluginId: string): BoundPath {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined)
    throw new LogoMeshError("LM_PLUGIN_START_FAILED", `${pluginId}: ${path} is not there any more.`);
  return { path, device: stats.dev, inode: stats.ino };
}

function start(
  launcher: readonly string[],
  { options, filter }: { options: readonly string[]; filter: Buffer },
): ChildProcess {
  const [file = "", ...args] = launcher;
  using argumentsFile = privateFile(Buffer.from(options.map((option) => `${option}\0`).join("")));
  using filterFile = privateFile(filter);
  const stdio = [
    "pipe",
    "pipe",
    "pipe",
    "ignore",
    "ignore",
    "ignore",
    "ignore",
    "ignore",
    argumentsFile.fd,
    filterFile.fd,
  ] as const;
  return spawn(file, args, { env: {}, cwd: "/", stdio: [...stdio] });
}

/** A descriptor at the start of a file that has no name. */
function privateFile(content: Uint8Array): Disposable & { fd: number } {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-spawn-"));
  const path = join(folder, "file");
  try {
    const writing = openSync(path, "wx", 0o600);
    writeSync(writing, content);
    closeSync(writing);
    const fd = openSync(path, "r");
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class BubblewrapProcess implements SandboxProcess {
  readonly stdin: Duplex;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly pid: number;
  readonly exited: Promise<SandboxExit>;
  readonly #child: ChildProcess;
  #usage: SandboxUsage = { memoryBytes: 0, cpuMs: 0, cpuPercent: 0, processes: 0 };
  #cause: SandboxExit["cause"];
  #sampling: Disposable | undefined;

  constructor(child: ChildProcess, options: { clock: Clock; memoryBytesMax: number }) {
    const { stdin, stdout, stderr } = child;
    assert(stdin !== null && stdout !== null && stderr !== null, "a plugin has its three streams");
    this.#child = child;
    this.stdin = stdin as unknown as Duplex;
    this.stdout = stdout;
    this.stderr = stderr;
    this.pid = child.pid ?? 0;
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#sampling?.[Symbol.dispose]();
        this.#sampling = undefined;
        resolve({ code, signal, ...(this.#cause === undefined ? {} : { cause: this.#cause }) });
      };
      child.once("close", end);
      child.once("error", () => end(null, null));
    });
    this.#watch(options);
  }

  kill(): void {
    this.#cause ??= "killed";
    this.#child.kill("SIGKILL");
  }

  usage(): SandboxUsage {
    return this.#usage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }

  #watch({ clock, memoryBytesMax }: { clock: Clock; memoryBytesMax: number }): void {
    this.#sampling = clock.setTimer(SAMPLE_MS, () => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
      const sample = sampleTree(this.pid);
      this.#usage = { ...sample, cpuPercent: (Math.max(0, sample.cpuMs - this.#usage.cpuMs) / SAMPLE_MS) * 100 };
      if (this.#usage.memoryBytes > memoryBytesMax) {
        this.#cause = "memory";
        this.#child.kill("SIGKILL");
        return;
      }
      this.#watch({ clock, memoryBytesMax });
    });
  }
}
