/** The only source of time. Tests advance a fake one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonicMs(): number;
  /** Calls once after the delay, unless disposed before. Delays beyond 2^31 ms work. */
  setTimer(delayMs: number, callback: () => void): Disposable;
}
