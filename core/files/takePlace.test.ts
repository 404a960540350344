import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sha256Hex } from "../base/index.ts";
import { createTempFolder } from "../testing/index.ts";
import { leavePlace, takePlace } from "./takePlace.ts";

function setUp() {
  const folder = createTempFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const [name, aside, from] = ["name", "aside", "from"].map((file) => join(folder.path, file)) as [
    string,
    string,
    string,
  ];
  writeFileSync(name, "judged");
  writeFileSync(from, "approved");
  const left = () => readdirSync(folder.path).map((file) => [file, readFileSync(join(folder.path, file), "utf8")]);
  return { folder: folder.path, names: { name, aside }, name, aside, from, left };
}

const JUDGED = sha256Hex("judged");

test("[FL20] what is still as it was judged is replaced, or taken away", () => {
  const { names, from, left } = setUp();
  expect(takePlace(from, names, JUDGED)).toBe(true);
  expect(left()).toEqual([["name", "approved"]]);
  expect(leavePlace(names, sha256Hex("approved"))).toBe(true);
  expect(left()).toEqual([]);
});

test.each<[string, (world: ReturnType<typeof setUp>) => void]>([
  ["was written to after the last look", ({ name }) => writeFileSync(name, "edited")],
  [
    "was replaced after the last look",
    ({ folder, name }) => {
      writeFileSync(join(folder, "theirs"), "edited");
      renameSync(join(folder, "theirs"), name);
    },
  ],
])("[FL20] a file that %s keeps what it holds, and its inode", (_, edit) => {
  for (const act of [takePlace, (_from: string, ...rest: Parameters<typeof leavePlace>) => leavePlace(...rest)]) {
    const world = setUp();
    edit(world);
    const { ino } = statSync(world.name);
    expect(act(world.from, world.names, JUDGED)).toBe(false);
    expect(world.left()).toEqual([
      ["from", "approved"],
      ["name", "edited"],
    ]);
    expect([statSync(world.name).ino, statSync(world.name).nlink]).toEqual([ino, 1]);
  }
});

test("[FL20] a file that is gone by now, or has become a folder, is no success", () => {
  const gone = setUp();
  renameSync(gone.name, join(gone.folder, "moved"));
  expect(() => takePlace(gone.from, gone.names, JUDGED)).toThrow(/ENOENT/);
  expect(() => leavePlace(gone.names, JUDGED)).toThrow(/ENOENT/);
  mkdirSync(gone.name);
  expect(() => takePlace(gone.from, gone.names, JUDGED)).toThrow();
  expect(existsSync(gone.from)).toBe(true);
});
