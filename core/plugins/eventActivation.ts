import { PluginPermissionsSchema, type PluginManifest } from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { Clock, CloudEvent, EventBus, Logger, PluginGrant, Policy } from "../ports/index.ts";
import { pluginOwner } from "../storage/index.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";

// Plugins that events start. While such a plugin does not listen, its events wait in the bus, and the first of them starts it; when it
// listens, it gets them first. One start for all that wait; after a start that failed, a pause.

/** After a start that failed or was denied: each is an entry of the log. */
const PAUSE_MS = 30_000;
const PREFIX = "onEvent:";

/** The types that start the plugin, of those that it was granted. */
export function activationTypes({ activation }: PluginManifest, grant: PluginGrant | undefined): string[] {
  const granted = PluginPermissionsSchema.safeParse(grant?.permissions ?? {}).data?.["event.subscribe"] ?? [];
  const types = activation.flatMap((entry) => (entry.startsWith(PREFIX) ? entry.slice(PREFIX.length) : []));
  return types.filter((type) => granted.some((each) => each.type === type));
}

/** Whether each event of the one pattern is one of the other. */
export function covers(pattern: string, other: string): boolean {
  return pattern === other || (pattern.endsWith(".*") && other.startsWith(pattern.slice(0, -1)));
}

export interface EventActivationOptions {
  /** A workbench without a bus starts nothing by events. */
  events: EventBus | undefined;
  policy: Policy;
  clock: Clock;
  logger: Logger;
  grantOf: (pluginId: string) => PluginGrant | undefined;
}

interface Hold extends Disposable {
  types: string;
  plugin: InstalledPlugin;
}

export class EventActivation implements Disposable {
  readonly #options: EventActivationOptions;
  readonly #holds = new Map<string, Hold>();
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #retries = new Map<string, Disposable>();

  constructor(options: EventActivationOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#holds.keys()]) this.#drop(id);
  }

  /** To be called when plugins came or went, were switched, or were granted something else. What was granted now may start at once. */
  refresh(plugins: readonly InstalledPlugin[]): void {
    const { events, grantOf } = this.#options;
    if (events === undefined) return;
    const known = new Map(plugins.map((plugin) => [plugin.manifest.id, plugin]));
    for (const id of [...this.#holds.keys()]) if (!known.has(id)) this.#drop(id);
    for (const [id, plugin] of known) {
      // What waits is for what takes its place.
      if (plugin.isBeingReplaced && this.#holds.has(id)) continue;
      const types = plugin.mayRun ? activationTypes(plugin.manifest, grantOf(id)) : [];
      const hold = this.#holds.get(id);
      if (hold?.types === types.join() && hold.plugin === plugin) continue;
      const next = types.length === 0 ? undefined : this.#hold(events, { plugin, types });
      this.#forget(id);
      if (next !== undefined) this.#holds.set(id, next);
      // Last: what waits there goes to the new one, and starts the plugin.
      hold?.[Symbol.dispose]();
    }
  }

  #hold(events: EventBus, { plugin, types }: { plugin: InstalledPlugin; types: string[] }): Hold {
    const { id } = plugin.manifest;
    const held = events.hold({
      ...{ types, subscriber: pluginOwner(id) },
      onHeld: (event) => void this.#wake(id, event),
    });
    return { types: types.join(), plugin, [Symbol.dispose]: () => held[Symbol.dispose]() };
  }

  #drop(id: string): void {
    const hold = this.#holds.get(id);
    this.#forget(id);
    hold?.[Symbol.dispose]();
  }

  #forget(id: string): void {
    this.#holds.delete(id);
    this.#retries.get(id)?.[Symbol.dispose]();
    this.#retries.delete(id);
    this.#pausedUntilMs.delete(id);
  }

  async #wake(id: string, event: CloudEvent): Promise<void> {
    const { policy, clock, logger } = this.#options;
    const plugin = this.#holds.get(id)?.plugin;
    if (plugin === undefined || plugin.isServing || isAbout(event, id)) return;
    if (this.#retries.has(id) || (this.#pausedUntilMs.get(id) ?? 0) > clock.monotonicMs()) return;
    try {
      const resource = { type: "EventType", id: event.type } as const;
      policy.require({ principal: { type: "Plugin", id }, action: "event.subscribe", resource });
      await plugin.load();
    } catch (error) {
      const { code, message } = toLogoMeshError(error);
      logger.warn({ plugin: id, event: event.type, code, problem: message }, "an event could not start a plugin");
      this.#tryLater(id, { plugin, event });
    }
  }

  /** After a crash when its pause is over, until the quarantine; after anything else with an event that comes later. */
  #tryLater(id: string, { plugin, event }: { plugin: InstalledPlugin; event: CloudEvent }): void {
    const { clock } = this.#options;
    const { retryInMs } = plugin;
    if (this.#holds.get(id)?.plugin !== plugin) return;
    if (retryInMs === undefined) this.#pausedUntilMs.set(id, clock.monotonicMs() + PAUSE_MS);
    else
      this.#retries.set(
        id,
        clock.setTimer(retryInMs, () => {
          this.#retries.delete(id);
          void this.#wake(id, event);
        }),
      );
  }
}

/** A plugin that hears of its own starts and stops would never rest. */
function isAbout({ source, subject, type }: CloudEvent, pluginId: string): boolean {
  return source === "system" && type.startsWith("io.logomesh.plugin.") && subject === pluginId;
}
