import type { EventStore, StoredEvent } from "../../ports/index.ts";

// Brings stored events to the tasks that listen. Each listener gets the events that may concern it one after the other, in the order of
// their positions: first those that are stored already, then those that come. It must not know what a task does with one.

/** Read at once while a listener catches up. */
const PAGE_EVENTS = 100;
/** Live events that wait for one listener; when there are more it reads them from the store. */
const WAITING_EVENTS_MAX = 1_000;

export interface Listener {
  runId: string;
  /** Events behind this position. */
  after: number;
  /** Exact types; undefined: any. */
  types: readonly string[] | undefined;
  /** Takes an event or passes over it; the next is offered when this has settled. Must not throw. */
  offer: (event: StoredEvent) => void | Promise<void>;
}

export class EventRouter implements Disposable {
  readonly #store: EventStore;
  /** By type; those of any type under undefined. */
  readonly #byType = new Map<string | undefined, Set<Feed>>();
  readonly #subscription: Disposable;

  constructor(store: EventStore) {
    this.#store = store;
    this.#subscription = store.onDidStore((events) => {
      for (const event of events) this.#route(event);
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  listen(listener: Listener): Disposable {
    const feed = new Feed(this.#store, listener);
    const keys = listener.types ?? [undefined];
    for (const key of keys) this.#byType.set(key, (this.#byType.get(key) ?? new Set()).add(feed));
    feed.start();
    return {
      [Symbol.dispose]: () => {
        feed.stop();
        for (const key of keys) {
          const feeds = this.#byType.get(key);
          feeds?.delete(feed);
          if (feeds?.size === 0) this.#byType.delete(key);
        }
      },
    };
  }

  #route(event: StoredEvent): void {
    for (const feed of [...(this.#byType.get(event.event.type) ?? []), ...(this.#byType.get(undefined) ?? [])]) {
      if (event.runId === undefined || event.runId === feed.runId) feed.push(event);
    }
  }
}

/** What one listener has still to see. */
class Feed {
  readonly #store: EventStore;
  readonly #listener: Listener;
  #position: number;
  #waiting: StoredEvent[] = [];
  /** Something is stored that is not waiting here. */
  #isBehind = true;
  #isBusy = false;
  #isStopped = false;

  constructor(store: EventStore, listener: Listener) {
    this.#store = store;
    this.#listener = listener;
    this.#position = listener.after;
  }

  get runId(): string {
    return this.#listener.runId;
  }

  start(): void {
    void this.#work();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  push(event: StoredEvent): void {
    // Told of after its commit, an event may have been read already.
    if (event.position <= (this.#waiting.at(-1)?.position ?? this.#position)) return;
    if (this.#waiting.length >= WAITING_EVENTS_MAX) {
      this.#waiting = [];
      this.#isBehind = true;
    }
    if (!this.#isBehind) this.#waiting.push(event);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let event = this.#next(); event !== undefined && !this.#isStopped; event = this.#next()) {
        this.#position = event.position;
        await this.#listener.offer(event);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #next(): StoredEvent | undefined {
    if (this.#waiting.length === 0 && this.#isBehind && !this.#isStopped) {
      const { runId, types } = this.#listener;
      this.#waiting = this.#store.read({
        ...{ after: this.#position, runId, limit: PAGE_EVENTS },
        ...(types === undefined ? {} : { types }),
      });
      this.#isBehind = this.#waiting.length === PAGE_EVENTS;
    }
    return this.#waiting.shift();
  }
}
