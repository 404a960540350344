// Extractive summary after H. P. Luhn, "The automatic creation of literature abstracts" (1958): sentences that hold the text's frequent
// words, in their own order. Deterministic, language-neutral as far as Unicode knows words.

/** Shorter words are mostly grammar. */
const WORD_CHARS_MIN = 4;
/** A first paragraph up to this length that is followed by more text is taken for the instruction. */
const INSTRUCTION_CHARS_MAX = 400;
/** Characters of a prompt that are looked at; the rest would say the same again. */
const TEXT_CHARS_MAX = 200_000;

/** Made when it is first used: it reads 3 MB of Unicode tables. */
let segmenter: Intl.Segmenter | undefined;

/** The text that a prompt is about: without the instruction before it. */
export function subjectOf(prompt: string): string {
  const text = prompt.slice(0, TEXT_CHARS_MAX).trim();
  const match = /^([^\n]{1,400}?)(?::\s*\n|\n\s*\n|:\s+(?=.{200}))/s.exec(text);
  const rest = match === null ? "" : text.slice(match[0].length).trim();
  return match !== null && match[0].length <= INSTRUCTION_CHARS_MAX && rest !== "" ? rest : text;
}

/** The most telling sentences in the order of the text, without repeats. */
export function summarize(text: string, sentenceCount: number): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "sentence" });
  const all = [...segmenter.segment(text)].map(({ segment }) => segment.replace(/\s+/g, " ").trim());
  const unique = [...new Set(all.filter((sentence) => sentence !== ""))];
  const counts = countWords(text);
  const scored = unique.map((sentence, index) => ({ sentence, index, score: scoreOf(sentence, counts) }));
  return scored
    .toSorted((left, right) => right.score - left.score || left.index - right.index)
    .slice(0, sentenceCount)
    .toSorted((left, right) => left.index - right.index)
    .map(({ sentence }) => sentence);
}

/** The most frequent long words, in lower case. */
export function keywords(text: string, count: number): string[] {
  return [...countWords(text)]
    .toSorted(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([word]) => word);
}

function scoreOf(sentence: string, counts: ReadonlyMap<string, number>): number {
  const words = wordsOf(sentence);
  const sum = words.reduce((total, word) => total + (counts.get(word) ?? 0), 0);
  return sum / Math.sqrt(words.length + 1);
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word.length >= WORD_CHARS_MIN);
}
