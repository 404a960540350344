import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { JsonObject } from "@logomesh/contracts";
import type { PolicyRequest, Principal } from "../ports/index.ts";
import type { Asked, GrantSource } from "./evaluator.ts";
import { pluginPermits, workflowPermits, type GrantPolicies } from "./grantPolicies.ts";

// What current grants allow, as requests: for each permit one that it names literally, untainted and tainted. Read from the permits, so
// that a permission that comes to be granted is replayed without being listed here.

type Resource = PolicyRequest["resource"];

/** For each grant what it lets its principal ask. */
export function* requestsOfGrants(grants: Pick<GrantSource, "listGrants" | "pluginGrant">): Generator<Asked> {
  const { plugins, workflows } = grants.listGrants();
  for (const { pluginId, permissions } of plugins)
    yield* requestsOf({ type: "Plugin", id: pluginId }, pluginPermits(pluginId, permissions), grants);
  for (const { definitionHash, grants: granted } of workflows)
    yield* requestsOf({ type: "Workflow", id: definitionHash }, workflowPermits(definitionHash, granted), grants);
}

function* requestsOf(
  principal: Principal,
  permits: GrantPolicies,
  grants: Pick<GrantSource, "pluginGrant">,
): Generator<Asked> {
  for (const permit of Object.values(permits)) {
    const action = "entity" in permit.action ? idOf(permit.action.entity).id : undefined;
    if (action === undefined) continue;
    for (const resource of resourcesOf(permit, grants))
      for (const tainted of [false, true])
        yield { principal, action, resource, callDepth: 0, tainted, throughPlugin: false };
  }
}

function resourcesOf(permit: Cedar.PolicyJson, grants: Pick<GrantSource, "pluginGrant">): Resource[] {
  const { resource } = permit;
  if (!("entity" in resource)) {
    const type = resource.op === "is" ? (resource.entity_type as Resource["type"]) : "File";
    return literalsIn(permit).map((id) => ({ type, id }));
  }
  const { type, id } = idOf(resource.entity);
  if (type === "NetHost") return methodsOf(permit).map((method) => netHost(id, { method }));
  // A plugin starts as what was granted of it.
  if (type === "Plugin") return [{ type, id, attributes: { sha256: grants.pluginGrant(id)?.sha256 ?? "" } }];
  return [{ type: type as Resource["type"], id }];
}

/** A permit without a condition is one for tunnels, in which any method goes. */
function methodsOf(permit: Cedar.PolicyJson): string[] {
  return permit.conditions.length === 0 ? ["CONNECT"] : literalsIn(permit);
}

function netHost(id: string, attributes: JsonObject): Resource {
  return { type: "NetHost", id, attributes };
}

/** The texts that the permit's conditions compare with: a folder, methods, a type of event; `.` where there is none. */
function literalsIn(permit: Cedar.PolicyJson): string[] {
  const values: string[] = [];
  const patterns: string[] = [];
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    if ("Value" in part && typeof part.Value === "string") values.push(part.Value);
    // A pattern is what it is compared with as well: to ask for it is to ask for all below it.
    if ("Literal" in part && typeof part.Literal === "string") patterns.push(`${part.Literal}*`);
    for (const member of Object.values(part)) visit(member);
  };
  visit(permit.conditions);
  return values.length > 0 ? values : patterns.length > 0 ? patterns : ["."];
}

function idOf(entity: Cedar.EntityUidJson): { type: string; id: string } {
  return "__entity" in entity ? entity.__entity : entity;
}
