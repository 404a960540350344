import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./importGraph.ts";

/** Prints what Node loads for a module, one address a line. The entry itself fails then, because this is no thread. */
const LIST = `
  import { registerHooks } from "node:module";
  registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
  await import(process.argv[1]).catch(() => {});
`;

const ENTRIES = ["core/app/writerEntry.ts", "core/app/readerEntry.ts", "core/app/jobEntry.ts"];

test.each(ENTRIES)("%s loads no package", (entry) => {
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", LIST, join(ROOT, entry)], {
    encoding: "utf8",
  });
  const loaded = stdout.split("\n").filter((url) => url.startsWith("file:"));
  expect(loaded.filter((url) => url.includes("/core/db/")).length).toBeGreaterThan(5);
  // A schema of contracts would bring zod, which doubles the time and memory that a thread takes to start.
  expect(loaded.filter((url) => url.includes("/node_modules/"))).toEqual([]);
});
