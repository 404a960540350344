import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, PluginPermissionsSchema, type JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { openResources } from "./grantedResources.ts";

function workspace({ denied = "nothing" }: { denied?: string } = {}) {
  const folder = createTempFolder();
  const asked: string[] = [];
  const root = folder.path;
  mkdirSync(join(root, "docs/deep"), { recursive: true });
  writeFileSync(join(root, "docs/note.md"), "note");
  writeFileSync(join(root, "docs/deep/more.md"), "more");
  writeFileSync(join(root, "secret"), "secret");
  const secrets: Record<string, string> = { SECRET: "kept", BOTH: "kept", HIDDEN: "kept" };
  const open = (permissions: JsonObject, settings: JsonObject = {}) =>
    openResources({
      secret: (name) => secrets[name],
      ...{ pluginId: "org.example.one", permissions, settings },
      workspaceFolder: root,
      dataFolder: join(root, ".logomesh/plugin-data"),
      authorize: (path) => {
        asked.push(path);
        if (path === denied) throw new LogoMeshError("LM_POLICY_DENIED", "not here");
      },
    });
  return { root, asked, open, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

const why = "to work";
const mount = (path: string): JsonObject => ({ "fs.mount": [{ path, why }] });

test("[PL100] nothing is given that was not granted", async () => {
  using space = workspace();
  expect(await space.open({}, { API_TOKEN: "x" })).toEqual({ environment: {}, mounts: {}, isPrivate: false });
});

test("[PL100] [SE6] a variable has the value of the settings, else the secret of its name, else the default, else none", async () => {
  using space = workspace();
  const names = ["SET", "BOTH", "SECRET", "DEFAULT", "NEITHER", "NUMBER", "NUL"];
  const env = names.map((name) => ({ name, why, ...(/BOTH|DEFAULT|SECRET/.test(name) ? { default: "default" } : {}) }));
  const settings = { SET: "set", BOTH: "settings", NUMBER: 7, NUL: "a\0--bind", NOT_GRANTED: "no" };
  expect((await space.open({ env }, settings)).environment).toEqual({
    ...{ SET: "set", BOTH: "settings", SECRET: "kept", DEFAULT: "default", NUMBER: "7", NUL: "a--bind" },
  });
});

test("[PL100] data is a folder that only its owner may enter, made when it is needed", async () => {
  using space = workspace();
  const { data } = await space.open({ "fs.data": { max_mb: 2, why } });
  expect(data).toEqual({
    folder: join(space.root, ".logomesh/plugin-data/org.example.one"),
    bytesMax: 2 * 1024 * 1024,
  });
  expect(statSync(data?.folder ?? "").mode & 0o777).toBe(0o700);
});

test("[PL101] who sees files is tainted from the start", async () => {
  using space = workspace();
  const isPrivate = async (permissions: JsonObject) => (await space.open(permissions)).isPrivate;
  const data = { "fs.data": { max_mb: 1, why } };
  expect(await isPrivate(mount("docs"))).toBe(true);
  expect(await isPrivate(data)).toBe(false);
  expect(await isPrivate({ ...data, "fs.read": [{ path: "docs", why }] })).toBe(false);
});

test("[PL101] a folder is mounted under its name, and everything in it was asked for", async () => {
  using space = workspace();
  symlinkSync("../secret", join(space.root, "docs/link"));
  expect((await space.open(mount("docs"))).mounts).toEqual({ "/work/docs": join(space.root, "docs") });
  expect(space.asked.sort()).toEqual(["docs", "docs/deep", "docs/deep/more.md", "docs/note.md"]);
  expect((await space.open(mount("docs/deep"))).mounts).toEqual({ "/work/deep": join(space.root, "docs/deep") });
});

test.each(["docs", "docs/deep", "docs/deep/more.md"])(
  "[PL101] what may not be read is not mounted: %s",
  async (denied) => {
    using space = workspace({ denied });
    await expect(space.open(mount("docs"))).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  },
);

test.each<[string, (root: string) => void, RegExp]>([
  ["a file", (root) => writeFileSync(join(root, "given"), ""), /is no folder/],
  ["nothing", () => undefined, /is no folder/],
  ["a link", (root) => symlinkSync("docs", join(root, "given")), /is reached through a link/],
  [
    "a folder with a pipe",
    (root) => execFileSync("mkfifo", [folderWith(root, "pipe")]),
    /given\/pipe, which is no file/,
  ],
  [
    "a folder with a second name of a secret",
    (root) => linkSync(join(root, "secret"), folderWith(root, "x")),
    /second name/,
  ],
  ["a folder of very many", (root) => fill(folderWith(root, ""), 10_001), /more than 10000/],
])("[PL101] %s is not mounted", async (_, prepare, message) => {
  using space = workspace();
  prepare(space.root);
  const refused = { code: "LM_PLUGIN_MOUNT_REFUSED", message: expect.stringMatching(message) };
  await expect(space.open(mount("given"))).rejects.toMatchObject(refused);
});

function folderWith(root: string, name: string): string {
  mkdirSync(join(root, "given"));
  return join(root, "given", name);
}

function fill(folder: string, count: number): void {
  for (let index = 0; index < count; index += 1) mkdirSync(join(folder, String(index)));
}

test.each([".", "..", "/etc", "docs/../..", "../x", "docs/", "./docs", "a b", "docs\n", ""])(
  "[PL101] %j is no path that a manifest may ask for",
  (path) => {
    expect(PluginPermissionsSchema.safeParse(mount(path)).success).toBe(false);
  },
);

test("[PL101] two folders of one name, or too many, are refused in the manifest", () => {
  const mounts = (...paths: string[]) =>
    PluginPermissionsSchema.safeParse({ "fs.mount": paths.map((path) => ({ path, why })) }).success;
  expect(mounts("docs", "src/docs")).toBe(false);
  expect(mounts("docs", "src/lib", ".hidden/a..b")).toBe(true);
  expect(mounts("a", "b", "c", "d", "e", "f", "g", "h", "i")).toBe(false);
});
