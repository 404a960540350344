import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { removeTree } from "./removeTree.ts";

/** Deeper than a path may be long. */
const DEEP = `import os
os.mkdir("data"); os.chdir("data")
for i in range(200):
  open("file", "w").close(); os.mkdir("x" * 100); os.chdir("x" * 100)`;

test("[PL102] what a plugin kept is deleted, however deep or closed it is, and nothing behind its links", async () => {
  using base = createTempFolder();
  const folder = join(base.path, "data");
  execFileSync("/usr/bin/python3", ["-c", DEEP], { cwd: base.path });
  writeFileSync(join(base.path, "kept"), "kept");
  mkdirSync(join(base.path, "other"));
  writeFileSync(join(base.path, "other/kept"), "kept");
  symlinkSync(join(base.path, "kept"), join(folder, "link"));
  symlinkSync(join(base.path, "other"), join(folder, "folder"));
  mkdirSync(join(folder, "closed/inner"), { recursive: true });
  chmodSync(join(folder, "closed"), 0);
  await removeTree(folder);
  expect(readdirSync(base.path).sort()).toEqual(["kept", "other"]);
  expect(readFileSync(join(base.path, "other/kept"), "utf8")).toBe("kept");
});

test("[PL102] a removal that was cut off is carried on, and nothing is no fault", async () => {
  using base = createTempFolder();
  const folder = join(base.path, "data");
  for (const left of ["data/a", "data.removing/0/b", "data.removing/7"])
    mkdirSync(join(base.path, left), { recursive: true });
  await removeTree(folder);
  await removeTree(folder);
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(base.path)).toEqual([]);
});
