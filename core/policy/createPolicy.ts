import { readFileSync } from "node:fs";
import { LogoMeshError, type Scope } from "@logomesh/contracts";
import { messageOf } from "../base/index.ts";
import type {
  AuditLog,
  Logger,
  PluginGrant,
  Policy,
  PolicyDecision,
  PolicyRequest,
  Principal,
  WorkflowGrant,
} from "../ports/index.ts";
import { BUILTIN_POLICIES, CALL_DEPTH_MAX } from "./builtins.ts";
import { toCedarRequest } from "./cedarRequest.ts";
import { parseConstitution } from "./constitution.ts";
import { deniedText, deniedEntry } from "./denial.ts";
import { pluginPermits, workflowPermits, type GrantPolicies } from "./grantPolicies.ts";
import { PolicySets } from "./policySets.ts";

// Decides for each principal of the chain on its own; the first that is not allowed denies. Decisions are remembered until anything they
// were made from changes: `#decisions` is emptied with every change of grants or constitution, the rest is part of the key.

/** Remembered decisions; a run's requests differ by principal, action and resource only. */
const DECISIONS_MAX = 20_000;

/** Read access to what was granted. */
export interface GrantSource {
  workflowGrants(definitionHash: string): readonly WorkflowGrant[];
  pluginGrant(pluginId: string): PluginGrant | undefined;
  onDidChange(listener: (principal: Principal) => void): Disposable;
}

export interface CreatePolicyOptions {
  grants: GrantSource;
  /** The workspace's `constitution.cedar`. */
  constitutionPath: string;
  /** Scopes of a token by its id; undefined when it is unknown, expired or revoked. Must be cheap: asked for every decision. */
  scopesOf: (tokenId: string) => readonly Scope[] | undefined;
  audit: AuditLog;
  logger: Logger;
}

/** Never throws for what the constitution says: when it is missing or invalid, everything is denied until `reload` succeeds. */
export function createPolicy(options: CreatePolicyOptions): CedarPolicy {
  return new CedarPolicy(options);
}

/** Policy over Cedar. */
export class CedarPolicy implements Policy, Disposable {
  readonly #options: CreatePolicyOptions;
  readonly #sets = new PolicySets();
  readonly #decisions = new Map<string, PolicyDecision>();
  readonly #subscription: Disposable;
  #warm = false;
  #closedBy: LogoMeshError | undefined;

  constructor(options: CreatePolicyOptions) {
    this.#options = options;
    this.#subscription = options.grants.onDidChange((principal) => {
      this.#decisions.clear();
      this.#sets.forget(setKeyOf(principal));
    });
  }

  /** Does now, once, what the first decision would otherwise do: load the engine and the constitution (some 100 ms). */
  warm(): void {
    if (this.#warm) return;
    this.#warm = true;
    try {
      this.reload();
    } catch (error) {
      this.#closedBy = error as LogoMeshError;
      this.#options.logger.error({ error: messageOf(error) }, "the constitution is not valid; nothing privileged runs");
    }
  }

  /** Why everything is denied; undefined while the constitution is good. */
  get problem(): LogoMeshError | undefined {
    this.warm();
    return this.#closedBy;
  }

  /**
   * Reads the constitution again. When it is not valid, the last good one stays.
   * @throws LogoMeshError LM_POLICY_CONSTITUTION_INVALID
   */
  reload(): void {
    const { constitutionPath } = this.#options;
    const rules = parseConstitution(readConstitution(constitutionPath), constitutionPath);
    this.#sets.setShared({ ...Object.fromEntries(rules), ...BUILTIN_POLICIES });
    this.#decisions.clear();
    this.#warm = true;
    this.#closedBy = undefined;
  }

  decide(request: PolicyRequest): PolicyDecision {
    return this.#decide(request).decision;
  }

  require(request: PolicyRequest): void {
    const { decision, principal } = this.#decide(request);
    if (decision.allowed) return;
    this.#options.audit.enqueue(deniedEntry(request, principal, decision));
    throw new LogoMeshError("LM_POLICY_DENIED", deniedText(request, principal, decision), {
      data: {
        principal: `${principal.type}:${principal.id}`,
        action: request.action,
        resource: request.resource.id,
        policies: [...decision.policies],
        reason: decision.reason,
      },
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  /** The decision, and the principal of the chain that it is about. */
  #decide(request: PolicyRequest): { decision: PolicyDecision; principal: Principal } {
    const { principal, chain = [] } = request;
    this.warm();
    if (this.#closedBy !== undefined) {
      const reason = `Nothing privileged runs until the constitution is repaired: ${this.#closedBy.message}`;
      return { principal, decision: { allowed: false, policies: ["builtin:constitution"], reason } };
    }
    const fault = chainFault(request);
    if (fault !== undefined)
      return { principal, decision: { allowed: false, policies: ["builtin:call-depth"], reason: fault } };
    const callDepth = Math.max(request.context?.callDepth ?? 0, chain.length);
    for (const above of chain) {
      const decision = this.#decideFor(above, request, callDepth);
      if (!decision.allowed) return { decision, principal: above };
    }
    return { decision: this.#decideFor(principal, request, callDepth), principal };
  }

  #decideFor(principal: Principal, request: PolicyRequest, callDepth: number): PolicyDecision {
    const { action, resource } = request;
    const tainted = request.context?.tainted ?? false;
    const throughPlugin = principal !== request.principal && request.principal.type === "Plugin";
    const scopes = principal.type === "Client" ? (this.#options.scopesOf(principal.id) ?? []) : undefined;
    // JSON, because no separator is safe between texts that others chose.
    const key = JSON.stringify([
      principal.type,
      principal.id,
      scopes,
      action,
      resource,
      callDepth,
      tainted,
      throughPlugin,
    ]);
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.#evaluate({ principal, action, resource, callDepth, tainted, throughPlugin, scopes });
    if (this.#decisions.size >= DECISIONS_MAX) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  #evaluate(asked: Parameters<typeof toCedarRequest>[0] & { scopes: readonly Scope[] | undefined }): PolicyDecision {
    const { principal, resource, scopes } = asked;
    const { grants } = this.#options;
    const own = principal.type === "Plugin" ? grants.pluginGrant(principal.id) : undefined;
    const target = resource.type === "Plugin" ? grants.pluginGrant(resource.id) : undefined;
    const bundle = resource.attributes?.sha256;
    const request = toCedarRequest(asked, {
      ...(scopes === undefined ? {} : { scopes }),
      ...(own === undefined ? {} : { group: own.group }),
      bundleGranted: target !== undefined && target.sha256 === bundle,
    });
    if ("fault" in request) return { allowed: false, policies: [], reason: request.fault };
    const setKey = setKeyOf(principal);
    const { allowed, policies, reason } = this.#sets.evaluate(setKey, () => permitsOf(principal, own, grants), request);
    return { allowed, policies, reason: reason ?? (allowed ? "Granted." : missingGrant(asked)) };
  }
}

function readConstitution(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new LogoMeshError(
      "LM_POLICY_CONSTITUTION_INVALID",
      `The constitution cannot be read: ${messageOf(error)}. Restore the file; one without rules is valid too.`,
      { cause: error, data: { file: path } },
    );
  }
}

/** Principals without grants share one set. */
function setKeyOf({ type, id }: Principal): string {
  return type === "Workflow" || type === "Plugin" ? `${type} ${id}` : "shared";
}

function permitsOf(principal: Principal, own: PluginGrant | undefined, grants: GrantSource): GrantPolicies {
  if (principal.type === "Workflow") return workflowPermits(principal.id, grants.workflowGrants(principal.id));
  return own === undefined ? {} : pluginPermits(principal.id, own.permissions);
}

function chainFault({ principal, chain = [], resource, context }: PolicyRequest): string | undefined {
  const depth = Math.max(context?.callDepth ?? 0, chain.length);
  if (depth > CALL_DEPTH_MAX) return `The call is ${depth} deep; at most ${CALL_DEPTH_MAX} are allowed.`;
  const callers = [...chain, principal].map(({ type, id }) => JSON.stringify([type, id]));
  const target = resource.type === "Tool" ? [JSON.stringify(["Plugin", resource.id.split("#", 1)[0]])] : [];
  const all = [...callers, ...target];
  const repeated = all.find((one, index) => all.indexOf(one) !== index);
  return repeated === undefined ? undefined : `The call goes in a circle: ${repeated} is in its chain twice.`;
}

function missingGrant({
  principal,
  action,
  resource,
}: Pick<PolicyRequest, "principal" | "action" | "resource">): string {
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
