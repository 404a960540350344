import { LogoMeshError } from "@logomesh/contracts";
import { toDisposable, type IdSource } from "../base/index.ts";
import type { Clock, CloudEvent, EventBus, EventDraft, EventSubscription, SealedEvent } from "../ports/index.ts";
import { EventQueue } from "./eventQueue.ts";
import { assertName, assertType, sealEvent } from "./sealEvent.ts";

// Queues are found by the type of an event and by its prefixes, so publishing costs what its hearers cost, not what all subscriptions would.

const TYPES_MAX = 32;
const SUBSCRIPTIONS_EACH_MAX = 32;
const SUBSCRIPTIONS_MAX = 1_000;
const WILDCARD = ".*";

interface Subscription {
  subscriber: string;
  types: readonly string[];
  /** Of one that only keeps what the subscriber does not hear. */
  onHeld?: (event: CloudEvent) => void;
}

/** Makes events under a prefix, at a cost, while somebody listens. */
interface EventSource {
  prefix: string;
  attach: () => Disposable;
  attached: Disposable | undefined;
}

export class MemoryEventBus implements EventBus, Disposable {
  readonly #clock: Clock;
  readonly #ids: IdSource;
  /** By type, and by prefix with its trailing `.*`. */
  readonly #queues = new Map<string, Set<EventQueue>>();
  readonly #subscriptions = new Map<EventQueue, Subscription>();
  readonly #countBySubscriber = new Map<string, number>();
  readonly #sources = new Set<EventSource>();

  constructor({ clock, ids }: { clock: Clock; ids: IdSource }) {
    this.#clock = clock;
    this.#ids = ids;
  }

  /** Ends every subscription. */
  [Symbol.dispose](): void {
    for (const queue of [...this.#subscriptions.keys()]) this.#remove(queue);
  }

  publish(draft: EventDraft, origin: { source: string; isSystem: boolean }): CloudEvent {
    const sealed = this.seal(draft, origin);
    this.deliver(sealed);
    return sealed.event;
  }

  /**
   * The event as it will be, for who does something before it is delivered.
   * @throws LogoMeshError as publish
   */
  seal(draft: EventDraft, origin: { source: string; isSystem: boolean }): SealedEvent {
    return sealEvent(draft, { ...origin, newId: () => this.#ids.next("evt"), nowMs: this.#clock.nowMs() });
  }

  deliver(sealed: SealedEvent): void {
    const hearers = new Set<EventQueue>();
    for (const key of keysOf(sealed.event.type)) for (const queue of this.#queues.get(key) ?? []) hearers.add(queue);
    const held: (readonly [EventQueue, Subscription])[] = [];
    for (const queue of hearers) {
      const subscription = this.#subscriptions.get(queue);
      if (subscription?.onHeld === undefined) queue.offer(sealed);
      else held.push([queue, subscription]);
    }
    for (const [queue, { subscriber, onHeld }] of held) {
      if (this.#isHeard(hearers, subscriber)) continue;
      queue.offer(sealed);
      onHeld?.(sealed.event);
    }
  }

  subscribe({ types, subscriber }: { types: readonly string[]; subscriber: string }): EventSubscription {
    const queue = this.#add({ types, subscriber });
    for (const held of this.#holdsOf(subscriber)) queue.offerAll(held.extract(({ event }) => isOneOf(types, event)));
    return { next: () => queue.take(), [Symbol.dispose]: () => this.#remove(queue) };
  }

  hold({ types, subscriber, onHeld }: Required<Subscription>): Disposable {
    const queue = this.#add({ types, subscriber, onHeld });
    return toDisposable(() => this.#remove(queue));
  }

  #add(subscription: Subscription): EventQueue {
    const { types, subscriber } = subscription;
    assertName("subscriber", subscriber);
    assertPatterns(types);
    const count = this.#countBySubscriber.get(subscriber) ?? 0;
    if (count >= SUBSCRIPTIONS_EACH_MAX || this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
      const limit =
        count >= SUBSCRIPTIONS_EACH_MAX ? `${SUBSCRIPTIONS_EACH_MAX} for each` : `${SUBSCRIPTIONS_MAX} in all`;
      throw new LogoMeshError("LM_EVENT_LIMIT", `${subscriber} cannot subscribe: at most ${limit}. End others first.`);
    }
    const queue = new EventQueue();
    this.#subscriptions.set(queue, subscription);
    this.#countBySubscriber.set(subscriber, count + 1);
    for (const type of types) this.#queues.set(type, (this.#queues.get(type) ?? new Set()).add(queue));
    this.#attachSources();
    return queue;
  }

  #isHeard(hearers: ReadonlySet<EventQueue>, subscriber: string): boolean {
    for (const queue of hearers) {
      const subscription = this.#subscriptions.get(queue);
      if (subscription?.subscriber === subscriber && subscription.onHeld === undefined) return true;
    }
    return false;
  }

  #holdsOf(subscriber: string): EventQueue[] {
    return [...this.#subscriptions].flatMap(([queue, each]) =>
      each.subscriber === subscriber && each.onHeld !== undefined ? [queue] : [],
    );
  }

  /** Calls `attach` while somebody listens to a type below the prefix, and disposes what it answered when nobody does any longer. */
  addSource(prefix: string, attach: () => Disposable): Disposable {
    const source: EventSource = { prefix, attach, attached: undefined };
    this.#sources.add(source);
    this.#attachSources();
    return toDisposable(() => {
      this.#sources.delete(source);
      source.attached?.[Symbol.dispose]();
    });
  }

  #remove(queue: EventQueue): void {
    const subscription = this.#subscriptions.get(queue);
    if (subscription === undefined) return;
    this.#subscriptions.delete(queue);
    this.#giveBack(queue, subscription.subscriber);
    queue.close();
    const { subscriber, types } = subscription;
    const count = (this.#countBySubscriber.get(subscriber) ?? 1) - 1;
    if (count === 0) this.#countBySubscriber.delete(subscriber);
    else this.#countBySubscriber.set(subscriber, count);
    for (const type of types) {
      const queues = this.#queues.get(type);
      queues?.delete(queue);
      if (queues?.size === 0) this.#queues.delete(type);
    }
    this.#attachSources();
  }

  /** What a subscriber did not take before it went is held for its return. */
  #giveBack(queue: EventQueue, subscriber: string): void {
    for (const hold of this.#holdsOf(subscriber)) {
      const { types, onHeld } = this.#subscriptions.get(hold) ?? { types: [] };
      const rest = queue.extract(({ event }) => isOneOf(types, event));
      hold.offerAll(rest);
      const last = rest.events.at(-1);
      if (last !== undefined) onHeld?.(last.event);
    }
  }

  #attachSources(): void {
    for (const source of this.#sources) {
      const isHeard = [...this.#queues.keys()].some((pattern) => mayMatchBelow(pattern, source.prefix));
      if (isHeard) source.attached ??= source.attach();
      else {
        source.attached?.[Symbol.dispose]();
        source.attached = undefined;
      }
    }
  }
}

/** `a.b.c`, `a.b.*`, `a.*`. */
function keysOf(type: string): string[] {
  const keys = [type];
  for (let dot = type.lastIndexOf("."); dot > 0; dot = type.lastIndexOf(".", dot - 1)) {
    keys.push(type.slice(0, dot) + WILDCARD);
  }
  return keys;
}

function isOneOf(patterns: readonly string[], { type }: CloudEvent): boolean {
  return keysOf(type).some((key) => patterns.includes(key));
}

/** Whether a pattern can match a type that begins with the prefix and a dot. */
function mayMatchBelow(pattern: string, prefix: string): boolean {
  if (pattern.startsWith(`${prefix}.`)) return true;
  return pattern.endsWith(WILDCARD) && `${prefix}.`.startsWith(pattern.slice(0, -1));
}

function assertPatterns(types: readonly string[]): void {
  if (types.length === 0 || types.length > TYPES_MAX) {
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `A subscription names 1 to ${TYPES_MAX} event types, not ${types.length}.`,
    );
  }
  for (const pattern of types) {
    // A prefix may be one word; as a type it would lack its second.
    if (pattern.endsWith(WILDCARD)) assertType(`${pattern.slice(0, -1)}x`);
    else assertType(pattern);
  }
}
