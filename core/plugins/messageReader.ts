// Bytes of a plugin to JSON values. Whatever the plugin writes, at most one line is held, nothing is parsed that is nested too deeply,
// and what is not UTF-8 or not JSON is a violation, never an exception.

/** Deeper JSON would overflow parsers further on. */
const NESTING_MAX = 64;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export interface MessageReaderOptions {
  lineBytesMax: number;
  onMessage: (message: unknown) => void;
  /** What came is dropped. */
  onViolation: (what: string) => void;
  /** The plugin has to go. */
  onFatal: (what: string) => void;
}

export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isDone = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return;
      this.#endLine();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): boolean {
    if (this.#isDone) return false;
    this.#bytes += part.length;
    if (this.#bytes > this.#options.lineBytesMax) {
      this.#fail(`sent a line of more than ${this.#options.lineBytesMax} bytes`);
      return false;
    }
    this.#chunks.push(part);
    return true;
  }

  #endLine(): void {
    const line = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#bytes = 0;
    if (line.length === 0 || line.toString("latin1").trim() === "") return;
    if (isTooDeep(line)) {
      this.#fail(`sent JSON nested more than ${NESTING_MAX} deep`);
      return;
    }
    let message: unknown;
    try {
      message = JSON.parse(this.#decoder.decode(line));
    } catch {
      this.#options.onViolation("a line that is not JSON in UTF-8");
      return;
    }
    this.#options.onMessage(message);
  }

  #fail(what: string): void {
    this.#isDone = true;
    this.#chunks = [];
    this.#options.onFatal(what);
  }
}

/** Counts brackets outside of strings, before anything is parsed. */
function isTooDeep(line: Buffer): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < line.length; index += 1) {
    const byte = line[index] ?? 0;
    if (isInString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > NESTING_MAX) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}

/** The last bytes of a stream, as lines. */
export class TailBuffer {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk.length > this.#bytesMax ? chunk.subarray(-this.#bytesMax) : chunk);
    this.#bytes += Math.min(chunk.length, this.#bytesMax);
    if (this.#bytes <= 2 * this.#bytesMax) return;
    const tail = Buffer.concat(this.#chunks).subarray(-this.#bytesMax);
    this.#chunks = [tail];
    this.#bytes = tail.length;
  }

  lines(): string[] {
    const text = Buffer.concat(this.#chunks).subarray(-this.#bytesMax).toString("utf8");
    return text.split("\n").filter((line) => line.trim() !== "");
  }
}
