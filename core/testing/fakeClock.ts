import type { Clock } from "../ports/clock.ts";

interface Timer {
  atMs: number;
  order: number;
  callback: () => void;
}

/** A clock that stands still until a test advances it; timers fire in order of their due time. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Milliseconds until the next timer, or undefined when none is armed. */
  nextTimerMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.atMs - this.#nowMs;
  }

  /** Moves time forward and fires every timer that becomes due, letting promises settle between them. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    for (let next = this.#next(); next !== undefined && next.atMs <= targetMs; next = this.#next()) {
      this.#nowMs = next.atMs;
      this.#timers.delete(next);
      next.callback();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#nowMs = targetMs;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}
