import type { Actor, AuditEntry, JsonObject, JsonValue } from "@logomesh/contracts";
import type { PolicyRequest, Principal } from "../ports/index.ts";

// What was asked of the policy before an entry was written that says what happened: the entries of privileged operations, by kind. An entry
// holds no decision, so what allowed it is decided again from this.

/** The request behind the entry; undefined when nothing was asked for it. */
export function allowedRequestOf(entry: AuditEntry): PolicyRequest | undefined {
  const { kind, data, trace, actor } = entry;
  const asked = kind.startsWith("host.")
    ? hostRequest(kind.slice("host.".length), entry)
    : kind.startsWith("step.")
      ? stepRequest(entry)
      : REQUESTS[kind]?.(entry);
  if (asked === undefined) return undefined;
  const { run, task } = trace;
  // What belongs to the plugin is asked of the plugin alone.
  const isOwn = asked.action === "store" || asked.action === "blob";
  const chain = isOwn ? [] : callersIn(data.callers);
  return {
    principal: principalOf(actor, entry),
    ...asked,
    ...(chain.length === 0 ? {} : { chain }),
    context: {
      ...(data.tainted === true ? { tainted: true } : {}),
      ...(run === undefined ? {} : { run }),
      ...(task === undefined ? {} : { task }),
    },
  };
}

type Asked = Pick<PolicyRequest, "action" | "resource">;
type FromEntry = (entry: AuditEntry) => Asked | undefined;

const THOUGHTS = { type: "Thoughts", id: "*" } as const;

const modelRequest: FromEntry = ({ data, trace }) => {
  const { requested, simulated, local = true } = data;
  const name = trace.model ?? "";
  const attributes = { name, provider: text(data["gen_ai.provider.name"]), local, simulated: simulated ?? false };
  return { action: "llm.generate", resource: { type: "Model", id: text(requested) || name, attributes } };
};

const REQUESTS: Readonly<Record<string, FromEntry>> = {
  "plugin.called": ({ trace, data }) => toolRequest(trace.plugin, data.tool),
  "plugin.load": ({ trace }) => startRequest(trace.plugin, undefined),
  "plugin.started": ({ trace, data }) => startRequest(trace.plugin, data.sha256),
  "llm.request": modelRequest,
  "event.published": ({ data }) => ({ action: "event.publish", resource: { type: "EventType", id: text(data.type) } }),
  "run.started": ({ data }) => ({ action: "workflow.run", resource: { type: "Workflow", id: text(data.workflow) } }),
};

/** What a step of a run did. One that asked a model is decided with its prompt. */
function stepRequest({ data, trace }: AuditEntry): Asked | undefined {
  switch (text(data.call)) {
    case "plugin":
      return toolRequest(trace.plugin, data.tool);
    case "http":
      return hostOf(data.url, data.method);
    case "thought.create":
      return { action: "thought.write", resource: THOUGHTS };
    default:
      return undefined;
  }
}

/** What a plugin asked of the workbench, by the name of the tool. */
function hostRequest(tool: string, { data, trace }: AuditEntry): Asked | undefined {
  const self = { type: "Plugin", id: trace.plugin ?? "" } as const;
  const file = { type: "File", id: text(data.path) } as const;
  const [prefix] = tool.split("_", 1);
  switch (tool) {
    case "fs_read":
    case "fs_list":
      return { action: "fs.read", resource: file };
    case "fs_propose_change":
      return { action: "fs.propose", resource: file };
    case "net_fetch":
      return hostOf(`https://${text(data.host)}`, data.method);
    case "plugin_call":
      return toolRequest(text(data.plugin), data.tool);
    case "thought_search":
    case "thought_get":
      return { action: "thought.read", resource: THOUGHTS };
    case "thought_create":
      return { action: "thought.write", resource: THOUGHTS };
    case "event_publish":
      return { action: "event.publish", resource: { type: "EventType", id: text(data.type) } };
    case "events_listen": {
      const [first] = Array.isArray(data.types) ? data.types : [];
      return { action: "event.subscribe", resource: { type: "EventType", id: text(first) } };
    }
    case "llm_generate":
      return { action: "llm.generate", resource: { type: "Model", id: text(data.model), attributes: { local: true } } };
    case "model_propose": {
      const attributes = { name: text(data.model), provider: text(data.provider), local: true };
      return { action: "model.propose", resource: { type: "Model", id: text(data.model), attributes } };
    }
    default:
      return prefix === "store" || prefix === "blob" ? { action: prefix, resource: self } : undefined;
  }
}

function toolRequest(plugin: string | undefined, tool: JsonValue | undefined): Asked | undefined {
  if (plugin === undefined || typeof tool !== "string") return undefined;
  return { action: "plugin.call", resource: { type: "Tool", id: `${plugin}#${tool}` } };
}

function startRequest(plugin: string | undefined, sha256: JsonValue | undefined): Asked | undefined {
  if (plugin === undefined || typeof sha256 !== "string") return undefined;
  return { action: "plugin.start", resource: { type: "Plugin", id: plugin, attributes: { sha256 } } };
}

function hostOf(url: JsonValue | undefined, method: JsonValue | undefined): Asked | undefined {
  if (typeof url !== "string" || !URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const id = `${protocol}//${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  return { action: "net.fetch", resource: { type: "NetHost", id, attributes: { method: text(method) } } };
}

/** A client is written down by the name of its token, which several may have: its id is beside it. */
function principalOf({ type, id }: Actor, { data }: AuditEntry): Principal {
  if (type === "plugin") return { type: "Plugin", id };
  if (typeof data.token === "string") return { type: "Client", id: data.token };
  return { type: type === "workflow" ? "Workflow" : "Client", id };
}

/** `Workflow:<hash>`, the outermost first. */
function callersIn(callers: JsonObject[string] | undefined): Principal[] {
  if (!Array.isArray(callers)) return [];
  return callers.flatMap((caller) => {
    const [, type, id] = /^(Plugin|Workflow|Client|DevShell):(.+)$/s.exec(text(caller)) ?? [];
    return type === undefined || id === undefined ? [] : [{ type: type as Principal["type"], id }];
  });
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
