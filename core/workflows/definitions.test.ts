import { expect, test } from "vitest";
import type { RunCaller } from "./taskEngine.ts";
import { ADMIN, createEngineHarness, workflow } from "./testing/engineHarness.ts";

const simple = (name: string, version = "1.0.0"): string =>
  `document: { dsl: "1.0.3", namespace: default, name: ${name}, version: "${version}", title: The ${name} }\ninput: { schema: { document: { type: object } } }\ndo: [ { a: { set: { v: 1 } } } ]`;

test("[WF27] versions are listed newest first, and a workflow is read whole", async () => {
  const { engine } = createEngineHarness();
  await engine.define({ source: simple("b"), origin: "api", caller: ADMIN });
  await engine.define({ source: simple("b", "1.1.0"), origin: "api", caller: ADMIN });
  await engine.define({ source: simple("a"), origin: "a.yaml", caller: ADMIN });
  const first = await engine.listWorkflows({ limit: 1 });
  expect(first.items).toMatchObject([{ name: "a", title: "The a", origin: "a.yaml" }]);
  const second = await engine.listWorkflows({ limit: 1, cursor: first.nextCursor ?? "" });
  expect(second).toMatchObject({
    items: [{ name: "b", version: "1.1.0", versions: ["1.1.0", "1.0.0"] }],
    nextCursor: null,
  });
  const detail = await engine.getWorkflow({ namespace: "default", name: "b", version: "1.0.0" });
  expect(detail).toMatchObject({ version: "1.0.0", source: simple("b"), inputSchema: { type: "object" } });
  await engine.deleteWorkflow({ namespace: "default", name: "b", version: "1.1.0" }, { force: false, caller: ADMIN });
  expect((await engine.getWorkflow({ namespace: "default", name: "b" })).version).toBe("1.0.0");
  await expect(engine.getWorkflow({ namespace: "default", name: "b", version: "1.1.0" })).rejects.toMatchObject({
    code: "LM_WORKFLOW_NOT_FOUND",
  });
  await expect(
    engine.deleteWorkflow({ namespace: "default", name: "c" }, { force: false, caller: ADMIN }),
  ).rejects.toMatchObject({ code: "LM_WORKFLOW_NOT_FOUND" });
});

test("[WF27] the same content again is no new entry, another one under its version is refused unless it is the file's", async () => {
  const { engine, audit } = createEngineHarness();
  await engine.define({ source: simple("x"), origin: "x.yaml", caller: ADMIN });
  await engine.define({ source: simple("x"), origin: "x.yaml", caller: ADMIN });
  expect(audit.map(({ kind }) => kind)).toEqual(["workflow.defined"]);
  const changed = simple("x").replace("v: 1", "v: 2");
  await expect(engine.define({ source: changed, origin: "api", caller: ADMIN })).rejects.toMatchObject({
    code: "LM_CONFLICT",
  });
  await engine.define({ source: changed, origin: "x.yaml", caller: ADMIN });
  expect((await engine.getWorkflow({ namespace: "default", name: "x" })).source).toBe(changed);
});

test("[WF3] a schema that cannot be used and an expression that jq refuses are problems with their place", async () => {
  const { engine } = createEngineHarness();
  const source = workflow(`input: { schema: { document: { type: nothing } } }
output: { schema: { document: { $ref: "https://example.org/s.json" } } }
do:
  - a: { set: { v: "\${ [.[] | ltrimstr(\\"x\\") | @base32d] | nosuchfunction }" } }
  - b: { set: { v: 1 }, output: { schema: { document: { minimum: "x" } } } }`);
  const { valid, problems } = await engine.validate(source);
  expect(valid).toBe(false);
  expect(problems.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(["/input/schema/document", "/output/schema/document", "/do/1/b/output/schema/document"]),
  );
  expect(problems.find(({ message }) => message.includes("nosuchfunction"))).toMatchObject({ line: 5 });
  await expect(engine.define({ source, origin: "api", caller: ADMIN })).rejects.toMatchObject({
    code: "LM_WORKFLOW_INVALID",
  });
});

test("[WF27] a text that is stored is known by its origin; a comment that changes is a new text of the same definition", async () => {
  const { engine } = createEngineHarness();
  const file = { source: simple("x"), origin: "x.yaml" };
  expect(engine.isDefined(file)).toBe(false);
  const { hash } = await engine.define({ ...file, caller: ADMIN });
  expect(engine.isDefined(file)).toBe(true);
  expect(engine.isDefined({ ...file, origin: "y.yaml" })).toBe(false);
  const commented = { ...file, source: `# why\n${file.source}` };
  expect(engine.isDefined(commented)).toBe(false);
  expect((await engine.define({ ...commented, caller: ADMIN })).hash).toBe(hash);
  expect(engine.isDefined(commented)).toBe(true);
  expect((await engine.getWorkflow({ namespace: "default", name: "x" })).source).toBe(commented.source);
});

test("[WF36] only an admin's definition is granted what it names", async () => {
  const harness = createEngineHarness();
  const source = workflow(`do: [ { a: { call: thought.create, with: { title: x } } } ]`);
  const result = await harness.engine.define({ source, origin: "api", caller: ADMIN });
  expect(result.grants).toEqual([{ action: "thought.write", resource: "*" }]);
  await harness.engine.define({ source, origin: "api", caller: { ...ADMIN, scopes: ["run"] } });
  expect(harness.grantedHashes).toEqual([result.hash]);
});

test("[WF36] a stored definition is granted what it names when an admin starts it, not when others do", async () => {
  const harness = createEngineHarness();
  const source = workflow(`do: [ { a: { call: thought.create, with: { title: x } } } ]`);
  const file: RunCaller = { ...ADMIN, scopes: [] };
  const { hash, namespace, name } = await harness.engine.define({ source, origin: "x.yaml", caller: file });
  const start = (scopes: RunCaller["scopes"]) =>
    harness.engine.start({ workflow: { namespace, name }, waitMs: 100 }, { ...ADMIN, scopes });
  await start(["run"]);
  expect(harness.grantedHashes).toEqual([]);
  await start(["admin"]);
  await start(["admin"]);
  expect(harness.grantedHashes).toEqual([hash]);
  // A caller who may not start it grants nothing by trying.
  harness.policy.deny = ({ action }) => action === "workflow.run";
  const other = await harness.engine.define({ source: source.replace("x }", "y }"), origin: "x.yaml", caller: file });
  await expect(start(["admin"])).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  expect(harness.grantedHashes).not.toContain(other.hash);
});

test("[WF33] runs are listed by status, workflow and name, page by page", async () => {
  const harness = createEngineHarness();
  await harness.define(simple("one"));
  await harness.define(simple("two"));
  const start = (name: string) =>
    harness.engine.start({ workflow: { namespace: "default", name }, waitMs: 100 }, ADMIN);
  const first = await start("one");
  await start("two");
  const waiting = await harness.run(workflow("do: [ { p: { wait: PT1H } } ]", "long"), {}, 0);
  const { engine } = harness;
  expect((await engine.listRuns({ limit: 10, status: "completed" })).items).toHaveLength(2);
  expect((await engine.listRuns({ limit: 10, workflow: "default/one" })).items).toMatchObject([{ id: first.id }]);
  expect((await engine.listRuns({ limit: 10, q: "lon" })).items).toMatchObject([{ id: waiting.id }]);
  const page = await engine.listRuns({ limit: 2 });
  const rest = await engine.listRuns({ limit: 2, cursor: page.nextCursor ?? "" });
  expect([...page.items, ...rest.items].map(({ workflow: { name } }) => name).sort()).toEqual(["long", "one", "two"]);
  expect(rest.nextCursor).toBeNull();
  await expect(engine.listRuns({ limit: 2, cursor: "nonsense" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
});

test("[WF33] tasks are read page by page, live ones among them", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do: [ { a: { set: { v: 1 } } }, { b: { set: { v: 2 } } }, { p: { wait: PT1H } } ]`),
    {},
    0,
  );
  const { engine } = harness;
  const first = await engine.listTasks(run.id, { limit: 2 });
  expect(first.items.map(({ name }) => name)).toEqual(["a", "b"]);
  const second = await engine.listTasks(run.id, { limit: 2, cursor: first.nextCursor ?? "1" });
  expect(second).toMatchObject({ items: [{ name: "p", status: "waiting" }], nextCursor: null });
  expect(await engine.getTask(run.id, 2)).toMatchObject({ name: "p", status: "waiting" });
  await expect(engine.getTask(run.id, 9)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(engine.listTasks("run_none", { limit: 2 })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
});
