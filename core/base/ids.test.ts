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
  const ids = createIdSource({
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs, setTimer: () => ({ [Symbol.dispose]: () => undefined }) },
    random: createSeededRandom(2),
  });
  const first = ids.next("run");
  nowMs -= 500;
  const second = ids.next("run");
  nowMs += 1000;
  const third = ids.next("run");
  expect([first, second, third].sort()).toEqual([first, second, third]);
});

test("the random part carries over instead of wrapping to a smaller id", () => {
  const ids = createIdSource({
    clock: new FakeClock(),
    random: { bytes: (length) => new Uint8Array(length).fill(31), float: () => 0 },
  });
  const before = ids.next("x");
  expect(before.endsWith("z".repeat(16))).toBe(true);
  expect(ids.next("x").endsWith("0".repeat(16))).toBe(true);
});
