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
} from "@logomesh/contracts";
import { messageOf, toLogoMeshError } from "../base/index.ts";
import type {
  AuditEntryDraft,
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
  Writer,
} from "../ports/index.ts";
import { stageBundle } from "./bundle.ts";
import { openBundle, replaceFolder, sweepIncoming } from "./bundleFolders.ts";
import { ChangeFeed } from "./changeFeed.ts";
import { resolveDependencies, type ResolvedDependencies } from "./dependencies.ts";
import { describeInvalid } from "./invalidPlugin.ts";
import { findPlugins } from "./findPlugins.ts";
import { PluginAPI, type HostServices } from "./hostPlane/pluginApi.ts";
import { assertSubset } from "./grantSubset.ts";
import { InstalledPlugin, type Obstacle } from "./installedPlugin.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { RuntimeManager } from "./runtimeManager.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { PluginSettings } from "./store/index.ts";
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
  readonly #settings: PluginSettings;
  #invalid: Plugin[] = [];
  #dependencies: ResolvedDependencies = { order: [], problems: new Map() };
  /** Installing and removing change folders: one after the other. */
  #folderChanges: Promise<unknown> = Promise.resolve();
  /** Grants change one after the other: what a start pins must not undo what a person takes back. */
  #grantChanges: Promise<void> = Promise.resolve();

  private constructor(options: PluginHostOptions) {
    this.#options = options;
    this.#runtimes = new RuntimeManager(options);
    this.#settings = new PluginSettings(options);
    this.#api = new PluginAPI({ ...options, services: { ...options.services, plugins: this } });
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
    await Promise.all([...this.#plugins.values()].map((plugin) => plugin.stop("the workbench stops")));
  }

  /** Ends every process at once, whatever it does. Resolves when all are gone. */
  async killAll(reason: string): Promise<void> {
    await Promise.all([...this.#plugins.values()].map((plugin) => plugin.kill(reason)));
  }

  /** Starts those that want to run from the start, each behind what it needs. One that fails keeps no other away. */
  async startActivated(): Promise<void> {
    for (const id of this.#dependencies.order) {
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
      const { sha256, folder } = stageBundle({ source: bundle.folder, stagingFolder, pluginId: id });
      const there = this.#plugins.get(id);
      if (there?.sha256 === sha256 && there.manifest.version === version) return there.describe();
      const from = there === undefined ? {} : { fromVersion: there.manifest.version, fromSha256: there.sha256 };
      await audit.append({
        ...entry("plugin.installed", { actor: caller.actor, pluginId: id }),
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
      if (folder === undefined) this.#find(pluginId);
      const dependents = this.#dependentsOf(pluginId);
      if (dependents.length > 0 && !force)
        throw new LogoMeshError(
          "LM_PLUGIN_REQUIRED",
          `${dependents.join(", ")} need ${pluginId}; nothing was removed.`,
          {
            data: { dependents },
          },
        );
      const revokedBy = `${caller.actor.type}:${caller.actor.id}`;
      await this.#changeGrant(() => this.#options.grants.revokePlugin({ pluginId, revokedBy }));
      await plugin?.stop("it was uninstalled");
      const version = plugin === undefined ? {} : { version: plugin.manifest.version, sha256: plugin.sha256 };
      await this.#options.store.clear(pluginId);
      await this.#settings.forget(pluginId, {
        ...entry("plugin.uninstalled", { actor: caller.actor, pluginId }),
        data: version,
      });
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      rmSync(join(this.#options.stagingFolder, pluginId), { recursive: true, force: true });
      this.#plugins.delete(pluginId);
      this.#discover();
      this.#feed.changed(pluginId);
    });
  }

  async setEnabled(pluginId: string, { enabled, caller }: { enabled: boolean; caller: HostCaller }): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    const kind = enabled ? "plugin.enabled" : "plugin.disabled";
    if (this.#settings.get(pluginId).isEnabled !== enabled)
      await this.#settings.set(pluginId, { isEnabled: enabled }, entry(kind, { actor: caller.actor, pluginId }));
    this.#resolve();
    if (!enabled) await plugin.unload("it was disabled");
    this.#feed.changed(pluginId);
    return plugin.describe();
  }

  /** Reads the plugins folder again, so that what was corrected or added since can be loaded. */
  async load(pluginId: string, caller: HostCaller): Promise<Plugin> {
    this.#discover();
    const plugin = this.#find(pluginId);
    this.#require(caller.principal, { action: "plugin.start", plugin });
    await this.#options.audit.append(entry("plugin.load", { actor: caller.actor, pluginId }));
    await plugin.load();
    return plugin.describe();
  }

  async unload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(entry("plugin.unload", { actor: caller.actor, pluginId }));
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
    return plugin.describe();
  }

  grantOf(pluginId: string): PluginGrantInfo | undefined {
    const { sha256 } = this.#find(pluginId);
    const grant = this.#options.grants.pluginGrant(pluginId);
    return grant === undefined ? undefined : { ...grant, isCurrent: grant.sha256 === sha256 };
  }

  async reset(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(entry("plugin.reset", { actor: caller.actor, pluginId }));
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
    await this.#options.audit.append(entry("plugin.released", { actor: caller.actor, pluginId }));
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
        ...entry("plugin.called", { actor: caller.actor, pluginId: target.pluginId }),
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

  #dependentsOf(pluginId: string): string[] {
    return [...this.#plugins.values()]
      .filter(({ manifest }) => Object.hasOwn(manifest.dependencies, pluginId))
      .map(({ manifest }) => manifest.id);
  }

  async #changeFolders<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#folderChanges.then(change);
    this.#folderChanges = done.catch(() => undefined);
    return done;
  }

  #resolve(): void {
    const nodes = [...this.#plugins.values()].map(({ manifest: { id, version, dependencies } }) => ({
      ...{ id, version, dependencies },
      isEnabled: this.#settings.get(id).isEnabled,
    }));
    this.#dependencies = resolveDependencies(nodes);
  }

  #obstacleOf(pluginId: string): Obstacle | undefined {
    if (!this.#settings.get(pluginId).isEnabled) {
      const error = new LogoMeshError("LM_PLUGIN_DISABLED", `${pluginId} is disabled. Enable it to use it.`);
      return { state: "disabled", error };
    }
    const error = this.#dependencies.problems.get(pluginId);
    return error === undefined ? undefined : { state: "blocked", error };
  }

  /** What a plugin needs starts before it. */
  async #loadDependencies(plugin: InstalledPlugin): Promise<void> {
    for (const id of this.#dependencies.order) {
      if (!Object.hasOwn(plugin.manifest.dependencies, id)) continue;
      try {
        await this.#find(id).load();
      } catch (error) {
        const reason = `${plugin.manifest.id} needs ${id}, which did not start: ${messageOf(error)}`;
        throw new LogoMeshError("LM_PLUGIN_DEPENDENCY", reason, { cause: error });
      }
    }
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
    const { found, invalid } = findPlugins(this.#options.pluginsFolder);
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
    this.#resolve();
  }

  #admit(id: string, source: string): void {
    const { stagingFolder, grants, policy, audit, clock, random, logger } = this.#options;
    const { sha256, folder: bundleFolder } = stageBundle({ source, stagingFolder, pluginId: id });
    if (this.#plugins.get(id)?.sha256 === sha256) return;
    // What was hashed is what counts: the source may have changed since it was found.
    const manifest = readManifest(bundleFolder);
    if (manifest.id !== id)
      throw new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${source} changed while it was being copied; try again.`);
    assertEntryPoint(bundleFolder, manifest);
    const plugin: InstalledPlugin = new InstalledPlugin({
      ...{ manifest, sha256, bundleFolder, policy, audit, clock, random, logger },
      api: this.#api,
      runtimes: this.#runtimes,
      schemas: this.#schemas,
      grant: () => grants.pluginGrant(id),
      obstacle: () => this.#obstacleOf(id),
      loadDependencies: () => this.#loadDependencies(plugin),
      manifestOf: (granted) => readManifest(join(stagingFolder, id, granted)),
      pinTools: (toolsHash) => this.#changeGrant(() => this.#pinTools({ id, sha256, toolsHash })),
      onDidChange: () => this.#feed.changed(id),
    });
    this.#plugins.set(id, plugin);
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

/** The keys that the SDKs read. A key for repetition means nothing to a tool that does not say it is `idempotent`. */
function metaOf({ idempotencyKey, run }: PluginToolCall, effect: Effect): JsonObject {
  return {
    ...(idempotencyKey === undefined || effect !== "idempotent"
      ? {}
      : { "org.logomesh/idempotencyKey": idempotencyKey }),
    ...(run === undefined ? {} : { "org.logomesh/run": run.runId, "org.logomesh/task": run.taskReference }),
  };
}

function entry(kind: string, { actor, pluginId }: { actor: Actor; pluginId: string }): AuditEntryDraft {
  return { kind, actor, trace: { plugin: pluginId }, data: {} };
}
