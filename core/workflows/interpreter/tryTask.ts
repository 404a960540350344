import type { JsonObject, WorkflowError } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import { toWorkflowError } from "./faults.ts";
import { timerKey, type Frame, type Scope } from "./frame.ts";
import { matchesError, mayRetry, retryDelayMs } from "./retry.ts";
import type { Steps } from "./steps.ts";
import { isTrue, type TaskHost } from "./taskHost.ts";

// `try`: attempts, what is caught, and the pauses between attempts.

/** Begins the next attempt. */
export function attempt(host: TaskHost, frame: Frame): void {
  const { task, locals } = frame;
  assert(task.type === "try" && locals.kind === "try", "only a try has attempts");
  const ms = task.catch.retry?.attemptDurationMsMax;
  const timerSeq = ms === undefined ? undefined : host.takeSeq();
  if (ms !== undefined && timerSeq !== undefined) host.arm("attempt", { seq: timerSeq, frame, delayMs: ms });
  const next = { kind: "try", list: task.tasks, steps: 0, phase: "try", attempt: locals.attempt + 1 } as const;
  host.enterList(frame, timerSeq === undefined ? next : { ...next, timerSeq }, frame.input);
}

/** Decides what an error of an attempt leads to: another attempt, the handler, or the end of the `try`. */
export function* catchError(host: TaskHost, frame: Frame, error: WorkflowError): Steps<void> {
  const { task, locals } = frame;
  assert(task.type === "try" && locals.kind === "try", "only a try catches");
  if (locals.timerSeq !== undefined) host.disarm(timerKey("attempt", locals.timerSeq));
  const scope: Scope = { ...frame.scope, [task.catch.as]: error as JsonObject };
  let decision: "pass" | "retry" | "handle";
  try {
    decision = yield* decide(host, frame, { error, scope });
  } catch (thrown) {
    return yield* host.fault(frame, toWorkflowError(thrown, task.reference));
  }
  if (decision === "pass") return yield* host.fault(frame, error);
  if (decision === "retry") return pause(host, frame);
  if (task.catch.do === undefined) return host.finish(frame, frame.input, task.catch.then);
  host.enterList(frame, { ...locals, list: task.catch.do, steps: 0, phase: "catch" }, frame.input, scope);
}

function* decide(
  host: TaskHost,
  frame: Frame,
  { error, scope }: { error: WorkflowError; scope: Scope },
): Steps<"pass" | "retry" | "handle"> {
  const { task, locals, input } = frame;
  assert(task.type === "try" && locals.kind === "try", "only a try catches");
  const clause = task.catch;
  if (clause.errorsWith !== undefined) {
    const filter = yield* host.evaluate(clause.errorsWith, input, frame, { scope });
    if (!matchesError(filter, error)) return "pass";
  }
  if (clause.when !== undefined && !isTrue(yield* host.evaluate(clause.when, input, frame, { scope }))) return "pass";
  if (clause.exceptWhen !== undefined && isTrue(yield* host.evaluate(clause.exceptWhen, input, frame, { scope })))
    return "pass";
  const { retry } = clause;
  if (retry === undefined) return "handle";
  const wanted =
    mayRetry(error) &&
    (retry.when === undefined || isTrue(yield* host.evaluate(retry.when, input, frame, { scope }))) &&
    (retry.exceptWhen === undefined || !isTrue(yield* host.evaluate(retry.exceptWhen, input, frame, { scope })));
  const left =
    (retry.attemptsMax === undefined || locals.attempt < retry.attemptsMax) &&
    (retry.durationMsMax === undefined ||
      host.nowMs() + delayMs(host, frame) - frame.startedAtMs <= retry.durationMsMax);
  if (wanted && left) return "retry";
  return clause.do === undefined ? "pass" : "handle";
}

function delayMs(host: TaskHost, frame: Frame): number {
  const { task, locals } = frame;
  if (task.type !== "try" || locals.kind !== "try" || task.catch.retry === undefined) return 0;
  return retryDelayMs(task.catch.retry, locals.attempt, `${host.runId}:${frame.seq}:${locals.attempt}`);
}

function pause(host: TaskHost, frame: Frame): void {
  const ms = delayMs(host, frame);
  if (frame.locals.kind === "try") frame.locals = { ...frame.locals, phase: "pause" };
  host.arm("retry", { seq: host.takeSeq(), frame, delayMs: ms });
}
