import { expect, test } from "vitest";
import { ADMIN, createEngineHarness, hang, settle, workflow } from "./testing/engineHarness.ts";

const { actor } = ADMIN;
const ECHO = `{ call: plugin, with: { plugin: t, tool: echo, arguments: { text: "${"x".repeat(60_000)}" } } }`;

test("[WF68] pruning deletes ended runs of an age and gives their space back; live ones and numbers of events stay", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#slow", { effect: "pure", behave: hang() });
  const live = await harness.run(workflow("do:\n  - slow: { call: plugin, with: { plugin: t, tool: slow } }"), {}, 0);
  await settle();
  const old = [];
  for (let run = 0; run < 30; run += 1) old.push(await harness.run(workflow(`do:\n  - a: ${ECHO}\n  - b: ${ECHO}`)));
  await harness.clock.advance(1_000);
  const young = await harness.run(workflow(`do:\n  - a: { set: { ok: true } }`));
  const position = harness.engine.eventPosition();
  const result = await harness.engine.operations.prune({ olderThanMs: 500 }, actor);
  expect(result.runs).toBe(30);
  expect(harness.store.loadTasks(old[0]?.id ?? "")).toEqual([]);
  expect((await harness.engine.listRuns({ limit: 50 })).items.map(({ id }) => id).sort()).toEqual(
    [live.id, young.id].sort(),
  );
  expect(harness.engine.eventPosition()).toBe(position);
  await harness.engine.operations.prune({ databaseBytesMax: 0, statuses: ["completed"] }, actor);
  expect(harness.engine.eventPosition()).toBe(position);
  expect(await harness.engine.getRun(live.id)).toMatchObject({ status: "running" });
  await expect(harness.engine.operations.prune({}, actor)).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(harness.audit.filter(({ kind }) => kind === "run.pruned")).toHaveLength(2);
});

test("[WF68] a child stays while its parent may be retried", async () => {
  const harness = createEngineHarness();
  await harness.define(workflow("do:\n  - a: { set: { ok: true } }", "child"));
  const parent = await harness.run(
    workflow(
      `do:
  - child: { run: { workflow: { namespace: default, name: child, version: "1.0.0" } } }
  - bad: { raise: { error: { type: "urn:x", status: 500 } } }`,
      "parent",
    ),
  );
  await harness.engine.operations.prune({ olderThanMs: 0, statuses: ["completed"] }, actor);
  expect((await harness.engine.listRuns({ limit: 9 })).items).toHaveLength(2);
  expect(await harness.engine.operations.prune({ olderThanMs: 0 }, actor)).toMatchObject({ runs: 2 });
  await expect(harness.engine.getRun(parent.id)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
});

test("[WF67] what a filter finds is cancelled or retried, and refusals are told", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#slow", { effect: "idempotent", behave: hang() });
  const source = workflow("do:\n  - slow: { call: plugin, with: { plugin: t, tool: slow } }");
  for (let run = 0; run < 3; run += 1) await harness.run(source, {}, 0);
  await harness.run(workflow("do:\n  - a: { raise: { error: { type: 'urn:x', status: 500 } } }", "other"));
  const done = { matched: 3, done: 3, refused: 0, refusals: [], isMore: false };
  expect(await harness.engine.operations.bulk({ filter: { status: "running" }, action: "cancel" }, actor)).toEqual(
    done,
  );
  harness.tools.set("t#slow", { effect: "idempotent", behave: () => ({ ok: true }) });
  expect(await harness.engine.operations.bulk({ filter: { workflow: "test" }, action: "retry" }, actor)).toEqual(done);
  await settle();
  expect((await harness.engine.listRuns({ limit: 9, status: "completed" })).items).toHaveLength(3);
  expect(await harness.engine.operations.bulk({ filter: { status: "faulted" }, action: "retry" }, actor)).toMatchObject(
    {
      ...{ matched: 1, done: 0, refused: 1, refusals: [{ code: "LM_WORKFLOW_CANNOT_CONTINUE" }] },
    },
  );
});
