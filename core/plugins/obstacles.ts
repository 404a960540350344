import { LogoMeshError } from "@logomesh/contracts";
import { messageOf } from "../base/index.ts";
import { resolveDependencies, type ResolvedDependencies } from "./dependencies.ts";
import type { InstalledPlugin, Obstacle } from "./installedPlugin.ts";

/** Who may not start now, whatever it was granted: what a person disabled, and what needs something that cannot run. */
export class Obstacles {
  readonly #options: { plugins: ReadonlyMap<string, InstalledPlugin>; isEnabled: (pluginId: string) => boolean };
  #dependencies: ResolvedDependencies = { order: [], problems: new Map() };

  constructor(options: { plugins: ReadonlyMap<string, InstalledPlugin>; isEnabled: (pluginId: string) => boolean }) {
    this.#options = options;
  }

  /** Those that may run, each behind what it needs. */
  get order(): readonly string[] {
    return this.#dependencies.order;
  }

  /** To be called when a plugin came, went, or was switched. */
  resolve(): void {
    const { plugins, isEnabled } = this.#options;
    const nodes = [...plugins.values()].map(({ manifest: { id, version, dependencies } }) => ({
      ...{ id, version, dependencies },
      isEnabled: isEnabled(id),
    }));
    this.#dependencies = resolveDependencies(nodes);
  }

  of(pluginId: string): Obstacle | undefined {
    if (!this.#options.isEnabled(pluginId)) {
      const error = new LogoMeshError("LM_PLUGIN_DISABLED", `${pluginId} is disabled. Enable it to use it.`);
      return { state: "disabled", error };
    }
    const error = this.#dependencies.problems.get(pluginId);
    return error === undefined ? undefined : { state: "blocked", error };
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
