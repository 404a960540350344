import assert from "node:assert/strict";
import { test } from "node:test";
import { callTool, withHost } from "@logomesh/plugin-sdk/testing";
import { countWords } from "./countWords.ts";
import { extractKeywords } from "./extractKeywords.ts";
import { plugin } from "./index.ts";
import { slugify } from "./slugify.ts";
import { tidyText } from "./tidyText.ts";
import { TRACKED_EVENT, trackKeywords } from "./trackKeywords.ts";

test("words, sentences and characters are counted as a reader would", () => {
  assert.deepEqual(countWords("Don't panic! It's 3.5 km.\nÜber 👩‍👩‍👧 alles."), {
    words: 7,
    characters: 39,
    sentences: 3,
    lines: 2,
    readingMinutes: 0,
  });
  assert.deepEqual(countWords(""), { words: 0, characters: 0, sentences: 0, lines: 0, readingMinutes: 0 });
  assert.equal(countWords("word ".repeat(2380)).readingMinutes, 10);
});

test("a long text is counted in time that grows with its length only", () => {
  const { words, lines } = countWords("a b. ".repeat(100_000));
  assert.deepEqual({ words, lines }, { words: 200_000, lines: 1 });
});

test("phrases between stop words are found, those that come again first", () => {
  const text = "Open source software is software with source code. Only open source software!";
  const keywords = extractKeywords(text, 3);
  const [first, second] = keywords;
  assert.equal(keywords.length, 3);
  assert.deepEqual([first?.keyword, first?.count], ["open source software", 2]);
  assert.ok((first?.score ?? 0) > (second?.score ?? Infinity));
});

test("texts without words have no keywords", () => {
  assert.deepEqual(extractKeywords("", 5), []);
  assert.deepEqual(extractKeywords("the and of — 12 34", 5), []);
});

test("equal scores are in the order of the alphabet, so that the same text gives the same answer", () => {
  const keywords = extractKeywords("zebra. apple. mango.", 3).map(({ keyword }) => keyword);
  assert.deepEqual(keywords, ["apple", "mango", "zebra"]);
});

const SLUGS: readonly [text: string, maxLength: number, slug: string][] = [
  ["Hello, World!", 80, "hello-world"],
  ["  Crème Brûlée – 2 Œufs  ", 80, "creme-brulee-2-oeufs"],
  ["Don’t stop", 80, "dont-stop"],
  ["日本語 テキスト", 80, "日本語-テキスト"],
  ["one two three", 8, "one-two"],
  ["one two three", 7, "one-two"],
  ["unbreakable", 4, "unbr"],
  ["!!!", 80, ""],
];
for (const [text, maxLength, slug] of SLUGS) {
  test(`${text} becomes a slug of at most ${maxLength} characters`, () => {
    assert.equal(slugify(text, maxLength), slug.normalize("NFKD").replace(/\p{M}+/gu, ""));
  });
}

test("a tidy text has no spaces at the ends of lines but Markdown's two, and one line break at the end", () => {
  assert.equal(tidyText("a \nb\t\n\nc   \r\n   \n\n"), "a\nb\n\nc\n");
  assert.equal(tidyText("break  \nnext"), "break  \nnext\n");
  assert.equal(tidyText("break    \nnext"), "break  \nnext\n");
  assert.equal(tidyText(""), "\n");
  for (const text of ["a  \nb\n", "\n", "x\n\ny\n"]) assert.equal(tidyText(tidyText(text)), tidyText(text));
});

test("keywords are added to those of earlier texts, and who listens is told", async () => {
  const calls = [
    { tool: "store_get", arguments: { key: "keyword-totals" }, result: { value: { apple: 2 } } },
    { tool: "store_put", arguments: { key: "keyword-totals", value: { apple: 3, mango: 1 } } },
    { tool: "event_publish", arguments: { type: TRACKED_EVENT, data: { keywords: ["apple", "mango"] } } },
  ];
  const { totals } = await withHost(calls, (host) => trackKeywords(host, "apple. mango.", 10));
  assert.deepEqual(totals, [
    { keyword: "apple", texts: 3 },
    { keyword: "mango", texts: 1 },
  ]);
});

test("an untidy file is proposed without the spaces at the ends of its lines", async () => {
  const { structuredContent } = await callTool(
    plugin,
    "tidy_file",
    { path: "docs/plan.md" },
    {
      host: [
        { tool: "fs_read", arguments: { path: "docs/plan.md" }, result: { text: "plan \n" } },
        {
          tool: "fs_propose_change",
          arguments: { path: "docs/plan.md", text: "plan\n" },
          result: { approvalId: "apr_1" },
        },
      ],
    },
  );
  assert.deepEqual(structuredContent, { isTidy: false, approvalId: "apr_1" });
});

test("a tidy file is left alone, and one that may not be read says why", async () => {
  const tidy = await callTool(
    plugin,
    "tidy_file",
    { path: "docs/plan.md" },
    {
      host: [{ tool: "fs_read", result: { text: "plan\n" } }],
    },
  );
  assert.deepEqual([tidy.structuredContent, tidy.hostCalls.length], [{ isTidy: true }, 1]);
  const denied = await callTool(
    plugin,
    "tidy_file",
    { path: "docs/secret.md" },
    {
      host: [{ tool: "fs_read", error: { code: "LM_POLICY_DENIED", message: "Not this one." } }],
    },
  );
  assert.deepEqual([denied.isError, denied.content[0]?.text], [true, "Not this one."]);
});
