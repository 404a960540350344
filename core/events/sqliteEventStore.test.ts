import { expect, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import { createMemoryDatabase } from "../db/index.ts";
import type { AuditEntryDraft, EventDraft, StoredEvent } from "../ports/index.ts";
import { FakeClock, createSeededRandom } from "../testing/index.ts";
import { MemoryEventBus, SqliteEventStore, createEventWriterModule } from "./index.ts";

const DAY_MS = 86_400_000;

function setUp() {
  const clock = new FakeClock();
  const random = createSeededRandom(3);
  const entries: AuditEntryDraft[] = [];
  const database = createMemoryDatabase({
    ...{ clock, random },
    modules: [
      createEventWriterModule,
      () => ({ name: "audit", commands: { "audit.append": (_, draft: AuditEntryDraft) => void entries.push(draft) } }),
    ],
  });
  const store = new SqliteEventStore({
    ...database,
    audit: {
      command: (draft) => ({ name: "audit.append", params: draft }),
      append: () => Promise.resolve({ seq: 0 }),
      enqueue: () => undefined,
    },
  });
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random }) });
  const heard: StoredEvent[] = [];
  store.onDidStore((events) => heard.push(...events));
  const publish = (draft: EventDraft, address?: { runId: string }) =>
    store.store(
      bus.seal(draft, { source: "client:a", isSystem: false }),
      { kind: "event.published", actor: { type: "system", id: "t" } },
      address,
    );
  return { clock, database, store, entries, heard, publish };
}

const positions = (events: readonly StoredEvent[]): number[] => events.map(({ position }) => position);

test("[EB14] [WF101] events are kept with their entries, heard after the commit, and the same one once", async () => {
  const { store, entries, heard, publish } = setUp();
  await publish({ type: "a.b", id: "1", data: { x: 1 } });
  await publish({ type: "a.c", extensions: { big: true } });
  await publish({ type: "a.b", id: "1", data: { x: 2 } });
  expect(positions(heard)).toEqual([1, 2]);
  expect(entries).toHaveLength(3);
  expect(heard[0]).toEqual((await store.list({ limit: 10, type: "a.b" }))[0]);
  expect(heard[1]?.event).toMatchObject({ type: "a.c", extensions: { big: true }, source: "client:a" });
  expect(store.position()).toBe(2);
});

test("[EB14] reading goes on behind a position, by type, and sees signals of its own run only", async () => {
  const { store, publish } = setUp();
  await publish({ type: "a.a" });
  await publish({ type: "b.b" }, { runId: "r1" });
  await publish({ type: "a.a" }, { runId: "r2" });
  await publish({ type: "c.c" });
  expect(positions(store.read({ after: 0, runId: "r1", limit: 10 }))).toEqual([1, 2, 4]);
  expect(positions(store.read({ after: 1, runId: "r2", limit: 10 }))).toEqual([3, 4]);
  expect(positions(store.read({ after: 0, runId: "r2", limit: 2, types: ["c.c", "a.a"] }))).toEqual([1, 3]);
  expect(positions(await store.list({ limit: 2, before: 4 }))).toEqual([3, 2]);
});

test("[EB14] what is older than 30 days goes, in portions", async () => {
  const { clock, store, publish } = setUp();
  await publish({ type: "a.old" });
  await clock.advance(31 * DAY_MS);
  for (let count = 2; count <= 64; count += 1) await publish({ type: "a.b" });
  expect(positions(store.read({ after: 0, runId: "r", limit: 100 }))[0]).toBe(2);
});

test("[EB14] a refused entry keeps nothing, and nobody hears of it", async () => {
  const { store, heard, database, publish } = setUp();
  await publish({ type: "a.a" });
  const bad = database.writer.run([store.append({ event: heard[0]!.event, bytes: 1 }), { name: "no.such", params: 0 }]);
  await expect(bad).rejects.toThrow();
  await publish({ type: "a.b" });
  expect(heard.map(({ event }) => event.type)).toEqual(["a.a", "a.b"]);
});
