import { LogoMeshError } from "@logomesh/contracts";
import { expect, test, vi } from "vitest";
import { createSeededRandom } from "../testing/seededRandom.ts";
import { BugError, assert, assertNever } from "./assert.ts";
import { backoffDelayMs, jitterMs } from "./backoff.ts";
import { toDisposable } from "./disposable.ts";
import { isCancellation, messageOf, toLogoMeshError, toProblem } from "./errors.ts";
import { systemClock } from "./systemClock.ts";
import { systemRandom } from "./systemRandom.ts";

test("a broken invariant is a bug, not an operational error", () => {
  expect(() => assert(false, "the head exists")).toThrow(new BugError("the head exists"));
  expect(() => assertNever("x" as never, "state")).toThrow('Unexpected state: "x"');
  expect(() => assert(true, "fine")).not.toThrow();
});

test("the delay grows by the factor up to its maximum", () => {
  const policy = { initialMs: 100, factor: 2, maxMs: 500 };
  expect([1, 2, 3, 4, 50].map((failures) => backoffDelayMs(policy, failures))).toEqual([100, 200, 400, 500, 500]);
});

test("jitter stays within its range", () => {
  const random = createSeededRandom(3);
  const delays = Array.from({ length: 500 }, () => jitterMs(random, { fromMs: 10, toMs: 20 }));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(10);
  expect(Math.max(...delays)).toBeLessThan(20);
  expect(jitterMs(random, { fromMs: 10, toMs: 5 })).toBe(10);
});

test("a disposable gives its resource back once", () => {
  const dispose = vi.fn();
  const disposable = toDisposable(dispose);
  disposable[Symbol.dispose]();
  disposable[Symbol.dispose]();
  expect(dispose).toHaveBeenCalledTimes(1);
});

test("cancellation keeps its own code and anything unknown is an internal error", () => {
  const abort = new DOMException("stopped", "AbortError");
  expect(isCancellation(abort)).toBe(true);
  expect(isCancellation("AbortError")).toBe(false);
  expect(toLogoMeshError(abort).code).toBe("LM_CANCELLED");
  expect(toLogoMeshError(new TypeError("x is not a function"))).toMatchObject({
    code: "LM_INTERNAL",
    message: "x is not a function",
  });
  const known = new LogoMeshError("LM_NOT_FOUND", "No plugin org.example.none.");
  expect(toLogoMeshError(known)).toBe(known);
  expect(messageOf("plain")).toBe("plain");
});

test("an error crosses a boundary as a problem and comes back the same", () => {
  const error = new LogoMeshError("LM_TIMEOUT", "No answer within 5 s.", {
    data: { limitMs: 5000 },
    problems: [{ pointer: "/a", message: "missing" }],
    retryable: false,
  });
  expect(LogoMeshError.fromProblem(toProblem(error)).toProblem()).toEqual({
    type: "https://logomesh.dev/errors/LM_TIMEOUT",
    status: 504,
    title: "Time limit exceeded",
    detail: "No answer within 5 s.",
    code: "LM_TIMEOUT",
    retryable: false,
    data: { limitMs: 5000 },
    problems: [{ pointer: "/a", message: "missing" }],
  });
  expect(LogoMeshError.fromProblem({ type: "about:blank", status: 500, title: "Odd", code: "ODD" })).toMatchObject({
    code: "LM_INTERNAL",
    message: "Odd",
  });
});

test("timers longer than setTimeout can hold still wait", () => {
  vi.useFakeTimers();
  try {
    const fired = vi.fn();
    const dayMs = 86_400_000;
    using _timer = systemClock.setTimer(40 * dayMs, fired);
    vi.advanceTimersByTime(39 * dayMs);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(dayMs);
    expect(fired).toHaveBeenCalledTimes(1);
    const cancelled = systemClock.setTimer(10, fired);
    cancelled[Symbol.dispose]();
    vi.advanceTimersByTime(20);
    expect(fired).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});

test("the system's clock and generator answer", () => {
  expect(systemClock.nowMs()).toBeGreaterThan(Date.UTC(2026, 0, 1));
  expect(systemClock.monotonicMs()).toBeGreaterThan(0);
  expect(systemRandom.bytes(8)).toHaveLength(8);
  expect(systemRandom.float()).toBeLessThan(1);
});
