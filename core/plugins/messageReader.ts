import { isUtf8 } from "node:buffer";

// Bytes of a plugin to JSON values. Whatever the plugin writes, at most one line is held, nothing is parsed that is nested too deeply,
// and what is not UTF-8 or not JSON is a violation, never an exception.

/** Deeper JSON would overflow parsers further on. */
const NESTING_MAX = 64;

/** A line that comes in pieces starts with so much room, and doubles it. */
const ROOM_BYTES = 4_096;

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
  /** The beginning of a line whose end has not come; one piece of memory, however small the pieces it came in. */
  #room = Buffer.alloc(0);
  #held = 0;
  #isDone = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end);
      if (!this.#fits(part)) return;
      this.#endLine(this.#held === 0 ? part : this.#whole(part));
      if (this.#isDone) return;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    if (rest.length > 0 && this.#fits(rest)) this.#hold(rest);
  }

  /** Nothing is heard any more, also of what was pushed already. */
  stop(): void {
    this.#isDone = true;
    this.#room = Buffer.alloc(0);
  }

  #fits(part: Buffer): boolean {
    if (this.#isDone) return false;
    if (this.#held + part.length <= this.#options.lineBytesMax) return true;
    this.#fail(`sent a line of more than ${this.#options.lineBytesMax} bytes`);
    return false;
  }

  #hold(part: Buffer): void {
    const needed = this.#held + part.length;
    if (needed > this.#room.length) {
      const room = Math.min(this.#options.lineBytesMax, Math.max(needed, ROOM_BYTES, 2 * this.#room.length));
      const larger = Buffer.allocUnsafeSlow(room);
      this.#room.copy(larger, 0, 0, this.#held);
      this.#room = larger;
    }
    part.copy(this.#room, this.#held);
    this.#held = needed;
  }

  #whole(end: Buffer): Buffer {
    this.#hold(end);
    const line = this.#room.subarray(0, this.#held);
    this.#room = Buffer.alloc(0);
    this.#held = 0;
    return line;
  }

  #endLine(line: Buffer): void {
    if (isTooDeep(line)) {
      this.#fail(`sent JSON nested more than ${NESTING_MAX} deep`);
      return;
    }
    let message: unknown;
    try {
      if (!isUtf8(line)) throw new SyntaxError("not UTF-8");
      message = JSON.parse(line.toString("utf8"));
    } catch {
      this.#options.onViolation("a line that is not JSON in UTF-8");
      return;
    }
    this.#options.onMessage(message);
  }

  #fail(what: string): void {
    this.stop();
    this.#options.onFatal(what);
  }
}

/** In longer strings the end is looked for natively, which is a hundred times as fast and costs more to begin. */
const LONG_STRING_BYTES = 64;

/** Counts brackets outside of strings, before anything is parsed. */
function isTooDeep(line: Buffer): boolean {
  if (line.length <= NESTING_MAX) return false;
  let depth = 0;
  let isInString = false;
  let stringStart = 0;
  // The next of each, as far as they were looked for.
  let [quote, backslash] = [-1, -1];
  for (let index = 0; index < line.length; index += 1) {
    const byte = line[index] ?? 0;
    if (isInString) {
      if (byte === BACKSLASH) {
        index += 1;
        // Where there is one, the next is rarely far.
        stringStart = index;
      } else if (byte === QUOTE) isInString = false;
      else if (index - stringStart > LONG_STRING_BYTES) {
        if (quote < index) quote = nextOf(line, QUOTE, index);
        if (backslash < index) backslash = nextOf(line, BACKSLASH, index);
        index = Math.min(quote, backslash) - 1;
      }
    } else if (byte === QUOTE) {
      isInString = true;
      stringStart = index;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > NESTING_MAX) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}

function nextOf(line: Buffer, byte: number, from: number): number {
  const found = line.indexOf(byte, from);
  return found === -1 ? line.length : found;
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
