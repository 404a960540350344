import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { createWorkbench, diagnose, initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { copyWorkspaceTemplate, bundledPaths, stateHome } from "./workspace.ts";

const environment = (folder: string) => ({
  XDG_STATE_HOME: join(folder, "state"),
  OLLAMA_HOST: "127.0.0.1:9",
  LOGOMESH_PORT: "0",
});

function configOf(root: string) {
  return loadConfig({
    file: requireWorkspace(root).config,
    environment: { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" },
  });
}

test("a workspace is made whole, opens, tells its state and closes", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const made = await initWorkspace({ root, environment: environment(folder.path), logger });
  expect(made.plugins.map(({ id }) => id)).toEqual(["org.logomesh.data-stats", "org.logomesh.text-tools"]);
  expect(made.workflows.map(({ name }) => name)).toEqual(["reading-digest"]);
  const workbench = await createWorkbench({
    root,
    environment: environment(folder.path),
    logger,
    config: configOf(root),
  });
  expect(await workbench.status()).toMatchObject({
    workspace: root,
    model: { provider: "mock", simulated: true },
    audit: { verified: "pending" },
  });
  expect(await workbench.audit.verify()).toMatchObject({ exitCode: 0 });
  expect((await workbench.status()).audit.verified).toBe("ok");
  expect((await workbench.audit.getEntry(0)).kind).toBe("token.created");
  expect((await workbench.audit.listCheckpoints({ limit: 5 })).items.length).toBeGreaterThan(0);
  await expect(
    createWorkbench({ root, environment: environment(folder.path), logger, config: configOf(root) }),
  ).rejects.toMatchObject({ code: "LM_WORKSPACE_LOCKED" });
  await workbench[Symbol.asyncDispose]();
  const again = await createWorkbench({ root, environment: environment(folder.path), logger, config: configOf(root) });
  await again[Symbol.asyncDispose]();
}, 60_000);

test("a workflow file that is not valid is left out and does not keep the others away; nothing new is granted", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const { paths } = await initWorkspace({ root, environment: environment(folder.path), logger });
  writeFileSync(join(paths.workflows, "broken.yaml"), "do: [");
  const named = 'document: { dsl: "1.0.3", namespace: default, name: dropped, version: "1.0.0" }';
  writeFileSync(
    join(paths.workflows, "dropped.json"),
    `${named}\ndo: [ { a: { call: thought.create, with: { title: x } } } ]`,
  );
  await using workbench = await createWorkbench({
    root,
    environment: environment(folder.path),
    logger,
    config: configOf(root),
  });
  const { items } = await workbench.workflows.listWorkflows({ limit: 10 });
  expect(items.map(({ name }) => name)).toEqual(["dropped", "reading-digest"]);
  const token = readFileSync(paths.token, "utf8").trim();
  const caller = workbench.access.authenticate(token)?.caller;
  expect(caller).toBeDefined();
  if (caller === undefined) return;
  const run = await workbench.workflows.start(
    { workflow: { namespace: "default", name: "dropped" }, waitMs: 10_000 },
    caller,
  );
  expect(run).toMatchObject({ status: "faulted", error: { code: "LM_POLICY_DENIED" } });
}, 60_000);

test("a database that is damaged refuses to start instead of guessing", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const { paths } = await initWorkspace({ root, environment: environment(folder.path), logger });
  const bytes = readFileSync(paths.database);
  bytes.fill(0xff, 4096, 4096 * 6);
  writeFileSync(paths.database, bytes);
  await expect(
    createWorkbench({ root, environment: environment(folder.path), logger, config: configOf(root) }),
  ).rejects.toMatchObject({
    code: expect.stringMatching(/^LM_DB_/),
  });
  const found = await diagnose({ root, environment: environment(folder.path), logger });
  expect(found.find(({ name }) => name === "Database")).toMatchObject({ status: "fail" });
}, 60_000);

test("a folder that holds something is not made a workspace, and one that is none is not opened", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "full");
  mkdirSync(root);
  writeFileSync(join(root, "mine.txt"), "x");
  expect(() => copyWorkspaceTemplate(root, bundledPaths())).toThrow(/not an empty folder/);
  expect(() => requireWorkspace(root)).toThrow(/logomesh init/);
  expect(stateHome({ XDG_STATE_HOME: "relative" })).toMatch(/\.local\/state\/logomesh$/);
  const found = await diagnose({
    root: join(folder.path, "none"),
    environment: { OLLAMA_HOST: "not a host::" },
    logger,
  });
  expect(found.map(({ name }) => name)).toEqual(["Node.js", "Sandbox", "Python", "Model", "Workspace"]);
});

test("doctor tells of settings and keys that are wrong", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const { paths } = await initWorkspace({ root, environment: environment(folder.path), logger });
  writeFileSync(paths.config, "port: many\n");
  chmodSync(paths.state, 0o755);
  new DatabaseSync(paths.database).close();
  const found = await diagnose({ root, environment: environment(folder.path), logger });
  expect(found.find(({ name }) => name === "Settings")).toMatchObject({
    status: "fail",
    detail: expect.stringContaining("port"),
  });
  expect(found.find(({ name }) => name === "Keys")).toMatchObject({
    status: "fail",
    detail: expect.stringContaining("chmod 700"),
  });
  expect(found.find(({ name }) => name === "Database")).toMatchObject({ status: "ok", detail: "sound" });
}, 60_000);
