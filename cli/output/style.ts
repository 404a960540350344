/** Colours where they are wanted; otherwise the words alone. */
export interface Style {
  bold: (text: string) => string;
  dim: (text: string) => string;
  red: (text: string) => string;
  green: (text: string) => string;
  yellow: (text: string) => string;
  cyan: (text: string) => string;
}

export function createStyle(hasColour: boolean): Style {
  const paint =
    (code: number) =>
    (text: string): string =>
      hasColour ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) };
}

/**
 * Text of plugins, models and files as it may be shown: control characters, escape sequences and bidirectional overrides become visible,
 * so that nobody can move the cursor, colour a line or hide a word. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character < "\u0020"
      ? String.fromCharCode(0x2400 + character.charCodeAt(0))
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Icon and word of a status, the same words as everywhere. */
export function statusText(status: string, style: Style): string {
  const [icon, paint] = STATUS[status] ?? ["·", (text: string) => text];
  return typeof paint === "string" ? style[paint](`${icon} ${status}`) : `${icon} ${status}`;
}

const STATUS: Readonly<Record<string, readonly [icon: string, paint: keyof Style] | undefined>> = {
  pending: ["○", "dim"],
  running: ["▶", "cyan"],
  waiting: ["◷", "cyan"],
  suspended: ["‖", "yellow"],
  cancelled: ["⊘", "yellow"],
  faulted: ["✗", "red"],
  skipped: ["↷", "dim"],
  completed: ["✓", "green"],
  unknown: ["?", "yellow"],
};

/** Rows as columns of equal width. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))),
      )
      .join("  ")
      .trimEnd(),
  );
}

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

/** Without the colours around it. */
function widthOf(text: string): number {
  return Array.from(text.replace(ANSI, "")).length;
}
