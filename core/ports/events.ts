import type { JsonObject, JsonValue } from "@logomesh/contracts";
import type { AuditEntryDraft } from "./auditLog.ts";
import type { WriteCommand } from "./writer.ts";

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

/** A published event with its place in the one order of all. */
export interface StoredEvent extends SealedEvent {
  /** Rises with every event of the workspace. */
  position: number;
  /** Only this run hears it. */
  runId?: string;
}

export interface EventQuery {
  /** Events behind this position, oldest first. */
  after: number;
  /** Whose: what is for everybody, and what is for this run. */
  runId: string;
  /** Exact types; default: all. */
  types?: readonly string[];
  limit: number;
}

/**
 * Keeps what was published, also while nobody listens: the newest 100,000 events of the last 30 days. A second event with the same source and
 * id is not kept and nobody hears of it.
 */
export interface EventStore {
  /** A command that keeps the event together with what it belongs to. `runId`: only this run hears it. */
  append(event: SealedEvent, address?: { runId?: string }): WriteCommand;
  /** Keeps the event together with its entry of the log. Resolves after the commit. */
  store(event: SealedEvent, entry: AuditEntryDraft, address?: { runId?: string }): Promise<void>;
  read(query: EventQuery): StoredEvent[];
  /** Newest first. */
  list(query: { type?: string; before?: number; limit: number }): Promise<StoredEvent[]>;
  /** Of the newest event; 0 before the first. */
  position(): number;
  /** Called after each commit that kept events, with them in order. The listener must neither throw nor block. */
  onDidStore(listener: (events: readonly StoredEvent[]) => void): Disposable;
}
