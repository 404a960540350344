import type { JsonObject, ToolProgress } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";

/** So often a caller is told how far a call is; what comes in between is replaced by the next. */
const INTERVAL_MS = 100;
const MESSAGE_CHARS_MAX = 500;

/** Progress that a plugin tells of one call, as far as it makes sense, at a bearable pace. */
export class ProgressRelay implements Disposable {
  readonly #clock: Clock;
  readonly #listener: (progress: ToolProgress) => void;
  #highest = -1;
  #waiting: ToolProgress | undefined;
  #timer: Disposable | undefined;

  constructor(clock: Clock, listener: (progress: ToolProgress) => void) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Parameters of `notifications/progress` as the plugin sent them; numbers that do not rise are dropped. */
  receive(params: JsonObject): void {
    const progress = readProgress(params);
    if (progress === undefined || progress.progress <= this.#highest) return;
    this.#highest = progress.progress;
    if (this.#timer === undefined) this.#tell(progress);
    else this.#waiting = progress;
  }

  /** What still waits is not told: the answer says more. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#waiting = undefined;
  }

  #tell(progress: ToolProgress): void {
    this.#waiting = undefined;
    this.#timer = this.#clock.setTimer(INTERVAL_MS, () => {
      this.#timer = undefined;
      if (this.#waiting !== undefined) this.#tell(this.#waiting);
    });
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
