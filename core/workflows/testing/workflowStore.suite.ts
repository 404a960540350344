import type { AuditEntryDraft, WriteCommand } from "../../ports/index.ts";
import type { JsonValue } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type {
  EventDraft,
  RunClaim,
  StoredDefinition,
  StoredTask,
  Transition,
  WorkflowStore,
} from "../store/workflowStore.ts";

// What every adapter of the port `WorkflowStore` must do, whatever it keeps runs in.

export interface StoreSubject extends Disposable {
  store: WorkflowStore;
  /** A write command of another module; `refused` is one that the other module refuses. */
  write: (text: string) => WriteCommand;
  /** Texts of the write commands that took effect, in order. */
  written: () => string[];
  /** Kinds of the audit entries that were stored, in order. */
  audited: () => string[];
}

const AT_MS = Date.UTC(2026, 0, 1);

export function definition(change: Partial<StoredDefinition> = {}): StoredDefinition {
  const name = change.name ?? "greet";
  return {
    ...{
      namespace: "default",
      name,
      version: "1.0.0",
      hash: `hash-${name}`,
      listed: true,
      source: `source of ${name}`,
    },
    ...{
      document: { do: [] },
      title: undefined,
      summary: undefined,
      origin: "api",
      createdAtMs: AT_MS,
      replace: false,
    },
    ...change,
  };
}

export function task(seq: number, change: Partial<StoredTask> = {}): StoredTask {
  return {
    ...{ seq, reference: `/do/${seq}/t`, name: "t", type: "call", call: "plugin", parentSeq: null, iteration: null },
    ...{ attempt: 1, status: "completed", effect: "pure", startedAtMs: AT_MS, endedAtMs: AT_MS + 5 },
    ...{ event: "effect", eventOrder: seq + 1, input: '{"in":1}', output: '{"out":1}', error: null, details: null },
    ...change,
  };
}

function event(type: string): EventDraft {
  return { type, timeMs: AT_MS, data: { of: type } };
}

function entry(kind: string): AuditEntryDraft {
  return { kind, actor: { type: "system", id: "engine" } };
}

export function transition(runId: string, change: Partial<Transition> = {}): Transition {
  return { runId, epoch: 1, rows: [], events: [], audit: [], writes: [], ...change };
}

export function begin(
  runId: string,
  change: { key?: string; input?: JsonValue; createdAtMs?: number; priority?: number; queue?: string } = {},
): Transition {
  const { namespace, name, version, hash } = definition();
  return transition(runId, {
    create: {
      workflow: { namespace, name, version, hash },
      ...{ input: change.input ?? { n: 1 }, createdAtMs: change.createdAtMs ?? AT_MS, startedBy: "person:tester" },
      ...(change.key === undefined ? {} : { idempotencyKey: change.key }),
      ...(change.priority === undefined ? {} : { priority: change.priority }),
      ...(change.queue === undefined ? {} : { queue: change.queue }),
    },
    ...{ status: "running", startedAtMs: AT_MS, events: [event("started")], audit: [entry("run.started")] },
  });
}

/** Declares the tests for one adapter. */
export function testWorkflowStore(adapter: string, open: () => StoreSubject): void {
  async function prepared(...runs: string[]): Promise<StoreSubject> {
    const subject = open();
    await subject.store.saveDefinition(definition(), { audit: entry("workflow.defined") });
    for (const run of runs) await subject.store.commit(begin(run));
    return subject;
  }
  testTransitions(adapter, prepared);
  testOwners(adapter, prepared);
  testLeases(adapter, prepared);
  testReading(adapter, prepared);
  testDefinitions(adapter, open);
}

type Prepare = (...runs: string[]) => Promise<StoreSubject>;

function testTransitions(adapter: string, prepared: Prepare): void {
  test(`[WF200] ${adapter}: a transition is stored whole, and reads show it`, async () => {
    using subject = await prepared("run_a");
    const { store } = subject;
    const error = { type: "urn:e", status: 500, title: "E" };
    const end = { status: "faulted", endedAtMs: AT_MS + 9, error, simulated: true, tainted: true } as const;
    const result = await store.commit(
      transition("run_a", {
        ...end,
        rows: [task(0), task(1, { status: "faulted", output: null, error: JSON.stringify(error) })],
        events: [event("one"), event("two")],
        audit: [entry("step.completed"), entry("run.faulted")],
        writes: [subject.write("a"), subject.write("b")],
      }),
    );
    expect(result).toEqual({ firstEventId: 2, firstEventSeq: 2 });
    expect(store.getRun("run_a")).toEqual({
      ...{ id: "run_a", status: "faulted", error, input: { n: 1 }, startedBy: "person:tester", recoveries: 0 },
      workflow: { namespace: "default", name: "greet", version: "1.0.0", hash: "hash-greet" },
      ...{ createdAt: "2026-01-01T00:00:00.000Z", startedAt: "2026-01-01T00:00:00.000Z" },
      ...{ endedAt: "2026-01-01T00:00:00.009Z", simulated: true, tainted: true },
    });
    expect(store.loadTasks("run_a")).toEqual([
      task(0),
      task(1, { status: "faulted", output: null, error: JSON.stringify(error) }),
    ]);
    expect(store.getTask("run_a", 0)).toMatchObject({ input: { in: 1 }, output: { out: 1 }, status: "completed" });
    expect(store.getTask("run_a", 7)).toBeUndefined();
    expect([subject.written(), subject.audited()]).toEqual([
      ["a", "b"],
      ["workflow.defined", "run.started", "step.completed", "run.faulted"],
    ]);
  });

  test(`[WF200] ${adapter}: when one part of a transition is refused, nothing of it is stored`, async () => {
    using subject = await prepared("run_a");
    const { store } = subject;
    const refused = transition("run_a", {
      ...{ status: "completed", endedAtMs: AT_MS, output: 1, rows: [task(0)], events: [event("gone")] },
      ...{ audit: [entry("gone")], writes: [subject.write("kept out"), subject.write("refused")] },
    });
    const before = [store.getRun("run_a"), store.eventPosition(), subject.audited()];
    await expect(store.commit(refused)).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
    expect([store.getRun("run_a"), store.eventPosition(), subject.audited()]).toEqual(before);
    expect([store.loadTasks("run_a"), subject.written()]).toEqual([[], []]);
    await store.commit({ ...refused, writes: [] });
    expect(store.getRun("run_a")).toMatchObject({ status: "completed", output: 1 });
  });

  test(`[WF201] ${adapter}: a row is completed by a later one that keeps what it does not bring`, async () => {
    using subject = await prepared("run_a");
    const { store } = subject;
    const running = task(0, {
      ...{ status: "running", effect: "once", endedAtMs: null, event: null, eventOrder: null, output: null },
      details: '{"by":"first"}',
    });
    await store.commit(transition("run_a", { rows: [running] }));
    expect(store.loadTasks("run_a")).toEqual([running]);
    await store.commit(transition("run_a", { rows: [task(0, { effect: "once", input: null })] }));
    expect(store.loadTasks("run_a")).toEqual([task(0, { effect: "once", details: '{"by":"first"}' })]);
  });

  test(`[WF202] ${adapter}: events are numbered without gaps, in each run and over all of them`, async () => {
    using subject = await prepared("run_a", "run_b");
    const { store } = subject;
    await Promise.all([
      store.commit(transition("run_b", { events: [event("b2"), event("b3")] })),
      store.commit(transition("run_a", { events: [event("a2")] })),
      store.commit(transition("run_a")),
      store.commit(transition("run_b", { events: [event("b4")] })),
    ]);
    const all = await store.listEvents({ after: 0, limit: 100 });
    expect(all.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all.map(({ runId, seq, type }) => `${runId} ${seq} ${type}`)).toEqual([
      ...["run_a 1 started", "run_b 1 started", "run_b 2 b2", "run_b 3 b3", "run_a 2 a2", "run_b 4 b4"],
    ]);
    expect(all[2]).toEqual({
      ...{ id: 3, runId: "run_b", seq: 2, type: "b2", time: "2026-01-01T00:00:00.000Z", data: { of: "b2" } },
    });
    expect((await store.listEvents({ runId: "run_b", after: 3, limit: 1 })).map(({ seq }) => seq)).toEqual([3]);
    expect(store.eventPosition()).toBe(6);
  });
}

function testOwners(adapter: string, prepared: Prepare): void {
  test(`[WF203] ${adapter}: a stale owner, an ended run, an unknown run and a taken key are refused, each by its name`, async () => {
    using subject = await prepared("run_a");
    const { store } = subject;
    await store.commit(begin("run_b", { key: "k" }));
    await expect(store.commit(begin("run_c", { key: "k" }))).rejects.toMatchObject({ code: "LM_CONFLICT" });
    expect([store.getRun("run_c"), store.findRunByIdempotencyKey("k")?.id]).toEqual([undefined, "run_b"]);
    expect(store.findRunByIdempotencyKey("other")).toBeUndefined();
    await expect(store.commit(transition("run_none"))).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
    const late = transition("run_a", { epoch: 7, status: "completed", rows: [task(0)] });
    await expect(store.commit(late)).rejects.toMatchObject({ code: "LM_WORKFLOW_LEASE_LOST" });
    await store.commit(transition("run_a", { status: "cancelled", endedAtMs: AT_MS }));
    const again = transition("run_a", { status: "completed", output: 1 });
    await expect(store.commit(again)).rejects.toMatchObject({ code: "LM_WORKFLOW_RUN_FINISHED" });
    expect(store.getRun("run_a")).toMatchObject({ status: "cancelled" });
    expect(store.loadTasks("run_a")).toEqual([]);
  });

  test(`[WF203] ${adapter}: a claim raises the epoch, counts until a step is recorded, and shuts the old owner out`, async () => {
    using subject = await prepared("run_a", "run_b", "run_done");
    const { store } = subject;
    await store.commit(transition("run_done", { status: "completed", endedAtMs: AT_MS }));
    const recovered = ({ runId }: { runId: string }): AuditEntryDraft => entry(`recovered ${runId}`);
    expect(await store.claimLiveRuns(recovered)).toEqual([
      { runId: "run_a", epoch: 2, idleRecoveries: 1, eventPosition: 0 },
      { runId: "run_b", epoch: 2, idleRecoveries: 1, eventPosition: 0 },
    ]);
    expect(subject.audited().slice(-2)).toEqual(["recovered run_a", "recovered run_b"]);
    await expect(store.commit(transition("run_a", { rows: [task(0)] }))).rejects.toMatchObject({
      code: "LM_WORKFLOW_LEASE_LOST",
    });
    await store.commit(transition("run_a", { epoch: 2, events: [event("still idle")] }));
    expect(await store.claimLiveRuns(recovered, { runId: "run_a" })).toEqual([
      { runId: "run_a", epoch: 3, idleRecoveries: 2, eventPosition: 0 },
    ]);
    await store.commit(transition("run_a", { epoch: 3, rows: [task(0)] }));
    expect(await store.claimLiveRuns(recovered, { runId: "run_a" })).toEqual([
      { runId: "run_a", epoch: 4, idleRecoveries: 1, eventPosition: 0 },
    ]);
    expect([store.getRun("run_a")?.recoveries, store.getRun("run_b")?.recoveries]).toEqual([3, 1]);
    expect(await store.claimLiveRuns(recovered, { runId: "run_done" })).toEqual([]);
    const waiting = begin("run_w");
    delete waiting.status;
    if (waiting.create !== undefined) waiting.create.eventPosition = 9;
    await store.commit(waiting);
    expect(await store.claimLiveRuns(recovered, { runId: "run_w" })).toEqual([
      { runId: "run_w", epoch: 2, idleRecoveries: 0, eventPosition: 9 },
    ]);
  });
}

function testLeases(adapter: string, prepared: Prepare): void {
  test(`[WF220] ${adapter}: runs of an engine with a lease are not claimed; those of one whose lease has run out are`, async () => {
    using subject = await prepared();
    const { store } = subject;
    const audit = ({ runId }: { runId: string }): AuditEntryDraft => entry(`claimed ${runId}`);
    for (const owner of ["one", "two"]) {
      const run = begin(`run_${owner}`);
      if (run.create !== undefined) run.create.owner = owner;
      await store.commit(run);
      expect(await store.renewLease({ engineId: owner, untilMs: owner === "one" ? 100 : 200 })).toBe(false);
    }
    expect(await store.renewLease({ engineId: "two", untilMs: 250 })).toBe(true);
    expect([store.hasExpiredLease(99), store.hasExpiredLease(100)]).toEqual([false, true]);
    const ids = async (claim: RunClaim): Promise<string[]> =>
      (await store.claimLiveRuns(audit, claim)).map(({ runId }) => runId);
    expect(await ids({ owner: "three", nowMs: 99 })).toEqual([]);
    expect(await ids({ owner: "three", nowMs: 99, runId: "run_one" })).toEqual([]);
    await store.renewLease({ engineId: "three", untilMs: 300 });
    expect(await ids({ owner: "three", nowMs: 150 })).toEqual(["run_one"]);
    expect(await ids({ owner: "four", nowMs: 150 })).toEqual([]);
    expect(await store.renewLease({ engineId: "one", untilMs: 300 })).toBe(false);
    expect(await ids({ owner: "three", nowMs: 150 })).toEqual(["run_one"]);
    expect(await ids({ owner: "alone" })).toEqual(["run_one", "run_two"]);
    expect(subject.audited().filter((kind) => kind.startsWith("claimed"))).toEqual([
      ...["claimed run_one", "claimed run_one", "claimed run_one", "claimed run_two"],
    ]);
  });
}

function testReading(adapter: string, prepared: Prepare): void {
  test(`[WF204] ${adapter}: lists are paged without gaps or repetitions and keep to their filters`, async () => {
    using subject = await prepared();
    const { store } = subject;
    for (let run = 0; run < 7; run += 1)
      await store.commit(begin(`run_${run}`, { createdAtMs: AT_MS + Math.floor(run / 2) }));
    await store.commit(transition("run_3", { status: "completed", endedAtMs: AT_MS, output: {} }));
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await store.listRuns({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      expect(page.items.every((run) => !("input" in run) && !("output" in run))).toBe(true);
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(["run_6", "run_5", "run_4", "run_3", "run_2", "run_1", "run_0"]);
    const ids = async (query: object): Promise<string[]> =>
      (await store.listRuns({ limit: 10, ...query })).items.map(({ id }) => id);
    expect(await ids({ status: "completed" })).toEqual(["run_3"]);
    expect(await ids({ q: "run_5" })).toEqual(["run_5"]);
    expect([await ids({ workflow: "default/greet" }), await ids({ workflow: "other" })]).toEqual([seen, []]);
    await store.commit(transition("run_0", { rows: [2, 0, 1, 4, 3].map((seq) => task(seq)) }));
    const first = store.listTasks("run_0", { limit: 3 });
    expect(first.items.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    const rest = store.listTasks("run_0", { limit: 3, cursor: first.nextCursor ?? "" });
    expect([rest.items.map(({ seq }) => seq), rest.nextCursor]).toEqual([[3, 4], null]);
    expect(store.loadTasks("run_0").map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
  });

  test(`[WF204] ${adapter}: the children of a run are known with their tasks`, async () => {
    using subject = await prepared("run_a");
    const { store } = subject;
    const child = begin("run_c", { priority: 2, queue: "by name" });
    if (child.create !== undefined) child.create.parent = { runId: "run_a", taskReference: "/do/0/c" };
    await store.commit(child);
    expect(store.listChildren("run_a")).toEqual([{ runId: "run_c", taskReference: "/do/0/c", status: "running" }]);
    const parent = { runId: "run_a", taskReference: "/do/0/c" };
    expect(store.getRun("run_c")).toMatchObject({ parent, priority: 2, queue: "by name" });
    expect(store.getRun("run_a")).not.toHaveProperty("priority");
    expect(store.getRun("run_none")).toBeUndefined();
  });
}

function testDefinitions(adapter: string, open: () => StoreSubject): void {
  test(`[WF205] ${adapter}: definitions are kept by content and found by version, the newest first`, async () => {
    using subject = open();
    const { store } = subject;
    const reference = { namespace: "default", name: "greet" };
    await store.saveDefinition(definition(), { audit: entry("workflow.defined") });
    const changed = definition({ hash: "hash-2", source: "second", title: "Greets", document: { v: 2 } });
    await expect(store.saveDefinition(changed, {})).rejects.toMatchObject({ code: "LM_CONFLICT" });
    await store.saveDefinition({ ...changed, version: "1.1.0", origin: "greet.yaml" }, {});
    await store.saveDefinition(definition({ name: "only-run", listed: false }), {});
    expect(store.getDefinition(reference)).toEqual({
      identity: { ...reference, version: "1.1.0", hash: "hash-2" },
      ...{ source: "second", document: { v: 2 } },
    });
    expect(store.getDefinition({ ...reference, version: "1.0.0" })?.identity.hash).toBe("hash-greet");
    expect(store.describeDefinition(reference)).toMatchObject({ title: "Greets", versions: ["1.1.0", "1.0.0"] });
    expect(store.getDefinitionByHash("hash-only-run")?.source).toBe("source of only-run");
    expect(store.getDefinition({ ...reference, name: "only-run" })).toBeUndefined();
    expect([
      store.isDefined({ origin: "greet.yaml", source: "second" }),
      store.isDefined({ origin: "greet.yaml", source: "x" }),
    ]).toEqual([...[true, false]]);
    await store.saveDefinition(definition({ hash: "hash-3", source: "third", replace: true }), {});
    expect(store.getDefinition({ ...reference, version: "1.0.0" })?.source).toBe("third");
    expect((await store.listDefinitions({ limit: 5 })).items.map(({ name }) => name)).toEqual(["greet"]);
  });

  test(`[WF205] ${adapter}: a definition in use is deleted by force only, and its content stays for its runs`, async () => {
    using subject = open();
    const { store } = subject;
    for (const name of ["a", "b", "greet"]) await store.saveDefinition(definition({ name }), {});
    const first = await store.listDefinitions({ limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(["a", "b"]);
    const second = await store.listDefinitions({ limit: 2, cursor: first.nextCursor ?? "" });
    expect([second.items.map(({ name }) => name), second.nextCursor]).toEqual([["greet"], null]);
    await store.commit(begin("run_a"));
    const reference = { namespace: "default", name: "greet" };
    const options = { force: false, audit: entry("workflow.deleted") };
    await expect(store.deleteDefinition(reference, options)).rejects.toMatchObject({ code: "LM_WORKFLOW_IN_USE" });
    expect(subject.audited()).toEqual(["run.started"]);
    await store.deleteDefinition(reference, { ...options, force: true });
    expect([store.getDefinition(reference), store.getDefinitionByHash("hash-greet")?.source]).toEqual([
      undefined,
      "source of greet",
    ]);
    await expect(store.deleteDefinition({ ...reference, name: "never" }, options)).rejects.toMatchObject({
      code: "LM_WORKFLOW_NOT_FOUND",
    });
  });
}
