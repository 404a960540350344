import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ADMIN, createEngineHarness, hang, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

const { actor } = ADMIN;

const step = (tool: string, extra = ""): string =>
  `{ call: plugin, with: { plugin: t, tool: ${tool}, arguments: { n: "\${ .n }" } }${extra} }`;

const THREE = workflow(`do:
  - first: ${step("first")}
  - second: ${step("second")}
  - last: ${step("last")}`);

/** Tools that answer their arguments plus one, unless they are told to fail; `once` ones must not happen twice. */
function prepare(harness: EngineHarness, failing: Set<string>, effect: "once" | "idempotent" = "idempotent"): void {
  for (const tool of ["first", "second", "last"]) {
    harness.tools.set(`t#${tool}`, {
      effect,
      behave: (call) => {
        if (failing.has(tool)) throw new LogoMeshError("LM_PLUGIN_CRASHED", `${tool} crashed.`);
        return { n: (call.arguments as { n: number }).n + 1 };
      },
    });
  }
}

const toolsCalled = (harness: EngineHarness): string[] => harness.calls.map(({ tool }) => tool);

async function statusOf(harness: EngineHarness, runId: string) {
  await settle();
  return harness.engine.getRun(runId);
}

test("[WF63] a retry goes on from the task that failed: what was recorded stays, and so does the failed attempt", async () => {
  const harness = createEngineHarness();
  const failing = new Set(["second"]);
  prepare(harness, failing);
  const run = await harness.run(THREE, { n: 1 });
  expect(run).toMatchObject({ status: "faulted", error: { instance: "/do/1/second" } });
  failing.clear();
  const retried = await harness.engine.operations.retry(run.id, {}, actor);
  expect(retried).toMatchObject({ status: "running" });
  expect("error" in retried || "endedAt" in retried).toBe(false);
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "completed", output: { n: 4 } });
  expect(toolsCalled(harness)).toEqual(["first", "second", "second", "last"]);
  const { items } = await harness.engine.listTasks(run.id, { limit: 50 });
  expect(items.map(({ seq, name, status }) => `${seq} ${name} ${status}`)).toEqual([
    "0 first completed",
    "1 second faulted",
    "2 retry completed",
    "3 second completed",
    "4 last completed",
  ]);
  expect(harness.audit.filter(({ kind }) => kind.startsWith("run.")).map(({ kind }) => kind)).toEqual([
    ...["run.started", "run.faulted", "run.retried", "run.completed"],
  ]);
});

test("[WF63] a retry may fail and be retried, and survives a crash after each of its commits", async () => {
  for (let at = 1; at < 8; at += 1) {
    const harness = createEngineHarness();
    const failing = new Set(["second"]);
    prepare(harness, failing);
    const run = await harness.run(THREE, { n: 1 });
    await harness.engine.operations.retry(run.id, {}, actor);
    expect(await statusOf(harness, run.id)).toMatchObject({ status: "faulted" });
    failing.clear();
    let commits = 0;
    harness.faults.afterCommit = () => {
      commits += 1;
      if (commits === at) harness.crash();
    };
    void harness.engine.operations.retry(run.id, {}, actor).catch(() => undefined);
    await settle();
    harness.faults.afterCommit = () => undefined;
    if ((await harness.engine.getRun(run.id)).status === "faulted")
      await harness.engine.operations.retry(run.id, {}, actor);
    else await harness.engine.recover();
    expect(await statusOf(harness, run.id)).toMatchObject({ status: "completed", output: { n: 4 } });
    expect(toolsCalled(harness).filter((tool) => tool === "first")).toHaveLength(1);
  }
});

test("[WF63] a cancelled run goes on with what was going on, and its time limit begins anew", async () => {
  const harness = createEngineHarness();
  let isHanging = true;
  harness.tools.set("t#slow", {
    effect: "idempotent",
    behave: (call, signal) => (isHanging ? hang()(call, signal) : { done: true }),
  });
  const source = workflow(
    `do:\n  - slow: { call: plugin, with: { plugin: t, tool: slow }, timeout: { after: PT10S } }`,
  );
  const run = await harness.run(source, {}, 0);
  await settle();
  await harness.engine.cancel(run.id, ADMIN);
  await harness.clock.advance(60_000);
  await harness.engine.operations.retry(run.id, {}, actor);
  await harness.clock.advance(9_000);
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "running" });
  await harness.clock.advance(1_001);
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "faulted", error: { code: "LM_TIMEOUT" } });
  isHanging = false;
  await harness.engine.operations.retry(run.id, {}, actor);
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "completed", output: { done: true } });
});

test("[WF64] a retry that would give the same again is refused, and so is one of a run that did not fail", async () => {
  const harness = createEngineHarness();
  prepare(harness, new Set());
  const source = workflow(
    `do:\n  - first: ${step("first")}\n  - bad: { raise: { error: { type: "urn:x", status: 500 } } }`,
  );
  const run = await harness.run(source, { n: 1 });
  await expect(harness.engine.operations.retry(run.id, {}, actor)).rejects.toMatchObject({
    code: "LM_WORKFLOW_CANNOT_CONTINUE",
  });
  expect(await harness.engine.getRun(run.id)).toEqual(run);
  const good = await harness.run(THREE, { n: 1 });
  await expect(harness.engine.operations.retry(good.id, {}, actor)).rejects.toMatchObject({ code: "LM_CONFLICT" });
});

test("[WF64] a child run that failed is retried with its parent, and what it had recorded does not run again", async () => {
  const harness = createEngineHarness();
  const failing = new Set(["second"]);
  prepare(harness, failing);
  await harness.define(THREE);
  const parent = workflow(
    `do:\n  - child: { run: { workflow: { namespace: default, name: test, version: "1.0.0", input: { n: 5 } } } }`,
    "parent",
  );
  const run = await harness.run(parent);
  expect(run).toMatchObject({ status: "faulted" });
  failing.clear();
  await harness.engine.operations.retry(run.id, {}, actor);
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "completed", output: { n: 8 } });
  expect(toolsCalled(harness)).toEqual(["first", "second", "second", "last"]);
});

test("[WF60] a suspended run begins nothing more, lets what must not happen twice end, and goes on where it stood", async () => {
  const harness = createEngineHarness();
  prepare(harness, new Set());
  const answer = Promise.withResolvers<JsonValue>();
  harness.tools.set("t#second", { effect: "once", behave: () => answer.promise });
  const run = await harness.run(THREE, { n: 1 }, 0);
  await settle();
  const suspending = harness.engine.operations.suspend(run.id, { reason: "Lunch.", actor });
  await settle();
  answer.resolve({ n: 3 });
  expect(await suspending).toMatchObject({ status: "suspended", statusReason: "Lunch." });
  expect(toolsCalled(harness)).toEqual(["first", "second"]);
  harness.crash();
  await harness.engine.recover();
  expect(await statusOf(harness, run.id)).toMatchObject({ status: "suspended" });
  await harness.engine.operations.resume(run.id, {}, actor);
  const ended = await statusOf(harness, run.id);
  expect(ended).toMatchObject({ status: "completed", output: { n: 4 } });
  expect("statusReason" in ended).toBe(false);
  expect(toolsCalled(harness)).toEqual(["first", "second", "last"]);
  await expect(harness.engine.operations.suspend(run.id, { actor })).rejects.toMatchObject({
    code: "LM_WORKFLOW_RUN_FINISHED",
  });
});

test("[WF60] a run that ends while it is to be suspended has ended; a step that outlasts the grace is unknown", async () => {
  const harness = createEngineHarness();
  const answer = Promise.withResolvers<JsonValue>();
  harness.tools.set("t#only", { effect: "once", behave: () => answer.promise });
  const source = workflow(`do:\n  - only: { call: plugin, with: { plugin: t, tool: only } }`);
  const ends = await harness.run(source, {}, 0);
  await settle();
  const ending = harness.engine.operations.suspend(ends.id, { actor });
  answer.resolve({ ok: true });
  await expect(ending).rejects.toMatchObject({ code: "LM_WORKFLOW_RUN_FINISHED" });
  expect(await harness.engine.getRun(ends.id)).toMatchObject({ status: "completed" });

  harness.tools.set("t#only", { effect: "once", behave: hang() });
  const slow = await harness.run(source, {}, 0);
  await settle();
  const suspending = harness.engine.operations.suspend(slow.id, { actor });
  await settle();
  await harness.clock.advance(10_000);
  expect(await suspending).toMatchObject({ status: "suspended" });
  expect((await harness.engine.listTasks(slow.id, { limit: 5 })).items).toMatchObject([{ status: "unknown" }]);
});

async function unknownRun(extra = ""): Promise<{ harness: EngineHarness; runId: string }> {
  const harness = createEngineHarness();
  prepare(harness, new Set());
  harness.tools.set("t#second", { effect: "once", behave: hang() });
  const source = workflow(`do:
  - first: ${step("first")}
  - guard: { try: [ { second: ${step("second", extra)} } ], catch: { as: e, do: [ { caught: { set: { n: 100 } } } ] } }
  - last: ${step("last")}`);
  const { id } = await harness.run(source, { n: 1 }, 0);
  await settle();
  harness.crash();
  await harness.engine.recover();
  prepare(harness, new Set(), "once");
  return { harness, runId: id };
}

test.each([
  [{ decision: "retry" } as const, { n: 4 }, ["first", "second", "second", "last"]],
  [{ decision: "complete", output: { n: 41 } } as const, { n: 42 }, ["first", "second", "last"]],
  [{ decision: "fail", comment: "It was not sent." } as const, { n: 101 }, ["first", "second", "last"]],
])("[WF61] an unknown step follows the person's decision: %j", async (decision, output, called) => {
  const { harness, runId } = await unknownRun();
  expect(await harness.engine.getRun(runId)).toMatchObject({ status: "suspended" });
  const unknown = (await harness.engine.listTasks(runId, { limit: 9 })).items.find((task) => task.status === "unknown");
  await expect(harness.engine.operations.resume(runId, {}, actor)).rejects.toMatchObject({
    code: "LM_WORKFLOW_STEP_UNKNOWN",
    data: { steps: [{ seq: unknown?.seq, name: "second" }] },
  });
  await expect(
    harness.engine.operations.resume(runId, { steps: [{ seq: 99, decision: "retry" }] }, actor),
  ).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  await harness.engine.operations.resume(runId, { steps: [{ seq: unknown?.seq ?? -1, ...decision }] }, actor);
  expect(await statusOf(harness, runId)).toMatchObject({ status: "completed", output });
  expect(toolsCalled(harness)).toEqual(called);
  expect(harness.audit.find(({ kind }) => kind === "run.resumed")?.data).toMatchObject({
    [`step${unknown?.seq ?? ""}`]: decision.decision,
  });
  harness.crash();
  expect(await harness.engine.recover()).toEqual({ runs: 0 });
});

test("[WF62] a step that says so fails when its outcome is unknown, and the workflow may catch it", async () => {
  const { harness, runId } = await unknownRun(", metadata: { logomesh: { unknown: fail } }");
  expect(await statusOf(harness, runId)).toMatchObject({ status: "completed", output: { n: 101 } });
  expect(toolsCalled(harness)).toEqual(["first", "second", "last"]);
  const bad = workflow(`do:\n  - a: ${step("first", ", metadata: { logomesh: { unknown: guess } }")}`);
  expect(await harness.engine.validate(bad)).toMatchObject({
    valid: false,
    problems: [{ pointer: "/do/0/a/metadata/logomesh/unknown" }],
  });
});
