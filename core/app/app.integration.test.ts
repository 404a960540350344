import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { createWorkbench, diagnose, initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { openParts } from "./openParts.ts";
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
  expect(made.plugins.map(({ id }) => id)).toEqual([
    ...["org.logomesh.data-stats", "org.logomesh.log-triage", "org.logomesh.text-tools"],
  ]);
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

test("a workflow file that is not valid is left out and does not keep the others away; what was dropped is granted when an admin starts it", async () => {
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
  expect(run).toMatchObject({ status: "completed" });
  const { items: grants } = await workbench.audit.query({ kind: "grant.workflow", limit: 1 });
  expect(grants).toMatchObject([{ actor: caller.actor, data: { definition: run.workflow.hash, grants: 1 } }]);
}, 60_000);

test("a workflow file that is dropped or edited while the workbench runs is taken up, a faulty one changes nothing", async () => {
  using folder = createTempFolder();
  const options = { root: join(folder.path, "w"), environment: environment(folder.path), logger };
  const { paths } = await initWorkspace(options);
  const file = join(paths.workflows, "late.yaml");
  const text = (value: string) =>
    `document: { dsl: "1.0.3", namespace: default, name: late, version: "1.0.0" }\ndo: [ { a: { set: { v: ${value} } } } ]\n`;
  await using workbench = await createWorkbench({ ...options, config: configOf(options.root) });
  const source = async () => (await workbench.workflows.getWorkflow({ namespace: "default", name: "late" })).source;
  writeFileSync(file, text("1"));
  await expect.poll(source, { timeout: 10_000 }).toBe(text("1"));
  writeFileSync(join(paths.workflows, "broken.yaml"), "do: [");
  writeFileSync(join(paths.workflows, "huge.yaml"), `# ${"x".repeat(1_100_000)}`);
  execFileSync("mkfifo", [join(paths.workflows, "pipe.yaml")]);
  writeFileSync(file, text("2"));
  await expect.poll(source, { timeout: 10_000 }).toBe(text("2"));
  rmSync(file);
  writeFileSync(join(paths.workflows, "notes.txt"), "no workflow");
  expect((await workbench.workflows.listWorkflows({ limit: 10 })).items.map(({ name }) => name)).toEqual([
    "late",
    "reading-digest",
  ]);
}, 60_000);

test("[LM21] requests that a crash cut off are recorded as orphaned after the next start, once", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const options = { root, environment: environment(folder.path), logger };
  await initWorkspace(options);
  const config = configOf(root);
  const trace = { run: "run_1", task: "/do/0/ask", model: "mock" };
  const data = { "gen_ai.provider.name": "mock", "gen_ai.request.model": "mock", simulated: true };
  const request = { kind: "llm.request", actor: { type: "person", id: "p" }, trace, data } as const;
  // As a process leaves it that is killed while the model answers.
  const killed = await openParts({ ...options, config });
  const answered = await killed.audit.append(request);
  await killed.audit.append({ ...request, kind: "llm.response", data: { request: answered.seq } });
  const cutOff = (await killed.audit.append(request)).seq;
  await killed[Symbol.asyncDispose]();
  {
    await using workbench = await createWorkbench({ ...options, config });
    const items = await vi.waitFor(
      async () => {
        const found = await workbench.audit.query({ kind: "llm.orphaned", limit: 10 });
        expect(found.items).not.toEqual([]);
        return found.items;
      },
      { timeout: 10_000 },
    );
    const model = { "gen_ai.provider.name": "mock", "gen_ai.response.model": "mock", simulated: true };
    expect(items).toMatchObject([
      {
        actor: { type: "system", id: "workbench" },
        trace: { ...trace, status: "unknown" },
        data: { request: cutOff, ...model },
      },
    ]);
  }
  await using parts = await openParts({ ...options, config });
  const before = parts.audit.head().entries;
  await parts.audit.append(request);
  expect(await parts.models.recordOrphans({ history: parts.audit, before })).toBe(0);
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

test.each(["missing", "empty"])("a database that is %s, while its keys are there, is not begun anew", async (what) => {
  using folder = createTempFolder();
  const options = { root: join(folder.path, "w"), environment: environment(folder.path), logger };
  const { paths } = await initWorkspace(options);
  for (const file of [`${paths.database}-wal`, `${paths.database}-shm`]) rmSync(file, { force: true });
  if (what === "missing") rmSync(paths.database);
  else writeFileSync(paths.database, "");
  const refused = { code: "LM_DB_CORRUPT", message: expect.stringContaining(`is ${what}`) };
  await expect(createWorkbench({ ...options, config: configOf(options.root) })).rejects.toMatchObject(refused);
  expect((await diagnose(options)).find(({ name }) => name === "Database")).toMatchObject({
    status: "fail",
    detail: expect.stringContaining(`is ${what}`),
  });
});

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
  expect(found.map(({ name }) => name)).toEqual(["Node.js", "Sandbox", "Limits", "Python", "Model", "Workspace"]);
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
