// How a unified diff is read by every surface that shows one, so that none of them hides what another shows.

/** A stretch of a line: text, or a character that does not show, named as `U+202E`. */
export type PatchPart = { text: string } | { hidden: string };

export interface PatchLine {
  /** `head`: what names the file; `hunk`: where a stretch begins; `note`: a remark such as a missing line end. */
  kind: "head" | "hunk" | "context" | "added" | "removed" | "note";
  /** Numbers in the file before and after. */
  oldLine?: number;
  newLine?: number;
  /** Without the sign. */
  parts: PatchPart[];
}

export interface PatchReview {
  lines: PatchLine[];
  added: number;
  removed: number;
  /** Characters that do not show, in lines that are added or stay and in names; not the carriage return of a Windows line end. */
  hidden: number;
}

/**
 * Everything that a reader would not see, or would see elsewhere: controls but the tab, format characters (zero width, bidirectional,
 * tags), separators of lines and paragraphs, spaces that are not the space, what fonts leave out (fillers, variation selectors), the
 * empty Braille pattern, private and unassigned characters.
 */
const HIDDEN = /(?!\t)[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** Reads a diff by the counts of its hunks: a line of the file that looks like a head is still a line of the file. */
export function reviewPatch(patch: string): PatchReview {
  const review: PatchReview = { lines: [], added: 0, removed: 0, hidden: 0 };
  const left = { old: 0, now: 0 };
  const at = { old: 0, now: 0 };
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("\\")) {
      addLine(review, { kind: "note" }, line.slice(1).trimStart());
    } else if (left.old === 0 && left.now === 0) {
      const hunk = HUNK.exec(line);
      if (hunk !== null) {
        Object.assign(at, { old: Number(hunk[1]), now: Number(hunk[3]) });
        Object.assign(left, { old: Number(hunk[2] ?? 1), now: Number(hunk[4] ?? 1) });
      }
      addLine(review, { kind: hunk === null ? "head" : "hunk" }, line);
    } else if (line.startsWith("+")) {
      left.now--;
      review.added++;
      addLine(review, { kind: "added", newLine: at.now++ }, line.slice(1));
    } else if (line.startsWith("-")) {
      left.old--;
      review.removed++;
      addLine(review, { kind: "removed", oldLine: at.old++ }, line.slice(1));
    } else {
      left.old--;
      left.now--;
      addLine(review, { kind: "context", oldLine: at.old++, newLine: at.now++ }, line.slice(1));
    }
  }
  return review;
}

function addLine(review: PatchReview, line: Omit<PatchLine, "parts">, text: string): void {
  const isChanged = line.kind === "added" || line.kind === "removed";
  const hasReturn = text.endsWith("\r");
  const parts = splitHidden(hasReturn ? text.slice(0, -1) : text);
  // What goes away can do no harm any more.
  if (line.kind !== "removed") review.hidden += parts.filter((part) => "hidden" in part).length;
  if (hasReturn && isChanged) parts.push({ hidden: nameOf("\r") });
  review.lines.push({ ...line, parts });
}

/** Text with its hidden characters taken apart. */
export function splitHidden(text: string): PatchPart[] {
  const parts: PatchPart[] = [];
  let end = 0;
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push({ hidden: nameOf(character) });
    end = index + character.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
