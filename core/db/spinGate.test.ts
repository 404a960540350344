import { expect, test } from "vitest";
import { SpinGate } from "./spinGate.ts";

test("[DB20] waiting awake goes on while it pays, stops when it does not, and is tried again", () => {
  const gate = new SpinGate(0.25);
  expect(gate.open(10)).toBe(10.25);
  for (let hits = 0; hits < 4; hits += 1) gate.hit();
  gate.miss();
  expect(gate.open(20)).toBe(20.25);
  gate.miss();
  const closed = Array.from({ length: 31 }, () => gate.open(30));
  expect(new Set(closed)).toEqual(new Set([undefined]));
  expect(gate.open(40)).toBe(40.25);
  gate.miss();
  expect(gate.open(50)).toBeUndefined();
});

test("[DB20] credit does not grow without end", () => {
  const gate = new SpinGate(0.25);
  for (let hits = 0; hits < 1_000; hits += 1) gate.hit();
  const misses = Array.from({ length: 8 }, () => {
    const until = gate.open(0);
    gate.miss();
    return until;
  });
  expect(misses.filter((until) => until !== undefined)).toHaveLength(4);
});
