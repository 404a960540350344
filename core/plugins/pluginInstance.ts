import {
  LogoMeshError,
  type CallToolResult,
  type InputProblem,
  type JsonObject,
  type JsonValue,
  type PluginManifest,
  type PluginTool,
  type ToolProgress,
} from "@logomesh/contracts";
import { canonicalJson, isObject, toLogoMeshError } from "../base/index.ts";
import type { Clock, Principal, Random } from "../ports/index.ts";
import { Deadlines } from "./deadlines.ts";
import { callWithInput } from "./inputRounds.ts";
import { ProgressRelay } from "./progressRelay.ts";
import type { Era } from "./protocolRevisions.ts";
import { HostPlane, META_CALL } from "./hostPlane/hostPlane.ts";
import type { ProcessTaint } from "./hostPlane/processTaint.ts";
import type { HostApi } from "./hostPlane/pluginApi.ts";
import { McpConnection, type Introduction, type McpRequest } from "./mcpConnection.ts";
import { TailBuffer } from "./messageReader.ts";
import type { SandboxExit, SandboxProcess, SandboxUsage } from "./sandbox/sandbox.ts";
import { listTools } from "./toolList.ts";
import { readToolResult } from "./toolResult.ts";
import { ServerRequests, logLineOf } from "./serverRequests.ts";
import { tookTooLong, type ToolSchemas } from "./toolSchemas.ts";

// One running process of a plugin with its connection: started → ready → ended. It ends by itself, by a rule it broke, or because it was
// told to; whatever the reason, every call in flight fails with it.

const STDERR_BYTES = 64 * 1024;
/** Lines of stderr that an error quotes. */
const QUOTED_LINES = 5;
/** What Node.js adds to an error that nobody caught; the error itself says more. */
const NOISE = /^ +at |^Node\.js v\d|^ *\^+ *$/;
/** A cancelled call may take so long to end before the process is asked whether it is still there. */
const CANCEL_GRACE_MS = 1_000;
/** How often a plugin that is silent while calls wait is asked for a sign of life. */
const PULSE_MS = 1_000;
/** After such a silence it counts as unresponsive. */
const SILENT_MS = 3_000;
/** Between closing stdin and the end. */
const STOP_GRACE_MS = 2_000;
/** Between the news that the tools changed and the next look at them. */
const RELIST_MS = 250;

export interface PluginInstanceOptions {
  /** Goes along with the handshake. */
  introduction: Introduction;
  manifest: PluginManifest;
  process: SandboxProcess;
  era: Era;
  schemas: ToolSchemas;
  /** Whether the process has read private data. */
  taint: ProcessTaint;
  /** Takes secrets out of what the plugin wrote. */
  redact: (text: string) => string;
  /** Folders inside that it was granted. */
  roots: readonly string[];
  hasModels: boolean;
  granted: () => JsonObject;
  /** What the plugin may ask of the workbench. */
  api: HostApi;
  clock: Clock;
  random: Random;
  /** It became unresponsive, or speaks again, or describes its tools differently. */
  onDidChange: () => void;
  /** It asked something of the workbench, or was told of an event. */
  onHostPlaneUsed?: () => void;
}

export interface ToolCallOptions {
  signal: AbortSignal;
  timeoutMs: number;
  meta: JsonObject;
  /** In whose name the plugin acts while it answers. */
  callers: readonly Principal[];
  /** Who calls has read private data. */
  isTainted: boolean;
  run?: { runId: string; taskReference: string } | undefined;
  /** Hears how far the call is, at a bearable pace. */
  onProgress?: ((progress: ToolProgress) => void) | undefined;
}

export class PluginInstance {
  readonly #options: PluginInstanceOptions;
  readonly #connection: McpConnection;
  readonly #deadlines: Deadlines;
  readonly #hostPlane: HostPlane;
  readonly #serverRequests: ServerRequests;
  readonly #stderr = new TailBuffer(STDERR_BYTES);
  readonly ended: Promise<LogoMeshError>;
  #fatal: LogoMeshError | undefined;
  #tools: readonly PluginTool[] = [];
  /** What it says last, also of tools that were not approved so. */
  #offered: readonly PluginTool[] = [];
  #relist: Disposable | undefined;
  #isEnded = false;
  #calls = 0;
  #busySinceMs = 0;
  #pulse: Disposable | undefined;
  #isUnresponsive = false;
  readonly #onDrained: (() => void)[] = [];

  constructor(options: PluginInstanceOptions) {
    this.#options = options;
    const { process, manifest, clock } = options;
    this.#deadlines = new Deadlines(clock);
    this.#connection = new McpConnection({
      pluginId: manifest.id,
      input: process.stdout,
      output: process.stdin,
      lineBytesMax: manifest.resource_limits.max_message_bytes,
      clock,
      onRequest: (method, params) => this.#serverRequests.answer(method, params),
      onNotification: (method, params) => this.#notified(method, params),
      onFatal: (error) => this.kill(error),
    });
    this.#hostPlane = new HostPlane({
      ...{
        pluginId: manifest.id,
        stream: process.hostPlane,
        taint: options.taint,
        proxy: process.proxy,
        onNote: (text) => this.#stderr.push(Buffer.from(`${text}\n`)),
        api: options.api,
        clock,
        random: options.random,
      },
      lineBytesMax: manifest.resource_limits.max_message_bytes,
      onUsed: () => options.onHostPlaneUsed?.(),
      onFatal: (error) => this.kill(error),
    });
    this.#serverRequests = new ServerRequests({
      ...{ roots: options.roots, granted: options.granted, hasModels: options.hasModels },
      generate: (args, meta) => this.#hostPlane.ask("llm_generate", args, meta),
    });
    process.stderr.on("data", (chunk: Buffer) => this.#stderr.push(chunk));
    this.ended = process.exited.then((exit) => {
      this.#isEnded = true;
      this.#pulse?.[Symbol.dispose]();
      this.#deadlines[Symbol.dispose]();
      const error = this.#fatal ?? this.#crashed(exit);
      this.#connection.close(error);
      this.#hostPlane.end();
      this.#relist?.[Symbol.dispose]();
      return error;
    });
  }

  get tools(): readonly PluginTool[] {
    return this.#tools;
  }

  /** Tools that came or changed since the process began. */
  get changedTools(): readonly PluginTool[] {
    return this.#offered.filter((tool) => !this.#tools.includes(tool));
  }

  /** All that it offers now was approved. */
  approveTools(): void {
    this.#tools = this.#offered;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get callsInFlight(): number {
    return this.#calls;
  }

  /** It said nothing for 3 s while a call waited, not even to a ping. */
  get isUnresponsive(): boolean {
    return this.#isUnresponsive;
  }

  get violations(): number {
    return this.#connection.violations + this.#hostPlane.violations;
  }

  /** It has read private data, which its answers may carry. */
  get isTainted(): boolean {
    return this.#options.taint.isSet;
  }

  /** Types of events that it waits for, exact or with a trailing `.*`. */
  get listensTo(): readonly string[] {
    return this.#hostPlane.listensTo;
  }

  usage(): SandboxUsage {
    return this.#options.process.usage();
  }

  logLines(): string[] {
    return this.#stderr.lines().map((line) => this.#options.redact(line));
  }

  /** Handshake and list of tools. @throws LogoMeshError LM_PLUGIN_START_FAILED; the process is gone then */
  async open(): Promise<void> {
    const { manifest, clock } = this.#options;
    const timeoutMs = manifest.resource_limits.start_timeout_ms;
    using _timer = clock.setTimer(timeoutMs, () => {
      this.kill(
        new LogoMeshError(
          "LM_PLUGIN_START_FAILED",
          `${manifest.id} did not complete its handshake within ${timeoutMs} ms.`,
        ),
      );
    });
    try {
      this.#tools = await this.#introduce();
      this.#offered = this.#tools;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.kill(this.#fatal ?? new LogoMeshError("LM_PLUGIN_START_FAILED", reason));
      const ended = await this.ended;
      const detail = `${manifest.id} did not start: ${ended.message}`;
      // A crash quotes its last lines already.
      const quoted = this.#fatal === undefined ? detail : this.#quote(detail);
      throw new LogoMeshError("LM_PLUGIN_START_FAILED", quoted, { cause: error });
    }
  }

  /** In the modern era the list need not wait for the answer of the plugin about itself. */
  async #introduce(): Promise<PluginTool[]> {
    const { manifest, introduction, era } = this.#options;
    if (era === "legacy") {
      await this.#connection.initialize(introduction);
      return listTools(this.#connection, manifest);
    }
    const discovered = this.#connection.discover(introduction);
    const [{ tools: offered }, tools] = await Promise.all([discovered, listTools(this.#connection, manifest)]);
    if (isObject(offered) && offered.listChanged === true) this.#listenToChanges();
    return tools;
  }

  /** The request stays open; changes are notifications that belong to it. */
  #listenToChanges(): void {
    const notifications = { toolsListChanged: true };
    // A plugin that ends it, or is gone, tells of no more changes.
    this.#connection.request("subscriptions/listen", { notifications }).result.catch(() => undefined);
  }

  /** @throws LogoMeshError LM_PLUGIN_*; the signal's reason when it was aborted */
  async call(
    tool: PluginTool,
    args: JsonObject,
    { signal, timeoutMs, meta, callers, isTainted, run, onProgress }: ToolCallOptions,
  ): Promise<CallToolResult> {
    const { clock, manifest } = this.#options;
    this.#checkArguments(tool, args);
    // The arguments are data of somebody who has read private data.
    if (isTainted) await this.#options.taint.add();
    using begun = this.#hostPlane.begin({ callers, run });
    const startedMs = clock.monotonicMs();
    using relay = onProgress === undefined ? undefined : new ProgressRelay(clock, onProgress);
    const request = callWithInput(
      {
        ...{ pluginId: manifest.id, connection: this.#connection, requests: this.#serverRequests },
        onProgress: relay === undefined ? undefined : (params) => relay.receive(params),
      },
      { name: tool.name, arguments: args, _meta: { ...meta, [META_CALL]: begun.token } },
    );
    const onAbort = (): void => this.#cancel(request, { reason: "cancelled", error: signal.reason });
    const deadline = this.#deadlines.add(startedMs + timeoutMs, () =>
      this.#cancel(request, { reason: "timeout", error: this.#timedOut(tool, timeoutMs) }),
    );
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#enter(startedMs);
    try {
      return this.#check(tool, readToolResult(await request.result, clock.monotonicMs() - startedMs));
    } finally {
      this.#deadlines.delete(deadline);
      signal.removeEventListener("abort", onAbort);
      this.#leave();
    }
  }

  /** Resolves when no call is in flight, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#calls === 0) return;
    const drained = Promise.withResolvers<undefined>();
    this.#onDrained.push(() => drained.resolve(undefined));
    using _timer = this.#options.clock.setTimer(timeoutMs, () => drained.resolve(undefined));
    await drained.promise;
  }

  kill(error: LogoMeshError): void {
    if (this.#isEnded || this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#connection.close(error);
    this.#hostPlane.end();
    this.#options.process.kill();
  }

  /** Closes stdin, and kills after the grace. Calls in flight fail. */
  async stop(reason: string): Promise<void> {
    const { process, clock, manifest } = this.#options;
    if (this.#isEnded) return;
    this.#fatal ??= new LogoMeshError("LM_PLUGIN_STOPPED", `${manifest.id} was stopped: ${reason}.`);
    this.#connection.close(this.#fatal);
    this.#hostPlane.endNetwork();
    process.stdin.end();
    using _timer = clock.setTimer(STOP_GRACE_MS, () => process.kill());
    await this.ended;
  }

  #notified(method: string, params: JsonObject): void {
    if (method === "notifications/message") this.#stderr.push(Buffer.from(`${logLineOf(params)}\n`));
    else if (method === "notifications/tools/list_changed")
      this.#relist ??= this.#options.clock.setTimer(RELIST_MS, () => void this.#listAgain());
  }

  /** A tool that says something else than before is not offered any more; those that stayed the same are. */
  async #listAgain(): Promise<void> {
    const { manifest, onDidChange } = this.#options;
    if (this.#isEnded) return;
    try {
      const offered = await listTools(this.#connection, manifest);
      const approved = new Map(this.#tools.map((tool) => [canonicalJson(tool as unknown as JsonValue), tool]));
      this.#offered = offered.map((tool) => approved.get(canonicalJson(tool as unknown as JsonValue)) ?? tool);
      this.#tools = this.#tools.filter((tool) => this.#offered.includes(tool));
      onDidChange();
    } catch (error) {
      this.kill(toLogoMeshError(error));
    } finally {
      this.#relist = undefined;
    }
  }

  #enter(nowMs: number): void {
    if (this.#calls === 0) this.#busySinceMs = nowMs;
    this.#calls += 1;
    this.#takePulse();
  }

  #leave(): void {
    this.#calls -= 1;
    if (this.#calls === 0) for (const onDrained of this.#onDrained.splice(0)) onDrained();
  }

  #takePulse(): void {
    const { clock, onDidChange } = this.#options;
    if (this.#isEnded) return;
    this.#pulse ??= clock.setTimer(PULSE_MS, () => {
      this.#pulse = undefined;
      const silentMs = clock.monotonicMs() - Math.max(this.#connection.heardAtMs, this.#busySinceMs);
      const isUnresponsive = this.#calls > 0 && silentMs >= SILENT_MS;
      if (isUnresponsive !== this.#isUnresponsive) {
        this.#isUnresponsive = isUnresponsive;
        onDidChange();
      }
      if (this.#calls === 0) return;
      if (silentMs >= PULSE_MS) this.#ping(() => undefined);
      this.#takePulse();
    });
  }

  #ping(onAnswer: () => void): void {
    this.#connection.ping().then(onAnswer, () => undefined);
  }

  #cancel(request: McpRequest, { reason, error }: { reason: string; error: unknown }): void {
    request.cancel(reason, error);
    this.#afterCancel(request);
  }

  #timedOut(tool: PluginTool, timeoutMs: number): LogoMeshError {
    const { id } = this.#options.manifest;
    return new LogoMeshError("LM_PLUGIN_TIMEOUT", `${id}#${tool.name} did not answer within ${timeoutMs} ms.`);
  }

  /**
   * The protocol wants no answer to a cancelled call, so a plugin that obeys looks like one that does not. Unless it answers all the same,
   * its process ends after the grace period, which is certain; while other calls are under way and it answers a ping, that waits for them.
   */
  #afterCancel(request: McpRequest): void {
    const { clock, manifest } = this.#options;
    let isAlive = false;
    this.#ping(() => (isAlive = true));
    const timer = clock.setTimer(CANCEL_GRACE_MS, () => {
      if (request.isSettled()) return;
      if (isAlive && this.#calls > 0) {
        this.#afterCancel(request);
        return;
      }
      this.kill(
        new LogoMeshError("LM_PLUGIN_STOPPED", `${manifest.id} was stopped because a cancelled call might go on.`),
      );
    });
    void this.ended.then(() => timer[Symbol.dispose]());
  }

  #checkArguments(tool: PluginTool, args: JsonObject): void {
    if (tool.inputSchema === undefined) return;
    const problems = this.#problemsOf(tool.inputSchema, args);
    const [first] = problems;
    if (first === undefined) return;
    throw new LogoMeshError(
      "LM_PLUGIN_INPUT_INVALID",
      `${this.#options.manifest.id}#${tool.name}: ${first.pointer || "the arguments"} ${first.message}.`,
      { problems },
    );
  }

  /** A schema that takes too long held everybody up; it does so once. */
  #problemsOf(schema: JsonObject, value: JsonValue): InputProblem[] {
    try {
      return this.#options.schemas.validate(schema, value);
    } catch (error) {
      if (tookTooLong(error)) this.kill(toLogoMeshError(error));
      throw error;
    }
  }

  #check(tool: PluginTool, result: CallToolResult): CallToolResult {
    if (tool.outputSchema === undefined || result.isError) return result;
    const { id } = this.#options.manifest;
    if (result.structuredContent === undefined)
      throw new LogoMeshError(
        "LM_PLUGIN_OUTPUT_INVALID",
        `${id}#${tool.name} declares an output schema and gave no structured content.`,
      );
    const problems = this.#problemsOf(tool.outputSchema, result.structuredContent);
    const [first] = problems;
    if (first === undefined) return result;
    throw new LogoMeshError(
      "LM_PLUGIN_OUTPUT_INVALID",
      `${id}#${tool.name}: ${first.pointer || "the result"} ${first.message}.`,
      { problems },
    );
  }

  #crashed({ code, signal, cause }: SandboxExit): LogoMeshError {
    const { id, resource_limits } = this.#options.manifest;
    if (cause === "memory")
      return new LogoMeshError(
        "LM_PLUGIN_MEMORY",
        this.#quote(`${id} used more than its ${resource_limits.memory_mb} MiB of memory and was stopped.`),
      );
    if (cause === "processes")
      return new LogoMeshError(
        "LM_PLUGIN_CRASHED",
        this.#quote(`${id} had more than its ${resource_limits.max_processes} processes and was stopped.`),
      );
    if (cause === "data")
      return new LogoMeshError(
        "LM_PLUGIN_DATA_FULL",
        this.#quote(`${id} kept more in /data than it was granted and was stopped.`),
      );
    const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
    return new LogoMeshError("LM_PLUGIN_CRASHED", this.#quote(`${id} ended ${how}.`));
  }

  #quote(text: string): string {
    const lines = this.logLines()
      .filter((line) => !NOISE.test(line))
      .slice(-QUOTED_LINES);
    return lines.length === 0 ? text : `${text} Its last lines: ${lines.join(" ⏎ ").slice(0, 2_000)}`;
  }
}
