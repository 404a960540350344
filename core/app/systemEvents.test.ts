import type { Plugin, RunEvent } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import { MemoryEventBus } from "../events/index.ts";
import { FakeClock, createSeededRandom } from "../testing/index.ts";
import { publishSystemEvents } from "./systemEvents.ts";
import type { RunMessage } from "./workbench.ts";

function setUp() {
  const clock = new FakeClock();
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random: createSeededRandom(4) }) });
  const pluginListeners = new Set<(plugin: Plugin) => void>();
  const runListeners = new Set<(message: RunMessage) => void>();
  const listenTo =
    <T>(listeners: Set<T>) =>
    (listener: T): Disposable => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    };
  const plugin = (state: string, rest: object = {}): Plugin =>
    ({ id: "org.example.a", version: "1.0.0", state, ...rest }) as unknown as Plugin;
  const feeds = publishSystemEvents({
    bus,
    plugins: { list: () => [plugin("stopped")], subscribe: listenTo(pluginListeners) },
    engine: { subscribe: (_filter, listener) => listenTo(runListeners)(listener) },
  });
  const subscribe = (type: string) => bus.subscribe({ types: [type], subscriber: "test" });
  const counts = () => [pluginListeners.size, runListeners.size];
  const tellPlugin = (...change: Parameters<typeof plugin>): void =>
    pluginListeners.forEach((tell) => tell(plugin(...change)));
  const tellRun = (message: RunMessage): void => runListeners.forEach((tell) => tell(message));
  return { feeds, subscribe, counts, tellPlugin, tellRun };
}

const runEvent = (type: string): RunMessage => {
  const event: RunEvent = {
    id: 1,
    runId: "run_1",
    seq: 1,
    type,
    time: "2026-01-02T00:00:00.000Z",
    data: { status: "s" },
  };
  return { type: "event", event };
};

test("[EB11] [EB13] the feeds are listened to while somebody listens to their types, and only then", () => {
  const { feeds, subscribe, counts } = setUp();
  subscribe("com.acme.*");
  expect(counts()).toEqual([0, 0]);
  const runs = subscribe("io.logomesh.run.*");
  expect(counts()).toEqual([0, 1]);
  subscribe("io.logomesh.*");
  expect(counts()).toEqual([1, 1]);
  runs[Symbol.dispose]();
  expect(counts()).toEqual([1, 1]);
  feeds[Symbol.dispose]();
  expect(counts()).toEqual([0, 0]);
});

test("[EB13] a plugin that changes its state is an event, one that only works is none", async () => {
  const { subscribe, tellPlugin } = setUp();
  using listening = subscribe("io.logomesh.plugin.*");
  tellPlugin("stopped");
  tellPlugin("crashed", { stateReason: "exit code 3" });
  tellPlugin("crashed");
  tellPlugin("ready");
  expect((await listening.next())?.event).toMatchObject({
    source: "system",
    type: "io.logomesh.plugin.crashed",
    subject: "org.example.a",
    data: { plugin: "org.example.a", version: "1.0.0", state: "crashed", reason: "exit code 3" },
  });
  expect((await listening.next())?.event.type).toBe("io.logomesh.plugin.ready");
});

test("[EB13] a run that begins or ends is an event, its tasks and texts are none", async () => {
  const { subscribe, tellRun } = setUp();
  using listening = subscribe("io.logomesh.run.*");
  tellRun(runEvent("io.serverlessworkflow.workflow.started.v1"));
  tellRun(runEvent("io.serverlessworkflow.task.completed.v1"));
  tellRun({ type: "token", runId: "run_1", taskSeq: 1, delta: "x" });
  tellRun(runEvent("io.serverlessworkflow.workflow.completed.v1"));
  expect((await listening.next())?.event).toMatchObject({
    source: "system",
    type: "io.logomesh.run.started",
    subject: "run_1",
    time: "2026-01-02T00:00:00.000Z",
    data: { run: "run_1", status: "s" },
  });
  expect((await listening.next())?.event.type).toBe("io.logomesh.run.completed");
});
