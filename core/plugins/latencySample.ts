/** Latest calls that the percentiles are made of. */
const SAMPLE_MAX = 200;

/** Percentiles of the latest calls. */
export class LatencySample {
  readonly #values: number[] = [];
  #next = 0;

  add(durationMs: number): void {
    this.#values[this.#next] = durationMs;
    this.#next = (this.#next + 1) % SAMPLE_MAX;
  }

  /** Nothing before the first call. */
  describe(): { callP50Ms?: number; callP99Ms?: number } {
    if (this.#values.length === 0) return {};
    const sorted = [...this.#values].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { callP50Ms: at(0.5), callP99Ms: at(0.99) };
  }
}
