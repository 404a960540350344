import { definePlugin, s } from "@logomesh/plugin-sdk";
import { countWords } from "./countWords.ts";
import { extractKeywords } from "./extractKeywords.ts";
import { slugify } from "./slugify.ts";

const plugin = definePlugin({ name: "text-tools", version: "1.0.0" });

plugin.tool("word_count", {
  description: "Counts words, characters, sentences and lines, and estimates the reading time.",
  effect: "pure",
  input: s.object({ text: s.string() }),
  output: s.object({
    words: s.integer(),
    characters: s.integer(),
    sentences: s.integer(),
    lines: s.integer(),
    readingMinutes: s.number(),
  }),
  handler: ({ text }) => countWords(text),
});

plugin.tool("keywords", {
  description:
    "Finds the phrases that carry a text, best first, by the words they are made of and how these keep company.",
  effect: "pure",
  input: s.object({ text: s.string(), limit: s.integer({ minimum: 1, maximum: 100 }).default(10) }),
  output: s.object({
    keywords: s.array(s.object({ keyword: s.string(), score: s.number(), count: s.integer() })),
  }),
  handler: ({ text, limit }) => ({ keywords: extractKeywords(text, limit) }),
});

plugin.tool("slugify", {
  description: "Makes a short name for addresses and files out of a title.",
  effect: "pure",
  input: s.object({ text: s.string(), maxLength: s.integer({ minimum: 1, maximum: 200 }).default(80) }),
  output: s.object({ slug: s.string() }),
  handler: ({ text, maxLength }) => ({ slug: slugify(text, maxLength) }),
});

await plugin.serve();
