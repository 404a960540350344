import { assert } from "../base/index.ts";
import type { CloudEvent } from "../ports/index.ts";
import type { SealedEvent } from "../ports/index.ts";

const EVENTS_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;

export interface Delivery {
  event: CloudEvent;
  /** How many were lost before it. */
  dropped: number;
}

/** What one subscriber has not taken yet. Offering never waits; the oldest make room. */
export class EventQueue {
  #waiting: ((delivery: Delivery | undefined) => void) | undefined;
  #events: SealedEvent[] = [];
  #bytes = 0;
  #dropped = 0;
  #isClosed = false;

  offer(sealed: SealedEvent): void {
    if (this.#isClosed) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting({ event: sealed.event, dropped: 0 });
      return;
    }
    this.#events.push(sealed);
    this.#bytes += sealed.bytes;
    while (this.#events.length > EVENTS_MAX || this.#bytes > BYTES_MAX) {
      this.#bytes -= this.#events.shift()?.bytes ?? 0;
      this.#dropped += 1;
    }
  }

  take(): Promise<Delivery | undefined> {
    assert(this.#waiting === undefined, "Two callers wait for the next event of one subscription");
    const first = this.#events.shift();
    if (first !== undefined) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#bytes -= first.bytes;
      return Promise.resolve({ event: first.event, dropped });
    }
    if (this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Takes out what waits and matches, with how many were lost before. */
  extract(isWanted: (sealed: SealedEvent) => boolean): { events: SealedEvent[]; dropped: number } {
    const events = this.#events.filter(isWanted);
    const dropped = events.length === 0 ? 0 : this.#dropped;
    if (events.length === 0) return { events, dropped };
    this.#events = this.#events.filter((sealed) => !events.includes(sealed));
    this.#bytes -= events.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#dropped = 0;
    return { events, dropped };
  }

  /** What another queue held. */
  offerAll({ events, dropped }: { events: readonly SealedEvent[]; dropped: number }): void {
    this.#dropped += dropped;
    for (const sealed of events) this.offer(sealed);
  }

  close(): void {
    this.#isClosed = true;
    this.#events = [];
    this.#bytes = 0;
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }
}
