import { LogoMeshError, type Scope } from "@logomesh/contracts";
import { assert, toDisposable } from "../base/index.ts";
import type { AuditLog, Logger, Policy, PolicyDecision, PolicyRequest, Principal } from "../ports/index.ts";
import { CALL_DEPTH_MAX } from "./builtins.ts";
import { withoutOptimizing } from "./cedar.ts";
import { ConstitutionFile, type ConstitutionVersion } from "./constitutionFile.ts";
import { constitutionChangedEntry, constitutionRefusedEntry, deniedEntry, deniedText } from "./entries.ts";
import { Evaluator, type Asked, type GrantSource } from "./evaluator.ts";
import { RecentRequests } from "./recentRequests.ts";

// Decides for each principal of the chain on its own; the first that is not allowed denies. Decisions are remembered until anything they
// were made from changes: `#decisions` is emptied with every change of grants or constitution, the rest is part of the key.

/** Remembered decisions; a run's requests differ by principal, action and resource only. */
const DECISIONS_MAX = 20_000;

export interface CreatePolicyOptions {
  grants: GrantSource;
  /** The workspace's `constitution.cedar`. */
  constitutionPath: string;
  /** Scopes of a token by its id; undefined when it is unknown, expired or revoked. Must be cheap: asked for every decision. */
  scopesOf: (tokenId: string) => readonly Scope[] | undefined;
  /** Plugin tools (`<plugin>#<tool>`) that a token was made for; they never change. Default: none. */
  toolsOf?: (tokenId: string) => readonly string[];
  audit: AuditLog;
  logger: Logger;
  /** Why everything is denied at the moment, in words for the user. Default: it never is. */
  lockdown?: () => string | undefined;
}

/** Never throws for what the constitution says: when it is missing or invalid, everything is denied until it is repaired. */
export function createPolicy(options: CreatePolicyOptions): CedarPolicy {
  return new CedarPolicy(options);
}

/** Policy over Cedar. */
export class CedarPolicy implements Policy, Disposable {
  readonly #options: CreatePolicyOptions;
  readonly #evaluator: Evaluator;
  readonly #decisions = new Map<string, PolicyDecision>();
  readonly #recent = new RecentRequests();
  readonly #subscription: Disposable;
  readonly #listeners = new Set<() => void>();
  readonly file: ConstitutionFile;

  constructor(options: CreatePolicyOptions) {
    this.#options = options;
    this.#evaluator = new Evaluator(options);
    this.file = new ConstitutionFile(options.constitutionPath);
    this.#subscription = options.grants.onDidChange((principal) => {
      this.#decisions.clear();
      this.#evaluator.forget(principal);
    });
  }

  /** Does now what the next decision would otherwise do: load the engine (some 100 ms) and take what the file holds into force. */
  warm(): void {
    this.#refresh();
  }

  /** Why everything is denied; undefined while a constitution is in force. */
  get problem(): LogoMeshError | undefined {
    this.#refresh();
    return this.file.inForce === undefined ? this.file.problem : undefined;
  }

  /** The decision for one principal of a chain, by itself and whether there is a lockdown or not. */
  decideAlone(asked: Asked): PolicyDecision {
    return this.#withoutConstitution() ?? this.#decideFor(asked);
  }

  /** The denial of everything, while there is one: a lockdown, or no constitution in force. */
  get denialOfAll(): PolicyDecision | undefined {
    const reason = this.#options.lockdown?.();
    if (reason !== undefined) return { allowed: false, policies: ["builtin:lockdown"], reason };
    return this.#withoutConstitution();
  }

  /** What was asked lately, each once. */
  get recent(): Pick<RecentRequests, "list" | "forgotten"> {
    return this.#recent;
  }

  /** Called when another constitution came into force, or when what the file holds is refused. */
  onDidChangeConstitution(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
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

  /** Takes into force what `rename` puts in place; its entry is in the log already. */
  replaceConstitution(rename: () => void): void {
    rename();
    withoutOptimizing(() => this.#take({ isRecorded: true }));
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  /** An edit of the file holds from the next decision on; one that is not valid leaves the last good version in force. */
  #refresh(): void {
    if (this.file.hasChanged()) withoutOptimizing(() => this.#take({ isRecorded: false }));
  }

  #take({ isRecorded }: { isRecorded: boolean }): void {
    const { audit, logger } = this.#options;
    const before = this.file.inForce;
    this.file.read();
    const { inForce, problem } = this.file;
    if (problem !== undefined) {
      logger.error(
        { error: problem.message },
        inForce === undefined
          ? "the constitution is not valid; nothing privileged runs"
          : "the constitution is not valid; its last good version stays in force",
      );
      audit.enqueue(constitutionRefusedEntry(problem, inForce));
    } else {
      assert(inForce !== undefined, "what has no problem is in force");
      if (inForce.sha256 !== before?.sha256) this.#apply(inForce);
      // What holds at start is compared with the log by who opens it.
      if (!isRecorded && before !== undefined && inForce.sha256 !== before.sha256)
        audit.enqueue(constitutionChangedEntry({ version: inForce, previous: before.sha256, actor: FILE_ACTOR }));
    }
    for (const listener of this.#listeners) listener();
  }

  #apply({ rules }: ConstitutionVersion): void {
    this.#evaluator.setConstitution(rules);
    this.#decisions.clear();
  }

  #withoutConstitution(): PolicyDecision | undefined {
    this.#refresh();
    if (this.file.inForce !== undefined) return undefined;
    const reason = `Nothing privileged runs until the constitution is repaired: ${this.file.problem?.message ?? ""}`;
    return { allowed: false, policies: ["builtin:constitution"], reason };
  }

  /** The decision, and the principal of the chain that it is about. */
  #decide(request: PolicyRequest): { decision: PolicyDecision; principal: Principal } {
    const { principal } = request;
    const denial = this.denialOfAll;
    if (denial !== undefined) return { principal, decision: denial };
    const fault = chainFault(request);
    if (fault !== undefined)
      return { principal, decision: { allowed: false, policies: ["builtin:call-depth"], reason: fault } };
    let decision: PolicyDecision | undefined;
    for (const asked of askedOf(request)) {
      decision = this.#decideFor(asked);
      if (!decision.allowed) return { decision, principal: asked.principal };
    }
    assert(decision !== undefined, "someone asks");
    return { decision, principal };
  }

  #decideFor(asked: Asked): PolicyDecision {
    const { principal, action, resource, callDepth, tainted, throughPlugin } = asked;
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
    this.#recent.add(key, asked);
    const decision = this.#evaluator.evaluate(asked);
    if (this.#decisions.size >= DECISIONS_MAX) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }
}

const FILE_ACTOR = { type: "system", id: "constitution.cedar" } as const;

/** The request once for each who must be allowed; the asking principal is the last. */
export function askedOf({ principal, chain = [], action, resource, context }: PolicyRequest): Asked[] {
  const callDepth = Math.max(context?.callDepth ?? 0, chain.length);
  const tainted = context?.tainted ?? false;
  return [...chain, principal].map((one) => {
    const throughPlugin = one !== principal && principal.type === "Plugin";
    return { principal: one, action, resource, callDepth, tainted, throughPlugin };
  });
}

/** Why the chain itself is refused, whatever was granted. */
export function chainFault({ principal, chain = [], resource, context }: PolicyRequest): string | undefined {
  const depth = Math.max(context?.callDepth ?? 0, chain.length);
  if (depth > CALL_DEPTH_MAX) return `The call is ${depth} deep; at most ${CALL_DEPTH_MAX} are allowed.`;
  if (chain.length === 0 && principal.type !== "Plugin") return undefined; // nobody is there twice
  const callers = [...chain, principal].map(({ type, id }) => JSON.stringify([type, id]));
  const target = resource.type === "Tool" ? [JSON.stringify(["Plugin", resource.id.split("#", 1)[0]])] : [];
  const all = [...callers, ...target];
  const repeated = all.find((one, index) => all.indexOf(one) !== index);
  return repeated === undefined ? undefined : `The call goes in a circle: ${repeated} is in its chain twice.`;
}
