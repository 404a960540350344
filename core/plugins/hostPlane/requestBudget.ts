import type { Clock } from "../../ports/index.ts";

/** Requests that may come at once. */
const BURST = 1_000;
/** Requests a second in the long run. */
const PER_SECOND = 500;
/** Refused requests until it is no mistake any more: reading them costs the workbench its time. */
const REFUSED_MAX = 10_000;

/** What a denial costs of the budget: each is an entry of the log. */
export const DENIAL_COST = 20;

/** How much one plugin may ask. What is refused costs too, so that a plugin that does not wait is stopped. */
export class RequestBudget {
  readonly #clock: Clock;
  #left = BURST;
  #countedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAtMs = clock.monotonicMs();
  }

  /** One request has come. */
  take(): "ok" | "wait" | "flood" {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#countedAtMs) * PER_SECOND) / 1_000);
    this.#countedAtMs = nowMs;
    this.#left -= 1;
    if (this.#left >= 0) return "ok";
    return this.#left > -REFUSED_MAX ? "wait" : "flood";
  }

  /** What was answered cost more than a request does. */
  charge(requests: number): void {
    this.#left -= requests;
  }
}
