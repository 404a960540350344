import type { Plugin } from "@logomesh/contracts";
import { toDisposable } from "../base/index.ts";
import type { Clock } from "../ports/index.ts";

/** Between two messages about one plugin. */
const PERIOD_MS = 250;

/** How often subscribers hear what a running plugin uses, though nothing else about it changes. */
const SAMPLE_MS = 1_000;

interface ChangeFeedOptions {
  clock: Clock;
  describe: (pluginId: string) => Plugin | undefined;
  /** Ids of the plugins that have a process. */
  running: () => readonly string[];
}

/** Tells subscribers of changed plugins, at most four times a second for each, and of the last state always. */
export class ChangeFeed implements Disposable {
  readonly #options: ChangeFeedOptions;
  readonly #listeners = new Set<(plugin: Plugin) => void>();
  readonly #timers = new Map<string, Disposable>();
  readonly #dirty = new Set<string>();

  #sampling: Disposable | undefined;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#sampling?.[Symbol.dispose]();
    this.#timers.clear();
    this.#listeners.clear();
  }

  subscribe(listener: (plugin: Plugin) => void): Disposable {
    this.#listeners.add(listener);
    if (this.#sampling === undefined) this.#sample();
    return toDisposable(() => this.#listeners.delete(listener));
  }

  changed(pluginId: string): void {
    if (this.#timers.has(pluginId)) {
      this.#dirty.add(pluginId);
      return;
    }
    this.#tell(pluginId);
    const timer = this.#options.clock.setTimer(PERIOD_MS, () => {
      this.#timers.delete(pluginId);
      if (this.#dirty.delete(pluginId)) this.changed(pluginId);
    });
    this.#timers.set(pluginId, timer);
  }

  /** The last that is heard of a plugin. */
  removed(plugin: Plugin): void {
    this.#timers.get(plugin.id)?.[Symbol.dispose]();
    this.#timers.delete(plugin.id);
    this.#dirty.delete(plugin.id);
    for (const listener of this.#listeners) listener(plugin);
  }

  /** Goes on while anybody listens. */
  #sample(): void {
    this.#sampling = this.#options.clock.setTimer(SAMPLE_MS, () => {
      this.#sampling = undefined;
      if (this.#listeners.size === 0) return;
      for (const id of this.#options.running()) this.changed(id);
      this.#sample();
    });
  }

  #tell(pluginId: string): void {
    if (this.#listeners.size === 0) return;
    const plugin = this.#options.describe(pluginId);
    if (plugin !== undefined) for (const listener of this.#listeners) listener(plugin);
  }
}
