import {
  LogoMeshError,
  type CallToolResult,
  type Plugin,
  type Run,
  type RunEvent,
  type RunTask,
  type Scope,
} from "@logomesh/contracts";
import type { Caller, RunMessage, Workbench, OnToolProgress } from "@logomesh/core";
import {
  APPROVAL,
  APPROVAL_DETAIL,
  CONSTITUTION,
  DEFINED,
  ENTRY,
  EXPLANATION,
  GENERATED,
  LOCKDOWN,
  MODELS,
  PLUGIN,
  SECRET,
  STATUS,
  THOUGHT,
  THOUGHT_SUMMARY,
  WORKFLOW,
  WORKFLOW_SUMMARY,
  runOf,
  runSummaryOf,
} from "./fixtures.ts";

interface Subscriber {
  runId: string | undefined;
  listener: (message: RunMessage) => void;
}

/** A workbench in memory: what the server asks of it is recorded, what happens in it is said by the test. */
export class FakeWorkbench implements Workbench {
  /** Name and arguments of every call that changes something. */
  readonly calls: [name: string, ...args: unknown[]][] = [];
  readonly tokens = new Map<string, readonly Scope[]>([
    ["admin-token", ["admin"]],
    ["run-token", ["run"]],
    ["llm-token", ["llm"]],
    ["metrics-token", ["metrics"]],
    ["mcp-token", ["mcp"]],
  ]);
  /** Plugin tools by token. */
  readonly tools = new Map<string, readonly string[]>();
  /** Of whoever started the last run. */
  startScopes: readonly Scope[] = [];
  installed: Plugin[] = [PLUGIN];
  readonly runs = new Map<string, Run>([["run-1", runOf("run-1")]]);
  readonly tasks = new Map<string, RunTask[]>();
  readonly runEvents: RunEvent[] = [];
  readonly subscribers = new Set<Subscriber>();
  readonly pluginListeners = new Set<(plugin: typeof PLUGIN) => void>();
  /** Called before stored events are read: a test can let something happen in between. */
  beforeListEvents: () => void | Promise<void> = () => undefined;
  /** What a tool of a plugin answers. */
  /** Told how much of an archive has come. */
  onSentBytes: (bytes: number, signal: AbortSignal) => unknown = () => undefined;
  onToolCall: (signal: AbortSignal, onProgress?: OnToolProgress) => Promise<CallToolResult> = async () => ({
    content: [],
    isError: false,
    durationMs: 1,
  });
  beforeGetRun: () => void | Promise<void> = () => undefined;

  /** Stores an event and tells it, as a commit does. */
  happen(event: RunEvent): void {
    this.runEvents.push(event);
    this.tell(event.runId, { type: "event", event });
  }

  tell(runId: string, message: RunMessage): void {
    for (const subscriber of this.subscribers) {
      if (subscriber.runId === undefined || subscriber.runId === runId) subscriber.listener(message);
    }
  }

  #record<T>(name: string, result: T, ...args: unknown[]): T {
    this.calls.push([name, ...args]);
    return result;
  }

  readonly workflows: Workbench["workflows"] = {
    define: async (params) => {
      this.calls.push(["define", params.source, params.origin]);
      return DEFINED;
    },
    validate: async () => ({ valid: true, problems: [], warnings: [] }),
    listWorkflows: async () => ({ items: [WORKFLOW_SUMMARY], nextCursor: null }),
    getWorkflow: async () => WORKFLOW,
    stepQueues: () => [{ name: "plugin a", running: 32, waiting: 3 }],
    runQueues: () => [{ queue: "default/a", running: 1, waiting: 2 }],
    deleteWorkflow: async (reference, { force }) => this.#record("deleteWorkflow", undefined, reference, force),
    start: async (params, { scopes }) => {
      const run = runOf("run-2", { status: params.waitMs ? "completed" : "running" });
      this.runs.set(run.id, run);
      this.startScopes = scopes;
      return this.#record("start", run, params);
    },
    getRun: async (runId) => {
      await this.beforeGetRun();
      const run = this.runs.get(runId);
      if (run === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is no run ${runId}.`);
      return run;
    },
    listRuns: async (query) => this.#record("listRuns", { items: [runSummaryOf("run-1")], nextCursor: null }, query),
    listTasks: async (runId, { limit, cursor }) => {
      const all = this.tasks.get(runId) ?? [];
      const start = Number(cursor ?? 0);
      const end = start + limit;
      return { items: all.slice(start, end), nextCursor: end < all.length ? String(end) : null };
    },
    getTask: async (runId, seq) => {
      const task = this.tasks.get(runId)?.find((candidate) => candidate.seq === seq);
      if (task === undefined) throw new LogoMeshError("LM_NOT_FOUND", `Run ${runId} has no task ${seq}.`);
      return task;
    },
    getRunDefinition: async () => ({ source: "do: []", definition: {} }),
    operations: {
      suspend: async (runId, { reason }) =>
        this.#record("suspend", runOf(runId, { status: "suspended" }), runId, reason),
      resume: async (runId, params) => this.#record("resume", runOf(runId, {}), runId, params),
      replay: async (runId) => this.#record("replay", { identical: true, events: 1, tasks: 2 }, runId),
      bulk: async (params) =>
        this.#record("bulk", { matched: 1, done: 1, refused: 0, refusals: [], isMore: false }, params),
      prune: async (params) => this.#record("prune", { runs: 1, bytesFreed: 2, databaseBytes: 3 }, params),
      compare: async (a, b) => {
        const side = (id: string) => ({ id, workflow: runOf(id, {}).workflow, status: "completed" as const });
        return this.#record("compare", { a: side(a), b: side(b), tasks: [], different: 0, identical: true }, a, b);
      },
      retry: async (runId, params) => this.#record("retry", runOf(runId, {}), runId, params),
    },
    cancel: async (runId) => {
      const run = runOf(runId, { status: "cancelled" });
      this.runs.set(runId, run);
      return this.#record("cancel", run, runId);
    },
    signal: async (runId, params) => this.#record("signal", { id: "evt_1" }, { runId, params }),
    subscribe: ({ runId }, listener) => {
      const subscriber = { runId, listener };
      this.subscribers.add(subscriber);
      return { [Symbol.dispose]: () => void this.subscribers.delete(subscriber) };
    },
    listEvents: async ({ runId, after, limit }) => {
      const read = this.runEvents.filter((event) => event.id > after && (runId === undefined || event.runId === runId));
      // What happens while the answer is on its way is not part of it.
      await this.beforeListEvents();
      return read.slice(0, limit);
    },
    eventPosition: () => this.runEvents.at(-1)?.id ?? 0,
  };

  readonly plugins: Workbench["plugins"] = {
    list: () => this.installed,
    get: (pluginId) => {
      if (pluginId !== PLUGIN.id) throw new LogoMeshError("LM_PLUGIN_NOT_FOUND", `There is no plugin ${pluginId}.`);
      return PLUGIN;
    },
    install: async (params) => this.#record("install", PLUGIN, params),
    installSent: async ({ bytes, name, signal }) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of bytes) {
        chunks.push(chunk);
        await this.onSentBytes(Buffer.concat(chunks).length, signal);
      }
      return this.#record("installSent", PLUGIN, name, Buffer.concat(chunks).toString("latin1"));
    },
    uninstall: async (id, { force }) => this.#record("uninstall", undefined, id, force),
    settings: () => ({ schema: { type: "object" }, settings: { city: "Bern" } }),
    setSettings: async (id, { settings }) => this.#record("setSettings", { schema: null, settings }, id, settings),
    reload: async (id) => this.#record("reload", PLUGIN, id),
    serveDevelopment: async (folder) => this.#record("serveDevelopment", PLUGIN, folder),
    endDevelopment: async (id) => this.#record("endDevelopment", undefined, id),
    setEnabled: async (id, { enabled }) => this.#record("setEnabled", PLUGIN, id, enabled),
    load: async (id) => this.#record("load", PLUGIN, id),
    unload: async (id) => this.#record("unload", PLUGIN, id),
    grant: async (id, { sha256 }) => this.#record("grant", PLUGIN, id, sha256),
    grantOf: (pluginId) => ({
      ...{ pluginId, sha256: PLUGIN.sha256, isCurrent: true, group: "user", permissions: {}, grantedBy: "person:p" },
    }),
    reset: async (id) => this.#record("reset", PLUGIN, id),
    revoke: async (id) => this.#record("revoke", PLUGIN, id),
    release: async (id) => this.#record("release", PLUGIN, id),
    forgetPrivateData: async (id, { why = "" }) => this.#record("forgetPrivateData", PLUGIN, id, why),
    logs: () => ["a line"],
    call: async (target, params, { signal, onProgress }) => {
      this.calls.push(["call", target, params]);
      return await this.onToolCall(signal, onProgress);
    },
    subscribe: (listener) => {
      this.pluginListeners.add(listener);
      return { [Symbol.dispose]: () => void this.pluginListeners.delete(listener) };
    },
  };

  readonly models: Workbench["models"] = {
    status: async () => MODELS,
    providers: async () => MODELS.providers,
    choose: async (alias, choice) => this.#record("choose", undefined, alias, choice),
    generate: async (_params, { onText }) => {
      onText?.("Hello ");
      onText?.("there");
      return GENERATED;
    },
  };

  readonly approvalListeners = new Set<Parameters<Workbench["approvals"]["subscribe"]>[0]>();
  readonly approvals: Workbench["approvals"] = {
    list: async (query) => this.#record("listApprovals", { items: [APPROVAL], nextCursor: null }, query),
    get: async () => APPROVAL_DETAIL,
    decide: async (id, params) => this.#record("decide", { ...APPROVAL_DETAIL, status: params.decision }, id, params),
    undo: async (id) => this.#record("undo", { ...APPROVAL_DETAIL, status: "undone" }, id),
    pendingCount: () => 1,
    subscribe: (listener) => {
      this.approvalListeners.add(listener);
      return { [Symbol.dispose]: () => void this.approvalListeners.delete(listener) };
    },
  };

  readonly audit: Workbench["audit"] = {
    query: async (query) => this.#record("query", { items: [ENTRY], nextCursor: null }, query),
    getEntry: async () => ENTRY,
    verify: async () => ({
      exitCode: 0,
      log: "log",
      entries: 1,
      root: "00",
      checkpoints: 1,
      outsideCheckpoints: 1,
      entriesSinceOutside: 0,
      findings: [],
      durationMs: 1,
    }),
    listCheckpoints: async () => ({ items: [{ size: 1, note: "note", createdAt: ENTRY.ts }], nextCursor: null }),
    head: () => ({ entries: 7, entriesSinceOutside: 0 }),
  };

  readonly registry: Workbench["registry"] = {
    search: async (query) => {
      const { id, name, description } = PLUGIN;
      const versions = [{ version: "1.0.0", source: "/srv/words" }];
      const entry = { id, name, description, versions, keywords: [], installs: 0 };
      return this.#record("searchRegistry", { items: [entry], nextCursor: null }, query);
    },
  };

  readonly secrets: Workbench["secrets"] = {
    list: () => [SECRET],
    get: () => SECRET,
    set: async (name) => this.#record("setSecret", SECRET, name),
    remove: async (name) => this.#record("removeSecret", undefined, name),
  };

  readonly events: Workbench["events"] = {
    publish: async (params) => this.#record("publishEvent", { id: "evt_1" }, params),
    list: async (query) =>
      this.#record(
        "listEvents",
        { items: [{ position: 1, event: { id: "e", source: "s", type: "a.b", time: "t" } }], nextCursor: null },
        query,
      ),
  };

  readonly policy: Workbench["policy"] = {
    constitution: () => CONSTITUTION,
    putConstitution: async (params, { preview }) =>
      this.#record(
        "putConstitution",
        {
          applied: !preview,
          sha256: "ef".repeat(32),
          rules: { added: [], removed: [], changed: [] },
          replayed: 0,
          left: 0,
          flips: [],
        },
        params,
        preview,
      ),
    why: async (seq) => ({ ...EXPLANATION, seq }),
  };

  readonly lockdown: Workbench["lockdown"] = {
    get: () => LOCKDOWN,
    on: async (params) => this.#record("lockdownOn", LOCKDOWN, params),
    off: async () => this.#record("lockdownOff", { on: false }),
  };

  readonly thoughts: Workbench["thoughts"] = {
    list: async () => ({ items: [THOUGHT_SUMMARY], nextCursor: null }),
    get: async () => THOUGHT,
    search: async (query) => this.#record("searchThoughts", [THOUGHT_SUMMARY], query),
    create: async (params) => this.#record("createThought", THOUGHT, params),
  };

  readonly access: Workbench["access"] = {
    authenticate: (token) => {
      const scopes = this.tokens.get(token);
      if (scopes === undefined) return undefined;
      const caller: Caller = { actor: { type: "client", id: token }, principal: { type: "Client", id: token }, scopes };
      return { caller, tokenId: token, tools: this.tools.get(token) ?? [] };
    },
    createLoginCode: () => ({ code: "one+time", expiresAt: ENTRY.ts }),
    createSession: async (code) => {
      if (code !== "one+time") throw new LogoMeshError("LM_API_LOGIN_CODE", "The code is not known.");
      return { token: "session-token", scopes: ["admin"], expiresAt: ENTRY.ts };
    },
    revoke: async (tokenId) => this.#record("revokeToken", void this.tokens.delete(tokenId), tokenId),
    listTokens: async () => [{ id: "t", name: "cli", scopes: ["admin"], createdAt: ENTRY.ts }],
    createToken: async ({ name, scopes }) => ({ id: "t", name, scopes, createdAt: ENTRY.ts, token: "secret" }),
  };

  readonly clients: Workbench["clients"] = {
    perform: (call, { signal }, work) => {
      this.calls.push(["perform", call.tool, signal.aborted]);
      return work();
    },
    mayRead: ({ name }) => name !== "hidden",
    requireRead: ({ name }) => {
      if (name === "hidden") throw new LogoMeshError("LM_POLICY_DENIED", "Hidden.");
    },
  };

  readonly version = "1.2.3";

  status: Workbench["status"] = async () => STATUS;

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open.
  }
}
