import { isIP } from "node:net";
import type * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { JsonObject } from "@logomesh/contracts";
import { reachOf } from "../network/index.ts";
import type { PolicyRequest, Principal } from "../ports/index.ts";
import { POLICY_ACTIONS } from "./schema.ts";

// From a request to what Cedar sees. What an id says (plugin of a tool, host of an origin) is derived here and never taken from the
// caller; what the caller adds is checked by the schema. Anything malformed gives a fault, which is a denial.

type Attributes = Record<string, cedar.CedarValueJson>;
type Resource = PolicyRequest["resource"];

/** A Plugin principal's group, and a Client's scopes and tools are looked up by the policy. */
export interface PrincipalFacts {
  scopes?: readonly string[];
  /** `<plugin>#<tool>` */
  tools?: readonly string[];
  group?: string;
  /** For `plugin.start`: whether the bundle that shall start is the one that was granted. */
  bundleGranted?: boolean;
}

export type CedarRequest = Pick<
  cedar.StatefulAuthorizationCall,
  "principal" | "action" | "resource" | "context" | "entities"
>;

/** The request for one principal of the chain, or why it makes no sense. */
export function toCedarRequest(
  request: {
    principal: Principal;
    action: string;
    resource: Resource;
    callDepth: number;
    tainted: boolean;
    throughPlugin: boolean;
  },
  facts: PrincipalFacts,
): CedarRequest | { fault: string } {
  const { principal, action, resource } = request;
  if (!POLICY_ACTIONS.some((known) => known === action)) return { fault: `There is no action ${action}.` };
  // Halves of surrogate pairs become one and the same character on their way to Cedar: two ids could meet.
  if (!principal.id.isWellFormed() || !resource.id.isWellFormed()) return { fault: "An id is not well-formed text." };
  const attributes = resourceAttributes(resource);
  if (attributes === undefined) return { fault: `“${resource.id}” is not the id of a ${resource.type}.` };
  const principalId = { type: principal.type, id: principal.id };
  const resourceId = { type: resource.type, id: resource.id };
  const entities: cedar.EntityJson[] = [
    { uid: principalId, attrs: principalAttributes(principal, facts), parents: [] },
  ];
  if (resource.type !== principal.type || resource.id !== principal.id)
    entities.push({ uid: resourceId, attrs: attributes, parents: [] });
  return {
    principal: principalId,
    action: { type: "Action", id: action },
    resource: resourceId,
    context: {
      callDepth: request.callDepth,
      tainted: request.tainted,
      throughPlugin: request.throughPlugin,
      ...(action === "plugin.start" ? { granted: facts.bundleGranted ?? false } : {}),
    },
    entities,
  };
}

function principalAttributes({ type }: Principal, facts: PrincipalFacts): Attributes {
  if (type === "Client") {
    const tools = (facts.tools ?? []).map((id) => ({ __entity: { type: "Tool", id } }));
    return { scopes: [...(facts.scopes ?? [])], tools };
  }
  return type === "Plugin" ? { group: facts.group ?? "none" } : {};
}

function resourceAttributes({ type, id, attributes = {} }: Resource): Attributes | undefined {
  switch (type) {
    case "Tool": {
      const [plugin, name] = splitOnce(id, "#");
      return plugin === "" || name === "" ? undefined : { plugin, name };
    }
    case "Plugin":
      return id === "" ? undefined : { group: "none" };
    case "Model":
      return id === ""
        ? undefined
        : pick(attributes, { name: id, provider: "unknown", local: false, simulated: false });
    case "NetHost":
      return hostAttributes(id, attributes);
    case "Workflow":
      return /^[^/]+\/[^/]+$/.test(id) ? {} : undefined;
    case "Thoughts":
      return id === "*" ? {} : undefined;
    case "File":
      return isRelativePath(id) ? { path: id, lowerPath: id.toLowerCase() } : undefined;
    case "Secret":
    case "EventType":
      return id === "" ? undefined : { name: id };
  }
}

/** `https://host:port` in the form that URL gives it; `address` is what the name was resolved to. */
function hostAttributes(id: string, { method, address }: JsonObject): Attributes | undefined {
  const match = /^(https?):\/\/([^/?#@\\\s]+):(\d{1,5})$/.exec(id);
  const [, scheme = "", host = "", port = ""] = match ?? [];
  if (match === null || !URL.canParse(id) || new URL(id).hostname !== host || String(Number(port)) !== port)
    return undefined;
  if (address !== undefined && (typeof address !== "string" || isIP(address) === 0)) return undefined;
  const target = typeof address === "string" ? address : host.replace(/^\[|\]$/g, "");
  return {
    scheme,
    host,
    port: Number(port),
    method: typeof method === "string" ? method.toUpperCase() : (method ?? ""),
    reach: reachOf(target),
  };
}

/** The caller's value of each known attribute, wrong types included: the schema refuses them. */
function pick(attributes: JsonObject, defaults: Attributes): Attributes {
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, attributes[name] ?? value]));
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function isRelativePath(path: string): boolean {
  return (
    path === "." ||
    (!/[\0\\]/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== ".."))
  );
}
