import { expect, test } from "vitest";
import { argumentsOf, createEngineHarness, workflow } from "./testing/engineHarness.ts";

const echo = (args: string): string => `{ call: plugin, with: { plugin: t, tool: echo, arguments: ${args} } }`;

test("[WF1] [WF20] a list runs its tasks in order, each on the output of the one before", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - first: { set: { n: "\${ .start + 1 }" } }
  - second: ${echo('{ n: "${ .n * 10 }" }')}
  - third: { set: "\${ { got: .n } }" }`),
    { start: 1 },
  );
  expect(run).toMatchObject({ status: "completed", output: { got: 20 }, startedBy: "person:tester", recoveries: 0 });
  expect(harness.audit.map(({ kind }) => kind)).toEqual([
    "workflow.defined",
    "run.started",
    "step.completed",
    "run.completed",
  ]);
  const { items } = await harness.engine.listTasks(run.id, { limit: 10 });
  expect(items.map(({ seq, name, status, reference }) => [seq, name, status, reference])).toEqual([
    [0, "first", "completed", "/do/0/first"],
    [1, "second", "completed", "/do/1/second"],
    [2, "third", "completed", "/do/2/third"],
  ]);
});

test("[WF2] a task whose condition is false is skipped and its input goes on", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - never: { if: "\${ .n > 5 }", call: plugin, with: { plugin: t, tool: echo } }
  - after: { set: "\${ .n + 1 }" }`),
    { n: 1 },
  );
  expect([run.status, run.output, harness.calls.length]).toEqual(["completed", 2, 0]);
});

test("[WF3] [WF15] input, output and export are shaped, and expressions in data stay text", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - a:
      input: { from: "\${ .deep }" }
      set: { seen: "\${ . }", task: "\${ $task.name }", run: "\${ $workflow.definition.document.name }", at: "\${ $runtime.name }" }
      output: { as: "\${ { inner: . } }" }
      export: { as: "\${ $context + { kept: .inner.seen } }" }
  - b: { set: { context: "\${ $context }", before: "\${ .inner.task }", raw: "\${ $workflow.input.deep }", w: "\${ .inner.run + .inner.at }" } }
output: { as: "\${ . + { done: true } }" }`),
    { deep: "${ .secret }" },
  );
  expect(run.error).toBeUndefined();
  expect(run.output).toEqual({
    context: { kept: "${ .secret }" },
    before: "a",
    raw: "${ .secret }",
    w: "testLogoMesh",
    done: true,
  });
});

test("[WF15] a task sees its own definition, whatever its name holds", async () => {
  const run = await createEngineHarness().run(
    workflow(
      `do: [ { "in/out~1": { set: { own: "\${ $task.definition.set.own }", place: "\${ $task.reference }" } } } ]`,
    ),
  );
  expect(run.output).toEqual({ own: "${ $task.definition.set.own }", place: "/do/0/in~1out~01" });
});

test("[WF3] an output that does not fit its schema faults the task with pointers", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - a:
      set: { n: "x" }
      output: { schema: { document: { type: object, properties: { n: { type: integer } } } } }`),
  );
  expect(run.error).toMatchObject({
    status: 400,
    code: "LM_INPUT_INVALID",
    instance: "/do/0/a",
    data: { problems: [{ pointer: "/n", message: "must be integer" }] },
  });
});

test.each([
  [1, "low"],
  [7, "middle"],
  [50, "high"],
])("[WF4] [WF5] a switch on %d leads to %s", async (n, expected) => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - choose:
      switch:
        - small: { when: "\${ .n < 5 }", then: low }
        - medium: { when: "\${ .n < 10 }", then: middle }
        - rest: { then: high }
  - low: { set: { v: low }, then: end }
  - middle: { set: { v: middle }, then: exit }
  - high: { set: { v: high } }`),
    { n },
  );
  expect(run.output).toEqual({ v: expected });
});

test("[WF4] without a fitting case the next task follows", async () => {
  const run = await createEngineHarness().run(
    workflow(`do:
  - choose: { switch: [ { never: { when: "\${ false }", then: end } } ] }
  - next: { set: { v: reached } }`),
  );
  expect(run.output).toEqual({ v: "reached" });
});

test("[WF6] a loop sees its item and index, carries its value and stops when while is false", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do:
  - loop:
      for: { each: word, in: "\${ .words }", at: position }
      while: "\${ $position < 3 }"
      do:
        - call: ${echo('{ text: "${ $word + ($position | tostring) }" }')}
  - last: { set: "\${ .text }" }`),
    { words: ["a", "b", "c", "d"] },
  );
  expect(run.error).toBeUndefined();
  expect([argumentsOf(harness), run.output]).toEqual([[{ text: "a0" }, { text: "b1" }, { text: "c2" }], "c2"]);
});

test("[WF6] what is looped over must be a list", async () => {
  const run = await createEngineHarness().run(
    workflow(`do:
  - loop: { for: { in: "\${ .no }" }, do: [ { x: { set: { v: 1 } } } ] }`),
  );
  expect(run.error).toMatchObject({
    instance: "/do/0/loop",
    detail: expect.stringContaining("must give a list, not null"),
  });
});

test("[WF7] branches run at once and answer in order of declaration", async () => {
  const harness = createEngineHarness();
  const order: string[] = [];
  let release: (() => void) | undefined;
  const opened = new Promise<void>((resolve) => (release = resolve));
  harness.tools.set("t#slow", { effect: "pure", behave: async () => (await opened, order.push("slow"), "slow") });
  harness.tools.set("t#fast", { effect: "pure", behave: () => (order.push("fast"), release?.(), "fast") });
  const run = await harness.run(
    workflow(`do:
  - both:
      fork:
        branches:
          - a: { call: plugin, with: { plugin: t, tool: slow } }
          - b: { call: plugin, with: { plugin: t, tool: fast } }`),
  );
  expect([order, run.output]).toEqual([
    ["fast", "slow"],
    [{ text: "slow" }, { text: "fast" }],
  ]);
});

test("[WF7] the first branch of a race wins and the others are stopped", async () => {
  const harness = createEngineHarness();
  let stopped = 0;
  harness.tools.set("t#hang", {
    effect: "pure",
    behave: (_call, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          stopped += 1;
          reject(signal.reason as Error);
        });
      }),
  });
  const run = await harness.run(
    workflow(`do:
  - race:
      fork:
        compete: true
        branches:
          - a: { call: plugin, with: { plugin: t, tool: hang } }
          - b: ${echo("{ winner: b }")}`),
  );
  expect([run.output, stopped]).toEqual([{ winner: "b" }, 1]);
  const { items } = await harness.engine.listTasks(run.id, { limit: 10 });
  expect(items.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "race completed",
    "a cancelled",
    "b completed",
  ]);
});

test("[WF8] an error that nothing catches faults the run with type, status and place", async () => {
  const run = await createEngineHarness().run(
    workflow(`do:
  - stop: { raise: { error: { type: "https://example.org/errors/full", status: 507, title: Full, detail: "\${ .why }" } } }
  - never: { set: { v: 1 } }`),
    { why: "no room" },
  );
  expect([run.status, run.error]).toEqual([
    "faulted",
    { type: "https://example.org/errors/full", status: 507, title: "Full", detail: "no room", instance: "/do/0/stop" },
  ]);
});

test("[WF9] a fitting error is handled under its name and the rest passes", async () => {
  const source = (status: number): string =>
    workflow(`do:
  - guarded:
      try: [ { bad: { raise: { error: { type: "https://example.org/e", status: ${status} } } } } ]
      catch:
        errors: { with: { status: 404 } }
        as: problem
        when: "\${ $problem.type | endswith(\\"e\\") }"
        do: [ { handle: { set: { caught: "\${ $problem.status }" } } } ]
  - after: { set: "\${ .caught }" }`);
  const harness = createEngineHarness();
  expect((await harness.run(source(404))).output).toBe(404);
  expect(await harness.run(source(500))).toMatchObject({ status: "faulted", error: { status: 500 } });
});

test("[WF9] a catch without tasks swallows the error and its input goes on", async () => {
  const run = await createEngineHarness().run(
    workflow(`do:
  - guarded: { try: [ { bad: { raise: { error: { type: "https://example.org/e", status: 500 } } } } ], catch: {} }
  - after: { set: "\${ .kept }" }`),
    { kept: 3 },
  );
  expect([run.status, run.output]).toEqual(["completed", 3]);
});

test("[WF14] a workflow that goes round without an effect is faulted", async () => {
  const run = await createEngineHarness().run(
    workflow(`do:
  - again: { set: { v: 1 }, then: again }`),
  );
  expect(run).toMatchObject({ status: "faulted", error: { detail: expect.stringContaining("loops without end") } });
});

test("[WF31] two starts with one key give one run", async () => {
  const harness = createEngineHarness();
  const source = workflow(`do: [ { a: ${echo("{}")} } ]`);
  const { engine } = harness;
  const caller = (await import("./testing/engineHarness.ts")).ADMIN;
  const first = await engine.start({ source, idempotencyKey: "k", waitMs: 1000 }, caller);
  const second = await engine.start({ source, idempotencyKey: "k", waitMs: 1000 }, caller);
  expect([second.id, harness.calls.length]).toEqual([first.id, 1]);
});

test("[WF34] input that does not fit is refused with pointers before there is a run", async () => {
  const harness = createEngineHarness();
  const source =
    workflow(`input: { schema: { document: { type: object, required: [text], properties: { text: { type: string } } } } }
do: [ { a: { set: { v: 1 } } } ]`);
  await expect(harness.run(source, {})).rejects.toMatchObject({
    code: "LM_WORKFLOW_INPUT_INVALID",
    problems: [{ pointer: "/text", message: "must have required property 'text'" }],
  });
  expect((await harness.engine.listRuns({ limit: 10 })).items).toEqual([]);
});

test("[WF35] a result that is too large faults the step and is not retried", async () => {
  const harness = createEngineHarness();
  harness.tools.set("t#big", { effect: "pure", behave: () => ({ text: "x".repeat(9 * 1024 * 1024) }) });
  const run = await harness.run(
    workflow(`do:
  - guarded:
      try: [ { big: { call: plugin, with: { plugin: t, tool: big } } } ]
      catch: { retry: { limit: { attempt: { count: 5 } } } }`),
  );
  expect([run.error?.code, harness.calls.length]).toEqual(["LM_TOO_LARGE", 1]);
});

test("[WF36] a refused start makes no run and a refused effect faults its step", async () => {
  const harness = createEngineHarness();
  const source = workflow(`do: [ { a: { call: thought.create, with: { title: x } } } ]`);
  harness.policy.deny = ({ action }) => action === "thought.write";
  expect(await harness.run(source)).toMatchObject({
    status: "faulted",
    error: { status: 403, code: "LM_POLICY_DENIED" },
  });
  harness.policy.deny = ({ action }) => action === "workflow.run";
  await expect(harness.run(source)).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  expect(harness.thoughts).toEqual([]);
});
