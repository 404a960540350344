import { expect, test } from "vitest";
import { countWords } from "./countWords.ts";
import { extractKeywords } from "./extractKeywords.ts";
import { slugify } from "./slugify.ts";
import { tidyText } from "./tidyText.ts";

test("words, sentences and characters are counted as a reader would", () => {
  expect(countWords("Don't panic! It's 3.5 km.\nÜber 👩‍👩‍👧 alles.")).toEqual({
    words: 7,
    characters: 39,
    sentences: 3,
    lines: 2,
    readingMinutes: 0,
  });
  expect(countWords("")).toEqual({ words: 0, characters: 0, sentences: 0, lines: 0, readingMinutes: 0 });
  expect(countWords("word ".repeat(2380)).readingMinutes).toBe(10);
});

test("a long text is counted in time that grows with its length only", () => {
  expect(countWords("a b. ".repeat(100_000))).toMatchObject({ words: 200_000, lines: 1 });
});

test("phrases between stop words are found, those that come again first", () => {
  const text = "Open source software is software with source code. Only open source software!";
  const keywords = extractKeywords(text, 3);
  expect(keywords[0]).toMatchObject({ keyword: "open source software", count: 2 });
  expect(keywords).toHaveLength(3);
  expect(keywords[0]!.score).toBeGreaterThan(keywords[1]!.score);
});

test("texts without words have no keywords", () => {
  expect(extractKeywords("", 5)).toEqual([]);
  expect(extractKeywords("the and of — 12 34", 5)).toEqual([]);
});

test("equal scores are in the order of the alphabet, so that the same text gives the same answer", () => {
  expect(extractKeywords("zebra. apple. mango.", 3).map(({ keyword }) => keyword)).toEqual(["apple", "mango", "zebra"]);
});

test.each([
  ["Hello, World!", 80, "hello-world"],
  ["  Crème Brûlée – 2 Œufs  ", 80, "creme-brulee-2-oeufs"],
  ["Don’t stop", 80, "dont-stop"],
  ["日本語 テキスト", 80, "日本語-テキスト"],
  ["one two three", 8, "one-two"],
  ["one two three", 7, "one-two"],
  ["unbreakable", 4, "unbr"],
  ["!!!", 80, ""],
])("%s becomes a slug of at most %d characters", (text, maxLength, slug) => {
  expect(slugify(text, maxLength)).toBe(slug.normalize("NFKD").replace(/\p{M}+/gu, ""));
});

test("a tidy text has no spaces at the ends of lines but Markdown's two, and one line break at the end", () => {
  expect(tidyText("a \nb\t\n\nc   \r\n   \n\n")).toBe("a\nb\n\nc\n");
  expect(tidyText("break  \nnext")).toBe("break  \nnext\n");
  expect(tidyText("break    \nnext")).toBe("break  \nnext\n");
  expect(tidyText("")).toBe("\n");
  for (const text of ["a  \nb\n", "\n", "x\n\ny\n"]) expect(tidyText(tidyText(text))).toBe(tidyText(text));
});
