import { LogoMeshError, type RunEvent } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { RunMessage } from "./index.ts";
import { ADMIN, createEngineHarness, hang, settle, workflow } from "./testing/engineHarness.ts";

const guarded = (retry: string, handler = ""): string =>
  workflow(`do:
  - guarded:
      try: [ { flaky: { call: plugin, with: { plugin: t, tool: flaky } } } ]
      catch: { as: problem, retry: ${retry}${handler} }`);

/** Runs a workflow whose only step always fails and tells when each attempt began. */
async function attempts(retry: string, handler = ""): Promise<{ atMs: number[]; status: string; output: unknown }> {
  const harness = createEngineHarness();
  const startMs = harness.clock.nowMs();
  const atMs: number[] = [];
  harness.tools.set("t#flaky", {
    effect: "pure",
    behave: () => {
      atMs.push(harness.clock.nowMs() - startMs);
      throw new LogoMeshError("LM_PLUGIN_CRASHED", "It crashed.");
    },
  });
  const run = await harness.run(guarded(retry, handler), {}, 0);
  for (let turn = 0; turn < 20; turn += 1) {
    await settle();
    const nextMs = harness.clock.nextTimerMs();
    if (nextMs !== undefined) await harness.clock.advance(nextMs);
  }
  const ended = await harness.engine.getRun(run.id);
  return { atMs, status: ended.status, output: ended.output };
}

test.each([
  [
    "constant",
    "{ delay: { seconds: 2 }, backoff: { constant: {} }, limit: { attempt: { count: 4 } } }",
    [0, 2000, 4000, 6000],
  ],
  [
    "linear",
    "{ delay: { seconds: 2 }, backoff: { linear: {} }, limit: { attempt: { count: 4 } } }",
    [0, 2000, 6000, 12000],
  ],
  [
    "exponential",
    "{ delay: { seconds: 2 }, backoff: { exponential: {} }, limit: { attempt: { count: 4 } } }",
    [0, 2000, 6000, 14000],
  ],
  ["limited by duration", "{ delay: { seconds: 2 }, limit: { duration: { seconds: 5 } } }", [0, 2000, 4000]],
])("[WF10] delays that are %s", async (_name, retry, expected) => {
  expect(await attempts(retry)).toMatchObject({ atMs: expected, status: "faulted" });
});

test("[WF10] jitter lies in its range and is the same after every recovery", async () => {
  const retry =
    "{ delay: { seconds: 1 }, jitter: { from: { milliseconds: 100 }, to: { milliseconds: 900 } }, limit: { attempt: { count: 5 } } }";
  const { atMs } = await attempts(retry);
  const pauses = atMs.slice(1).map((at, index) => at - atMs[index]!);
  expect(pauses).toHaveLength(4);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1100);
  expect(Math.max(...pauses)).toBeLessThan(1901);
  expect(new Set(pauses).size).toBeGreaterThan(1);
});

test("[WF10] conditions of the retry and the handler after it", async () => {
  expect(await attempts('{ when: "${ $problem.status == 404 }", limit: { attempt: { count: 5 } } }')).toMatchObject({
    atMs: [0],
    status: "faulted",
  });
  expect(
    await attempts('{ exceptWhen: "${ $problem.code == \\"LM_PLUGIN_CRASHED\\" }", limit: { attempt: { count: 5 } } }'),
  ).toMatchObject({ atMs: [0] });
  const handler = ', do: [ { h: { set: { tried: "${ $problem.code }" } } } ]';
  expect(await attempts("{ delay: { seconds: 1 }, limit: { attempt: { count: 2 } } }", handler)).toEqual({
    atMs: [0, 1000],
    status: "completed",
    output: { tried: "LM_PLUGIN_CRASHED" },
  });
});

test("[WF10] an attempt that takes too long is stopped and tried again", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#flaky", {
    effect: "pure",
    behave: (call, signal) => (harness.calls.length < 2 ? hang()(call, signal) : { ok: true }),
  });
  const run = await harness.run(
    guarded("{ delay: { seconds: 1 }, limit: { attempt: { count: 3, duration: { seconds: 5 } } } }"),
    {},
    0,
  );
  await settle();
  await harness.clock.advance(5000);
  await harness.clock.advance(1000);
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed", output: { ok: true } });
});

test("[WF11] a wait holds the run for its time, also over a restart", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`do: [ { p: { wait: { minutes: 10 } } }, { a: { set: { v: 1 } } } ]`), {}, 0);
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "waiting" });
  await harness.clock.advance(9 * 60_000);
  harness.crash();
  await harness.engine.recover();
  expect((await harness.engine.listTasks(run.id, { limit: 5 })).items).toMatchObject([
    { name: "p", status: "waiting" },
  ]);
  await harness.clock.advance(59_000);
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "waiting" });
  await harness.clock.advance(1_000);
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed", output: { v: 1 } });
});

test("[WF12] a timeout stops what is below it and can be caught", async () => {
  const harness = createEngineHarness();
  const stopped: string[] = [];
  harness.tools.set("t#hang", {
    effect: "pure",
    behave: (call, signal) => {
      signal.addEventListener("abort", () => stopped.push(call.tool));
      return hang()(call, signal);
    },
  });
  const run = await harness.run(
    workflow(`do:
  - guarded:
      try: [ { slow: { timeout: { after: { seconds: 30 } }, do: [ { h: { call: plugin, with: { plugin: t, tool: hang } } } ] } } ]
      catch: { errors: { with: { type: "https://serverlessworkflow.io/spec/1.0.0/errors/timeout" } }, do: [ { late: { set: { late: true } } } ] }`),
    {},
    0,
  );
  await settle();
  await harness.clock.advance(30_000);
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed", output: { late: true } });
  expect(stopped).toEqual(["hang"]);
});

test("[WF12] the timeout of the workflow faults the run", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`timeout: { after: { seconds: 5 } }\ndo: [ { p: { wait: PT1H } } ]`), {}, 0);
  await harness.clock.advance(5_000);
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({
    status: "faulted",
    error: { status: 408, code: "LM_TIMEOUT" },
  });
});

const CHILD = workflow(
  `input: { schema: { document: { type: object, required: [n] } } }
do: [ { c: { call: plugin, with: { plugin: t, tool: echo, arguments: { n: "\${ .n + 1 }" } } } } ]`,
  "child",
);
const parent = (more = ""): string =>
  workflow(
    `do: [ { k: { run: { workflow: { namespace: default, name: child, version: latest, input: { n: "\${ .n }" } }${more} } } } ]`,
  );

test("[WF13] a child run answers its output and belongs to its parent", async () => {
  const harness = createEngineHarness();
  await harness.define(CHILD);
  const run = await harness.run(parent(), { n: 1 });
  expect(run).toMatchObject({ status: "completed", output: { n: 2 } });
  const { items } = await harness.engine.listRuns({ limit: 5, workflow: "child" });
  expect(items).toMatchObject([{ status: "completed", parent: { runId: run.id, taskReference: "/do/0/k" } }]);
});

test("[WF13] a child's fault is the task's fault, and a child that is not awaited is left alone", async () => {
  const harness = createEngineHarness();
  await harness.define(CHILD);
  harness.tools.set("t#echo", { effect: "pure", behave: () => "! no" });
  expect(await harness.run(parent(), { n: 1 })).toMatchObject({
    status: "faulted",
    error: { code: "LM_PLUGIN_TOOL_FAILED", instance: "/do/0/c" },
  });
  expect(await harness.run(parent(", await: false"), { n: 1 })).toMatchObject({
    status: "completed",
    output: { runId: expect.any(String) },
  });
});

test("[WF13] a workflow that starts itself ends at the limit of nesting", async () => {
  const harness = createEngineHarness();
  await harness.define(
    workflow(
      `do: [ { again: { run: { workflow: { namespace: default, name: self, version: latest, input: {} } } } } ]`,
      "self",
    ),
  );
  const run = await harness.engine.start({ workflow: { namespace: "default", name: "self" }, waitMs: 10_000 }, ADMIN);
  expect(run).toMatchObject({ status: "faulted", error: { detail: expect.stringContaining("16 levels") } });
  expect((await harness.engine.listRuns({ limit: 50 })).items).toHaveLength(17);
});

test("[WF30] cancel stops effects, timers and child runs, and says so in the log", async () => {
  const harness = createEngineHarness();
  let stopped = 0;
  harness.tools.set("t#echo", {
    effect: "pure",
    behave: (call, signal) => {
      signal.addEventListener("abort", () => (stopped += 1));
      return hang()(call, signal);
    },
  });
  await harness.define(CHILD);
  const run = await harness.run(
    workflow(`do:
  - all:
      fork:
        branches:
          - a: { call: plugin, with: { plugin: t, tool: echo } }
          - b: { wait: PT1H }
          - c: { run: { workflow: { namespace: default, name: child, version: latest, input: { n: 1 } } } }`),
    {},
    0,
  );
  await settle();
  expect(stopped).toBe(0);
  const cancelled = await harness.engine.cancel(run.id, ADMIN);
  expect([cancelled.status, stopped]).toEqual(["cancelled", 2]);
  const { items } = await harness.engine.listRuns({ limit: 5, workflow: "child" });
  expect(items).toMatchObject([{ status: "cancelled" }]);
  expect((await harness.engine.listTasks(run.id, { limit: 9 })).items.map(({ status }) => status)).toEqual(
    Array(4).fill("cancelled"),
  );
  expect(
    harness.audit.find(({ kind, trace }) => kind === "run.cancel-requested" && trace?.run === run.id),
  ).toMatchObject({
    actor: ADMIN.actor,
    data: { steps: 2, letGo: 2 },
  });
  await expect(harness.engine.cancel("run_none", ADMIN)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
});

test("[WF30] a step that does not let go is left behind after the grace", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#deaf", { effect: "pure", behave: () => new Promise(() => undefined) });
  const run = await harness.run(workflow(`do: [ { a: { call: plugin, with: { plugin: t, tool: deaf } } } ]`), {}, 0);
  await settle();
  const cancelled = harness.engine.cancel(run.id, ADMIN);
  await settle();
  expect((await harness.engine.getRun(run.id)).status).toBe("running");
  await harness.clock.advance(2_000);
  expect((await cancelled).status).toBe("cancelled");
});

test("[WF32] waiting ends with the run or with the time", async () => {
  const harness = createEngineHarness();
  const source = workflow(`do: [ { p: { wait: PT10S } } ]`);
  const short = harness.run(source, {}, 4_000);
  await settle();
  await harness.clock.advance(4_000);
  expect((await short).status).toBe("waiting");
  const long = harness.run(source, {}, 60_000);
  await settle();
  await harness.clock.advance(10_000);
  await settle();
  expect((await long).status).toBe("completed");
});

test("[WF33] subscribers hear durable events with rising numbers, live tasks and text, and can read them again", async () => {
  const harness = createEngineHarness();
  const heard: RunMessage[] = [];
  const source = workflow(`do: [ { a: { call: llm, with: { prompt: rivers } } }, { b: { wait: PT1S } } ]`);
  using _all = harness.engine.subscribe({}, (message) => heard.push(message));
  const run = await harness.run(source, {}, 0);
  using other = harness.engine.subscribe({ runId: "run_other" }, () => expect.fail("not its run"));
  await settle();
  await harness.clock.advance(1_000);
  await settle();
  const events = heard.flatMap((message): RunEvent[] => (message.type === "event" ? [message.event] : []));
  expect(events.map(({ seq, type }) => `${seq} ${type.replace("io.serverlessworkflow.", "")}`)).toEqual([
    "1 workflow.started.v1",
    "2 task.started.v1",
    "3 task.completed.v1",
    "4 workflow.status-changed.v1",
    "5 task.completed.v1",
    "6 workflow.completed.v1",
  ]);
  expect(heard.find(({ type }) => type === "token")).toEqual({
    type: "token",
    runId: run.id,
    taskSeq: 0,
    delta: "About rivers",
  });
  const states = heard.flatMap((message) =>
    message.type === "task" ? [`${message.task.name} ${message.task.status}`] : [],
  );
  expect(states).toEqual(["a running", "a completed", "b waiting", "b completed"]);
  expect(await harness.engine.listEvents({ runId: run.id, after: 0, limit: 100 })).toEqual(events);
  expect(await harness.engine.listEvents({ after: events[3]!.id, limit: 1 })).toEqual([events[4]]);
  expect(harness.engine.eventPosition()).toBe(events.at(-1)!.id);
  other[Symbol.dispose]();
});

test("[WF33] subscribers hear how far a plugin's tool is", async () => {
  const harness = createEngineHarness();
  const heard: RunMessage[] = [];
  using _all = harness.engine.subscribe({}, (message) => heard.push(message));
  const run = await harness.run(workflow(`do: [ { a: { call: plugin, with: { plugin: t, tool: echo } } } ]`), {}, 0);
  await settle();
  expect(heard.filter(({ type }) => type === "progress")).toEqual([
    { type: "progress", runId: run.id, taskSeq: 0, progress: { progress: 1, total: 2, message: "echo" } },
  ]);
});

test("[WF30] a workbench that stops lets go of its runs, and the next one goes on with them", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#hang", {
    effect: "pure",
    behave: (call, signal) => (harness.calls.length < 2 ? hang()(call, signal) : { ok: 1 }),
  });
  const run = await harness.run(workflow(`do: [ { a: { call: plugin, with: { plugin: t, tool: hang } } } ]`), {}, 0);
  await settle();
  await harness.engine[Symbol.asyncDispose]();
  expect((await harness.engine.getRun(run.id)).status).toBe("running");
  await expect(harness.run(workflow("do: [ { a: { set: { v: 1 } } } ]"))).rejects.toMatchObject({
    code: "LM_CANCELLED",
  });
  await harness.crash().recover();
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed", output: { ok: 1 }, recoveries: 1 });
});
