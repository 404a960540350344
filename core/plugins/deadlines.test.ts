import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { Deadlines } from "./deadlines.ts";

function createDeadlines() {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  const startedMs = clock.monotonicMs();
  const add = (name: string, afterMs: number) => deadlines.add(startedMs + afterMs, () => expired.push(name));
  return { clock, deadlines, expired, add };
}

test("[PL34] each deadline expires at its own time, whichever was added first", async () => {
  const { clock, expired, add } = createDeadlines();
  add("late", 300);
  add("early", 100);
  add("same", 100);
  await clock.advance(99);
  expect(expired).toEqual([]);
  await clock.advance(1);
  expect(expired).toEqual(["early", "same"]);
  add("between", 200);
  await clock.advance(100);
  expect(expired).toEqual(["early", "same", "between"]);
  await clock.advance(100);
  expect(expired).toEqual(["early", "same", "between", "late"]);
});

test("[PL34] a deadline that was deleted does not expire, also when another one deletes it", async () => {
  const { clock, deadlines, expired, add } = createDeadlines();
  deadlines.delete(add("gone", 100));
  await clock.advance(100);
  const later = add("later", 200);
  deadlines.add(clock.monotonicMs() + 50, () => deadlines.delete(later));
  await clock.advance(1_000);
  expect(expired).toEqual([]);
});

test("[PL34] a deadline that an expiring one adds is kept", async () => {
  const { clock, deadlines, expired } = createDeadlines();
  const again = (): void => {
    expired.push("again");
    if (expired.length < 3) deadlines.add(clock.monotonicMs() + 10, again);
  };
  deadlines.add(clock.monotonicMs() + 10, again);
  await clock.advance(100);
  expect(expired).toEqual(["again", "again", "again"]);
});

test("[PL34] nothing expires once disposed", async () => {
  const { clock, deadlines, expired, add } = createDeadlines();
  add("never", 10);
  deadlines[Symbol.dispose]();
  await clock.advance(100);
  expect(expired).toEqual([]);
});
