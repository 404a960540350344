import { expect, test } from "vitest";
import type { EventStore, StoredEvent } from "../../ports/index.ts";
import { EventRouter } from "./eventRouter.ts";

const eventAt = (position: number, type = "a.b", runId?: string): StoredEvent => ({
  ...{ position, bytes: 1, ...(runId === undefined ? {} : { runId }) },
  event: { specversion: "1.0", id: String(position), source: "client:t", type, time: "t" },
});

function setUp() {
  const stored: StoredEvent[] = [];
  let tell: (events: readonly StoredEvent[]) => void = () => undefined;
  const store = {
    read: ({ after, types, limit, runId }) =>
      stored
        .filter(({ position, event }) => position > after && (types === undefined || types.includes(event.type)))
        .filter((event) => event.runId === undefined || event.runId === runId)
        .slice(0, limit),
    onDidStore: (listener) => {
      tell = listener;
      return { [Symbol.dispose]: () => (tell = () => undefined) };
    },
  } as Pick<EventStore, "read" | "onDidStore"> as EventStore;
  const router = new EventRouter(store);
  const heard: number[] = [];
  const listen = (
    types: readonly string[] | undefined,
    offer = async ({ position }: StoredEvent) => void heard.push(position),
  ) => router.listen({ runId: "r1", after: 0, types, offer });
  return { router, stored, heard, listen, tell: (...events: StoredEvent[]) => tell(events) };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("[WF107] stored events come first and once, also those that are told of after they were read", async () => {
  const { stored, heard, listen, tell } = setUp();
  stored.push(eventAt(1), eventAt(2), eventAt(3, "other"));
  listen(["a.b"]);
  tell(eventAt(1), eventAt(2));
  await settle();
  tell(eventAt(2), eventAt(4));
  await settle();
  expect(heard).toEqual([1, 2, 4]);
});

test("[WF107] more than may wait for a slow listener are read from the store again, in order, none twice", async () => {
  const { stored, heard, listen, tell } = setUp();
  let go: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (go = resolve));
  listen(undefined, async ({ position }) => {
    if (position === 1) await first;
    heard.push(position);
  });
  for (let position = 1; position <= 2_500; position += 1) {
    stored.push(eventAt(position));
    tell(eventAt(position));
  }
  go();
  for (let turn = 0; turn < 5 && heard.length < 2_500; turn += 1) await settle();
  expect(heard).toEqual(Array.from({ length: 2_500 }, (_position, index) => index + 1));
});

test("[WF111] what is for another run is not offered, nor anything after the end", async () => {
  const { router, heard, listen, tell } = setUp();
  const listening = listen(["a.b"]);
  await settle();
  tell(eventAt(1, "a.b", "r2"), eventAt(2, "a.b", "r1"));
  await settle();
  listening[Symbol.dispose]();
  tell(eventAt(3));
  router[Symbol.dispose]();
  await settle();
  expect(heard).toEqual([2]);
});
