import { widthOf } from "./text.ts";

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

/** Icon and word of a status, the same words as everywhere. */
export function statusText(status: string, style: Style): string {
  const [icon, colour] = STATUS[status] ?? ["·", "dim"];
  return style[colour](`${icon} ${status}`);
}

const STATUS: Readonly<Record<string, readonly [icon: string, colour: keyof Style] | undefined>> = {
  pending: ["○", "dim"],
  running: ["▶", "cyan"],
  waiting: ["◷", "cyan"],
  suspended: ["‖", "yellow"],
  cancelled: ["⊘", "yellow"],
  faulted: ["✗", "red"],
  skipped: ["↷", "dim"],
  completed: ["✓", "green"],
  unknown: ["?", "yellow"],
  approved: ["✓", "green"],
  rejected: ["⊘", "yellow"],
  expired: ["◷", "dim"],
  failed: ["✗", "red"],
  undone: ["↶", "yellow"],
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
