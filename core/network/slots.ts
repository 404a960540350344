import { LogoMeshError } from "@logomesh/contracts";

// Requests under way hold memory and threads, so their number is bounded; the rest waits in the order of asking, except that nobody takes
// more than its share: a caller with many slow requests does not keep the others waiting.

const IN_FLIGHT_MAX = 64;
const IN_FLIGHT_EACH_MAX = 16;
const WAITING_EACH_MAX = 256;

export class Slots {
  readonly #inFlight = new Map<string, number>();
  #total = 0;
  #waiting: { caller: string; start: () => void }[] = [];

  /**
   * Resolves when the caller may begin; it calls `release` when it has ended.
   * @throws LogoMeshError LM_NET_BUSY; the signal's reason
   */
  async take(caller: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isFree(caller)) {
      this.#begin(caller);
      return;
    }
    if (this.#waiting.filter((entry) => entry.caller === caller).length >= WAITING_EACH_MAX) {
      throw new LogoMeshError(
        "LM_NET_BUSY",
        `${WAITING_EACH_MAX} requests of ${caller} wait already, the most allowed. Ask again later.`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const entry = { caller, start: () => resolve(undefined) };
    const leave = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
      reject(signal.reason);
    };
    this.#waiting.push(entry);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  release(caller: string): void {
    const rest = (this.#inFlight.get(caller) ?? 1) - 1;
    if (rest === 0) this.#inFlight.delete(caller);
    else this.#inFlight.set(caller, rest);
    this.#total -= 1;
    const index = this.#waiting.findIndex((entry) => this.#isFree(entry.caller));
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (next === undefined) return;
    // Begun here, so that nobody who asks in between takes the place.
    this.#begin(next.caller);
    next.start();
  }

  #isFree(caller: string): boolean {
    return this.#total < IN_FLIGHT_MAX && (this.#inFlight.get(caller) ?? 0) < IN_FLIGHT_EACH_MAX;
  }

  #begin(caller: string): void {
    this.#total += 1;
    this.#inFlight.set(caller, (this.#inFlight.get(caller) ?? 0) + 1);
  }
}
