import type { Random } from "../ports/random.ts";

export interface BackoffPolicy {
  initialMs: number;
  factor: number;
  maxMs: number;
}

/** Delay before attempt `attempt` (1-based count of failures so far), without jitter. */
export function backoffDelayMs(policy: BackoffPolicy, failures: number): number {
  return Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.max(0, failures - 1));
}

/** A uniformly random instant between two bounds, both in milliseconds. */
export function jitterMs(random: Random, range: { fromMs: number; toMs: number }): number {
  return range.fromMs + random.float() * Math.max(0, range.toMs - range.fromMs);
}
