import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { LogoMeshError } from "@logomesh/contracts";
import { describe, expect, test } from "vitest";
import { ArchiveFiles } from "./archiveFiles.ts";
import { readArchive } from "./readArchive.ts";
import { makeTgz, makeZip, type RawEntry } from "./testing.ts";

const read = (bytes: Uint8Array) => readArchive(bytes, { name: "x.tgz", manifestNames: ["plugin.json"] });
const FORMS = [
  ["tgz", makeTgz],
  ["zip", makeZip],
] as const;

function shown(files: Awaited<ReturnType<typeof read>>) {
  return files.map(({ path, content, isExecutable }) => [path, Buffer.from(content).toString(), isExecutable]);
}

describe.each(FORMS)("%s", (_form, make) => {
  test("[PL60] files are read with content and executable bit, and the folder around everything is left out", async () => {
    const entries = (folder: string): RawEntry[] => [
      { path: `${folder}plugin.json`, content: "{}" },
      { path: `${folder}lib/run.sh`, content: "echo", mode: 0o100755 },
      { path: `${folder}a.txt`, content: "" },
    ];
    const expected = [
      ["a.txt", "", false],
      ["lib/run.sh", "echo", true],
      ["plugin.json", "{}", false],
    ];
    for (const folder of ["", "package/", "./"]) expect(shown(await read(make(entries(folder))))).toEqual(expected);
  });

  test.each([
    ["../evil.txt", "leaves its folder"],
    ["a/../../evil.txt", "leaves its folder"],
    ["/etc/cron.d/evil", "absolute path"],
    ["C:/windows/evil", "absolute path"],
    ["a\\..\\evil", "backslash"],
    ["a//b", "not written plainly"],
    ["a/./b", "not written plainly"],
    ["a\u202etxt", "characters that no path may have"],
    ["a\nb", "characters that no path may have"],
    [`${"d/".repeat(32)}f`, "folders deep"],
  ])("[PL61] an entry named %j is refused", async (path, reason) => {
    await expect(read(make([{ path, content: "x" }]))).rejects.toMatchObject({
      code: "LM_PLUGIN_BUNDLE_INVALID",
      message: expect.stringContaining(reason),
    });
  });

  test.each<[string, string, string]>([
    ["twice", "a.txt", "a.txt"],
    ["by case", "README.md", "readme.MD"],
    ["by composition", "caf\u00e9", "cafe\u0301"],
    ["file and folder", "a", "a/b"],
    ["folder and file", "a/b", "a"],
    ["folders by case", "Lib/a", "lib/b"],
  ])("[PL61] names that collide %s are refused", async (_how, first, second) => {
    const both = make([
      { path: first, content: "1" },
      { path: second, content: "2" },
    ]);
    await expect(read(both)).rejects.toMatchObject({ code: "LM_PLUGIN_BUNDLE_INVALID" });
  });

  test("[PL62] an archive that unpacks to more than a bundle may hold is refused before it is in memory", async () => {
    const zeros = Buffer.alloc(16 * 1024 * 1024);
    const bomb = make(Array.from({ length: 17 }, (_, index) => ({ path: `zeros-${index}`, content: zeros })));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    await expect(read(bomb)).rejects.toThrow(/unpacks to more than/);
  });

  test("[PL62] more entries than a bundle may have are refused", async () => {
    const many = make(Array.from({ length: 10_001 }, (_, index) => ({ path: `f${index}` })));
    await expect(read(many)).rejects.toThrow(/holds more than 10000 files/);
    const folders = make(
      Array.from({ length: 20_001 }, (_, i) => ({ path: `d${i}/`, type: "Directory", mode: 0o40755 })),
    );
    await expect(read(folders)).rejects.toThrow(/holds more than 20000 entries/);
  });

  test("[PL61] whatever bytes are changed, the answer is files or one typed refusal, and no path leaves the folder", async () => {
    const honest = make([
      { path: "plugin.json", content: "{}" },
      { path: "lib/a.txt", content: "hello" },
    ]);
    const change = fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const bytes = Buffer.from(honest);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          for (const { path } of await read(bytes)) expect(path).not.toMatch(/(^|\/)\.\.(\/|$)|^\//);
        } catch (error) {
          expect(error).toBeInstanceOf(LogoMeshError);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

test.each(["SymbolicLink", "Link", "CharacterDevice", "BlockDevice", "FIFO"])(
  "[PL61] a %s in a tar is refused",
  async (type) => {
    const isLink = type.endsWith("Link");
    const bytes = makeTgz([{ path: "link", type, ...(isLink ? { linkpath: "/etc/passwd" } : {}) }]);
    await expect(read(bytes)).rejects.toThrow(new RegExp(`is a ${type}; bundles hold files and folders only`));
  },
);

test.each<[string, RawEntry[], RegExp]>([
  ["a link", [{ path: "link", content: "/etc/passwd", mode: 0o120777 }], /is a link or a device/],
  ["a device", [{ path: "dev", mode: 0o020644 }], /is a link or a device/],
  ["a folder with content", [{ path: "d/", content: "x", mode: 0o040755 }], /is a folder with content/],
  ["a size that lies low", [{ path: "a", content: "0".repeat(99), lie: { bytes: 3 } }], /does not unpack to the size/],
  ["a size that lies high", [{ path: "a", content: "0", lie: { bytes: 30 } }], /is damaged/],
  ["a checksum that lies", [{ path: "a", content: "0", lie: { crc: 1 } }], /is damaged/],
  ["another local name", [{ path: "a", lie: { localName: "b" } }], /has another name where its content lies/],
  ["an unknown method", [{ path: "a", lie: { method: 14 } }], /is packed by method 14/],
  ["encryption", [{ path: "a", lie: { flags: 0x801 } }], /is encrypted/],
  ["an offset outside", [{ path: "a", lie: { offset: 9_999_999 } }], /lies outside of the file/],
])("[PL61] a zip with %s is refused", async (_what, entries, reason) => {
  await expect(read(makeZip(entries))).rejects.toThrow(reason);
});

test("[PL61] entries of a zip that share bytes, or a broken directory, are refused", async () => {
  const twice = makeZip([{ path: "a", content: "x" }, { path: "a" }]);
  // The second directory entry points at the first content under the same name.
  const overlapping = makeZip([
    { path: "aa", content: "x".repeat(100) },
    { path: "bb", lie: { offset: 0, localName: "bb" } },
  ]);
  for (const bytes of [twice, overlapping]) await expect(read(bytes)).rejects.toThrow(LogoMeshError);
  const zip = makeZip([{ path: "a", content: "x" }]);
  await expect(read(zip.subarray(0, zip.length - 3))).rejects.toThrow(/is no zip file, or was cut off/);
  for (const [at, value, reason] of [
    [8, 2, /spans several disks/],
    [16, 7, /broken directory/],
  ] as const) {
    const broken = Buffer.from(zip);
    broken[broken.length - 22 + at] = value;
    await expect(read(broken)).rejects.toThrow(reason);
  }
  const zip64 = Buffer.from(zip);
  zip64.writeUInt32LE(0xffffffff, zip64.length - 6);
  await expect(read(zip64)).rejects.toThrow(/ZIP64/);
});

test("[PL61] a name that is not UTF-8 is refused", async () => {
  const zip = makeZip([{ path: "aé", content: "x" }]);
  const at = zip.lastIndexOf("é");
  zip[at] = 0xff;
  await expect(read(zip)).rejects.toThrow(/not UTF-8/);
});

test("[PL62] what is no archive, too large or cut off says so", async () => {
  await expect(read(Buffer.from("hello"))).rejects.toThrow(/neither a .tgz nor a zip/);
  await expect(read(Buffer.alloc(64 * 1024 * 1024 + 1))).rejects.toThrow(/at most 67108864 are read/);
  await expect(read(gzipSync(Buffer.from("hello")))).rejects.toThrow(/is no tar file/);
  await expect(read(makeTgz([{ path: "a", content: "x" }]).subarray(0, 40))).rejects.toThrow(/is no gzip file/);
  expect(() => new ArchiveFiles("x").admit("", { isFolder: false, bytes: 0 })).toThrow(/has no name/);
  expect(() => new ArchiveFiles("x").admit("a".repeat(300), { isFolder: false, bytes: 0 })).toThrow(/longer than/);
});
