/** The longest line the workbench may send: the highest `max_message_bytes` of a manifest. */
export const LINE_BYTES_MAX = 8_388_608;

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines, refusing those above the limit without holding them. */
export class LineReader {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #length = 0;
  #skipping = false;

  constructor(limit: number = LINE_BYTES_MAX) {
    this.#limit = limit;
  }

  /** The lines that this chunk completes; `undefined` stands for one that was too long. */
  push(chunk: Buffer): (Buffer | undefined)[] {
    const lines: (Buffer | undefined)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(chunk.subarray(start, end));
      lines.push(this.#skipping ? undefined : Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      this.#skipping = false;
      start = end + 1;
    }
    this.#take(chunk.subarray(start));
    return lines;
  }

  #take(part: Buffer): void {
    if (part.length === 0 || this.#skipping) return;
    this.#length += part.length;
    if (this.#length > this.#limit) {
      this.#skipping = true;
      this.#parts = [];
      return;
    }
    this.#parts.push(part);
  }
}
