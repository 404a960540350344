import type { JsonObject, ToolProgress } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { ProgressRelay } from "./progressRelay.ts";

function relay() {
  const clock = new FakeClock();
  const heard: ToolProgress[] = [];
  const progress = new ProgressRelay(clock, (told) => heard.push(told));
  const receive = (...all: JsonObject[]): void => all.forEach((params) => progress.receive(params));
  return { clock, heard, progress, receive };
}

test("[PL115] ten are told at once, then the latest of each tenth of a second", async () => {
  const { clock, heard, receive } = relay();
  for (let n = 0; n < 1_000; n += 1) receive({ progress: n, total: 1_000, message: `step ${n}` });
  expect(heard).toHaveLength(10);
  expect(heard[0]).toEqual({ progress: 0, total: 1_000, message: "step 0" });
  await clock.advance(100);
  receive({ progress: 1_000 }, { progress: 1_001 });
  await clock.advance(100);
  expect(heard.slice(10)).toEqual([{ progress: 999, total: 1_000, message: "step 999" }, { progress: 1_001 }]);
  await clock.advance(10_000);
  for (let n = 2_000; n < 3_000; n += 1) receive({ progress: n });
  expect(heard).toHaveLength(22);
});

test.each<[string, JsonObject]>([
  ["no number", {}],
  ["a text", { progress: "3" }],
  ["nothing", { progress: null }],
  ["NaN, however it came", { progress: Number.NaN }],
  ["1e999", JSON.parse('{"progress":1e999}') as JsonObject],
  ["less than nothing", { progress: -1 }],
  ["what was told before", { progress: 2 }],
  ["less than before", { progress: 1 }],
])("[PL115] %s is dropped", async (_what, params) => {
  const { clock, heard, receive } = relay();
  receive({ progress: 2 });
  await clock.advance(200);
  receive(params);
  await clock.advance(200);
  expect(heard).toEqual([{ progress: 2 }]);
  // The control: a number that rises is told.
  receive({ progress: 2.5 });
  expect(heard).toHaveLength(2);
});

test("[PL115] a total that is none, and a message that is no text, are left out; a long one is cut", () => {
  const { heard, receive } = relay();
  receive({ progress: 1e308, total: -1, message: { evil: true }, extra: "x" });
  expect(heard).toEqual([{ progress: 1e308 }]);
  const other = relay();
  other.receive({ progress: 0, total: Number.POSITIVE_INFINITY, message: `${"x".repeat(499)}\u{1F600}` });
  expect(other.heard).toEqual([{ progress: 0, message: `${"x".repeat(499)}\ufffd` }]);
});

test("[PL115] nothing is told behind the answer, and no timer stays", async () => {
  const { clock, heard, progress, receive } = relay();
  for (let n = 0; n < 20; n += 1) receive({ progress: n });
  progress[Symbol.dispose]();
  expect(clock.nextTimerMs()).toBeUndefined();
  await clock.advance(1_000);
  expect(heard).toHaveLength(10);
});
