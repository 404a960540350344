import { LogoMeshError, type PluginLimiter } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";

// Keeps one plugin's calls within bounds. Circuit of a tool: closed → open after five failures in a row → after 30 s half-open, where one
// call tries → closed or open again.

const FAILURES_MAX = 5;
const OPEN_MS = 30_000;

export interface PluginExecutionLimiterOptions {
  pluginId: string;
  clock: Clock;
  /** Calls in flight. */
  concurrencyMax: number;
  /** Calls that may wait for their turn. */
  waitingMax: number;
}

interface Circuit {
  failures: number;
  openedAtMs: number | undefined;
  isTrying: boolean;
}

export class PluginExecutionLimiter {
  readonly #options: PluginExecutionLimiterOptions;
  /** Of tools that failed since they last worked. */
  readonly #circuits = new Map<string, Circuit>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: PluginExecutionLimiterOptions) {
    this.#options = options;
  }

  /**
   * Runs a call of a tool when its turn has come. `isFailure` says which errors count against the tool.
   * @throws LogoMeshError LM_PLUGIN_CIRCUIT_OPEN, LM_PLUGIN_BUSY, or what the call throws
   */
  async run<T>(
    tool: string,
    options: { signal: AbortSignal; call: () => Promise<T>; isFailure: (error: unknown) => boolean },
  ): Promise<T> {
    this.#assertClosed(tool);
    options.signal.throwIfAborted();
    if (this.#running < this.#options.concurrencyMax) this.#running += 1;
    else await this.#awaitTurn(options.signal);
    let isTrial = false;
    try {
      // While it waited for its turn, the circuit may have opened.
      this.#assertClosed(tool);
      isTrial = this.#beginTrial(tool);
      const result = await options.call();
      if (isTrial || this.#circuits.get(tool)?.openedAtMs === undefined) this.#circuits.delete(tool);
      return result;
    } catch (error) {
      if (options.isFailure(error)) this.#fail(tool);
      throw error;
    } finally {
      const circuit = this.#circuits.get(tool);
      if (isTrial && circuit !== undefined) circuit.isTrying = false;
      this.#leave();
    }
  }

  /** As the page shows it; tools that work are left out. */
  describe(): PluginLimiter {
    const { concurrencyMax, waitingMax, clock } = this.#options;
    return {
      ...{ running: this.#running, runningMax: concurrencyMax, waiting: this.#waiting.length, waitingMax },
      circuits: [...this.#circuits].map(([tool, { failures, openedAtMs }]) => {
        if (openedAtMs === undefined) return { tool, state: "closed", failures };
        const retryInMs = Math.ceil(openedAtMs + OPEN_MS - clock.monotonicMs());
        return retryInMs > 0 ? { tool, state: "open", failures, retryInMs } : { tool, state: "half-open", failures };
      }),
    };
  }

  /** Closes every circuit. */
  reset(): void {
    this.#circuits.clear();
  }

  #assertClosed(tool: string): void {
    const circuit = this.#circuits.get(tool);
    if (circuit?.openedAtMs === undefined) return;
    const waitMs = circuit.openedAtMs + OPEN_MS - this.#options.clock.monotonicMs();
    if (waitMs <= 0 && !circuit.isTrying) return;
    const when =
      waitMs > 0 ? `it is tried again in ${Math.ceil(waitMs / 1000)} s` : "a call is trying whether it works";
    throw new LogoMeshError(
      "LM_PLUGIN_CIRCUIT_OPEN",
      `${this.#options.pluginId}#${tool} failed ${FAILURES_MAX} times in a row; ${when}.`,
    );
  }

  #beginTrial(tool: string): boolean {
    const circuit = this.#circuits.get(tool);
    if (circuit?.openedAtMs === undefined) return false;
    circuit.isTrying = true;
    return true;
  }

  #fail(tool: string): void {
    const circuit = this.#circuits.get(tool) ?? { failures: 0, openedAtMs: undefined, isTrying: false };
    this.#circuits.set(tool, circuit);
    circuit.failures += 1;
    if (circuit.failures >= FAILURES_MAX) circuit.openedAtMs = this.#options.clock.monotonicMs();
  }

  async #awaitTurn(signal: AbortSignal): Promise<void> {
    const { concurrencyMax, waitingMax, pluginId } = this.#options;
    if (this.#waiting.length >= waitingMax)
      throw new LogoMeshError(
        "LM_PLUGIN_BUSY",
        `${pluginId} has ${concurrencyMax} calls in flight and ${waitingMax} waiting. Try again later.`,
      );
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(enter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

/** A caller's fault, a cancel or a full queue says nothing about the tool. */
export function countsAgainstTool(error: unknown): boolean {
  if (!(error instanceof LogoMeshError)) return false;
  return [
    "LM_PLUGIN_TIMEOUT",
    "LM_PLUGIN_PROTOCOL",
    "LM_PLUGIN_OUTPUT_INVALID",
    "LM_PLUGIN_CRASHED",
    "LM_PLUGIN_MEMORY",
    "LM_PLUGIN_START_FAILED",
  ].includes(error.code);
}
