import type { Actor, LogoMeshError } from "@logomesh/contracts";
import type { AuditEntryDraft, PolicyDecision, PolicyRequest, Principal } from "../ports/index.ts";
import type { ConstitutionVersion } from "./constitutionFile.ts";

/** Characters of an id in an entry: ids come from outside, entries have a size limit. */
const ID_CHARS_MAX = 1000;
/** Characters of a resource's attributes in an entry; longer ones are left out. */
const ATTRIBUTES_CHARS_MAX = 2000;

const ACTOR_TYPES: Record<Principal["type"], Actor["type"]> = {
  Plugin: "plugin",
  Workflow: "workflow",
  Client: "client",
  DevShell: "client",
};

/** The entry of a denial, with all that is needed to decide it again. `principal` is the one of the chain that is not allowed. */
export function deniedEntry(request: PolicyRequest, principal: Principal, decision: PolicyDecision): AuditEntryDraft {
  const { action, resource, context } = request;
  const asking = request.principal;
  return {
    kind: "policy.denied",
    actor: { type: ACTOR_TYPES[asking.type], id: cut(asking.id) },
    trace: {
      ...(context?.run === undefined ? {} : { run: context.run }),
      ...(context?.task === undefined ? {} : { task: context.task }),
      ...(asking.type === "Plugin" ? { plugin: cut(asking.id) } : {}),
      status: "denied",
    },
    data: {
      action: cut(action),
      resource: cut(resource.id),
      resourceType: resource.type,
      principal: cut(`${principal.type}:${principal.id}`),
      policies: decision.policies.slice(0, 20).map(cut),
      reason: cut(decision.reason),
    },
    payload: { request: { bytes: JSON.stringify(recordedRequest(request)), media: "application/json" } },
  };
}

function recordedRequest({ principal, chain = [], action, resource, context = {} }: PolicyRequest): PolicyRequest {
  const { type, id, attributes } = resource;
  const isShort = attributes !== undefined && JSON.stringify(attributes).length <= ATTRIBUTES_CHARS_MAX;
  return {
    principal: cutId(principal),
    // A chain that is longer than any that can be allowed says no more.
    chain: chain.slice(0, 8).map(cutId),
    action: cut(action),
    resource: { type, id: cut(id), ...(isShort ? { attributes } : {}) },
    context,
  };
}

/** Another constitution came into force. */
export function constitutionChangedEntry(change: {
  version: ConstitutionVersion;
  previous: string | undefined;
  actor: Actor;
}): AuditEntryDraft {
  const { version, previous, actor } = change;
  return {
    kind: "constitution.changed",
    actor,
    data: { sha256: version.sha256, ...(previous === undefined ? {} : { previous }), rules: version.rules.size },
    payload: { text: { bytes: version.text, media: "text/plain" } },
  };
}

/** What the file holds is not valid; `inForce` stays. */
export function constitutionRefusedEntry(
  problem: LogoMeshError,
  inForce: ConstitutionVersion | undefined,
): AuditEntryDraft {
  return {
    kind: "constitution.refused",
    actor: { type: "system", id: "constitution.cedar" },
    trace: { status: "denied" },
    data: { reason: cut(problem.message), ...(inForce === undefined ? {} : { inForce: inForce.sha256 }) },
  };
}

/** What the person reads. */
export function deniedText(
  { action, resource }: PolicyRequest,
  principal: Principal,
  decision: PolicyDecision,
): string {
  const by = decision.policies.length === 0 ? "" : ` (${decision.policies.join(", ")})`;
  return `${principal.type} ${cut(principal.id)} may not ${cut(action)} ${cut(resource.id)}${by}: ${decision.reason}`;
}

function cutId({ type, id }: Principal): Principal {
  return { type, id: cut(id) };
}

function cut(text: string): string {
  return text.length <= ID_CHARS_MAX ? text : `${text.slice(0, ID_CHARS_MAX)}…`;
}
