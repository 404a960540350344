import type { Clock } from "../ports/index.ts";

export interface IdleTimerOptions {
  clock: Clock;
  idleMs: number;
  isBusy: () => boolean;
  /** It was idle all that time. */
  onIdle: () => void;
}

/** One timer for a long time: between two calls there may be less than it takes to set one. */
export class IdleTimer implements Disposable {
  readonly #options: IdleTimerOptions;
  #timer: Disposable | undefined;
  #sinceMs = 0;

  constructor(options: IdleTimerOptions) {
    this.#options = options;
  }

  /** It is idle from now on, until the next call. */
  restart(): void {
    this.#sinceMs = this.#options.clock.monotonicMs();
    this.#timer ??= this.#watch(this.#options.idleMs);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #watch(delayMs: number): Disposable {
    const { clock, idleMs, isBusy, onIdle } = this.#options;
    return clock.setTimer(delayMs, () => {
      const restMs = this.#sinceMs + idleMs - clock.monotonicMs();
      this.#timer = isBusy() || restMs <= 0 ? undefined : this.#watch(restMs);
      if (!isBusy() && restMs <= 0) onIdle();
    });
  }
}
