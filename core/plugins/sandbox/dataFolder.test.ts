import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder, FakeClock } from "../../testing/index.ts";
import { assertDataFits, measureData, watchData } from "./dataFolder.ts";

const MIB = 1024 * 1024;

test("[SB27] what lies on the disk is measured: no holes, nothing behind links", async () => {
  using folder = createTempFolder();
  const empty = (await measureData(folder.path)) ?? 0;
  writeFileSync(join(folder.path, "file"), Buffer.alloc(MIB, 1));
  writeFileSync(join(folder.path, "hole"), "");
  truncateSync(join(folder.path, "hole"), 1024 * MIB);
  symlinkSync("/usr", join(folder.path, "link"));
  const bytes = (await measureData(folder.path)) ?? 0;
  expect(bytes - empty).toBeGreaterThanOrEqual(MIB);
  expect(bytes - empty).toBeLessThan(2 * MIB);
});

test("[SB27] a folder that is gone holds nothing; one that is too deep or no folder cannot be told", async () => {
  using folder = createTempFolder();
  expect(await measureData(join(folder.path, "gone"))).toBe(0);
  writeFileSync(join(folder.path, "file"), "");
  expect(await measureData(join(folder.path, "file"))).toBeUndefined();
  mkdirSync(join(folder.path, "x/".repeat(35)), { recursive: true });
  expect(await measureData(folder.path)).toBeUndefined();
  const data = { folder: folder.path, bytesMax: MIB };
  await expect(assertDataFits(data)).rejects.toMatchObject({
    code: "LM_PLUGIN_DATA_FULL",
    message: expect.stringMatching(/more than 10000 files.*Delete/),
  });
});

test.runIf(process.getuid?.() !== 0)("[SB27] a folder that cannot be read may hold anything", async () => {
  using folder = createTempFolder();
  mkdirSync(join(folder.path, "closed"), { mode: 0 });
  expect(await measureData(folder.path)).toBeUndefined();
  chmodSync(join(folder.path, "closed"), 0o700);
});

test("[SB27] the watch looks again and again, says once what is too much, and ends when it is disposed", async () => {
  using folder = createTempFolder();
  const clock = new FakeClock();
  const said: (number | undefined)[] = [];
  const watch = () =>
    watchData({
      clock,
      data: { folder: folder.path, bytesMax: MIB },
      listProcesses: () => [process.pid],
      onExceeded: (bytes) => said.push(bytes),
    });
  const first = watch();
  for (let looks = 0; looks < 3; looks += 1) {
    await clock.advance(250);
    await expect.poll(() => clock.nextTimerMs()).toBe(250);
  }
  writeFileSync(join(folder.path, "file"), Buffer.alloc(2 * MIB, 1));
  await clock.advance(250);
  await expect.poll(() => said).toEqual([expect.any(Number)]);
  first[Symbol.dispose]();
  const second = watch();
  second[Symbol.dispose]();
  await clock.advance(1_000);
  expect(said).toHaveLength(1);
});
