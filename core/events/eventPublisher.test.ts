import { LogoMeshError, PublishEventParamsSchema } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import type { AuditEntryDraft, PolicyRequest } from "../ports/index.ts";
import { FakeClock, createSeededRandom, deliveringEventStore } from "../testing/index.ts";
import { EventPublisher, MemoryEventBus } from "./index.ts";

const caller = {
  actor: { type: "client", id: "ci" },
  principal: { type: "Client", id: "tok_1" },
} as const;

function setUp() {
  const clock = new FakeClock();
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random: createSeededRandom(4) }) });
  const state = { entries: [] as AuditEntryDraft[], asked: [] as PolicyRequest[], deny: false, unwritable: false };
  const publisher = new EventPublisher({
    bus,
    policy: {
      decide: () => ({ allowed: true, policies: [], reason: "" }),
      require: (request) => {
        state.asked.push(request);
        if (state.deny) throw new LogoMeshError("LM_POLICY_DENIED", "not you");
      },
    },
    store: deliveringEventStore({
      bus,
      audit: {
        command: () => ({ name: "", params: undefined }),
        enqueue: () => undefined,
        append: (draft) => {
          if (state.unwritable) return Promise.reject(new LogoMeshError("LM_AUDIT_UNWRITABLE", "full"));
          state.entries.push(draft);
          return Promise.resolve({ seq: 1 });
        },
      },
    }),
  });
  const listening = bus.subscribe({ types: ["com.acme.*"], subscriber: "test" });
  return { ...state, state, publisher, listening };
}

const paramsOf = (input: object) => PublishEventParamsSchema.parse(input);

test("[EB12] what a client publishes is in the log before it is heard, under the client's own source", async () => {
  const { publisher, listening, entries, asked } = setUp();
  const params = paramsOf({
    specversion: "1.0",
    source: "plugin:org.example.bank",
    type: "com.acme.paid",
    id: "order-7",
    time: "2026-02-03T04:05:06+01:00",
    subject: "7",
    datacontenttype: "application/json; charset=utf-8",
    data: { order: 7 },
    priority: 2,
  });
  expect(await publisher.publish(params, caller)).toEqual({ id: "order-7" });
  expect((await listening.next())?.event).toEqual({
    specversion: "1.0",
    source: "client:tok_1",
    type: "com.acme.paid",
    id: "order-7",
    time: "2026-02-03T04:05:06+01:00",
    subject: "7",
    datacontenttype: "application/json",
    data: { order: 7 },
    extensions: { priority: 2 },
  });
  expect(entries).toEqual([
    {
      kind: "event.published",
      actor: caller.actor,
      data: {
        event: "order-7",
        type: "com.acme.paid",
        source: "client:tok_1",
        bytes: expect.any(Number),
        token: caller.principal.id,
      },
      payload: { data: { bytes: '{"order":7}', media: "application/json" } },
    },
  ]);
  expect(asked).toEqual([
    { principal: caller.principal, action: "event.publish", resource: { type: "EventType", id: "com.acme.paid" } },
  ]);
  const { id } = await publisher.publish(paramsOf({ type: "com.acme.bare" }), caller);
  expect((await listening.next())?.event).toEqual({
    ...{ specversion: "1.0", source: "client:tok_1", type: "com.acme.bare", id },
    time: "2026-01-01T00:00:00.000Z",
  });
  expect(entries[1]).not.toHaveProperty("payload");
});

test("[EB12] what is refused is neither logged nor heard", async () => {
  const { publisher, listening, state } = setUp();
  const publish = (input: object) => publisher.publish(paramsOf(input), caller);
  await expect(publish({ type: "io.logomesh.run.completed" })).rejects.toMatchObject({ code: "LM_EVENT_FORGED" });
  await expect(publish({ type: "com.acme.paid", data_base64: "eA==" })).rejects.toMatchObject({
    code: "LM_INPUT_INVALID",
    message: expect.stringContaining("data_base64"),
  });
  await expect(publish({ type: "com.acme.paid", extra: {} })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  state.deny = true;
  await expect(publish({ type: "com.acme.paid" })).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  state.deny = false;
  state.unwritable = true;
  await expect(publish({ type: "com.acme.paid" })).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE" });
  state.unwritable = false;
  await publish({ type: "com.acme.last" });
  expect((await listening.next())?.event.type).toBe("com.acme.last");
  expect(state.entries).toHaveLength(1);
});

test.each([
  ["another version", { specversion: "0.3" }],
  ["bytes", { datacontenttype: "application/octet-stream" }],
  ["no instant", { time: "yesterday" }],
])("[EB12] %s is refused", (_name, change) => {
  expect(PublishEventParamsSchema.safeParse({ type: "com.acme.paid", ...change }).success).toBe(false);
});
