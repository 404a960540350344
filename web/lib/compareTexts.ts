/** Two texts as a unified diff with three lines around each change. */
import { reviewPatch, type PatchReview } from "@logomesh/contracts";
import { createTwoFilesPatch } from "diff";

/** Texts that differ in everything would keep the page busy for longer. */
const COMPARE_MS_MAX = 1500;

/** Undefined when the texts differ so much that no diff was found in time. */
export function compareTexts(before: string, after: string): PatchReview | undefined {
  const patch = createTwoFilesPatch("before", "after", before, after, "", "", { context: 3, timeout: COMPARE_MS_MAX });
  if (patch === undefined) return undefined;
  const review = reviewPatch(patch);
  return { ...review, lines: review.lines.filter(({ kind }) => kind !== "head") };
}
