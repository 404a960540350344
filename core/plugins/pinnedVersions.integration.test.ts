import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { ASKING } from "./hostPlane/testing/askingPlugin.ts";
import { fixtureServer, writePlugin } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const RUN = "run_1";
const why = "for the test";
const version = (answer: string): Record<string, string> => ({
  "index.mjs": fixtureServer({ tools: `[{ name: "version" }]`, body: `return text("${answer}");` }),
});

async function open(files = version("1"), manifest: JsonObject = {}) {
  const host = new TestHost();
  onTestFinished(() => host[Symbol.asyncDispose]());
  host.services = { store: host.options.store };
  host.write("pinned", { files, manifest });
  await host.open();
  const call = async (tool: string, { args = {}, runId = "" }: { args?: JsonObject; runId?: string } = {}) =>
    host.host.callTool(
      {
        ...{ pluginId: ID, tool, arguments: args, caller: { type: "Workflow", id: "hash" } },
        ...(runId === "" ? {} : { run: { runId, taskReference: "/do/0/a" } }),
      },
      { signal: new AbortController().signal, onTaint: () => undefined },
    );
  return {
    host,
    call,
    versionOf: async (runId?: string) => (await call("version", { runId: runId ?? "" })).content[0]?.text,
    begin: (runId: string) => host.database.writer.run(host.host.pinRun(runId, [ID, "org.example.none"])),
    end: (runId: string) => host.database.writer.run(host.host.releaseRun(runId)),
    copies: () =>
      readdirSync(join(host.root, "staged", ID))
        .filter((name) => /^[0-9a-f]{64}$/.test(name))
        .sort(),
    async upgrade(next: Record<string, string>, more: JsonObject = {}) {
      const path = writePlugin(join(host.root, "next"), { files: next, manifest: { version: "2.0.0", ...more } });
      const { waiting } = await host.host.install({ path }, CALLER);
      return host.host.grant(ID, { sha256: waiting?.sha256 ?? "", caller: CALLER });
    },
  };
}

test("[PL157] a run goes on with the content that it began with; others get what serves", async () => {
  const { host, begin, versionOf, upgrade, copies } = await open();
  const first = host.host.get(ID).sha256;
  await versionOf();
  await begin(RUN);
  const second = await upgrade(version("2"));
  await begin("run_2");
  expect([await versionOf(RUN), await versionOf("run_2"), await versionOf()]).toEqual(["1", "2", "2"]);
  expect(host.host.describeTool(ID, "version", RUN)).toMatchObject({ version: "1.0.0", sha256: first });
  expect(host.host.describeTool(ID, "version", "run_2")).toMatchObject({ version: "2.0.0" });
  expect(host.host.get(ID)).toMatchObject({ version: "2.0.0", pinned: [{ sha256: first, runs: 1, isRunning: true }] });
  expect(copies()).toEqual([first, second.sha256].sort());
});

test("[PL157] that holds over a restart, and the copy goes when the last of its runs has ended", async () => {
  const { host, begin, end, versionOf, upgrade, copies } = await open();
  const first = host.host.get(ID).sha256;
  await begin(RUN);
  await begin("run_2");
  const { sha256 } = await upgrade(version("2"));
  await host.host[Symbol.asyncDispose]();
  await host.open({ grant: false });
  expect([await versionOf(RUN), await versionOf()]).toEqual(["1", "2"]);
  await end("run_2");
  await host.host.reload(ID, CALLER);
  expect(copies()).toContain(first);
  await end(RUN);
  expect(await versionOf(RUN)).toBe("2");
  await host.host[Symbol.asyncDispose]();
  await host.open({ grant: false });
  expect(copies()).toEqual([sha256]);
  expect(host.host.get(ID)).not.toHaveProperty("pinned");
});

test("[PL158] a plugin that a live run began with is uninstalled by force alone", async () => {
  const { host, begin, versionOf } = await open();
  await begin(RUN);
  await expect(host.host.uninstall(ID, { force: false, caller: CALLER })).rejects.toMatchObject({
    ...{ code: "LM_PLUGIN_REQUIRED", message: expect.stringMatching(/A run that has not ended began with/) },
  });
  expect(await versionOf(RUN)).toBe("1");
  await host.host.uninstall(ID, { force: true, caller: CALLER });
  await expect(versionOf(RUN)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_FOUND" });
  expect(existsSync(join(host.root, "staged", ID))).toBe(false);
  expect(host.database.db.prepare("SELECT count(*) AS n FROM plugin_pin").get()?.n).toBe(0);
});

test("[PL158] what was taken back or disabled is called by no run; after a new grant the run calls what serves", async () => {
  const { host, begin, versionOf, upgrade } = await open();
  await begin(RUN);
  const { sha256 } = await upgrade(version("2"));
  expect(await versionOf(RUN)).toBe("1");
  await host.host.setEnabled(ID, { enabled: false, caller: CALLER });
  await expect(versionOf(RUN)).rejects.toMatchObject({ code: "LM_PLUGIN_DISABLED" });
  await host.host.setEnabled(ID, { enabled: true, caller: CALLER });
  expect(await versionOf(RUN)).toBe("1");
  await host.host.revoke(ID, CALLER);
  for (const process of host.sandbox.processes) await process.exited;
  await expect(versionOf(RUN)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  await host.host.grant(ID, { sha256, caller: CALLER });
  expect(await versionOf(RUN)).toBe("2");
});

test("[PL158] the older content may not use a permission that only the newer one was granted", async () => {
  const { host, begin, call, upgrade } = await open(ASKING);
  await begin(RUN);
  const permissions = { store: { max_bytes: 1_000, why } };
  await upgrade({ ...ASKING, "more.txt": "" }, { permissions });
  const put = { args: { tool: "store_put", args: { key: "k", value: 1 } } };
  expect((await call("ask", put)).structuredContent).toMatchObject({ result: { isError: false } });
  expect((await call("ask", { ...put, runId: RUN })).structuredContent).toMatchObject({
    error: { code: 4030, message: expect.stringMatching(/the run began with was not granted store/) },
  });
  expect(host.audit.entries.filter(({ kind }) => kind === "policy.denied")).toMatchObject([
    { data: { action: "store" }, trace: { plugin: ID } },
  ]);
});

test("[PL158] a run whose copy is gone says so, and calls nothing else in its place", async () => {
  const { host, begin, versionOf, upgrade } = await open();
  const { sha256 } = host.host.get(ID);
  await begin(RUN);
  await upgrade(version("2"));
  rmSync(join(host.root, "staged", ID, sha256), { recursive: true });
  await expect(versionOf(RUN)).rejects.toMatchObject({ code: "LM_PLUGIN_PINNED" });
  expect(await versionOf()).toBe("2");
});
