import type { RunTaskSummary } from "@logomesh/contracts";
import { cleanup, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { installBrowserStubs, renderPage } from "../../../testing/renderPage.tsx";
import { RunTimeline } from "./RunTimeline.tsx";

beforeAll(() => {
  installBrowserStubs();
  // jsdom lays nothing out: a pane of this size is in sight.
  Object.defineProperty(Element.prototype, "clientHeight", { get: () => 600 });
  Object.defineProperty(Element.prototype, "clientWidth", { get: () => 800 });
});
afterEach(cleanup);

const START = Date.parse("2026-03-01T10:00:00.000Z");
function task(seq: number, change: Partial<RunTaskSummary> = {}): RunTaskSummary {
  return {
    ...{ seq, reference: `/do/${seq}/t${seq}`, name: `t${seq}`, type: "set", attempt: 1, effect: "pure" },
    ...{ startedAt: new Date(START + seq).toISOString(), endedAt: new Date(START + seq + 40).toISOString() },
    status: "completed",
    ...change,
  };
}

test("of ten thousand tasks only those in sight are in the page, and the keys reach the last", async () => {
  const shown: number[] = [];
  const tasks = Array.from({ length: 10_000 }, (_, seq) => task(seq));
  renderPage(<RunTimeline tasks={tasks} selected={undefined} onSelect={(seq) => void shown.push(seq)} />);
  expect(screen.getAllByRole("treeitem").length).toBeLessThan(80);
  screen.getByRole("tree").focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}{End}{Enter}");
  expect(shown).toEqual([2, 9999]);
});

test("rows say status, time and attempts, show a chosen attempt, and close what is below them", async () => {
  const shown: number[] = [];
  const tasks = [
    task(0, { type: "try", name: "tries\u202e" }),
    task(1, { parentSeq: 0, reference: "/a", status: "faulted" }),
    task(2, { parentSeq: 0, reference: "/a", attempt: 2 }),
    task(3),
  ];
  renderPage(<RunTimeline tasks={tasks} selected={1} onSelect={(seq) => void shown.push(seq)} />);
  const names = (): string[] => screen.getAllByRole("treeitem").map((row) => row.textContent);
  expect(names()).toEqual([
    "tries⟨U+202E⟩, Completed, 40 ms",
    "t2, Completed, 2 attempts, 40 ms",
    "t3, Completed, 40 ms",
  ]);
  expect(screen.getByRole("treeitem", { selected: true }).textContent).toContain("t2");
  await userEvent.click(screen.getByTitle(/^Attempt 1: Faulted/));
  expect(shown).toEqual([1]);
  screen.getByRole("tree").focus();
  await userEvent.keyboard("{Home}{ArrowLeft}");
  expect(names()).toHaveLength(2);
  await userEvent.keyboard("{ArrowRight}{ArrowDown}{Enter}");
  expect(shown).toEqual([1, 2]);
});
