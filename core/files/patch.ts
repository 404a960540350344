import { structuredPatch, type StructuredPatchHunk } from "diff";

const CONTEXT_LINES = 3;
/**
 * Bounds of the search for the smallest difference, whose time and memory grow with the square of the lines that differ. Beyond them
 * the patch replaces the stretch that differs, which is as true and hardly reads worse. The caller's thread is held for no longer.
 */
const EDIT_LENGTH_MAX = 2_000;
const STRETCH_LINES_MAX = 20_000;
const SEARCH_MS_MAX = 100;

interface PatchParams {
  path: string;
  /** Null: the file does not exist before, or after. */
  before: string | null;
  after: string | null;
  mode: number;
}

/** A unified diff with git's headers, as `git apply` takes it. */
export function createPatch({ path, before, after, mode }: PatchParams): string {
  const [old, now] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  // git knows two modes.
  const gitMode = (mode & 0o100) === 0 ? "100644" : "100755";
  const lines = [`diff --git ${old} ${now}`];
  if (before === null) lines.push(`new file mode ${gitMode}`);
  if (after === null) lines.push(`deleted file mode ${gitMode}`);
  const hunks = hunksOf(before ?? "", after ?? "");
  const names = [`--- ${before === null ? "/dev/null" : old}`, `+++ ${after === null ? "/dev/null" : now}`];
  return `${[...lines, ...(hunks.length === 0 ? [] : names), ...hunks].join("\n")}\n`;
}

function hunksOf(before: string, after: string): string[] {
  const { start, beforeEnd, afterEnd, linesAbove } = stretchThatDiffers(before, after);
  const old = before.slice(start, beforeEnd);
  const now = after.slice(start, afterEnd);
  const isLong = countLines(old) + countLines(now) > STRETCH_LINES_MAX;
  const hunks = isLong ? undefined : smallestHunks(old, now);
  return (hunks ?? [replacement(old, now)]).flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${range(oldStart + linesAbove, oldLines)} +${range(newStart + linesAbove, newLines)} @@`,
    ...lines,
  ]);
}

function smallestHunks(old: string, now: string): StructuredPatchHunk[] | undefined {
  return structuredPatch("", "", old, now, "", "", {
    context: CONTEXT_LINES,
    maxEditLength: EDIT_LENGTH_MAX,
    timeout: SEARCH_MS_MAX,
  })?.hunks;
}

/** Leaves out the lines that both texts begin and end with, but for the context that a patch shows. */
function stretchThatDiffers(before: string, after: string) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  start = lineStart(before, start);
  for (let line = 0; line < CONTEXT_LINES; line++) start = lineStart(before, start - 1);
  let same = 0;
  while (
    same < shorter - start &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) {
    same++;
  }
  // The end of the stretch is a line end, so that no line is cut; the first line end behind the difference and the context.
  let beforeEnd = before.length - same;
  for (let line = 0; line <= CONTEXT_LINES && beforeEnd < before.length; line++) {
    const next = before.indexOf("\n", beforeEnd);
    beforeEnd = next === -1 ? before.length : next + 1;
  }
  return {
    start,
    beforeEnd,
    afterEnd: after.length - (before.length - beforeEnd),
    linesAbove: countLines(before.slice(0, start)),
  };
}

/** Start of the line that a position is in. */
function lineStart(text: string, position: number): number {
  return position <= 0 ? 0 : text.lastIndexOf("\n", position - 1) + 1;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/** The start of an empty side is the line before it, which the library counts one further. */
function range(start: number, lines: number): string {
  return lines === 1 ? String(start) : `${lines === 0 ? Math.max(0, start - 1) : start},${lines}`;
}

/** One hunk that takes everything away and puts everything in. */
function replacement(before: string, after: string): StructuredPatchHunk {
  const removed = splitLines(before);
  const added = splitLines(after);
  const marked = (sign: string) => (line: string) => (line === NO_LINE_END ? line : `${sign}${line}`);
  return {
    ...{ oldStart: 1, oldLines: removed.count, newStart: 1, newLines: added.count },
    lines: [...removed.lines.map(marked("-")), ...added.lines.map(marked("+"))],
  };
}

const NO_LINE_END = "\\ No newline at end of file";

function splitLines(text: string): { lines: string[]; count: number } {
  if (text === "") return { lines: [], count: 0 };
  const lines = text.split("\n");
  if (lines.at(-1) === "") return { lines: lines.slice(0, -1), count: lines.length - 1 };
  return { lines: [...lines, NO_LINE_END], count: lines.length };
}

/** As git writes a name that holds a quote or a backslash; other unusual characters stand as they are. */
function quoted(name: string): string {
  return /["\\]/.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name;
}
