import type { Clock } from "../../ports/index.ts";

/** Text of a model comes word by word; so many notifications a second are enough to read along. */
const INTERVAL_MS = 40;

/** Collects text that comes bit by bit and hands it on at a bearable pace. */
export class ProgressText implements Disposable {
  readonly #clock: Clock;
  readonly #send: (text: string, charsSoFar: number) => void;
  #text = "";
  #chars = 0;
  #timer: Disposable | undefined;

  constructor(clock: Clock, send: (text: string, charsSoFar: number) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(text: string): void {
    this.#text += text;
    this.#timer ??= this.#clock.setTimer(INTERVAL_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#text === "") return;
    this.#chars += this.#text.length;
    this.#send(this.#text, this.#chars);
    this.#text = "";
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}
