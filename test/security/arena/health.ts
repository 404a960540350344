import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect } from "vitest";

// The host while it is attacked. Times on a busy machine decide nothing, so the bounds are far above what is seen; what was seen is printed.

const LAG_MS_MAX = 5_000;
const NEIGHBOUR_MS_MAX = 15_000;
const HOST_GROWTH_BYTES_MAX = 512 * 1024 * 1024;
const BETWEEN_CALLS_MS = 25;

export interface Health {
  lagMs: number;
  growthBytes: number;
  neighbourMs: number;
  neighbourCalls: number;
}

/** Calls the neighbour for as long as the attack lasts, at least once, and looks at the loop and the memory of this process. */
export async function watchWhile(attack: () => Promise<void>, callNeighbour: () => Promise<void>): Promise<Health> {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  const bytesBefore = process.memoryUsage().rss;
  const health: Health = { lagMs: 0, growthBytes: 0, neighbourMs: 0, neighbourCalls: 0 };
  const life = { isOver: false };
  lag.enable();
  const attacked = attack().finally(() => (life.isOver = true));
  const neighbours = (async () => {
    do {
      const startedMs = performance.now();
      await callNeighbour();
      health.neighbourCalls += 1;
      health.neighbourMs = Math.max(health.neighbourMs, performance.now() - startedMs);
      health.growthBytes = Math.max(health.growthBytes, process.memoryUsage().rss - bytesBefore);
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_CALLS_MS));
    } while (!life.isOver);
  })();
  await Promise.all([attacked, neighbours]);
  lag.disable();
  health.lagMs = lag.max / 1e6;
  return health;
}

export function expectHealthy({ lagMs, growthBytes, neighbourMs }: Health): void {
  expect(lagMs, "milliseconds for which the host's event loop stood").toBeLessThan(LAG_MS_MAX);
  expect(neighbourMs, "milliseconds that a call of another plugin took").toBeLessThan(NEIGHBOUR_MS_MAX);
  expect(growthBytes, "bytes by which the host grew").toBeLessThan(HOST_GROWTH_BYTES_MAX);
}
