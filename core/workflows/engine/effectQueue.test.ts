import { expect, test } from "vitest";
import { settle } from "../testing/engineHarness.ts";
import { EffectQueue, type QueueOrder } from "./effectQueue.ts";

const NEVER = new AbortController().signal;
const PLUGIN = { name: "plugin a", places: 1 };

interface Desk {
  queue: EffectQueue;
  /** Who got in, in order. */
  order: string[];
  /** Who had to wait, with the reason. */
  waits: string[];
  enter: (name: string, order?: Partial<QueueOrder>) => void;
  /** The oldest holder leaves and who follows gets in. */
  leave: () => Promise<void>;
}

function openDesk(places: number): Desk {
  const queue = new EffectQueue({ places });
  const order: string[] = [];
  const waits: string[] = [];
  const inside: (() => void)[] = [];
  return {
    ...{ queue, order, waits },
    enter(name, given = {}) {
      const onWait = (reason: string): void => void waits.push(`${name} ${reason}`);
      void queue.enter({ runId: "r", priority: 0, shared: undefined, signal: NEVER, onWait, ...given }).then(
        (leave) => {
          order.push(name);
          inside.push(leave);
        },
        () => undefined,
      );
    },
    async leave() {
      await settle(1);
      inside.shift()?.();
      await settle(1);
    },
  };
}

test("[WF300] so many are in at once, the others follow in order, and a place is given back once", async () => {
  const { queue, enter, order } = openDesk(1);
  const onWait = (): void => undefined;
  const leave = await queue.enter({ runId: "r", priority: 0, shared: undefined, signal: NEVER, onWait });
  enter("second");
  enter("third");
  leave();
  leave();
  await settle(1);
  expect(order).toEqual(["second"]);
  expect(queue.lengths()[0]).toEqual({ name: "all", running: 1, waiting: 1, places: 1 });
});

test("[WF300] a step that waits for a plugin holds no place that another step could use", async () => {
  const desk = openDesk(2);
  desk.enter("a1", { shared: PLUGIN });
  desk.enter("a2", { shared: PLUGIN });
  desk.enter("other");
  await settle(1);
  expect(desk.order).toEqual(["a1", "other"]);
  expect(desk.waits).toEqual(["a2 waits for its turn: 1 of 1 places of plugin a are taken"]);
  desk.enter("more");
  expect(desk.waits[1]).toBe("more waits for its turn: 2 of 2 places of all steps are taken");
  await desk.leave();
  expect(desk.order).toEqual(["a1", "other", "a2"]);
  await desk.leave();
  await desk.leave();
  await desk.leave();
  expect(desk.queue.lengths()).toEqual([{ name: "all", running: 0, waiting: 0, places: 2 }]);
});

test("[WF301] higher priority goes first; among equals runs take turns, whatever one of them has waiting", async () => {
  const desk = openDesk(1);
  desk.enter("first");
  for (let step = 0; step < 1_000; step += 1) desk.enter(`many ${step}`, { runId: "many" });
  desk.enter("few 0", { runId: "few" });
  desk.enter("few 1", { runId: "few" });
  desk.enter("urgent", { runId: "urgent", priority: 1 });
  for (let turn = 0; turn < 6; turn += 1) await desk.leave();
  expect(desk.order).toEqual(["first", "urgent", "many 0", "few 0", "many 1", "few 1", "many 2"]);
});

test("[WF301] lines take turns too: one with much to do does not hold up another", async () => {
  const desk = openDesk(1);
  desk.enter("first");
  for (const step of [1, 2, 3]) desk.enter(`a${step}`, { shared: { name: "plugin a", places: 4 } });
  desk.enter("b", { shared: { name: "plugin b", places: 4 } });
  for (let turn = 0; turn < 4; turn += 1) await desk.leave();
  expect(desk.order).toEqual(["first", "a1", "b", "a2", "a3"]);
});

test("[WF302] whoever is aborted leaves the line, and who is aborted already does not join it", async () => {
  const desk = openDesk(1);
  const abort = new AbortController();
  desk.enter("first");
  desk.enter("gone", { signal: abort.signal });
  desk.enter("next");
  abort.abort(new Error("no longer"));
  await desk.leave();
  expect(desk.order).toEqual(["first", "next"]);
  desk.enter("late", { signal: abort.signal });
  await desk.leave();
  expect(desk.order).toEqual(["first", "next"]);
  expect(desk.queue.lengths()[0]).toMatchObject({ running: 0, waiting: 0 });
});

test("[WF300] a limit that was raised lets in who waits", async () => {
  const desk = openDesk(9);
  for (const name of ["one", "two", "three"]) desk.enter(name, { shared: PLUGIN });
  desk.enter("four", { shared: { ...PLUGIN, places: 3 } });
  await settle(1);
  expect(desk.order).toEqual(["one", "two", "three"]);
});

test("[WF300] one more than may wait is refused", async () => {
  const queue = new EffectQueue({ places: 1, waitingMax: 50 });
  const order: QueueOrder = { runId: "r", priority: 0, shared: undefined, signal: NEVER, onWait: () => undefined };
  for (let count = 0; count <= 50; count += 1) void queue.enter(order);
  await expect(queue.enter(order)).rejects.toMatchObject({ code: "LM_WORKFLOW_QUEUE_FULL" });
});
