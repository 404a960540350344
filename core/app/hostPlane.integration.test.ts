import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixtureServer, writePlugin } from "../plugins/testing.ts";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig } from "./index.ts";
import { openParts, type WorkbenchParts } from "./openParts.ts";

// The host plane of a whole workbench: sandbox, policy with the shipped constitution, grants, log and services are the real ones.

const POOR = "org.example.poor";
const TEXT = "org.logomesh.text-tools";
const STATS = "org.logomesh.data-stats";

/** Asks the workbench for what it is told to, over descriptor 3, and hands the answer on. */
const ASKING = fixtureServer({
  tools: `[{ name: "ask", inputSchema: { type: "object" } }]`,
  preamble: `
import { Socket } from "node:net";
let plane, nextId = 1, buffered = "";
const waiting = new Map();
function ask(method, params) {
  if (!plane) {
    plane = new Socket({ fd: Number(process.env.LOGOMESH_HOST_FD) });
    plane.setEncoding("utf8").on("data", (chunk) => {
      buffered += chunk;
      const lines = buffered.split("\\n");
      buffered = lines.pop();
      for (const line of lines) { const message = JSON.parse(line); waiting.get(message.id)?.(message); }
    });
  }
  const id = nextId++;
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    plane.write(JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }) + "\\n");
  });
}`,
  body: `return { content: [], structuredContent: await ask(args.method, args.params ?? {}) };`,
});

const folder = createTempFolder();
const root = join(folder.path, "w");
let parts: WorkbenchParts;
let principal: { type: "Client"; id: string };

beforeAll(async () => {
  const environment = { XDG_STATE_HOME: join(folder.path, "state") };
  const { paths } = await initWorkspace({ root, environment, logger });
  writePlugin(join(paths.plugins, "poor"), { manifest: { id: POOR }, files: { "index.mjs": ASKING } });
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(join(root, "docs/untidy.md"), "one  \ntwo \n\n");
  const config = loadConfig({ file: paths.config, environment: { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" } });
  parts = await openParts({ root, config, logger, environment });
  const sha256 = parts.plugins.get(POOR).sha256;
  await parts.grants.grantPlugin({ pluginId: POOR, sha256, group: "user", permissions: {}, grantedBy: "person:test" });
  const token = await parts.access.createToken(
    { name: "test", scopes: ["run"] },
    { actor: { type: "person", id: "test" } },
  );
  principal = { type: "Client", id: token.id };
});
afterAll(async () => {
  await parts[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const call = async (pluginId: string, tool: string, args: JsonObject) => {
  const answer = await parts.plugins.callTool(
    { pluginId, tool, arguments: args, caller: principal, timeoutMs: 20_000 },
    { signal: new AbortController().signal, onTaint: () => undefined },
  );
  expect(answer.isError, JSON.stringify(answer.content)).toBe(false);
  return answer.structuredContent as JsonObject;
};
const entriesOf = async (kind: string) => (await parts.audit.query({ kind, limit: 100 })).items;

/** Arguments that each tool would take. */
const ARGUMENTS: Record<string, JsonObject> = {
  fs_read: { path: "docs/untidy.md" },
  fs_list: { path: "docs" },
  fs_propose_change: { path: "docs/untidy.md", text: "owned" },
  net_fetch: { url: "https://example.org/" },
  store_get: { key: "k" },
  store_put: { key: "k", value: 1 },
  store_delete: { key: "k" },
  store_list: {},
  blob_put: { base64: "aGk=" },
  blob_get: { handle: `logomesh://blob/${"a".repeat(64)}` },
  plugin_call: { plugin: TEXT, tool: "word_count", arguments: { text: "x" } },
  llm_generate: { prompt: "x" },
  model_propose: { alias: "default", provider: "mock", model: "mock", why: "x" },
  event_publish: { type: "com.acme.x" },
  thought_search: {},
  thought_get: { id: "tht_1" },
  thought_create: { title: "x" },
};

test("[HP2] [HP4] [HP17] every tool of the workbench is denied to a plugin that was granted nothing, and each denial is an entry", async () => {
  const listed = await call(POOR, "ask", { method: "tools/list" });
  const names = (listed.result as { tools: { name: string }[] }).tools.map(({ name }) => name);
  expect(names.toSorted()).toEqual(Object.keys(ARGUMENTS).toSorted());
  for (const name of names) {
    const params = { name, arguments: ARGUMENTS[name] ?? {} };
    expect([name, await call(POOR, "ask", { method: "tools/call", params })]).toMatchObject([
      name,
      { error: { code: 4030 } },
    ]);
  }
  expect(await call(POOR, "ask", { method: "events/listen", params: { types: ["a.b"] } })).toMatchObject({
    error: { code: 4030 },
  });
  await parts.audit.append({ kind: "test.flushed", actor: { type: "system", id: "test" } });
  const denials = await entriesOf("policy.denied");
  expect(denials).toHaveLength(names.length + 1);
  expect(denials.every(({ actor, trace }) => actor.id === POOR && trace.plugin === POOR)).toBe(true);
  expect(readFileSync(join(root, "docs/untidy.md"), "utf8")).toBe("one  \ntwo \n\n");
});

test("[HP14] a sample for Python has its texts counted by one for Node.js", async () => {
  expect(await call(STATS, "describe_texts", { texts: ["one two three", "four", ""] })).toMatchObject({
    ...{ count: 3, sum: 4, max: 3, min: 0 },
  });
  await parts.audit.append({ kind: "test.flushed", actor: { type: "system", id: "test" } });
  expect(await entriesOf("host.plugin_call")).toHaveLength(3);
});

test("[HP21] [HP20] a sample keeps what it found and publishes it", async () => {
  using heard = parts.bus.subscribe({ types: ["org.logomesh.text-tools.*"], subscriber: "test" });
  const text = "Solar power. Wind power.";
  await call(TEXT, "track_keywords", { text, limit: 2 });
  expect(await call(TEXT, "track_keywords", { text: "Solar power is power.", limit: 2 })).toMatchObject({
    totals: [{ keyword: "solar power", texts: 2 }, expect.anything()],
  });
  expect((await heard.next())?.event).toMatchObject({
    source: `plugin:${TEXT}`,
    data: { keywords: expect.any(Array) },
  });
  expect((await parts.pluginStore.get(TEXT, "keyword-totals")).value).toMatchObject({ "solar power": 2 });
});

test("[HP17] [HP16] a sample proposes a tidier file, which waits for a person, and is tainted by what it read", async () => {
  const { isTidy, approvalId = "" } = await call(TEXT, "tidy_file", { path: "docs/untidy.md" });
  expect(isTidy).toBe(false);
  expect(readFileSync(join(root, "docs/untidy.md"), "utf8")).toBe("one  \ntwo \n\n");
  expect(await parts.approvals.get(approvalId as string)).toMatchObject({
    ...{ kind: "file-change", status: "pending", requestedBy: { type: "plugin", id: TEXT } },
    payload: { path: "docs/untidy.md", text: "one  \ntwo\n" },
  });
  let isTainted = false;
  const options = { signal: new AbortController().signal, onTaint: () => (isTainted = true) };
  await parts.plugins.callTool(
    { pluginId: TEXT, tool: "word_count", arguments: { text: "x" }, caller: principal },
    options,
  );
  expect(isTainted).toBe(true);
  const outside = parts.plugins.callTool(
    { pluginId: TEXT, tool: "tidy_file", arguments: { path: "src/x.ts" }, caller: principal },
    options,
  );
  expect((await outside).isError).toBe(true);
});
