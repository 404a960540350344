import { join } from "node:path";
import type {
  CallToolParams,
  CallToolResult,
  Effect,
  GrantPluginParams,
  InstallPluginParams,
  JsonObject,
  Plugin,
  PluginGrantInfo,
  PluginSettings as SettingsView,
} from "@logomesh/contracts";
import { messageOf, toLogoMeshError } from "../base/index.ts";
import type {
  AuditBacklog,
  AuditLog,
  Clock,
  Grants,
  Logger,
  OnToolProgress,
  PluginStore,
  PluginToolCall,
  PluginToolOptions,
  PluginTools,
  Policy,
  Random,
  Reader,
  RunPins,
  Secrets,
  WriteCommand,
  Writer,
} from "../ports/index.ts";
import { sweepIncoming } from "./bundleFolders.ts";
import { metaOf, pluginEntry } from "./callMeta.ts";
import { ChangeFeed } from "./changeFeed.ts";
import { PluginAPI, type HostServices } from "./hostPlane/pluginApi.ts";
import { commonPermissions } from "./grantSubset.ts";
import { openResources, type GrantedResources } from "./grantedResources.ts";
import { EventActivation } from "./eventActivation.ts";
import { InstalledPlugin, type InstalledPluginOptions } from "./installedPlugin.ts";
import { storedEras, type KnownEras } from "./knownEras.ts";
import { readManifest } from "./manifest.ts";
import { PluginGrants, type HostCaller } from "./pluginGrants.ts";
import { PinnedVersions, narrowPolicy } from "./pinnedVersions.ts";
import { PluginInstaller } from "./pluginInstaller.ts";
import { PluginSet } from "./pluginSet.ts";
import type { SentArchive } from "./receiveArchive.ts";
import { RuntimeManager } from "./runtimeManager.ts";
import type { OutsideRunner } from "./sandbox/outsideRunner.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { describeSettings } from "./store/describeSettings.ts";
import { PluginPins, PluginSettings, PrivateFolders, type PluginPin } from "./store/index.ts";
import type { StagedPlugin } from "./stagePlugin.ts";
import { effectOf } from "./toolList.ts";
import { ToolSchemas } from "./toolSchemas.ts";

// The façade of the plugins: which there are, what they may, and calls to their tools. Each call is asked of the policy before anything
// starts.

export interface PluginHostOptions {
  sandbox: Sandbox;
  /** Absent where nothing ever runs without the sandbox. */
  outside?: OutsideRunner;
  /** The workbench was started with `--dev`. */
  isDevelopment?: boolean;
  nodeSdkFolder: string;
  pythonSdkFolder: string;
  shellSdkFolder: string;
  pluginsFolder: string;
  /** Folders of it can be granted to plugins. */
  workspaceFolder: string;
  /** Of the workbench, which plugins may be made for. */
  version: string;
  /** What plugins keep, by id: `.logomesh/plugin-data`. */
  dataFolder: string;
  /** Copies of approved bundles: `.logomesh/plugins`. */
  stagingFolder: string;
  policy: Policy;
  grants: Grants;
  audit: AuditLog & AuditBacklog;
  writer: Writer;
  reader: Reader;
  store: PluginStore;
  clock: Clock;
  random: Random;
  logger: Logger;
  secrets: Secrets;
  /** In which era the copies of bundles speak. Default: beside the copies. */
  eras?: KnownEras;
  /** What answers the plugins on the host plane; each plugin's tools come from here. */
  services: Omit<HostServices, "plugins">;
}

export class PluginHost implements PluginTools, RunPins, AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #runtimes: RuntimeManager;
  readonly #schemas = new ToolSchemas();
  readonly #api: PluginAPI;
  readonly #feed: ChangeFeed;
  readonly #settings: PluginSettings;
  readonly #privateFolders: PrivateFolders;
  readonly #pins: PluginPins;
  readonly #pinned: PinnedVersions;
  readonly #grants: PluginGrants;
  readonly #set: PluginSet;
  readonly #activation: EventActivation;
  readonly #installer: PluginInstaller;

  private constructor(options: PluginHostOptions) {
    const { pluginsFolder, stagingFolder, dataFolder, logger, audit, store, clock } = options;
    this.#options = options;
    this.#runtimes = new RuntimeManager(options);
    this.#settings = new PluginSettings(options);
    this.#privateFolders = new PrivateFolders(options);
    this.#pins = new PluginPins(options);
    this.#pinned = new PinnedVersions({
      ...{ pins: this.#pins, stagingFolder },
      make: (staged, pin) => this.#makePinned(staged, pin),
    });
    this.#api = new PluginAPI({ ...options, services: { ...options.services, plugins: this } });
    this.#grants = new PluginGrants(options.grants, () => this.#set.resolve());
    this.#set = new PluginSet({
      ...{ pluginsFolder, stagingFolder, logger, version: options.version },
      isEnabled: (id) => this.#settings.get(id).isEnabled,
      grantOf: (id) => this.#grants.of(id),
      make: (staged) => this.#make(staged),
      pinnedOf: (id) => this.#pinned.hashesOf(id),
      onDidChange: () => this.#reconsider(),
    });
    this.#activation = new EventActivation({
      ...{ policy: options.policy, clock, logger, events: options.services.events },
      grantOf: (id) => this.#grants.of(id),
    });
    this.#feed = new ChangeFeed({
      clock,
      describe: (id) => this.#set.get(id)?.describe(),
      running: () => this.#set.runningIds(),
    });
    this.#installer = new PluginInstaller({
      ...{ pluginsFolder, stagingFolder, dataFolder, audit, store, version: options.version },
      ...{ privateFolders: this.#privateFolders, pins: this.#pins, pinned: this.#pinned },
      ...{ set: this.#set, grants: this.#grants, settings: this.#settings, feed: this.#feed },
    });
  }

  /** Reads the plugins folder; a plugin that cannot be used does not keep the others away. */
  static open(options: PluginHostOptions): Promise<PluginHost> {
    const host = new PluginHost(options);
    sweepIncoming(options.stagingFolder);
    host.#set.discover();
    // Copies for runs that ended while nobody looked.
    for (const { manifest } of host.#set.current()) host.#set.prune(manifest.id);
    return Promise.resolve(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#activation[Symbol.dispose]();
    this.#feed[Symbol.dispose]();
    await Promise.all(this.#everyPlugin().map((plugin) => plugin.stop("the workbench stops")));
  }

  /** Ends every process at once, whatever it does. Resolves when all are gone. */
  async killAll(reason: string): Promise<void> {
    await Promise.all(this.#everyPlugin().map((plugin) => plugin.kill(reason)));
  }

  /** Starts those that want to run from the start, each behind what it needs. One that fails keeps no other away. */
  async startActivated(): Promise<void> {
    for (const id of this.#set.obstacles.order) {
      const plugin = this.#set.get(id);
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
    return this.#set.describe();
  }

  /** @throws LogoMeshError LM_PLUGIN_NOT_FOUND */
  get(pluginId: string): Plugin {
    const invalid = this.#set.get(pluginId) === undefined ? this.#set.invalidOf(pluginId) : undefined;
    return invalid ?? this.#set.find(pluginId).describe();
  }

  /** A plugin of this id that is there already is replaced; it has to be granted again when its content is another. */
  install(params: InstallPluginParams, caller: HostCaller): Promise<Plugin> {
    return this.#installer.install(params, caller);
  }

  /** The same of an archive that is sent. @throws LogoMeshError as install; LM_TOO_LARGE, LM_PLUGIN_BUSY */
  installSent(sent: SentArchive, caller: HostCaller): Promise<Plugin> {
    return this.#installer.installSent(sent, caller);
  }

  /** Leaves nothing but what the log says. @throws LogoMeshError LM_PLUGIN_REQUIRED unless `force` */
  uninstall(pluginId: string, options: { force: boolean; caller: HostCaller }): Promise<void> {
    return this.#installer.uninstall(pluginId, options);
  }

  settings(pluginId: string): SettingsView {
    return describeSettings(this.#set.find(pluginId).manifest, this.#settings.get(pluginId).settings);
  }

  /** A plugin that runs is told in a fresh process. */
  async setSettings(pluginId: string, options: { settings: JsonObject; caller: HostCaller }): Promise<SettingsView> {
    await this.#installer.setSettings(pluginId, options);
    return this.settings(pluginId);
  }

  /** Serves what its folder holds now, in a fresh process, without a failed call. @throws LogoMeshError why it cannot; the old one serves on */
  reload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    return this.#installer.reload(pluginId, caller);
  }

  /** Serves a folder in which a plugin is being written; again after each change. Grants carry over while it asks for the same. */
  serveDevelopment(folder: string, caller: HostCaller): Promise<Plugin> {
    return this.#installer.serveDevelopment(folder, caller);
  }

  /** What is installed under this id serves again, when there is one, with the grant that it had. */
  endDevelopment(pluginId: string): Promise<void> {
    return this.#installer.endDevelopment(pluginId);
  }

  /** Deletes what it kept while it had read private data; with `why`, says instead that none of it is private. Its process ends. */
  async forgetPrivateData(pluginId: string, options: { why?: string; caller: HostCaller }): Promise<Plugin> {
    await this.#installer.forgetPrivateData(pluginId, options);
    return this.get(pluginId);
  }

  async setEnabled(pluginId: string, { enabled, caller }: { enabled: boolean; caller: HostCaller }): Promise<Plugin> {
    const plugin = this.#set.find(pluginId);
    const kind = enabled ? "plugin.enabled" : "plugin.disabled";
    if (this.#settings.get(pluginId).isEnabled !== enabled)
      await this.#settings.set(pluginId, { isEnabled: enabled }, pluginEntry(kind, { actor: caller.actor, pluginId }));
    this.#set.resolve();
    if (!enabled) {
      // Those that need it may call it until they are done.
      await this.#set.unloadBlocked();
      const plugins = [plugin, ...this.#pinned.ofPlugin(pluginId)];
      await Promise.all(plugins.map((each) => each.unload("it was disabled")));
    }
    this.#feed.changed(pluginId);
    return plugin.describe();
  }

  /** Reads the plugins folder again, so that what was corrected or added since can be loaded. */
  async load(pluginId: string, caller: HostCaller): Promise<Plugin> {
    this.#set.discover();
    const plugin = this.#set.find(pluginId);
    this.#options.policy.require({
      principal: caller.principal,
      action: "plugin.start",
      resource: { type: "Plugin", id: pluginId, attributes: { sha256: plugin.sha256 } },
    });
    await this.#options.audit.append(pluginEntry("plugin.load", { actor: caller.actor, pluginId }));
    await plugin.load();
    return plugin.describe();
  }

  async unload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#set.find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.unload", { actor: caller.actor, pluginId }));
    await plugin.unload("it was unloaded");
    return plugin.describe();
  }

  /** Grants what the manifest of exactly this content asks for, or a part of it. @throws LogoMeshError LM_CONFLICT when the content is another one */
  async grant(pluginId: string, params: GrantPluginParams & { caller: HostCaller }): Promise<Plugin> {
    const plugin = this.#set.find(pluginId);
    if (plugin.waiting?.sha256 === params.sha256) await this.#installer.grantWaiting(pluginId, params);
    else {
      await this.#grants.grant(plugin, params);
      plugin.onDidGrant();
      this.#set.prune(pluginId);
    }
    return this.#set.find(pluginId).describe();
  }

  grantOf(pluginId: string): PluginGrantInfo | undefined {
    const { sha256 } = this.#set.find(pluginId);
    const grant = this.#grants.of(pluginId);
    return grant === undefined ? undefined : { ...grant, isCurrent: grant.sha256 === sha256 };
  }

  async reset(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#set.find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.reset", { actor: caller.actor, pluginId }));
    plugin.resetCircuits();
    return plugin.describe();
  }

  async revoke(pluginId: string, caller: HostCaller): Promise<Plugin> {
    this.#set.find(pluginId);
    await this.#installer.revoke(pluginId, caller);
    this.#feed.changed(pluginId);
    return this.#set.find(pluginId).describe();
  }

  async release(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#set.find(pluginId);
    await this.#options.audit.append(pluginEntry("plugin.released", { actor: caller.actor, pluginId }));
    plugin.release();
    return plugin.describe();
  }

  logs(pluginId: string): string[] {
    return this.#set.find(pluginId).logLines();
  }

  /** A call from outside a run: it is one entry of the log, with arguments and result. */
  async call(
    target: { pluginId: string; tool: string },
    params: CallToolParams,
    {
      caller,
      signal,
      onProgress,
    }: { caller: HostCaller; signal: AbortSignal; onProgress?: OnToolProgress | undefined },
  ): Promise<CallToolResult> {
    const { audit, clock } = this.#options;
    // Its entry is queued: before there is room for it, nothing happens that would need one.
    await audit.room();
    const startedMs = clock.monotonicMs();
    const record = (status: string, result: string): void => {
      const plugin = this.#set.get(target.pluginId);
      const version = plugin === undefined ? {} : { version: plugin.manifest.version, sha256: plugin.sha256 };
      audit.enqueue({
        ...pluginEntry("plugin.called", { actor: caller.actor, pluginId: target.pluginId }),
        trace: { plugin: target.pluginId, status },
        data: {
          ...{ tool: target.tool, token: caller.principal.id, ...version },
          durationUs: Math.round((clock.monotonicMs() - startedMs) * 1_000),
        },
        payload: {
          arguments: { bytes: JSON.stringify(params.arguments), media: "application/json" },
          result: { bytes: result, media: "application/json" },
        },
      });
    };
    try {
      const result = await this.callTool(
        {
          ...target,
          arguments: params.arguments,
          caller: caller.principal,
          ...(params.timeoutMs === undefined ? {} : { timeoutMs: params.timeoutMs }),
        },
        { signal, onTaint: () => undefined, onProgress },
      );
      record(result.isError ? "faulted" : "completed", JSON.stringify(result.structuredContent ?? result.content));
      return result;
    } catch (error) {
      record(signal.aborted ? "cancelled" : "faulted", JSON.stringify(toLogoMeshError(error).toProblem()));
      throw error;
    }
  }

  describeTool(
    pluginId: string,
    tool: string,
    runId?: string,
  ): { effect: Effect; version: string; sha256: string } | undefined {
    const serving = this.#set.get(pluginId);
    if (serving === undefined) return undefined;
    const plugin = (runId === undefined ? undefined : this.#pinned.of(runId, serving)) ?? serving;
    return { effect: effectOf(plugin.manifest, tool), version: plugin.manifest.version, sha256: plugin.sha256 };
  }

  async callTool(call: PluginToolCall, { signal, onTaint, onProgress }: PluginToolOptions): Promise<CallToolResult> {
    const serving = this.#set.find(call.pluginId);
    const { caller, chain = [], tainted = false, run } = call;
    this.#options.policy.require({
      principal: caller,
      action: "plugin.call",
      resource: { type: "Tool", id: `${call.pluginId}#${call.tool}` },
      ...(chain.length === 0 ? {} : { chain }),
      context: { tainted, ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }) },
    });
    const plugin = (run === undefined ? undefined : this.#pinned.of(run.runId, serving)) ?? serving;
    return plugin.call(call.tool, call.arguments, {
      ...{ signal, onTaint, onProgress, callers: [...chain, caller], isTainted: tainted, run },
      meta: metaOf(call, effectOf(plugin.manifest, call.tool)),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    });
  }

  pinRun(runId: string, pluginIds: readonly string[]): WriteCommand[] {
    // What is not granted can be granted later; the run calls what serves then.
    const grants = pluginIds.flatMap((id) =>
      this.#set.get(id)?.isGranted === true ? (this.#grants.of(id) ?? []) : [],
    );
    return this.#pins.pin(runId, grants);
  }

  releaseRun(runId: string): WriteCommand[] {
    return this.#pins.release(runId);
  }

  subscribe(listener: (plugin: Plugin) => void): Disposable {
    return this.#feed.subscribe(listener);
  }

  // ---- inside

  #everyPlugin(): InstalledPlugin[] {
    return [...this.#set.everyPlugin(), ...this.#pinned.every()];
  }

  /** Who may run changed. */
  #reconsider(): void {
    this.#activation.refresh(this.#set.current());
    void this.#set.unloadBlocked();
  }

  /** May what it might when the run began, and may still; and it changes nothing that is known of the version that serves. */
  #makePinned(staged: StagedPlugin, pin: PluginPin): InstalledPlugin {
    const { policy, audit, services } = this.#options;
    const { id } = staged.manifest;
    const grantedSha256 = (): string | undefined => this.#grants.of(id)?.sha256;
    const narrow = narrowPolicy(policy, { pluginId: id, pin, audit, grantedSha256 });
    const permissions = (): JsonObject => commonPermissions(pin.permissions, this.#grants.of(id)?.permissions ?? {});
    return this.#make(staged, {
      api: new PluginAPI({ ...this.#options, policy: narrow, services: { ...services, plugins: this } }),
      isPinned: true,
      policy: narrow,
      grant: () => {
        const grant = this.#grants.of(id);
        return grant === undefined ? undefined : { ...grant, ...pin, permissions: permissions() };
      },
      resources: () => this.#resourcesOf(id, permissions()),
      pinTools: () => Promise.resolve(),
      onDidChange: () => {
        this.#feed.changed(id);
        if (this.#pinned.sweep(id)) this.#set.prune(id);
      },
    });
  }

  #make({ manifest, sha256, folder }: StagedPlugin, more: Partial<InstalledPluginOptions> = {}): InstalledPlugin {
    const { stagingFolder, policy, audit, clock, random, logger } = this.#options;
    const { id } = manifest;
    return new InstalledPlugin({
      ...{ manifest, sha256, bundleFolder: folder, policy, audit, clock, random, logger },
      api: this.#api,
      eras: this.#options.eras ?? storedEras,
      runtimes: this.#runtimes,
      schemas: this.#schemas,
      isDevelopment: this.#set.isDevelopment(id),
      redact: (text) => this.#options.secrets.redact(text),
      settings: () => describeSettings(manifest, this.#settings.get(id).settings).settings,
      grant: () => this.#grants.of(id),
      obstacle: () => this.#set.obstacles.of(id),
      loadDependencies: () => this.#set.obstacles.loadDependencies(manifest),
      ownFolder: this.#privateFolders.of(id),
      privateData: () => this.#privateDataOf(id),
      resources: () => this.#resourcesOf(id),
      manifestOf: (granted) => readManifest(join(stagingFolder, id, granted)),
      pinTools: (toolsHash) => this.#grants.pinTools({ id, sha256, toolsHash }),
      onDidChange: () => this.#feed.changed(id),
      pinned: (plugin) => this.#pinned.describe(plugin),
      ...more,
    });
  }

  #privateDataOf(pluginId: string): Plugin["privateData"] {
    const folderSinceMs = this.#privateFolders.sinceMs(pluginId);
    const kept = this.#options.store.keptPrivate(pluginId);
    const sinceMs = Math.min(folderSinceMs ?? Infinity, kept?.sinceMs ?? Infinity);
    if (sinceMs === Infinity) return undefined;
    const { values = 0, blobs = 0 } = kept ?? {};
    return { since: new Date(sinceMs).toISOString(), folder: folderSinceMs !== undefined, values, blobs };
  }

  #resourcesOf(pluginId: string, permissions?: JsonObject): Promise<GrantedResources> {
    const { workspaceFolder, dataFolder, policy, secrets } = this.#options;
    const principal = { type: "Plugin", id: pluginId } as const;
    return openResources({
      ...{ pluginId, workspaceFolder, dataFolder },
      permissions: permissions ?? this.#grants.of(pluginId)?.permissions ?? {},
      settings: this.#settings.get(pluginId).settings,
      secret: (name) => secrets.get(name),
      authorize: (path) => policy.require({ principal, action: "fs.read", resource: { type: "File", id: path } }),
    });
  }
}
