import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";
import { assert } from "../base/index.ts";
import { cedar } from "./cedar.ts";
import type { CedarRequest } from "./cedarRequest.ts";
import { annotationsOf } from "./constitution.ts";
import type { GrantPolicies } from "./grantPolicies.ts";
import { POLICY_SCHEMA } from "./schema.ts";

// Cedar keeps parsed sets by name and never forgets one, so names are slots that are used again. Each principal with grants has a set of
// its own: a decision costs more with every policy in the set.

/** Parsed sets kept at once; about 100 KiB each. The one that was used longest ago makes room. */
const SLOTS_MAX = 128;
const SCHEMA_NAME = "logomesh";

let instances = 0;

export interface Evaluation {
  allowed: boolean;
  policies: readonly string[];
  /** The forbid's `@why`, or what went wrong; undefined when there is nothing but a missing permit. */
  reason: string | undefined;
}

/** Parsed policy sets: shared rules and one principal's grants together. */
export class PolicySets {
  readonly #prefix = `set-${instances++}-`;
  readonly #slots = new Map<string, string>();
  #shared: Readonly<Record<string, string>> = {};
  #whys: ReadonlyMap<string, string> = new Map();

  /** Replaces the rules that every set has in common. */
  setShared(shared: Readonly<Record<string, string>>): void {
    const parsed = cedar().preparseSchema(SCHEMA_NAME, POLICY_SCHEMA);
    assert(parsed.type === "success", `the policy schema parses: ${JSON.stringify(parsed)}`);
    this.#shared = shared;
    this.#whys = whysOf(shared);
    this.#slots.clear();
  }

  /** The next evaluation for this principal reads its grants again. */
  forget(principalKey: string): void {
    this.#slots.delete(principalKey);
  }

  evaluate(principalKey: string, grants: () => GrantPolicies, request: CedarRequest): Evaluation {
    const answer = cedar().statefulIsAuthorized({
      ...request,
      preparsedPolicySetId: this.#slotOf(principalKey, grants),
      preparsedSchemaName: SCHEMA_NAME,
      validateRequest: true,
    });
    if (answer.type === "failure") return failed(answer.errors);
    const { decision, diagnostics } = answer.response;
    // Cedar skips a policy that fails to evaluate, a forbid too: any such failure is a denial.
    if (diagnostics.errors.length > 0) return failed(diagnostics.errors.map(({ error }) => error));
    const allowed = decision === "allow";
    const policies = diagnostics.reason.toSorted();
    const why = allowed ? [] : policies.map((id) => this.#whys.get(id) ?? `The rule ${id} forbids it.`);
    return { allowed, policies, reason: why.length === 0 ? undefined : why.join(" ") };
  }

  #slotOf(principalKey: string, grants: () => GrantPolicies): string {
    const known = this.#slots.get(principalKey);
    if (known !== undefined) {
      this.#slots.delete(principalKey);
      this.#slots.set(principalKey, known);
      return known;
    }
    const slot = this.#freeSlot();
    const parsed = cedar().preparsePolicySet(slot, { staticPolicies: { ...this.#shared, ...grants() } });
    assert(parsed.type === "success", `the policies of ${principalKey} parse: ${JSON.stringify(parsed)}`);
    this.#slots.set(principalKey, slot);
    return slot;
  }

  #freeSlot(): string {
    if (this.#slots.size >= SLOTS_MAX) {
      for (const [oldest, slot] of this.#slots) {
        this.#slots.delete(oldest);
        return slot;
      }
    }
    const taken = new Set(this.#slots.values());
    for (let index = 0; ; index++) {
      const slot = `${this.#prefix}${index}`;
      if (!taken.has(slot)) return slot;
    }
  }
}

function failed(errors: readonly Cedar.DetailedError[]): Evaluation {
  const messages = errors.map(({ message }) => message).join("; ");
  return { allowed: false, policies: [], reason: `The request could not be decided: ${messages}.` };
}

function whysOf(policies: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(policies).flatMap(([id, policy]) => {
      const { why } = annotationsOf(policy);
      return why === undefined ? [] : [[id, why] as const];
    }),
  );
}
