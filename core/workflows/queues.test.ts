import { expect, test } from "vitest";
import type { RunMessage } from "./index.ts";
import { ADMIN, createEngineHarness, hang, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

const forkOf = (tool: string, count: number): string => {
  const branches = Array.from(
    { length: count },
    (_, index) => `{ b${index}: { call: plugin, with: { plugin: t, tool: ${tool} } } }`,
  );
  return workflow(`do: [ { all: { fork: { branches: [ ${branches.join(", ")} ] } } } ]`);
};

/** A tool whose calls end when they are told to, oldest first. */
function gate(harness: EngineHarness, name: string): { inside: () => number; release: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  harness.tools.set(`t#${name}`, {
    effect: "pure",
    behave: (_call, signal) =>
      new Promise((resolve, reject) => {
        waiting.push(() => resolve({}));
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      }),
  });
  return {
    inside: () => waiting.length,
    async release() {
      waiting.shift()?.();
      await settle();
    },
  };
}

test("[WF300] a run with many branches has so many of them in the plugin; the others are pending and say why", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  const heard: RunMessage[] = [];
  using _heard = harness.engine.subscribe({}, (message) => heard.push(message));
  const run = await harness.run(forkOf("slow", 40), {}, 0);
  await settle();
  expect(door.inside()).toBe(32);
  const tasks = (await harness.engine.listTasks(run.id, { limit: 100 })).items;
  const pending = tasks.filter(({ status }) => status === "pending");
  expect(pending).toHaveLength(8);
  expect(pending[0]).toMatchObject({
    name: "b32",
    details: { waitsFor: "waits for its turn: 32 of 32 places of plugin t are taken" },
  });
  expect(harness.engine.stepQueues()).toContainEqual({ name: "plugin t", running: 32, waiting: 8, places: 32 });
  for (let call = 0; call < 40; call += 1) await door.release();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed" });
  const states = heard.flatMap((message) =>
    message.type === "task" && message.task.name === "b39" ? [message.task.status] : [],
  );
  expect(states).toEqual(["running", "pending", "running", "completed"]);
});

test("[WF301] the one step of another run does not wait for all the branches of the first", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  const many = await harness.run(forkOf("slow", 300), {}, 0);
  const few = await harness.run(forkOf("slow", 1), {}, 0);
  await settle();
  for (let call = 0; call < 34; call += 1) await door.release();
  expect(await harness.engine.getRun(few.id)).toMatchObject({ status: "completed" });
  expect(await harness.engine.getRun(many.id)).toMatchObject({ status: "running" });
});

test("[WF302] a step that waits for its turn times out, and is cancelled with its run", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#slow", { effect: "pure", behave: hang() });
  harness.tools.set("t#late", { effect: "pure", behave: () => "late" });
  const blocker = await harness.run(forkOf("slow", 32), {}, 0);
  const late = await harness.run(
    workflow(`do: [ { late: { timeout: { after: PT5S }, call: plugin, with: { plugin: t, tool: late } } } ]`),
    {},
    0,
  );
  const other = await harness.run(forkOf("late", 3), {}, 0);
  await settle();
  await harness.clock.advance(5_000);
  await settle();
  expect(await harness.engine.getRun(late.id)).toMatchObject({
    status: "faulted",
    error: { type: expect.stringContaining("timeout") },
  });
  await harness.engine.cancel(other.id, ADMIN);
  await harness.engine.cancel(blocker.id, ADMIN);
  expect(harness.calls.filter(({ tool }) => tool === "late")).toEqual([]);
  expect(harness.engine.stepQueues()).toEqual([{ name: "all", running: 0, waiting: 0, places: 64 }]);
});

test("[WF303] branches that ask a model on this machine are answered one after the other", async () => {
  const harness = createEngineHarness();
  harness.llm.places = 1;
  let atOnce = 0;
  let most = 0;
  harness.llm.answer = (prompt) => {
    most = Math.max(most, ++atOnce);
    queueMicrotask(() => (atOnce -= 1));
    return prompt;
  };
  const branches = [1, 2, 3].map((index) => `{ b${index}: { call: llm, with: { prompt: p${index} } } }`).join(", ");
  const run = await harness.run(workflow(`do: [ { all: { fork: { branches: [ ${branches} ] } } } ]`));
  expect(run).toMatchObject({ status: "completed" });
  expect(most).toBe(1);
});
