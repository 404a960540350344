import type { RunTaskSummary } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { progressOf, taskStates } from "./taskStates.ts";

function task(change: Partial<RunTaskSummary>): RunTaskSummary {
  return {
    seq: 1,
    reference: "/do/0/a",
    name: "a",
    type: "call",
    attempt: 1,
    status: "completed",
    effect: "pure",
    ...change,
  };
}

test("a fault that a later attempt made good is history", () => {
  const states = taskStates([task({ seq: 1, status: "faulted" }), task({ seq: 4, status: "completed", attempt: 2 })]);
  expect(states.get("/do/0/a")).toEqual({ status: "completed", seq: 4, runs: 1, attempts: 2 });
});

test("of a loop's iterations the one that wants attention shows", () => {
  const states = taskStates([
    task({ seq: 1, iteration: 0 }),
    task({ seq: 2, iteration: 1, status: "faulted" }),
    task({ seq: 3, iteration: 2, status: "running" }),
  ]);
  expect(states.get("/do/0/a")).toEqual({ status: "faulted", seq: 2, runs: 3, attempts: 1 });
});

test("progress counts what has ended", () => {
  expect(progressOf([task({}), task({ seq: 2, status: "running" }), task({ seq: 3, status: "skipped" })])).toEqual({
    done: 2,
    total: 3,
  });
});
