import type { RunTaskSummary, ServerMessage } from "@logomesh/contracts";
import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { createLiveFeed } from "./live.ts";
import { queryKeys } from "./queryKeys.ts";

const message = (seq: number): ServerMessage => ({
  ...{ type: "task", runId: "1" },
  task: { seq, reference: "/do/0/a", name: "a", type: "set", attempt: 1, status: "running", effect: "pure" },
});

test("messages are gathered for a moment, and never more than a limit of them", () => {
  const cache = new QueryClient();
  const waiting: (() => void)[] = [];
  cache.setQueryData<RunTaskSummary[]>(queryKeys.runTasks("1"), []);
  const feed = createLiveFeed(cache, { now: () => 0, later: (act) => void waiting.push(act) });
  const shown = (): number => cache.getQueryData<RunTaskSummary[]>(queryKeys.runTasks("1"))?.length ?? 0;
  feed.onMessage(message(0));
  feed.onMessage(message(1));
  expect([shown(), waiting.length]).toEqual([0, 1]);
  waiting.shift()?.();
  expect(shown()).toBe(2);
  for (let seq = 0; seq < 5000; seq += 1) feed.onMessage(message(seq));
  expect(shown()).toBe(5000);
  waiting.shift()?.();
  feed.onMessage(message(5000));
  expect(waiting.length).toBe(1);
});
