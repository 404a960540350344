import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { stageBundle } from "./bundle.ts";

function fixture() {
  const folder = createTempFolder();
  const source = join(folder.path, "source");
  mkdirSync(join(source, "lib"), { recursive: true });
  writeFileSync(join(source, "index.mjs"), "one");
  writeFileSync(join(source, "lib/run.sh"), "two", { mode: 0o700 });
  const stage = (from = source) =>
    stageBundle({ source: from, stagingFolder: join(folder.path, "staged"), pluginId: "org.example.p" });
  return { folder, source, stage, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

test("[PL4] the copy lies below id and hash with the modes 0755 and 0644", () => {
  using bundle = fixture();
  chmodSync(join(bundle.source, "index.mjs"), 0o600);
  const { folder, sha256 } = bundle.stage();
  expect(folder).toBe(join(bundle.folder.path, "staged/org.example.p", sha256));
  expect(readFileSync(join(folder, "lib/run.sh"), "utf8")).toBe("two");
  expect(["", "lib", "lib/run.sh", "index.mjs"].map((path) => modeOf(join(folder, path)))).toEqual([
    "755",
    "755",
    "755",
    "644",
  ]);
});

test("[PL4] a bundle is copied once; a copy that was changed, added to or emptied is made anew", () => {
  using bundle = fixture();
  const { folder } = bundle.stage();
  const { ino } = statSync(folder);
  expect(bundle.stage().folder).toBe(folder);
  expect(statSync(folder).ino).toBe(ino);
  for (const tamper of [
    () => writeFileSync(join(folder, "index.mjs"), "evil"),
    () => writeFileSync(join(folder, "added.mjs"), ""),
    () => chmodSync(join(folder, "index.mjs"), 0o755),
    () => symlinkSync("/etc/passwd", join(folder, "secret")),
    () => rmSync(join(folder, "lib"), { recursive: true }),
  ]) {
    tamper();
    bundle.stage();
    expect(readdirSync(folder)).toEqual(["index.mjs", "lib"]);
    expect(readFileSync(join(folder, "index.mjs"), "utf8")).toBe("one");
    expect(modeOf(join(folder, "index.mjs"))).toBe("644");
  }
});

test("[PL3] time, owner bits and left-overs of tools change nothing; content, name, place and the executable bit do", () => {
  using bundle = fixture();
  const { sha256 } = bundle.stage();
  utimesSync(join(bundle.source, "index.mjs"), 1, 1);
  chmodSync(join(bundle.source, "index.mjs"), 0o640);
  mkdirSync(join(bundle.source, "__pycache__"));
  writeFileSync(join(bundle.source, "__pycache__/x.pyc"), "x");
  mkdirSync(join(bundle.source, ".git"));
  mkdirSync(join(bundle.source, "empty"));
  expect(bundle.stage().sha256).toBe(sha256);
  const copy = join(bundle.folder.path, "copy");
  cpSync(bundle.source, copy, { recursive: true });
  expect(bundle.stage(copy).sha256).toBe(sha256);
  chmodSync(join(copy, "index.mjs"), 0o755);
  const executable = bundle.stage(copy).sha256;
  writeFileSync(join(copy, "index.mjs"), "One");
  expect(new Set([sha256, executable, bundle.stage(copy).sha256]).size).toBe(3);
});

test("[PL3] different bundles have different hashes, wherever the boundary between two files lies", () => {
  const name = fc.stringMatching(/^[a-z0-9:]{1,6}$/);
  const files = fc.dictionary(name, fc.string({ maxLength: 6 }), { minKeys: 1, maxKeys: 4 });
  const hashOf = (content: Record<string, string>): string => {
    using bundle = createTempFolder();
    const source = join(bundle.path, "source");
    mkdirSync(source);
    for (const [path, text] of Object.entries(content)) writeFileSync(join(source, path), text);
    return stageBundle({ source, stagingFolder: join(bundle.path, "staged"), pluginId: "p" }).sha256;
  };
  const keyOf = (content: Record<string, string>): string => JSON.stringify(Object.entries(content).sort());
  fc.assert(
    fc.property(files, files, (a, b) => (hashOf(a) === hashOf(b)) === (keyOf(a) === keyOf(b))),
    { seed: 7, numRuns: 60 },
  );
});

test("[PL5] a link within the bundle is copied as what it points to", () => {
  using bundle = fixture();
  symlinkSync("lib/run.sh", join(bundle.source, "start"));
  linkSync(join(bundle.source, "index.mjs"), join(bundle.source, "same.mjs"));
  const { folder } = bundle.stage();
  expect(statSync(join(folder, "start")).isFile()).toBe(true);
  expect(readdirSync(folder, { withFileTypes: true }).some((entry) => entry.isSymbolicLink())).toBe(false);
});

test.each([
  ["a link to a file outside", (source: string) => symlinkSync("/etc/passwd", join(source, "x")), /leaves the bundle/],
  ["a link to the folder above", (source: string) => symlinkSync("..", join(source, "x")), /leaves the bundle/],
  ["a link to nothing", (source: string) => symlinkSync("nowhere", join(source, "x")), /link to nothing/],
  ["a link to a folder", (source: string) => symlinkSync("lib", join(source, "x")), /link to a folder/],
  ["a link to itself", (source: string) => symlinkSync("x", join(source, "x")), /link to nothing/],
  ["a pipe", (source: string) => execFileSync("mkfifo", [join(source, "x")]), /neither a file nor a folder/],
  [
    "a giant file",
    (source: string) => {
      writeFileSync(join(source, "x"), "");
      truncateSync(join(source, "x"), 2 ** 28 + 1);
    },
    /more than 268435456 bytes/,
  ],
  [
    "a deep folder",
    (source: string) => mkdirSync(join(source, "d/".repeat(40)), { recursive: true }),
    /more than 32 folders deep/,
  ],
  [
    "too many files",
    (source: string) => {
      for (let i = 0; i < 10_001; i += 1) writeFileSync(join(source, `f${i}`), "");
    },
    /more than 10000 files/,
  ],
])("[PL5] %s is refused by name", (_what, make, message) => {
  using bundle = fixture();
  make(bundle.source);
  expect(() => bundle.stage()).toThrow(
    expect.objectContaining({ code: "LM_PLUGIN_BUNDLE_INVALID", message: expect.stringMatching(message) }),
  );
  expect(() => statSync(join(bundle.folder.path, "staged"))).toThrow("ENOENT");
});
