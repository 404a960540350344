import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
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
import { InstalledPlugin } from "./installedPlugin.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { RuntimeManager } from "./runtimeManager.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { ToolSchemas, effectOf } from "./toolList.ts";

// The façade of the plugins: which there are, what they may, and calls to their tools. Each call is asked of the policy before anything
// starts. A folder below the plugins folder is a plugin, or is listed as invalid with its problem.

/** Folders that are looked at. */
const PLUGINS_MAX = 500;

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
  readonly #invalid: Plugin[] = [];

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
    return (
      this.#plugins.get(pluginId)?.describe() ??
      this.#invalid.find(({ id }) => id === pluginId) ??
      this.#find(pluginId).describe()
    );
  }

  async load(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    this.#require(caller.principal, { action: "plugin.start", plugin });
    await this.#options.audit.append(entry("plugin.load", { actor: caller.actor, pluginId }));
    await plugin.load();
    return plugin.describe();
  }

  async unload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.audit.append(entry("plugin.unload", { actor: caller.actor, pluginId }));
    await plugin.stop("it was unloaded");
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
    await this.#options.grants.grantPlugin(grant);
    this.#feed.changed(pluginId);
    return plugin.describe();
  }

  async revoke(pluginId: string, caller: HostCaller): Promise<Plugin> {
    const plugin = this.#find(pluginId);
    await this.#options.grants.revokePlugin({ pluginId, revokedBy: `${caller.actor.type}:${caller.actor.id}` });
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
    const record = (status: string, result: string): void => {
      this.#options.audit.enqueue({
        ...entry("plugin.called", { actor: caller.actor, pluginId: target.pluginId }),
        trace: { plugin: target.pluginId, status },
        data: { tool: target.tool },
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
      record("faulted", JSON.stringify(toLogoMeshError(error).toProblem()));
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
      meta: metaOf(call),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    });
  }

  subscribe(listener: (plugin: Plugin) => void): Disposable {
    return this.#feed.subscribe(listener);
  }

  // ---- inside

  #find(pluginId: string): InstalledPlugin {
    const plugin = this.#plugins.get(pluginId);
    if (plugin !== undefined) return plugin;
    const problem = this.#invalid.find(({ id }) => id === pluginId)?.problem;
    if (problem !== undefined) throw LogoMeshError.fromProblem(problem);
    const known = [...this.#plugins.keys()].join(", ");
    throw new LogoMeshError(
      "LM_PLUGIN_NOT_FOUND",
      `No plugin ${pluginId}; there ${known === "" ? "are none" : `is ${known}`}.`,
    );
  }

  #require(principal: Principal, { action, plugin }: { action: string; plugin: InstalledPlugin }): void {
    const attributes = { sha256: plugin.sha256 };
    this.#options.policy.require({
      principal,
      action,
      resource: { type: "Plugin", id: plugin.manifest.id, attributes },
    });
  }

  #discover(): void {
    const { pluginsFolder, logger } = this.#options;
    if (!existsSync(pluginsFolder)) return;
    const folders = readdirSync(pluginsFolder)
      .filter(
        (name) =>
          !name.startsWith(".") &&
          statSync(join(pluginsFolder, name), { throwIfNoEntry: false })?.isDirectory() === true,
      )
      .sort()
      .slice(0, PLUGINS_MAX);
    const folderOf = new Map<string, string>();
    for (const name of folders) {
      const folder = join(pluginsFolder, name);
      try {
        const manifest = readManifest(folder);
        const other = folderOf.get(manifest.id);
        if (other !== undefined) {
          this.#plugins.delete(manifest.id);
          throw new LogoMeshError(
            "LM_PLUGIN_DUPLICATE",
            `${manifest.id} is in ${other} and in ${folder}. Remove one of them or change its id.`,
          );
        }
        folderOf.set(manifest.id, folder);
        this.#plugins.set(manifest.id, this.#install(folder, manifest));
      } catch (error) {
        const known = toLogoMeshError(error);
        logger.warn({ folder, code: known.code, problem: known.message }, "a plugin cannot be used");
        this.#invalid.push(describeInvalid(basename(folder), known));
      }
    }
  }

  #install(folder: string, manifest: ReturnType<typeof readManifest>): InstalledPlugin {
    const { stagingFolder, grants, policy, audit, clock, logger } = this.#options;
    const { sha256, folder: bundleFolder } = stageBundle({ source: folder, stagingFolder, pluginId: manifest.id });
    assertEntryPoint(bundleFolder, manifest);
    return new InstalledPlugin({
      ...{ manifest, sha256, bundleFolder, policy, audit, clock, logger },
      runtimes: this.#runtimes,
      schemas: this.#schemas,
      grant: () => grants.pluginGrant(manifest.id),
      onDidChange: () => this.#feed.changed(manifest.id),
    });
  }
}

function metaOf({ idempotencyKey, run }: PluginToolCall): JsonObject {
  return {
    ...(idempotencyKey === undefined ? {} : { "logomesh/idempotencyKey": idempotencyKey }),
    ...(run === undefined ? {} : { "logomesh/run": run.runId, "logomesh/task": run.taskReference }),
  };
}

function entry(kind: string, { actor, pluginId }: { actor: Actor; pluginId: string }): AuditEntryDraft {
  return { kind, actor, trace: { plugin: pluginId }, data: {} };
}
