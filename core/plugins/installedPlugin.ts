import {
  LogoMeshError,
  type CallToolResult,
  type JsonObject,
  type Plugin,
  type PluginManifest,
  type PluginState,
  type WaitingPlugin,
} from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { AuditEntryDraft, AuditLog, Clock, Logger, PluginGrant, Policy, Random } from "../ports/index.ts";
import { CrashRecord } from "./crashRecord.ts";
import { assertMayRunOutside, type Outside } from "./confinement.ts";
import type { PluginAPI } from "./hostPlane/pluginApi.ts";
import { ProcessTaint, type OwnFolder } from "./hostPlane/processTaint.ts";
import { describePlugin, describeWaiting, missingGrant, type PluginSnapshot } from "./describePlugin.ts";
import type { GrantedResources } from "./grantedResources.ts";
import { activationTypes, covers } from "./eventActivation.ts";
import { IdleTimer } from "./idleTimer.ts";
import type { KnownEras } from "./knownEras.ts";
import { launchInEra } from "./launchInEra.ts";
import { LatencySample } from "./latencySample.ts";
import type { Introduction } from "./mcpConnection.ts";
import { PluginExecutionLimiter, countsAgainstTool } from "./pluginExecutionLimiter.ts";
import { ChangesSinceGrant } from "./pluginChanges.ts";
import { PluginInstance, type ToolCallOptions } from "./pluginInstance.ts";
import type { RuntimeManager } from "./runtimeManager.ts";
import { clientCapabilities } from "./serverRequests.ts";
import { ToolApproval } from "./toolApproval.ts";
import type { ToolSchemas } from "./toolSchemas.ts";

// One plugin of the workspace and its process, when it has one.
// States: blocked (no grant, or its tools changed) · stopped · loading → ready ⇄ busy → stopping → stopped; crashed (a pause that grows),
// quarantined (three crashes in five minutes). It starts with its first call, once for all that wait for it.

const CLIENT = { name: "logomesh", version: "1" };
const CALLS_IN_FLIGHT_MAX = 32;
const CALLS_WAITING_MAX = 1_000;
const IDLE_MS = 5 * 60_000;
/** How long unloading waits for the calls in flight. */
const DRAIN_MS = 30_000;

/** Why a plugin may not start now, whatever it was granted. */
export interface Obstacle {
  state: "disabled" | "blocked";
  error: LogoMeshError;
}

export interface InstalledPluginOptions {
  manifest: PluginManifest;
  /** Of the staged copy. */
  sha256: string;
  bundleFolder: string;
  runtimes: RuntimeManager;
  schemas: ToolSchemas;
  eras: KnownEras;
  /** Takes secrets out of what the plugin wrote. */
  redact: (text: string) => string;
  api: PluginAPI;
  /** The current grant of the plugin, whichever version it names. */
  grant: () => PluginGrant | undefined;
  obstacle: () => Obstacle | undefined;
  /** What it is told when it starts. */
  settings: () => JsonObject;
  /** An older content, for runs that began with it. */
  isPinned?: boolean;
  /** Older contents that runs go on with. */
  pinned: (plugin: InstalledPlugin) => Pick<Plugin, "pinned">;
  /** Its source is a folder in which it is being written. */
  isDevelopment: boolean;
  /** Starts what this plugin needs. @throws LogoMeshError LM_PLUGIN_DEPENDENCY */
  loadDependencies: () => Promise<void>;
  /** Of the staged copy with this hash. @throws when there is none */
  manifestOf: (sha256: string) => PluginManifest;
  /** What keeps, over all its processes, that its own folder is private. */
  ownFolder: OwnFolder;
  /** What it kept while it had read private data. */
  privateData: () => Plugin["privateData"];
  /** What of the host it was granted. @throws LogoMeshError when one of these cannot be given */
  resources: () => Promise<GrantedResources>;
  /** Writes into the grant what the tools say they do, once that is known. */
  pinTools: (toolsHash: string) => Promise<void>;
  policy: Policy;
  audit: AuditLog;
  clock: Clock;
  random: Random;
  logger: Logger;
  onDidChange: () => void;
}

export interface PluginCallOptions extends Omit<ToolCallOptions, "timeoutMs"> {
  timeoutMs?: number;
  /** The plugin has read private data, which its answer or its failure may carry. Called before either. */
  onTaint: () => void;
}

export class InstalledPlugin {
  readonly #options: InstalledPluginOptions;
  readonly #limiter: PluginExecutionLimiter;
  readonly #latencies = new LatencySample();
  readonly #crashes: CrashRecord;
  readonly #idle: IdleTimer;
  #instance: PluginInstance | undefined;
  #starting: Promise<PluginInstance> | undefined;
  #stopping: Promise<void> | undefined;
  /** The last process ended, and that is known everywhere. */
  #ending: Promise<void> | undefined;
  #state: PluginState = "stopped";
  #reason: string | undefined;
  readonly #tools: ToolApproval;
  /** Of the last process that ended and had written any: a new start does not hide why the one before crashed. */
  #logs: string[] = [];
  #calls = 0;
  #errors = 0;
  #violations = 0;
  /** Why there is no process to call may quote one that had read private data. */
  #quotesPrivate = false;
  readonly #changes: ChangesSinceGrant;
  /** Takes every call from now on. */
  #successor: InstalledPlugin | undefined;
  /** Why a newer content of it does not serve. */
  problem: LogoMeshError | undefined;
  /** What takes its place when it is granted. */
  waiting: InstalledPlugin | undefined;
  /** Another content is about to take its place; what it was granted may name that one already. */
  isBeingReplaced = false;

  constructor(options: InstalledPluginOptions) {
    const { clock, manifest } = options;
    this.#options = options;
    this.#changes = new ChangesSinceGrant(options);
    this.#tools = new ToolApproval({
      ...options,
      onDidDiffer: ({ fromVersion, added, removed, changed }) =>
        options.audit.enqueue(
          this.#entry("plugin.tools", {
            ...{ fromVersion, added: added.map(({ name }) => name), removed },
            changed: changed.map(({ name }) => name),
          }),
        ),
    });
    this.#crashes = new CrashRecord({ pluginId: manifest.id, clock });
    this.#idle = new IdleTimer({
      ...{ clock, idleMs: IDLE_MS },
      isBusy: () => (this.#instance?.callsInFlight ?? 0) > 0,
      onIdle: () => {
        if (this.#staysUp()) this.#idle.restart();
        else void this.stop("it was idle for five minutes");
      },
    });
    this.#limiter = new PluginExecutionLimiter({
      pluginId: manifest.id,
      clock,
      concurrencyMax: CALLS_IN_FLIGHT_MAX,
      waitingMax: CALLS_WAITING_MAX,
    });
  }

  get manifest(): PluginManifest {
    return this.#options.manifest;
  }

  get sha256(): string {
    return this.#options.sha256;
  }

  /** Exactly this content was granted. */
  get isGranted(): boolean {
    return this.#options.grant()?.sha256 === this.sha256;
  }

  /** Why it does not run in the sandbox; undefined when it does. */
  get outside(): Outside | undefined {
    return this.#options.runtimes.outsideOf(this.manifest);
  }

  /** It has its grant, and nothing else that is known keeps it from starting. */
  get mayRun(): boolean {
    if (!this.isGranted || this.#options.obstacle() !== undefined) return false;
    const { outside } = this;
    return outside === undefined || (outside.refusal === undefined && this.#isGrantedOutside());
  }

  /** A process of it takes calls. */
  get isServing(): boolean {
    return this.#serving() !== undefined;
  }

  /** Until it may start again after a crash. */
  get retryInMs(): number | undefined {
    return this.#crashes.retryInMs;
  }

  /** A process of it is there, or on its way. */
  get isRunning(): boolean {
    return this.#starting !== undefined || this.#instance !== undefined;
  }

  describe(): Plugin {
    return describePlugin(this.#snapshot());
  }

  /** As what a person may grant in the place of what serves. */
  describeWaiting(): WaitingPlugin | undefined {
    return describeWaiting(this.#snapshot());
  }

  logLines(): string[] {
    return [...this.#logs, ...(this.#instance?.logLines() ?? [])];
  }

  /** Starts the process unless it runs. @throws LogoMeshError LM_PLUGIN_*, LM_POLICY_DENIED */
  async load(): Promise<PluginInstance> {
    if (this.#successor !== undefined) return this.#successor.load();
    await this.#stopping;
    if (this.#instance?.isEnded === true) await this.#ending;
    const serving = this.#serving();
    if (serving !== undefined) return serving;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async call(tool: string, args: JsonObject, options: PluginCallOptions): Promise<CallToolResult> {
    const { manifest, clock } = this.#options;
    let called: PluginInstance | undefined;
    const startedMs = clock.monotonicMs();
    this.#calls += 1;
    try {
      const result = await this.#limiter.run(tool, {
        signal: options.signal,
        isFailure: (error) => countsAgainstTool(error),
        call: async () => {
          const instance = this.#serving() ?? (await this.load());
          const found = instance.tools.find(({ name }) => name === tool);
          if (instance.changedTools.some(({ name }) => name === tool))
            throw new LogoMeshError(
              "LM_PLUGIN_NOT_GRANTED",
              `${manifest.id} describes ${tool} differently than when it was granted. Review and grant it again.`,
            );
          if (found === undefined) {
            const known = instance.tools.map(({ name }) => name).join(", ");
            throw new LogoMeshError(
              "LM_PLUGIN_TOOL_NOT_FOUND",
              `${manifest.id} has no tool ${tool}; it has ${known || "none"}.`,
            );
          }
          if (this.#stopping === undefined) this.#setState("busy");
          const timeoutMs = options.timeoutMs ?? manifest.resource_limits.call_timeout_ms;
          called = instance;
          return instance.call(found, args, { ...options, timeoutMs, onProgress: progressOf(instance, options) });
        },
      });
      this.#latencies.add(clock.monotonicMs() - startedMs);
      return result;
    } catch (error) {
      this.#errors += 1;
      throw error;
    } finally {
      if (called?.isTainted ?? this.#quotesPrivate) options.onTaint();
      this.#becomeIdle();
    }
  }

  /** Ends the process; calls in flight fail. Calls that come meanwhile wait, and start it again. */
  async stop(reason: string): Promise<void> {
    this.#idle[Symbol.dispose]();
    const instance = this.#instance ?? (await this.#starting?.catch(() => undefined));
    if (instance === undefined || instance.isEnded) return;
    this.#setState("stopping", reason);
    this.#stopping ??= instance.stop(reason).finally(() => (this.#stopping = undefined));
    await this.#stopping;
  }

  /** Ends the process, and lets none start until the work is done. */
  async whileStopped(reason: string, work: () => Promise<void>): Promise<void> {
    await this.#stopping;
    const instance = this.#instance ?? (await this.#starting?.catch(() => undefined));
    const done = Promise.withResolvers<undefined>();
    this.#stopping = done.promise.finally(() => (this.#stopping = undefined));
    try {
      this.#idle[Symbol.dispose]();
      if (instance?.isEnded === false) {
        this.#setState("stopping", reason);
        await instance.stop(reason);
      }
      await work();
    } finally {
      done.resolve(undefined);
      await this.#stopping;
    }
  }

  /** Ends the process without any grace, also one that is on its way. */
  async kill(reason: string): Promise<void> {
    const kill = (instance: PluginInstance): Promise<LogoMeshError> => {
      const { id } = this.manifest;
      instance.kill(new LogoMeshError("LM_PLUGIN_STOPPED", `${id} was stopped: ${reason}`));
      return instance.ended;
    };
    const starting = this.#starting?.then(kill, () => undefined);
    const running = this.#instance === undefined ? undefined : kill(this.#instance);
    await Promise.all([starting, running]);
  }

  /** Ends the process when its calls have ended. */
  async unload(reason: string): Promise<void> {
    const instance = this.#instance ?? (await this.#starting?.catch(() => undefined));
    if (this.#stopping !== undefined) return this.#stopping;
    if (instance === undefined || instance.isEnded) return;
    this.#idle[Symbol.dispose]();
    this.#setState("draining", reason);
    const drained = Promise.withResolvers<undefined>();
    this.#stopping = drained.promise.then(() => instance.stop(reason)).finally(() => (this.#stopping = undefined));
    await instance.drain(DRAIN_MS);
    drained.resolve(undefined);
    await this.#stopping;
  }

  /** Another content of the plugin takes its place: calls go there, those in flight end here, then the process does. */
  async handOver(next: InstalledPlugin): Promise<void> {
    this.#successor = next;
    // Calls that were given this process in this turn have entered it by the next.
    await new Promise((resolve) => setImmediate(resolve));
    await this.unload("a new version took its place");
  }

  /** What was approved may have changed. */
  onDidGrant(): void {
    const instance = this.#serving();
    if (instance !== undefined) void this.#tools.approve(instance);
    if (this.#state === "blocked") this.#setState("stopped");
    else this.#options.onDidChange();
  }

  /** Forgets crashes and closes circuits. */
  release(): void {
    this.#crashes.forgive();
    this.#limiter.reset();
    if (this.#state === "crashed" || this.#state === "quarantined") this.#setState("stopped");
  }

  resetCircuits(): void {
    this.#limiter.reset();
    this.#options.onDidChange();
  }

  // ---- inside

  #snapshot(): PluginSnapshot {
    const { manifest, sha256, isDevelopment, grant, obstacle, privateData, pinned } = this.#options;
    return {
      ...{ manifest, sha256, isDevelopment, grant: grant(), obstacle: obstacle() },
      ...{ privateData: privateData(), ...pinned(this) },
      ...{ state: this.#state, reason: this.#reason, instance: this.#instance },
      ...{ outside: this.outside, isGrantedOutside: this.#isGrantedOutside() },
      ...{ tools: this.#tools, changes: this.#changes, limiter: this.#limiter, crashes: this.#crashes },
      counts: { calls: this.#calls, errors: this.#errors, violations: this.#violations },
      ...{ latencies: this.#latencies, waiting: this.waiting, problem: this.problem },
    };
  }

  /** The process that takes calls now, when there is one. */
  #serving(): PluginInstance | undefined {
    if (this.#stopping !== undefined || this.#starting !== undefined) return undefined;
    return this.#instance?.isEnded === false ? this.#instance : undefined;
  }

  async #start(): Promise<PluginInstance> {
    const { manifest, sha256, policy, audit, schemas, redact, api, clock, random } = this.#options;
    // Decided once: what is begun in the sandbox is not finished outside of it when the sandbox breaks meanwhile.
    const outside = this.#assertMayStart();
    const principal = { type: "Plugin", id: manifest.id } as const;
    policy.require({
      principal,
      action: "plugin.start",
      resource: { type: "Plugin", id: manifest.id, attributes: { sha256 } },
    });
    // Why one of them does not start may quote what it wrote.
    this.#quotesPrivate ||= Object.keys(manifest.dependencies).length > 0;
    await this.#options.loadDependencies();
    const where = outside === undefined ? {} : { outsideSandbox: outside.reason };
    await audit.append(this.#entry("plugin.started", { version: manifest.version, sha256, ...where }));
    this.#setState("loading");
    try {
      const resources = await this.#options.resources();
      const folder = resources.data === undefined ? undefined : this.#options.ownFolder;
      // Without a sandbox it sees whatever the user may see.
      const taint = new ProcessTaint({ isSet: resources.isPrivate || outside !== undefined, folder });
      if (taint.isSet) await taint.add();
      const client = {
        ...{ roots: Object.keys(resources.mounts), hasModels: api.has("llm_generate") },
        granted: () => this.#options.grant()?.permissions ?? {},
      };
      const introduction = {
        ...{ client: CLIENT, capabilities: clientCapabilities(client), settings: this.#options.settings() },
      };
      const launched = await this.#launch(resources, { introduction, isOutside: outside !== undefined });
      const instance = new PluginInstance({
        ...{ manifest, introduction, schemas, redact, api, clock, random, taint },
        ...{ ...launched, ...client },
        onDidChange: () => this.#options.onDidChange(),
        onHostPlaneUsed: () => this.#idle.restart(),
      });
      this.#instance = instance;
      this.#ending = instance.ended.then((error) => this.#ended(instance, error));
      await this.#open(instance);
      await this.#tools.hold(instance);
      this.#setState("ready");
      this.#idle.restart();
      return instance;
    } catch (error) {
      if (this.#instance === undefined && this.#state === "loading") {
        audit.enqueue(this.#entry("plugin.stopped", { reason: toLogoMeshError(error).message }));
        this.#setState("stopped", toLogoMeshError(error).message);
      }
      throw error;
    }
  }

  #launch(
    resources: GrantedResources,
    { introduction, isOutside }: { introduction: Introduction; isOutside: boolean },
  ): ReturnType<typeof launchInEra> {
    const { manifest, sha256, runtimes, bundleFolder, eras, clock, audit } = this.#options;
    return launchInEra({
      ...{ pluginId: manifest.id, bundleFolder, eras, clock, introduction },
      lineBytesMax: manifest.resource_limits.max_message_bytes,
      launch: () => runtimes.start(manifest, { bundleFolder, resources, isOutside }),
      isAlone: resources.data !== undefined || isOutside,
      knownEra: runtimes.isAdapted(manifest) ? "modern" : undefined,
      onDidProbe: (era) => audit.enqueue(this.#entry("plugin.probed", { sha256, era })),
    });
  }

  /** A handshake that fails may be one in the wrong era: the next start asks again. */
  async #open(instance: PluginInstance): Promise<void> {
    try {
      await instance.open();
    } catch (error) {
      this.#options.eras.forget(this.#options.bundleFolder);
      throw error;
    }
  }

  #isGrantedOutside(): boolean {
    return this.isGranted && this.#options.grant()?.outsideSandbox === true;
  }

  /** @returns why it runs outside of the sandbox, where it does */
  #assertMayStart(): Outside | undefined {
    const { manifest, sha256, runtimes } = this.#options;
    const { id } = manifest;
    const { outside } = this;
    if (outside !== undefined)
      assertMayRunOutside(id, {
        ...{ ...outside, isGranted: this.#isGrantedOutside(), hint: runtimes.sandboxStatus().hint },
      });
    const obstacle = this.#options.obstacle();
    if (obstacle !== undefined) throw obstacle.error;
    if (this.#options.grant()?.sha256 !== sha256)
      throw new LogoMeshError("LM_PLUGIN_NOT_GRANTED", `${id}: ${missingGrant(this.#options.grant(), sha256)}`);
    this.#crashes.assertMayStart();
    return outside;
  }

  #ended(instance: PluginInstance, error: LogoMeshError): void {
    const { audit, logger, manifest } = this.#options;
    if (this.#instance === instance) this.#instance = undefined;
    this.#quotesPrivate = instance.isTainted;
    const lines = instance.logLines();
    if (lines.length > 0) this.#logs = lines;
    this.#violations += instance.violations;
    this.#idle[Symbol.dispose]();
    if (error.code === "LM_PLUGIN_STOPPED" || error.code === "LM_PLUGIN_NOT_GRANTED") {
      audit.enqueue(this.#entry("plugin.stopped", { reason: error.message }));
      this.#setState(error.code === "LM_PLUGIN_STOPPED" ? "stopped" : "blocked", error.message);
      return;
    }
    const state = this.#crashes.add(error);
    audit.enqueue(this.#entry("plugin.crashed", { code: error.code, reason: error.message }));
    logger.warn({ plugin: manifest.id, code: error.code, reason: error.message }, "plugin ended by itself");
    this.#setState(state, error.message);
  }

  #becomeIdle(): void {
    const instance = this.#instance;
    if (instance === undefined || instance.isEnded || instance.callsInFlight > 0) return;
    if (this.#stopping !== undefined) return;
    if (this.#state === "busy") this.#setState("ready");
    this.#idle.restart();
  }

  /** What wants to run from the start, or listens to events that would not start it again, does not stop for being idle. */
  #staysUp(): boolean {
    const { manifest, grant } = this.#options;
    if (manifest.activation.includes("onStart")) return true;
    const starting = activationTypes(manifest, grant());
    const listened = this.#instance?.listensTo ?? [];
    return listened.some((type) => !starting.some((pattern) => covers(pattern, type)));
  }

  #setState(state: PluginState, reason?: string): void {
    if (this.#state === state && this.#reason === reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#options.onDidChange();
  }

  #entry(kind: string, data: JsonObject): AuditEntryDraft {
    const { id } = this.#options.manifest;
    return { kind, actor: { type: "plugin", id }, trace: { plugin: id }, data };
  }
}

/** What is told on the way may be private as the answer is. */
function progressOf(
  instance: PluginInstance,
  { onProgress, onTaint }: PluginCallOptions,
): PluginCallOptions["onProgress"] {
  if (onProgress === undefined) return undefined;
  return (progress) => {
    if (instance.isTainted) onTaint();
    onProgress(progress);
  };
}
