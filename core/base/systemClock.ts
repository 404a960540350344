import type { Clock } from "../ports/clock.ts";

/** setTimeout fires at once beyond this. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    let handle: NodeJS.Timeout;
    const arm = (restMs: number): void => {
      const stepMs = Math.min(Math.max(0, restMs), TIMER_MS_MAX);
      handle = setTimeout(() => {
        if (restMs > stepMs) arm(restMs - stepMs);
        else callback();
      }, stepMs);
    };
    arm(delayMs);
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};
