import { expect, test } from "vitest";
import { RunQueue, type WaitingRun } from "./runQueue.ts";

interface Desk {
  queue: RunQueue;
  /** Who goes on, in order of starting. */
  started: string[];
  /** Takes a place or waits for one. */
  begin: (runId: string, place?: Partial<WaitingRun>) => void;
}

function openDesk(): Desk {
  const started: string[] = [];
  const queue = new RunQueue({ start: ({ runId }) => void started.push(runId) });
  let createdAtMs = 0;
  return {
    ...{ queue, started },
    begin(runId, place = {}) {
      const run: WaitingRun = {
        runId,
        eventPosition: 0,
        queue: "a",
        limit: 1,
        priority: 0,
        createdAtMs: createdAtMs++,
        epoch: 1,
        ...place,
      };
      if (queue.take(runId, run)) started.push(runId);
      else queue.wait(run);
    },
  };
}

test("[WF310] so many go on at once; the others follow by priority, then by age", () => {
  const { queue, started, begin } = openDesk();
  for (const runId of ["r1", "r2", "r3", "r4"]) begin(runId, { limit: 2 });
  begin("urgent", { limit: 2, priority: 5 });
  expect(started).toEqual(["r1", "r2"]);
  expect(queue.lengths()).toEqual([{ queue: "a", running: 2, waiting: 3 }]);
  queue.leave("r2");
  queue.leave("r1");
  queue.leave("r3");
  expect(started).toEqual(["r1", "r2", "urgent", "r3", "r4"]);
  for (const runId of ["urgent", "r4", "unknown"]) queue.leave(runId);
  expect(queue.lengths()).toEqual([]);
});

test("[WF310] who leaves the line waits no longer and is not started", async () => {
  const { queue, started, begin } = openDesk();
  for (const runId of ["r1", "gone", "r3"]) begin(runId);
  const turn = queue.turnOf("gone");
  queue.leave("gone");
  await turn;
  await queue.turnOf("r1");
  queue.leave("r1");
  expect(started).toEqual(["r1", "r3"]);
});

test("[WF310] a place that came free before a run joined the line is its own", () => {
  const { queue, started } = openDesk();
  const run = { runId: "r2", queue: "a", limit: 1, priority: 0, createdAtMs: 1, epoch: 1, eventPosition: 0 };
  queue.hold("r1", "a");
  expect(queue.take("r2", run)).toBe(false);
  queue.leave("r1");
  queue.wait(run);
  expect(started).toEqual(["r2"]);
});

test("[WF312] a child that needs the place of its parent gets it; the next one waits for this child", () => {
  const { queue, started, begin } = openDesk();
  begin("parent");
  for (const runId of ["child1", "child2"]) {
    begin(runId);
    queue.awaitChild(runId, "parent");
  }
  expect(started).toEqual(["parent", "child1"]);
  queue.leave("child1");
  expect(started).toEqual(["parent", "child1", "child2"]);
});

test("[WF312] runs that wait for each other in a circle go on, one at a time", () => {
  const { queue, started, begin } = openDesk();
  begin("a1", { queue: "a" });
  begin("b1", { queue: "b" });
  begin("b2", { queue: "b" });
  queue.awaitChild("b2", "a1");
  expect(started).toEqual(["a1", "b1"]);
  begin("a2", { queue: "a" });
  queue.awaitChild("a2", "b1");
  // The older of the two that wait for ever.
  expect(started).toEqual(["a1", "b1", "b2"]);
  queue.leave("b2");
  queue.leave("a1");
  expect(started).toEqual(["a1", "b1", "b2", "a2"]);
});

test("[WF312] a holder that goes on is waited for, although another one waits for its child", () => {
  const { queue, started, begin } = openDesk();
  begin("a1", { limit: 2 });
  begin("a2", { limit: 2 });
  begin("child", { limit: 2 });
  const _waits = queue.awaitChild("child", "a1");
  expect(started).toEqual(["a1", "a2"]);
  queue.leave("a2");
  expect(started).toEqual(["a1", "a2", "child"]);
});

test("[WF312] a chain over runs without a limit is followed; who no longer waits for the child holds it up again", () => {
  const { queue, started, begin } = openDesk();
  begin("root");
  begin("leaf");
  const middle = queue.awaitChild("middle", "root");
  const waits = queue.awaitChild("leaf", "middle");
  expect(started).toEqual(["root", "leaf"]);
  begin("leaf2");
  waits[Symbol.dispose]();
  middle[Symbol.dispose]();
  queue.leave("leaf");
  expect(started).toEqual(["root", "leaf"]);
});

test("[WF312] after a restart it does not matter whether the parent or the child is known first", () => {
  const { queue, started } = openDesk();
  queue.hold("root", "a");
  queue.awaitChild("leaf", "middle");
  queue.awaitChild("middle", "root");
  queue.wait({ runId: "leaf", queue: "a", limit: 1, priority: 0, createdAtMs: 0, epoch: 2, eventPosition: 0 });
  expect(started).toEqual(["leaf"]);
});

test("[WF312] whatever the shape of trees and limits, everybody gets a turn", () => {
  for (let seed = 1; seed <= 300; seed += 1) playTree(seed);
});

/** Runs of four workflows start children at random and end when they have none; asserts that it comes to an end. */
function playTree(seed: number): void {
  let state = seed;
  const random = (max: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * max);
  };
  const going = new Set<string>();
  const queue = new RunQueue({ start: ({ runId }) => void going.add(runId) });
  const children = new Map<string, Map<string, Disposable>>();
  let count = 0;
  const begin = (depth: number): string => {
    const name = random(4);
    const runId = `r${count++}.${depth}`;
    children.set(runId, new Map());
    const run = {
      runId,
      queue: `w${name}`,
      limit: 1 + (name % 2),
      priority: random(2),
      createdAtMs: count,
      epoch: 1,
      eventPosition: 0,
    };
    if (queue.take(runId, run)) going.add(runId);
    else queue.wait(run);
    return runId;
  };
  for (let root = 0; root < 6; root += 1) begin(0);
  for (let turn = 0; turn < 2_000 && children.size > 0; turn += 1) {
    const ready = [...going].filter((runId) => children.get(runId)?.size === 0);
    expect(ready, `seed ${seed}: somebody can go on`).not.toEqual([]);
    const runId = ready[random(ready.length)] ?? "";
    const depth = Number(runId.split(".")[1]);
    if (depth < 3 && count < 60 && random(3) > 0) {
      for (let child = 0; child <= random(2); child += 1) {
        const childId = begin(depth + 1);
        children.get(runId)?.set(childId, queue.awaitChild(childId, runId));
      }
      continue;
    }
    going.delete(runId);
    children.delete(runId);
    queue.leave(runId);
    for (const waits of children.values()) {
      waits.get(runId)?.[Symbol.dispose]();
      waits.delete(runId);
    }
  }
  expect([...children.keys()], `seed ${seed}: all have ended`).toEqual([]);
  expect(queue.lengths()).toEqual([]);
}
