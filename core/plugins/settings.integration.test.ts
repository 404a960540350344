import { expect, test } from "vitest";
import { fixtureServer } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const FILES = {
  "index.mjs": fixtureServer({
    tools: `[{ name: "settings" }]`,
    body: `return text(JSON.stringify(log[0].params._meta ?? null));`,
  }),
};
const CONFIG = {
  type: "object",
  properties: { city: { type: "string", default: "Bern" }, key: { type: "string", minLength: 3 } },
  additionalProperties: false,
};

const toldOf = async (host: TestHost) => JSON.parse(String((await host.call("settings")).content[0]?.text)) as unknown;

test("[PL93] [PL94] settings are checked, kept, told with the handshake, and change without a failed call", async () => {
  await using host = new TestHost();
  host.write("echo", { files: FILES, manifest: { config: CONFIG } });
  await host.open();
  expect(host.host.settings(ID)).toEqual({ schema: CONFIG, settings: { city: "Bern" } });
  expect(await toldOf(host)).toEqual({ "org.logomesh/settings": { city: "Bern" } });
  const set = (settings: Record<string, string>) => host.host.setSettings(ID, { settings, caller: CALLER });
  await expect(set({ key: "ab" })).rejects.toMatchObject({
    ...{ code: "LM_INPUT_INVALID", message: expect.stringContaining("/key must NOT have fewer than 3 characters") },
  });
  await expect(set({ colour: "red" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(await set({ key: "s3cret" })).toMatchObject({ settings: { city: "Bern", key: "s3cret" } });
  expect(await toldOf(host)).toEqual({ "org.logomesh/settings": { city: "Bern", key: "s3cret" } });
  expect(host.sandbox.processes).toHaveLength(2);
  await host.open();
  expect(host.host.settings(ID).settings).toEqual({ city: "Bern", key: "s3cret" });
  const entries = host.audit.entries.filter(({ kind }) => kind === "plugin.settings");
  expect(entries).toMatchObject([{ actor: CALLER.actor, data: { names: ["key"] } }]);
  expect(JSON.stringify(host.audit.entries.filter(({ kind }) => kind !== "plugin.called"))).not.toContain("s3cret");
});

test("[PL93] a plugin without settings has none and says so", async () => {
  await using host = new TestHost();
  host.write("echo", { files: FILES });
  await host.open();
  expect(host.host.settings(ID)).toEqual({ schema: null, settings: {} });
  expect(await toldOf(host)).toBeNull();
  await expect(host.host.setSettings(ID, { settings: {}, caller: CALLER })).rejects.toThrow(/has no settings/);
});
