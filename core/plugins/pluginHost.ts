import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import {
  LogoMeshError,
  type Actor,
  type CallToolParams,
  type CallToolResult,
  type Effect,
  type GrantPluginParams,
  type InstallPluginParams,
  type JsonObject,
  type Plugin,
  type PluginGrantInfo,
  type PluginSettings as SettingsView,
} from "@logomesh/contracts";
import { messageOf, toLogoMeshError } from "../base/index.ts";
import type {
  AuditLog,
  Clock,
  Grants,
  Logger,
  PluginGrant,
  PluginStore,
  PluginToolCall,
  PluginToolResult,
  PluginTools,
  Policy,
  Principal,
  Random,
  Reader,
  Secrets,
  Writer,
} from "../ports/index.ts";
import { openBundle, replaceFolder, sweepIncoming } from "./bundleFolders.ts";
import { metaOf, pluginEntry } from "./callMeta.ts";
import { ChangeFeed } from "./changeFeed.ts";
import { describeInvalid } from "./invalidPlugin.ts";
import { findPlugins } from "./findPlugins.ts";
import { PluginAPI, type HostServices } from "./hostPlane/pluginApi.ts";
import { assertSubset } from "./grantSubset.ts";
import { openResources, type GrantedResources } from "./grantedResources.ts";
import { InstalledPlugin } from "./installedPlugin.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { Obstacles, requiredError } from "./obstacles.ts";
import { removeTree } from "./removeTree.ts";
import { RuntimeManager } from "./runtimeManager.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { assertSettings, describeSettings } from "./store/describeSettings.ts";
import { PluginSettings } from "./store/index.ts";
import { pruneCopies, stagePlugin, type StagedPlugin } from "./stagePlugin.ts";
import { swapPlugin } from "./swapPlugin.ts";
import { effectOf } from "./toolList.ts";
import { ToolSchemas } from "./toolSchemas.ts";

// The façade of the plugins: which there are, what they may, and calls to their tools. Each call is asked of the policy before anything
// starts. A folder below the plugins folder is a plugin, or is listed as invalid with its problem.

export interface PluginHostOptions {
  sandbox: Sandbox;
  nodeSdkFolder: string;
  pythonSdkFolder: string;
  shellSdkFolder: string;
  pluginsFolder: string;
  /** Folders of it can be granted to plugins. */
  workspaceFolder: string;
  /** What plugins keep, by id: `.logomesh/plugin-data`. */
  dataFolder: string;
  /** Copies of approved bundles: `.logomesh/plugins`. */
  stagingFolder: string;
  policy: Policy;
  grants: Grants;
  audit: AuditLog;
  writer: Writer;
  reader: Reader;
  store: PluginStore;
  clock: Clock;
  random: Random;
  logger: Logger;
  secrets: Secrets;
  /** What answers the plugins on the host plane; each plugin's tools come from here. */
  services: Omit<HostServices, "plugins">;
}

interface HostCaller {
  actor: Actor;
  principal: Principal;
}

export class PluginHost implements PluginTools, AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #runtimes: RuntimeManager;
  readonly #schemas = new ToolSchemas();
  readonly #api: PluginAPI;
  readonly #feed: ChangeFeed;
  readonly #plugins = new Map<string, InstalledPlugin>();
  /** Where the source of each lies; by id. */
  readonly #folders = new Map<string, string>();
  /** Both sides of swaps that are under way. */
  readonly #swapping = new Set<InstalledPlugin>();
  /** Served from where they are being written, with the grant of what is installed; by id. */
  readonly #development = new Map<string, { folder: string; grantBefore: PluginGrant | undefined }>();
  readonly #settings: PluginSettings;
  #invalid: Plugin[] = [];
  readonly #obstacles: Obstacles;
  /** Installing and removing change folders: one after the other. */
  #folderChanges: Promise<unknown> = Promise.resolve();
  /** Grants change one after the other: what a start pins must not undo what a person takes back. */
  #grantChanges: Promise<void> = Promise.resolve();

  private constructor(options: PluginHostOptions) {
    this.#options = options;
    this.#runtimes = new RuntimeManager(options);
    this.#settings = new PluginSettings(options);
    this.#api = new PluginAPI({ ...options, services: { ...options.services, plugins: this } });
    this.#obstacles = new Obstacles({
      plugins: this.#plugins,
      isEnabled: (id) => this.#settings.get(id).isEnabled,
    });
    this.#feed = new ChangeFeed({
      clock: options.clock,
      describe: (id) => this.#plugins.get(id)?.describe(),
      running: () => [...this.#plugins.values()].flatMap(({ isRunning, manifest }) => (isRunning ? manifest.id : [])),
    });
  }

  /** Reads the plugins folder; a plugin that cannot be used does not keep the others away. */
  static open(options: PluginHostOptions): Promise<PluginHost> {
    const host = new PluginHost(options);
    sweepIncoming(options.stagingFolder);
    host.#discover();
    return Promise.resolve(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed[Symbol.dispose]();
    await Promise.all(this.#everyPlugin().map((plugin) => plugin.stop("the workbench stops")));
  }

  /** Ends every process at once, whatever it does. Resolves when all are gone. */
  async killAll(reason: string): Promise<void> {
    await Promise.all(this.#everyPlugin().map((plugin) => plugin.kill(reason)));
  }

  /** Starts those that want to run from the start, each behind what it needs. One that fails keeps no other away. */
  async startActivated(): Promise<void> {
    for (const id of this.#obstacles.order) {
      const plugin = this.#plugins.get(id);
      if (plugin?.manifest.activation.includes("onStart") !== true || plugin.describe().state !== "stopped") continue;
      try {
        await plugin.load();
      } catch (error) {
        this.#options.logger.warn({ plugin: id, problem: messageOf(error) }, "a plugin could not be started");
      }
    }
  }

  /** By id; those that are not valid last. */
  list(): Plugin[] {
    return [...[...this.#plugins.values()].map((plugin) => plugin.describe()), ...this.#invalid];
  }

  /** @throws LogoMeshError LM_PLUGIN_NOT_FOUND */
  get(pluginId: string): Plugin {
    return this.#plugins.get(pluginId)?.describe() ?? this.#problemOf(pluginId) ?? this.#find(pluginId).describe();
  }

  /** A plugin of this id that is there already is replaced; it has to be granted again when its content is another. */
  install(params: InstallPluginParams, caller: HostCaller): Promise<Plugin> {
    return this.#changeFolders(async () => {
      const { stagingFolder, pluginsFolder, audit } = this.#options;
      using bundle = await openBundle(params, stagingFolder);
      const manifest = readManifest(bundle.folder);
      assertEntryPoint(bundle.folder, manifest);
      const { id, version } = manifest;
      const problem = this.#problemOf(id)?.problem;
      if (problem?.code === "LM_PLUGIN_DUPLICATE") throw LogoMeshError.fromProblem(problem);
      const { sha256, folder } = this.#stage(id, bundle.folder);
      const there = this.#plugins.get(id);
      if (there?.sha256 === sha256 && there.manifest.version === version) return there.describe();
      const from = there === undefined ? {} : { fromVersion: there.manifest.version, fromSha256: there.sha256 };
      await audit.append({
        ...pluginEntry("plugin.installed", { actor: caller.actor, pluginId: id }),
        data: { version, sha256, origin: bundle.origin, ...from },
      });
      await there?.unload("another version was installed");
      replaceFolder(folder, this.#folders.get(id) ?? join(pluginsFolder, id));
      this.#discover();
      this.#feed.changed(id);
      return this.#find(id).describe();
    });
  }

  /** Leaves nothing but what the log says. @throws LogoMeshError LM_PLUGIN_REQUIRED unless `force` */
  uninstall(pluginId: string, { force, caller }: { force: boolean; caller: HostCaller }): Promise<void> {
    return this.#changeFolders(async () => {
      const plugin = this.#plugins.get(pluginId);
      const folder = this.#folders.get(pluginId) ?? this.#invalidFolder(pluginId);
      // A grant without a folder is what a development leaves.
      if (folder === undefined && this.#options.grants.pluginGrant(pluginId) === undefined) this.#find(pluginId);
      const dependents = this.#obstacles.dependentsOf(pluginId);
      if (dependents.length > 0 && !force) throw requiredError(pluginId, dependents);
      const revokedBy = `${caller.actor.type}:${caller.actor.id}`;
      await this.#changeGrant(() => this.#options.grants.revokePlugin({ pluginId, revokedBy }));
      await plugin?.stop("it was uninstalled");
      const version = plugin === undefined ? {} : { version: plugin.manifest.version, sha256: plugin.sha256 };
      await this.#options.store.clear(pluginId);
      await this.#settings.forget(pluginId, {
        ...pluginEntry("plugin.uninstalled", { actor: caller.actor, pluginId }),
        data: version,
      });
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      rmSync(join(this.#options.stagingFolder, pluginId), { recursive: true, force: true });
      await removeTree(join(this.#options.dataFolder, pluginId));
      this.#plugins.delete(pluginId);
      this.#discover();
      this.#feed.changed(pluginId);
    });
  }

  settings(pluginId: string): SettingsView {
    return describeSettings(this.#find(pluginId).manifest, this.#settings.get(pluginId).settings);
  }

  /** A plugin that runs is told in a fresh process. Values are kept out of the log: some are secrets. */
  setSettings(
    pluginId: string,
    { settings, caller }: { settings: JsonObject; caller: HostCaller },
  ): Promise<SettingsView> {
    return this.#changeFolders(async () => {
      const plugin = this.#find(pluginId);
      assertSettings(plugin.manifest, settings);
      const entry = pluginEntry("plugin.settings", { actor: caller.actor, pluginId });
      await this.#settings.set(pluginId, { settings }, { ...entry, data: { names: Object.keys(settings).sort() } });
      if (plugin.isRunning) await this.#swap(pluginId, caller);
      this.#feed.changed(pluginId);
      return this.settings(pluginId);
    });
  }

  /** Serves what its folder holds now, in a fresh process, without a failed call. @throws LogoMeshError why it cannot; the old one serves on */
  reload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    return this.#changeFolders(async () => {
      this.#find(pluginId);
      await this.#options.audit.append(pluginEntry("plugin.reload", { actor: caller.actor, pluginId }));
      await this.#swap(pluginId, caller);
      return this.#find(pluginId).describe();
    });
  }

  /** Serves a folder in which a plugin is being written; again after each change. Grants carry over while it asks for the same. */
  serveDevelopment(folder: string, caller: HostCaller): Promise<Plugin> {
    return this.#changeFolders(async () => {
      const known = [...this.#development].find(([, each]) => each.folder === folder)?.[0];
      const { id } = this.#readServed(known, folder);
      if (known !== undefined && known !== id) await this.#endDevelopment(known);
      if (this.#development.get(id)?.folder !== folder) {
        const data = { folder };
        await this.#options.audit.append({
          ...{ ...pluginEntry("plugin.development", { actor: caller.actor, pluginId: id }), data },
        });
        this.#development.set(id, { folder, grantBefore: this.#options.grants.pluginGrant(id) });
      }
      this.#folders.set(id, folder);
      if (this.#plugins.has(id)) await this.#swap(id, caller);
      else this.#place(id, this.#make(id, this.#stage(id, folder)));
      return this.#find(id).describe();
    });
  }

  /** What is installed under this id serves again, when there is one, with the grant that it had. */
  endDevelopment(pluginId: string): Promise<void> {
    return this.#changeFolders(() => this.#endDevelopment(pluginId));
  }

  async setEnabled(pluginId: string, { enabled, caller }: { enabled: boolean; caller: HostCaller }): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    const kind = enabled ? "plugin.enabled" : "plugin.disabled";
    if (this.#settings.get(pluginId).isEnabled !== enabled)
      await this.#settings.set(pluginId, { isEnabled: enabled }, pluginEntry(kind, { actor: caller.actor, pluginId }));
    this.#obstacles.resolve();
    if (!enabled) await plugin.unload("it was disabled");
    this.#feed.changed(pluginId);
    return plugin.describe();
  }

  /** Reads the plugins folder again, so that what was corrected or added since can be loaded. */
  async load(pluginId: string, caller: HostCaller): Promise<Plugin> {
    this.#discover();
    const plugin = this.#find(pluginId);
    this.#require(caller.principal, { action: "plugin.start", plugin });
    await this.#options.audit.append(pluginEntry("plugin.load", { actor: caller.actor, pluginId }));
    await plugin.load();
    return plugin.describe();
  }

  async unload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.unload", { actor: caller.actor, pluginId }));
    await plugin.unload("it was unloaded");
    return plugin.describe();
  }

  /** Grants what the manifest of exactly this content asks for, or a part of it. @throws LogoMeshError LM_CONFLICT when the content is another one */
  async grant(
    pluginId: string,
    { sha256, permissions, caller }: GrantPluginParams & { caller: HostCaller },
  ): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    if (plugin.sha256 !== sha256)
      throw new LogoMeshError(
        "LM_CONFLICT",
        `${pluginId} has the content ${plugin.sha256}, not ${sha256}. Look at it again before you grant it.`,
      );
    const asked = plugin.manifest.permissions as JsonObject;
    const wanted = (permissions ?? asked) as JsonObject;
    assertSubset(wanted, { asked, pluginId });
    const grant: PluginGrant = {
      ...{ pluginId, sha256, group: "user", grantedBy: `${caller.actor.type}:${caller.actor.id}` },
      permissions: wanted,
    };
    await this.#changeGrant(() => this.#options.grants.grantPlugin(grant));
    plugin.onDidGrant();
    this.#prune(pluginId);
    return plugin.describe();
  }

  grantOf(pluginId: string): PluginGrantInfo | undefined {
    const { sha256 } = this.#find(pluginId);
    const grant = this.#options.grants.pluginGrant(pluginId);
    return grant === undefined ? undefined : { ...grant, isCurrent: grant.sha256 === sha256 };
  }

  async reset(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.reset", { actor: caller.actor, pluginId }));
    plugin.resetCircuits();
    return plugin.describe();
  }

  async revoke(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    const revokedBy = `${caller.actor.type}:${caller.actor.id}`;
    await this.#changeGrant(() => this.#options.grants.revokePlugin({ pluginId, revokedBy }));
    await plugin.stop("its grant was taken back");
    this.#feed.changed(pluginId);
    return plugin.describe();
  }

  async release(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.released", { actor: caller.actor, pluginId }));
    plugin.release();
    return plugin.describe();
  }

  logs(pluginId: string): string[] {
    return this.#find(pluginId).logLines();
  }

  /** A call from outside a run: it is one entry of the log, with arguments and result. */
  async call(
    target: { pluginId: string; tool: string },
    params: CallToolParams,
    { caller, signal }: { caller: HostCaller; signal: AbortSignal },
  ): Promise<CallToolResult> {
    const { audit, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const record = (status: string, result: string): void => {
      const plugin = this.#plugins.get(target.pluginId);
      const version = plugin === undefined ? {} : { version: plugin.manifest.version, sha256: plugin.sha256 };
      audit.enqueue({
        ...pluginEntry("plugin.called", { actor: caller.actor, pluginId: target.pluginId }),
        trace: { plugin: target.pluginId, status },
        data: { tool: target.tool, ...version, durationUs: Math.round((clock.monotonicMs() - startedMs) * 1_000) },
        payload: {
          arguments: { bytes: JSON.stringify(params.arguments), media: "application/json" },
          result: { bytes: result, media: "application/json" },
        },
      });
    };
    try {
      const { tainted: _, ...result } = await this.callTool(
        {
          ...target,
          arguments: params.arguments,
          caller: caller.principal,
          ...(params.timeoutMs === undefined ? {} : { timeoutMs: params.timeoutMs }),
        },
        { signal },
      );
      record(result.isError ? "faulted" : "completed", JSON.stringify(result.structuredContent ?? result.content));
      return result;
    } catch (error) {
      record(signal.aborted ? "cancelled" : "faulted", JSON.stringify(toLogoMeshError(error).toProblem()));
      throw error;
    }
  }

  describeTool(pluginId: string, tool: string): { effect: Effect; version: string; sha256: string } | undefined {
    const plugin = this.#plugins.get(pluginId);
    if (plugin === undefined) return undefined;
    return { effect: effectOf(plugin.manifest, tool), version: plugin.manifest.version, sha256: plugin.sha256 };
  }

  async callTool(call: PluginToolCall, { signal }: { signal: AbortSignal }): Promise<PluginToolResult> {
    const plugin = this.#find(call.pluginId);
    const { caller, chain = [], tainted = false, run } = call;
    this.#options.policy.require({
      principal: caller,
      action: "plugin.call",
      resource: { type: "Tool", id: `${call.pluginId}#${call.tool}` },
      ...(chain.length === 0 ? {} : { chain }),
      context: { tainted, ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }) },
    });
    return plugin.call(call.tool, call.arguments, {
      ...{ signal, callers: [...chain, caller], isTainted: tainted, run },
      meta: metaOf(call, effectOf(plugin.manifest, call.tool)),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    });
  }

  subscribe(listener: (plugin: Plugin) => void): Disposable {
    return this.#feed.subscribe(listener);
  }

  // ---- inside

  #everyPlugin(): InstalledPlugin[] {
    return [...new Set([...this.#plugins.values(), ...this.#swapping])];
  }

  /** By the name of its folder, or by the id that two of them have. */
  #problemOf(pluginId: string): Plugin | undefined {
    return this.#invalid.find(({ id, problem }) => id === pluginId || problem?.data?.id === pluginId);
  }

  #find(pluginId: string): InstalledPlugin {
    const plugin = this.#plugins.get(pluginId);
    if (plugin !== undefined) return plugin;
    const problem = this.#problemOf(pluginId)?.problem;
    if (problem !== undefined) throw LogoMeshError.fromProblem(problem);
    const known = [...this.#plugins.keys()].join(", ") || "none";
    throw new LogoMeshError("LM_PLUGIN_NOT_FOUND", `There is no plugin ${pluginId}. Installed: ${known}.`);
  }

  /** The folder of a plugin that is not valid, named by it; an id that two folders have names neither. */
  #invalidFolder(pluginId: string): string | undefined {
    const isNamed = this.#invalid.some(({ id }) => id === pluginId);
    return isNamed && basename(pluginId) === pluginId ? join(this.#options.pluginsFolder, pluginId) : undefined;
  }

  async #changeFolders<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#folderChanges.then(change);
    this.#folderChanges = done.catch(() => undefined);
    return done;
  }

  #require(principal: Principal, { action, plugin }: { action: string; plugin: InstalledPlugin }): void {
    const attributes = { sha256: plugin.sha256 };
    this.#options.policy.require({
      principal,
      action,
      resource: { type: "Plugin", id: plugin.manifest.id, attributes },
    });
  }

  /** A plugin that runs stays what it is until it is stopped. */
  #discover(): void {
    const { found: installed, invalid } = findPlugins(this.#options.pluginsFolder);
    const developed = [...this.#development].map(([id, { folder }]) => ({ id, folder }));
    const found = [...installed.filter(({ id }) => !this.#development.has(id)), ...developed];
    const ids = new Set(found.map(({ id }) => id));
    for (const [id, plugin] of this.#plugins) if (!ids.has(id) && !plugin.isRunning) this.#plugins.delete(id);
    this.#folders.clear();
    for (const { id, folder } of found) {
      try {
        this.#folders.set(id, folder);
        if (this.#plugins.get(id)?.isRunning !== true) this.#admit(id, folder);
      } catch (error) {
        this.#plugins.delete(id);
        invalid.push({ folder, error: toLogoMeshError(error) });
      }
    }
    for (const { folder, error } of invalid)
      this.#options.logger.warn({ folder, code: error.code, problem: error.message }, "a plugin cannot be used");
    this.#invalid = invalid.map(({ folder, error }) => describeInvalid(basename(folder), error));
    this.#obstacles.resolve();
  }

  #admit(id: string, source: string): void {
    const staged = this.#stage(id, source);
    if (this.#plugins.get(id)?.sha256 !== staged.sha256) this.#plugins.set(id, this.#make(id, staged));
  }

  #stage(id: string, source: string): StagedPlugin {
    return stagePlugin({ source, stagingFolder: this.#options.stagingFolder, pluginId: id });
  }

  /** Copies that neither run nor are granted, now or after the development, are of no use. */
  #prune(id: string): void {
    const { grants, stagingFolder } = this.#options;
    const hashes = [this.#plugins.get(id), grants.pluginGrant(id), this.#development.get(id)?.grantBefore];
    pruneCopies({ stagingFolder, pluginId: id, keep: hashes.flatMap((each) => each?.sha256 ?? []) });
  }

  #make(id: string, { manifest, sha256, folder }: StagedPlugin): InstalledPlugin {
    const { stagingFolder, grants, policy, audit, clock, random, logger } = this.#options;
    return new InstalledPlugin({
      ...{ manifest, sha256, bundleFolder: folder, policy, audit, clock, random, logger },
      api: this.#api,
      runtimes: this.#runtimes,
      schemas: this.#schemas,
      isDevelopment: this.#development.has(id),
      redact: (text) => this.#options.secrets.redact(text),
      settings: () => this.settings(id).settings,
      grant: () => grants.pluginGrant(id),
      obstacle: () => this.#obstacles.of(id),
      loadDependencies: () => this.#obstacles.loadDependencies(manifest),
      resources: () => this.#resourcesOf(id),
      manifestOf: (granted) => readManifest(join(stagingFolder, id, granted)),
      pinTools: (toolsHash) => this.#changeGrant(() => this.#pinTools({ id, sha256, toolsHash })),
      onDidChange: () => this.#feed.changed(id),
    });
  }

  #place(id: string, plugin: InstalledPlugin): void {
    this.#plugins.set(id, plugin);
    this.#obstacles.resolve();
    this.#feed.changed(id);
  }

  async #swap(id: string, { actor }: HostCaller): Promise<void> {
    const old = this.#find(id);
    const source = this.#folders.get(id) ?? "";
    const isDevelopment = this.#development.has(id);
    let next: InstalledPlugin | undefined;
    try {
      next = this.#make(id, this.#stage(id, source));
      for (const side of [old, next]) this.#swapping.add(side);
      await swapPlugin({
        ...{ old, next, grants: this.#options.grants, place: (placed) => this.#place(id, placed) },
        changeGrant: (change) => this.#changeGrant(change),
        developer: isDevelopment ? `${actor.type}:${actor.id}` : undefined,
      });
      this.#prune(id);
    } catch (error) {
      old.problem = toLogoMeshError(error);
      this.#feed.changed(id);
      throw error;
    } finally {
      this.#swapping.delete(old);
      if (next !== undefined) this.#swapping.delete(next);
    }
  }

  async #endDevelopment(id: string): Promise<void> {
    const development = this.#development.get(id);
    if (development === undefined) return;
    await this.#plugins.get(id)?.unload("its development ended");
    const { grantBefore } = development;
    if (grantBefore !== undefined) await this.#changeGrant(() => this.#options.grants.grantPlugin(grantBefore));
    this.#development.delete(id);
    this.#plugins.delete(id);
    this.#discover();
    if (!this.#plugins.has(id)) rmSync(join(this.#options.stagingFolder, id), { recursive: true, force: true });
    this.#feed.changed(id);
  }

  /** The id in the folder's manifest; a manifest that broke is a problem of the plugin that it was. */
  #readServed(known: string | undefined, folder: string): { id: string } {
    try {
      return readManifest(folder);
    } catch (error) {
      const plugin = known === undefined ? undefined : this.#plugins.get(known);
      if (plugin !== undefined && known !== undefined) {
        plugin.problem = toLogoMeshError(error);
        this.#feed.changed(known);
      }
      throw error;
    }
  }

  #resourcesOf(pluginId: string): Promise<GrantedResources> {
    const { workspaceFolder, dataFolder, policy, grants, secrets } = this.#options;
    const principal = { type: "Plugin", id: pluginId } as const;
    return openResources({
      ...{ pluginId, workspaceFolder, dataFolder },
      permissions: grants.pluginGrant(pluginId)?.permissions ?? {},
      settings: this.#settings.get(pluginId).settings,
      secret: (name) => secrets.get(name),
      authorize: (path) => policy.require({ principal, action: "fs.read", resource: { type: "File", id: path } }),
    });
  }

  async #pinTools({ id, sha256, toolsHash }: { id: string; sha256: string; toolsHash: string }): Promise<void> {
    const grant = this.#options.grants.pluginGrant(id);
    if (grant?.sha256 !== sha256)
      throw new LogoMeshError("LM_PLUGIN_NOT_GRANTED", `The grant of ${id} was taken back while it started.`);
    await this.#options.grants.grantPlugin({ ...grant, toolsHash });
  }

  async #changeGrant(change: () => Promise<void>): Promise<void> {
    const done = this.#grantChanges.then(change);
    this.#grantChanges = done.catch(() => undefined);
    await done;
  }
}
