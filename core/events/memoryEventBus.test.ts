import type { JsonValue } from "@logomesh/contracts";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createIdSource } from "../base/index.ts";
import type { EventDraft, EventSubscription } from "../ports/index.ts";
import { FakeClock, createSeededRandom } from "../testing/index.ts";
import { MemoryEventBus } from "./index.ts";

const plugin = { source: "plugin:org.example.a", isSystem: false };
const system = { source: "system", isSystem: true };

function setUp() {
  const clock = new FakeClock();
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random: createSeededRandom(4) }) });
  const subscribe = (...types: string[]): EventSubscription => bus.subscribe({ types, subscriber: "plugin:b" });
  const publish = (type: string, rest: Partial<EventDraft> = {}) => bus.publish({ type, ...rest }, plugin);
  return { bus, clock, subscribe, publish };
}

/** What waits in a subscription now. */
async function drain(subscription: EventSubscription): Promise<{ type: string; dropped: number }[]> {
  const taken: { type: string; dropped: number }[] = [];
  for (;;) {
    const next = await Promise.race([
      subscription.next(),
      new Promise<"none">((resolve) => setImmediate(resolve, "none")),
    ]);
    if (next === "none" || next === undefined) return taken;
    taken.push({ type: next.event.type, dropped: next.dropped });
  }
}

test("[EB1] an envelope says who published, when and what", async () => {
  const { subscribe, publish } = setUp();
  using listening = subscribe("com.acme.paid");
  const event = publish("com.acme.paid", { subject: "7", data: { a: [1] }, extensions: { priority: 1, urgent: true } });
  expect(event).toEqual({
    specversion: "1.0",
    id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
    source: "plugin:org.example.a",
    type: "com.acme.paid",
    subject: "7",
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    data: { a: [1] },
    extensions: { priority: 1, urgent: true },
  });
  expect(await listening.next()).toEqual({ event, dropped: 0 });
  const forged = { type: "com.acme.paid", source: "system", isSystem: true, specversion: "9" } as EventDraft;
  expect(publish("com.acme.paid", forged)).toMatchObject({ source: "plugin:org.example.a", specversion: "1.0" });
  expect(publish("com.acme.paid", { id: "own", time: "2020-01-01T00:00:00Z" })).toMatchObject({
    id: "own",
    time: "2020-01-01T00:00:00Z",
  });
});

test.each<[string, Partial<EventDraft>, string]>([
  ["one word", { type: "paid" }, "no event type"],
  ["nothing", { type: "" }, "no event type"],
  ["a wildcard", { type: "com.acme.*" }, "no event type"],
  ["an empty word", { type: "com..acme" }, "no event type"],
  ["a dot at the end", { type: "com.acme." }, "no event type"],
  ["a letter that only looks like one of ours", { type: "iо.logomesh.x" }, "no event type"],
  ["a line break", { type: "com.acme\n" }, "no event type"],
  ["a long type", { type: `com.${"x".repeat(200)}` }, "no event type"],
  ["a control character in the subject", { subject: "\u001b[2J" }, "subject"],
  ["an empty subject", { subject: "" }, "subject"],
  ["half a character in the id", { id: "\ud800" }, "id"],
  ["a long id", { id: "x".repeat(501) }, "id"],
  ["an extension that is called like an attribute", { extensions: { source: "system" } }, '"source"'],
  ["an extension in upper case", { extensions: { Priority: 1 } }, '"Priority"'],
  ["an extension with an object", { extensions: { a: {} } }, '"a"'],
  ["an extension with a fraction", { extensions: { a: 1.5 } }, '"a"'],
  ["a long extension", { extensions: { a: "x".repeat(1001) } }, '"a"'],
  ["__proto__", { extensions: JSON.parse('{"__proto__":1}') as { [key: string]: JsonValue } }, "__proto__"],
  ["many extensions", { extensions: Object.fromEntries(Array.from({ length: 17 }, (_none, i) => [`a${i}`, 1])) }, "16"],
])("[EB2] %s is refused", (_name, draft, words) => {
  const { publish } = setUp();
  expect(() => publish("com.acme.paid", draft)).toThrow(
    expect.objectContaining({ code: "LM_INPUT_INVALID", message: expect.stringContaining(words) }),
  );
});

test.each(["io.logomesh", "io.logomesh.run.completed", "IO.LogoMesh.x", "io.logomesh.anything-new"])(
  "[EB3] %s cannot be forged",
  async (type) => {
    const { bus, subscribe, publish } = setUp();
    using listening = subscribe("io.*");
    expect(() => publish(type)).toThrow(expect.objectContaining({ code: "LM_EVENT_FORGED" }));
    expect(await drain(listening)).toEqual([]);
    expect(publish("io.logomeshed.x").type).toBe("io.logomeshed.x");
    expect(bus.publish({ type: "io.logomesh.x" }, system).source).toBe("system");
    expect(() => bus.publish({ type: "com.acme.x" }, system)).toThrow("begin with io.logomesh");
  },
);

test.each<[string, unknown, string]>([
  ["NaN", { a: Number.NaN }, "LM_INPUT_INVALID"],
  ["a large integer", [2 ** 60], "LM_INPUT_INVALID"],
  ["a function", () => 1, "LM_INPUT_INVALID"],
  ["more than 256 KiB", "ü".repeat(128 * 1024), "LM_TOO_LARGE"],
])("[EB4] data with %s is refused", (_name, data, code) => {
  const { publish } = setUp();
  expect(() => publish("com.acme.paid", { data: data as JsonValue })).toThrow(expect.objectContaining({ code }));
});

test("[EB5] nobody changes an event after it was published", async () => {
  const { subscribe, publish } = setUp();
  using first = subscribe("com.acme.*");
  using second = subscribe("com.acme.*");
  const data = { list: [1], word: "before" };
  publish("com.acme.paid", { data });
  data.word = "after";
  data.list.push(2);
  const taken = await first.next();
  expect(() => (taken!.event.data as { list: number[] }).list.push(3)).toThrow(TypeError);
  expect(() => Object.assign(taken!.event, { source: "system" })).toThrow(TypeError);
  expect((await second.next())?.event.data).toEqual({ list: [1], word: "before" });
});

test("[EB6] each subscription gets what matches, once and in order", async () => {
  const word = fc.constantFrom("a", "b", "ab");
  const type = fc.array(word, { minLength: 2, maxLength: 4 }).map((words) => words.join("."));
  const prefix = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `${words.join(".")}.*`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(type, { maxLength: 20 }),
      fc.array(fc.oneof(type, prefix), { minLength: 1, maxLength: 5 }),
      async (types, patterns) => {
        const { subscribe, publish } = setUp();
        using listening = subscribe(...patterns);
        for (const published of types) publish(published);
        const matches = (published: string): boolean =>
          patterns.some((p) => (p.endsWith(".*") ? published.startsWith(p.slice(0, -1)) : p === published));
        expect((await drain(listening)).map((taken) => taken.type)).toEqual(types.filter(matches));
      },
    ),
    { seed: 9, numRuns: 100 },
  );
});

test("[EB7] a full queue drops the oldest and says how many", async () => {
  const { subscribe, publish } = setUp();
  using listening = subscribe("com.acme.*");
  for (let index = 0; index < 1005; index += 1) publish(`com.acme.n${index}`);
  expect(await listening.next()).toMatchObject({ event: { type: "com.acme.n5" }, dropped: 5 });
  publish("com.acme.last");
  const rest = await drain(listening);
  expect(rest).toHaveLength(1000);
  expect(rest.at(-1)).toEqual({ type: "com.acme.last", dropped: 0 });
  expect(rest.every(({ dropped }) => dropped === 0)).toBe(true);
});

test("[EB7] a queue is bounded in bytes too", async () => {
  const { subscribe, publish } = setUp();
  using listening = subscribe("com.acme.*");
  const data = "x".repeat(250 * 1024);
  for (let index = 0; index < 20; index += 1) publish("com.acme.large", { data });
  const taken = await drain(listening);
  expect(taken[0]?.dropped).toBe(20 - taken.length);
  expect(taken.length * data.length).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(taken.length).toBe(16);
});

test("[EB8] a slow subscriber takes nothing from the others", async () => {
  const { subscribe, publish } = setUp();
  using slow = subscribe("com.acme.*");
  using quick = subscribe("com.acme.*");
  for (let index = 0; index < 3000; index += 1) {
    const next = quick.next();
    publish(`com.acme.n${index}`);
    expect(await next).toMatchObject({ event: { type: `com.acme.n${index}` }, dropped: 0 });
  }
  expect(await slow.next()).toMatchObject({ event: { type: "com.acme.n2000" }, dropped: 2000 });
});

test("[EB9] disposing ends a waiting next, forgets the queue and frees the place", async () => {
  const { bus, subscribe, publish } = setUp();
  const waiting = subscribe("com.acme.*");
  const next = waiting.next();
  expect(() => waiting.next()).toThrow("Two callers");
  waiting[Symbol.dispose]();
  waiting[Symbol.dispose]();
  expect(await next).toBeUndefined();
  const full = subscribe("com.acme.*");
  publish("com.acme.paid");
  full[Symbol.dispose]();
  publish("com.acme.paid");
  expect(await full.next()).toBeUndefined();
  for (let index = 0; index < 40; index += 1) subscribe("com.acme.*")[Symbol.dispose]();
  const last = subscribe("com.acme.paid");
  bus[Symbol.dispose]();
  expect(await last.next()).toBeUndefined();
});

test("[EB10] subscriptions are bounded for each subscriber and in all", () => {
  const { bus, subscribe } = setUp();
  const mine = Array.from({ length: 32 }, () => subscribe("com.acme.*"));
  expect(() => subscribe("com.acme.*")).toThrow(expect.objectContaining({ code: "LM_EVENT_LIMIT" }));
  const other = (index: number) => bus.subscribe({ types: ["com.acme.*"], subscriber: `plugin:${index % 40}` });
  for (let index = 0; index < 968; index += 1) other(index);
  expect(() => other(0)).toThrow(expect.objectContaining({ message: expect.stringContaining("1000 in all") }));
  mine[0]?.[Symbol.dispose]();
  subscribe("com.acme.*");
});

test.each([
  ["none", []],
  ["too many", Array.from({ length: 33 }, (_none, index) => `com.acme.n${index}`)],
  ["everything", ["*"]],
  ["a star inside", ["com.*.paid"]],
  ["a star in a word", ["com.acme*"]],
  ["two stars", ["com.acme.*.*"]],
  ["one word", ["paid"]],
])("[EB10] a subscription to %s is refused", (_name, types) => {
  const { bus } = setUp();
  expect(() => bus.subscribe({ types, subscriber: "plugin:b" })).toThrow(
    expect.objectContaining({ code: "LM_INPUT_INVALID" }),
  );
  expect(() => bus.subscribe({ types: ["a.b"], subscriber: "" })).toThrow(/subscriber/);
});

test("[EB11] a source is attached while somebody listens, and only then", () => {
  const { bus, subscribe } = setUp();
  const detach = vi.fn();
  const attach = vi.fn(() => ({ [Symbol.dispose]: detach }));
  const early = subscribe("io.logomesh.run.completed");
  using source = bus.addSource("io.logomesh.run", attach);
  expect(attach).toHaveBeenCalledTimes(1);
  const wider = subscribe("io.*");
  early[Symbol.dispose]();
  expect([attach, detach].map((spy) => spy.mock.calls.length)).toEqual([1, 0]);
  wider[Symbol.dispose]();
  expect(detach).toHaveBeenCalledTimes(1);
  for (const type of ["io.logomesh.plugin.*", "io.logomesh.runs.x", "io.logomesh.run", "com.acme.*"]) subscribe(type);
  expect(attach).toHaveBeenCalledTimes(1);
  subscribe("io.logomesh.run.*");
  expect(attach).toHaveBeenCalledTimes(2);
  source[Symbol.dispose]();
  expect(detach).toHaveBeenCalledTimes(2);
});
