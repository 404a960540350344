import { definePlugin, s } from "@logomesh/plugin-sdk";
import { countWords } from "./countWords.ts";
import { extractKeywords } from "./extractKeywords.ts";
import { slugify } from "./slugify.ts";
import { tidyText } from "./tidyText.ts";
import { trackKeywords } from "./trackKeywords.ts";

export const plugin = definePlugin({ name: "text-tools", version: "1.0.0" });

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

plugin.tool("track_keywords", {
  description:
    "Counts in how many texts each keyword was found, over all calls, and publishes what was found in this one.",
  effect: "once",
  input: s.object({ text: s.string(), limit: s.integer({ minimum: 1, maximum: 100 }).default(10) }),
  output: s.object({ totals: s.array(s.object({ keyword: s.string(), texts: s.integer() })) }),
  handler: ({ text, limit }, { host }) => trackKeywords(host, text, limit),
});

plugin.tool("tidy_file", {
  description: "Proposes a text file of the workspace without spaces at the ends of lines; a person decides.",
  effect: "once",
  input: s.object({ path: s.string({ minLength: 1 }) }),
  output: s.object({ isTidy: s.boolean(), approvalId: s.string().optional() }),
  handler: async ({ path }, { host }) => {
    const { text } = await host.readFile(path);
    const tidy = tidyText(text);
    if (tidy === text) return { isTidy: true };
    const reason = "Spaces at the ends of lines say nothing.";
    const { approvalId } = await host.proposeFileChange({ path, text: tidy, reason });
    return { isTidy: false, approvalId };
  },
});

await plugin.serve();
