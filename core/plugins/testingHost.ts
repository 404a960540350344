import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogoMeshError, type CallToolResult, type JsonObject, type Scope } from "@logomesh/contracts";
import { systemClock, systemRandom } from "../base/index.ts";
import { SqlitePluginStore, createStorageWriterModule } from "../storage/index.ts";
import { createMemoryDatabase, type CreateWriterModule } from "../db/index.ts";
import type {
  AuditBacklog,
  AuditEntryDraft,
  AuditLog,
  Clock,
  Grants,
  Logger,
  PluginGrant,
  Policy,
  PolicyRequest,
} from "../ports/index.ts";
import { PluginHost, type PluginHostOptions } from "./pluginHost.ts";
import { createBubblewrapSandbox } from "./sandbox/bubblewrapSandbox.ts";
import { createPluginWriterModule } from "./store/index.ts";
import type { OutsideRunner } from "./sandbox/outsideRunner.ts";
import { UnconfinedSandbox, writePlugin } from "./testing.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

export const CALLER = {
  actor: { type: "person", id: "tester" },
  principal: { type: "Client", id: "tok_test" },
  scopes: ["admin"] as readonly Scope[],
} as const;

const QUIET: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => QUIET,
};

/** Keeps what it is given. */
export class RecordingAudit implements AuditLog, AuditBacklog {
  readonly entries: AuditEntryDraft[] = [];
  isUnwritable = false;
  /** What is queued from now on waits for this. */
  full: Promise<void> | undefined;

  command(draft: AuditEntryDraft) {
    return { name: "audit.append", params: draft };
  }

  append(draft: AuditEntryDraft): Promise<{ seq: number }> {
    if (this.isUnwritable) return Promise.reject(new LogoMeshError("LM_AUDIT_UNWRITABLE", "The disk is full."));
    return Promise.resolve({ seq: this.entries.push(draft) - 1 });
  }

  enqueue(draft: AuditEntryDraft): void {
    this.entries.push(draft);
  }

  room(): Promise<void> | undefined {
    return this.full;
  }

  kinds(): string[] {
    return this.entries.map(({ kind }) => kind);
  }
}

/** Allows everything but what is listed as `action resource`. */
export class ListPolicy implements Policy {
  readonly asked: PolicyRequest[] = [];
  readonly denied = new Set<string>();
  deniedFor: (request: PolicyRequest) => boolean = () => false;

  decide(request: PolicyRequest) {
    const allowed = !this.denied.has(`${request.action} ${request.resource.id}`) && !this.deniedFor(request);
    return { allowed, policies: [], reason: allowed ? "" : "not here" };
  }

  require(request: PolicyRequest): void {
    this.asked.push(request);
    if (!this.decide(request).allowed) throw new LogoMeshError("LM_POLICY_DENIED", "not here");
  }
}

/** Keeps grants of plugins in memory. */
export class MemoryGrants implements Grants {
  readonly plugins = new Map<string, PluginGrant>();

  grantWorkflow(): Promise<void> {
    return Promise.resolve();
  }

  grantPlugin(grant: PluginGrant): Promise<void> {
    this.plugins.set(grant.pluginId, grant);
    return Promise.resolve();
  }

  revokePlugin({ pluginId }: { pluginId: string }): Promise<void> {
    this.plugins.delete(pluginId);
    return Promise.resolve();
  }

  pluginGrant(pluginId: string): PluginGrant | undefined {
    return this.plugins.get(pluginId);
  }
}

/** A plugin host over plain child processes, with ports that remember. For tests and benchmarks. */
export class TestHost implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), "logomesh-host-"));
  readonly pluginsFolder = join(this.root, "plugins");
  readonly sandbox = new UnconfinedSandbox();
  readonly audit = new RecordingAudit();
  readonly policy = new ListPolicy();
  readonly grants = new MemoryGrants();
  /** What runs without the sandbox; set before `open`, as the next. */
  outside: OutsideRunner | undefined;
  /** Started with `--dev`. */
  isDevelopment = false;
  readonly clock: Clock;
  readonly database;
  /** What answers on the host plane; set before `open`. */
  services: PluginHostOptions["services"] = {};
  /** Plugins of tests are of the older era, and nobody asks them; undefined to ask. */
  eras: PluginHostOptions["eras"] = { of: () => "legacy", remember: () => undefined, forget: () => undefined };
  #host: PluginHost | undefined;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    // Entries that commit together with a change are kept beside the others.
    const audit: CreateWriterModule = () => ({
      name: "audit",
      commands: { "audit.append": (_context, draft: AuditEntryDraft) => this.audit.entries.push(draft) },
    });
    const modules = [createPluginWriterModule, createStorageWriterModule, audit];
    this.database = createMemoryDatabase({ modules, clock, random: systemRandom });
    mkdirSync(this.pluginsFolder);
  }

  get host(): PluginHost {
    if (this.#host === undefined) throw new Error("open() first");
    return this.#host;
  }

  get options(): PluginHostOptions {
    return {
      ...{ sandbox: this.sandbox, audit: this.audit, policy: this.policy, grants: this.grants, clock: this.clock },
      ...{ writer: this.database.writer, reader: this.database.reader, store: new SqlitePluginStore(this.database) },
      ...{ version: "0.1.0", workspaceFolder: this.root, dataFolder: join(this.root, "data") },
      ...{ pluginsFolder: this.pluginsFolder, stagingFolder: join(this.root, "staged"), logger: QUIET },
      secrets: { get: () => undefined, redact: (text: string) => text.replaceAll("s3cret-canary", "[secret CANARY]") },
      ...{ random: systemRandom, services: this.services },
      ...(this.eras === undefined ? {} : { eras: this.eras }),
      ...(this.outside === undefined ? {} : { outside: this.outside }),
      isDevelopment: this.isDevelopment,
      nodeSdkFolder: join(REPOSITORY, "plugins/sdk-node"),
      pythonSdkFolder: join(REPOSITORY, "plugins/sdk-python"),
      shellSdkFolder: join(REPOSITORY, "plugins/sdk-shell"),
    };
  }

  write(name: string, plugin: Parameters<typeof writePlugin>[1]): string {
    return writePlugin(join(this.pluginsFolder, name), plugin);
  }

  /** Reads the folder, and grants what is found. */
  async open({ grant = true } = {}): Promise<PluginHost> {
    this.#host = await PluginHost.open(this.options);
    if (grant)
      for (const { id, sha256, state } of this.#host.list())
        if (state !== "invalid") await this.#host.grant(id, { sha256, caller: CALLER });
    return this.#host;
  }

  call(
    tool: string,
    args: JsonObject = {},
    { pluginId = "org.example.fixture", signal = new AbortController().signal, timeoutMs = 10_000 } = {},
  ): Promise<CallToolResult> {
    return this.host.call({ pluginId, tool }, { arguments: args, timeoutMs }, { caller: CALLER, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]();
    await this.sandbox[Symbol.asyncDispose]();
    this.database[Symbol.dispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The same host over the real sandbox. */
export class SandboxedTestHost extends TestHost {
  readonly bubblewrap = createBubblewrapSandbox({ clock: systemClock, logger: QUIET, nodePath: process.execPath });

  override get options() {
    return { ...super.options, sandbox: this.bubblewrap };
  }
}
