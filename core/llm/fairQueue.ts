import { LogoMeshError } from "@logomesh/contracts";

/** Prompts that may wait for one provider. */
const WAITING_MAX = 500;

interface Waiter {
  enter: () => void;
}

/** Lets a number of prompts through at once. Callers take turns; the prompts of one caller stay in order. */
export class FairQueue {
  readonly #places: number;
  readonly #provider: string;
  readonly #byCaller = new Map<string, Waiter[]>();
  #running = 0;
  #waiting = 0;

  constructor(options: { provider: string; places: number }) {
    this.#provider = options.provider;
    this.#places = options.places;
  }

  /** Resolves with what gives the place back. @throws LogoMeshError LM_LLM_BUSY; the signal's reason */
  async enter(caller: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#places) this.#running += 1;
    else await this.#wait(caller, signal);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#next();
    };
  }

  #wait(caller: string, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= WAITING_MAX)
      throw new LogoMeshError(
        "LM_LLM_BUSY",
        `${WAITING_MAX} prompts wait for ${this.#provider} already. Try again later.`,
      );
    return new Promise((resolve, reject) => {
      const line = this.#byCaller.get(caller) ?? [];
      this.#byCaller.set(caller, line);
      const leave = (): void => {
        line.splice(line.indexOf(waiter), 1);
        this.#waiting -= 1;
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        enter: () => {
          signal.removeEventListener("abort", leave);
          this.#waiting -= 1;
          resolve();
        },
      };
      line.push(waiter);
      this.#waiting += 1;
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #next(): void {
    for (const [caller, line] of this.#byCaller) {
      const waiter = line.shift();
      // Back to the end of the round: the next turn is another caller's.
      this.#byCaller.delete(caller);
      if (line.length > 0) this.#byCaller.set(caller, line);
      if (waiter === undefined) continue;
      waiter.enter();
      return;
    }
    this.#running -= 1;
  }
}
