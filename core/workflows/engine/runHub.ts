import type { RunMessage } from "../runMessage.ts";
import { toDisposable } from "../../base/index.ts";

interface Subscriber {
  runId: string | undefined;
  listener: (message: RunMessage) => void;
}

/** Hands messages of runs to whoever listens, in order. Listeners must neither throw nor block. */
export class RunHub {
  readonly #subscribers = new Set<Subscriber>();

  subscribe(filter: { runId?: string }, listener: (message: RunMessage) => void): Disposable {
    const subscriber = { runId: filter.runId, listener };
    this.#subscribers.add(subscriber);
    return toDisposable(() => void this.#subscribers.delete(subscriber));
  }

  /** Whether it is worth making a message. */
  hears(runId: string): boolean {
    for (const subscriber of this.#subscribers)
      if (subscriber.runId === undefined || subscriber.runId === runId) return true;
    return false;
  }

  publish(runId: string, message: RunMessage): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.runId === undefined || subscriber.runId === runId) subscriber.listener(message);
    }
  }
}
