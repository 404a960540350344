import { expect, test } from "vitest";
import { compareTexts } from "./compareTexts.ts";

test("changes are told with their lines and what does not show in them", () => {
  const review = compareTexts("a\nb\nc\n", "a\nB\u202e\nc\n");
  expect([review?.added, review?.removed, review?.hidden]).toEqual([1, 1, 1]);
  expect(review?.lines.map(({ kind }) => kind)).toEqual(["hunk", "context", "removed", "added", "context"]);
});

test("equal texts have no lines, also when they look like a patch", () => {
  expect(compareTexts("--- a\n+++ b\n", "--- a\n+++ b\n")?.lines).toEqual([]);
});
