import { setImmediate as nextTurn } from "node:timers/promises";
import type { ConstitutionChange, PolicyFlip } from "@logomesh/contracts";
import type { Clock, PolicyDecision } from "../ports/index.ts";
import type { Constitution } from "./constitution.ts";
import type { Asked } from "./evaluator.ts";

/** Decided in one turn of the loop: some 5 ms, twice. */
const TURN_REQUESTS = 25;
/** A person waits for the answer. */
const TIME_MAX_MS = 2_000;

export interface PreviewOptions {
  clock: Pick<Clock, "monotonicMs">;
  /** In order of weight: when the time is over, the rest is counted. */
  requests: Iterable<{ asked: Asked; from: PolicyFlip["from"] }>;
  before: (asked: Asked) => PolicyDecision;
  after: (asked: Asked) => PolicyDecision;
}

/** Decides each request by both versions and keeps those whose answer changes; other work goes on in between. */
export async function findFlips(
  options: PreviewOptions,
): Promise<Pick<ConstitutionChange, "replayed" | "left" | "flips">> {
  const { clock, requests, before, after } = options;
  const endMs = clock.monotonicMs() + TIME_MAX_MS;
  let left = 0;
  const flips: PolicyFlip[] = [];
  const seen = new Set<string>();
  for (const { asked, from } of requests) {
    const key = JSON.stringify(asked);
    if (seen.has(key)) continue;
    seen.add(key);
    if (left > 0 || clock.monotonicMs() > endMs) {
      left += 1;
      continue;
    }
    if (seen.size % TURN_REQUESTS === 0) await nextTurn();
    const [was, is] = [before(asked), after(asked)];
    if (was.allowed === is.allowed) continue;
    const { principal, action, resource, tainted, callDepth } = asked;
    flips.push({
      ...{ principal: `${principal.type}:${principal.id}`, action, resource: resource.id, tainted, callDepth, from },
      before: toShown(was),
      after: toShown(is),
    });
  }
  return { replayed: seen.size - left, left, flips };
}

export function compareRules(before: Constitution | undefined, after: Constitution): ConstitutionChange["rules"] {
  const old = before ?? new Map<string, string>();
  return {
    added: [...after.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !after.has(id)),
    changed: [...after].filter(([id, text]) => old.has(id) && old.get(id) !== text).map(([id]) => id),
  };
}

/** The same for contracts: its lists may be changed. */
export function toShown({ allowed, policies, reason }: PolicyDecision): PolicyFlip["before"] {
  return { allowed, policies: [...policies], reason };
}
