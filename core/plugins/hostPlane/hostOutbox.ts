import type { Duplex } from "node:stream";
import type { JsonObject } from "@logomesh/contracts";

/** Bytes on their way to a plugin that does not read; above them nothing more is read from it either. */
const OUTBOUND_BYTES_MAX = 4 * 1024 * 1024;

/** What goes to the plugin: written once per turn. A plugin that does not read its answers is not listened to until it does. */
export class HostOutbox {
  readonly #stream: Duplex;
  readonly #lineBytesMax: number;
  #lines: string[] = [];
  #chars = 0;
  #isPaused = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(stream: Duplex, lineBytesMax: number) {
    this.#stream = stream;
    this.#lineBytesMax = lineBytesMax;
    stream.on("drain", () => this.#resume());
  }

  /** False when the message is longer than the plugin reads; nothing is sent then. */
  send(message: JsonObject): boolean {
    if (this.#isClosed) return true;
    const line = JSON.stringify(message);
    // A UTF-16 unit becomes three bytes at most: short texts need not be counted.
    if (line.length * 3 > this.#lineBytesMax && Buffer.byteLength(line) > this.#lineBytesMax) return false;
    if (this.#lines.length === 0) queueMicrotask(() => this.#flush());
    this.#lines.push(line, "\n");
    this.#chars += line.length + 1;
    return true;
  }

  get hasRoom(): boolean {
    return !this.#isClosed && this.#stream.writableLength + this.#chars < OUTBOUND_BYTES_MAX;
  }

  /** Resolves when there is room for more, or nobody left to send to. */
  async writable(): Promise<void> {
    if (this.#isClosed || this.hasRoom) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    this.#lines = [];
    this.#wake();
  }

  #flush(): void {
    if (this.#isClosed || this.#lines.length === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#chars = 0;
    this.#stream.write(text);
    if (this.#stream.writableLength < OUTBOUND_BYTES_MAX || this.#isPaused) return;
    this.#isPaused = true;
    this.#stream.pause();
  }

  #resume(): void {
    if (this.#isPaused) this.#stream.resume();
    this.#isPaused = false;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
