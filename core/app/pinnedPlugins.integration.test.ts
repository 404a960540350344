import { join } from "node:path";
import { expect, test } from "vitest";
import { fixtureServer, writePlugin } from "../plugins/testing.ts";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { openParts } from "./openParts.ts";

const ID = "org.example.fixture";
const version = (answer: string): Record<string, string> => ({
  "index.mjs": fixtureServer({ tools: `[{ name: "version" }]`, body: `return text("${answer}");` }),
});
const CALL = `{ call: plugin, with: { plugin: ${ID}, tool: version } }`;
const source = (wait: string): string => `document: { dsl: "1.0.3", namespace: default, name: twice, version: "1.0.0" }
do:
  - first: ${CALL}
  - pause: { wait: { ${wait} } }
  - second: ${CALL}
`;

test("[PL157] in a whole workbench a run that an upgrade and a restart interrupt ends with the plugin that it began with", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const environment = { XDG_STATE_HOME: join(folder.path, "state"), OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" };
  const { paths } = await initWorkspace({ root, environment, logger });
  writePlugin(join(paths.plugins, "fixture"), { files: version("1") });
  const config = loadConfig({ file: requireWorkspace(root).config, environment });
  const open = () => openParts({ root, environment, logger, config });
  const by = { actor: { type: "person", id: "tester" } } as const;
  const client = { ...by, principal: { type: "Client", id: "tok_test" } } as const;
  let runId: string;
  {
    await using parts = await open();
    const { token } = await parts.access.createToken({ name: "admin", scopes: ["admin"] }, by);
    const admin = parts.access.authenticate(token)!.caller;
    await parts.plugins.grant(ID, { sha256: parts.plugins.get(ID).sha256, caller: client });
    const run = await parts.engine.start({ source: source("seconds: 10") }, admin);
    runId = run.id;
    const first = async () => (await parts.engine.listTasks(runId, { limit: 10 })).items.at(0)?.status;
    await expect.poll(first, { timeout: 20_000 }).toBe("completed");
    const path = writePlugin(join(folder.path, "next"), { files: version("2"), manifest: { version: "2.0.0" } });
    const { waiting } = await parts.plugins.install({ path }, client);
    await parts.plugins.grant(ID, { sha256: waiting?.sha256 ?? "", caller: client });
    expect(parts.plugins.get(ID)).toMatchObject({ version: "2.0.0", pinned: [{ runs: 1 }] });
  }
  await using parts = await open();
  await parts.engine.recover();
  const isLive = async () => /running|waiting/.test((await parts.engine.getRun(runId)).status);
  await expect.poll(isLive, { timeout: 20_000 }).toBe(false);
  expect(await parts.engine.getRun(runId)).toMatchObject({ status: "completed", output: { text: "1" } });
  expect(parts.plugins.get(ID)).not.toHaveProperty("pinned");
}, 60_000);
