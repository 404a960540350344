import { LogoMeshError, type Plugin } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";

const CRASH_WINDOW_MS = 5 * 60_000;
const CRASHES_MAX = 3;
const PAUSE_FIRST_MS = 500;
const QUARANTINE_MS = 5 * 60_000;

/** The crashes of one plugin: after each a pause that doubles, after three in five minutes the quarantine. */
export class CrashRecord {
  readonly #pluginId: string;
  readonly #clock: Clock;
  #atMs: number[] = [];
  #retryAtMs = 0;
  #last: Plugin["lastCrash"];

  constructor({ pluginId, clock }: { pluginId: string; clock: Clock }) {
    this.#pluginId = pluginId;
    this.#clock = clock;
  }

  get last(): Plugin["lastCrash"] {
    return this.#last;
  }

  /** The state that the plugin is in now. */
  add(error: LogoMeshError): "crashed" | "quarantined" {
    const nowMs = this.#clock.monotonicMs();
    this.#last = { at: new Date(this.#clock.nowMs()).toISOString(), code: error.code, reason: error.message };
    this.#atMs = [...this.#atMs.filter((atMs) => nowMs - atMs < CRASH_WINDOW_MS), nowMs];
    const isQuarantined = this.#atMs.length >= CRASHES_MAX;
    this.#retryAtMs = nowMs + (isQuarantined ? QUARANTINE_MS : PAUSE_FIRST_MS * 2 ** (this.#atMs.length - 1));
    return isQuarantined ? "quarantined" : "crashed";
  }

  /** Until the pause after a crash is over; undefined in quarantine, and when it may start. */
  get retryInMs(): number | undefined {
    const waitMs = this.#retryAtMs - this.#clock.monotonicMs();
    return waitMs > 0 && this.#atMs.length < CRASHES_MAX ? waitMs : undefined;
  }

  /** @throws LogoMeshError LM_PLUGIN_QUARANTINED, LM_PLUGIN_CRASHED while the pause is not over */
  assertMayStart(): void {
    const waitMs = this.#retryAtMs - this.#clock.monotonicMs();
    if (waitMs <= 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    if (this.#atMs.length >= CRASHES_MAX)
      throw new LogoMeshError(
        "LM_PLUGIN_QUARANTINED",
        `${this.#pluginId} crashed ${CRASHES_MAX} times in five minutes; it may start again in ${seconds} s, or when it is released.`,
      );
    throw new LogoMeshError(
      "LM_PLUGIN_CRASHED",
      `${this.#pluginId} has just crashed; it may start again in ${seconds} s. ${this.#last?.reason ?? ""}`.trim(),
    );
  }

  /** The last one stays visible. */
  forgive(): void {
    this.#atMs = [];
    this.#retryAtMs = 0;
  }
}
