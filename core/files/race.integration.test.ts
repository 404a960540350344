import { mkdirSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { createTestFiles, type TestFiles } from "./testing/testFiles.ts";

/** Swaps a folder for a link to a folder outside, and back, as fast as it can. */
const SWAPPER = `
  const { renameSync, rmSync, symlinkSync, unlinkSync } = require("node:fs");
  const { workerData: { place, aside, outside, stop }, parentPort } = require("node:worker_threads");
  const isStopped = new Int32Array(stop);
  parentPort.postMessage("swapping");
  while (Atomics.load(isStopped, 0) === 0) {
    try {
      renameSync(place, aside);
      symlinkSync(outside, place);
      unlinkSync(place);
      renameSync(aside, place);
    } catch {
      // A write made the folder anew in the moment in which it was away.
      rmSync(aside, { recursive: true, force: true });
    }
  }
`;

async function swapWhile<T>(world: TestFiles, work: () => Promise<T>): Promise<T> {
  const stop = new SharedArrayBuffer(4);
  const [place, aside] = [join(world.root, "src/dir"), join(world.root, "src/aside")];
  const worker = new Worker(SWAPPER, { eval: true, workerData: { place, aside, outside: world.outside, stop } });
  const ended = new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", resolve);
  });
  await new Promise((resolve) => worker.once("message", resolve));
  try {
    return await work();
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1);
    await ended;
  }
}

/** What careful code without descriptors does: look at each name, then open the path. */
function readNaively(root: string): string | undefined {
  try {
    if (lstatSync(join(root, "src/dir")).isSymbolicLink()) return undefined;
    if (!lstatSync(join(root, "src/dir/a")).isFile()) return undefined;
    return readFileSync(join(root, "src/dir/a"), "utf8");
  } catch {
    // The swap was half done.
    return undefined;
  }
}

/** The naive reader falls for it within some thousands; the bound only ends a hopeless test. */
const CONTROL_READS_MAX = 500_000;
const READS = 10_000;
const ROUNDS = 300;

function setUp(): TestFiles {
  const world = createTestFiles();
  mkdirSync(join(world.root, "src/dir"));
  writeFileSync(join(world.root, "src/dir/a"), "shared");
  writeFileSync(join(world.outside, "a"), "canary");
  return world;
}

test("[FL6] swapping a folder for a link never leads a read outside, while it fools a careful reader of paths", async () => {
  using world = setUp();
  const { fooledAfter, answers } = await swapWhile(world, async () => {
    let fooledAfter = 0;
    while (readNaively(world.root) !== "canary" && fooledAfter < CONTROL_READS_MAX) fooledAfter++;
    const answers = new Set<string>();
    for (let read = 0; read < READS; read++) {
      answers.add(
        await world.files.read("src/dir/a", world.allow).then(
          ({ bytes }) => Buffer.from(bytes).toString(),
          (error: unknown) => (error as { code: string }).code,
        ),
      );
    }
    return { fooledAfter, answers };
  });
  expect(fooledAfter).toBeLessThan(CONTROL_READS_MAX);
  expect([...answers].filter((answer) => !["shared", "LM_FILE_NOT_FOUND", "LM_FILE_REFUSED"].includes(answer))).toEqual(
    [],
  );
  expect(answers).toContain("shared");
  expect(answers).toContain("LM_FILE_REFUSED");
  // Whatever the folder was called in the moment, it is a name below `src`, and that is what was authorized.
  expect([...new Set(world.asked)].filter((name) => !/^src\/(dir|aside)(\/a)?$/.test(name))).toEqual([]);
});

test("[FL6] swapping a folder for a link never leads a write outside", async () => {
  using world = setUp();
  const { files, allow } = world;
  const there = await files.prepare({ path: "src/dir/a", text: "changed" }, allow);
  const created = await files.prepare({ path: "src/dir/new", text: "new" }, allow);
  const codes = new Set<string>();
  const note = (error: unknown) => void codes.add((error as { code: string }).code);
  await swapWhile(world, async () => {
    for (const change of [there, created]) {
      for (let round = 0; round < ROUNDS; round++) {
        await files.apply(change, allow).catch(note);
        await files.undo(change, allow).catch(note);
      }
    }
  });
  expect(
    [...codes].filter((code) => !["LM_FILE_NOT_FOUND", "LM_FILE_REFUSED", "LM_FILE_MOVED_ON"].includes(code)),
  ).toEqual([]);
  expect(readFileSync(join(world.outside, "a"), "utf8")).toBe("canary");
  expect(lstatSync(join(world.outside, "new"), { throwIfNoEntry: false })).toBeUndefined();
});
