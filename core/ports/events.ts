import type { JsonObject, JsonValue } from "@logomesh/contracts";

/** A CloudEvents 1.0 envelope. */
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
  extensions?: JsonObject;
}

export interface EventSubscription extends Disposable {
  /** The next event; undefined when the subscription was disposed. Never more than one caller at a time. */
  next(): Promise<{ event: CloudEvent; dropped: number } | undefined>;
}

/**
 * One bus for the whole workbench. Each subscriber has a bounded queue: the oldest is dropped, counted, and the subscriber told.
 * Types that begin with `io.logomesh.` are the workbench's own.
 */
export interface EventBus {
  /** @throws LogoMeshError LM_EVENT_FORGED for a system type from somebody else, LM_TOO_LARGE above 256 KiB */
  publish(
    event: { type: string; subject?: string; data?: JsonValue },
    origin: { source: string; isSystem: boolean },
  ): CloudEvent;
  /** `types`: exact, or with a trailing `.*`. */
  subscribe(filter: { types: readonly string[] }): EventSubscription;
}
