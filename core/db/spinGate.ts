// Waking a thread that sleeps costs more (some 100 µs on virtual machines) than most commits. So both ends of the writer's queue stay awake
// for a moment when something is due. That pays only while it mostly comes within that moment: on a slow disk or a busy machine it does
// not, and the gate closes by itself. A hit earns one credit, a miss costs four.

const CREDIT_MAX = 16;
const MISS_COST = 4;
/** Without credit so many waits go by before staying awake is tried again. */
const SKIPPED = 32;

export class SpinGate {
  readonly #windowMs: number;
  #credit = MISS_COST;
  #skip = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Until when to stay awake; undefined when it would not pay. Whoever stays awake says how it ended. */
  open(nowMs: number): number | undefined {
    if (this.#credit < MISS_COST) {
      this.#skip -= 1;
      if (this.#skip > 0) return undefined;
      this.#credit = MISS_COST;
    }
    return nowMs + this.#windowMs;
  }

  /** What was awaited came in time. */
  hit(): void {
    this.#credit = Math.min(CREDIT_MAX, this.#credit + 1);
  }

  miss(): void {
    this.#credit -= MISS_COST;
    if (this.#credit < MISS_COST) this.#skip = SKIPPED;
  }
}
