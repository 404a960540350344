import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ASKING } from "./hostPlane/testing/askingPlugin.ts";
import { fixtureServer, writePlugin } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const BASE = "org.example.base";
const USER = "org.example.user";
const SERVER = {
  "index.mjs": fixtureServer({
    tools: `[{ name: "echo" }, { name: "slow" }]`,
    body: `if (name === "slow") await new Promise((resolve) => setTimeout(resolve, args.ms)); return text("here");`,
  }),
};

function writeBoth(host: TestHost): void {
  host.write("base", { files: SERVER, manifest: { id: BASE } });
  host.write("user", { files: { ...ASKING }, manifest: { id: USER, dependencies: { [BASE]: "^1.0.0" } } });
}

test("[PL153] a plugin that is made for another LogoMesh is blocked and says both versions", async () => {
  await using host = new TestHost();
  host.write("fits", { files: SERVER, manifest: { id: BASE, engines: { logomesh: ">=0.1.0 <1" } } });
  host.write("later", { files: SERVER, manifest: { id: "org.example.later", engines: { logomesh: "^2.0.0" } } });
  host.write("user", { files: SERVER, manifest: { id: USER, dependencies: { "org.example.later": "*" } } });
  await host.open();
  await host.call("echo", {}, { pluginId: BASE });
  const reason = "org.example.later is made for LogoMesh ^2.0.0, and this is 0.1.0.";
  expect(host.host.get("org.example.later")).toMatchObject({
    ...{ state: "blocked", stateReason: expect.stringContaining(reason) },
  });
  await expect(host.call("echo", {}, { pluginId: "org.example.later" })).rejects.toMatchObject({
    ...{ code: "LM_PLUGIN_INCOMPATIBLE", message: expect.stringContaining(reason) },
  });
  await expect(host.call("echo", {}, { pluginId: USER })).rejects.toThrow(
    /^org.example.user needs org.example.later \*, which is made for LogoMesh \^2.0.0, and this is 0.1.0/,
  );
});

test("[PL153] what is made for another LogoMesh is not installed, and what is there serves on", async () => {
  await using host = new TestHost();
  host.write("base", { files: SERVER, manifest: { id: BASE } });
  await host.open();
  const before = host.host.get(BASE);
  const next = writePlugin(join(host.root, "next"), {
    files: SERVER,
    manifest: { id: BASE, version: "2.0.0", engines: { logomesh: "99.x" } },
  });
  await expect(host.host.install({ path: next }, CALLER)).rejects.toMatchObject({
    ...{ code: "LM_PLUGIN_INCOMPATIBLE", message: expect.stringMatching(/2.0.0 is made for LogoMesh 99.x.*Nothing/) },
  });
  expect(host.host.get(BASE)).toEqual(before);
  expect((await host.call("echo", {}, { pluginId: BASE })).isError).toBe(false);
  expect(host.audit.kinds()).not.toContain("plugin.installed");
});

test.each<[string, (host: TestHost) => Promise<unknown>, RegExp]>([
  ["is disabled", (host) => host.host.setEnabled(BASE, { enabled: false, caller: CALLER }), /which is disabled/],
  [
    "is replaced by another version",
    async (host) => {
      const manifest = { id: BASE, version: "2.0.0" };
      const path = writePlugin(join(host.root, "next"), { files: SERVER, manifest });
      const { waiting } = await host.host.install({ path }, CALLER);
      return host.host.grant(BASE, { sha256: waiting?.sha256 ?? "", caller: CALLER });
    },
    /and 2.0.0 is installed/,
  ],
  ["is uninstalled", (host) => host.host.uninstall(BASE, { force: true, caller: CALLER }), /which is not installed/],
])(
  "[PL154] when what it needs %s, a running plugin ends its calls, stops and is blocked",
  async (_how, change, reason) => {
    await using host = new TestHost();
    writeBoth(host);
    host.services = {};
    await host.open();
    const call = host.call(
      "ask",
      {
        ...{ tool: "plugin_call", args: { plugin: BASE, tool: "slow", arguments: { ms: 300 } } },
      },
      { pluginId: USER },
    );
    await expect.poll(() => host.host.get(BASE).state, { interval: 5 }).toBe("busy");
    await change(host);
    // Its call, and with it the one that it made, ended as if nothing had happened.
    expect(await call).toMatchObject({ structuredContent: { result: { isError: false } } });
    await expect.poll(() => host.host.get(USER).state).toBe("blocked");
    expect(host.host.get(USER).stateReason).toMatch(reason);
    await host.sandbox.processes[1]?.exited;
    await expect(host.call("ask", {}, { pluginId: USER })).rejects.toThrow(reason);
  },
);

test("[PL154] a grant that is taken back stops the plugin at once, and those that need it after their calls", async () => {
  await using host = new TestHost();
  writeBoth(host);
  await host.open();
  await host.call("echo", {}, { pluginId: BASE });
  const before = host.call(
    "ask",
    { tool: "plugin_call", args: { plugin: BASE, tool: "slow", arguments: { ms: 60_000 } } },
    {
      ...{ pluginId: USER, timeoutMs: 30_000 },
    },
  );
  await expect.poll(() => host.host.get(BASE).state, { interval: 5 }).toBe("busy");
  await host.host.revoke(BASE, CALLER);
  expect((await before).structuredContent).toMatchObject({ result: { isError: true } });
  await expect
    .poll(() => host.host.get(USER))
    .toMatchObject({
      ...{ state: "blocked", stateReason: expect.stringMatching(/which is not granted/) },
    });
  await host.host.grant(BASE, { sha256: host.host.get(BASE).sha256, caller: CALLER });
  expect(host.host.get(USER).state).toBe("stopped");
});

test("[PL154] what waits for its grant, and a swap, take nothing from those that need the plugin", async () => {
  await using host = new TestHost();
  writeBoth(host);
  await host.open();
  await host.host.load(USER, CALLER);
  const states: string[] = [];
  using _watch = host.host.subscribe(({ id, state }) => id === USER && state !== "ready" && states.push(state));
  const path = writePlugin(join(host.root, "next"), { files: { ...SERVER, "more.txt": "" }, manifest: { id: BASE } });
  const { waiting } = await host.host.install({ path }, CALLER);
  await host.host.grant(BASE, { sha256: waiting?.sha256 ?? "", caller: CALLER });
  await host.host.reload(BASE, CALLER);
  expect(host.host.get(USER).state).toBe("ready");
  expect(states).toEqual([]);
});

test("[PL154] what was corrected lets those that need it run again", async () => {
  await using host = new TestHost();
  writeBoth(host);
  writeFileSync(join(host.pluginsFolder, "base", "plugin.json"), "{");
  await host.open();
  expect(host.host.get(USER)).toMatchObject({ state: "blocked", stateReason: expect.stringMatching(/not installed/) });
  host.write("base", { files: SERVER, manifest: { id: BASE } });
  await expect(host.host.load(BASE, CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  await host.host.grant(BASE, { sha256: host.host.get(BASE).sha256, caller: CALLER });
  await host.host.load(USER, CALLER);
  expect(host.host.get(BASE).state).toBe("ready");
});
