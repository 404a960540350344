/** Characters that a terminal obeys instead of showing: C0 and C1 controls, and marks that turn the direction of writing. */
const CONTROL = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of plugins, models and files as it may be shown: control characters, escape sequences and bidirectional overrides become visible,
 * so that nobody can move the cursor, colour a line or hide a word. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROL, picture);
}

/** As `visible`, for a place within a line: a line end in a name must not look like a line of ours. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, picture);
}

/** As `visible`, for a text of several lines within ours: none of its lines begins where ours do. */
export function visibleBlock(text: string, indent: string): string {
  return visible(text).replaceAll("\n", `\n${indent}`);
}

/** `1 call`, `2 calls`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** JSON text that a terminal shows and a parser reads: what JSON leaves as it is, but a terminal obeys, is escaped. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(CONTROL, (character) => `\\u${codeOf(character).toString(16).padStart(4, "0")}`);
}

/** The symbol that Unicode has for a control character, else its number. */
function picture(character: string): string {
  const code = codeOf(character);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u{${code.toString(16)}}`;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
/** East Asian wide and emoji: two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO_WIDTH = /\p{Mn}|\p{Me}|[\u200b-\u200d]/u;

/** Columns that a line takes in a terminal, without the colours in it. */
export function widthOf(line: string): number {
  let width = 0;
  for (const character of line.replace(COLOUR, "")) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** The beginning of a line without colours that fits, with `…` where something was cut. */
export function truncate(line: string, columns: number): string {
  return widthOf(line) <= columns ? line : `${fitting(Array.from(line), columns - 1).join("")}…`;
}

/** As `truncate`, but keeps the end of the line. */
export function truncateStart(line: string, columns: number): string {
  return widthOf(line) <= columns
    ? line
    : `…${fitting(Array.from(line).reverse(), columns - 1)
        .reverse()
        .join("")}`;
}

function fitting(characters: string[], columns: number): string[] {
  let width = 0;
  const end = characters.findIndex((character) => (width += columnsOf(character)) > columns);
  return end === -1 ? characters : characters.slice(0, end);
}

/** A line broken at its spaces; what follows the first is indented as it is. A word longer than the line stays whole. */
export function wrap(line: string, columns: number): string[] {
  if (widthOf(line) <= columns) return [line];
  const indent = /^\s*(?:- )?/.exec(line)?.[0].length ?? 0;
  const lines: string[] = [];
  let current = line.slice(0, indent);
  let isEmpty = true;
  for (const word of line.slice(indent).split(" ")) {
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current);
      current = " ".repeat(indent) + word;
    } else {
      current += isEmpty ? word : ` ${word}`;
    }
    isEmpty = false;
  }
  return [...lines, current];
}
