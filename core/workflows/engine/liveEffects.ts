import type { Clock } from "../../ports/index.ts";
import { toRow, type Frame } from "../interpreter/index.ts";
import { summarizeTask } from "../store/rows.ts";
import type { StoredTask } from "../store/workflowStore.ts";
import type { EffectOrder, EffectReport, EffectRunner } from "./effectRunner.ts";
import type { RunIdentity } from "./lifecycle.ts";
import type { RunHub } from "./runHub.ts";

/** How long a step that was stopped may take to let go before the run goes on without it. */
const ABORT_GRACE_MS = 2_000;

/** The run goes on later: child runs that it waits for are left alone. */
export class RunLeft extends DOMException {
  constructor() {
    super("The run is suspended.", "AbortError");
  }
}

interface Live {
  frame: Frame;
  abort: AbortController;
  settled: Promise<void>;
  /** What it waits for before it is performed. */
  waitsFor?: string | undefined;
}

export interface LiveEffectsOptions {
  run: RunIdentity;
  effects: EffectRunner;
  hub: RunHub;
  clock: Clock;
  /** Called with the outcome of an effect, unless it was stopped. */
  onReport: (frame: Frame, report: EffectReport) => void;
}

/** What a run has going on outside: begins effects, stops them, and knows which of them wait for their turn. */
export class LiveEffects {
  readonly #options: LiveEffectsOptions;
  readonly #live = new Map<number, Live>();

  constructor(options: LiveEffectsOptions) {
    this.#options = options;
  }

  launch(frame: Frame, state: Pick<EffectOrder, "simulated" | "tainted" | "onTaint" | "priority">): void {
    const { run, effects, hub } = this.#options;
    const abort = new AbortController();
    const live: Live = { frame, abort, settled: Promise.resolve() };
    this.#live.set(frame.seq, live);
    live.settled = effects
      .run({
        ...state,
        ...{ runId: run.runId, definitionHash: run.hash, frame, signal: abort.signal },
        onWait: (reason) => this.#onWait(live, reason),
        onText: (delta) => hub.publish(run.runId, { type: "token", runId: run.runId, taskSeq: frame.seq, delta }),
        onProgress: (progress) =>
          hub.publish(run.runId, { type: "progress", runId: run.runId, taskSeq: frame.seq, progress }),
      })
      .then((report) => {
        if (this.#live.get(frame.seq) === live) this.#live.delete(frame.seq);
        if (!abort.signal.aborted) this.#options.onReport(frame, report);
      });
  }

  abort(seq: number): void {
    this.#live.get(seq)?.abort.abort();
  }

  /** Aborts every effect and waits, within the grace, for the executors to let go. */
  async abortAll(reason?: RunLeft): Promise<{ steps: number; letGo: number }> {
    const live = [...this.#live.values()];
    for (const { abort } of live) abort.abort(reason);
    await this.#settle(live, ABORT_GRACE_MS);
    return { steps: live.length, letGo: live.filter(({ frame }) => !this.#live.has(frame.seq)).length };
  }

  /** Waits, within the limit, for what must not happen twice. */
  finishOnce(graceMs: number): Promise<void> {
    const once = ({ frame }: Live): boolean => frame.locals.kind === "effect" && frame.locals.effect === "once";
    return this.#settle([...this.#live.values()].filter(once), graceMs);
  }

  /** The row of a live task, with what it waits for. */
  withWait(row: StoredTask): StoredTask {
    const waitsFor = this.#live.get(row.seq)?.waitsFor;
    return waitsFor === undefined ? row : { ...row, status: "pending", details: JSON.stringify({ waitsFor }) };
  }

  async #settle(live: readonly Live[], graceMs: number): Promise<void> {
    if (live.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(graceMs, resolve);
      void Promise.all(live.map(({ settled }) => settled)).then(() => {
        timer[Symbol.dispose]();
        resolve();
      });
    });
  }

  /** Shown, never stored: after a restart it waits for another turn. */
  #onWait(live: Live, reason: string | undefined): void {
    const { hub, run } = this.#options;
    live.waitsFor = reason;
    if (!hub.hears(run.runId)) return;
    const row = this.withWait(toRow(live.frame, { status: "running", endedAtMs: null }));
    hub.publish(run.runId, { type: "task", runId: run.runId, task: summarizeTask(row) });
  }
}
