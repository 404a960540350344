import type * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import { LogoMeshError, PluginPermissionsSchema, type JsonObject, type PluginPermissions } from "@logomesh/contracts";
import type { WorkflowGrant } from "../ports/index.ts";
import type { PolicyAction } from "./schema.ts";

// Grants become Cedar's JSON form: every id and host is a value in a syntax tree, so that no text can end one policy and begin another.

/** Permits of one principal by policy id. */
export type GrantPolicies = Record<string, cedar.PolicyJson>;

type NetFetchEntry = NonNullable<PluginPermissions["net.fetch"]>[number];

interface Permit {
  action: PolicyAction;
  resource: { type: string; id: string };
  conditions?: cedar.Clause[];
}

const RESOURCE_TYPES: Record<WorkflowGrant["action"], string> = {
  "plugin.call": "Tool",
  "llm.generate": "Model",
  "net.fetch": "NetHost",
  "thought.read": "Thoughts",
  "thought.write": "Thoughts",
  "workflow.run": "Workflow",
  "event.publish": "EventType",
  "secret.use": "Secret",
};

/** Whether a definition can be granted it. */
export function isWorkflowAction(action: string): boolean {
  return Object.hasOwn(RESOURCE_TYPES, action);
}

/** What a definition was granted; calling a tool includes starting its plugin. */
export function workflowPermits(definitionHash: string, grants: readonly WorkflowGrant[]): GrantPolicies {
  const permits = grants.flatMap(({ action, resource }): Permit[] => [
    { action, resource: { type: RESOURCE_TYPES[action], id: resource } },
    ...(action === "plugin.call" ? [startPermit(resource)] : []),
  ]);
  return toPolicies({ type: "Workflow", id: definitionHash }, permits);
}

/**
 * What a plugin was granted of the permissions that are decided here; the others (`env`, `fs.data` …) say how it is started.
 * Hosts, models and targets are literal. A host is reached by https on port 443 unless it says another port, by http where it says so.
 */
export function pluginPermits(pluginId: string, permissions: JsonObject): GrantPolicies {
  const granted = parsePermissions(permissions);
  const thoughts = { type: "Thoughts", id: "*" };
  const self = { type: "Plugin", id: pluginId };
  const permits: Permit[] = [
    ...(granted["plugin.call"] ?? []).flatMap(({ target }): Permit[] => [
      { action: "plugin.call", resource: { type: "Tool", id: target } },
      startPermit(target),
    ]),
    ...(granted["llm.generate"]?.models ?? []).map((model): Permit => ({
      action: "llm.generate",
      resource: { type: "Model", id: model },
    })),
    ...(granted["net.fetch"] ?? []).flatMap(hostPermits),
    ...(granted["thought.read"] ? [{ action: "thought.read", resource: thoughts } satisfies Permit] : []),
    ...(granted["thought.write"] ? [{ action: "thought.write", resource: thoughts } satisfies Permit] : []),
    ...(granted.store ? (["store", "blob"] as const) : []).map((action): Permit => ({ action, resource: self })),
  ];
  const policies = toPolicies(self, permits);
  if (granted["model.propose"]) policies["grant:model.propose"] = anyModelPermit(self);
  for (const action of ["fs.read", "fs.propose"] as const) {
    for (const { path } of granted[action] ?? []) {
      policies[`grant:${action}:${path}`] = pathPermit(self, action, path);
    }
  }
  // What is mounted can be read, so the constitution judges it as it judges reading.
  for (const { path } of granted["fs.mount"] ?? []) {
    policies[`grant:fs.mount:${path}`] = pathPermit(self, "fs.read", path);
  }
  for (const action of ["event.publish", "event.subscribe"] as const) {
    for (const { type } of granted[action] ?? []) {
      policies[`grant:${action}:${type}`] = eventPermit(self, action, type);
    }
  }
  return policies;
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function parsePermissions(permissions: JsonObject): PluginPermissions {
  const parsed = PluginPermissionsSchema.safeParse(permissions);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `The permissions are not those of a manifest: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}.`,
  );
}

function toPolicies(principal: cedar.TypeAndId, permits: readonly Permit[]): GrantPolicies {
  const policies: GrantPolicies = {};
  for (const { action, resource, conditions = [] } of permits) {
    let id = `grant:${action}:${resource.id}`;
    // One host may be granted twice with different methods.
    while (conditions.length > 0 && policies[id] !== undefined) id += "+";
    policies[id] = {
      effect: "permit",
      principal: { op: "==", entity: principal },
      action: { op: "==", entity: { type: "Action", id: action } },
      resource: { op: "==", entity: resource },
      conditions,
    };
  }
  return policies;
}

function startPermit(tool: string): Permit {
  return { action: "plugin.start", resource: { type: "Plugin", id: tool.split("#", 1)[0] ?? "" } };
}

function hostPermits({ host, methods, via }: NetFetchEntry): Permit[] {
  const [, scheme = "https", name = ""] = /^(?:(https?):\/\/)?(.*)$/s.exec(host.toLowerCase()) ?? [];
  const place = /:\d+$/.test(name) ? name : `${name}:${scheme === "https" ? 443 : 80}`;
  const permit = (id: string, conditions: cedar.Clause[]): Permit => ({
    ...{ action: "net.fetch", resource: { type: "NetHost", id }, conditions },
  });
  if (via === "proxy") {
    // What is in a tunnel nobody sees, neither a method nor whether it is encrypted: one is asked for like a host by https.
    return [...new Set([`${scheme}://${place}`, `https://${place}`])].map((id) => permit(id, []));
  }
  const method: cedar.Expr = { ".": { left: { Var: "resource" }, attr: "method" } };
  const allowed: cedar.Expr = { Set: methods.map((each) => ({ Value: each.toUpperCase() })) };
  return [permit(`${scheme}://${place}`, [{ kind: "when", body: { contains: { left: allowed, right: method } } }])];
}

/** Whatever it proposes, a person decides about. */
function anyModelPermit(principal: cedar.TypeAndId): cedar.PolicyJson {
  return {
    effect: "permit",
    principal: { op: "==", entity: principal },
    action: { op: "==", entity: { type: "Action", id: "model.propose" } },
    resource: { op: "is", entity_type: "Model" },
    conditions: [],
  };
}

/** A type, or with a trailing `.*` every type that begins so; to ask for such a pattern is to ask for each of its types. */
function eventPermit(
  principal: cedar.TypeAndId,
  action: "event.publish" | "event.subscribe",
  granted: string,
): cedar.PolicyJson {
  const name: cedar.Expr = { ".": { left: { Var: "resource" }, attr: "name" } };
  const allowed: cedar.Expr = granted.endsWith(".*")
    ? { like: { left: name, pattern: [{ Literal: granted.slice(0, -1) }, "Wildcard"] } }
    : { "==": { left: name, right: { Value: granted } } };
  return {
    effect: "permit",
    principal: { op: "==", entity: principal },
    action: { op: "==", entity: { type: "Action", id: action } },
    resource: { op: "is", entity_type: "EventType" },
    conditions: [{ kind: "when", body: allowed }],
  };
}

/** The path itself and everything below it; `.` is the whole workspace. */
function pathPermit(principal: cedar.TypeAndId, action: "fs.read" | "fs.propose", granted: string): cedar.PolicyJson {
  const folder = granted.replace(/^\.\//, "").replace(/(\/\*\*)?\/?$/, "");
  const path: cedar.Expr = { ".": { left: { Var: "resource" }, attr: "path" } };
  const below: cedar.Expr = { like: { left: path, pattern: [{ Literal: `${folder}/` }, "Wildcard"] } };
  const conditions: cedar.Clause[] =
    folder === "."
      ? []
      : [{ kind: "when", body: { "||": { left: { "==": { left: path, right: { Value: folder } } }, right: below } } }];
  return {
    effect: "permit",
    principal: { op: "==", entity: principal },
    action: { op: "==", entity: { type: "Action", id: action } },
    resource: { op: "is", entity_type: "File" },
    conditions,
  };
}
