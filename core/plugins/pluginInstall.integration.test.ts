import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeTgz, makeZip } from "./archives/testing.ts";
import { SqliteBlobStore, SqlitePluginStore } from "../storage/index.ts";
import { fixtureServer, writePlugin } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const ECHO = fixtureServer({
  tools: `[{ name: "echo" }, { name: "slow" }]`,
  body: `
  if (name === "slow") await new Promise((resolve) => setTimeout(resolve, args.ms));
  return text("1.0.0");`,
});
const FILES = { "index.mjs": ECHO };

function manifest(more: object = {}): string {
  return JSON.stringify({
    ...{ id: ID, name: "Fixture", version: "1.0.0", description: "A plugin of a test.", runtime: "nodejs" },
    ...{ entry_point: "index.mjs", security_level: "sandbox", ...more },
  });
}

const ENTRIES = [
  { path: "plugin.json", content: manifest() },
  { path: "index.mjs", content: ECHO, mode: 0o100755 },
];

/** In pieces, as a network brings it. */
function sent(archive: Buffer, name = "x") {
  const cuts = [0, 1, 2, 1_000, archive.length];
  const bytes = cuts.slice(1).map((end, index) => archive.subarray(cuts[index], end));
  return { bytes, name, signal: new AbortController().signal };
}

async function openHost() {
  const host = new TestHost();
  await host.open();
  return host;
}

async function grant(host: TestHost, id = ID): Promise<void> {
  await host.host.grant(id, { sha256: host.host.get(id).sha256, caller: CALLER });
}

test.each([
  ["a .tgz sent along", () => sent(makeTgz(ENTRIES), "fixture.tgz")],
  ["an .mcpb sent along", () => sent(makeZip(ENTRIES), "fixture.mcpb")],
])(
  "[PL67] [PL310] %s is installed, runs once it is granted, and installing it again changes nothing",
  async (_what, params) => {
    await using host = await openHost();
    const installed = await host.host.installSent(params(), CALLER);
    expect(installed).toMatchObject({
      ...{ id: ID, state: "blocked", granted: false, enabled: true, command: ["node", "index.mjs"] },
      stateReason: expect.stringMatching(/never granted/),
    });
    expect(readdirSync(host.pluginsFolder)).toEqual([ID]);
    expect(readdirSync(join(host.root, "staged"))).toEqual([ID]);
    expect(readdirSync(join(host.root, "staged", ID))).toEqual([installed.sha256]);
    await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
    await grant(host);
    expect((await host.call("echo")).content).toEqual([{ type: "text", text: "1.0.0" }]);
    const before = host.audit.entries.length;
    expect((await host.host.installSent(params(), CALLER)).sha256).toBe(installed.sha256);
    expect(host.audit.entries).toHaveLength(before);
    expect(host.audit.entries[0]).toMatchObject({
      ...{ kind: "plugin.installed", actor: CALLER.actor },
      data: { version: "1.0.0", sha256: installed.sha256, origin: params().name },
    });
  },
);

test("[PL67] a folder and an archive of it, named by their paths, are the same plugin", async () => {
  await using host = await openHost();
  const source = writePlugin(join(host.root, "source"), { files: FILES });
  writeFileSync(join(source, "plugin.json"), manifest());
  const { sha256 } = await host.host.install({ path: source }, CALLER);
  const archive = join(host.root, "fixture.tgz");
  writeFileSync(archive, makeTgz(ENTRIES));
  expect((await host.host.install({ path: archive }, CALLER)).sha256).toBe(sha256);
});

test("[PL67] what cannot be installed says why and leaves nothing", async () => {
  await using host = await openHost();
  const bundleOf = (entries: Parameters<typeof makeTgz>[0]) => sent(makeTgz(entries));
  const refused = (from: { path: string } | ReturnType<typeof sent>, code: string) =>
    expect(
      "path" in from ? host.host.install(from, CALLER) : host.host.installSent(from, CALLER),
    ).rejects.toMatchObject({ code });
  await refused({ path: join(host.root, "none") }, "LM_NOT_FOUND");
  await refused({ path: "/dev/null" }, "LM_PLUGIN_BUNDLE_INVALID");
  await refused(bundleOf([{ path: "../plugin.json", content: "{}" }]), "LM_PLUGIN_BUNDLE_INVALID");
  await refused(bundleOf([{ path: "index.mjs", content: "" }]), "LM_PLUGIN_MANIFEST_INVALID");
  await refused(bundleOf([{ path: "plugin.json", content: manifest() }]), "LM_PLUGIN_MANIFEST_INVALID");
  expect(readdirSync(host.pluginsFolder)).toEqual([]);
  expect(readdirSync(join(host.root, "staged"))).toEqual([]);
  mkdirSync(join(host.root, "staged/incoming-0000"));
  await host.open();
  expect(readdirSync(join(host.root, "staged"))).toEqual([]);
  host.write("a", { files: FILES });
  host.write("b", { files: FILES });
  await expect(host.host.load(ID, CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_DUPLICATE" });
  await refused(bundleOf(ENTRIES), "LM_PLUGIN_DUPLICATE");
});

const UPGRADE = manifest({
  ...{ version: "1.1.0", permissions: { store: { max_bytes: 10, why: "Remembers." } }, args: ["--fast", ""] },
  tools: { echo: { effect: "pure" } },
});

async function installUpgrade(host: TestHost, files = [ENTRIES[1]!]) {
  const first = await host.host.installSent(sent(makeTgz(ENTRIES)), CALLER);
  await grant(host);
  await host.call("echo");
  const bundle = makeZip([...files, { path: "plugin.json", content: UPGRADE }]);
  return { first, upgraded: await host.host.installSent(sent(bundle, "x.mcpb"), CALLER) };
}

test("[PL68] an upgrade waits and shows what differs; until it is granted the granted version serves", async () => {
  await using host = await openHost();
  const { first, upgraded } = await installUpgrade(host);
  expect(upgraded).toMatchObject({
    ...{ version: "1.0.0", sha256: first.sha256, state: "ready", granted: true },
    waiting: {
      ...{ version: "1.1.0", command: ["node", "index.mjs", "--fast", ""] },
      changes: {
        ...{ fromVersion: "1.0.0", fromSha256: first.sha256, fields: ["args"] },
        permissions: { added: { store: { max_bytes: 10, why: "Remembers." } }, removed: {}, changed: {} },
        tools: { added: ["echo"], removed: [], changed: [] },
      },
    },
  });
  const slow = host.call("slow", { ms: 200 });
  const { sha256 = "" } = upgraded.waiting ?? {};
  await host.host.grant(ID, { sha256, caller: CALLER });
  expect((await slow).isError).toBe(false);
  expect(host.host.get(ID)).toMatchObject({ version: "1.1.0", sha256, granted: true });
  expect(host.host.get(ID)).not.toHaveProperty("waiting");
  expect(host.host.get(ID)).not.toHaveProperty("changes");
  await host.call("echo");
  expect(readdirSync(host.pluginsFolder)).toEqual([ID]);
  expect(readdirSync(join(host.root, "staged", ID)).sort()).toEqual([sha256, "tools.json"]);
  const { data } = host.audit.entries.filter(({ kind }) => kind === "plugin.installed").at(-1) ?? {};
  expect(data).toMatchObject({ fromVersion: "1.0.0", fromSha256: first.sha256 });
});

test("[PL155] what was granted serves over a restart too, and what waits goes when the folder is put back", async () => {
  await using host = await openHost();
  const { first, upgraded } = await installUpgrade(host);
  await host.host[Symbol.asyncDispose]();
  await host.open({ grant: false });
  expect(host.host.get(ID)).toMatchObject({
    ...{ version: "1.0.0", state: "stopped", granted: true },
    waiting: { sha256: upgraded.waiting?.sha256 },
  });
  expect((await host.call("echo")).isError).toBe(false);
  const back = await host.host.installSent(sent(makeTgz(ENTRIES)), CALLER);
  expect(back).toMatchObject({ sha256: first.sha256, granted: true });
  expect(back).not.toHaveProperty("waiting");
  expect((await host.call("echo")).isError).toBe(false);
});

test("[PL155] a version that is granted and cannot start leaves the old one serving, with the grant that it had", async () => {
  await using host = await openHost();
  const { first, upgraded } = await installUpgrade(host, [{ path: "index.mjs", content: "process.exit(3);" }]);
  const { sha256 = "" } = upgraded.waiting ?? {};
  await expect(host.host.grant(ID, { sha256, caller: CALLER })).rejects.toMatchObject({
    code: "LM_PLUGIN_START_FAILED",
  });
  expect(host.host.get(ID)).toMatchObject({
    ...{ sha256: first.sha256, granted: true, waiting: { sha256 } },
    problem: { detail: expect.stringMatching(/did not start/) },
  });
  expect((await host.call("echo")).isError).toBe(false);
  expect(host.grants.pluginGrant(ID)?.sha256).toBe(first.sha256);
});

test("[PL155] when the grant is taken back, what its folder holds is what can be granted", async () => {
  await using host = await openHost();
  const { upgraded } = await installUpgrade(host);
  expect(await host.host.revoke(ID, CALLER)).toMatchObject({
    ...{ version: "1.1.0", sha256: upgraded.waiting?.sha256, state: "blocked", granted: false },
  });
  await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  await grant(host);
  expect((await host.call("echo")).isError).toBe(false);
});

test("[PL155] settings reach the version that serves, and what waits goes on waiting", async () => {
  await using host = new TestHost();
  const config = { type: "object", properties: { city: { type: "string" } } };
  const folder = host.write("echo", { files: FILES, manifest: { config } });
  await host.open();
  await host.call("echo");
  writeFileSync(join(folder, "more.txt"), "");
  const { sha256, waiting } = await host.host.reload(ID, CALLER);
  await host.host.setSettings(ID, { settings: { city: "Bern" }, caller: CALLER });
  expect(host.sandbox.processes).toHaveLength(2);
  expect(host.host.get(ID)).toMatchObject({ sha256, state: "ready", waiting: { sha256: waiting?.sha256 } });
});

test("[PL69] uninstalling leaves nothing but log entries", async () => {
  await using host = await openHost();
  await host.host.installSent(sent(makeTgz(ENTRIES)), CALLER);
  await grant(host);
  await host.call("echo");
  await host.host.setEnabled(ID, { enabled: false, caller: CALLER });
  const { db } = host.database;
  const store = new SqlitePluginStore(host.database);
  const blobs = new SqliteBlobStore(host.database);
  for (const id of [ID, "org.example.other"]) {
    await store.put(id, { key: "k", value: 1 }, { bytesMax: 100 });
    await blobs.put(Buffer.from(id), { owner: `plugin:${id}`, media: "text/plain" });
  }
  db.exec(`INSERT INTO plugin_tokens VALUES ('${ID}', '2026-01-01', 5)`);
  await host.host.uninstall(ID, { force: false, caller: CALLER });
  expect(host.host.list()).toEqual([]);
  expect(readdirSync(host.pluginsFolder)).toEqual([]);
  expect(existsSync(join(host.root, "staged", ID))).toBe(false);
  expect(host.grants.pluginGrant(ID)).toBeUndefined();
  for (const process of host.sandbox.processes) await process.exited;
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
  expect(["plugin_setting", "plugin_tokens", "plugin_value", "blob", "blob_owner"].map(count)).toEqual([0, 0, 1, 1, 1]);
  expect(host.audit.kinds()).toContain("plugin.uninstalled");
  await expect(host.host.uninstall(ID, { force: false, caller: CALLER })).rejects.toMatchObject({
    code: "LM_PLUGIN_NOT_FOUND",
  });
});

test("[PL29] [PL69] who listens hears that a plugin is gone, and of its grant", async () => {
  await using host = new TestHost();
  host.write("echo", { files: FILES });
  await host.open();
  const heard: unknown[] = [];
  using _listening = host.host.subscribe(({ id, granted, state, tools }) =>
    heard.push([id, granted, state, tools.length]),
  );
  await host.call("echo");
  await host.host.uninstall(ID, { force: false, caller: CALLER });
  expect(heard.at(-1)).toEqual([ID, false, "stopped", 0]);
});

test("[PL69] a plugin that others need is kept unless it is forced; a folder that is no plugin can be removed", async () => {
  await using host = new TestHost();
  host.write("base", { files: FILES });
  host.write("user", { files: FILES, manifest: { id: "org.example.user", dependencies: { [ID]: "^1.0.0" } } });
  host.write("broken", { files: FILES, manifest: { version: "one" } });
  await host.open();
  await expect(host.host.uninstall(ID, { force: false, caller: CALLER })).rejects.toMatchObject({
    ...{ code: "LM_PLUGIN_REQUIRED", data: { dependents: ["org.example.user"] } },
  });
  await host.host.uninstall(ID, { force: true, caller: CALLER });
  await host.host.uninstall("broken", { force: false, caller: CALLER });
  expect(host.host.list()).toMatchObject([
    { id: "org.example.user", state: "blocked", stateReason: expect.stringMatching(/which is not installed/) },
  ]);
  expect(readdirSync(host.pluginsFolder)).toEqual(["user"]);
});

test("[PL70] a disabled plugin lets its calls end, starts no more, and stays disabled over restarts", async () => {
  await using host = new TestHost();
  host.write("echo", { files: FILES });
  await host.open();
  await host.call("echo");
  const slow = host.call("slow", { ms: 200 });
  const disabled = await host.host.setEnabled(ID, { enabled: false, caller: CALLER });
  expect((await slow).isError).toBe(false);
  expect(disabled).toMatchObject({ state: "disabled", enabled: false });
  await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_PLUGIN_DISABLED" });
  await expect(host.host.load(ID, CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_DISABLED" });
  await host.open();
  expect(host.host.get(ID).state).toBe("disabled");
  expect(await host.host.setEnabled(ID, { enabled: true, caller: CALLER })).toMatchObject({ state: "stopped" });
  expect((await host.call("echo")).isError).toBe(false);
  expect(host.audit.kinds().filter((kind) => /abled$/.test(kind))).toEqual(["plugin.disabled", "plugin.enabled"]);
});

test("[PL64] [PL65] what a plugin needs starts before it, and blocks it when it cannot", async () => {
  await using host = new TestHost();
  const user = { id: "org.example.a-user", dependencies: { [ID]: ">=1.0.0 <2" } };
  host.write("a-user", { files: FILES, manifest: user });
  host.write("base", { files: FILES });
  await host.open();
  await host.call("echo", {}, { pluginId: user.id });
  const started = host.audit.entries.filter(({ kind }) => kind === "plugin.started").map(({ trace }) => trace?.plugin);
  expect(started).toEqual([ID, user.id]);
  await host.host.unload(user.id, CALLER);
  await host.host.setEnabled(ID, { enabled: false, caller: CALLER });
  expect(host.host.get(user.id)).toMatchObject({ state: "blocked", stateReason: expect.stringMatching(/disabled/) });
  await expect(host.call("echo", {}, { pluginId: user.id })).rejects.toMatchObject({ code: "LM_PLUGIN_DEPENDENCY" });
  await host.host.setEnabled(ID, { enabled: true, caller: CALLER });
  host.policy.denied.add(`plugin.start ${ID}`);
  await expect(host.call("echo", {}, { pluginId: user.id })).rejects.toThrow(
    /org.example.a-user needs org.example.fixture, which did not start: not here/,
  );
});

test("[PL66] plugins that want to run from the start do, in order, and one that fails keeps no other away", async () => {
  await using host = new TestHost();
  const onStart = { activation: ["onStart"] };
  host.write("a", {
    files: FILES,
    manifest: { id: "org.example.a", ...onStart, dependencies: { "org.example.z": "*" } },
  });
  host.write("b", { files: { "index.mjs": "process.exit(1)" }, manifest: { id: "org.example.b", ...onStart } });
  host.write("lazy", { files: FILES, manifest: { id: "org.example.lazy" } });
  host.write("z", { files: FILES, manifest: { id: "org.example.z", ...onStart } });
  const plugins = await host.open();
  await plugins.startActivated();
  expect(plugins.list().map(({ id, state }) => [id, state])).toEqual([
    ["org.example.a", "ready"],
    ["org.example.b", "crashed"],
    ["org.example.lazy", "stopped"],
    ["org.example.z", "ready"],
  ]);
  const started = host.audit.entries.filter(({ kind }) => kind === "plugin.started").map(({ trace }) => trace?.plugin);
  expect(started).toEqual(["org.example.z", "org.example.a", "org.example.b"]);
});
