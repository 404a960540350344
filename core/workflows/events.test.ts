import type { JsonValue, Run } from "@logomesh/contracts";
import { describe, expect, test } from "vitest";
import { ADMIN, createEngineHarness, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

const listen = (body: string): string => workflow(`do:\n  - wait-for: { listen: ${body} }\n`);
const ONE = "{ to: { one: { with: { type: com.acme.paid } } } }";

async function begin(harness: EngineHarness, source: string, input: JsonValue = {}): Promise<Run> {
  const run = await harness.engine.start({ source, input }, ADMIN);
  await settle();
  return run;
}

async function outcome(harness: EngineHarness, { id }: Run): Promise<Pick<Run, "status" | "output" | "error">> {
  await settle();
  const { status, output, error } = await harness.engine.getRun(id);
  return { status, ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
}

/** Real jq answers from a worker, outside of the fake clock. */
async function ended(harness: EngineHarness, run: Run): ReturnType<typeof outcome> {
  for (let turn = 0; turn < 400; turn += 1) {
    const now = await outcome(harness, run);
    if (now.status !== "waiting" && now.status !== "running") return now;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return outcome(harness, run);
}

async function play(
  source: string,
  events: { type: string; data?: JsonValue; subject?: string }[],
  input: JsonValue = {},
) {
  const harness = createEngineHarness();
  const run = await begin(harness, source, input);
  for (const event of events) await harness.publish(event);
  return outcome(harness, run);
}

describe("emit", () => {
  const EMIT = workflow(`do:
  - tell:
      emit:
        event:
          with: { type: com.acme.greeted, subject: "\${ .name }", urgent: true, data: { text: "\${ \\"Hello \\\\(.name)\\" }" } }
`);

  test("[WF100] publishes with its step and answers the event", async () => {
    const harness = createEngineHarness();
    const run = await harness.run(EMIT, { name: "Ada" });
    expect(run.output).toEqual({
      ...{ specversion: "1.0", id: expect.stringMatching(/^evt_[0-9a-f]{32}$/), source: `run:${run.id}` },
      ...{ type: "com.acme.greeted", subject: "Ada", urgent: true, time: expect.any(String) },
      ...{ datacontenttype: "application/json", data: { text: "Hello Ada" } },
    });
    expect(await harness.events.list({ limit: 10 })).toMatchObject([{ position: 1, event: { subject: "Ada" } }]);
    const [step] = harness.audit.filter(({ kind }) => kind === "step.completed");
    expect(step?.data).toMatchObject({ call: "emit", effect: "pure", eventType: "com.acme.greeted" });
  });

  test("[WF100] a source of the workbench's own is refused, as text and as what an expression gave", async () => {
    const harness = createEngineHarness();
    const withSource = (source: string): string =>
      workflow(`do:\n  - a: { emit: { event: { with: { type: a.b, source: "${source}" } } } }\n`);
    await expect(harness.run(withSource("plugin:org.acme"))).rejects.toThrow("given by the workbench");
    expect(await harness.run(withSource("${ .s }"), { s: "client:x" })).toMatchObject({
      error: { code: "LM_EVENT_FORGED" },
    });
    expect(await harness.run(withSource("${ .s }"), { s: "https://acme.example" })).toMatchObject({
      output: { source: "https://acme.example" },
    });
  });

  test("[WF100] what is denied, forged or too large faults the step and is not kept", async () => {
    const harness = createEngineHarness();
    harness.policy.deny = ({ action }) => action === "event.publish";
    expect(await harness.run(EMIT, { name: "x" })).toMatchObject({ error: { code: "LM_POLICY_DENIED" } });
    harness.policy.deny = () => false;
    const forged = workflow("do:\n  - a: { emit: { event: { with: { type: io.logomesh.run.completed } } } }\n");
    expect(await harness.run(forged)).toMatchObject({ error: { code: "LM_EVENT_FORGED" } });
    expect(await harness.run(EMIT, { name: "x".repeat(300_000) })).toMatchObject({ status: "faulted" });
    expect(harness.events.position()).toBe(0);
  });

  test("[WF100] [WF101] a crash before the commit loses the event with its step; the next try brings it once", async () => {
    const harness = createEngineHarness();
    await harness.define(EMIT);
    let commits = 0;
    harness.faults.beforeCommit = () => {
      if (++commits === 2) harness.crash();
    };
    const run = await harness.engine.start({ source: EMIT, input: { name: "Bo" } }, ADMIN);
    await settle();
    harness.faults = {};
    await harness.engine.recover();
    expect(await outcome(harness, run)).toMatchObject({ status: "completed" });
    expect(await harness.events.list({ limit: 10 })).toHaveLength(1);
  });
});

describe("listen", () => {
  test("[WF102] [WF109] one event ends it; the run waits meanwhile", async () => {
    const harness = createEngineHarness();
    const run = await begin(harness, listen(ONE));
    expect(await outcome(harness, run)).toEqual({ status: "waiting" });
    await harness.publish({ type: "com.acme.other" });
    await harness.publish({ type: "com.acme.paid", data: { sum: 3 } });
    await harness.publish({ type: "com.acme.paid", data: { sum: 4 } });
    expect(await outcome(harness, run)).toEqual({ status: "completed", output: [{ sum: 3 }] });
  });

  const paid = (sum: number) => ({ type: "com.acme.paid", data: { sum } });

  test.each<[string, string, { type: string; data?: JsonValue; subject?: string }[], JsonValue | undefined]>([
    ["data is the default, null without", ONE, [{ type: "com.acme.paid" }], [null]],
    ["raw", `{ to: { one: { with: { type: com.acme.paid } } }, read: raw }`, [paid(1)], ['{"sum":1}']],
    [
      "all, in their order",
      "{ to: { all: [{ with: { type: a.a } }, { with: { type: b.b } }] } }",
      [
        { type: "b.b", data: 2 },
        { type: "b.b", data: 3 },
        { type: "a.a", data: 1 },
      ],
      [2, 1],
    ],
    [
      "any of two",
      "{ to: { any: [{ with: { type: a.a } }, { with: { type: b.b } }] } }",
      [{ type: "b.b", data: 2 }, { type: "a.a" }],
      [2],
    ],
    ["any event at all", "{ to: { any: [] } }", [{ type: "x.y", data: 5 }], [5]],
    [
      "until a condition",
      '{ to: { any: [{ with: { type: com.acme.paid } }], until: "(map(.sum) | add) > 5" } }',
      [paid(2), paid(3), paid(4), paid(5)],
      [{ sum: 2 }, { sum: 3 }, { sum: 4 }],
    ],
    [
      "until an event, which is not in the output",
      "{ to: { any: [{ with: { type: com.acme.paid } }], until: { one: { with: { type: com.acme.closed } } } } }",
      [paid(1), paid(2), { type: "com.acme.closed" }, paid(3)],
      [{ sum: 1 }, { sum: 2 }],
    ],
    [
      "until false never ends",
      "{ to: { any: [{ with: { type: com.acme.paid } }], until: false } }",
      [paid(1)],
      undefined,
    ],
  ])("[WF102] [WF105] %s", async (_name, body, events, output) => {
    expect((await play(listen(body), events)).output).toEqual(output);
  });

  test("[WF102] the envelope has every attribute", async () => {
    const { output } = await play(listen("{ to: { one: { with: { type: a.b } } }, read: envelope }"), [
      { type: "a.b", subject: "s", data: 1 },
    ]);
    expect(output).toMatchObject([{ type: "a.b", subject: "s", data: 1, source: "client:test", specversion: "1.0" }]);
  });

  test.each<[string, string, { type: string; data?: JsonValue; subject?: string }[], JsonValue | undefined]>([
    [
      "literal subject",
      "{ type: a.b, subject: x }",
      [
        { type: "a.b", subject: "y", data: 1 },
        { type: "a.b", subject: "x", data: 2 },
      ],
      2,
    ],
    [
      "a dot is a dot",
      "{ type: a.b }",
      [
        { type: "a-b.c", data: 1 },
        { type: "a.b", data: 2 },
      ],
      2,
    ],
    [
      "pattern of a type",
      "{ type: 'com\\.acme\\.(paid|sent)' }",
      [
        { type: "com.acme.paid.late", data: 1 },
        { type: "com.acme.sent", data: 2 },
      ],
      2,
    ],
    [
      "expression for an attribute",
      '{ type: a.b, subject: "${ .who }" }',
      [
        { type: "a.b", subject: "me", data: 1 },
        { type: "a.b", subject: "you", data: 2 },
      ],
      2,
    ],
    [
      "condition on data",
      '{ type: a.b, data: "${ .t > 38 }" }',
      [
        { type: "a.b", data: { t: 37 } },
        { type: "a.b", data: "hot" },
        { type: "a.b", data: { t: 39 } },
      ],
      { t: 39 },
    ],
    [
      "part of data",
      "{ type: a.b, data: { room: { no: 7 } } }",
      [
        { type: "a.b", data: { room: { no: 8 } } },
        { type: "a.b", data: { room: { no: 7, x: 1 }, y: 2 } },
      ],
      { room: { no: 7, x: 1 }, y: 2 },
    ],
    [
      "data that an expression cannot use is passed over",
      '{ type: a.b, data: "${ .a.b.c == 1 }" }',
      [
        { type: "a.b", data: "text" },
        { type: "a.b", data: { a: { b: { c: 1 } } } },
      ],
      { a: { b: { c: 1 } } },
    ],
    ["an attribute that is not there", "{ type: a.b, subject: x }", [{ type: "a.b", data: 1 }], undefined],
  ])("[WF103] %s", async (_name, filter, events, item) => {
    const harness = createEngineHarness();
    const run = await begin(harness, listen(`{ to: { one: { with: ${filter} } } }`), { who: "you" });
    for (const event of events) await harness.publish(event);
    if (item === undefined) expect(await outcome(harness, run)).toEqual({ status: "waiting" });
    else expect(await ended(harness, run)).toEqual({ status: "completed", output: [item] });
  });

  test("[WF104] correlations: what is expected, and what the first event says", async () => {
    const expecting =
      '{ to: { one: { with: { type: a.b }, correlate: { order: { from: .data.order, expect: "${ .order }" } } } } }';
    expect(
      (
        await play(
          listen(expecting),
          [
            { type: "a.b", data: { order: 1 } },
            { type: "a.b", data: { order: 2 } },
          ],
          { order: 2 },
        )
      ).output,
    ).toEqual([{ order: 2 }]);
    const key = "correlate: { order: { from: .data.order } }";
    const both = `{ to: { all: [{ with: { type: a.a }, ${key} }, { with: { type: b.b }, ${key} }] } }`;
    const events = [
      { type: "a.a", data: { order: 7 } },
      { type: "b.b", data: { order: 8 } },
      { type: "b.b", data: {} },
      { type: "b.b", data: { order: 7, paid: true } },
    ];
    expect((await play(listen(both), events)).output).toEqual([{ order: 7 }, { order: 7, paid: true }]);
  });

  const FOREACH = workflow(`do:
  - each:
      listen: { to: { any: [{ with: { type: com.acme.paid } }], until: "length == 3" } }
      foreach:
        item: bill
        at: place
        do:
          - ask: { call: plugin, with: { plugin: t, tool: echo, arguments: { sum: "\${ $bill.sum }", place: "\${ $place }" } } }
        output: { as: "\${ .sum * 10 + .place }" }
        export: { as: "\${ { last: . } }" }
  - sum-up: { set: { outputs: "\${ . }", last: "\${ $context.last }" } }
`);

  test("[WF106] foreach works on one event after the other, with keys of their own", async () => {
    const harness = createEngineHarness();
    const run = await begin(harness, FOREACH);
    for (const sum of [1, 2, 3, 4]) await harness.publish(paid(sum));
    expect((await outcome(harness, run)).output).toEqual({ outputs: [10, 21, 32], last: 32 });
    expect(new Set(harness.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
    const tasks = (await harness.engine.listTasks(run.id, { limit: 50 })).items;
    expect(tasks.filter(({ name }) => name === "ask").map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
  });

  test("[WF106] a fault in foreach is the task's, and can be caught", async () => {
    const source = workflow(`do:
  - t:
      try:
        - l: { listen: { to: { any: [{ with: { type: a.b } }], until: false } }, foreach: { do: [{ r: { raise: { error: { type: "x:y", status: 400 } } } }] } }
      catch: { do: [{ s: { set: { caught: "\${ $error.status }" } } }] }
`);
    expect(await play(source, [{ type: "a.b" }])).toEqual({ status: "completed", output: { caught: 400 } });
  });

  test("[WF107] what came before it listened, and since the run began, is heard; what is older is not", async () => {
    const harness = createEngineHarness();
    await harness.publish(paid(1));
    const source = workflow(`do:\n  - a: { wait: PT10S }\n  - b: { listen: ${ONE} }\n`);
    const run = await begin(harness, source);
    await harness.publish(paid(2));
    await harness.publish(paid(3));
    await harness.clock.advance(10_000);
    expect((await outcome(harness, run)).output).toEqual([{ sum: 2 }]);
  });

  test("[WF107] later listeners do not hear it again; those that listen together both do", async () => {
    const twice = workflow(`do:\n  - a: { listen: ${ONE} }\n  - b: { listen: ${ONE} }\n`);
    expect((await play(twice, [paid(1), paid(2)])).output).toEqual([{ sum: 2 }]);
    const together = workflow(
      `do:\n  - f: { fork: { branches: [{ a: { listen: ${ONE} } }, { b: { listen: ${ONE} } }] } }\n`,
    );
    expect((await play(together, [paid(1)])).output).toEqual([[{ sum: 1 }], [{ sum: 1 }]]);
  });

  test("[WF107] more events than are read at once come in order", async () => {
    const harness = createEngineHarness();
    const run = await begin(
      harness,
      workflow(
        `do:\n  - a: { wait: PT10S }\n  - b: { listen: { to: { any: [{ with: { type: com.acme.paid } }], until: "length == 250" } } }\n`,
      ),
    );
    for (let sum = 0; sum < 250; sum += 1) await harness.publish(paid(sum));
    await harness.clock.advance(10_000);
    await settle(100);
    expect((await outcome(harness, run)).output).toEqual(Array.from({ length: 250 }, (_event, sum) => ({ sum })));
  });

  test("[WF108] [WF107] a crash at every commit: the same output, and nothing consumed twice", async () => {
    for (let at = 1; at < 12; at += 1) {
      for (const when of ["beforeCommit", "afterCommit"] as const) {
        const harness = createEngineHarness();
        const run = await begin(harness, FOREACH);
        let commits = 0;
        harness.faults[when] = () => {
          if (++commits === at) {
            harness.faults = {};
            harness.crash();
          }
        };
        for (const sum of [1, 2, 3]) {
          const published = harness.publish(paid(sum));
          await Promise.race([published, settle(30)]);
        }
        harness.faults = {};
        const stored = async () =>
          (await harness.events.list({ limit: 10 })).map(({ event }) => event.data as { sum: number });
        await harness.engine.recover();
        // What the crash took from the publisher is published again, under another id.
        const sums = new Set((await stored()).map(({ sum }) => sum));
        for (const sum of [1, 2, 3]) if (!sums.has(sum)) await harness.publish(paid(sum));
        const expected = (await stored()).toReversed().map(({ sum }, place) => sum * 10 + place);
        const { status, output } = await outcome(harness, run);
        expect([at, when, status, output]).toEqual([
          at,
          when,
          "completed",
          expect.objectContaining({ outputs: expected }),
        ]);
      }
    }
  });

  test("[WF109] cancel and timeout end it; a caught timeout goes on", async () => {
    const harness = createEngineHarness();
    const run = await begin(harness, listen(ONE));
    await harness.engine.cancel(run.id, ADMIN);
    expect(await outcome(harness, run)).toEqual({ status: "cancelled" });
    const limited = workflow(`do:
  - t:
      try: [{ l: { listen: ${ONE}, timeout: { after: PT5S } } }]
      catch: { do: [{ s: { set: { late: true } } }] }
  - again: { listen: ${ONE} }
`);
    const second = await begin(harness, limited);
    await harness.clock.advance(5_000);
    await harness.publish(paid(9));
    expect(await outcome(harness, second)).toEqual({ status: "completed", output: [{ sum: 9 }] });
  });

  test("[WF110] private data comes with an event, and goes on with the next", async () => {
    const harness = createEngineHarness();
    const source = workflow(`do:\n  - a: { listen: ${ONE} }\n  - b: { emit: { event: { with: { type: a.b } } } }\n`);
    const run = await begin(harness, source);
    await harness.publish({ ...paid(1), extensions: { logomeshtainted: true } });
    await ended(harness, run);
    expect(await harness.engine.getRun(run.id)).toMatchObject({ status: "completed", tainted: true });
    const [newest] = await harness.events.list({ limit: 1 });
    expect(newest?.event).toMatchObject({ type: "a.b", extensions: { logomeshtainted: true } });
  });

  test("[WF111] a signal is for one run, kept until it listens, and refused when the run has ended", async () => {
    const harness = createEngineHarness();
    const source = workflow(
      `do:\n  - a: { wait: PT10S }\n  - b: { listen: { to: { one: { with: { type: io.logomesh.signal.go } } } } }\n`,
    );
    const [mine, other] = [await begin(harness, source), await begin(harness, source)];
    expect(await harness.engine.signal(mine.id, { name: "go", data: { by: 1 } }, ADMIN)).toEqual({
      id: expect.any(String),
    });
    await harness.clock.advance(10_000);
    expect(await outcome(harness, mine)).toEqual({ status: "completed", output: [{ by: 1 }] });
    expect(await outcome(harness, other)).toEqual({ status: "waiting" });
    await expect(harness.engine.signal(mine.id, { name: "go" }, ADMIN)).rejects.toMatchObject({
      code: "LM_WORKFLOW_RUN_FINISHED",
    });
    await expect(harness.engine.signal(other.id, { name: "no/name" }, ADMIN)).rejects.toMatchObject({
      code: "LM_INPUT_INVALID",
    });
    const entry = harness.audit.find(({ kind }) => kind === "run.signalled");
    expect(entry).toMatchObject({ trace: { run: mine.id }, data: { name: "go" } });
  });

  test.each([
    ["{ to: {} }", "exactly one of"],
    ["{ to: { one: { with: {} } } }", "at least one attribute"],
    ["{ to: { all: [] } }", "is a list of 1"],
    ["{ to: { one: { with: { type: a.b } }, until: x } }", "belongs to `any`"],
    ["{ to: { one: { with: { type: 'a(' } } } }", "no regular expression"],
    ["{ to: { one: { with: { type: a.b }, correlate: { k: {} } } } }", "“from” is missing"],
    ["{ to: { one: { with: { type: a.b } } }, read: pdf }", "“read” is"],
  ])("[WF102] %s is refused: %s", async (body, message) => {
    const { problems } = await createEngineHarness().engine.validate(listen(body));
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
  });
});
