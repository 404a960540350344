import { toDisposable } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import type { TreeSample } from "./processTree.ts";
import type { SandboxUsage } from "./sandbox.ts";

/** A memory limit crossed is seen within 250 ms; the rest is for a busy event loop. */
const SAMPLE_EVERY_MS = 200;

/** Where the kernel ends processes for their memory, the rest of their tree ends within 100 ms. */
const KILLS_EVERY_MS = 50;

export interface WatchdogOptions {
  clock: Clock;
  sample: () => TreeSample;
  memoryBytesMax: number;
  /** Default: nobody counts them here. */
  processesMax?: number;
  /** Called once, with what there was too much of. */
  onExceeded: (what: "memory" | "processes") => void;
}

export interface Watchdog extends Disposable {
  /** The latest sample; the last one once disposed. */
  usage(): SandboxUsage;
}

/** Samples a process tree until disposed and says when it holds more memory, or has more processes, than it may. */
export function startWatchdog({
  clock,
  sample,
  memoryBytesMax,
  processesMax = Infinity,
  onExceeded,
}: WatchdogOptions): Watchdog {
  let usage: SandboxUsage = { memoryBytes: 0, cpuMs: 0, cpuPercent: 0, processes: 0 };
  let sampledAtMs = clock.monotonicMs();
  let timer: Disposable | undefined;
  let exceeded = false;
  let disposed = false;

  const tick = () => {
    const latest = sample();
    const nowMs = clock.monotonicMs();
    // Processes that end between two reads take their CPU time to the parent a moment later: never report less than before.
    const cpuMs = Math.max(latest.cpuMs, usage.cpuMs);
    const cpuPercent = nowMs > sampledAtMs ? (100 * (cpuMs - usage.cpuMs)) / (nowMs - sampledAtMs) : 0;
    usage = { ...latest, cpuMs, cpuPercent };
    sampledAtMs = nowMs;
    const isOverMemory = latest.memoryBytes > memoryBytesMax;
    if ((isOverMemory || latest.processes > processesMax) && !exceeded) {
      exceeded = true;
      onExceeded(isOverMemory ? "memory" : "processes");
    }
    if (!disposed) timer = clock.setTimer(SAMPLE_EVERY_MS, tick);
  };
  timer = clock.setTimer(0, tick);

  return {
    usage: () => usage,
    [Symbol.dispose]() {
      disposed = true;
      timer?.[Symbol.dispose]();
    },
  };
}

/** Says once that the kernel killed a process for its memory: it picks one, and what is left of the tree may never notice. */
export function watchMemoryKills(options: { clock: Clock; kills: () => number; onKilled: () => void }): Disposable {
  const { clock, kills, onKilled } = options;
  let timer: Disposable | undefined;
  const look = (): void => {
    if (kills() > 0) onKilled();
    else timer = clock.setTimer(KILLS_EVERY_MS, look);
  };
  timer = clock.setTimer(KILLS_EVERY_MS, look);
  return toDisposable(() => timer?.[Symbol.dispose]());
}
