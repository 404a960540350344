import type { JsonValue, WorkflowError } from "@logomesh/contracts";
import { backoffDelayMs } from "../../base/index.ts";
import { isObject, type Template } from "../expressions/index.ts";
import { sameErrorType, type CatchClause, type RetryPolicy } from "../language/index.ts";
import { after, type MaybePromise } from "./maybePromise.ts";

/** Longest delay between two attempts, whatever the growth says. */
const RETRY_DELAY_MS_MAX = 24 * 3_600_000;

export type CatchDecision = { kind: "pass" } | { kind: "handle" } | { kind: "retry"; delayMs: number };

export interface CatchQuestion {
  error: WorkflowError;
  clause: CatchClause;
  /** The attempt that failed, from 1. */
  attempt: number;
  /** Since the first attempt started. */
  elapsedMs: number;
  evaluate: (template: Template | undefined, whenMissing: boolean) => MaybePromise<JsonValue>;
  random: () => number;
}

/** Whether a `catch` takes an error, and whether it retries first. Handling follows when the retries are used up. */
export function catchError(question: CatchQuestion): MaybePromise<CatchDecision> {
  const { clause, evaluate } = question;
  const pass: CatchDecision = { kind: "pass" };
  return after(evaluate(clause.errorsWith, true), (filter) => {
    if (!matches(question.error, filter)) return pass;
    return after(evaluate(clause.when, true), (when) => {
      if (!isTrue(when)) return pass;
      return after(evaluate(clause.exceptWhen, false), (except) => {
        if (isTrue(except)) return pass;
        return clause.retry === undefined ? { kind: "handle" as const } : retryOrHandle(question, clause.retry);
      });
    });
  });
}

function retryOrHandle(question: CatchQuestion, policy: RetryPolicy): MaybePromise<CatchDecision> {
  const { clause, evaluate } = question;
  // Without tasks of its own, a catch that ran out of attempts lets the last error through.
  const exhausted: CatchDecision = clause.do === undefined ? { kind: "pass" } : { kind: "handle" };
  return after(evaluate(policy.when, true), (when) => {
    if (!isTrue(when)) return exhausted;
    return after(evaluate(policy.exceptWhen, false), (except) => {
      if (isTrue(except)) return exhausted;
      const delayMs = retryDelayMs(policy, question.attempt, question.random);
      if (policy.attemptsMax !== undefined && question.attempt >= policy.attemptsMax) return exhausted;
      if (policy.durationMsMax !== undefined && question.elapsedMs + delayMs > policy.durationMsMax) return exhausted;
      return { kind: "retry" as const, delayMs };
    });
  });
}

export function retryDelayMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const growth = { constant: 1, linear: attempt, exponential: 2 ** Math.min(attempt - 1, 40) }[policy.backoff];
  const delayMs = backoffDelayMs({ initialMs: policy.delayMs * growth, factor: 1, maxMs: RETRY_DELAY_MS_MAX }, 1);
  const { jitter } = policy;
  return Math.round(
    delayMs + (jitter === undefined ? 0 : jitter.fromMs + random() * Math.max(0, jitter.toMs - jitter.fromMs)),
  );
}

function isTrue(value: JsonValue): boolean {
  return value !== null && value !== false;
}

function matches(error: WorkflowError, filter: JsonValue): boolean {
  if (!isObject(filter)) return true;
  return Object.entries(filter).every(([key, wanted]) => {
    const name = key === "details" ? "detail" : key;
    const found = error[name as keyof WorkflowError];
    if (name === "type" && typeof wanted === "string") return sameErrorType(error.type, wanted);
    return found === wanted;
  });
}
