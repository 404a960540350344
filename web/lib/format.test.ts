import { expect, test } from "vitest";
import {
  durationBetween,
  formatBytes,
  formatCount,
  formatDuration,
  formatRelative,
  shortId,
  visibleText,
} from "./format.ts";

const NOW = Date.parse("2026-03-01T10:00:00.000Z");

test("bytes and durations have units that fit them", () => {
  expect([0, 1023, 1536, 150 * 1024 * 1024].map(formatBytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "150 MiB"]);
  expect([0.25, 12.4, 1500, 12_300, 61_000, 3_720_000].map(formatDuration)).toEqual([
    "0.25 ms",
    "12 ms",
    "1.50 s",
    "12.3 s",
    "1 min 1 s",
    "1 h 2 min",
  ]);
});

test("counts agree with their noun", () => {
  expect([
    formatCount(1, "entry"),
    formatCount(1200, "call"),
    formatCount(2, "entry"),
    formatCount(3, "crash"),
  ]).toEqual(["1 entry", "1,200 calls", "2 entries", "3 crashes"]);
});

test("times are told from now", () => {
  expect(formatRelative("2026-03-01T09:59:59.000Z", NOW)).toBe("now");
  expect(formatRelative("2026-03-01T09:55:00.000Z", NOW)).toBe("5 min. ago");
  expect(formatRelative("2026-02-27T10:00:00.000Z", NOW)).toBe("2 days ago");
});

test("a duration counts until there is an end, and never backwards", () => {
  expect(durationBetween(undefined, undefined, NOW)).toBeUndefined();
  expect(durationBetween("2026-03-01T09:59:58.000Z", undefined, NOW)).toBe(2000);
  expect(durationBetween("2026-03-01T10:00:01.000Z", "2026-03-01T10:00:00.000Z", NOW)).toBe(0);
});

test("ids and hashes are cut, names are not", () => {
  expect(shortId("0195f3a0-7c1e-7000-8000-00000000002a")).toBe("…0000002a");
  expect(shortId("run_01m8714xrzdfk3f4c2h0smxx6k")).toBe("…h0smxx6k");
  expect(shortId("reading_digest")).toBe("reading_digest");
  expect(shortId("default/reading-digest")).toBe("default/reading-digest");
});

test("control and bidirectional characters become visible, line ends and tabs stay", () => {
  expect(visibleText("a\u202Eb\u0000\tc\nd\u200B")).toBe("a⟨U+202E⟩b⟨U+0000⟩\tc\nd⟨U+200B⟩");
});
