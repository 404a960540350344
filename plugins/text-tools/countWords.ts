export interface WordCount {
  words: number;
  characters: number;
  sentences: number;
  lines: number;
  readingMinutes: number;
}

/** Silent reading of prose by adults (Brysbaert 2019). */
const WORDS_PER_MINUTE = 238;

const words = new Intl.Segmenter("en", { granularity: "word" });
const sentences = new Intl.Segmenter("en", { granularity: "sentence" });
const characters = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Words and sentences by the rules of Unicode (UAX 29); a character is what a reader sees as one. */
export function countWords(text: string): WordCount {
  let wordCount = 0;
  for (const segment of words.segment(text)) if (segment.isWordLike === true) wordCount += 1;
  return {
    words: wordCount,
    characters: lengthOf(characters.segment(text)),
    sentences: [...sentences.segment(text)].filter(({ segment }) => /[\p{L}\p{N}]/u.test(segment)).length,
    lines: text === "" ? 0 : text.split(/\r\n|\r|\n/).length,
    readingMinutes: Math.round((wordCount / WORDS_PER_MINUTE) * 10) / 10,
  };
}

function lengthOf(segments: Iterable<unknown>): number {
  let length = 0;
  for (const _segment of segments) length += 1;
  return length;
}
