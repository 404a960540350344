import { LogoMeshError, type JsonObject, type PluginManifest } from "@logomesh/contracts";
import { assert, isObject, messageOf, toLogoMeshError } from "../../base/index.ts";
import type { AuditBacklog, AuditLog, CloudEvent, EventSubscription } from "../../ports/index.ts";
import type { HostTool } from "../hostPlane/hostTool.ts";
import {
  ListenInput,
  createHostTools,
  describeHostTools,
  parseInput,
  timeoutOf,
  type HostApi,
  type HostCall,
  type HostServices,
} from "../hostPlane/pluginApi.ts";
import { LISTEN, answerOf, isExpected, readScript, scriptedError, type ScriptedCall } from "./scriptedCalls.ts";

// The host that the tests of a plugin meet on descriptor 3. It has the tools of the real one, by name and schema, and nothing behind them:
// it answers what the running script says and refuses everything else. States: no script → a script runs → its verdict is asked → no script.

/** How a test begins its script and asks for the verdict; both are tools beside the real ones, which no list names. */
export const TEST_BEGIN = "test_begin";
export const TEST_END = "test_end";

/** Of what went wrong in one script, or outside of any; more say the same. */
const PROBLEMS_MAX = 20;
/** Requests that a verdict lists. */
const ASKED_MAX = 1_000;
/** Of arguments in a message. */
const QUOTED_CHARS = 500;

interface Expected {
  call: ScriptedCall;
  left: number;
}

/** Touching it is a fault of ours: no tool of the script runs. */
const NOTHING: unknown = new Proxy(
  {},
  {
    get: (_, name) => {
      throw new Error(`a scripted host performs nothing, and was asked for ${String(name)}`);
    },
  },
);

/** Every tool that a workbench can have. Their code needs services and never gets any. */
function realTools(): ReadonlyMap<string, HostTool> {
  const services = {
    ...{
      plugins: NOTHING,
      thoughts: NOTHING,
      store: NOTHING,
      blobs: NOTHING,
      web: NOTHING,
      events: NOTHING,
      eventStore: NOTHING,
    },
    models: { models: NOTHING, tokens: NOTHING },
    proposals: { choices: NOTHING, approvals: NOTHING },
    files: { files: NOTHING, approvals: NOTHING },
  } as HostServices;
  return createHostTools({ services, audit: NOTHING as AuditLog & AuditBacklog });
}

export class ScriptedHost implements HostApi {
  readonly #manifest: PluginManifest;
  readonly #tools = realTools();
  #listed: JsonObject[] | undefined;
  #script: Expected[] | undefined;
  #problems: string[] = [];
  #asked: JsonObject[] = [];

  constructor(manifest: PluginManifest) {
    this.#manifest = manifest;
  }

  list(): JsonObject[] {
    return (this.#listed ??= describeHostTools(this.#tools));
  }

  has(name: string): boolean {
    return name === TEST_BEGIN || name === TEST_END || this.#tools.has(name);
  }

  readonly hasEvents = true;

  timeoutMs(name: string): number {
    return timeoutOf(this.#tools.get(name));
  }

  /** There is no network in a test. */
  openProxy(): undefined {
    return undefined;
  }

  /** @throws LogoMeshError LM_INPUT_INVALID for what the host would never answer, LM_CONFLICT while another script runs */
  begin(script: JsonObject): void {
    if (this.#script !== undefined)
      throw new LogoMeshError(
        "LM_CONFLICT",
        "Another test's script has not ended. Tests that script the host run one after another.",
      );
    const calls = readScript(script, { tools: this.#tools, permissions: this.#manifest.permissions });
    this.#script = calls.map((call) => ({ call, left: call.times }));
    this.#asked = [];
  }

  /** What was asked in the script, and what of it went otherwise than expected. */
  end(): { problems: string[]; calls: JsonObject[] } {
    const missed = (this.#script ?? [])
      .filter(({ left }) => left > 0)
      .map(({ call, left }) => {
        const times = left === 1 ? "" : `, ${left} times more`;
        return `The test expects ${quote(call.tool, call.arguments)}${times}, and the plugin did not ask for it.`;
      });
    const problems = [...this.#problems, ...missed].slice(0, PROBLEMS_MAX);
    const calls = this.#asked;
    this.#script = undefined;
    this.#problems = [];
    this.#asked = [];
    return { problems, calls };
  }

  call(name: string, args: JsonObject, asked: HostCall): Promise<JsonObject> {
    return new Promise((resolve) => resolve(this.#call(name, args, asked)));
  }

  listen(params: JsonObject, { session }: Pick<HostCall, "session">): Promise<EventSubscription> {
    return new Promise((resolve) => resolve(this.#listen(params, session.pluginId)));
  }

  // ---- inside

  #call(name: string, args: JsonObject, { onText, onProgress }: HostCall): JsonObject {
    if (name === TEST_BEGIN) {
      this.begin(args);
      return {};
    }
    if (name === TEST_END) return this.end();
    const tool = this.#tools.get(name);
    assert(tool !== undefined, "the host plane asked whether there is such a tool");
    const read = parseInput(name, tool.input, args) as JsonObject;
    const call = this.#take(name, args, read);
    for (const piece of call.pieces ?? []) onText?.(piece);
    for (const { progress, total, message } of call.progress ?? [])
      onProgress?.({
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      });
    return this.#answer(call, read, tool);
  }

  #listen({ _meta, ...args }: JsonObject, pluginId: string): EventSubscription {
    const call = this.#take(LISTEN, args, parseInput(LISTEN, ListenInput, args));
    const { events = [] } = call;
    const error = scriptedError(call);
    if (error !== undefined) throw error;
    return new ScriptedEvents(
      events.map(({ type, subject, source = `plugin:${pluginId}`, data }, index) => ({
        ...{ specversion: "1.0", id: `evt_${index + 1}`, time: "2026-01-01T00:00:00.000Z", type, source },
        ...(subject === undefined ? {} : { subject }),
        ...(data === undefined ? {} : { data }),
      })),
    );
  }

  /** The next expected call like this one. @throws LogoMeshError LM_PLUGIN_UNSCRIPTED */
  #take(tool: string, asked: JsonObject, read: JsonObject): ScriptedCall {
    if (this.#asked.length < ASKED_MAX) this.#asked.push({ tool, arguments: asked });
    const script = this.#script ?? [];
    const found = script.find(({ call, left }) => left > 0 && call.tool === tool && isExpected(call, asked, read));
    if (found !== undefined) {
      found.left -= 1;
      return found.call;
    }
    const message = this.#describeUnexpected(tool, asked, script);
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(message);
    throw new LogoMeshError("LM_PLUGIN_UNSCRIPTED", message);
  }

  #describeUnexpected(tool: string, asked: JsonObject, script: readonly Expected[]): string {
    const alike = script
      .filter(({ call }) => call.tool === tool)
      .map(({ call, left }) => {
        const used = left === 0 ? " (asked for already)" : "";
        return `${JSON.stringify(call.arguments).slice(0, QUOTED_CHARS)}${used}`;
      });
    const expected = alike.length === 0 ? "" : ` It expects ${tool} with ${alike.slice(0, 3).join(", or with ")}.`;
    const answer = tool === LISTEN ? `"events":[…]` : `"result":${this.#shapeOf(tool)}`;
    const entry = `{"tool":"${tool}","arguments":${JSON.stringify(asked).slice(0, QUOTED_CHARS)},${answer}}`;
    const where = this.#script === undefined ? "No script runs" : "The script of the test does not expect this";
    return `${where}: ${quote(tool, asked)}.${expected} To answer it, add ${entry} to the calls that the test expects of the host.`;
  }

  /** The fields of an answer, by name. */
  #shapeOf(tool: string): string {
    const described = this.list().find(({ name }) => name === tool);
    const properties = isObject(described?.outputSchema) ? described.outputSchema.properties : undefined;
    return `{${
      isObject(properties)
        ? Object.keys(properties)
            .map((name) => `"${name}":…`)
            .join(",")
        : ""
    }}`;
  }

  #answer(call: ScriptedCall, read: JsonObject, tool: HostTool): JsonObject {
    try {
      return answerOf(call, read, tool);
    } catch (error) {
      if (call.error === undefined) this.#problems.push(messageOf(error));
      throw toLogoMeshError(error);
    }
  }
}

/** The events of a script, and then silence until it is disposed, as of a bus on which nothing happens. */
class ScriptedEvents implements EventSubscription {
  readonly #events: CloudEvent[];
  readonly #end = Promise.withResolvers<undefined>();

  constructor(events: CloudEvent[]) {
    this.#events = events;
  }

  next(): Promise<{ event: CloudEvent; dropped: number } | undefined> {
    const event = this.#events.shift();
    return event === undefined ? this.#end.promise : Promise.resolve({ event, dropped: 0 });
  }

  [Symbol.dispose](): void {
    this.#events.length = 0;
    this.#end.resolve(undefined);
  }
}

function quote(tool: string, args: JsonObject): string {
  return `${tool} ${JSON.stringify(args).slice(0, QUOTED_CHARS)}`;
}
