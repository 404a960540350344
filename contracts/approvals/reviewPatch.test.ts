import { expect, test } from "vitest";
import { reviewPatch, splitHidden, type PatchLine } from "./reviewPatch.ts";

const shown = ({ kind, oldLine, newLine, parts }: PatchLine): string =>
  `${kind} ${oldLine ?? "-"} ${newLine ?? "-"} ${parts.map((part) => ("text" in part ? part.text : `<${part.hidden}>`)).join("")}`;

test("lines are told apart by the counts of their hunk, not by what they look like", () => {
  const patch = [
    ...["diff --git a/x b/x", "--- a/x", "+++ b/x"],
    ...["@@ -3,3 +3,3 @@", " same", "--- a/y", "-@@ -1 +1 @@", "+++ b/y", "+two"],
    ...["@@ -9 +9,2 @@", "-old", "+new", "+more", "\\ No newline at end of file", ""],
  ].join("\n");
  const review = reviewPatch(patch);
  expect(review.lines.map(shown)).toEqual([
    "head - - diff --git a/x b/x",
    "head - - --- a/x",
    "head - - +++ b/x",
    "hunk - - @@ -3,3 +3,3 @@",
    "context 3 3 same",
    "removed 4 - -- a/y",
    "removed 5 - @@ -1 +1 @@",
    "added - 4 ++ b/y",
    "added - 5 two",
    "hunk - - @@ -9 +9,2 @@",
    "removed 9 - old",
    "added - 9 new",
    "added - 10 more",
    "note - - No newline at end of file",
  ]);
  expect([review.added, review.removed, review.hidden]).toEqual([4, 3, 0]);
});

test("a new and a deleted file have no lines on the other side", () => {
  expect(reviewPatch("@@ -0,0 +1,2 @@\n+a\n+\n").lines.map(shown)).toEqual([
    "hunk - - @@ -0,0 +1,2 @@",
    "added - 1 a",
    "added - 2 ",
  ]);
  expect(reviewPatch("@@ -1 +0,0 @@\n-a\n").lines.map(shown)).toEqual(["hunk - - @@ -1 +0,0 @@", "removed 1 - a"]);
});

test("hidden characters of what is added, stays or is named are counted; Windows line ends are shown where they change", () => {
  const patch =
    "--- a/x\u202e\n@@ -1,2 +1,2 @@\n con\u200btext\r\n-gone\u0000\r\n+user\u00a0= \u202e\u2066// admin\u2069\t\r\n";
  const review = reviewPatch(patch);
  expect(review.lines.map(shown)).toEqual([
    "head - - --- a/x<U+202E>",
    "hunk - - @@ -1,2 +1,2 @@",
    "context 1 1 con<U+200B>text",
    "removed 2 - gone<U+0000><U+000D>",
    "added - 2 user<U+00A0>= <U+202E><U+2066>// admin<U+2069>\t<U+000D>",
  ]);
  expect(review.hidden).toBe(6);
});

test.each([
  ["escape", "\u001b[31m", "<U+001B>[31m"],
  ["byte order mark", "\ufeffx", "<U+FEFF>x"],
  ["tag characters", "a\u{e0041}b", "a<U+E0041>b"],
  ["Hangul filler", "\u3164", "<U+3164>"],
  ["variation selector", "a\ufe01", "a<U+FE01>"],
  ["line separator", "a\u2028b", "a<U+2028>b"],
  ["private use", "\ue000", "<U+E000>"],
  ["a return within the line", "a\rb", "a<U+000D>b"],
  ["ordinary text", "naïve 日本 🚀 e\u0301\t", "naïve 日本 🚀 e\u0301\t"],
])("%s", (_, text, expected) => {
  const parts = splitHidden(text);
  expect(parts.map((part) => ("text" in part ? part.text : `<${part.hidden}>`)).join("")).toBe(expected);
});
