import { LogoMeshError, type Actor, type Lockdown } from "@logomesh/contracts";
import { backoffDelayMs, messageOf, toDisposable } from "../base/index.ts";
import type { AuditLog, Clock, Logger, Reader, Writer } from "../ports/index.ts";
import type { ClearLockdownParams, SetLockdownParams } from "./policyWriterModule.ts";

// The switch that stops everything privileged. States: off ⇄ on. It is on from the moment that it is turned, in memory; the row that makes
// it survive a restart follows, and is tried again while it cannot be written. What triggers it by itself has a cause: leaving acknowledges
// the causes there are, and an acknowledged cause does not trigger it again.

const LEAVE = "logomesh lockdown off, or the button in the red banner, once the reason is dealt with";
const STORE_BACKOFF = { initialMs: 500, factor: 2, maxMs: 30_000 };

export interface LockdownSwitchOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
  clock: Clock;
  logger: Logger;
}

/** Why it is turned on. */
export interface LockdownOrder {
  reason: string;
  by: Actor;
  /** What is wrong, in the same words each time; acknowledged by leaving. Left out, it triggers again each time. */
  cause?: string;
}

type State = Extract<Lockdown, { on: true }>;

export class LockdownSwitch implements Disposable {
  readonly #options: LockdownSwitchOptions;
  readonly #listeners = new Set<(state: Lockdown) => void>();
  readonly #causes = new Set<string>();
  #state: State | undefined;
  #retry: Disposable | undefined;

  /** As the database says: what was on at the last stop is on now. */
  constructor(options: LockdownSwitchOptions) {
    this.#options = options;
    const row = options.reader.get("SELECT reason, set_by, set_at, cause FROM lockdown");
    if (row === undefined) return;
    this.#state = stateOf({ reason: String(row.reason), setBy: String(row.set_by), setAtMs: Number(row.set_at) });
    if (row.cause !== null) this.#causes.add(String(row.cause));
  }

  get state(): Lockdown {
    return this.#state ?? { on: false };
  }

  /** What a denial says; undefined while it is off. */
  get denial(): string | undefined {
    return this.#state === undefined
      ? undefined
      : `LogoMesh is locked down: ${this.#state.reason.replace(/[.!?]?$/, ".")} To leave: ${this.#state.leave}.`;
  }

  /** What is thrown at work that was under way. */
  stopError(): LogoMeshError {
    return new LogoMeshError("LM_POLICY_LOCKDOWN", `LogoMesh is locked down: ${this.#state?.reason ?? ""}`);
  }

  /** Called at once when it is turned on or off; listeners must not throw. */
  onDidChange(listener: (state: Lockdown) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
  }

  /** On from the call on; resolves when that survives a restart. The first reason stays. @throws LogoMeshError LM_AUDIT_*, LM_DB_* */
  async on(order: LockdownOrder): Promise<void> {
    if (order.cause !== undefined) this.#causes.add(order.cause);
    if (this.#state !== undefined) return;
    const { reason, by } = order;
    const setAtMs = this.#options.clock.nowMs();
    const setBy = `${by.type}:${by.id}`;
    this.#state = stateOf({ reason, setBy, setAtMs });
    this.#options.logger.error({ reason, setBy }, "locked down; nothing privileged runs");
    for (const listener of this.#listeners) listener(this.#state);
    await this.#store({ reason, setBy, setAtMs, cause: order.cause ?? null }, { by, failures: 0 });
  }

  /** Turns it on by itself, unless the cause was acknowledged. Never throws. */
  trigger(order: { reason: string; system: string; cause?: string }): void {
    const { reason, system, cause } = order;
    if (cause !== undefined && this.#isAcknowledged(cause)) return;
    this.on({ reason, by: { type: "system", id: system }, ...(cause === undefined ? {} : { cause }) }).catch(
      (error: unknown) => {
        this.#options.logger.error({ error: messageOf(error) }, "the lockdown is on, but could not be stored yet");
      },
    );
  }

  /** Resolves when it is off for good. @throws LogoMeshError LM_AUDIT_*, LM_DB_* when that cannot be written: then it stays on */
  async off(by: Actor): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    const { writer, audit, logger } = this.#options;
    const causes = [...this.#causes];
    const clearedBy = `${by.type}:${by.id}`;
    await writer.run([
      { name: "policy.clearLockdown", params: { causes, clearedBy } satisfies ClearLockdownParams },
      audit.command({ kind: "lockdown.off", actor: by, data: { reason: state.reason, acknowledged: causes } }),
    ]);
    this.#retry?.[Symbol.dispose]();
    this.#causes.clear();
    this.#state = undefined;
    logger.warn({ clearedBy }, "the lockdown was left");
    for (const listener of this.#listeners) listener({ on: false });
  }

  [Symbol.dispose](): void {
    this.#retry?.[Symbol.dispose]();
  }

  async #store(params: SetLockdownParams, { by, failures }: { by: Actor; failures: number }): Promise<void> {
    const { writer, audit, clock } = this.#options;
    const data = { reason: params.reason, ...(params.cause === null ? {} : { cause: params.cause }) };
    try {
      await writer.run([
        { name: "policy.setLockdown", params },
        audit.command({ kind: "lockdown.on", actor: by, data }),
      ]);
    } catch (error) {
      const again = failures + 1;
      this.#retry = clock.setTimer(backoffDelayMs(STORE_BACKOFF, again), () => {
        this.#store(params, { by, failures: again }).catch(() => undefined);
      });
      throw error;
    }
  }

  #isAcknowledged(cause: string): boolean {
    return this.#options.reader.get("SELECT 1 FROM lockdown_acknowledged WHERE cause = ?", cause) !== undefined;
  }
}

function stateOf({ reason, setBy, setAtMs }: { reason: string; setBy: string; setAtMs: number }): State {
  return { on: true, reason, setBy, setAt: new Date(setAtMs).toISOString(), leave: LEAVE };
}
