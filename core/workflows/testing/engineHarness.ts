import {
  LogoMeshError,
  type CallToolResult,
  type Effect,
  type JsonObject,
  type JsonValue,
  type Run,
} from "@logomesh/contracts";
import { createIdSource, systemClock } from "../../base/index.ts";
import { createMemoryDatabase, type CreateWriterModule, type NoticingWriter } from "../../db/index.ts";
import { MemoryEventBus, SqliteEventStore, createEventWriterModule } from "../../events/index.ts";
import { createWebFetch } from "../../network/index.ts";
import type {
  AuditEntryDraft,
  AuditLog,
  EventDraft,
  GenerateContext,
  Grants,
  LanguageModels,
  ModelPlaces,
  PluginToolCall,
  PluginTools,
  Policy,
  PolicyRequest,
  ThoughtWrites,
} from "../../ports/index.ts";
import { FakeClock, createSeededRandom, silentLogger } from "../../testing/index.ts";
import {
  SqliteWorkflowStore,
  TaskEngine,
  AuthenticatedFetch,
  createHttpTaskExecutor,
  createOpenApiTaskExecutor,
  createLlmTaskExecutor,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
  createWorkflowWriterModule,
} from "../index.ts";

/** What a test tool does with a call; it may wait for the signal. */
export type ToolBehaviour = (call: PluginToolCall, signal: AbortSignal) => Promise<JsonValue> | JsonValue;

export interface EngineHarness {
  engine: TaskEngine;
  clock: FakeClock;
  /** Tools by `plugin#tool`; `t#echo` answers its arguments. */
  tools: Map<string, { effect: Effect; behave: ToolBehaviour }>;
  /** Tools whose plugin has read private data. */
  privateTools: Set<string>;
  /** Every call that reached a tool, in order. */
  calls: PluginToolCall[];
  audit: AuditEntryDraft[];
  policy: { requests: PolicyRequest[]; deny: (request: PolicyRequest) => boolean };
  /** Answers of the model, by prompt. */
  llm: { simulated: boolean; answer: (prompt: string) => string; contexts?: GenerateContext[]; places?: number };
  store: SqliteWorkflowStore;
  events: SqliteEventStore;
  /** Publishes an event as a client does. */
  publish: (event: EventDraft, address?: { runId: string }) => Promise<void>;
  /** Set to fail or to hang before or after the commits that follow. */
  faults: { beforeCommit?: () => Promise<void> | void; afterCommit?: () => Promise<void> | void };
  define: (source: string) => Promise<void>;
  /** Starts the workflow that the text describes and lets it go as far as it can without time passing. */
  run: (source: string, input?: JsonValue, waitMs?: number) => Promise<Run>;
  /** A new engine on the same database, as after a crash: the old one is left alone with its writer cut off. */
  crash: () => TaskEngine;
  /** One more engine on the same database, with a clock of its own: it shares the database as the first one does. */
  join: (clock: FakeClock) => TaskEngine;
  thoughts: string[];
  secrets: Map<string, string>;
  /** Definitions that were granted what they name. */
  grantedHashes: string[];
}

export const ADMIN = {
  actor: { type: "person", id: "tester" },
  principal: { type: "Client", id: "token" },
  scopes: ["admin"],
} as const;

/** Workflow documents without their heading. */
export function workflow(body: string, name = "test"): string {
  return `document: { dsl: "1.0.3", namespace: default, name: ${name}, version: "1.0.0" }\n${body}`;
}

export function createEngineHarness({ sharesStore = false }: { sharesStore?: boolean } = {}): EngineHarness {
  const clock = new FakeClock();
  const random = createSeededRandom(11);
  const audit: AuditEntryDraft[] = [];
  const thoughts: string[] = [];
  const testModule: CreateWriterModule = () => ({
    name: "test",
    commands: {
      "test.audit": (_context: unknown, draft: AuditEntryDraft) => void audit.push(draft),
      "test.thought": (_context: unknown, title: string) => {
        if (title === "refused") throw new LogoMeshError("LM_INPUT_INVALID", "This thought is refused.");
        thoughts.push(title);
      },
    },
    participant: {
      mark: () => [audit.length, thoughts.length],
      restore: (mark) => ([audit.length, thoughts.length] = mark as [number, number]),
    },
  });
  const database = createMemoryDatabase({
    modules: [createWorkflowWriterModule, createEventWriterModule, testModule],
    clock,
    random,
  });
  const log: AuditLog = {
    command: (draft) => ({ name: "test.audit", params: draft }),
    append: () => Promise.resolve({ seq: 0 }),
    enqueue: () => undefined,
  };
  const harness = {
    clock,
    audit,
    thoughts,
    grantedHashes: [],
    secrets: new Map<string, string>(),
    calls: [],
    privateTools: new Set<string>(),
    tools: new Map([["t#echo", { effect: "pure", behave: (call: PluginToolCall) => call.arguments }]]),
    policy: { requests: [], deny: () => false },
    llm: { simulated: false, answer: (prompt: string) => `About ${prompt}` },
    faults: {},
  } as unknown as EngineHarness;
  const ids = createIdSource({ clock, random });

  function createEngine(clock = harness.clock): TaskEngine {
    const life = new AbortController();
    const isCut = (): boolean => life.signal.aborted;
    cut = () => life.abort();
    const writer: NoticingWriter = {
      onDidCommit: (name, listener) =>
        database.writer.onDidCommit(name, (notice) => (isCut() ? undefined : listener(notice))),
      flush: () => database.writer.flush(),
      async run(commands) {
        if (isCut()) return new Promise(() => undefined);
        await harness.faults.beforeCommit?.();
        if (isCut()) return new Promise(() => undefined);
        const results = await database.writer.run(commands);
        await harness.faults.afterCommit?.();
        return isCut() ? new Promise(() => undefined) : results;
      },
    };
    const store = new SqliteWorkflowStore({ writer, reader: database.reader, audit: log });
    harness.store = store;
    const web = new AuthenticatedFetch({
      network: createWebFetch({ clock: systemClock, ownPorts: () => new Set([7420]) }),
      secrets: {
        get: (name) => harness.secrets.get(name),
        redact: (text) =>
          [...harness.secrets].reduce((rest, [name, value]) => rest.replaceAll(value, `[secret ${name}]`), text),
      },
      clock,
    });
    harness.events = new SqliteEventStore({ writer, reader: database.reader, audit: log });
    const bus = new MemoryEventBus({ clock, ids });
    return new TaskEngine({
      ...{ store, clock, ids, logger: silentLogger, grants: grantsOf(harness), policy: policyOf(harness) },
      executors: createTaskExecutorRegistry([
        createPluginTaskExecutor(toolsOf(harness)),
        createLlmTaskExecutor(modelsOf(harness)),
        createThoughtTaskExecutor({ thoughts: thoughtWrites, policy: policyOf(harness) }),
        createHttpTaskExecutor({ policy: policyOf(harness), web }),
        createOpenApiTaskExecutor({ policy: policyOf(harness), web }),
      ]),
      events: { bus, store: harness.events },
      ...{ runtime: { name: "LogoMesh", version: "0.0.0" }, sharesStore },
    });
  }

  let cut: () => void;
  harness.crash = () => {
    cut();
    harness.engine = createEngine();
    return harness.engine;
  };
  harness.join = (own) => createEngine(own);
  harness.define = async (source) => {
    await harness.engine.define({ source, origin: "api", caller: ADMIN });
  };
  harness.publish = async (event, address) => {
    const sealed = new MemoryEventBus({ clock, ids }).seal(event, { source: "client:test", isSystem: false });
    await harness.events.store(sealed, { kind: "event.published", actor: ADMIN.actor }, address);
    await settle();
  };
  harness.run = (source, input = {}, waitMs = 60_000) => harness.engine.start({ source, input, waitMs }, ADMIN);
  harness.engine = createEngine();
  return harness;
}

/** Lets promises settle without time passing. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A tool that answers only when it is told to, or is stopped. */
export function hang(): ToolBehaviour {
  return (_call, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
}

export const grantAll: Grants = {
  grantWorkflow: () => Promise.resolve(),
  grantPlugin: () => Promise.resolve(),
  revokePlugin: () => Promise.resolve(),
  pluginGrant: () => undefined,
};

export const allowAll: Policy = {
  decide: () => ({ allowed: true, policies: [], reason: "" }),
  require: () => undefined,
};

function grantsOf(harness: EngineHarness): Grants {
  return {
    ...grantAll,
    grantWorkflow: ({ definitionHash }) => {
      harness.grantedHashes.push(definitionHash);
      return Promise.resolve();
    },
  };
}

function policyOf(harness: EngineHarness): Policy {
  return {
    decide: () => ({ allowed: true, policies: [], reason: "" }),
    require(request) {
      harness.policy.requests.push(request);
      if (harness.policy.deny(request))
        throw new LogoMeshError("LM_POLICY_DENIED", `${request.action} is not granted.`);
    },
  };
}

function toolsOf(harness: EngineHarness): PluginTools {
  return {
    describeTool(pluginId, tool) {
      const found = harness.tools.get(`${pluginId}#${tool}`);
      return found === undefined ? undefined : { effect: found.effect, version: "1.0.0", sha256: "00" };
    },
    async callTool(call, { signal, onTaint, onProgress }): Promise<CallToolResult> {
      harness.calls.push(call);
      const found = harness.tools.get(`${call.pluginId}#${call.tool}`);
      if (found === undefined) throw new LogoMeshError("LM_PLUGIN_NOT_FOUND", `No plugin ${call.pluginId}.`);
      if (harness.privateTools.has(`${call.pluginId}#${call.tool}`)) onTaint();
      onProgress?.({ progress: 1, total: 2, message: call.tool });
      const value = await found.behave(call, signal);
      if (typeof value === "string")
        return { content: [{ type: "text", text: value }], isError: value.startsWith("!"), durationMs: 1 };
      return { content: [], structuredContent: value, isError: false, durationMs: 1 };
    },
  };
}

function modelsOf(harness: EngineHarness): LanguageModels & ModelPlaces {
  return {
    placesOf: () => Promise.resolve({ name: "models of mock", places: harness.llm.places ?? 16 }),
    generate(params, context, { onText }) {
      harness.llm.contexts?.push(context);
      const text = harness.llm.answer(params.prompt ?? "");
      onText?.(text);
      return Promise.resolve({
        ...{ provider: "mock", model: params.model ?? "mock", simulated: harness.llm.simulated, text },
        ...{ finishReason: "stop", durationMs: 1.5, requestSeq: 1, responseSeq: 2, inputTokens: 3, outputTokens: 4 },
      } as Awaited<ReturnType<LanguageModels["generate"]>>);
    },
  };
}

/** Stores titles by the command `test.thought`. */
export const thoughtWrites: ThoughtWrites = {
  prepareCreate(params, { key, simulated }) {
    const at = new Date(0).toISOString();
    const thought = {
      id: `th_${key}`,
      title: params.title,
      tags: params.tags,
      createdAt: at,
      updatedAt: at,
      simulated,
      segments: [],
    };
    return { thought, write: { name: "test.thought", params: params.title } };
  },
};

/** The arguments that reached a tool. */
export function argumentsOf(harness: EngineHarness): JsonObject[] {
  return harness.calls.map((call) => call.arguments);
}
