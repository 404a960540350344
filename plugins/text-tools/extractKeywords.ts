import { STOP_WORDS } from "./stopWords.ts";

export interface Keyword {
  keyword: string;
  score: number;
  count: number;
}

/** Longer runs of words are clauses, not phrases. */
const PHRASE_WORDS_MAX = 3;

/**
 * Rapid automatic keyword extraction (Rose et al. 2010): phrases are runs of words between stop words and punctuation; a word scores its
 * degree (words it stands with) over its frequency; a phrase scores the sum of its words, times how often it comes.
 */
export function extractKeywords(text: string, limit: number): Keyword[] {
  const phrases = phrasesOf(text);
  const frequency = new Map<string, number>();
  const degree = new Map<string, number>();
  for (const phrase of phrases) {
    for (const word of phrase) {
      frequency.set(word, (frequency.get(word) ?? 0) + 1);
      degree.set(word, (degree.get(word) ?? 0) + phrase.length);
    }
  }
  const counts = new Map<string, { words: readonly string[]; count: number }>();
  for (const phrase of phrases) {
    const key = phrase.join(" ");
    counts.set(key, { words: phrase, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts]
    .map(([keyword, { words, count }]) => {
      const score = words.reduce((sum, word) => sum + (degree.get(word) ?? 0) / (frequency.get(word) ?? 1), 0);
      return { keyword, score: Math.round(score * count * 100) / 100, count };
    })
    .sort((a, b) => b.score - a.score || (a.keyword < b.keyword ? -1 : 1))
    .slice(0, limit);
}

function phrasesOf(text: string): string[][] {
  const phrases: string[][] = [];
  for (const clause of text.toLowerCase().split(/[^\p{L}\p{N}\p{M}'’\s-]+|\n+|\s-+\s/u)) {
    let phrase: string[] = [];
    const end = (): void => {
      if (phrase.length > 0 && phrase.length <= PHRASE_WORDS_MAX) phrases.push(phrase);
      phrase = [];
    };
    for (const raw of clause.split(/\s+/)) {
      const word = raw.replace(/^['’-]+|['’-]+$/g, "");
      if (word.length < 2 || STOP_WORDS.has(word) || /^\p{N}+$/u.test(word)) end();
      else phrase.push(word);
    }
    end();
  }
  return phrases;
}
