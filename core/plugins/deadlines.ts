import type { Clock } from "../ports/index.ts";

export interface Deadline {
  readonly atMs: number;
  readonly onExpire: () => void;
}

/** Deadlines with one timer for all: one for each call would cost as much as sending the call. */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #running = new Set<Deadline>();
  #timer: Disposable | undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** On the monotonic clock. `onExpire` is called once, unless the deadline is deleted before. */
  add(atMs: number, onExpire: () => void): Deadline {
    const deadline = { atMs, onExpire };
    this.#running.add(deadline);
    if (atMs < this.#timerAtMs) this.#wakeAt(atMs);
    return deadline;
  }

  delete(deadline: Deadline): void {
    this.#running.delete(deadline);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#running.clear();
  }

  #wakeAt(atMs: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.setTimer(atMs - this.#clock.monotonicMs(), () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const deadline of [...this.#running]) {
      if (deadline.atMs > nowMs) nextMs = Math.min(nextMs, deadline.atMs);
      else if (this.#running.delete(deadline)) deadline.onExpire();
    }
    if (nextMs < this.#timerAtMs) this.#wakeAt(nextMs);
  }
}
