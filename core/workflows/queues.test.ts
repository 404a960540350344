import type { JsonObject } from "@logomesh/contracts";
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

const limited = (concurrency: string, body: string, name = "limited"): string =>
  `document: { dsl: "1.0.3", namespace: default, name: ${name}, version: "1.0.0", metadata: { logomesh: { concurrency: ${concurrency} } } }\n${body}`;
const SLOW = "do: [ { slow: { call: plugin, with: { plugin: t, tool: slow } } } ]";

async function statusesOf(harness: EngineHarness, runIds: readonly string[]): Promise<string[]> {
  return Promise.all(runIds.map(async (id) => (await harness.engine.getRun(id)).status));
}

/** Starts runs of one source, one after the other. */
async function startAll(
  harness: EngineHarness,
  source: string,
  orders: { priority?: number; input?: JsonObject }[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const order of orders) {
    const run = await harness.engine.start({ source, input: {}, ...order }, ADMIN);
    ids.push(run.id);
    await harness.clock.advance(1);
  }
  return ids;
}

test("[WF310] what exceeds the limit is pending with its reason, and starts by priority, then age", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  const ids = await startAll(harness, limited("1", SLOW), [{}, {}, { priority: 7 }, {}]);
  expect(await harness.engine.getRun(ids[2] ?? "")).toMatchObject({
    ...{ status: "pending", priority: 7, queue: "default/limited" },
    statusReason: "Waits for a place: one run of default/limited at once.",
  });
  expect((await harness.engine.getRun(ids[2] ?? "")).startedAt).toBeUndefined();
  expect(harness.engine.runQueues()).toEqual([{ queue: "default/limited", running: 1, waiting: 3 }]);
  const seen: string[][] = [];
  for (let run = 0; run < 4; run += 1) {
    seen.push(await statusesOf(harness, ids));
    await door.release();
  }
  expect(seen).toEqual([
    ["running", "pending", "pending", "pending"],
    ["completed", "pending", "running", "pending"],
    ["completed", "running", "completed", "pending"],
    ["completed", "completed", "completed", "running"],
  ]);
  expect(await statusesOf(harness, ids)).toEqual(ids.map(() => "completed"));
  expect((await harness.engine.getRun(ids[1] ?? "")).statusReason).toBeUndefined();
  const kinds = harness.audit.filter(({ trace }) => trace?.run === ids[1]).map(({ kind }) => kind);
  expect(kinds).toEqual(["run.queued", "run.started", "step.completed", "run.completed"]);
  const events = await harness.engine.listEvents({ runId: ids[1] ?? "", after: 0, limit: 100 });
  expect(events.map(({ type, data }) => [type.split(".").slice(2).join("."), data.status]).slice(0, 2)).toEqual([
    ["workflow.status-changed.v1", "pending"],
    ["workflow.started.v1", "running"],
  ]);
});

test("[WF310] with a key each of its values has places of its own; a key that names nothing is refused", async () => {
  const harness = createEngineHarness();
  gate(harness, "slow");
  const source = limited("{ runs: 1, key: .customer }", SLOW);
  const ids = await startAll(
    harness,
    source,
    ["a", "b", "a"].map((customer) => ({ input: { customer } })),
  );
  expect(await statusesOf(harness, ids)).toEqual(["running", "running", "pending"]);
  expect((await harness.engine.getRun(ids[2] ?? "")).queue).toBe("default/limited#a");
  expect(harness.engine.runQueues()).toEqual([{ queue: "default/limited", running: 2, waiting: 1 }]);
  for (const customer of [null, { a: 1 }, "x".repeat(201)])
    await expect(startAll(harness, source, [{ input: { customer } }])).rejects.toMatchObject({
      code: "LM_WORKFLOW_INPUT_INVALID",
    });
});

test("[WF310] who starts a run twice with one key waits for the same one", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  const source = limited("1", SLOW);
  await startAll(harness, source, [{}]);
  const order = { source, input: {}, idempotencyKey: "k" };
  const first = await harness.engine.start(order, ADMIN);
  const second = harness.engine.start({ ...order, waitMs: 60_000 }, ADMIN);
  await settle();
  await door.release();
  await door.release();
  expect(await second).toMatchObject({ id: first.id, status: "completed" });
});

test("[WF311] after a crash those that wait still do, in their order, and begin when it is their turn", async () => {
  const harness = createEngineHarness();
  gate(harness, "slow");
  const waitFirst = "do: [ { pause: { wait: PT5S } }, { slow: { call: plugin, with: { plugin: t, tool: slow } } } ]";
  const ids = await startAll(harness, limited("1", waitFirst), [{}, {}, { priority: 1 }]);
  for (let crash = 0; crash < 8; crash += 1) {
    await harness.crash().recover();
    await settle();
  }
  expect(await statusesOf(harness, ids)).toEqual(["suspended", "pending", "waiting"]);
  expect(await harness.engine.getRun(ids[1] ?? "")).toMatchObject({ recoveries: 0 });
  const started = Date.parse((await harness.engine.getRun(ids[2] ?? "")).startedAt ?? "");
  const door = gate(harness, "slow");
  await harness.clock.advance(5_000);
  await settle();
  expect(door.inside()).toBe(1);
  const [pause] = (await harness.engine.listTasks(ids[2] ?? "", { limit: 10 })).items;
  expect(Date.parse(pause?.startedAt ?? "")).toBe(started);
  await door.release();
  expect(await statusesOf(harness, ids)).toEqual(["suspended", "waiting", "completed"]);
});

test("[WF311] a run that is cancelled while it waits never starts", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  const ids = await startAll(harness, limited("1", SLOW), [{}, {}, {}]);
  const gone = await harness.engine.cancel(ids[1] ?? "", ADMIN);
  expect(gone).toMatchObject({ status: "cancelled" });
  expect(gone.startedAt).toBeUndefined();
  expect((await harness.engine.listTasks(gone.id, { limit: 10 })).items).toEqual([]);
  await door.release();
  expect(await statusesOf(harness, ids)).toEqual(["completed", "cancelled", "running"]);
  await harness.engine.pause();
  const paused = await harness.engine.cancel(ids[2] ?? "", ADMIN);
  expect(paused).toMatchObject({ status: "cancelled" });
});

test("[WF53] [WF311] a pause starts nobody who waits; taken up again they start in their order", async () => {
  const harness = createEngineHarness();
  gate(harness, "slow");
  const ids = await startAll(harness, limited("1", SLOW), [{}, {}]);
  await harness.engine.pause();
  expect(await statusesOf(harness, ids)).toEqual(["running", "pending"]);
  const door = gate(harness, "slow");
  await harness.engine.recover();
  await settle();
  await door.release();
  await door.release();
  expect(await statusesOf(harness, ids)).toEqual(["completed", "completed"]);
});

const CHILD = (name: string, more = ""): string =>
  `run: { workflow: { namespace: default, name: ${name}, version: 1.0.0${more} } }`;

test("[WF312] a workflow with one place that runs itself comes to its end", async () => {
  const harness = createEngineHarness();
  await harness.define(
    limited(
      "1",
      `do:
  - deeper: { if: .depth > 0, ${CHILD("limited", ', input: { depth: "${ .depth - 1 }" }')} }
  - leaf: { call: plugin, with: { plugin: t, tool: echo, arguments: { ok: true } } }`,
    ),
  );
  const workflowOf = { namespace: "default", name: "limited" };
  const run = await harness.engine.start({ workflow: workflowOf, input: { depth: 3 }, waitMs: 60_000 }, ADMIN);
  expect(run).toMatchObject({ status: "completed", output: { ok: true } });
  expect(harness.engine.runQueues()).toEqual([]);
});

test("[WF312] two workflows that run each other as children do not wait for ever, also not after a crash", async () => {
  const harness = createEngineHarness();
  const body = (other: string): string => `do:
  - first: { call: plugin, with: { plugin: t, tool: slow } }
  - other: { if: .top == true, ${CHILD(other, ", input: { top: false }")} }`;
  const tops = new Set<string>();
  await harness.define(limited("1", body("b"), "a"));
  await harness.define(limited("1", body("a"), "b"));
  const hanging = Promise.withResolvers<undefined>();
  harness.tools.set("t#slow", {
    effect: "pure",
    behave: async ({ run }) => {
      await hanging.promise;
      return { top: tops.has(run?.runId ?? "") };
    },
  });
  for (const name of ["a", "b"]) {
    const run = await harness.engine.start({ workflow: { namespace: "default", name }, input: {} }, ADMIN);
    tops.add(run.id);
  }
  await settle();
  await harness.crash().recover();
  hanging.resolve(undefined);
  await settle(40);
  expect(await statusesOf(harness, [...tops])).toEqual(["completed", "completed"]);
  expect(harness.engine.runQueues()).toEqual([]);
});

test("[WF312] a child that waits for a place is cancelled with its parent, and waits no longer", async () => {
  const harness = createEngineHarness();
  const door = gate(harness, "slow");
  await harness.define(limited("1", SLOW, "inner"));
  const [blocker = ""] = await startAll(harness, limited("1", SLOW, "inner"), [{}]);
  const parent = await harness.run(workflow(`do: [ { child: { ${CHILD("inner")} } } ]`, "outer"), {}, 0);
  await settle();
  const waiting = (await harness.engine.listRuns({ limit: 10, status: "pending" })).items;
  expect(waiting).toMatchObject([{ parent: { runId: parent.id } }]);
  await harness.engine.cancel(parent.id, ADMIN);
  await settle();
  expect(await statusesOf(harness, [waiting[0]?.id ?? "", parent.id])).toEqual(["cancelled", "cancelled"]);
  await door.release();
  expect(await statusesOf(harness, [blocker])).toEqual(["completed"]);
  expect(door.inside()).toBe(0);
});

test("[WF301] a child has the priority of its parent", async () => {
  const harness = createEngineHarness();
  gate(harness, "slow");
  await harness.define(limited("1", SLOW, "inner"));
  const source = workflow(`do: [ { child: { ${CHILD("inner")} } } ]`, "outer");
  const [parent = ""] = await startAll(harness, source, [{ priority: -3 }]);
  await settle();
  const runs = (await harness.engine.listRuns({ limit: 10 })).items;
  expect(runs.map(({ workflow: { name }, priority }) => [name, priority])).toContainEqual(["inner", -3]);
  await harness.engine.cancel(parent, ADMIN);
});
