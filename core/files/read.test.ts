import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { linkSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256Hex } from "../base/index.ts";
import { parseFilePath } from "./filePath.ts";
import { createTestFiles, refusalOf } from "./testing/testFiles.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

test("[FL7] [FL9] a file is read with its hash, name and mode, after its name was authorized", async () => {
  using world = createTestFiles();
  mkdirSync(join(world.root, "src/deep"));
  writeFileSync(join(world.root, "src/deep/a b.txt"), "hello", { mode: 0o755 });
  const content = await world.files.read("src/deep/a b.txt", world.allow);
  expect({ ...content, bytes: text(content.bytes) }).toEqual({
    ...{ path: "src/deep/a b.txt", bytes: "hello", sha256: sha256Hex("hello"), mode: 0o755 },
  });
  expect(world.asked).toEqual(["src/deep/a b.txt"]);
});

test.each([
  ["", "empty"],
  ["/etc/passwd", "absolute"],
  ["//etc/passwd", "absolute"],
  ["src/\0a", "NUL"],
  ["src/\ud800", "well-formed"],
  ["src//a", "slash"],
  ["src/a/", "slash"],
  ["src/./a", "the name “.”"],
  ["src/../logomesh.yaml", "the name “..”"],
  ["..", "the name “..”"],
  [`src/${"x".repeat(256)}`, "255 bytes"],
  [`src/${"é".repeat(128)}`, "255 bytes"],
  [`src/${"x/".repeat(2_050)}x`, "4095 bytes"],
  [`src/${"x/".repeat(63)}x`, "64 names"],
])("[FL1] the path %j is refused: %s", async (path, detail) => {
  using world = createTestFiles();
  await expect(world.files.read(path, world.allow)).rejects.toThrow(detail);
  await expect(world.files.prepare({ path, text: "x" }, world.allow)).rejects.toMatchObject({
    code: "LM_FILE_REFUSED",
    data: { reason: "path" },
  });
  expect(world.asked).toEqual([]);
});

test("[FL1] the longest spelling that is allowed passes", () => {
  const name = "x".repeat(255);
  expect(parseFilePath(`src/${name}`)).toEqual(["src", name]);
  expect(parseFilePath("x/".repeat(63) + "x")).toHaveLength(64);
});

test.each(["logomesh.yaml", ".logomesh/token", "srcs/a", "SRC/a", "Src", "docs2", "src\\a"])(
  "[FL2] %s is outside the shared folders",
  async (path) => {
    using world = createTestFiles();
    expect(await refusalOf(world.files.read(path, world.allow))).toBe("LM_FILE_REFUSED outside");
    expect(await refusalOf(world.files.list(path, world.allow))).toBe("LM_FILE_REFUSED outside");
    expect(world.asked).toEqual([]);
  },
);

test("[FL2] a letter's case names another file, and a shared folder that is gone is not made", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.root, "src/Readme.md"), "x");
  expect(await refusalOf(world.files.read("src/README.md", world.allow))).toBe("LM_FILE_NOT_FOUND");
  renameSync(join(world.root, "docs"), join(world.root, "elsewhere"));
  expect(await refusalOf(world.files.list("docs", world.allow))).toBe("LM_FILE_NOT_FOUND");
  expect(await refusalOf(world.files.prepare({ path: "docs/new.md", text: "x" }, world.allow))).toBe(
    "LM_FILE_NOT_FOUND",
  );
});

test("[FL3] a link is refused at every position, also one that leads to a shared file", async () => {
  using world = createTestFiles();
  const { root, outside, files, allow } = world;
  mkdirSync(join(outside, "b"));
  writeFileSync(join(outside, "b/secret"), "canary");
  mkdirSync(join(root, "src/real/b"), { recursive: true });
  writeFileSync(join(root, "src/real/b/secret"), "shared");
  symlinkSync(join(outside, "b/secret"), join(root, "src/real/b/file"));
  symlinkSync("secret", join(root, "src/real/b/near"));
  symlinkSync(outside, join(root, "src/folder"));
  symlinkSync("real", join(root, "src/beside"));
  symlinkSync("nowhere", join(root, "src/dangling"));
  symlinkSync("/proc/self/root/etc/passwd", join(root, "src/proc"));
  for (const path of ["real/b/file", "real/b/near", "folder/b/secret", "beside/b/secret", "dangling", "proc"]) {
    expect([path, await refusalOf(files.read(`src/${path}`, allow))]).toEqual([path, "LM_FILE_REFUSED link"]);
    const change = files.prepare({ path: `src/${path}`, text: "new" }, allow);
    expect([path, await refusalOf(change)]).toEqual([path, "LM_FILE_REFUSED link"]);
  }
  for (const path of ["src/folder", "src/beside", "src/dangling"]) {
    expect(await refusalOf(files.list(path, allow))).toMatch(/^LM_FILE_REFUSED/);
  }
  expect(text((await files.read("src/real/b/secret", allow)).bytes)).toBe("shared");
});

test("[FL3] a shared folder that is itself a link is refused", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.outside, "a"), "canary");
  renameSync(join(world.root, "docs"), join(world.root, "old"));
  symlinkSync(world.outside, join(world.root, "docs"));
  expect(await refusalOf(world.files.read("docs/a", world.allow))).toBe("LM_FILE_REFUSED link");
  expect(await refusalOf(world.files.list("docs", world.allow))).toMatch(/^LM_FILE_REFUSED/);
});

test("[FL4] folders, FIFOs, sockets, devices and files with a second name are refused at once", async () => {
  using world = createTestFiles();
  const { root, outside, files, allow } = world;
  mkdirSync(join(root, "src/folder"));
  execFileSync("mkfifo", [join(root, "src/fifo")]);
  writeFileSync(join(outside, "passwords"), "canary");
  linkSync(join(outside, "passwords"), join(root, "src/hard"));
  const socket = createServer().listen(join(root, "src/socket"));
  for (const [name, reason] of [
    ["folder", "kind"],
    ["fifo", "kind"],
    ["socket", "kind"],
    ["hard", "names"],
  ] as const) {
    expect([name, await refusalOf(files.read(`src/${name}`, allow))]).toEqual([name, `LM_FILE_REFUSED ${reason}`]);
    const change = files.prepare({ path: `src/${name}`, text: "x" }, allow);
    expect([name, await refusalOf(change)]).toEqual([name, `LM_FILE_REFUSED ${reason}`]);
  }
  expect(await refusalOf(files.read("src/fifo/a", allow))).toBe("LM_FILE_REFUSED kind");
  expect(await refusalOf(files.list("src/fifo", allow))).toBe("LM_FILE_REFUSED kind");
  socket.close();
});

const canMakeDevices = process.getuid?.() === 0;

test.skipIf(!canMakeDevices)("[FL4] a device is refused without being opened", async () => {
  using world = createTestFiles();
  execFileSync("mknod", [join(world.root, "src/zero"), "c", "1", "5"]);
  expect(await refusalOf(world.files.read("src/zero", world.allow))).toBe("LM_FILE_REFUSED kind");
});

test.skipIf(!canMakeDevices)("[FL5] what is mounted below a shared folder is refused", async () => {
  using world = createTestFiles();
  const [secret, place] = [join(world.outside, "secret"), join(world.root, "src/mounted")];
  mkdirSync(place);
  writeFileSync(secret, "canary");
  // In a mount namespace of its own, so that nothing of the machine changes; the service runs inside it.
  const script = `
    import { WorkspaceFiles } from ${JSON.stringify(join(import.meta.dirname, "fileAccess.ts"))};
    const files = new WorkspaceFiles({ root: ${JSON.stringify(world.root)}, shared: ["src"] });
    const allow = { authorize() {} };
    for (const path of ["src/mounted/secret", "src/mounted"]) {
      await (path.endsWith("secret") ? files.read(path, allow) : files.list(path, allow)).then(
        () => console.log("passed"), (error) => console.log(error.code, error.data.reason));
    }`;
  const command = `mount --bind "$1" "$2" && exec "$3" --input-type=module-typescript -e "$4"`;
  const out = execFileSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-c", command, "sh", world.outside, place, process.execPath, script],
    { encoding: "utf8" },
  );
  expect(out).toBe("LM_FILE_REFUSED mount\nLM_FILE_REFUSED mount\n");
});

test("[FL7] what authorize throws is the answer, and nothing is read", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.root, "src/a"), "canary");
  const deny = {
    authorize: (path: string) => {
      throw new Error(`not ${path}`);
    },
  };
  await expect(world.files.read("src/a", deny)).rejects.toThrow("not src/a");
  await expect(world.files.list("src", deny)).rejects.toThrow("not src");
  await expect(world.files.prepare({ path: "src/new/b", text: "x" }, deny)).rejects.toThrow("not src/new/b");
});

test("[FL8] who is not authorized cannot tell what exists", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.root, "src/a"), "canary");
  symlinkSync("a", join(world.root, "src/link"));
  const deny = {
    authorize: () => {
      throw new Error("denied");
    },
  };
  const answers = await Promise.all(
    ["src/a", "src/missing", "src/missing/deep", "src/a/below", "src/link", "src/link/x", "docs"].map((path) =>
      world.files.read(path, deny).catch(String),
    ),
  );
  expect(new Set(answers)).toEqual(new Set(["Error: denied"]));
});

test("[FL9] a file above the limit is refused by its size, a sparse one without being read", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.root, "src/a"), "12345");
  expect((await world.files.read("src/a", { ...world.allow, bytesMax: 5 })).bytes).toHaveLength(5);
  expect(await refusalOf(world.files.read("src/a", { ...world.allow, bytesMax: 4 }))).toBe("LM_TOO_LARGE");
  truncateSync(join(world.root, "src/a"), 8 * 1024 ** 4);
  await expect(world.files.read("src/a", world.allow)).rejects.toThrow(
    "8796093022208 bytes; the limit of this read is 16777216",
  );
  expect(await refusalOf(world.files.prepare({ path: "src/a", text: "x" }, world.allow))).toBe("LM_TOO_LARGE");
});

test("[FL9] a file that grows after it was judged is cut off at the limit", async () => {
  using world = createTestFiles();
  const path = join(world.root, "src/log");
  writeFileSync(path, "1234");
  const grow = { authorize: () => writeFileSync(path, "x".repeat(100)), bytesMax: 10 };
  await expect(world.files.read("src/log", grow)).rejects.toThrow("more than 10 bytes");
});

test("[FL10] a folder lists files, folders and others by name", async () => {
  using world = createTestFiles();
  const { root, files, allow } = world;
  mkdirSync(join(root, "src/b"));
  writeFileSync(join(root, "src/a"), "12");
  writeFileSync(join(root, "src/.hidden"), "");
  writeFileSync(join(root, "src/one"), "");
  linkSync(join(root, "src/one"), join(root, "src/two"));
  symlinkSync("a", join(root, "src/link"));
  expect(await files.list("src", allow)).toEqual([
    { name: ".hidden", kind: "file", size: 0 },
    { name: "a", kind: "file", size: 2 },
    { name: "b", kind: "folder", size: 0 },
    { name: "link", kind: "other", size: 0 },
    { name: "one", kind: "other", size: 0 },
    { name: "two", kind: "other", size: 0 },
  ]);
  expect(world.asked).toEqual(["src"]);
  expect(await refusalOf(files.list("src/a", allow))).toBe("LM_FILE_REFUSED kind");
  expect(await refusalOf(files.list("src/none", allow))).toBe("LM_FILE_NOT_FOUND");
  expect((await files.read("src/.hidden", allow)).bytes).toHaveLength(0);
});

test("[FL10] a folder with more entries than the limit is refused", async () => {
  using world = createTestFiles();
  writeFileSync(join(world.root, "docs/0"), "");
  for (let index = 1; index <= 10_000; index++) linkSync(join(world.root, "docs/0"), join(world.root, `docs/${index}`));
  expect(await refusalOf(world.files.list("docs", world.allow))).toBe("LM_TOO_LARGE");
});
