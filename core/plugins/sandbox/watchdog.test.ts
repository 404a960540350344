import { expect, test } from "vitest";
import { FakeClock } from "../../testing/index.ts";
import type { TreeSample } from "./processTree.ts";
import type { SandboxUsage } from "./sandbox.ts";
import { startWatchdog, watchMemoryKills } from "./watchdog.ts";

function setUp(samples: TreeSample[]) {
  const clock = new FakeClock();
  const exceeded: [string, SandboxUsage][] = [];
  const taken: number[] = [];
  const watchdog = startWatchdog({
    clock,
    sample: () => {
      taken.push(clock.monotonicMs());
      return samples[Math.min(taken.length, samples.length) - 1]!;
    },
    memoryBytesMax: 1000,
    processesMax: 2,
    onExceeded: (what) => exceeded.push([what, watchdog.usage()]),
  });
  return { clock, exceeded, taken, watchdog };
}

const quiet: TreeSample = { memoryBytes: 1000, cpuMs: 10, processes: 2 };

test("[SB14] samples at once and at least every 250 ms", async () => {
  const { clock, taken, watchdog } = setUp([quiet]);
  await clock.advance(1000);
  const gaps = taken.slice(1).map((at, index) => at - taken[index]!);
  expect(taken.length).toBeGreaterThanOrEqual(5);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(250);
  expect(watchdog.usage()).toEqual({ ...quiet, cpuPercent: 0 });
});

test("[SB14] reports the share of one core, and never less CPU time than before", async () => {
  const { clock, watchdog } = setUp([quiet, { ...quiet, cpuMs: 110 }, { ...quiet, cpuMs: 90 }]);
  await clock.advance(200);
  expect(watchdog.usage()).toEqual({ ...quiet, cpuMs: 110, cpuPercent: 50 });
  await clock.advance(200);
  expect(watchdog.usage()).toEqual({ ...quiet, cpuMs: 110, cpuPercent: 0 });
});

test("[SB11] says once that the limit was crossed, not when it was reached", async () => {
  const { clock, exceeded } = setUp([quiet, { ...quiet, memoryBytes: 1001 }]);
  await clock.advance(100);
  expect(exceeded).toEqual([]);
  await clock.advance(2000);
  expect(exceeded).toEqual([["memory", { ...quiet, memoryBytes: 1001, cpuPercent: 0 }]]);
});

test("[SB41] says that there are more processes than may be", async () => {
  const { clock, exceeded } = setUp([quiet, { ...quiet, processes: 3 }]);
  await clock.advance(2000);
  expect(exceeded).toEqual([["processes", { ...quiet, processes: 3, cpuPercent: 0 }]]);
});

test("[SB31] says once that the kernel killed for memory, within 100 ms, until disposed", async () => {
  const clock = new FakeClock();
  let kills = 0;
  const at: number[] = [];
  const watch = () => watchMemoryKills({ clock, kills: () => kills, onKilled: () => at.push(clock.monotonicMs()) });
  watch();
  await clock.advance(1000);
  expect(at).toEqual([]);
  const killedAtMs = clock.monotonicMs();
  kills = 1;
  await clock.advance(1000);
  expect(at).toHaveLength(1);
  expect(at[0]! - killedAtMs).toBeLessThanOrEqual(100);
  watch()[Symbol.dispose]();
  await clock.advance(1000);
  expect(at).toHaveLength(1);
});

test("[SB14] samples no more once disposed, and keeps the last usage", async () => {
  const { clock, taken, watchdog } = setUp([quiet]);
  await clock.advance(0);
  watchdog[Symbol.dispose]();
  await clock.advance(5000);
  expect(taken).toHaveLength(1);
  expect(clock.nextTimerMs()).toBeUndefined();
  expect(watchdog.usage().memoryBytes).toBe(1000);
});
