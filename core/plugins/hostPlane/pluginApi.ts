import { LogoMeshError, type InputProblem, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import { assert, toLogoMeshError } from "../../base/index.ts";
import type {
  AuditEntryDraft,
  AuditBacklog,
  AuditLog,
  BlobStore,
  EventBus,
  EventStore,
  EventSubscription,
  Grants,
  LanguageModels,
  PluginStore,
  PluginTools,
  Policy,
  PolicyRequest,
  Thoughts,
  WebFetch,
  WebTunnels,
} from "../../ports/index.ts";
import { pluginOwner } from "../../storage/index.ts";
import type { CallInFlight } from "./callRegister.ts";
import { eventTools } from "./eventTools.ts";
import { fileTools, type FileServices } from "./fileTools.ts";
import type { HostAnswer, HostRequest, HostTool } from "./hostTool.ts";
import { modelTools } from "./modelTools.ts";
import { NetworkProxy, type ProxyOptions } from "./networkProxy.ts";
import { networkTools } from "./networkTools.ts";
import { pluginTools } from "./pluginTools.ts";
import { proposalTools, type ProposalServices } from "./proposalTools.ts";
import type { ProcessTaint } from "./processTaint.ts";
import { blobTools, storeTools } from "./storeTools.ts";
import { thoughtTools } from "./thoughtTools.ts";
import type { TokenLedger } from "../store/index.ts";

// What a plugin may ask of the workbench: one table of tools over the ports. Each operation is checked against its schema, asked of the policy
// for the plugin and everyone it works for, and recorded. It knows nothing of sockets.

const TIMEOUT_MS = 30_000;
const PROBLEMS_MAX = 20;
/** Of one text in an entry. */
const ENTRY_CHARS_MAX = 1_000;
const NEVER = new AbortController().signal;

export const ListenInput = z.strictObject({
  /** Exact, or with a trailing `.*`. */
  types: z.array(z.string().min(1).max(200)).min(1).max(20),
});

/** What answers the tools. A tool without its service is not listed. */
export interface HostServices {
  plugins: PluginTools;
  models?: { models: LanguageModels; tokens: TokenLedger };
  proposals?: ProposalServices;
  thoughts?: Thoughts;
  store?: PluginStore;
  blobs?: BlobStore;
  files?: Omit<FileServices, "blobs">;
  web?: WebFetch;
  tunnels?: WebTunnels;
  events?: EventBus;
  /** Where published events are kept; `event_publish` needs both. */
  eventStore?: EventStore;
}

export interface PluginAPIOptions {
  services: HostServices;
  policy: Policy;
  grants: Grants;
  audit: AuditLog & AuditBacklog;
}

/** One process of a plugin. */
export interface HostSession {
  pluginId: string;
  taint: ProcessTaint;
}

export interface HostCall extends Pick<HostRequest, "signal" | "onText" | "onProgress"> {
  session: HostSession;
  call: CallInFlight;
}

/** What the host plane asks: tools by name, and events. */
export interface HostApi {
  /** As `tools/list` answers. */
  list(): JsonObject[];
  has(name: string): boolean;
  readonly hasEvents: boolean;
  /** Of one operation. */
  timeoutMs(name: string): number;
  /** The tool's `structuredContent`. @throws LogoMeshError what the tool throws */
  call(name: string, args: JsonObject, asked: HostCall): Promise<JsonObject>;
  listen(params: JsonObject, asked: Pick<HostCall, "session" | "call">): Promise<EventSubscription>;
  /** Undefined where nothing reaches a network. */
  openProxy(options: ProxyOptions): NetworkProxy | undefined;
}

/** The tools whose service there is. */
export function createHostTools({ services, audit }: Pick<PluginAPIOptions, "services" | "audit">) {
  const { blobs } = services;
  return new Map<string, HostTool>(
    Object.entries({
      ...(services.files === undefined ? {} : fileTools({ ...services.files, blobs })),
      ...(services.web === undefined ? {} : networkTools({ web: services.web, audit, blobs })),
      ...(services.store === undefined ? {} : storeTools({ store: services.store, audit })),
      ...(blobs === undefined ? {} : blobTools({ blobs, audit })),
      ...pluginTools(services.plugins, blobs),
      ...(services.models === undefined ? {} : modelTools(services.models)),
      ...(services.proposals === undefined ? {} : proposalTools(services.proposals)),
      ...(services.events === undefined || services.eventStore === undefined
        ? {}
        : eventTools({ events: services.events, store: services.eventStore })),
      ...(services.thoughts === undefined ? {} : thoughtTools(services.thoughts)),
    }),
  );
}

/** As `tools/list` answers. */
export function describeHostTools(tools: ReadonlyMap<string, HostTool>): JsonObject[] {
  return [...tools].map(([name, { description, input, output }]) => ({
    name,
    description,
    inputSchema: schemaOf(input, "input"),
    outputSchema: schemaOf(output, "output"),
  }));
}

/** Of an operation, unless the tool says otherwise. */
export function timeoutOf(tool: HostTool | undefined): number {
  return tool?.timeoutMs ?? TIMEOUT_MS;
}

export class PluginAPI implements HostApi {
  readonly #options: PluginAPIOptions;
  readonly #tools: ReadonlyMap<string, HostTool>;
  #listed: JsonObject[] | undefined;

  constructor(options: PluginAPIOptions) {
    this.#options = options;
    this.#tools = createHostTools(options);
  }

  /** As `tools/list` answers; made once, because making it takes longer than asking for it. */
  list(): JsonObject[] {
    return (this.#listed ??= describeHostTools(this.#tools));
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  get hasEvents(): boolean {
    return this.#options.services.events !== undefined;
  }

  /**
   * A subscription to event types or patterns; each must be allowed, now and for everyone the plugin works for.
   * @throws LogoMeshError LM_POLICY_DENIED, LM_INPUT_INVALID, LM_AUDIT_UNWRITABLE
   */
  async listen(params: JsonObject, { session, call }: Pick<HostCall, "session" | "call">): Promise<EventSubscription> {
    const { events } = this.#options.services;
    assert(events !== undefined, "there is a bus");
    const { _meta, ...args } = params;
    const { types } = parseInput("events/listen", ListenInput, args);
    const request = this.#requestOf({
      ...{ session, call, kind: "host.events_listen", subject: { types } },
      ...{ signal: NEVER, onText: undefined, onProgress: undefined },
    });
    for (const type of types) request.require("event.subscribe", { type: "EventType", id: type });
    await this.#options.audit.append(request.entry({}));
    return events.subscribe({ types, subscriber: pluginOwner(session.pluginId) });
  }

  /** What a proxied sandbox's bridge leads to; undefined where nothing here reaches a network. */
  openProxy(options: ProxyOptions): NetworkProxy | undefined {
    const { audit, services } = this.#options;
    const { web, tunnels } = services;
    if (web === undefined || tunnels === undefined) return undefined;
    return new NetworkProxy({
      ...{ ...options, audit, web, tunnels },
      requestOf: (operation) =>
        this.#requestOf({ ...operation, session: options.session, onText: undefined, onProgress: undefined }),
    });
  }

  timeoutMs(name: string): number {
    return timeoutOf(this.#tools.get(name));
  }

  /** @throws LogoMeshError what the tool throws; LM_POLICY_DENIED, LM_INPUT_INVALID, LM_AUDIT_UNWRITABLE */
  async call(name: string, args: JsonObject, asked: HostCall): Promise<JsonObject> {
    const tool = this.#tools.get(name);
    if (tool === undefined) throw new LogoMeshError("LM_INPUT_INVALID", `There is no tool ${name}.`);
    const parsed = parseInput(name, tool.input, args);
    const request = this.#requestOf({ ...asked, kind: `host.${name}`, subject: tool.subject(parsed) });
    try {
      const answer = await tool.run(parsed, request);
      if (answer.isRecorded !== true) await this.#record(tool, request, answer);
      return answer.result;
    } catch (error) {
      const { code } = toLogoMeshError(error);
      // A denial has an entry of its own.
      if (code !== "LM_POLICY_DENIED" && code !== "LM_AUDIT_UNWRITABLE") {
        const status = asked.signal.aborted ? "cancelled" : "faulted";
        this.#options.audit.enqueue({ ...withStatus(request.entry({ code }), status) });
      }
      throw error;
    }
  }

  async #record(tool: HostTool, request: HostRequest, { data = {}, payload }: HostAnswer): Promise<void> {
    const draft = { ...request.entry(data), ...(payload === undefined ? {} : { payload }) };
    if (tool.record === "queued") {
      await this.#options.audit.room();
      this.#options.audit.enqueue(draft);
    } else await this.#options.audit.append(draft);
  }

  #requestOf({
    session,
    call,
    signal,
    onText,
    onProgress,
    kind,
    subject,
  }: HostCall & { kind: string; subject: JsonObject }): HostRequest {
    const { policy, grants } = this.#options;
    const { pluginId } = session;
    const { callers, run } = call;
    return {
      ...{ pluginId, callers, run, signal, onText, onProgress },
      get isTainted() {
        return session.taint.isSet;
      },
      taint: () => session.taint.add(),
      granted: () => grants.pluginGrant(pluginId)?.permissions ?? {},
      require: (action, resource, { isOwn = false } = {}) => {
        policy.require(policyRequest({ action, resource, session, callers: isOwn ? [] : callers, run }));
      },
      entry: (data): AuditEntryDraft => ({
        kind,
        actor: { type: "plugin", id: pluginId },
        trace: {
          plugin: pluginId,
          status: "completed",
          ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }),
        },
        data: forEntry({
          ...{ ...subject, ...data },
          ...(callers.length === 0 ? {} : { callers: callers.map(({ type, id }) => `${type}:${id}`) }),
          ...(session.taint.isSet ? { tainted: true } : {}),
        }) as JsonObject,
      }),
    };
  }
}

function policyRequest({
  action,
  resource,
  session,
  callers,
  run,
}: {
  action: string;
  resource: PolicyRequest["resource"];
  session: HostSession;
} & CallInFlight): PolicyRequest {
  return {
    principal: { type: "Plugin", id: session.pluginId },
    ...{ action, resource },
    ...(callers.length === 0 ? {} : { chain: callers }),
    context: {
      tainted: session.taint.isSet,
      ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }),
    },
  };
}

/** Texts of plugins may be of any length and no Unicode at all; an entry holds neither. */
function forEntry(value: JsonValue): JsonValue {
  if (typeof value === "string") return value.slice(0, ENTRY_CHARS_MAX).toWellFormed();
  if (Array.isArray(value)) return value.map(forEntry);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, forEntry(part)]));
}

function withStatus(draft: AuditEntryDraft, status: string): AuditEntryDraft {
  return { ...draft, trace: { ...draft.trace, status } };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest as JsonObject;
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function parseInput<T extends z.ZodType>(name: string, schema: T, args: JsonObject): z.output<T> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, PROBLEMS_MAX).map(({ path, message }): InputProblem => ({
    pointer: path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""),
    message,
  }));
  const [first] = problems;
  const place = first === undefined || first.pointer === "" ? "the arguments" : first.pointer;
  throw new LogoMeshError("LM_INPUT_INVALID", `${name}: ${place}: ${first?.message ?? "not valid"}.`, { problems });
}
