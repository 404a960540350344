import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256Hex } from "../base/index.ts";
import { createPatch } from "./patch.ts";
import { createTestFiles, refusalOf, type TestFiles } from "./testing/testFiles.ts";

function write(world: TestFiles, path: string, text: string): string {
  const place = join(world.root, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
  return place;
}

const contentOf = (world: TestFiles, path: string): string | undefined =>
  existsSync(join(world.root, path)) ? readFileSync(join(world.root, path), "utf8") : undefined;

const leftovers = (world: TestFiles): string[] =>
  readdirSync(world.root, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".logomesh-"));

test("[FL11] [FL15] [FL17] a change is prepared, applied and undone", async () => {
  using world = createTestFiles();
  const { files, allow, asked } = world;
  const place = write(world, "src/a.ts", "one\ntwo\nthree\n");
  chmodSync(place, 0o4751);
  const change = await files.prepare({ path: "src/a.ts", text: "one\n2\nthree\n" }, allow);
  expect(change).toEqual({
    path: "src/a.ts",
    baseSha256: sha256Hex("one\ntwo\nthree\n"),
    baseText: "one\ntwo\nthree\n",
    text: "one\n2\nthree\n",
    sha256: sha256Hex("one\n2\nthree\n"),
    patch: [
      "diff --git a/src/a.ts b/src/a.ts",
      "--- a/src/a.ts",
      "+++ b/src/a.ts",
      "@@ -1,3 +1,3 @@",
      " one",
      "-two",
      "+2",
      " three",
      "",
    ].join("\n"),
    mode: 0o751,
  });
  expect(contentOf(world, "src/a.ts")).toBe("one\ntwo\nthree\n");
  const inode = statSync(place).ino;
  await files.apply(change, allow);
  expect(contentOf(world, "src/a.ts")).toBe(change.text);
  expect(statSync(place).mode & 0o7777).toBe(0o751);
  expect(statSync(place).ino).not.toBe(inode);
  await files.undo(change, allow);
  expect(contentOf(world, "src/a.ts")).toBe(change.baseText);
  expect(statSync(place).mode & 0o7777).toBe(0o751);
  expect(leftovers(world)).toEqual([]);
  expect(asked).toEqual(Array(5).fill("src/a.ts"));
});

test("[FL15] [FL17] a new file in new folders is 0644 whatever the change says, and goes at undo", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  const change = await files.prepare({ path: "src/new/deep/run.sh", text: "#!/bin/sh\n" }, allow);
  expect(change).toMatchObject({ baseSha256: null, baseText: null, mode: 0o644 });
  await files.apply({ ...change, mode: 0o4777 }, allow);
  const { mode, nlink } = statSync(join(world.root, "src/new/deep/run.sh"));
  expect([mode & 0o7777, nlink]).toEqual([0o644, 1]);
  await files.undo(change, allow);
  expect(contentOf(world, "src/new/deep/run.sh")).toBeUndefined();
  expect(existsSync(join(world.root, "src/new/deep"))).toBe(true);
  expect(leftovers(world)).toEqual([]);
});

test("[FL17] a deleted file comes back with its mode", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  chmodSync(write(world, "docs/x", "text"), 0o755);
  const change = await files.prepare({ path: "docs/x", text: null }, allow);
  expect(change).toMatchObject({ text: null, sha256: null, mode: 0o755 });
  await files.apply(change, allow);
  expect(contentOf(world, "docs/x")).toBeUndefined();
  await files.undo(change, allow);
  expect([contentOf(world, "docs/x"), statSync(join(world.root, "docs/x")).mode & 0o777]).toEqual(["text", 0o755]);
});

test.skipIf(process.getuid?.() !== 0)("[FL15] the file keeps its owner", async () => {
  using world = createTestFiles();
  const place = write(world, "src/a", "1");
  execFileSync("chown", ["1234:2345", place]);
  await world.files.apply(await world.files.prepare({ path: "src/a", text: "2" }, world.allow), world.allow);
  const { uid, gid } = statSync(place);
  expect([uid, gid]).toEqual([1234, 2345]);
});

test("[FL16] applying and undoing twice is the same as once", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "1");
  const changes = [
    await files.prepare({ path: "src/a", text: "2" }, allow),
    await files.prepare({ path: "src/b", text: "new" }, allow),
  ];
  for (const change of changes) {
    await files.apply(change, allow);
    await files.apply(change, allow);
  }
  expect([contentOf(world, "src/a"), contentOf(world, "src/b")]).toEqual(["2", "new"]);
  for (const change of changes) {
    await files.undo(change, allow);
    await files.undo(change, allow);
  }
  expect([contentOf(world, "src/a"), contentOf(world, "src/b")]).toEqual(["1", undefined]);
});

test("[FL16] what a crash between writing and renaming left behind is taken away by the repetition", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  const change = await files.prepare({ path: "src/b", text: "new" }, allow);
  const temporary = join(
    world.root,
    "src",
    `.logomesh-${sha256Hex(`src/b\n${String(change.sha256)}`).slice(0, 32)}.tmp`,
  );
  // Cut off while writing, and cut off between link and unlink.
  writeFileSync(temporary, "ne");
  await files.apply(change, allow);
  expect([contentOf(world, "src/b"), leftovers(world)]).toEqual(["new", []]);
  linkSync(join(world.root, "src/b"), temporary);
  await files.apply(change, allow);
  expect([contentOf(world, "src/b"), leftovers(world)]).toEqual(["new", []]);
});

test("[FL14] a base that moved on is not overwritten", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "1");
  const change = await files.prepare({ path: "src/a", text: "2" }, allow);
  const created = await files.prepare({ path: "src/b", text: "mine" }, allow);
  write(world, "src/a", "somebody's");
  write(world, "src/b", "somebody's");
  expect(await refusalOf(files.apply(change, allow))).toBe("LM_FILE_MOVED_ON");
  expect(await refusalOf(files.apply(created, allow))).toBe("LM_FILE_MOVED_ON");
  expect(await refusalOf(files.undo(change, allow))).toBe("LM_FILE_MOVED_ON");
  expect([contentOf(world, "src/a"), contentOf(world, "src/b")]).toEqual(["somebody's", "somebody's"]);
  unlinkSync(join(world.root, "src/a"));
  await expect(files.apply(change, allow)).rejects.toThrow("is gone; nothing was written");
  expect(leftovers(world)).toEqual([]);
});

test("[FL4] [FL14] a target that became a link, a folder or got a second name is not written to", async () => {
  using world = createTestFiles();
  const { files, allow, root, outside } = world;
  writeFileSync(join(outside, "canary"), "1");
  for (const [name, spoil, expected] of [
    ["link", (place: string) => symlinkSync(join(outside, "canary"), place), "LM_FILE_REFUSED link"],
    ["folder", (place: string) => mkdirSync(place), "LM_FILE_REFUSED kind"],
    ["hard", (place: string) => linkSync(join(outside, "canary"), place), "LM_FILE_REFUSED names"],
  ] as const) {
    write(world, `src/${name}`, "1");
    const change = await files.prepare({ path: `src/${name}`, text: "2" }, allow);
    unlinkSync(join(root, "src", name));
    spoil(join(root, "src", name));
    expect([name, await refusalOf(files.apply(change, allow))]).toEqual([name, expected]);
  }
  expect(readFileSync(join(outside, "canary"), "utf8")).toBe("1");
});

test("[FL6] a folder that is swapped after it was judged neither leads a read nor a write away", async () => {
  using world = createTestFiles();
  const { files, allow, root, outside } = world;
  write(world, "src/dir/a", "shared");
  writeFileSync(join(outside, "a"), "canary");
  const swap = {
    authorize: () => {
      renameSync(join(root, "src/dir"), join(root, "src/moved"));
      symlinkSync(outside, join(root, "src/dir"));
    },
  };
  const restore = () => {
    unlinkSync(join(root, "src/dir"));
    renameSync(join(root, "src/moved"), join(root, "src/dir"));
  };
  const { bytes } = await files.read("src/dir/a", swap);
  expect(Buffer.from(bytes).toString()).toBe("shared");
  restore();
  expect((await files.list("src/dir", swap)).map(({ name }) => name)).toEqual(["a"]);
  restore();
  const change = await files.prepare({ path: "src/dir/a", text: "new" }, allow);
  expect(await refusalOf(files.apply(change, swap))).toMatch(/^LM_FILE_REFUSED/);
  restore();
  const created = await files.prepare({ path: "src/dir/b", text: "new" }, allow);
  expect(await refusalOf(files.apply(created, swap))).toMatch(/^LM_FILE_REFUSED/);
  restore();
  expect([readdirSync(outside), readFileSync(join(outside, "a"), "utf8"), contentOf(world, "src/dir/a")]).toEqual([
    ["a"],
    "canary",
    "shared",
  ]);
  expect(leftovers(world)).toEqual([]);
});

test("[FL6] a folder that is moved out of the workspace while it is held is refused", async () => {
  using world = createTestFiles();
  const { files, allow, root, outside } = world;
  write(world, "src/dir/a", "1");
  const change = await files.prepare({ path: "src/dir/a", text: "2" }, allow);
  const away = { authorize: () => renameSync(join(root, "src/dir"), join(outside, "dir")) };
  expect(await refusalOf(files.apply(change, away))).toBe("LM_FILE_REFUSED moved");
  expect(readFileSync(join(outside, "dir/a"), "utf8")).toBe("1");
  expect(readdirSync(join(outside, "dir"))).toEqual(["a"]);
});

test("[FL18] of two changes with one base that are applied at once, one succeeds", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "1");
  const changes = await Promise.all(["2", "3"].map((text) => files.prepare({ path: "src/a", text }, allow)));
  const answers = await Promise.all(changes.map((change) => refusalOf(files.apply(change, allow))));
  expect(answers).toEqual(["passed", "LM_FILE_MOVED_ON"]);
  expect(contentOf(world, "src/a")).toBe("2");
});

test("[FL12] binary, ill-formed, too large and empty changes are refused", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "1");
  writeFileSync(join(world.root, "src/binary"), Buffer.from([0xff, 0xfe, 0x00]));
  const prepare = (path: string, text: string | null) => refusalOf(files.prepare({ path, text }, allow));
  expect(await prepare("src/binary", "text")).toBe("LM_FILE_REFUSED text");
  expect(await prepare("src/binary", null)).toBe("LM_FILE_REFUSED text");
  expect(await prepare("src/a", "a\0b")).toBe("LM_FILE_REFUSED text");
  expect(await prepare("src/a", "\udc00")).toBe("LM_FILE_REFUSED text");
  expect(await prepare("src/a", "1")).toBe("LM_FILE_REFUSED unchanged");
  expect(await prepare("src/a", "é".repeat(512 * 1024 + 1))).toBe("LM_TOO_LARGE");
  expect(await prepare("src/a", "é".repeat(512 * 1024))).toBe("passed");
  expect(await prepare("src/a", "\n".repeat(50_000))).toBe("LM_TOO_LARGE");
  expect(await prepare("src/a", "\n".repeat(49_999))).toBe("passed");
  write(world, "src/long", "\n".repeat(50_000));
  expect(await prepare("src/long", "short")).toBe("LM_TOO_LARGE");
  expect(await prepare("src/none", null)).toBe("LM_FILE_NOT_FOUND");
  expect(await prepare("src/a\nb", "x")).toBe("LM_FILE_REFUSED path");
  expect(await prepare("src/a\u202eb", "x")).toBe("LM_FILE_REFUSED path");
});

test("[FL12] a byte order mark and control characters are text and stay what they are", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "\ufeffone\r\n\u001b[31m\u202e");
  const change = await files.prepare({ path: "src/a", text: "\ufefftwo\r\n\u001b[31m\u202e" }, allow);
  await files.apply(change, allow);
  expect(contentOf(world, "src/a")).toBe("\ufefftwo\r\n\u001b[31m\u202e");
});

test("[FL19] a change that does not fit its hashes is refused", async () => {
  using world = createTestFiles();
  const { files, allow } = world;
  write(world, "src/a", "1");
  const change = await files.prepare({ path: "src/a", text: "2" }, allow);
  for (const forged of [
    { ...change, text: "3" },
    { ...change, baseText: "0" },
    { ...change, sha256: null },
  ]) {
    expect(() => files.apply(forged, allow)).toThrow("does not fit its own hashes");
  }
  expect(contentOf(world, "src/a")).toBe("1");
});

/** Lets git apply the patch to a copy of the file. */
function applyWithGit({ path, before, patch }: { path: string; before: string | null; patch: string }) {
  const folder = mkdtempSync("/tmp/logomesh-patch-");
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  if (before !== null) writeFileSync(join(folder, path), before);
  try {
    execFileSync("git", ["apply", "-p1", "--whitespace=nowarn", "--unidiff-zero", "-"], {
      cwd: folder,
      input: patch,
      env: { PATH: process.env.PATH, GIT_CEILING_DIRECTORIES: "/tmp" },
    });
    return existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : null;
  } finally {
    execFileSync("rm", ["-rf", folder]);
  }
}

const LONG = Array.from({ length: 60 }, (_, index) => `line ${index}`).join("\n");

test.each([
  ["a change", "a\nb\nc\n", "a\nB\nc\n"],
  ["a last line without an end", "a\nb", "a\nc"],
  ["a line end that is added", "a", "a\n"],
  ["a line end that is taken away", "a\nb\n", "a\nb"],
  ["a new file", null, "a\nb\n"],
  ["a new file without a line end", null, "a"],
  ["a new empty file", null, ""],
  ["a deleted file", "a\nb", null],
  ["a deleted empty file", "", null],
  ["an emptied file", "a\n", ""],
  ["a filled file", "", "a\n"],
  ["carriage returns", "a\r\nb\r\n", "a\r\nc\r\n"],
  ["changes far apart", LONG, LONG.replace("line 3", "three").replace("line 50", "fifty")],
  ["a line added at the end", `${LONG}\n`, `${LONG}\nmore\n`],
  ["a repeated line", "x\nx\nx\nx\nx\nx\n", "x\nx\nx\nx\nx\n"],
  ["lines that look like a patch", "--- a/x\n+++ b/x\n", "@@ -1 +1 @@\n-- a/x\n"],
])("[FL11] git applies the patch of %s", (_, before, after) => {
  for (const path of ["src/plain.txt", "src/with space.txt", 'src/"quoted" \\ name', "src/ünïcode"]) {
    const patch = createPatch({ path, before, after, mode: 0o644 });
    expect(applyWithGit({ path, before, patch })).toBe(after);
  }
});

test("[FL11] git applies the patch of any two texts", () => {
  const line = fc.constantFrom("a", "b", "", "c\r", "-", "+", " x", "\\ No newline at end of file");
  const file = fc
    .array(line, { maxLength: 30 })
    .chain((lines) => fc.boolean().map((hasEnd) => lines.join("\n") + (hasEnd && lines.length > 0 ? "\n" : "")));
  fc.assert(
    fc.property(file, file, (before, after) => {
      fc.pre(before !== after);
      const patch = createPatch({ path: "src/a", before, after, mode: 0o755 });
      expect(applyWithGit({ path: "src/a", before, patch })).toBe(after);
    }),
    { seed: 3, numRuns: 150 },
  );
});

test("[FL13] texts that differ everywhere give a patch that replaces what differs", () => {
  const before = Array.from({ length: 5_000 }, (_, index) => `a${index}`).join("\n");
  const after = Array.from({ length: 5_000 }, (_, index) => `b${index}`).join("\n");
  const patch = createPatch({
    path: "src/a",
    before: `same\n${before}\nend\n`,
    after: `same\n${after}\nend\n`,
    mode: 0o644,
  });
  expect(patch).toContain("@@ -1,5002 +1,5002 @@\n-same\n-a0\n");
  const git = applyWithGit({ path: "src/a", before: `same\n${before}\nend\n`, patch });
  expect(git).toBe(`same\n${after}\nend\n`);
});

test("[FL13] texts of the largest size that differ in every line give a patch", () => {
  const before = "a\n".repeat(512 * 1024);
  const after = "\n".repeat(1024 * 1024);
  const patch = createPatch({ path: "src/a", before, after, mode: 0o644 });
  expect(patch).toContain("@@ -1,524288 +1,1048576 @@\n-a\n");
  expect(patch.endsWith("\n+\n+\n")).toBe(true);
});

test("[FL13] one change in very many lines gives one small hunk", () => {
  const lines = Array.from({ length: 100_000 }, (_, index) => `${index}`);
  const [before, after] = [lines.join("\n"), lines.with(50_000, "y").join("\n")];
  const patch = createPatch({ path: "src/a", before, after, mode: 0o644 });
  expect(patch.split("\n").slice(3)).toEqual([
    "@@ -49998,7 +49998,7 @@",
    ...[" 49997", " 49998", " 49999", "-50000", "+y", " 50001", " 50002", " 50003", ""],
  ]);
});

test("[FL7] [FL20] a right that ends while the new bytes are written writes nothing and leaves nothing", async () => {
  using world = createTestFiles();
  write(world, "src/a.ts", "one\n");
  const changed = await world.files.prepare({ path: "src/a.ts", text: "two\n" }, world.allow);
  const deleted = await world.files.prepare({ path: "src/a.ts", text: null }, world.allow);
  for (const change of [changed, deleted]) {
    let asked = 0;
    const authorize = (): void => {
      asked += 1;
      if (asked === 2) throw new Error("locked down");
    };
    await expect(world.files.apply(change, { authorize })).rejects.toThrow("locked down");
    expect([asked, contentOf(world, "src/a.ts"), leftovers(world)]).toEqual([2, "one\n", []]);
  }
});

test("[FL20] what a crash left half replaced or half taken away is put right by the next try", async () => {
  using world = createTestFiles();
  const place = write(world, "src/a.ts", "one\n");
  const deleted = await world.files.prepare({ path: "src/a.ts", text: null }, world.allow);
  const changed = await world.files.prepare({ path: "src/a.ts", text: "two\n" }, world.allow);
  const asideOf = (toSha256: string | null): string =>
    join(world.root, "src", `.logomesh-${sha256Hex(`src/a.ts\n${String(toSha256)}`).slice(0, 32)}.old`);
  linkSync(place, asideOf(changed.sha256));
  await world.files.apply(changed, world.allow);
  expect([contentOf(world, "src/a.ts"), leftovers(world)]).toEqual(["two\n", []]);
  await world.files.undo(changed, world.allow);
  renameSync(place, asideOf(null));
  await world.files.apply(deleted, world.allow);
  expect([contentOf(world, "src/a.ts"), leftovers(world)]).toEqual([undefined, []]);
});
