import { basename } from "node:path";
import {
  LogoMeshError,
  type Actor,
  type CallToolParams,
  type CallToolResult,
  type Effect,
  type JsonObject,
  type Plugin,
} from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type {
  AuditEntryDraft,
  AuditLog,
  Clock,
  Grants,
  Logger,
  PluginGrant,
  PluginToolCall,
  PluginTools,
  Policy,
  Principal,
} from "../ports/index.ts";
import { stageBundle } from "./bundle.ts";
import { ChangeFeed } from "./changeFeed.ts";
import { describeInvalid } from "./invalidPlugin.ts";
import { findPlugins } from "./findPlugins.ts";
import { InstalledPlugin } from "./installedPlugin.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { RuntimeManager } from "./runtimeManager.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { effectOf } from "./toolList.ts";
import { ToolSchemas } from "./toolSchemas.ts";

// The façade of the plugins: which there are, what they may, and calls to their tools. Each call is asked of the policy before anything
// starts. A folder below the plugins folder is a plugin, or is listed as invalid with its problem.

export interface PluginHostOptions {
  sandbox: Sandbox;
  nodeSdkFolder: string;
  pythonSdkFolder: string;
  pluginsFolder: string;
  /** Copies of approved bundles: `.logomesh/plugins`. */
  stagingFolder: string;
  policy: Policy;
  grants: Grants;
  audit: AuditLog;
  clock: Clock;
  logger: Logger;
}

interface HostCaller {
  actor: Actor;
  principal: Principal;
}

export class PluginHost implements PluginTools, AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #runtimes: RuntimeManager;
  readonly #schemas = new ToolSchemas();
  readonly #feed: ChangeFeed;
  readonly #plugins = new Map<string, InstalledPlugin>();
  #invalid: Plugin[] = [];
  /** Grants change one after the other: what a start pins must not undo what a person takes back. */
  #grantChanges: Promise<void> = Promise.resolve();

  private constructor(options: PluginHostOptions) {
    this.#options = options;
    this.#runtimes = new RuntimeManager(options);
    this.#feed = new ChangeFeed({ clock: options.clock, describe: (id) => this.#plugins.get(id)?.describe() });
  }

  /** Reads the plugins folder; a plugin that cannot be used does not keep the others away. */
  static open(options: PluginHostOptions): Promise<PluginHost> {
    const host = new PluginHost(options);
    host.#discover();
    return Promise.resolve(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed[Symbol.dispose]();
    await Promise.all([...this.#plugins.values()].map((plugin) => plugin.stop("the workbench stops")));
  }

  /** By id; those that are not valid last. */
  list(): Plugin[] {
    return [...[...this.#plugins.values()].map((plugin) => plugin.describe()), ...this.#invalid];
  }

  /** @throws LogoMeshError LM_PLUGIN_NOT_FOUND */
  get(pluginId: string): Plugin {
    return this.#plugins.get(pluginId)?.describe() ?? this.#problemOf(pluginId) ?? this.#find(pluginId).describe();
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

  /** Grants what the manifest of exactly this content asks for. @throws LogoMeshError LM_CONFLICT when the content is another one */
  async grant(pluginId: string, { sha256, caller }: { sha256: string; caller: HostCaller }): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    if (plugin.sha256 !== sha256)
      throw new LogoMeshError(
        "LM_CONFLICT",
        `${pluginId} has the content ${plugin.sha256}, not ${sha256}. Look at it again before you grant it.`,
      );
    const grant: PluginGrant = {
      ...{ pluginId, sha256, group: "user", grantedBy: `${caller.actor.type}:${caller.actor.id}` },
      permissions: plugin.manifest.permissions as JsonObject,
    };
    await this.#changeGrant(() => this.#options.grants.grantPlugin(grant));
    plugin.onDidGrant();
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
      const result = await this.callTool(
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

  async callTool(call: PluginToolCall, { signal }: { signal: AbortSignal }): Promise<CallToolResult> {
    const plugin = this.#find(call.pluginId);
    this.#options.policy.require({
      principal: call.caller,
      action: "plugin.call",
      resource: { type: "Tool", id: `${call.pluginId}#${call.tool}` },
      ...(call.chain === undefined ? {} : { chain: call.chain }),
      ...(call.run === undefined ? {} : { context: { run: call.run.runId, task: call.run.taskReference } }),
    });
    return plugin.call(call.tool, call.arguments, {
      signal,
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
    for (const { id, folder } of found) {
      try {
        if (this.#plugins.get(id)?.isRunning !== true) this.#install(id, folder);
      } catch (error) {
        this.#plugins.delete(id);
        invalid.push({ folder, error: toLogoMeshError(error) });
      }
    }
    for (const { folder, error } of invalid)
      this.#options.logger.warn({ folder, code: error.code, problem: error.message }, "a plugin cannot be used");
    this.#invalid = invalid.map(({ folder, error }) => describeInvalid(basename(folder), error));
  }

  #install(id: string, source: string): void {
    const { stagingFolder, grants, policy, audit, clock, logger } = this.#options;
    const { sha256, folder: bundleFolder } = stageBundle({ source, stagingFolder, pluginId: id });
    if (this.#plugins.get(id)?.sha256 === sha256) return;
    // What was hashed is what counts: the source may have changed since it was found.
    const manifest = readManifest(bundleFolder);
    if (manifest.id !== id)
      throw new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${source} changed while it was being copied; try again.`);
    assertEntryPoint(bundleFolder, manifest);
    const plugin = new InstalledPlugin({
      ...{ manifest, sha256, bundleFolder, policy, audit, clock, logger },
      runtimes: this.#runtimes,
      schemas: this.#schemas,
      grant: () => grants.pluginGrant(id),
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
