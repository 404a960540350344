import type { Plugin, Run, RunSummary, RunTaskSummary, ServerMessage } from "@logomesh/contracts";
import { QueryClient } from "@tanstack/react-query";
import { beforeEach, expect, test } from "vitest";
import { LIVE_TEXT_CHARACTERS_MAX, applyMessage, applyMessages, type RunPages } from "./liveCache.ts";
import { queryKeys, type RunFilter } from "./queryKeys.ts";

let cache: QueryClient;
beforeEach(() => {
  cache = new QueryClient();
});

function run(id: string, change: Partial<Run> = {}): Run {
  const workflow = { namespace: "default", name: "w", version: "1.0.0", hash: "h" };
  return { id, workflow, status: "running", createdAt: `2026-03-01T10:00:0${id}.000Z`, recoveries: 0, ...change };
}

function setList(filter: RunFilter, runs: RunSummary[]): void {
  cache.setQueryData<RunPages>(queryKeys.runList(filter), {
    pages: [{ items: runs, nextCursor: null }],
    pageParams: [undefined],
  });
}

function listed(filter: RunFilter): string[] {
  const pages = cache.getQueryData<RunPages>(queryKeys.runList(filter))?.pages ?? [];
  return pages.flatMap(({ items }) => items.map(({ id, status }) => `${id} ${status}`));
}

function tell(summary: RunSummary): void {
  const event = { id: 7, runId: summary.id, seq: 1, type: "t", time: "2026-03-01T10:00:00.000Z", data: {} };
  applyMessage(cache, { type: "event", event, run: summary } satisfies ServerMessage);
}

test("a run that is known changes in its list and keeps its payloads", () => {
  setList({}, [run("2"), run("1")]);
  cache.setQueryData(queryKeys.run("1"), run("1", { input: { a: 1 } }));
  tell(run("1", { status: "completed" }));
  expect(listed({})).toEqual(["2 running", "1 completed"]);
  expect(cache.getQueryData(queryKeys.run("1"))).toEqual(run("1", { status: "completed", input: { a: 1 } }));
});

test("a new run comes first, in the lists whose status it has", () => {
  setList({}, [run("1")]);
  setList({ status: "running" }, [run("1")]);
  setList({ status: "faulted" }, []);
  setList({ q: "x" }, [run("1")]);
  tell(run("2"));
  expect(listed({})).toEqual(["2 running", "1 running"]);
  expect(listed({ status: "running" })).toEqual(["2 running", "1 running"]);
  expect(listed({ status: "faulted" })).toEqual([]);
  expect(listed({ q: "x" })).toEqual(["1 running"]);
});

test("a run leaves the list of a status that it no longer has", () => {
  setList({ status: "running" }, [run("2"), run("1")]);
  tell(run("1", { status: "faulted" }));
  expect(listed({ status: "running" })).toEqual(["2 running"]);
});

test("a run older than what is listed is not put on top", () => {
  setList({}, [run("3"), run("2")]);
  tell(run("1", { status: "completed" }));
  expect(listed({})).toEqual(["3 running", "2 running"]);
});

test("the first page's runs follow too, newest first and no more than five", () => {
  cache.setQueryData(
    queryKeys.recentRuns,
    ["5", "4", "3", "2", "1"].map((id) => run(id)),
  );
  tell(run("6"));
  tell(run("4", { status: "completed" }));
  const recent = cache.getQueryData<RunSummary[]>(queryKeys.recentRuns) ?? [];
  expect(recent.map(({ id, status }) => `${id} ${status}`)).toEqual([
    "6 running",
    "5 running",
    "4 completed",
    "3 running",
    "2 running",
  ]);
});

test("the end of a run makes its output and tasks be fetched again", () => {
  cache.setQueryData(queryKeys.run("1"), run("1"));
  cache.setQueryData(queryKeys.runTasks("1"), []);
  cache.setQueryData(queryKeys.runTasks("2"), []);
  tell(run("1", { status: "completed" }));
  expect(cache.getQueryState(queryKeys.run("1"))?.isInvalidated).toBe(true);
  expect(cache.getQueryState(queryKeys.runTasks("1"))?.isInvalidated).toBe(true);
  expect(cache.getQueryState(queryKeys.runTasks("2"))?.isInvalidated).toBe(false);
});

function task(seq: number, change: Partial<RunTaskSummary> = {}): RunTaskSummary {
  return {
    seq,
    reference: "/do/0/a",
    name: "a",
    type: "call",
    attempt: 1,
    status: "running",
    effect: "pure",
    ...change,
  };
}

test("tasks are put in by their order of starting, and replaced when they change", () => {
  cache.setQueryData(queryKeys.runTasks("1"), [task(1), task(3)]);
  applyMessage(cache, { type: "task", runId: "1", task: task(2) });
  applyMessage(cache, { type: "task", runId: "1", task: task(3, { status: "completed" }) });
  expect(cache.getQueryData(queryKeys.runTasks("1"))).toEqual([task(1), task(2), task(3, { status: "completed" })]);
});

test("a task's payloads are fetched again when its status changes, not before", () => {
  cache.setQueryData(queryKeys.runTasks("1"), [task(1)]);
  cache.setQueryData(queryKeys.runTask("1", 1), task(1));
  applyMessage(cache, { type: "task", runId: "1", task: task(1, { details: { chunk: 2 } }) });
  expect(cache.getQueryState(queryKeys.runTask("1", 1))?.isInvalidated).toBe(false);
  applyMessage(cache, { type: "task", runId: "1", task: task(1, { status: "completed" }) });
  expect(cache.getQueryState(queryKeys.runTask("1", 1))?.isInvalidated).toBe(true);
});

test("text of a model adds up, its last part only", () => {
  applyMessage(cache, { type: "token", runId: "1", taskSeq: 4, delta: "Hel" });
  applyMessage(cache, { type: "token", runId: "1", taskSeq: 4, delta: "lo" });
  expect(cache.getQueryData(queryKeys.runText("1", 4))).toBe("Hello");
  applyMessage(cache, { type: "token", runId: "1", taskSeq: 4, delta: "x".repeat(LIVE_TEXT_CHARACTERS_MAX) });
  expect(cache.getQueryData(queryKeys.runText("1", 4))).toBe("x".repeat(LIVE_TEXT_CHARACTERS_MAX));
});

test("a snapshot says that something may have been missed: everything is fetched again", () => {
  cache.setQueryData(queryKeys.run("1"), run("1"));
  applyMessage(cache, { type: "snapshot", position: 3 });
  expect(cache.getQueryState(queryKeys.run("1"))?.isInvalidated).toBe(true);
});

test("a plugin changes in its list; what is no plugin changes nothing", () => {
  const plugin = { id: "a.b", state: "ready" } as Plugin;
  cache.setQueryData(queryKeys.plugins, [plugin]);
  applyMessage(cache, { type: "plugin", plugin: { id: "a.b", state: "crashed" } });
  expect(cache.getQueryData(queryKeys.plugins)).toEqual([plugin]);
});

test("what a busy run tells at once is one change of its tasks, with the last state of each", () => {
  cache.setQueryData(queryKeys.runTasks("1"), []);
  cache.setQueryData(queryKeys.runText("1", 0), "");
  cache.setQueryData(queryKeys.run("1"), run("1"));
  let changes = 0;
  cache.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && (event.query.queryKey as readonly unknown[])[1] === "tasks") changes += 1;
  });
  const task = (seq: number, status: RunTaskSummary["status"]): ServerMessage => ({
    ...{ type: "task", runId: "1" },
    task: { ...{ seq, reference: `/do/${seq}`, name: "t", type: "set", attempt: 1 }, status, effect: "pure" },
  });
  const event = { id: 7, runId: "1", seq: 1, type: "t", time: "2026-03-01T10:00:00.000Z", data: {} };
  applyMessages(cache, [
    ...Array.from({ length: 1000 }, (_, seq) => task(999 - seq, "running")),
    { type: "token", runId: "1", taskSeq: 0, delta: "Hel" },
    { type: "event", event, run: run("1", { tainted: true }) },
    ...Array.from({ length: 1000 }, (_, seq) => task(seq, "completed")),
    { type: "token", runId: "1", taskSeq: 0, delta: "lo" },
    { type: "event", event, run: run("1", { status: "waiting" }) },
  ]);
  const tasks = cache.getQueryData<RunTaskSummary[]>(queryKeys.runTasks("1")) ?? [];
  expect([tasks.length, tasks[999]?.seq, new Set(tasks.map(({ status }) => status)).size]).toEqual([1000, 999, 1]);
  expect(changes).toBe(1);
  expect(cache.getQueryData(queryKeys.runText("1", 0))).toBe("Hello");
  expect(cache.getQueryData<Run>(queryKeys.run("1"))?.status).toBe("waiting");
});
