import type { Duplex, Readable, Writable } from "node:stream";
import type { PluginRuntime, ResourceLimits } from "@logomesh/contracts";

/** What to run and what it may use. All paths are absolute paths of the host. */
export interface SandboxSpec {
  pluginId: string;
  runtime: PluginRuntime;
  /** The staged, verified copy of the bundle; appears read-only at `/plugin`. */
  bundleFolder: string;
  /** Relative to the bundle. */
  entryPoint: string;
  /** Passed to the entry point, or to `program`. */
  args?: readonly string[];
  /** Path inside of what runs instead of the entry point, in one of the mounts. */
  program?: string;
  limits: ResourceLimits;
  /** Variables of the plugin besides the fixed ones; set when its limits hold, so that no name among them can undo these. */
  environment?: Readonly<Record<string, string>>;
  /** A folder that belongs to the plugin alone; appears writable at `/data`. What it holds is looked at while the plugin runs. */
  data?: { folder: string; bytesMax: number };
  /** `proxied`: TCP inside of a network of its own, in which a proxy listens whose other end is the process's `proxy`. Default: no network. */
  network?: "proxied";
  /**
   * Read-only folders of the host by their path inside. Never below `/plugin`: use `/node_modules/@logomesh/plugin-sdk`, where Node looks
   * after the bundle's own `node_modules`, and `/sdk/python`, where Python looks after the bundle's own `vendor`.
   */
  readOnlyMounts?: Readonly<Record<string, string>>;
}

export interface SandboxExit {
  /** Of the plugin as the sandbox reports it, 128 + number when a signal ended the plugin alone; `null` when the whole sandbox was killed. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why the host killed it; absent when the plugin ended by itself. */
  cause?: "memory" | "processes" | "data" | "killed";
}

export interface SandboxUsage {
  /** Memory the tree holds: its anonymous and shared pages, their tables, and the files in its `/tmp`. Pages of programs and libraries are left out. */
  memoryBytes: number;
  /** CPU time of the whole tree since its start. */
  cpuMs: number;
  /** Of one core, between the last two samples. */
  cpuPercent: number;
  processes: number;
}

/** A plugin's process tree. Disposing kills all of it; nothing survives, also when the host dies. */
export interface SandboxProcess extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The host's end of the pair whose other end is the plugin's descriptor 3. */
  readonly hostPlane: Duplex;
  /** The host's end of a proxied sandbox's bridge, which speaks HTTP/2 as a client. */
  readonly proxy?: Duplex;
  /** Resolves when no process of the tree is left, and whoever reads the streams has had their last bytes. */
  readonly exited: Promise<SandboxExit>;
  /** Ends the whole tree at once. */
  kill(): void;
  /** The latest sample of the watchdog, which also enforces the memory limit; at most 250 ms old. */
  usage(): SandboxUsage;
}

/** `watchdog` looks several times a second and ends what is beyond; the others are the kernel's own. */
export interface SandboxBounds {
  memory: "cgroup v2" | "cgroup v1" | "watchdog";
  processes: "cgroup v2" | "cgroup v1" | "rlimit";
  cpu: "cgroup v2" | "cgroup v1" | "none";
  /** What to do for better ones, where there are. */
  hint?: string;
}

export interface SandboxStatus {
  available: boolean;
  /** `bubblewrap` where it is available. */
  kind: "bubblewrap" | "none";
  /** What is missing and the command that installs it. */
  hint?: string;
  /** What keeps each bound here; undefined where nothing runs. */
  bounds?: SandboxBounds;
}

/** Starts plugins in a sandbox, or not at all. */
export interface Sandbox {
  status(): SandboxStatus;
  /**
   * Resolves when the process tree has been started (the plugin itself may still fail).
   * @throws LogoMeshError LM_PLUGIN_SANDBOX_UNAVAILABLE, LM_PLUGIN_RUNTIME_MISSING, LM_PLUGIN_START_FAILED
   */
  launch(spec: SandboxSpec): Promise<SandboxProcess>;
}
