import type { Scope } from "@logomesh/contracts";
import type { PluginGrant, PolicyDecision, PolicyRequest, Principal, WorkflowGrant } from "../ports/index.ts";
import { BUILTIN_POLICIES } from "./builtins.ts";
import { toCedarRequest } from "./cedarRequest.ts";
import type { Constitution } from "./constitution.ts";
import { pluginPermits, workflowPermits, type GrantPolicies } from "./grantPolicies.ts";
import { PolicySets } from "./policySets.ts";

/** Read access to what was granted. */
export interface GrantSource {
  workflowGrants(definitionHash: string): readonly WorkflowGrant[];
  pluginGrant(pluginId: string): PluginGrant | undefined;
  /** Every grant there is. */
  listGrants(): { plugins: readonly PluginGrant[]; workflows: readonly DefinitionGrants[] };
  onDidChange(listener: (principal: Principal) => void): Disposable;
}

export interface DefinitionGrants {
  definitionHash: string;
  grants: readonly WorkflowGrant[];
}

/** A request as it concerns one principal of its chain. */
export interface Asked {
  principal: Principal;
  action: string;
  resource: PolicyRequest["resource"];
  callDepth: number;
  tainted: boolean;
  /** The principal is not the one who asks: a plugin asks on its behalf. */
  throughPlugin: boolean;
}

export interface EvaluatorOptions {
  grants: Pick<GrantSource, "workflowGrants" | "pluginGrant">;
  scopesOf: (tokenId: string) => readonly Scope[] | undefined;
  /** Plugin tools (`<plugin>#<tool>`) that a token was made for. Default: none. */
  toolsOf?: (tokenId: string) => readonly string[];
}

/** Decides for one principal under one constitution; remembers nothing but parsed policies. */
export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #sets = new PolicySets();

  constructor(options: EvaluatorOptions) {
    this.#options = options;
  }

  setConstitution(rules: Constitution): void {
    this.#sets.setShared({ ...Object.fromEntries(rules), ...BUILTIN_POLICIES });
  }

  /** The next evaluation for this principal reads its grants again. */
  forget(principal: Principal): void {
    this.#sets.forget(setKeyOf(principal));
  }

  evaluate(asked: Asked): PolicyDecision {
    const { principal, resource } = asked;
    const { grants, scopesOf, toolsOf } = this.#options;
    const own = principal.type === "Plugin" ? grants.pluginGrant(principal.id) : undefined;
    const target = resource.type === "Plugin" ? grants.pluginGrant(resource.id) : undefined;
    const request = toCedarRequest(asked, {
      ...(principal.type === "Client"
        ? { scopes: scopesOf(principal.id) ?? [], tools: toolsOf?.(principal.id) ?? [] }
        : {}),
      ...(own === undefined ? {} : { group: own.group }),
      bundleGranted: target !== undefined && target.sha256 === resource.attributes?.sha256,
    });
    if ("fault" in request) return { allowed: false, policies: [], reason: request.fault };
    const { allowed, policies, reason } = this.#sets.evaluate(
      setKeyOf(principal),
      () => permitsOf(principal, grants),
      request,
    );
    return { allowed, policies, reason: reason ?? (allowed ? "Granted." : missingGrant(asked)) };
  }
}

/** Principals without grants share one set. */
function setKeyOf({ type, id }: Principal): string {
  return type === "Workflow" || type === "Plugin" ? `${type} ${id}` : "shared";
}

/** What was granted to the principal itself, as policies. */
export function permitsOf(principal: Principal, grants: EvaluatorOptions["grants"]): GrantPolicies {
  if (principal.type === "Workflow") return workflowPermits(principal.id, grants.workflowGrants(principal.id));
  const own = principal.type === "Plugin" ? grants.pluginGrant(principal.id) : undefined;
  return own === undefined ? {} : pluginPermits(principal.id, own.permissions);
}

function missingGrant({ principal, action, resource }: Asked): string {
  const what = `${action} on ${resource.id}`;
  switch (principal.type) {
    case "Plugin":
      return `The plugin ${principal.id} has no permission for ${what}. Review what it asks for and grant it.`;
    case "Workflow":
      return `The workflow definition ${principal.id} has no permission for ${what}. Push or start it with an admin token to grant what it names.`;
    case "Client":
      return `The scopes of the token ${principal.id} do not include ${what}. Use a token with the scope it needs.`;
    case "DevShell":
      return `The shell has no permission for ${what}.`;
  }
}
