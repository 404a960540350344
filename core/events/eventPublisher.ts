import {
  LogoMeshError,
  type Actor,
  type EventQuery,
  type Page,
  type PublishEventParams,
  type StoredEvent as ApiEvent,
} from "@logomesh/contracts";
import type { EventStore, Policy, Principal } from "../ports/index.ts";
import type { MemoryEventBus } from "./memoryEventBus.ts";

/** What people and programs outside publish: permitted by policy, kept and in the log before anybody hears of it. */
export class EventPublisher {
  readonly #options: { bus: MemoryEventBus; store: EventStore; policy: Policy };

  constructor(options: { bus: MemoryEventBus; store: EventStore; policy: Policy }) {
    this.#options = options;
  }

  /** @throws LogoMeshError LM_EVENT_FORGED, LM_POLICY_DENIED, LM_INPUT_INVALID, LM_TOO_LARGE, LM_AUDIT_UNWRITABLE */
  async publish(params: PublishEventParams, caller: { actor: Actor; principal: Principal }): Promise<{ id: string }> {
    const { bus, store, policy } = this.#options;
    const { specversion: _version, source: _claimed, datacontenttype: _json, ...rest } = params;
    const { type, id, subject, time, data, ...extensions } = rest;
    const sealed = bus.seal(
      {
        type,
        ...(id === undefined ? {} : { id }),
        ...(subject === undefined ? {} : { subject }),
        ...(time === undefined ? {} : { time }),
        ...(data === undefined ? {} : { data }),
        ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
      },
      { source: `client:${caller.principal.id}`, isSystem: false },
    );
    policy.require({
      principal: caller.principal,
      action: "event.publish",
      resource: { type: "EventType", id: type },
    });
    const { event, bytes } = sealed;
    await store.store(sealed, {
      kind: "event.published",
      actor: caller.actor,
      data: { event: event.id, type, source: event.source, bytes, token: caller.principal.id },
      ...(data === undefined ? {} : { payload: { data: { bytes: JSON.stringify(data), media: "application/json" } } }),
    });
    return { id: event.id };
  }

  /** What is kept, newest first. */
  async list({ type, cursor, limit }: EventQuery): Promise<Page<ApiEvent>> {
    const before = cursor === undefined ? undefined : Number(cursor);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new LogoMeshError(
        "LM_INPUT_INVALID",
        `The cursor ${cursor} is not one of this list. Leave it out to begin at the start.`,
      );
    const found = await this.#options.store.list({
      ...(type === undefined ? {} : { type }),
      ...(before === undefined ? {} : { before }),
      limit: limit + 1,
    });
    const items = found.slice(0, limit).map(({ position, runId, event: { extensions, ...event } }) => ({
      ...(runId === undefined ? {} : { runId }),
      ...{ position, event: { ...extensions, ...event } },
    }));
    return { items, nextCursor: found.length > limit ? String(items.at(-1)?.position) : null };
  }
}
