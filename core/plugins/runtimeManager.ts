import type { PluginManifest, PluginRuntime } from "@logomesh/contracts";
import type { GrantedResources } from "./grantedResources.ts";
import { assert } from "../base/index.ts";
import { outsideOf, type Outside } from "./confinement.ts";
import type { OutsideRunner } from "./sandbox/outsideRunner.ts";
import type { Sandbox, SandboxProcess, SandboxSpec, SandboxStatus } from "./sandbox/sandbox.ts";

/** What of the host a runtime's plugins see besides their own bundle. */
interface RuntimeDescription {
  readonly kind: PluginRuntime;
  /** Host folders by their path inside. Top-level: a mount point below the bundle would be one that the bundle could prepare. */
  readonly readOnlyMounts: Readonly<Record<string, string>>;
}

/** Plugins in JavaScript or TypeScript; the SDK is found by Node's own lookup, one folder up. */
export class NodeJSRuntime implements RuntimeDescription {
  readonly kind = "nodejs";
  readonly readOnlyMounts: Readonly<Record<string, string>>;

  constructor(sdkFolder: string) {
    this.readOnlyMounts = { "/node_modules/@logomesh/plugin-sdk": sdkFolder };
  }
}

/** Plugins in Python; `/sdk/python` is on their path. */
export class PythonRuntime implements RuntimeDescription {
  readonly kind = "python";
  readonly readOnlyMounts: Readonly<Record<string, string>>;

  constructor(sdkFolder: string) {
    this.readOnlyMounts = { "/sdk/python": sdkFolder };
  }
}

/** Where the adapter of shell plugins is inside. */
const SHELL_SDK_FOLDER = "/sdk/shell";

/**
 * Executables: those that speak the protocol by themselves, and those whose manifest describes their tools, for which a program of ours
 * speaks it, in the same sandbox.
 */
export class ShellRuntime implements RuntimeDescription {
  readonly kind = "shell";
  readonly readOnlyMounts: Readonly<Record<string, string>> = {};
  readonly #adapterMounts: Readonly<Record<string, string>>;

  constructor({ shellSdkFolder, nodeSdkFolder }: { shellSdkFolder: string; nodeSdkFolder: string }) {
    this.#adapterMounts = {
      ...new NodeJSRuntime(nodeSdkFolder).readOnlyMounts,
      [SHELL_SDK_FOLDER]: shellSdkFolder,
    };
  }

  /** What runs instead of the executable itself; undefined where it speaks the protocol. */
  adapterOf({
    tools,
  }: PluginManifest): Pick<SandboxSpec, "runtime" | "program" | "readOnlyMounts" | "args"> | undefined {
    if (!Object.values(tools).some(({ description }) => description !== undefined)) return undefined;
    // Its arguments are in the manifest, which it reads itself.
    return {
      runtime: "nodejs",
      program: `${SHELL_SDK_FOLDER}/serve.ts`,
      readOnlyMounts: this.#adapterMounts,
      args: [],
    };
  }
}

export interface RuntimeManagerOptions {
  sandbox: Sandbox;
  /** Absent where nothing ever runs without the sandbox. */
  outside?: OutsideRunner;
  /** The workbench was started with `--dev`. */
  isDevelopment?: boolean;
  /** plugins/sdk-node, compiled. */
  nodeSdkFolder: string;
  /** plugins/sdk-python */
  pythonSdkFolder: string;
  /** plugins/sdk-shell */
  shellSdkFolder: string;
}

export interface StartOptions {
  bundleFolder: string;
  resources: GrantedResources;
  /** A person let it run without the sandbox, which it would not run in here. */
  isOutside: boolean;
}

/** Starts the process of a plugin with its runtime, in the sandbox unless the caller says that a person let it run outside. */
export class RuntimeManager {
  readonly #sandbox: Sandbox;
  readonly #outside: OutsideRunner | undefined;
  readonly #isDevelopment: boolean;
  readonly #runtimes: Readonly<Record<PluginRuntime, RuntimeDescription>> & { shell: ShellRuntime };

  constructor(options: RuntimeManagerOptions) {
    const { sandbox, outside, isDevelopment = false, nodeSdkFolder, pythonSdkFolder, shellSdkFolder } = options;
    this.#sandbox = sandbox;
    this.#outside = outside;
    this.#isDevelopment = isDevelopment;
    this.#runtimes = {
      nodejs: new NodeJSRuntime(nodeSdkFolder),
      python: new PythonRuntime(pythonSdkFolder),
      shell: new ShellRuntime({ shellSdkFolder, nodeSdkFolder }),
    };
  }

  sandboxStatus(): SandboxStatus {
    return this.#sandbox.status();
  }

  /** Whether a program of ours speaks the protocol for the plugin. */
  isAdapted(manifest: PluginManifest): boolean {
    return manifest.runtime === "shell" && this.#runtimes.shell.adapterOf(manifest) !== undefined;
  }

  /** Undefined for what runs in the sandbox. */
  outsideOf(manifest: PluginManifest): Outside | undefined {
    const obstacle = () =>
      this.#outside === undefined ? "Nothing runs outside of the sandbox here." : this.#outside.obstacle();
    return outsideOf(manifest, { sandbox: this.sandboxStatus(), obstacle, isDevelopment: this.#isDevelopment });
  }

  /** @throws LogoMeshError LM_PLUGIN_SANDBOX_UNAVAILABLE, LM_PLUGIN_RUNTIME_MISSING, LM_PLUGIN_START_FAILED, LM_PLUGIN_DATA_FULL */
  start(manifest: PluginManifest, { bundleFolder, resources, isOutside }: StartOptions): Promise<SandboxProcess> {
    const { environment, mounts, data, network } = resources;
    const runtime = this.#runtimes[manifest.runtime];
    const adapted = manifest.runtime === "shell" ? this.#runtimes.shell.adapterOf(manifest) : undefined;
    const spec: SandboxSpec = {
      pluginId: manifest.id,
      runtime: manifest.runtime,
      bundleFolder,
      entryPoint: manifest.entry_point,
      args: manifest.args,
      limits: manifest.resource_limits,
      environment,
      ...(data === undefined ? {} : { data }),
      // Outside of the sandbox it has the network of the user.
      ...(network === undefined || isOutside ? {} : { network }),
      ...adapted,
      readOnlyMounts: { ...runtime.readOnlyMounts, ...adapted?.readOnlyMounts, ...mounts },
    };
    const runner = isOutside ? this.#outside : this.#sandbox;
    assert(runner !== undefined, "nothing was let run outside of the sandbox where nothing can");
    return runner.launch(spec);
  }
}

const INTERPRETERS: Readonly<Record<PluginRuntime, string>> = { nodejs: "node", python: "python3", shell: "bash" };

/** What a person is shown before a grant: everything that decides what runs, nothing left out. */
export function describeCommand({ runtime, entry_point, args }: PluginManifest): string[] {
  return [INTERPRETERS[runtime], entry_point, ...args];
}
