import type { IdSource } from "../../base/index.ts";
import type { Clock, Logger } from "../../ports/index.ts";
import type { WorkflowStore } from "../store/workflowStore.ts";

// The lease of one engine among several on one store. It is one row for the engine, whatever the number of its runs, so that renewing it
// costs steps nothing. Whoever finds a lease that has run out takes the row away in the transaction that claims the runs; an engine
// that then renews hears that its row is gone, lets go of what it had, and goes on under a new name. Until it hears of it (it may be
// paused), the epoch of each run keeps its late writes out.

/** Without a renewal for so long, an engine is taken for dead. Three renewals may be late. */
const LEASE_MS = 6_000;
/** Also how often an engine looks for leases of others that have run out: runs are owned again within both, 8 s. */
const RENEW_MS = 2_000;

export interface EngineLeaseOptions {
  store: WorkflowStore;
  clock: Clock;
  ids: IdSource;
  logger: Logger;
  /** Somebody has taken over what this engine had. Called before it goes on under its new name. */
  onLost: () => Promise<void>;
  /** The lease of another engine has run out. */
  onExpired: () => Promise<void>;
}

export class EngineLease implements AsyncDisposable {
  readonly #options: EngineLeaseOptions;
  #engineId: string;
  #isHeld = false;
  #opened: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #ticking = Promise.resolve();
  #isOver = false;

  constructor(options: EngineLeaseOptions) {
    this.#options = options;
    this.#engineId = options.ids.next("engine");
  }

  /** Owner of the runs that this engine takes now. */
  get engineId(): string {
    return this.#engineId;
  }

  /** Takes the lease and keeps it. Resolves when it is held. */
  open(): Promise<void> {
    this.#opened ??= this.#tick();
    return this.#opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#timer?.[Symbol.dispose]();
    await this.#ticking;
  }

  #tick(): Promise<void> {
    const { clock } = this.#options;
    this.#ticking = this.#renew().finally(() => {
      if (!this.#isOver) this.#timer = clock.setTimer(RENEW_MS, () => void this.#tick());
    });
    return this.#ticking;
  }

  async #renew(): Promise<void> {
    const { store, clock, ids, logger, onLost, onExpired } = this.#options;
    try {
      const nowMs = clock.nowMs();
      const wasHeld = await store.renewLease({ engineId: this.#engineId, untilMs: nowMs + LEASE_MS });
      if (this.#isHeld && !wasHeld) {
        logger.warn(
          { engine: this.#engineId },
          "another engine has taken over, because this one was not heard of in time",
        );
        this.#engineId = ids.next("engine");
        await onLost();
        await store.renewLease({ engineId: this.#engineId, untilMs: clock.nowMs() + LEASE_MS });
      }
      this.#isHeld = true;
      if (store.hasExpiredLease(clock.nowMs())) await onExpired();
    } catch (error) {
      // The next turn tries again; if that is too late, somebody else takes over.
      logger.error({ err: error }, "the lease of the engine could not be renewed");
    }
  }
}
