import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { LogoMeshError, type Plugin } from "@logomesh/contracts";
import { toDisposable, toLogoMeshError } from "../base/index.ts";
import type { Logger, PluginGrant } from "../ports/index.ts";
import { findPlugins } from "./findPlugins.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";
import { describeInvalid } from "./invalidPlugin.ts";
import { Obstacles } from "./obstacles.ts";
import { openCopy, pruneCopies, stagePlugin, type StagedPlugin } from "./stagePlugin.ts";

export interface PluginSetOptions {
  pluginsFolder: string;
  stagingFolder: string;
  logger: Logger;
  isEnabled: (pluginId: string) => boolean;
  /** Of the workbench. */
  version: string;
  grantOf: (pluginId: string) => PluginGrant | undefined;
  /** Of a staged copy; not started. */
  make: (staged: StagedPlugin) => InstalledPlugin;
  /** Hashes of the copies that live runs need. */
  pinnedOf: (pluginId: string) => readonly string[];
  /** There are others, or others may run. */
  onDidChange: () => void;
}

/** Which plugins there are, where the source of each lies, and their copies. A folder is a plugin, or is listed as invalid with its problem. */
export class PluginSet {
  readonly #options: PluginSetOptions;
  readonly #plugins = new Map<string, InstalledPlugin>();
  /** Where the source of each lies; by id. */
  readonly #folders = new Map<string, string>();
  /** Served from where they are being written, with the grant of what is installed; by id. */
  readonly #development = new Map<string, { folder: string; grantBefore: PluginGrant | undefined }>();
  /** Both sides of swaps that are under way. */
  readonly #swapping = new Set<InstalledPlugin>();
  #invalid: Plugin[] = [];
  readonly obstacles: Obstacles;

  constructor(options: PluginSetOptions) {
    this.#options = options;
    const { isEnabled, version } = options;
    this.obstacles = new Obstacles({ plugins: this.#plugins, isEnabled, version });
  }

  get(pluginId: string): InstalledPlugin | undefined {
    return this.#plugins.get(pluginId);
  }

  /** @throws LogoMeshError LM_PLUGIN_NOT_FOUND, or why the folder of this name is no plugin */
  find(pluginId: string): InstalledPlugin {
    const plugin = this.#plugins.get(pluginId);
    if (plugin !== undefined) return plugin;
    const problem = this.invalidOf(pluginId)?.problem;
    if (problem !== undefined) throw LogoMeshError.fromProblem(problem);
    const known = [...this.#plugins.keys()].join(", ") || "none";
    throw new LogoMeshError("LM_PLUGIN_NOT_FOUND", `There is no plugin ${pluginId}. Installed: ${known}.`);
  }

  /** By the name of its folder, or by the id that two of them have. */
  invalidOf(pluginId: string): Plugin | undefined {
    return this.#invalid.find(({ id, problem }) => id === pluginId || problem?.data?.id === pluginId);
  }

  /** By id; those that are not valid last. */
  describe(): Plugin[] {
    return [...[...this.#plugins.values()].map((plugin) => plugin.describe()), ...this.#invalid];
  }

  runningIds(): string[] {
    return [...this.#plugins.values()].flatMap(({ isRunning, manifest }) => (isRunning ? manifest.id : []));
  }

  /** Those that are in use. */
  current(): InstalledPlugin[] {
    return [...this.#plugins.values()];
  }

  /** Those that run and may not any more because of another one let their calls end. */
  async unloadBlocked(): Promise<void> {
    const blocked = this.current().flatMap((plugin) => {
      const obstacle = plugin.isRunning ? this.obstacles.of(plugin.manifest.id) : undefined;
      return obstacle?.state === "blocked" ? [plugin.unload(obstacle.error.message.replace(/\.$/, ""))] : [];
    });
    await Promise.all(blocked);
  }

  /** To be called when a plugin was switched or granted something else: who may run is another question then. */
  resolve(): void {
    this.obstacles.resolve();
    this.#options.onDidChange();
  }

  /** Whatever may have a process. */
  everyPlugin(): InstalledPlugin[] {
    return [...new Set([...this.#plugins.values(), ...this.#swapping])];
  }

  /** The folder that is removed with a plugin. One that is not valid is named by it; an id that two folders have names neither. */
  folderOf(pluginId: string): string | undefined {
    const isNamed = this.#invalid.some(({ id }) => id === pluginId) && basename(pluginId) === pluginId;
    return this.#folders.get(pluginId) ?? (isNamed ? join(this.#options.pluginsFolder, pluginId) : undefined);
  }

  /** Reads the plugins folder again. */
  discover(): void {
    const { found: installed, invalid } = findPlugins(this.#options.pluginsFolder);
    const developed = [...this.#development].map(([id, { folder }]) => ({ id, folder }));
    const found = [...installed.filter(({ id }) => !this.#development.has(id)), ...developed];
    const ids = new Set(found.map(({ id }) => id));
    for (const [id, plugin] of this.#plugins) if (!ids.has(id) && !plugin.isRunning) this.#plugins.delete(id);
    this.#folders.clear();
    for (const { id, folder } of found) {
      this.#folders.set(id, folder);
      try {
        this.#admit(id, folder);
      } catch (error) {
        const plugin = this.#plugins.get(id);
        if (plugin?.isRunning === true) {
          plugin.problem = toLogoMeshError(error);
          continue;
        }
        this.#plugins.delete(id);
        invalid.push({ folder, error: toLogoMeshError(error) });
      }
    }
    for (const { folder, error } of invalid)
      this.#options.logger.warn({ folder, code: error.code, problem: error.message }, "a plugin cannot be used");
    this.#invalid = invalid.map(({ folder, error }) => describeInvalid(basename(folder), error));
    this.resolve();
  }

  /** What was granted serves; another content that the folder holds waits for its grant. */
  #admit(id: string, source: string): void {
    const there = this.#plugins.get(id);
    // A development is read when it is saved.
    if (there?.isRunning === true && this.isDevelopment(id)) return;
    const staged = this.stage(id, source);
    const serving = there?.sha256 === staged.sha256 ? there : this.#grantedBefore(id, staged.sha256);
    if (serving === undefined) {
      if (there?.isRunning !== true) this.#plugins.set(id, this.#options.make(staged));
      return;
    }
    this.#plugins.set(id, serving);
    if (serving.sha256 === staged.sha256) serving.waiting = undefined;
    else if (serving.waiting?.sha256 !== staged.sha256) serving.waiting = this.#options.make(staged);
  }

  /** The granted content of a plugin whose folder holds another one. */
  #grantedBefore(id: string, sha256: string): InstalledPlugin | undefined {
    const granted = this.#options.grantOf(id)?.sha256;
    if (granted === undefined || granted === sha256 || this.isDevelopment(id)) return undefined;
    const there = this.#plugins.get(id);
    if (there?.sha256 === granted && there.isRunning) return there;
    const { stagingFolder, make } = this.#options;
    const copy = openCopy({ stagingFolder, pluginId: id, sha256: granted });
    if (copy === undefined) return undefined;
    return there?.sha256 === granted ? there : make(copy);
  }

  /** @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_MANIFEST_INVALID */
  stage(id: string, source: string): StagedPlugin {
    return stagePlugin({ source, stagingFolder: this.#options.stagingFolder, pluginId: id });
  }

  /** Reads the folder of one plugin again. Whether what it holds has to be granted first. */
  readAgain(id: string): boolean {
    this.#admit(id, this.#folders.get(id) ?? "");
    this.resolve();
    return this.find(id).waiting !== undefined;
  }

  /** What serves once more, for a fresh process. */
  freshOf(id: string): InstalledPlugin {
    const { sha256, waiting } = this.find(id);
    const { stagingFolder, make } = this.#options;
    const copy = openCopy({ stagingFolder, pluginId: id, sha256 });
    const fresh = make(copy ?? this.stage(id, this.#folders.get(id) ?? ""));
    fresh.waiting = waiting;
    return fresh;
  }

  /** What its folder holds now. */
  nextOf(id: string): InstalledPlugin {
    return this.#options.make(this.stage(id, this.#folders.get(id) ?? ""));
  }

  /** Until the swap is disposed both sides count as running, and the old one as granted. */
  prepareSwap(old: InstalledPlugin, next: InstalledPlugin): Disposable {
    const sides = [old, next];
    for (const side of sides) this.#swapping.add(side);
    old.isBeingReplaced = true;
    return toDisposable(() => {
      for (const side of sides) this.#swapping.delete(side);
      old.isBeingReplaced = false;
      this.resolve();
    });
  }

  /** What its folder holds becomes the plugin. */
  add(id: string): InstalledPlugin {
    const plugin = this.nextOf(id);
    this.place(id, plugin);
    return plugin;
  }

  place(id: string, plugin: InstalledPlugin): void {
    this.#plugins.set(id, plugin);
    this.resolve();
  }

  /** What of it is left on disk is for the caller to remove, before. */
  forget(id: string): void {
    this.#plugins.delete(id);
    this.discover();
  }

  /** Copies that neither run nor are granted, now or after the development, are of no use. */
  prune(id: string): void {
    const { grantOf, stagingFolder } = this.#options;
    const plugin = this.#plugins.get(id);
    const kept = [plugin, plugin?.waiting, grantOf(id), this.#development.get(id)?.grantBefore];
    const keep = [...kept.flatMap((each) => each?.sha256 ?? []), ...this.#options.pinnedOf(id)];
    pruneCopies({ stagingFolder, pluginId: id, keep });
  }

  removeCopies(id: string): void {
    rmSync(join(this.#options.stagingFolder, id), { recursive: true, force: true });
  }

  // ---- development

  isDevelopment(id: string): boolean {
    return this.#development.has(id);
  }

  /** The id that this folder is served under. */
  developedIn(folder: string): string | undefined {
    return [...this.#development].find(([, each]) => each.folder === folder)?.[0];
  }

  /** From now on the source of the plugin is this folder. */
  beginDevelopment(id: string, folder: string): void {
    if (this.#development.get(id)?.folder !== folder)
      this.#development.set(id, { folder, grantBefore: this.#options.grantOf(id) });
    this.#folders.set(id, folder);
  }

  /** What is installed under this id is the plugin again, when there is one. */
  async endDevelopment(id: string, restoreGrant: (grant: PluginGrant) => Promise<void>): Promise<void> {
    const development = this.#development.get(id);
    if (development === undefined) return;
    await this.#plugins.get(id)?.unload("its development ended");
    if (development.grantBefore !== undefined) await restoreGrant(development.grantBefore);
    this.#development.delete(id);
    this.forget(id);
    if (!this.#plugins.has(id)) this.removeCopies(id);
  }
}
