import type { InputProblem } from "@logomesh/contracts";
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Document, type LineCounter } from "yaml";

export type Path = (string | number)[];

/** More is noise. */
const PROBLEMS_MAX = 50;

/** Messages name what they are about, which may be a whole page. */
const MESSAGE_CHARS_MAX = 500;

function shorten(message: string): string {
  return message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
}

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
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(this.locate(path, message));
  }

  warn(path: Path, message: string): void {
    if (this.warnings.length < PROBLEMS_MAX) this.warnings.push(this.locate(path, message));
  }

  /** A fault of the YAML text itself, at an offset in it. */
  addAt(offset: number, message: string, path: Path = []): void {
    if (this.problems.length >= PROBLEMS_MAX) return;
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({
      pointer: toPointer(path),
      message: shorten(message),
      line: Math.max(1, line),
      column: Math.max(1, col),
    });
  }

  /** The place of a path: the key of a member, the item of a list, else what encloses them nearest. */
  locate(path: Path, message: string): InputProblem {
    let node: unknown = this.#document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const step of path) {
      // What an alias stands for is somewhere else: the alias is the place.
      if (isAlias(node)) break;
      const next = isMap(node)
        ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
        : isSeq(node)
          ? node.items[Number(step)]
          : undefined;
      const shown = isPair(next) ? next.key : next;
      if (!isNode(shown)) break;
      offset = shown.range?.[0] ?? offset;
      node = isPair(next) ? next.value : next;
    }
    const { line, col } = this.#lines.linePos(offset);
    return { pointer: toPointer(path), message: shorten(message), line: Math.max(1, line), column: Math.max(1, col) };
  }
}
