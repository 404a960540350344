import type { JsonValue, WorkflowError } from "@logomesh/contracts";
import { canonicalJson, sha256Hex } from "../../base/index.ts";
import { isObject } from "../expressions/index.ts";
import { sameErrorType, type RetryPolicy } from "../language/index.ts";

/** No pause is longer; exponential growth would leave the range of dates otherwise. */
const DELAY_MS_MAX = 365 * 86_400_000;

/** Pause before the next attempt. `failures` counts from 1. Jitter follows from the seed, so that a replay gives the same instant. */
export function retryDelayMs(policy: RetryPolicy, failures: number, seed: string): number {
  const base = baseDelayMs(policy, failures);
  const { jitter } = policy;
  if (jitter === undefined) return Math.min(DELAY_MS_MAX, base);
  const fraction = Number.parseInt(sha256Hex(seed).slice(0, 12), 16) / 2 ** 48;
  return Math.min(DELAY_MS_MAX, Math.round(base + jitter.fromMs + fraction * Math.max(0, jitter.toMs - jitter.fromMs)));
}

function baseDelayMs({ backoff, delayMs }: RetryPolicy, failures: number): number {
  switch (backoff) {
    case "constant":
      return delayMs;
    case "linear":
      return delayMs * failures;
    case "exponential":
      return delayMs * 2 ** Math.min(failures - 1, 64);
  }
}

/** Outcomes that a second try cannot change. */
const NEVER_RETRIED = new Set(["LM_TOO_LARGE", "LM_CANCELLED"]);

export function mayRetry(error: WorkflowError): boolean {
  return error.code === undefined || !NEVER_RETRIED.has(error.code);
}

/** Whether an error has the members that a `catch.errors.with` names; types are compared with their aliases. */
export function matchesError(filter: JsonValue, error: WorkflowError): boolean {
  if (!isObject(filter)) return false;
  return Object.entries(filter).every(([key, expected]) => {
    const actual = (error as Record<string, JsonValue | undefined>)[key === "details" ? "detail" : key];
    if (actual === undefined) return false;
    if (key === "type" && typeof expected === "string") return sameErrorType(expected, error.type);
    return canonicalJson(expected) === canonicalJson(actual);
  });
}
