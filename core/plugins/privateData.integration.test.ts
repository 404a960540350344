import { existsSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { SqliteBlobStore } from "../storage/index.ts";
import { PluginHost } from "./pluginHost.ts";
import { fixtureServer } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";
import { ASKING } from "./hostPlane/testing/askingPlugin.ts";

const KEEPER = "org.example.keeper";
const STORE = "org.example.store";
const LISTENER = "org.example.listener";
const why = "for the test";

/** Keeps a text in its folder, and answers what is there. */
const KEEPS = fixtureServer({
  tools: `["keep", "look", "crash"].map((name) => ({ name, inputSchema: { type: "object" } }))`,
  preamble: `import { existsSync, readFileSync, writeFileSync } from "node:fs";`,
  body: `
  const file = existsSync("/data") ? "/data/diary" : "data/diary";
  if (name === "crash") { process.stderr.write("the diary says so\\n", () => process.exit(3)); await new Promise(() => {}); }
  if (name === "keep") writeFileSync(file, args.text);
  return text(existsSync(file) ? readFileSync(file, "utf8") : "nothing");`,
});

interface Call {
  pluginId?: string;
  tool: string;
  args?: JsonObject;
  tainted?: boolean;
}

/** A workbench that can be started again over what it kept. */
async function open() {
  const held = new TestHost();
  onTestFinished(() => held[Symbol.asyncDispose]());
  const { store } = held.options;
  held.services = { store, blobs: new SqliteBlobStore(held.database) };
  held.write("keeper", {
    manifest: { id: KEEPER, permissions: { "fs.data": { max_mb: 1, why } } },
    files: { "a.mjs": KEEPS },
  });
  held.write("store", { manifest: { id: STORE, permissions: { store: { max_bytes: 999, why } } }, files: ASKING });
  held.write("listener", { manifest: { id: LISTENER }, files: { "a.mjs": KEEPS } });
  await held.open();
  const start = async (): Promise<PluginHost> => {
    const host = await PluginHost.open(held.options);
    onTestFinished(() => host[Symbol.asyncDispose]());
    return host;
  };
  const call = async (host: PluginHost, { pluginId = KEEPER, tool, args = {}, tainted = false }: Call) => {
    let isTainted = false;
    const options = { signal: new AbortController().signal, onTaint: () => (isTainted = true) };
    const result = await host
      .callTool({ pluginId, tool, arguments: args, caller: CALLER.principal, tainted }, options)
      .then(({ content, structuredContent }) => structuredContent ?? content[0]?.text)
      .catch((error: unknown) => String(error));
    return [result, isTainted];
  };
  return { held, first: held.host, start, call, folder: join(held.root, "data", KEEPER) };
}

test("[HP61] [HP62] a folder that a tainted process could write to taints every later process, until it is forgotten", async () => {
  const { held, first, start, call, folder } = await open();
  // Control: what an untainted process keeps taints nobody.
  expect(await call(first, { tool: "keep", args: { text: "harmless" } })).toEqual(["harmless", false]);
  await first.unload(KEEPER, CALLER);
  expect(await call(first, { tool: "look" })).toEqual(["harmless", false]);
  expect(first.get(KEEPER).privateData).toBeUndefined();

  expect(await call(first, { tool: "keep", args: { text: "secret" }, tainted: true })).toEqual(["secret", true]);
  await first[Symbol.asyncDispose]();
  const second = await start();
  expect(await call(second, { tool: "look" })).toEqual(["secret", true]);
  expect(second.get(KEEPER).privateData).toEqual({ since: expect.any(String), folder: true, values: 0, blobs: 0 });
  expect(held.audit.kinds().filter((kind) => kind === "plugin.data-private")).toHaveLength(1);

  const plugin = await second.forgetPrivateData(KEEPER, { caller: CALLER });
  expect([plugin.privateData, existsSync(folder)]).toEqual([undefined, false]);
  expect(held.audit.kinds().slice(-2)).toEqual(["plugin.stopped", "plugin.private-forgotten"]);
  expect(held.audit.entries.find(({ kind }) => kind === "plugin.private-forgotten")).toMatchObject({
    ...{ actor: CALLER.actor, data: { folder: true, values: 0, blobs: 0 } },
  });
  expect(await call(second, { tool: "look" })).toEqual(["nothing", false]);
  await second[Symbol.asyncDispose]();
  expect(await call(await start(), { tool: "look" })).toEqual(["nothing", false]);
});

test("[HP62] an admin may say why it is not private: everything stays, nothing taints", async () => {
  const { held, first, call } = await open();
  await call(first, { tool: "keep", args: { text: "secret" }, tainted: true });
  await first.forgetPrivateData(KEEPER, { why: "I wrote it myself", caller: CALLER });
  expect(held.audit.entries.find(({ kind }) => kind === "plugin.declassified")?.data).toEqual({
    ...{ folder: true, values: 0, blobs: 0, why: "I wrote it myself" },
  });
  expect(await call(first, { tool: "look" })).toEqual(["secret", false]);
});

test("[HP60] [HP62] values of a tainted call are counted, taint later calls, and are deleted", async () => {
  const { first, call } = await open();
  const put = (key: string, tainted: boolean): Call => ({
    ...{ pluginId: STORE, tool: "ask", tainted, args: { tool: "store_put", args: { key, value: 1 } } },
  });
  const get = (key: string): Call => ({ pluginId: STORE, tool: "ask", args: { tool: "store_get", args: { key } } });
  await call(first, put("open", false));
  await call(first, put("secret", true));
  await first.unload(STORE, CALLER);
  expect((await call(first, get("open")))[1]).toBe(false);
  expect((await call(first, get("secret")))[1]).toBe(true);
  expect(first.get(STORE).privateData).toMatchObject({ folder: false, values: 1, blobs: 0 });
  await first.forgetPrivateData(STORE, { caller: CALLER });
  expect(JSON.stringify(await call(first, get("secret")))).toContain('"found":false');
  expect(await call(first, get("open"))).toEqual([expect.anything(), false]);
});

test("[HP63] a failure taints as an answer does, also the refusal that quotes the last lines", async () => {
  const { first, call } = await open();
  const quoted = expect.stringContaining("the diary says so") as string;
  // Control: the same failure of a process that knows nothing private.
  expect(await call(first, { pluginId: LISTENER, tool: "crash" })).toEqual([quoted, false]);
  await first.release(LISTENER, CALLER);
  expect(await call(first, { pluginId: LISTENER, tool: "crash", tainted: true })).toEqual([quoted, true]);
  expect(await call(first, { pluginId: LISTENER, tool: "look" })).toEqual([quoted, true]);
  await first.release(LISTENER, CALLER);
  expect(await call(first, { pluginId: LISTENER, tool: "look" })).toEqual(["nothing", false]);
});

test("[HP61] uninstalling takes the label with the data", async () => {
  const { first, held, call } = await open();
  await call(first, { tool: "keep", args: { text: "secret" }, tainted: true });
  await first.uninstall(KEEPER, { force: false, caller: CALLER });
  held.write("keeper", {
    manifest: { id: KEEPER, permissions: { "fs.data": { max_mb: 1, why } } },
    files: { "a.mjs": KEEPS },
  });
  await first.load(KEEPER, CALLER).catch(() => undefined);
  await first.grant(KEEPER, { sha256: first.get(KEEPER).sha256, caller: CALLER });
  expect(await call(first, { tool: "look" })).toEqual(["nothing", false]);
});
