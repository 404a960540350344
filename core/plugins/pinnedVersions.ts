import { LogoMeshError, type PinnedVersion } from "@logomesh/contracts";
import { pluginEntry } from "./callMeta.ts";
import type { AuditLog, Policy, PolicyRequest } from "../ports/index.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";
import { openCopy, type StagedPlugin } from "./stagePlugin.ts";
import type { PluginPin, PluginPins } from "./store/index.ts";

// A run goes on with the contents of plugins that it began with: when another one serves, the run's calls go to a process of the older copy.
// It may what it was granted then and is granted still.

export interface PinnedVersionsOptions {
  pins: PluginPins;
  stagingFolder: string;
  /** An older content of a plugin, with what it was granted; not started. */
  make: (staged: StagedPlugin, pin: PluginPin) => InstalledPlugin;
}

export class PinnedVersions {
  readonly #options: PinnedVersionsOptions;
  /** By id, then by hash. */
  readonly #plugins = new Map<string, Map<string, InstalledPlugin>>();

  constructor(options: PinnedVersionsOptions) {
    this.#options = options;
  }

  /** What the run began with, when that is not what serves. @throws LogoMeshError LM_PLUGIN_PINNED when its copy is gone */
  of(runId: string, serving: InstalledPlugin): InstalledPlugin | undefined {
    const { id } = serving.manifest;
    const pin = this.#options.pins.of(runId, id);
    if (pin === undefined || pin.sha256 === serving.sha256) return undefined;
    return this.#plugins.get(id)?.get(pin.sha256) ?? this.#open(id, pin);
  }

  every(): InstalledPlugin[] {
    return [...this.#plugins.values()].flatMap((versions) => [...versions.values()]);
  }

  ofPlugin(pluginId: string): InstalledPlugin[] {
    return [...(this.#plugins.get(pluginId)?.values() ?? [])];
  }

  /** Hashes of the copies that live runs need. */
  hashesOf(pluginId: string): string[] {
    return [...this.#options.pins.runsOf(pluginId).keys()];
  }

  /** Live runs that began with any content of the plugin. */
  runsOf(pluginId: string): number {
    return [...this.#options.pins.runsOf(pluginId).values()].reduce((sum, runs) => sum + runs, 0);
  }

  /** Beside what serves. */
  describe(serving: InstalledPlugin): { pinned?: PinnedVersion[] } {
    const { id } = serving.manifest;
    const others = [...this.#options.pins.runsOf(id)].filter(([sha256]) => sha256 !== serving.sha256);
    if (others.length === 0) return {};
    const pinned = others.map(([sha256, runs]) => ({
      ...{ sha256, runs },
      isRunning: this.#plugins.get(id)?.get(sha256)?.isRunning === true,
    }));
    return { pinned };
  }

  /** Forgets those that no live run needs and that do not run. Whether there were any. */
  sweep(pluginId: string): boolean {
    const needed = this.#options.pins.runsOf(pluginId);
    const versions = this.#plugins.get(pluginId) ?? new Map<string, InstalledPlugin>();
    const before = versions.size;
    for (const [sha256, plugin] of versions) if (!needed.has(sha256) && !plugin.isRunning) versions.delete(sha256);
    return versions.size < before;
  }

  #open(id: string, pin: PluginPin): InstalledPlugin {
    const { stagingFolder, make } = this.#options;
    const copy = openCopy({ stagingFolder, pluginId: id, sha256: pin.sha256 });
    if (copy === undefined)
      throw new LogoMeshError(
        "LM_PLUGIN_PINNED",
        `The run began with the content ${pin.sha256.slice(0, 12)}… of ${id}, whose copy is gone or was changed. Start a new run.`,
      );
    const plugin = make(copy, pin);
    this.#plugins.set(id, (this.#plugins.get(id) ?? new Map<string, InstalledPlugin>()).set(pin.sha256, plugin));
    return plugin;
  }
}

/** Which permission an action needs, where it is not called the same. */
const PERMISSIONS: Readonly<Record<string, string>> = { blob: "store" };

export interface NarrowPolicyOptions {
  pluginId: string;
  pin: PluginPin;
  audit: AuditLog;
  /** Of the content that is granted now: whether the plugin may start is asked for that one, and the pin says what starts. */
  grantedSha256: () => string | undefined;
}

/** What the plugin may now, without the permissions that its older content did not have. */
export function narrowPolicy(policy: Policy, { pluginId, pin, audit, grantedSha256 }: NarrowPolicyOptions): Policy {
  const asGranted = (request: PolicyRequest): PolicyRequest =>
    request.action !== "plugin.start" || request.resource.id !== pluginId
      ? request
      : { ...request, resource: { ...request.resource, attributes: { sha256: grantedSha256() ?? "" } } };
  const lacks = ({ principal, action }: PolicyRequest): boolean =>
    principal.type === "Plugin" &&
    principal.id === pluginId &&
    action !== "plugin.start" &&
    !Object.hasOwn(pin.permissions, PERMISSIONS[action] ?? action);
  const reasonOf = ({ action }: PolicyRequest): string =>
    `The version of ${pluginId} that the run began with was not granted ${PERMISSIONS[action] ?? action}.`;
  return {
    decide: (request) =>
      lacks(request) ? { allowed: false, policies: [], reason: reasonOf(request) } : policy.decide(asGranted(request)),
    require: (request) => {
      if (!lacks(request)) {
        policy.require(asGranted(request));
        return;
      }
      const reason = reasonOf(request);
      const { action, resource } = request;
      audit.enqueue({
        ...pluginEntry("policy.denied", { actor: { type: "plugin", id: pluginId }, pluginId }),
        data: { principal: `Plugin::${pluginId}`, action, resource: `${resource.type}::${resource.id}`, reason },
      });
      throw new LogoMeshError("LM_POLICY_DENIED", reason, { data: { action, policies: [], reason } });
    },
  };
}
