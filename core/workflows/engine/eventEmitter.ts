import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import type { CloudEvent, EventBus, EventStore, Policy, Principal } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { toEnvelope } from "../interpreter/index.ts";
import { OWN_SOURCE, type EmitTask } from "../language/index.ts";
import type { TaskResult } from "../executors/index.ts";

/** Extension attribute of events whose publisher had read private data. */
const TAINTED = "logomeshtainted";
const ATTRIBUTES = ["id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data", "specversion"];

export interface EmitRequest {
  task: EmitTask;
  /** The evaluated attributes. */
  attributes: JsonValue;
  runId: string;
  idempotencyKey: string;
  principal: Principal;
  tainted: boolean;
}

/** Publishes what `emit` tasks say: the event is kept in the commit of its step and heard after it. */
export class EventEmitter {
  readonly #options: { bus: Pick<EventBus, "seal">; store: EventStore; policy: Policy };

  constructor(options: { bus: Pick<EventBus, "seal">; store: EventStore; policy: Policy }) {
    this.#options = options;
  }

  /** @throws LogoMeshError LM_POLICY_DENIED, LM_INPUT_INVALID, LM_EVENT_FORGED, LM_TOO_LARGE */
  emit(request: EmitRequest): TaskResult {
    const { bus, store, policy } = this.#options;
    const { task, runId, principal, tainted } = request;
    policy.require({
      ...{ principal, action: "event.publish", resource: { type: "EventType", id: task.eventType } },
      context: { tainted, run: runId, task: task.reference },
    });
    const sealed = bus.seal(this.#draft(request), { source: sourceOf(request), isSystem: false });
    const { event, bytes } = sealed;
    return {
      output: toEnvelope(event),
      writes: [store.append(sealed)],
      details: { event: event.id, eventType: event.type, bytes },
      ...(event.data === undefined
        ? {}
        : { payload: { data: { bytes: JSON.stringify(event.data), media: "application/json" } } }),
    };
  }

  #draft({ task, attributes, idempotencyKey, tainted }: EmitRequest): Parameters<EventBus["seal"]>[0] {
    const given: JsonObject = isObject(attributes) ? attributes : {};
    const text = (name: "id" | "subject" | "time"): string | undefined => {
      const value = given[name];
      if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
      throw new LogoMeshError("LM_INPUT_INVALID", `“${name}” of the event in “${task.name}” must be a text.`);
    };
    const time = text("time");
    if (time !== undefined && Number.isNaN(Date.parse(time)))
      throw new LogoMeshError(
        "LM_INPUT_INVALID",
        `“time” of the event in “${task.name}” is no instant such as 2026-01-31T12:00:00Z.`,
      );
    const subject = text("subject");
    const extensions: JsonObject = Object.fromEntries(
      Object.entries(given).filter(([name]) => !ATTRIBUTES.includes(name)),
    );
    if (tainted) extensions[TAINTED] = true;
    return {
      type: task.eventType,
      // The same for every try of the step, so that a repeated one is the same event.
      id: text("id") ?? `evt_${idempotencyKey}`,
      ...(subject === undefined ? {} : { subject }),
      ...(time === undefined ? {} : { time }),
      ...(given.data === undefined ? {} : { data: given.data }),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    };
  }
}

function sourceOf({ task, attributes, runId }: EmitRequest): string {
  const source = isObject(attributes) ? attributes.source : undefined;
  if (source === undefined || source === null) return `run:${runId}`;
  if (typeof source === "string" && source !== "" && !OWN_SOURCE.test(source)) return source;
  throw new LogoMeshError(
    "LM_EVENT_FORGED",
    `“${task.name}” gives the event the source ${JSON.stringify(source).slice(0, 200)}; give a URI of your own, or none.`,
  );
}

/** Whoever consumes it has private data from then on. */
export function isTaintedEvent({ extensions }: CloudEvent): boolean {
  return extensions?.[TAINTED] === true;
}
