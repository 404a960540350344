import { LogoMeshError } from "@logomesh/contracts";
import { messageOf } from "../base/index.ts";
import { resolveDependencies, type ResolvedDependencies, type Unusable } from "./dependencies.ts";
import { engineMismatch } from "./engines.ts";
import type { InstalledPlugin, Obstacle } from "./installedPlugin.ts";

export interface ObstaclesOptions {
  plugins: ReadonlyMap<string, InstalledPlugin>;
  isEnabled: (pluginId: string) => boolean;
  /** Of the workbench. */
  version: string;
}

/** Who may not start now, whatever it was granted: what a person disabled, what is made for another workbench, and what needs what cannot run. */
export class Obstacles {
  readonly #options: ObstaclesOptions;
  #dependencies: ResolvedDependencies = { order: [], problems: new Map() };

  constructor(options: ObstaclesOptions) {
    this.#options = options;
  }

  /** Those that may run, each behind what it needs. */
  get order(): readonly string[] {
    return this.#dependencies.order;
  }

  /** To be called when a plugin came, went, was switched, or was granted something else. */
  resolve(): void {
    const nodes = [...this.#options.plugins.values()].map((plugin) => {
      const { id, version, dependencies } = plugin.manifest;
      const unusable = this.#unusable(plugin);
      return { ...{ id, version, dependencies }, ...(unusable === undefined ? {} : { unusable }) };
    });
    this.#dependencies = resolveDependencies(nodes);
  }

  of(pluginId: string): Obstacle | undefined {
    if (!this.#options.isEnabled(pluginId)) {
      const error = new LogoMeshError("LM_PLUGIN_DISABLED", `${pluginId} is disabled. Enable it to use it.`);
      return { state: "disabled", error };
    }
    const manifest = this.#options.plugins.get(pluginId)?.manifest;
    const mismatch = manifest === undefined ? undefined : engineMismatch(manifest, this.#options.version);
    const error =
      mismatch === undefined
        ? this.#dependencies.problems.get(pluginId)
        : new LogoMeshError("LM_PLUGIN_INCOMPATIBLE", `${pluginId} ${mismatch}`);
    return error === undefined ? undefined : { state: "blocked", error };
  }

  #unusable({ manifest, isGranted, isBeingReplaced }: InstalledPlugin): Unusable | undefined {
    const { id } = manifest;
    if (!this.#options.isEnabled(id))
      return { kind: "disabled", words: `is disabled. Enable it: logomesh plugin enable ${id}` };
    const mismatch = engineMismatch(manifest, this.#options.version);
    if (mismatch !== undefined) return { kind: "incompatible", words: mismatch };
    if (isGranted || isBeingReplaced) return undefined;
    return { kind: "not-granted", words: `is not granted. Review and grant it: logomesh plugin grant ${id}` };
  }

  dependentsOf(pluginId: string): string[] {
    return [...this.#options.plugins.values()]
      .filter(({ manifest }) => Object.hasOwn(manifest.dependencies, pluginId))
      .map(({ manifest }) => manifest.id);
  }

  /** What a plugin needs starts before it. @throws LogoMeshError LM_PLUGIN_DEPENDENCY */
  async loadDependencies({ id, dependencies }: InstalledPlugin["manifest"]): Promise<void> {
    for (const needed of this.order) {
      if (!Object.hasOwn(dependencies, needed)) continue;
      try {
        await this.#options.plugins.get(needed)?.load();
      } catch (error) {
        const reason = `${id} needs ${needed}, which did not start: ${messageOf(error)}`;
        throw new LogoMeshError("LM_PLUGIN_DEPENDENCY", reason, { cause: error });
      }
    }
  }
}

export function requiredError(pluginId: string, dependents: readonly string[]): LogoMeshError {
  const detail = `${pluginId} is needed by ${dependents.join(", ")}; nothing was removed.`;
  return new LogoMeshError("LM_PLUGIN_REQUIRED", detail, { data: { dependents: [...dependents] } });
}

export function pinnedError(pluginId: string, runs: number): LogoMeshError {
  const detail = `${runs === 1 ? "A run that has" : `${runs} runs that have`} not ended began with ${pluginId}; nothing was removed.`;
  return new LogoMeshError("LM_PLUGIN_REQUIRED", detail, { data: { runs } });
}
