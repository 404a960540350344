import type { JsonObject, ToolProgress } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";

/** So many may come at once; then the latest of each interval is told. */
const BURST = 10;
const INTERVAL_MS = 100;
const MESSAGE_CHARS_MAX = 500;

/** Progress that a plugin tells of one call, as far as it makes sense, at a bearable pace. */
export class ProgressRelay implements Disposable {
  readonly #clock: Clock;
  readonly #listener: (progress: ToolProgress) => void;
  #highest = -1;
  #waiting: ToolProgress | undefined;
  #timer: Disposable | undefined;
  #left = BURST;
  #countedAtMs: number;

  constructor(clock: Clock, listener: (progress: ToolProgress) => void) {
    this.#clock = clock;
    this.#listener = listener;
    this.#countedAtMs = clock.monotonicMs();
  }

  /** Parameters of `notifications/progress` as the plugin sent them; numbers that do not rise are dropped. */
  receive(params: JsonObject): void {
    const progress = readProgress(params);
    if (progress === undefined || progress.progress <= this.#highest) return;
    this.#highest = progress.progress;
    this.#waiting = progress;
    if (this.#timer === undefined) this.#tell();
  }

  /** What still waits is not told: the answer says more. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#waiting = undefined;
  }

  #tell(): void {
    if (this.#waiting === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(BURST, this.#left + (nowMs - this.#countedAtMs) / INTERVAL_MS);
    this.#countedAtMs = nowMs;
    if (this.#left < 1) {
      this.#timer = this.#clock.setTimer(INTERVAL_MS, () => {
        this.#timer = undefined;
        this.#tell();
      });
      return;
    }
    this.#left -= 1;
    const progress = this.#waiting;
    this.#waiting = undefined;
    this.#listener(progress);
  }
}

function readProgress({ progress, total, message }: JsonObject): ToolProgress | undefined {
  if (!isCount(progress)) return undefined;
  return {
    progress,
    ...(isCount(total) && total > 0 ? { total } : {}),
    ...(typeof message === "string" ? { message: message.slice(0, MESSAGE_CHARS_MAX).toWellFormed() } : {}),
  };
}

/** JSON has numbers like 1e999, which are read as infinite. */
function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
