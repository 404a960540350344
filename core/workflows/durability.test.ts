import { LogoMeshError, type JsonValue, type Run } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ADMIN, createEngineHarness, hang, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

/** Workflows whose every commit is a place to crash at. */
const CORPUS: Record<string, { source: string; input: JsonValue }> = {
  sequence: {
    source: workflow(`do:
  - a: { call: plugin, with: { plugin: t, tool: echo, arguments: { n: "\${ .n }" } } }
  - b: { call: llm, with: { prompt: "\${ \\"number \\" + (.n | tostring) }" } }
  - c: { call: thought.create, with: { title: "\${ .text }" } }
  - d: { set: { title: "\${ .title }" } }`),
    input: { n: 4 },
  },
  branches: {
    source: workflow(`do:
  - both:
      fork:
        branches:
          - left: { do: [ { l1: { call: plugin, with: { plugin: t, tool: echo, arguments: { side: left } } } }, { l2: { call: thought.create, with: { title: "\${ .side }" } } } ] }
          - right: { for: { in: "\${ [1, 2, 3] }" }, do: [ { r: { call: plugin, with: { plugin: t, tool: echo, arguments: { i: "\${ $item }" } } } } ] }
  - join: { set: { left: "\${ .[0].title }", right: "\${ .[1].i }" } }`),
    input: {},
  },
  retries: {
    source: workflow(`do:
  - guarded:
      try: [ { flaky: { call: plugin, with: { plugin: t, tool: flaky, arguments: {} } } } ]
      catch: { retry: { delay: { seconds: 10 }, backoff: { exponential: {} }, limit: { attempt: { count: 4 } } } }
  - pause: { wait: PT1M }
  - keep: { call: thought.create, with: { title: "\${ .ok }" }, output: { as: "\${ .title }" } }`),
    input: {},
  },
};

function prepare(harness: EngineHarness): void {
  harness.tools.set("t#flaky", {
    effect: "idempotent",
    behave: () => {
      if (harness.calls.filter(({ tool }) => tool === "flaky").length < 3)
        throw new LogoMeshError("LM_PLUGIN_CRASHED", "It crashed.");
      return { ok: "yes" };
    },
  });
}

/** Lets a run go to its end, moving time to the next timer whenever nothing else happens. */
async function finish(harness: EngineHarness, runId: string): Promise<Run> {
  for (let turn = 0; turn < 200; turn += 1) {
    await settle();
    const run = await harness.engine.getRun(runId);
    if (["completed", "faulted", "cancelled", "suspended"].includes(run.status)) return run;
    const nextMs = harness.clock.nextTimerMs();
    if (nextMs !== undefined) await harness.clock.advance(nextMs);
  }
  throw new Error(`run ${runId} does not end`);
}

test.each(Object.keys(CORPUS))(
  "[WF22] [WF21] [WF11] %s: a crash at any commit changes neither output nor repeats a recorded step",
  async (name) => {
    const { source, input } = CORPUS[name]!;
    const plain = createEngineHarness();
    prepare(plain);
    let commits = 0;
    plain.faults.afterCommit = () => void (commits += 1);
    await plain.define(source);
    const whole = await finish(
      plain,
      (await plain.engine.start({ workflow: { namespace: "default", name: "test" }, input }, ADMIN)).id,
    );
    expect(whole).toMatchObject({ status: "completed" });
    expect(commits).toBeGreaterThan(2);

    for (const when of ["beforeCommit", "afterCommit"] as const) {
      for (let at = 1; at <= commits; at += 1) {
        const harness = createEngineHarness();
        prepare(harness);
        await harness.define(source);
        let count = 0;
        const state: { crashed: boolean } = { crashed: false };
        harness.faults[when] = () => {
          count += 1;
          if (count !== at || state.crashed) return;
          state.crashed = true;
          harness.crash();
        };
        const started = harness.engine.start(
          { workflow: { namespace: "default", name: "test" }, input, idempotencyKey: "k" },
          ADMIN,
        );
        for (let turn = 0; turn < 60 && !state.crashed; turn += 1) {
          await settle(3);
          const nextMs = harness.clock.nextTimerMs();
          if (nextMs !== undefined) await harness.clock.advance(nextMs);
        }
        void started.catch(() => undefined);
        await harness.engine.recover();
        const run = await finish(
          harness,
          (
            await harness.engine.start(
              { workflow: { namespace: "default", name: "test" }, input, idempotencyKey: "k" },
              ADMIN,
            )
          ).id,
        );
        expect({ when, at, status: run.status, output: run.output }).toEqual({
          when,
          at,
          status: "completed",
          output: whole.output,
        });
        expect(harness.thoughts).toEqual(plain.thoughts);
        const steps = (kind: string): number => harness.audit.filter((entry) => entry.kind === kind).length;
        expect(steps("step.completed")).toBe(plain.audit.filter((entry) => entry.kind === "step.completed").length);
        expect(harness.audit.filter(({ kind }) => kind === "run.completed")).toHaveLength(1);
      }
    }
  },
);

test("[WF23] every try of a step carries one idempotency key, and different steps have different keys", async () => {
  const harness = createEngineHarness();
  prepare(harness);
  const run = await harness.run(CORPUS.retries!.source, {}, 0);
  await finish(harness, run.id);
  const keys = harness.calls.map(({ idempotencyKey }) => idempotencyKey);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  const loop = await harness.run(
    workflow(
      `do: [ { l: { for: { in: "\${ [1, 2] }" }, do: [ { r: { call: plugin, with: { plugin: t, tool: echo } } } ] } } ]`,
    ),
  );
  expect(loop.status).toBe("completed");
  expect(new Set(harness.calls.slice(3).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
});

test("[WF24] a step that may act once and has no recorded end is unknown after a crash, and is not tried again", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#pay", { effect: "once", behave: hang() });
  const run = await harness.run(workflow(`do: [ { pay: { call: plugin, with: { plugin: t, tool: pay } } } ]`), {}, 0);
  await settle();
  expect((await harness.engine.listTasks(run.id, { limit: 5 })).items[0]).toMatchObject({
    name: "pay",
    status: "running",
    effect: "once",
  });
  harness.crash();
  expect(await harness.engine.recover()).toEqual({ runs: 1 });
  const after = await harness.engine.getRun(run.id);
  expect(after).toMatchObject({
    status: "suspended",
    statusReason: expect.stringContaining("“pay” may already have acted"),
  });
  expect((await harness.engine.getTask(run.id, 0)).status).toBe("unknown");
  expect(harness.calls).toHaveLength(1);
  const cancelled = await harness.engine.cancel(run.id, ADMIN);
  expect(cancelled.status).toBe("cancelled");
});

test("[WF25] an older owner changes nothing", async () => {
  const harness = createEngineHarness();
  let release: (() => void) | undefined;
  harness.tools.set("t#gate", {
    effect: "pure",
    behave: () => new Promise((resolve) => (release = () => resolve({ by: "old" }))),
  });
  const run = await harness.run(workflow(`do: [ { g: { call: plugin, with: { plugin: t, tool: gate } } } ]`), {}, 0);
  await settle();
  await harness.store.claimLiveRuns(() => ({ kind: "run.recovered", actor: { type: "system", id: "engine" } }));
  release?.();
  await settle();
  expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "running", recoveries: 1 });
  expect(harness.audit.map(({ kind }) => kind)).not.toContain("run.completed");
});

test("[WF25] a run that has ended cannot be cancelled or changed", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`do: [ { a: { set: { v: 1 } } } ]`));
  await expect(harness.engine.cancel(run.id, ADMIN)).rejects.toMatchObject({ code: "LM_WORKFLOW_RUN_FINISHED" });
  const patch = { runId: run.id, epoch: 1, status: "faulted", rows: [], events: [], audit: [], writes: [] } as const;
  await expect(harness.store.commit(patch)).rejects.toMatchObject({ code: "LM_WORKFLOW_RUN_FINISHED" });
  await expect(harness.store.commit({ ...patch, runId: "run_none" })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
});

test("[WF26] a run that brings the workbench down again and again is suspended", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#hang", { effect: "pure", behave: hang() });
  const run = await harness.run(workflow(`do: [ { h: { call: plugin, with: { plugin: t, tool: hang } } } ]`), {}, 0);
  for (let crash = 1; crash <= 6; crash += 1) {
    harness.crash();
    await harness.engine.recover();
    await settle();
  }
  expect(await harness.engine.getRun(run.id)).toMatchObject({
    status: "suspended",
    recoveries: 6,
    statusReason: expect.stringContaining("stopped 6 times"),
  });
  harness.crash();
  await harness.engine.recover();
  expect((await harness.engine.getRun(run.id)).status).toBe("suspended");
});

test("[WF27] a new version, and a deletion, change nothing for a live run", async () => {
  const harness = createEngineHarness();
  const source = (text: string): string => workflow(`do: [ { p: { wait: PT1S } }, { a: { set: { v: ${text} } } } ]`);
  const reference = { namespace: "default", name: "test" };
  await harness.engine.define({ source: source("old"), origin: "a.yaml", caller: ADMIN });
  const run = await harness.engine.start({ workflow: reference }, ADMIN);
  await harness.engine.define({ source: source("new"), origin: "a.yaml", caller: ADMIN });
  await expect(harness.engine.define({ source: source("third"), origin: "api", caller: ADMIN })).rejects.toMatchObject({
    code: "LM_CONFLICT",
  });
  await expect(harness.engine.deleteWorkflow(reference, { force: false, caller: ADMIN })).rejects.toMatchObject({
    code: "LM_WORKFLOW_IN_USE",
  });
  await harness.engine.deleteWorkflow(reference, { force: true, caller: ADMIN });
  harness.crash();
  await harness.engine.recover();
  expect((await finish(harness, run.id)).output).toEqual({ v: "old" });
  await expect(harness.engine.getWorkflow(reference)).rejects.toMatchObject({ code: "LM_WORKFLOW_NOT_FOUND" });
  expect((await harness.engine.getRunDefinition(run.id)).source).toContain("old");
});

test("[WF28] a full disk delays a run and loses nothing", async () => {
  const harness = createEngineHarness();
  let failures = 0;
  const run = await harness.run(
    workflow(`do: [ { p: { wait: PT1S } }, { a: { call: thought.create, with: { title: kept } } } ]`),
    {},
    0,
  );
  harness.faults.beforeCommit = () => {
    if (++failures <= 3) throw new LogoMeshError("LM_DB_FULL", "The disk is full.");
  };
  expect(await finish(harness, run.id)).toMatchObject({ status: "completed" });
  expect([failures > 3, harness.thoughts]).toEqual([true, ["kept"]]);
});

test("[WF20] a start that cannot be stored is refused and leaves no run", async () => {
  const harness = createEngineHarness();
  await harness.define(workflow(`do: [ { a: { set: { v: 1 } } } ]`));
  harness.faults.beforeCommit = () => {
    throw new LogoMeshError("LM_DB_FULL", "The disk is full.");
  };
  await expect(harness.engine.start({ workflow: { namespace: "default", name: "test" } }, ADMIN)).rejects.toMatchObject(
    { code: "LM_DB_FULL" },
  );
  expect((await harness.engine.listRuns({ limit: 5 })).items).toEqual([]);
});

test("[WF21] a step whose write is refused is faulted with the refusal, and stores nothing of it", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`do: [ { a: { call: thought.create, with: { title: refused } } } ]`));
  expect(run).toMatchObject({
    status: "faulted",
    error: { instance: "/do/0/a", code: "LM_INPUT_INVALID", detail: "This thought is refused." },
  });
  const kinds = harness.audit.map(({ kind }) => kind);
  expect(kinds).toEqual(["workflow.defined", "run.started", "step.faulted", "run.faulted"]);
});

test("[WF21] a workflow catches and retries a refused write, and branches that share its commit go on", async () => {
  const harness = createEngineHarness();
  const refuse = `{ try: [ { w: { call: thought.create, with: { title: refused } } } ],
    catch: { retry: { limit: { attempt: { count: 2 } } }, as: problem, do: [ { caught: { set: "\${ $problem.detail }" } } ] } }`;
  harness.tools.set("t#slow", { effect: "once", behave: () => settle(30).then(() => ({ by: "slow" })) });
  const source = workflow(
    `do: [ { all: { fork: { branches: [ { no: ${refuse} }, { yes: { call: thought.create, with: { title: kept } } },
      { again: ${refuse} }, { slow: { call: plugin, with: { plugin: t, tool: slow } } } ] } } } ]`,
  );
  const run = await harness.run(source, {}, 0);
  const ended = await finish(harness, run.id);
  expect(ended).toMatchObject({
    status: "completed",
    output: ["This thought is refused.", { title: "kept" }, "This thought is refused.", { by: "slow" }],
  });
  expect([harness.thoughts, harness.calls.length]).toEqual([["kept"], 1]);
  const writes = harness.store.loadTasks(run.id).filter(({ name }) => name === "w");
  expect(writes.map(({ status, attempt }) => [status, attempt])).toEqual(
    [1, 1, 2, 2].map((attempt) => ["faulted", attempt]),
  );
  harness.crash();
  await harness.engine.recover();
  expect(await harness.engine.getRun(run.id)).toEqual(ended);
});

test("[WF21] a step whose output does not fit leaves no writes", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(
      `do: [ { a: { call: thought.create, with: { title: gone }, output: { schema: { document: { type: string } } } } } ]`,
    ),
  );
  expect([run.status, harness.thoughts]).toEqual(["faulted", []]);
});

test("[WF22] a journal that does not fit its definition suspends the run instead of guessing", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`do: [ { p: { wait: PT1H } } ]`), {}, 0);
  const [row] = harness.store.loadTasks(run.id);
  expect(row).toBeUndefined();
  const task = {
    seq: 5,
    reference: "/do/9/x",
    name: "x",
    type: "call",
    call: "llm",
    parentSeq: null,
    iteration: null,
    attempt: 1,
  } as const;
  const rest = {
    status: "completed",
    effect: "pure",
    startedAtMs: 1,
    endedAtMs: 2,
    event: "effect",
    eventOrder: 1,
  } as const;
  const texts = { input: null, output: "1", error: null, details: null };
  await harness.store.commit({
    runId: run.id,
    epoch: 1,
    rows: [{ ...task, ...rest, ...texts }],
    events: [],
    audit: [],
    writes: [],
  });
  harness.crash();
  await harness.engine.recover();
  expect(await harness.engine.getRun(run.id)).toMatchObject({
    status: "suspended",
    statusReason: expect.stringContaining("does not fit the definition"),
  });
});
