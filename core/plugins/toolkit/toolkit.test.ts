import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder } from "../../testing/index.ts";
import { makeTgz } from "../archives/testing.ts";
import { readArchive } from "../archives/readArchive.ts";
import { writePlugin } from "../testing.ts";
import { checkBundle } from "./checkBundle.ts";
import { createPlugin } from "./createPlugin.ts";
import { packBundle } from "./packBundle.ts";

const TEMPLATES = join(import.meta.dirname, "../../../templates/plugins");
const LONG = `${"deep-folder-name/".repeat(12)}file.txt`;
const FILES = { "index.mjs": "one", "lib/läng.txt": "ü", [LONG]: "two" };

test.each(["tgz", "mcpb"] as const)(
  "[PL71] two packs of the same files as %s are the same bytes, wherever and whenever",
  (format) => {
    using folder = createTempFolder();
    const source = writePlugin(join(folder.path, "a"), { files: FILES });
    const first = packBundle(source, format);
    const copy = join(folder.path, "b");
    cpSync(source, copy, { recursive: true });
    utimesSync(join(copy, "index.mjs"), 1, 1);
    chmodSync(join(copy, "index.mjs"), 0o700);
    const zone = process.env.TZ;
    process.env.TZ = "Pacific/Auckland";
    const second = packBundle(copy, format);
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    expect(Buffer.from(second.bytes).equals(first.bytes)).toBe(true);
    expect(second).toMatchObject({ fileName: `org.example.fixture-1.0.0.${format}`, sha256: first.sha256 });
  },
);

test("[PL71] what is packed and read again is the same bundle, also for other readers", async () => {
  using folder = createTempFolder();
  const source = writePlugin(join(folder.path, "a"), {
    files: FILES,
    manifest: { tools: { echo: {} }, author: "A", repository: "https://example.org/a" },
  });
  chmodSync(join(source, LONG), 0o644);
  const { sha256 } = await checkBundle(source);
  const tgz = join(folder.path, "a.tgz");
  writeFileSync(tgz, packBundle(source, "tgz").bytes);
  expect(await checkBundle(tgz)).toMatchObject({ sha256, problems: [] });
  mkdirSync(join(folder.path, "out"));
  execFileSync("tar", ["xzf", tgz, "-C", join(folder.path, "out")]);
  expect((await checkBundle(join(folder.path, "out"))).sha256).toBe(sha256);
  const mcpb = packBundle(source, "mcpb").bytes;
  const files = await readArchive(mcpb, { name: "a.mcpb", manifestNames: ["manifest.json"] });
  const manifest = JSON.parse(
    Buffer.from(files.find(({ path }) => path === "manifest.json")!.content).toString(),
  ) as unknown;
  expect(manifest).toMatchObject({
    ...{ manifest_version: "0.3", name: "org.example.fixture", version: "1.0.0", author: { name: "A" } },
    server: {
      type: "node",
      entry_point: "index.mjs",
      mcp_config: { command: "node", args: ["${__dirname}/index.mjs"] },
    },
    ...{ tools: [{ name: "echo" }], repository: { type: "git", url: "https://example.org/a" } },
    _meta: { "org.logomesh": { id: "org.example.fixture", tools: { echo: { effect: "once" } } } },
  });
  expect(files.find(({ path }) => path === LONG)).toMatchObject({ isExecutable: false });
  expect(files.find(({ path }) => path === "index.mjs")).toMatchObject({ isExecutable: true });
});

test("[PL71] what could not be installed is not packed", () => {
  using folder = createTempFolder();
  writeFileSync(join(folder.path, "index.mjs"), "");
  expect(() => packBundle(folder.path, "tgz")).toThrow(/plugin.json line 1, column 1: is not JSON/);
  const source = writePlugin(join(folder.path, "a"), { files: FILES, manifest: { entry_point: "none.mjs" } });
  expect(() => packBundle(source, "tgz")).toThrow(/none.mjs is no file of the plugin/);
});

test("[PL147] what a bundle of Python needs is packed with it, and one that only lists it is told what to do", async () => {
  using folder = createTempFolder();
  const manifest = { runtime: "python", license: "MIT", keywords: ["k"], tools: { t: {} } };
  const files = { "main.py": "", "requirements.txt": "six" };
  const source = writePlugin(join(folder.path, "a"), { files, manifest });
  expect((await checkBundle(source)).warnings).toEqual([
    expect.stringContaining("python3 -m pip install --target vendor -r requirements.txt"),
  ]);
  const vendored = { ...files, "vendor/six.py": "", "vendor/pkg/_c.cpython-311-x86_64-linux-gnu.so": "\x7fELF" };
  const whole = writePlugin(join(folder.path, "b"), { files: vendored, manifest });
  expect((await checkBundle(whole)).warnings).toEqual([]);
  const packed = await readArchive(packBundle(whole, "tgz").bytes, { name: "b.tgz", manifestNames: ["plugin.json"] });
  expect(
    packed
      .map(({ path }) => path)
      .filter((path) => path.startsWith("vendor/"))
      .sort(),
  ).toEqual(["vendor/pkg/_c.cpython-311-x86_64-linux-gnu.so", "vendor/six.py"]);
});

test("[PL73] a folder and an archive are checked as an installation would", async () => {
  using folder = createTempFolder();
  const source = writePlugin(join(folder.path, "a"), {
    files: { "index.mjs": "", "icon.png": "" },
    manifest: { icon: "icon.png" },
  });
  const found = await checkBundle(source);
  expect(found).toMatchObject({ files: 3, problems: [], manifest: { id: "org.example.fixture" } });
  expect(found.warnings.map((text) => text.split(":")[0])).toEqual([
    ...["No tool is named in `tools`", "No `license`", "No `keywords`"],
  ]);
  const wrong = writePlugin(join(folder.path, "b"), {
    files: { "index.mjs": "" },
    manifest: {
      icon: "icon.png",
      screenshots: ["shots/1.png"],
      security_level: "trusted",
      tools: { a: {} },
      license: "MIT",
      keywords: ["a"],
    },
  });
  expect(await checkBundle(wrong)).toMatchObject({
    problems: [
      { file: "plugin.json", pointer: "/icon", message: expect.stringMatching(/"icon.png" is no file of the bundle/) },
      { pointer: "/screenshots/0", message: expect.stringMatching(/add 1.png or remove the field/) },
    ],
    warnings: [expect.stringMatching(/asks to run outside of the sandbox/)],
  });
  writeFileSync(join(wrong, "plugin.json"), '{\n  "id": 3\n}');
  expect((await checkBundle(wrong)).problems[0]).toMatchObject({
    file: "plugin.json",
    line: 2,
    column: 9,
    pointer: "/id",
  });
  const archive = join(folder.path, "evil.tgz");
  writeFileSync(archive, makeTgz([{ path: "../x", content: "" }]));
  expect((await checkBundle(archive)).problems).toMatchObject([
    { message: expect.stringMatching(/leaves its folder/) },
  ]);
  await expect(checkBundle(join(folder.path, "none"))).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
});

test.each(["node-ts", "python", "shell"])(
  "[PL72] a plugin made of the template %s is valid and has its own name",
  async (name) => {
    using folder = createTempFolder();
    const made = createPlugin({ template: join(TEMPLATES, name), folder: join(folder.path, "My Word Count") });
    expect(made.id).toBe("org.example.my-word-count");
    expect(made.files).toEqual(readdirSync(join(folder.path, "My Word Count")).sort());
    const report = await checkBundle(join(folder.path, "My Word Count"));
    expect(report).toMatchObject({ problems: [], warnings: [], manifest: { name: "My word count", id: made.id } });
    for (const file of made.files)
      expect(readFileSync(join(folder.path, "My Word Count", file), "utf8")).not.toContain("org.example.hello");
    const hello = { "node-ts": "index.ts", python: "main.py", shell: "tools.sh" }[name] ?? "";
    const lines = readFileSync(join(folder.path, "My Word Count", hello), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.length).toBeLessThanOrEqual(15);
  },
);

test("[PL72] a folder that holds something is left alone, and an id that is none is refused by name", () => {
  using folder = createTempFolder();
  const template = join(TEMPLATES, "python");
  mkdirSync(join(folder.path, "a"));
  writeFileSync(join(folder.path, "a/mine.txt"), "x");
  expect(() => createPlugin({ template, folder: join(folder.path, "a") })).toThrow(/is not an empty folder/);
  expect(readdirSync(join(folder.path, "a"))).toEqual(["mine.txt"]);
  expect(() => createPlugin({ template, folder: join(folder.path, "b"), id: "one" })).toThrow(
    /"one" is not valid: use a reverse-DNS name/,
  );
  expect(createPlugin({ template, folder: join(folder.path, "???"), id: "com.acme.x" }).id).toBe("com.acme.x");
});
