import type { ToolProgress } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { truncate, visibleLine } from "./text.ts";

/** `3/10 reading`: what a tool tells of how far it is, as one line. */
export function progressText({ progress, total, message = "" }: ToolProgress): string {
  const count = total === undefined ? shortNumber(progress) : `${shortNumber(progress)}/${shortNumber(total)}`;
  return `${count} ${message}`.trim();
}

function shortNumber(value: number): string {
  return Math.abs(value) < 1e12 ? String(Math.round(value * 100) / 100) : value.toExponential(2);
}

/** A line on the terminal that is drawn anew with each progress; without a terminal nothing. */
export class ProgressLine {
  readonly #context: CliContext;
  #isDrawn = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  show(progress: ToolProgress): void {
    const { isInteractive, draw, noteColumns, noteStyle } = this.#context;
    if (!isInteractive) return;
    this.clear();
    draw(noteStyle.dim(truncate(visibleLine(progressText(progress)), noteColumns - 1)));
    this.#isDrawn = true;
  }

  clear(): void {
    if (this.#isDrawn) this.#context.draw("\r\u001b[2K");
    this.#isDrawn = false;
  }
}
