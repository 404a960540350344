import type { JsonObject, JsonValue } from "@logomesh/contracts";

/** A CloudEvents 1.0 envelope. What a subscriber gets is frozen. */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  /** Set by the bus from who publishes: `plugin:<id>`, `run:<id>`, `client:<id>`, `system`. */
  source: string;
  type: string;
  subject?: string;
  time: string;
  datacontenttype?: string;
  data?: JsonValue;
  /** Extension attributes: names of a-z and 0-9; texts, booleans and integers. */
  extensions?: JsonObject;
}

export interface EventDraft {
  /** Words of letters, digits, `_` and `-` with dots between, for example `com.acme.order.paid`; at most 200 characters. */
  type: string;
  subject?: string;
  data?: JsonValue;
  /** Default: a new one. */
  id?: string;
  /** Default: now. */
  time?: string;
  extensions?: JsonObject;
}

export interface EventSubscription extends Disposable {
  /**
   * The next event, and how many were dropped before it because the queue (1,000 events, 4 MiB) was full; undefined when the subscription
   * was disposed. Never more than one caller at a time.
   */
  next(): Promise<{ event: CloudEvent; dropped: number } | undefined>;
}

/** An event that was checked and is as it will be. */
export interface SealedEvent {
  event: CloudEvent;
  /** Of its JSON text. */
  bytes: number;
}

/**
 * One bus for the whole workbench. Each subscriber has a bounded queue: the oldest is dropped, counted, and the subscriber told.
 * Types that begin with `io.logomesh.` are the workbench's own.
 */
export interface EventBus {
  /** @throws LogoMeshError LM_EVENT_FORGED for a system type from somebody else, LM_INPUT_INVALID, LM_TOO_LARGE above 256 KiB */
  publish(event: EventDraft, origin: { source: string; isSystem: boolean }): CloudEvent;
  /** The event as it will be, for who records it before it is delivered. @throws LogoMeshError as publish */
  seal(event: EventDraft, origin: { source: string; isSystem: boolean }): SealedEvent;
  deliver(sealed: SealedEvent): void;
  /**
   * `types`: at most 32, exact, or with a trailing `.*` for all that begin so. `subscriber` (`plugin:<id>` …) has at most 32 subscriptions.
   * @throws LogoMeshError LM_INPUT_INVALID, LM_EVENT_LIMIT
   */
  subscribe(filter: { types: readonly string[]; subscriber: string }): EventSubscription;
  /**
   * Keeps events of these types while the subscriber does not hear them, as a subscription would (1,000 events, 4 MiB); its next
   * subscription that matches gets them first. `onHeld` is told of each. Counts as a subscription.
   * @throws LogoMeshError as subscribe
   */
  hold(filter: { types: readonly string[]; subscriber: string; onHeld: (event: CloudEvent) => void }): Disposable;
}
