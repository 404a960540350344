import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig } from "./index.ts";
import { openParts, type WorkbenchParts } from "./openParts.ts";

// The host plane of a whole workbench: sandbox, policy with the shipped constitution, grants, log and services are the real ones.

const TEXT = "org.logomesh.text-tools";
const STATS = "org.logomesh.data-stats";

const folder = createTempFolder();
const root = join(folder.path, "w");
let parts: WorkbenchParts;
let principal: { type: "Client"; id: string };

beforeAll(async () => {
  const environment = { XDG_STATE_HOME: join(folder.path, "state") };
  const { paths } = await initWorkspace({ root, environment, logger });
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(join(root, "docs/untidy.md"), "one  \ntwo \n\n");
  const config = loadConfig({ file: paths.config, environment: { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" } });
  parts = await openParts({ root, config, logger, environment });
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
