import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ADMIN, createEngineHarness, hang, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

const { actor } = ADMIN;

const CORPUS = {
  completed: `do:
  - a: { call: plugin, with: { plugin: t, tool: echo, arguments: { n: "\${ .n }" } } }
  - pause: { wait: PT1M }
  - both: { fork: { branches: [ { l: { set: { x: 1 } } }, { r: { for: { in: "\${ [1, 2, 3] }" }, do: [ { e: { call: plugin, with: { plugin: t, tool: echo, arguments: { i: "\${ $item }" } } } } ] } } ] } }`,
  caught: `do:
  - guard: { try: [ { bad: { call: plugin, with: { plugin: t, tool: bad } } } ], catch: { as: e, retry: { delay: { seconds: 3 }, limit: { attempt: { count: 2 } } }, do: [ { keep: { set: { title: "\${ $e.title }" } } } ] } }`,
  faulted: `do:\n  - bad: { call: plugin, with: { plugin: t, tool: bad } }`,
  "timed out": `timeout: { after: PT5S }\ndo:\n  - slow: { call: plugin, with: { plugin: t, tool: slow } }`,
  cancelled: `do:\n  - both: { fork: { branches: [ { l: { wait: PT1H } }, { r: { call: plugin, with: { plugin: t, tool: slow } } } ] } }`,
};

async function finish(harness: EngineHarness, runId: string): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await settle();
    const nextMs = harness.clock.nextTimerMs();
    if (nextMs !== undefined && nextMs < 3_600_000) await harness.clock.advance(nextMs);
  }
  if ((await harness.engine.getRun(runId)).status === "running") await harness.engine.cancel(runId, ADMIN);
}

function create(): { harness: EngineHarness; failing: { is: boolean } } {
  const harness = createEngineHarness();
  const failing = { is: true };
  harness.tools.set("t#slow", { effect: "once", behave: hang() });
  harness.tools.set("t#bad", {
    effect: "idempotent",
    behave: () => {
      if (failing.is) throw new LogoMeshError("LM_PLUGIN_CRASHED", "It crashed.");
      return { fine: true };
    },
  });
  return { harness, failing };
}

test.each(Object.entries(CORPUS))("[WF65] a run that is %s replays to the same bytes", async (_name, body) => {
  const { harness } = create();
  const run = await harness.run(workflow(body), { n: 1 }, 0);
  await finish(harness, run.id);
  const calls = harness.calls.length;
  expect(await harness.engine.operations.replay(run.id)).toMatchObject({ identical: true });
  expect(harness.calls).toHaveLength(calls);
});

test("[WF65] a run that was retried replays to the same bytes, and one that goes on does too", async () => {
  const { harness, failing } = create();
  const run = await harness.run(workflow(CORPUS.faulted));
  failing.is = false;
  await harness.engine.operations.retry(run.id, {}, actor);
  await settle();
  expect(await harness.engine.operations.replay(run.id)).toEqual({ identical: true, events: 2, tasks: 2 });
  const live = await harness.run(workflow(CORPUS.cancelled), {}, 0);
  await settle();
  expect(await harness.engine.operations.replay(live.id)).toMatchObject({ identical: true });
});

test("[WF65] what somebody changed in a stored run is named as the first difference", async () => {
  const { harness } = create();
  const run = await harness.run(workflow(CORPUS.completed), { n: 1 }, 0);
  await finish(harness, run.id);
  const rows = harness.store.loadTasks(run.id);
  const first = rows[0];
  if (first === undefined) throw new Error("there is a task");
  harness.store.loadTasks = () => [{ ...first, input: '{"n":7}' }, ...rows.slice(1)];
  expect(await harness.engine.operations.replay(run.id)).toMatchObject({
    identical: false,
    difference: {
      seq: 0,
      reference: "/do/0/a",
      field: "input",
      recorded: '{"n":7}',
      replayed: expect.stringContaining('{"n":1}'),
    },
  });
  harness.store.loadTasks = () => rows.slice(1);
  expect(await harness.engine.operations.replay(run.id)).toMatchObject({
    identical: false,
    difference: { field: "journal" },
  });
});

test("[WF66] two runs stand side by side, loops by iteration, with what differs", async () => {
  const { harness } = create();
  const source = (word: string): string =>
    workflow(`do:
  - each: { for: { in: "\${ .list }" }, do: [ { e: { call: plugin, with: { plugin: t, tool: echo, arguments: { i: "\${ $item }" } } } } ] }
  - big: { call: plugin, with: { plugin: t, tool: echo, arguments: { text: "${word.repeat(1500)}" } } }
  - same: { set: { ok: true } }`);
  const a = await harness.run(source("ab"), { list: [1, 2] });
  const b = await harness.run(source("cd"), { list: [1, 3, 4] });
  const result = await harness.engine.operations.compare(a.id, b.id);
  const short = result.tasks.map(({ place, differences }) => `${place} ${differences.join("+")}`);
  expect(short).toEqual([
    "/do/0/each input+output",
    "/do/0/each/do/0/e[0] ",
    "/do/0/each/do/0/e[1] input+output",
    "/do/0/each/do/0/e[2] missing",
    "/do/1/big input+output",
    "/do/2/same input",
  ]);
  expect(result.tasks[4]?.a?.output).toEqual({ bytes: 3011, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(result).toMatchObject({ different: 5, identical: false, a: { id: a.id, input: { value: { list: [1, 2] } } } });
  expect(await harness.engine.operations.compare(a.id, a.id)).toMatchObject({ different: 0, identical: true });
});
