import { LogoMeshError, type Run } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { GenerateContext } from "../ports/index.ts";
import { createEngineHarness, hang, settle, workflow, type EngineHarness } from "./testing/engineHarness.ts";

const READ = "read: { call: plugin, with: { plugin: t, tool: read, arguments: {} } }";
const ECHO = "echo: { call: plugin, with: { plugin: t, tool: echo, arguments: { n: 1 } } }";

function createHarness(): EngineHarness & { contexts: GenerateContext[] } {
  const harness = createEngineHarness();
  harness.tools.set("t#read", { effect: "idempotent", behave: () => ({ secret: "diary" }) });
  harness.tools.set("t#broken", { effect: "idempotent", behave: () => "!the diary says no" });
  harness.privateTools.add("t#read").add("t#broken");
  const contexts: GenerateContext[] = [];
  harness.llm.contexts = contexts;
  return Object.assign(harness, { contexts });
}

const taintsOf = ({ calls }: EngineHarness) => calls.map(({ tool, tainted }) => [tool, tainted]);

test("[WF50] what follows a step that read private data is asked as tainted, what came before is not", async () => {
  const harness = createHarness();
  const run = await harness.run(
    workflow(`do:
  - before: { call: plugin, with: { plugin: t, tool: echo, arguments: {} } }
  - ask1: { call: llm, with: { prompt: a } }
  - ${READ}
  - ${ECHO}
  - ask2: { call: llm, with: { prompt: b } }
  - keep: { call: thought.create, with: { title: x } }
  - fetch: { try: [ { get: { call: http, with: { method: get, endpoint: "https://example.invalid/" } } } ], catch: {} }`),
  );
  expect([run.status, run.tainted]).toEqual(["completed", true]);
  expect(taintsOf(harness)).toEqual([
    ["echo", false],
    ["read", false],
    ["echo", true],
  ]);
  expect(harness.contexts.map(({ tainted }) => tainted)).toEqual([false, true]);
  const thought = harness.policy.requests.find(({ action }) => action === "thought.write");
  expect(thought?.context?.tainted).toBe(true);
});

test("[WF50] a run that reads nothing private is not tainted, and a host is asked for with the taint", async () => {
  const harness = createHarness();
  const { tainted } = await harness.run(workflow(`do: [ { ${ECHO} } ]`));
  expect(tainted).toBeUndefined();
  const get = "get: { call: http, with: { method: get, endpoint: 'http://127.0.0.1:1/' } }";
  harness.policy.deny = ({ action, context }) => action === "net.fetch" && context?.tainted === true;
  const free = await harness.run(workflow(`do: [ { ${get} } ]`));
  expect(free.error?.code).not.toBe("LM_POLICY_DENIED");
  const bound = await harness.run(workflow(`do: [ { ${READ} }, { ${get} } ]`));
  expect(bound.error?.code).toBe("LM_POLICY_DENIED");
});

test("[WF50] a failure carries private data too, and one branch taints the other", async () => {
  const harness = createHarness();
  const broken = "broken: { call: plugin, with: { plugin: t, tool: broken, arguments: {} } }";
  const caught = await harness.run(
    workflow(`do: [ { guarded: { try: [ { ${broken} } ], catch: { as: e, do: [ { ${ECHO} } ] } } } ]`),
  );
  expect([caught.status, caught.tainted]).toEqual(["completed", true]);
  expect(taintsOf(harness).at(-1)).toEqual(["echo", true]);
  harness.calls.length = 0;
  const branches = `both: { fork: { branches: [ { l: { do: [ { ${READ} } ] } }, { r: { do: [ { w: { wait: PT1S } }, { ${ECHO} } ] } } ] } }`;
  const forked = harness.run(workflow(`do: [ { ${branches} } ]`));
  await settle();
  await harness.clock.advance(1_000);
  expect((await forked).tainted).toBe(true);
  expect(taintsOf(harness)).toEqual([
    ["read", false],
    ["echo", true],
  ]);
});

test("[WF50] a call that fails without an answer taints as well: its error quotes the plugin", async () => {
  const harness = createHarness();
  harness.tools.set("t#dies", {
    effect: "idempotent",
    behave: () => Promise.reject(new LogoMeshError("LM_PLUGIN_CRASHED", "it ended: the diary says no")),
  });
  const dies = "d: { call: plugin, with: { plugin: t, tool: dies, arguments: {} } }";
  const caught = workflow(`do: [ { guarded: { try: [ { ${dies} } ], catch: { as: e, do: [ { ${ECHO} } ] } } } ]`);
  expect((await harness.run(caught)).tainted).toBeUndefined();
  harness.privateTools.add("t#dies");
  expect((await harness.run(caught)).tainted).toBe(true);
  expect(taintsOf(harness).filter(([tool]) => tool === "echo")).toEqual([
    ["echo", false],
    ["echo", true],
  ]);
});

test("[WF51] no crash at any commit leaves the data of a step without its taint", async () => {
  // The first commit stores the definition, the last one ends the run.
  for (let crashAt = 2; crashAt <= 5; crashAt += 1) {
    const harness = createHarness();
    let commits = 0;
    harness.faults.afterCommit = () => {
      commits += 1;
      if (commits === crashAt) void harness.crash();
    };
    void harness
      .run(workflow(`do: [ { ${READ} }, { ${ECHO} }, { again: { call: llm, with: { prompt: a } } } ]`))
      .catch(() => undefined);
    await settle();
    expect(commits).toBe(crashAt);
    delete harness.faults.afterCommit;
    await harness.engine.recover();
    await settle();
    const { items } = await harness.engine.listRuns({ limit: 1 });
    expect([crashAt, items[0]?.status, items[0]?.tainted]).toEqual([crashAt, "completed", true]);
    const last = harness.calls.filter(({ tool }) => tool === "echo").at(-1);
    expect(last?.tainted).toBe(true);
    expect(harness.contexts.at(-1)?.tainted).toBe(true);
  }
});

test("[WF52] a child inherits the taint and gives back its own, also with its fault", async () => {
  const harness = createHarness();
  await harness.define(workflow(`do: [ { ${ECHO} } ]`, "plain"));
  await harness.define(workflow(`do: [ { ${READ} } ]`, "reads"));
  await harness.define(
    workflow(`do: [ { ${READ} }, { stop: { raise: { error: { type: x, status: 500 } } } } ]`, "fails"),
  );
  const child = (name: string) => `c: { run: { workflow: { namespace: default, name: ${name}, version: "1.0.0" } } }`;
  const statusOf = ({ status, tainted }: Run) => [status, tainted];
  expect(statusOf(await harness.run(workflow(`do: [ { ${child("plain")} } ]`)))).toEqual(["completed", undefined]);
  expect(statusOf(await harness.run(workflow(`do: [ { ${child("reads")} } ]`)))).toEqual(["completed", true]);
  expect(statusOf(await harness.run(workflow(`do: [ { ${child("fails")} } ]`)))).toEqual(["faulted", true]);
  harness.calls.length = 0;
  await harness.run(workflow(`do: [ { ${READ} }, { ${child("plain")} } ]`));
  expect(taintsOf(harness)).toEqual([
    ["read", false],
    ["echo", true],
  ]);
  const started = harness.policy.requests.filter(
    ({ action, principal }) => action === "workflow.run" && principal.type === "Workflow",
  );
  expect(started.at(-1)?.context).toMatchObject({ tainted: true });
  const { items } = await harness.engine.listRuns({ limit: 1 });
  expect(items[0]?.tainted).toBe(true);
});

test("[WF53] a pause leaves runs as they are stored, lets none start, and taking up goes on", async () => {
  const harness = createHarness();
  harness.tools.set("t#slow", { effect: "idempotent", behave: hang() });
  const slow = await harness.run(
    workflow("do: [ { s: { call: plugin, with: { plugin: t, tool: slow, arguments: {} } } } ]"),
    {},
    0,
  );
  await settle();
  await harness.engine.pause();
  await expect(harness.run(workflow(`do: [ { ${ECHO} } ]`))).rejects.toMatchObject({ code: "LM_POLICY_LOCKDOWN" });
  expect((await harness.engine.getRun(slow.id)).status).toBe("running");
  harness.tools.set("t#slow", { effect: "idempotent", behave: () => ({ ok: true }) });
  expect(await harness.engine.recover()).toEqual({ runs: 1 });
  await settle();
  expect((await harness.engine.getRun(slow.id)).status).toBe("completed");
  expect((await harness.run(workflow(`do: [ { ${ECHO} } ]`))).status).toBe("completed");
});

test("a taint does not outlive its run", async () => {
  const harness = createHarness();
  await harness.run(workflow(`do: [ { ${READ} } ]`));
  harness.policy.deny = ({ context }) => context?.tainted === true;
  expect(
    (await harness.run(workflow(`do: [ { ${ECHO} }, { k: { call: thought.create, with: { title: x } } } ]`))).status,
  ).toBe("completed");
});
