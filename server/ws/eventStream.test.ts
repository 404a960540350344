import type { RunEvent, ServerMessage } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeWorkbench } from "../testing/fakeWorkbench.ts";
import { APPROVAL, COMPLETED_EVENT, PLUGIN, eventOf, runOf, taskOf } from "../testing/fixtures.ts";
import { EventStream, type EventSink } from "./eventStream.ts";
import { MESSAGE_KINDS, isOutdated, type MessageKind } from "./messages.ts";

/** A client that reads when the test says so. */
class FakeSink implements EventSink {
  readonly messages: ServerMessage[] = [];
  full = false;
  #waiters: (() => void)[] = [];

  send(message: ServerMessage): void {
    this.messages.push(message);
  }
  isFull(): boolean {
    return this.full;
  }
  drained(): Promise<void> {
    return this.full ? new Promise((resolve) => this.#waiters.push(resolve)) : Promise.resolve();
  }
  read(): void {
    this.full = false;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
  /** The messages in short: `event 3`, `snapshot 0`, `task 1 running` … */
  get told(): string[] {
    return this.messages.map((message) => {
      if (message.type === "event") return `event ${message.event.id}`;
      if (message.type === "snapshot") return `snapshot ${message.position}`;
      if (message.type === "task") return `task ${message.task.seq} ${message.task.status}`;
      if (message.type === "token") return `token ${message.delta}`;
      return message.type;
    });
  }
}

interface Watch {
  run?: string;
  kinds?: readonly MessageKind[];
}

function watch(workbench: FakeWorkbench, { run, kinds = MESSAGE_KINDS }: Watch = {}) {
  const sink = new FakeSink();
  const errors: unknown[] = [];
  const filter = { runId: run, kinds: new Set(kinds) };
  const stream = new EventStream({ workbench, filter, sink, onError: (error) => errors.push(error) });
  return { sink, stream, errors };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ids = (sink: FakeSink): number[] =>
  sink.messages.flatMap((message) => (message.type === "event" ? [message.event.id] : []));

test("[EV2] the snapshot of a run comes first, without payloads, with all its tasks", async () => {
  const workbench = new FakeWorkbench();
  workbench.runEvents.push(eventOf(1), eventOf(2));
  workbench.tasks.set(
    "run-1",
    Array.from({ length: 1201 }, (_, seq) => taskOf(seq)),
  );
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(undefined);
  const { input: _input, ...run } = runOf("run-1");
  expect(sink.messages).toEqual([{ type: "snapshot", position: 2, run, tasks: workbench.tasks.get("run-1") }]);
});

test("[EV2] without a run the snapshot is the position alone, and events follow it", async () => {
  const workbench = new FakeWorkbench();
  workbench.runEvents.push(eventOf(1), eventOf(2));
  const { sink, stream } = watch(workbench);
  await stream.start(undefined);
  workbench.happen(eventOf(3, { runId: "run-2", seq: 1 }));
  expect(sink.told).toEqual(["snapshot 2", "event 3"]);
  expect(sink.messages[0]).toEqual({ type: "snapshot", position: 2 });
});

test("[EV4] what happened behind the position arrives before what happens, over many pages", async () => {
  const workbench = new FakeWorkbench();
  for (let id = 1; id <= 1300; id += 1) workbench.runEvents.push(eventOf(id));
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(100);
  workbench.happen(eventOf(1301));
  expect(sink.told[0]).toBe("snapshot 100");
  expect(ids(sink)).toEqual(Array.from({ length: 1201 }, (_, index) => index + 101));
});

test("[EV3] what happens while stored events are read comes once and in order", async () => {
  const workbench = new FakeWorkbench();
  for (let id = 1; id <= 600; id += 1) workbench.runEvents.push(eventOf(id));
  let next = 601;
  workbench.beforeGetRun = () => workbench.happen(eventOf(next++));
  workbench.beforeListEvents = async () => {
    if (next < 607) workbench.happen(eventOf(next++));
    await settle();
    if (next < 607) workbench.happen(eventOf(next++));
  };
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(0);
  workbench.happen(eventOf(next));
  await settle();
  expect(ids(sink)).toEqual(Array.from({ length: next }, (_, index) => index + 1));
});

test("[EV3] live events that come out of order are read from the store instead", async () => {
  const workbench = new FakeWorkbench();
  const { sink, stream, errors } = watch(workbench);
  await stream.start(undefined);
  const early = eventOf(2, { runId: "run-2", seq: 1 });
  const late = eventOf(1, { runId: "run-1", seq: 1 });
  workbench.runEvents.push(late, early);
  workbench.tell("run-2", { type: "event", event: early });
  workbench.tell("run-1", { type: "event", event: late });
  await settle();
  workbench.happen(eventOf(3));
  expect(sink.told).toEqual(["snapshot 0", "event 1", "event 2", "event 3"]);
  expect(errors).toEqual([]);
});

test("[EV3] ids that other runs use are no gap for a run, and an event that the store does not have still arrives", async () => {
  const workbench = new FakeWorkbench();
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(undefined);
  workbench.happen(eventOf(5, { seq: 1 }));
  await settle();
  let reads = 0;
  workbench.beforeListEvents = () => void (reads += 1);
  workbench.happen(eventOf(9, { seq: 2 }));
  expect(reads).toBe(0);
  workbench.tell("run-1", { type: "event", event: eventOf(12, { seq: 9 }) });
  await settle();
  expect(ids(sink)).toEqual([5, 9, 12]);
  expect(reads).toBe(1);
});

test("[EV3] more than waits is read from the store again", async () => {
  const workbench = new FakeWorkbench();
  const started = Promise.withResolvers<undefined>();
  workbench.beforeListEvents = () => started.promise;
  const { sink, stream } = watch(workbench);
  const starting = stream.start(0);
  await settle();
  for (let id = 1; id <= 1500; id += 1) workbench.happen(eventOf(id));
  started.resolve(undefined);
  await starting;
  expect(ids(sink)).toEqual(Array.from({ length: 1500 }, (_, index) => index + 1));
});

test("[EV3] a task that the snapshot has as ended is not told as running afterwards", async () => {
  const workbench = new FakeWorkbench();
  workbench.tasks.set("run-1", [taskOf(0, { status: "completed" }), taskOf(1)]);
  workbench.beforeGetRun = () => {
    for (const seq of [0, 1]) workbench.tell("run-1", { type: "task", runId: "run-1", task: taskOf(seq) });
    workbench.tell("run-1", { type: "task", runId: "run-1", task: taskOf(0, { attempt: 2 }) });
  };
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(undefined);
  expect(sink.told).toEqual(["snapshot 0", "task 1 running", "task 0 running"]);
});

test("[EV3] an older attempt is outdated, another task is not", () => {
  expect(isOutdated(taskOf(0), taskOf(0, { attempt: 2 }))).toBe(true);
  expect(isOutdated(taskOf(0, { status: "completed" }), taskOf(0, { status: "completed" }))).toBe(false);
  expect(isOutdated(taskOf(0), taskOf(1, { status: "completed" }))).toBe(false);
  expect(isOutdated(taskOf(0), undefined)).toBe(false);
});

/** A client that stopped reading while `count` events happened; the one at `endsAt` ends the run. */
async function lagging({ run, count, endsAt }: Watch & { count: number; endsAt: number }) {
  const workbench = new FakeWorkbench();
  const watched = watch(workbench, run === undefined ? {} : { run });
  await watched.stream.start(undefined);
  workbench.happen(eventOf(1));
  await settle();
  watched.sink.full = true;
  for (let id = 2; id <= count; id += 1) workbench.happen(eventOf(id, id === endsAt ? { type: COMPLETED_EVENT } : {}));
  return { workbench, ...watched };
}

test.each(["run-1", undefined])(
  "[EV5] a slow client (run %s) gets reset, snapshot and the end of the run",
  async (run) => {
    const { workbench, sink } = await lagging({ ...(run === undefined ? {} : { run }), count: 1200, endsAt: 700 });
    await settle();
    expect(sink.told).toEqual(["snapshot 0", "event 1"]);
    sink.read();
    await settle();
    expect(sink.told.slice(2)).toEqual(["reset", "snapshot 1", "event 700"]);
    workbench.happen(eventOf(1201));
    expect(ids(sink)).toEqual([1, 700, 1201]);
  },
);

test("[EV5] a client that resumes behind the snapshot of a reset gets what was left out", async () => {
  const { workbench, sink, stream } = await lagging({ count: 5, endsAt: 4 });
  sink.read();
  await settle();
  stream[Symbol.dispose]();
  const again = watch(workbench);
  await again.stream.start(1);
  expect(ids(again.sink)).toEqual([2, 3, 4, 5]);
});

test("[EV5] stored events wait for a client that reads slowly", async () => {
  const workbench = new FakeWorkbench();
  workbench.runEvents.push(eventOf(1), eventOf(2));
  const { sink, stream } = watch(workbench, { run: "run-1" });
  sink.full = true;
  const starting = stream.start(0);
  await settle();
  expect(ids(sink)).toEqual([]);
  sink.read();
  await starting;
  expect(ids(sink)).toEqual([1, 2]);
});

test("[EV5] text of a model that a slow client would not read is dropped", async () => {
  const workbench = new FakeWorkbench();
  const { sink, stream } = watch(workbench, { run: "run-1" });
  await stream.start(undefined);
  const token = (delta: string) => workbench.tell("run-1", { type: "token", runId: "run-1", taskSeq: 0, delta });
  token("a");
  sink.full = true;
  token("b");
  token("c");
  sink.read();
  await settle();
  token("d");
  expect(sink.told).toEqual(["snapshot 0", "token a", "reset", "snapshot 0", "token d"]);
});

test("[EV7] kinds that are not named are left out, and stored events are not read without need", async () => {
  const workbench = new FakeWorkbench();
  workbench.runEvents.push(eventOf(1));
  workbench.beforeListEvents = () => {
    throw new Error("read");
  };
  const { sink, stream } = watch(workbench, { kinds: ["plugin"] });
  await stream.start(0);
  workbench.happen(eventOf(2));
  for (const listener of workbench.pluginListeners) listener(PLUGIN);
  expect(sink.messages).toEqual([
    { type: "snapshot", position: 0 },
    { type: "plugin", plugin: PLUGIN },
  ]);
});

test("[EV7] plugins are not told to who watches one run", async () => {
  const workbench = new FakeWorkbench();
  const { stream } = watch(workbench, { run: "run-1" });
  await stream.start(undefined);
  expect(workbench.pluginListeners.size).toBe(0);
});

test("[EV10] what changes in the inbox is told to who watches all runs", async () => {
  const workbench = new FakeWorkbench();
  const { sink, stream } = watch(workbench, { kinds: ["approval"] });
  await stream.start(undefined);
  for (const listener of workbench.approvalListeners) listener({ approval: APPROVAL, pending: 3 });
  expect(sink.messages.slice(1)).toEqual([{ type: "approval", approval: APPROVAL, pending: 3 }]);
  await watch(workbench, { run: "run-1" }).stream.start(undefined);
  expect(workbench.approvalListeners.size).toBe(1);
});

test("[EV9] a disposed stream has no subscriptions and sends nothing more, wherever it was", async () => {
  const workbench = new FakeWorkbench();
  const { sink, stream } = watch(workbench);
  await stream.start(undefined);
  sink.full = true;
  workbench.happen(eventOf(1));
  stream[Symbol.dispose]();
  sink.read();
  await settle();
  expect(sink.told).toEqual(["snapshot 0"]);
  expect([workbench.subscribers.size, workbench.pluginListeners.size, workbench.approvalListeners.size]).toEqual([
    0, 0, 0,
  ]);

  for (const place of ["beforeGetRun", "beforeListEvents"] as const) {
    const other = watch(workbench, { run: "run-1" });
    workbench[place] = () => other.stream[Symbol.dispose]();
    await other.stream.start(0);
    workbench[place] = () => undefined;
    expect(ids(other.sink)).toEqual([]);
  }
});

test("[EV1] an unknown run is an error of the start; a store that fails later is told", async () => {
  const workbench = new FakeWorkbench();
  await expect(watch(workbench, { run: "run-9" }).stream.start(undefined)).rejects.toMatchObject({
    code: "LM_NOT_FOUND",
  });
  const { sink, stream, errors } = watch(workbench);
  await stream.start(undefined);
  const failure = new Error("disk");
  workbench.beforeListEvents = () => Promise.reject(failure);
  sink.full = true;
  workbench.happen(eventOf(1));
  sink.read();
  await settle();
  expect(errors).toEqual([failure]);
});

test("[EV3] whatever the mixture of stored, live, late and slow: rising ids, no duplicate, every end of a run", async () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 100; round += 1) {
    const workbench = new FakeWorkbench();
    const { sink, stream, errors } = watch(workbench, round % 2 === 0 ? { run: "run-1" } : {});
    workbench.beforeListEvents = () => (random(3) === 0 ? settle() : undefined);
    const stored: RunEvent[] = Array.from({ length: random(20) }, (_, index) => eventOf(index + 1));
    workbench.runEvents.push(...stored);
    const starting = stream.start(0);
    const ends: number[] = [];
    let wasSlow = false;
    let held: RunEvent[] = [];
    for (let id = stored.length + 1; id < 120; id += 1) {
      const isEnd = random(30) === 0;
      if (isEnd) ends.push(id);
      const event = eventOf(id, isEnd ? { type: COMPLETED_EVENT } : {});
      workbench.runEvents.push(event);
      held.push(event);
      if (random(4) > 0) {
        for (const late of held.toReversed()) workbench.tell("run-1", { type: "event", event: late });
        held = [];
      }
      if (random(25) === 0) {
        sink.full = true;
        wasSlow = true;
      }
      if (random(8) === 0) sink.read();
      if (random(3) === 0) await settle();
    }
    for (const late of held) workbench.tell("run-1", { type: "event", event: late });
    await settle();
    sink.read();
    await starting;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    const got = ids(sink);
    expect(got, `round ${round}`).toEqual([...new Set(got)].toSorted((a, b) => a - b));
    expect(
      got.filter((id) => ends.includes(id)),
      `round ${round}`,
    ).toEqual(ends);
    if (!wasSlow) expect(got, `round ${round}`).toHaveLength(119);
    expect(errors).toEqual([]);
  }
});
