import { expect, test } from "vitest";
import { FakeClock } from "../testing/fakeClock.ts";
import { createSeededRandom } from "../testing/seededRandom.ts";
import { createIdSource } from "./ids.ts";

test("ids made within one millisecond rise and keep their prefix", () => {
  const ids = createIdSource({ clock: new FakeClock(), random: createSeededRandom(1) });
  const made = Array.from({ length: 1000 }, () => ids.next("run"));
  expect(made).toEqual([...made].sort());
  expect(new Set(made).size).toBe(1000);
  expect(made[0]).toMatch(/^run_[0-9a-z]{26}$/);
});

test("ids keep rising when the clock goes back", () => {
  let nowMs = 1_000_000;
  const clock = new FakeClock();
  const ids = createIdSource({
    clock: {
      ...clock,
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      setTimer: () => clock.setTimer(0, () => undefined),
    },
    random: createSeededRandom(2),
  });
  const first = ids.next("run");
  nowMs -= 500;
  expect(ids.next("run") > first).toBe(true);
});
