import type { Host } from "@logomesh/plugin-sdk";
import { extractKeywords } from "./extractKeywords.ts";

const TOTALS_KEY = "keyword-totals";
/** Keywords that are kept; those that were found least often make room. */
const TOTALS_MAX = 1_000;

export const TRACKED_EVENT = "org.logomesh.text-tools.keywords-tracked";

interface Total {
  keyword: string;
  texts: number;
}

/** Counts in how many texts each keyword was found, over all calls, and tells who listens. */
export async function trackKeywords(host: Host, text: string, limit: number): Promise<{ totals: Total[] }> {
  const found = extractKeywords(text, limit).map(({ keyword }) => keyword);
  const kept = (await host.store.get(TOTALS_KEY)) as Record<string, number> | undefined;
  const totals = new Map(Object.entries(kept ?? {}));
  for (const keyword of found) totals.set(keyword, (totals.get(keyword) ?? 0) + 1);
  const sorted = [...totals].sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1)).slice(0, TOTALS_MAX);
  await host.store.put(TOTALS_KEY, Object.fromEntries(sorted));
  await host.publish({ type: TRACKED_EVENT, data: { keywords: found } });
  return { totals: sorted.slice(0, limit).map(([keyword, texts]) => ({ keyword, texts })) };
}
