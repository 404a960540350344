import type { JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { createIdSource } from "../../base/index.ts";
import { MemoryEventBus } from "../../events/index.ts";
import { FakeClock, createSeededRandom } from "../../testing/index.ts";
import { MODERN, PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";

function play(bus = createBus()): { played: PlayedPlane; bus: MemoryEventBus } {
  const played = new PlayedPlane({ events: bus }).listen();
  onTestFinished(() => played[Symbol.dispose]());
  return { played, bus };
}

function createBus(): MemoryEventBus {
  const clock = new FakeClock();
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random: createSeededRandom(3) }) });
  onTestFinished(() => bus[Symbol.dispose]());
  return bus;
}

const content = (answer: { result?: JsonObject }): JsonObject => (answer.result?.structuredContent ?? {}) as JsonObject;
const listen = (played: PlayedPlane, id: number | string, types: string[]): void =>
  played.send({ id, method: "events/listen", params: { types, _meta: MODERN } });
const heard = (played: PlayedPlane): (JsonObject | undefined)[] =>
  played.messages.filter(({ method }) => method === "notifications/events/event").map(({ params }) => params);

test("[HP21] an event is published under the plugin's name, when it is in the log", async () => {
  const { played, bus } = play();
  using subscription = bus.subscribe({ types: ["com.acme.*"], subscriber: "test" });
  const { id = "" } = content(
    await played.call("event_publish", { type: "com.acme.order", subject: "s", data: { a: 1 } }),
  );
  expect((await subscription.next())?.event).toMatchObject({
    ...{ id, type: "com.acme.order", subject: "s", source: `plugin:${PLUGIN}`, data: { a: 1 } },
  });
  expect(played.policy.asked).toMatchObject([
    { action: "event.publish", resource: { type: "EventType", id: "com.acme.order" } },
  ]);
  expect(played.audit.entries).toMatchObject([
    { kind: "host.event_publish", data: { type: "com.acme.order", event: id, sha256: expect.any(String) } },
  ]);
  played.audit.isUnwritable = true;
  expect(content(await played.call("event_publish", { type: "com.acme.order" }))).toMatchObject({
    code: "LM_AUDIT_UNWRITABLE",
  });
  played.audit.isUnwritable = false;
  await played.call("event_publish", { type: "com.acme.last" });
  expect((await subscription.next())?.event.type).toBe("com.acme.last");
});

test("[HP21] the workbench's own types, types that were not granted, and no types at all are refused", async () => {
  const { played, bus } = play();
  using subscription = bus.subscribe({ types: ["io.logomesh.*", "com.acme.*"], subscriber: "test" });
  played.policy.denied.add("event.publish com.acme.other");
  expect(content(await played.call("event_publish", { type: "io.logomesh.run.completed" }))).toMatchObject({
    code: "LM_EVENT_FORGED",
  });
  expect(await played.call("event_publish", { type: "com.acme.other" })).toMatchObject({ error: { code: 4030 } });
  expect(content(await played.call("event_publish", { type: "no type" }))).toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(content(await played.call("event_publish", { type: "a.b", source: "system" }))).toMatchObject({
    code: "LM_INPUT_INVALID",
  });
  expect(await played.call("event_publish", { type: "a.b", data: "x".repeat(300_000) })).toMatchObject({
    error: { code: 4130 },
  });
  bus.publish({ type: "com.acme.end" }, { source: "test", isSystem: false });
  expect((await subscription.next())?.event.type).toBe("com.acme.end");
});

test("[HP21] events are heard in order until the request is cancelled", async () => {
  const { played, bus } = play();
  listen(played, "l", ["com.acme.*"]);
  await played.settle();
  expect(played.messages).toMatchObject([
    { method: "notifications/events/acknowledged", params: { subscriptionId: "l" } },
  ]);
  for (const type of ["com.acme.a", "com.other.b", "com.acme.c"])
    bus.publish({ type }, { source: "test", isSystem: false });
  await played.settle();
  expect(heard(played)).toMatchObject([
    { subscriptionId: "l", dropped: 0, event: { type: "com.acme.a" } },
    { subscriptionId: "l", dropped: 0, event: { type: "com.acme.c" } },
  ]);
  played.send({ method: "notifications/cancelled", params: { requestId: "l" } });
  await played.settle();
  bus.publish({ type: "com.acme.d" }, { source: "test", isSystem: false });
  await played.settle();
  expect(heard(played)).toHaveLength(2);
  expect(played.messages.some(({ id }) => id === "l")).toBe(false);
  expect(played.audit.entries).toMatchObject([{ kind: "host.events_listen", data: { types: ["com.acme.*"] } }]);
});

test("[HP21] [HP4] every type of a subscription is asked of the policy, and at most eight are open", async () => {
  const { played } = play();
  played.policy.denied.add("event.subscribe b.*");
  expect(await played.ask("events/listen", { types: ["a.b", "b.*"] })).toMatchObject({ error: { code: 4030 } });
  expect(content(await played.ask("events/listen", { types: [] }))).toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(content(await played.ask("events/listen", {}))).toMatchObject({ code: "LM_INPUT_INVALID" });
  for (let id = 0; id < 8; id += 1) listen(played, `l${id}`, ["a.b"]);
  await played.settle();
  expect(await played.ask("events/listen", { types: ["a.b"] })).toMatchObject({ error: { code: 4290 } });
  listen(played, "l0", ["a.b"]);
  await played.settle();
  expect(played.plane.violations).toBe(1);
});

test("[HP21] [HP9] a subscriber that does not read costs a bounded queue, and is told what it lost", async () => {
  const bus = createBus();
  const played = new PlayedPlane({ events: bus });
  onTestFinished(() => played[Symbol.dispose]());
  listen(played, "l", ["a.b"]);
  await played.settle();
  for (let at = 0; at < 3_000; at += 1) {
    bus.publish({ type: "a.b", data: "x".repeat(10_000) }, { source: "test", isSystem: false });
    if (at % 100 === 0) await played.settle();
  }
  await played.settle();
  played.listen();
  for (let turn = 0; turn < 20; turn += 1) await played.settle();
  const events = heard(played);
  expect(events.length).toBeLessThan(1_500);
  expect(events.reduce((sum, event) => sum + Number(event?.dropped), events.length)).toBe(3_000);
});

test("[HP16] [HP21] a tainted plugin's events taint who hears them", async () => {
  const bus = createBus();
  const teller = play(bus).played;
  const hearer = play(bus).played;
  listen(hearer, "l", ["a.b"]);
  await hearer.settle();
  await teller.call("event_publish", { type: "a.b" });
  await hearer.settle();
  expect([heard(hearer).length, hearer.taint.isSet]).toEqual([1, false]);
  await teller.taint.add();
  await teller.call("event_publish", { type: "a.b" });
  await hearer.settle();
  expect([heard(hearer).length, hearer.taint.isSet]).toEqual([2, true]);
});

test("[HP10] a plane that closes ends its subscriptions", async () => {
  const { played, bus } = play();
  listen(played, "l", ["a.b"]);
  await played.settle();
  played.stream.end();
  await played.settle();
  for (let id = 0; id < 32; id += 1) bus.subscribe({ types: ["a.b"], subscriber: `plugin:${PLUGIN}` });
});
