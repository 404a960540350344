import type { RunTaskSummary } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { buildTimeline, ticksOf, visibleRows } from "./buildTimeline.ts";

const START = Date.parse("2026-03-01T10:00:00.000Z");
const at = (ms: number): string => new Date(START + ms).toISOString();

function task(seq: number, reference: string, change: Partial<RunTaskSummary> = {}): RunTaskSummary {
  const name = reference.split("/").at(-1) ?? "";
  return {
    ...{ seq, reference, name, type: "set", attempt: 1, status: "completed", effect: "pure" },
    ...{ startedAt: at(seq * 10), endedAt: at(seq * 10 + 5) },
    ...change,
  };
}

test("attempts of a task share a row, and inner tasks stand below the one that holds them", () => {
  const timeline = buildTimeline([
    task(0, "/do/0/tries", { endedAt: at(90) }),
    task(1, "/do/0/tries/try/0/flaky", { parentSeq: 0, status: "faulted" }),
    task(2, "/do/0/tries/catch/retry", { parentSeq: 0, type: "wait" }),
    task(3, "/do/1/side"),
    task(4, "/do/0/tries/try/0/flaky", { parentSeq: 0, attempt: 2 }),
  ]);
  expect(timeline.rows.map(({ name, depth, bars }) => [name, depth, bars.map(({ seq }) => seq)])).toEqual([
    ["tries", 0, [0]],
    ["flaky", 1, [1, 4]],
    ["pause before the next attempt", 1, [2]],
    ["side", 0, [3]],
  ]);
  expect(timeline.rows[2]?.bars[0]?.isWait).toBe(true);
  expect([timeline.startMs, timeline.endedMs, timeline.hasOpenBars]).toEqual([START, 90, false]);
});

test("iterations have rows of their own", () => {
  const { rows } = buildTimeline([
    task(0, "/do/0/each", { type: "for" }),
    task(1, "/do/0/each/do/0/a", { parentSeq: 0, iteration: 0 }),
    task(2, "/do/0/each/do/0/a", { parentSeq: 0, iteration: 1 }),
  ]);
  expect(rows.map(({ iteration, depth }) => [iteration, depth])).toEqual([
    [undefined, 0],
    [0, 1],
    [1, 1],
  ]);
  expect(visibleRows(rows, new Set([rows[0]?.key ?? ""]))).toHaveLength(1);
});

test("what has not started has no bar, what has not ended is open", () => {
  const { endedAt: _, ...open } = task(1, "/do/0/a", { status: "running" });
  const { startedAt: _s, endedAt: _e, ...pending } = task(2, "/do/1/b", { status: "pending" });
  const timeline = buildTimeline([open, pending]);
  expect(timeline.rows.map(({ bars }) => bars.map(({ toMs }) => toMs))).toEqual([[undefined], []]);
  expect(timeline.hasOpenBars).toBe(true);
  expect(buildTimeline([])).toEqual({ rows: [], startMs: 0, endedMs: 0, hasOpenBars: false });
  expect(buildTimeline([pending]).startMs).toBe(0);
});

test("tasks nested ten thousand deep, or side by side, are laid out", () => {
  const deep = Array.from({ length: 10_000 }, (_, seq) =>
    task(seq, `/do/${seq}`, seq === 0 ? {} : { parentSeq: seq - 1 }),
  );
  // Keys name their place once, however deep it is.
  expect(buildTimeline(deep).rows.at(-1)?.depth).toBe(9999);
  expect(buildTimeline(deep.map(({ parentSeq: _, ...flat }) => flat)).rows).toHaveLength(10_000);
});

test.each([
  [0, [0]],
  [9, [0, 2, 4, 6, 8]],
  [1000, [0, 200, 400, 600, 800, 1000]],
  [7000, [0, 2000, 4000, 6000]],
])("the axis of %i ms has round marks", (span, marks) => {
  expect(ticksOf(span, 6)).toEqual(marks);
});
