import type { JsonObject, PolicyRemedy } from "@logomesh/contracts";
import type { PluginGrant, PolicyDecision } from "../ports/index.ts";
import { RESERVED_ID } from "./builtins.ts";
import type { Constitution } from "./constitution.ts";
import { Evaluator, type Asked, type EvaluatorOptions } from "./evaluator.ts";

// Which grant would change a denial. Nothing is claimed that was not tried: the request is decided again as if the grant were there.

type Grant = NonNullable<PolicyRemedy["grant"]>;

const WHY = "As asked.";
const SCOPES: Partial<Record<string, string>> = {
  "plugin.call": "run",
  "plugin.start": "run",
  "workflow.run": "run",
  "workflow.read": "mcp",
  "thought.read": "mcp",
  "llm.generate": "llm",
};

/** Decides what a grant that nobody gave would change. */
export class RemedyFinder {
  readonly #options: EvaluatorOptions;
  readonly #evaluator: Evaluator;
  #plugins: ReadonlyMap<string, PluginGrant> = new Map();
  #added: Grant | undefined;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    const { grants, scopesOf, toolsOf } = options;
    this.#evaluator = new Evaluator({
      grants: {
        pluginGrant: (id) => this.#plugins.get(id) ?? grants.pluginGrant(id),
        workflowGrants: (hash) => {
          const added = this.#added?.kind === "workflow" && this.#added.definition === hash ? [this.#added] : [];
          return [...grants.workflowGrants(hash), ...added] as ReturnType<typeof grants.workflowGrants>;
        },
      },
      ...(toolsOf === undefined ? {} : { toolsOf }),
      scopesOf: (id) => {
        const added = this.#added?.kind === "scope" && this.#added.token === id ? [this.#added.scope] : [];
        return [...(scopesOf(id) ?? []), ...added] as ReturnType<typeof scopesOf>;
      },
    });
  }

  /** `denied` is the decision that is in force for the request. */
  find(asked: Asked, denied: PolicyDecision, constitution: Constitution): PolicyRemedy {
    const forbidding = denied.policies.filter((id) => id !== "builtin:granted-bundle");
    const grant = this.#grantFor(asked, denied);
    const decision = grant === undefined ? denied : this.#tryOut(asked, grant, constitution);
    return {
      text: textOf({ asked, grant, decision, forbidding }),
      suffices: decision.allowed,
      ...(grant?.grant === undefined || forbidding.length > 0 ? {} : { grant: grant.grant }),
    };
  }

  #tryOut(asked: Asked, { grant, plugin }: Trial, constitution: Constitution): PolicyDecision {
    this.#plugins = plugin === undefined ? new Map() : new Map([[plugin.pluginId, plugin]]);
    this.#added = grant;
    this.#evaluator.setConstitution(constitution);
    return this.#evaluator.evaluate(asked);
  }

  #grantFor(asked: Asked, denied: PolicyDecision): Trial | undefined {
    const { principal, action, resource } = asked;
    const { grants } = this.#options;
    if (denied.policies.includes("builtin:granted-bundle")) {
      const sha256 = resource.attributes?.sha256;
      const old = grants.pluginGrant(resource.id) ?? emptyGrant(resource.id);
      return { grant: undefined, plugin: { ...old, sha256: typeof sha256 === "string" ? sha256 : "" } };
    }
    switch (principal.type) {
      case "Plugin": {
        const permissions = permissionFor(asked);
        if (permissions === undefined) return undefined;
        const old = grants.pluginGrant(principal.id) ?? emptyGrant(principal.id);
        return {
          grant: { kind: "plugin", plugin: principal.id, permissions },
          plugin: { ...old, permissions: merge(old.permissions, permissions) },
        };
      }
      case "Workflow":
        return { grant: { kind: "workflow", definition: principal.id, action, resource: resource.id } };
      case "Client": {
        const scope = SCOPES[action] ?? "admin";
        return { grant: { kind: "scope", token: principal.id, scope } };
      }
      case "DevShell":
        return undefined;
    }
  }
}

interface Trial {
  grant: Grant | undefined;
  plugin?: PluginGrant;
}

function emptyGrant(pluginId: string): PluginGrant {
  return { pluginId, sha256: "", group: "user", permissions: {}, grantedBy: "nobody" };
}

/** As a manifest would ask for it. */
function permissionFor({ action, resource }: Asked): JsonObject | undefined {
  const { id, attributes } = resource;
  switch (action) {
    case "plugin.call":
      return { [action]: [{ target: id, why: WHY }] };
    case "llm.generate":
      return { [action]: { models: [id], max_tokens_per_day: 1, why: WHY } };
    case "net.fetch": {
      const method = typeof attributes?.method === "string" ? attributes.method : "GET";
      const host = id.replace(/^https:\/\/(.*?)(:443)?$/, "$1");
      const how = method === "CONNECT" ? { methods: ["*"], via: "proxy" } : { methods: [method] };
      return { [action]: [{ host, ...how, why: WHY }] };
    }
    case "thought.read":
    case "thought.write":
    case "model.propose":
      return { [action]: { why: WHY } };
    case "fs.read":
    case "fs.propose":
      return { [action]: [{ path: id, why: WHY }] };
    default:
      return undefined;
  }
}

function merge(old: JsonObject, added: JsonObject): JsonObject {
  const merged = { ...old };
  for (const [name, value] of Object.entries(added)) {
    const before = merged[name];
    merged[name] = Array.isArray(value) && Array.isArray(before) ? [...before, ...value] : value;
  }
  return merged;
}

function textOf(found: {
  asked: Asked;
  grant: Trial | undefined;
  decision: PolicyDecision;
  forbidding: readonly string[];
}): string {
  const { asked, grant, decision, forbidding } = found;
  const own = forbidding.filter((id) => !RESERVED_ID.test(id));
  if (own.length > 0)
    return `No grant changes this: ${own.join(", ")} in constitution.cedar forbids it, and a forbid beats every grant. Change the rule if it is not what you mean.`;
  if (forbidding.length > 0) return `No grant and no constitution changes this: ${forbidding.join(", ")} is built in.`;
  if (grant === undefined) return "No grant covers this.";
  if (!decision.allowed) return `A grant alone would not do: ${decision.reason}`;
  if (grant.grant === undefined)
    return `Review this content of ${asked.resource.id} and grant it: logomesh plugin grant ${asked.resource.id}`;
  switch (grant.grant.kind) {
    case "plugin":
      return "The plugin's manifest must ask for this permission, and you must grant it.";
    case "workflow":
      return "The definition must name this literally, and be pushed or started with an admin token.";
    case "scope":
      return `Use a token with the scope ${grant.grant.scope}.`;
  }
}
