import type { Actor, PublishEventParams } from "@logomesh/contracts";
import type { AuditLog, Policy, Principal } from "../ports/index.ts";
import type { MemoryEventBus } from "./memoryEventBus.ts";

/** What people and programs outside publish: permitted by policy, and in the log before anybody hears of it. */
export class EventPublisher {
  readonly #options: { bus: MemoryEventBus; audit: AuditLog; policy: Policy };

  constructor(options: { bus: MemoryEventBus; audit: AuditLog; policy: Policy }) {
    this.#options = options;
  }

  /** @throws LogoMeshError LM_EVENT_FORGED, LM_POLICY_DENIED, LM_INPUT_INVALID, LM_TOO_LARGE, LM_AUDIT_UNWRITABLE */
  async publish(params: PublishEventParams, caller: { actor: Actor; principal: Principal }): Promise<{ id: string }> {
    const { bus, audit, policy } = this.#options;
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
    await audit.append({
      kind: "event.published",
      actor: caller.actor,
      data: { event: event.id, type, source: event.source, bytes, token: caller.principal.id },
      ...(data === undefined ? {} : { payload: { data: { bytes: JSON.stringify(data), media: "application/json" } } }),
    });
    bus.deliver(sealed);
    return { id: event.id };
  }
}
