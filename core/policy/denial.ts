import type { Actor } from "@logomesh/contracts";
import type { AuditEntryDraft, PolicyDecision, PolicyRequest, Principal } from "../ports/index.ts";

/** Characters of an id in an entry: ids come from outside, entries have a size limit. */
const ID_CHARS_MAX = 1000;

const ACTOR_TYPES: Record<Principal["type"], Actor["type"]> = {
  Plugin: "plugin",
  Workflow: "workflow",
  Client: "client",
  DevShell: "client",
};

/** The entry of a denial. `principal` is the one of the chain that is not allowed. */
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

function cut(text: string): string {
  return text.length <= ID_CHARS_MAX ? text : `${text.slice(0, ID_CHARS_MAX)}…`;
}
