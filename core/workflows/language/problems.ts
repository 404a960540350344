import type { InputProblem } from "@logomesh/contracts";
import { isNode, isPair, isMap, type Document, type LineCounter, type Node } from "yaml";

export type Path = (string | number)[];

/** More is noise. */
const PROBLEMS_MAX = 50;

/** JSON pointer (RFC 6901) of a path. */
export function toPointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Collects faults of a document, each with pointer, line and column. */
export class Problems {
  readonly problems: InputProblem[] = [];
  readonly warnings: InputProblem[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  add(path: Path, message: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(this.#locate(path, message));
  }

  warn(path: Path, message: string): void {
    if (this.warnings.length < PROBLEMS_MAX) this.warnings.push(this.#locate(path, message));
  }

  /** A fault of the YAML text itself. */
  addAt(offset: number, message: string): void {
    if (this.problems.length >= PROBLEMS_MAX) return;
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ pointer: "", message, line: Math.max(1, line), column: Math.max(1, col) });
  }

  /** The nearest place in the text: the value itself, else its key, else whatever encloses it. */
  #locate(path: Path, message: string): InputProblem {
    for (let length = path.length; length >= 0; length--) {
      const offset = this.#offsetOf(path.slice(0, length));
      if (offset !== undefined) {
        const { line, col } = this.#lines.linePos(offset);
        return { pointer: toPointer(path), message, line, column: col };
      }
    }
    return { pointer: toPointer(path), message, line: 1, column: 1 };
  }

  #offsetOf(path: Path): number | undefined {
    if (path.length === 0) return 0;
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    const last = path.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isNode(item.key) && String((item.key as { value?: unknown }).value) === String(last),
      );
      const key = pair?.key;
      if (isNode(key)) return (key as Node).range?.[0];
    }
    const node = this.#document.getIn(path, true);
    return isNode(node) ? node.range?.[0] : undefined;
  }
}
