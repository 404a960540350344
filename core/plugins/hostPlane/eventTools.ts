import { z } from "zod";
import { sha256Hex } from "../../base/index.ts";
import type { CloudEvent, EventBus, EventStore } from "../../ports/index.ts";
import { hostTool, type HostTool } from "./hostTool.ts";

/** Extension attribute of events whose publisher had read private data. */
const TAINTED = "logomeshtainted";

/** `event_publish`, under the types that were granted. It is kept and in the log before anybody hears of it. */
export function eventTools({ events, store }: { events: EventBus; store: EventStore }): Record<string, HostTool> {
  return {
    event_publish: hostTool({
      description: "Publishes an event of a type that this plugin may publish.",
      input: z.strictObject({
        type: z.string().min(1).max(200),
        subject: z.string().min(1).max(1_000).optional(),
        data: z.unknown().optional(),
      }),
      output: z.object({ id: z.string() }),
      record: "awaited",
      subject: ({ type }) => ({ type }),
      async run({ type, subject, data }, request) {
        request.require("event.publish", { type: "EventType", id: type });
        const sealed = events.seal(
          {
            type,
            ...(subject === undefined ? {} : { subject }),
            ...(data === undefined ? {} : { data: data as NonNullable<CloudEvent["data"]> }),
            ...(request.isTainted ? { extensions: { [TAINTED]: true } } : {}),
          },
          { source: `plugin:${request.pluginId}`, isSystem: false },
        );
        const { event, bytes } = sealed;
        const hash = data === undefined ? {} : { sha256: sha256Hex(JSON.stringify(data)) };
        await store.store(sealed, request.entry({ event: event.id, bytes, ...hash }));
        return { result: { id: event.id }, isRecorded: true };
      },
    }),
  };
}

/** Whoever hears of it has private data from then on. */
export function isTaintedEvent({ extensions }: CloudEvent): boolean {
  return extensions?.[TAINTED] === true;
}
