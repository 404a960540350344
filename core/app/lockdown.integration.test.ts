import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test, vi } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { createWorkbench, initWorkspace, loadConfig, requireWorkspace, type Caller, type Workbench } from "./index.ts";
import { LockdownControl } from "./lockdownControl.ts";
import { openParts } from "./openParts.ts";

const PLUGIN = "org.example.slow";
/** A tool that answers after `ms`; the sandbox and the protocol are the real ones. */
const MAIN = `import { createInterface } from "node:readline";
const tool = (name) => ({ name, inputSchema: { type: "object" } });
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "slow", version: "1" } });
  if (method === "ping") say(id, {});
  if (method === "tools/list") say(id, { tools: [tool("again"), tool("once")] });
  if (method === "tools/call") setTimeout(() => say(id, { content: [], structuredContent: { ok: true } }), params.arguments.ms);
});
`;

async function open(root: string): Promise<{ workbench: Workbench; caller: Caller }> {
  const environment = { XDG_STATE_HOME: join(root, "../state"), OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" };
  const paths = requireWorkspace(root);
  const config = loadConfig({ file: paths.config, environment });
  const workbench = await createWorkbench({ root, environment, logger, config });
  const caller = workbench.access.authenticate(readFileSync(paths.token, "utf8").trim())?.caller;
  if (caller === undefined) throw new Error("the workspace's own token is known");
  return { workbench, caller };
}

async function makeWorkspace(folder: string): Promise<string> {
  const root = join(folder, "w");
  const environment = { XDG_STATE_HOME: join(folder, "state"), OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" };
  const { paths } = await initWorkspace({ root, environment, logger });
  const plugin = join(paths.plugins, "slow");
  mkdirSync(plugin);
  writeFileSync(join(plugin, "main.mjs"), MAIN);
  const manifest = {
    ...{ id: PLUGIN, name: "Slow", version: "1.0.0", description: "Waits.", runtime: "nodejs" },
    ...{ entry_point: "main.mjs", security_level: "sandbox", tools: { again: { effect: "idempotent" }, once: {} } },
  };
  writeFileSync(join(plugin, "plugin.json"), JSON.stringify(manifest));
  return root;
}

const sourceOf = (tool: string, ms: number): string => `
document: { dsl: "1.0.3", namespace: default, name: slow-${tool}, version: "1.0.0" }
do: [ { wait: { call: plugin, with: { plugin: ${PLUGIN}, tool: ${tool}, arguments: { ms: ${ms} } } } } ]`;

test("[PO34] [PO35] a lockdown stops plugins and runs at once, survives a restart, and leaving goes on with what may go on", async () => {
  using folder = createTempFolder();
  const root = await makeWorkspace(folder.path);
  const ids: string[] = [];
  {
    const { workbench, caller } = await open(root);
    await using _workbench = workbench;
    await workbench.plugins.grant(PLUGIN, { sha256: workbench.plugins.get(PLUGIN).sha256, caller });
    for (const [tool, ms] of [
      ["again", 1_500],
      ["once", 60_000],
    ] as const)
      ids.push((await workbench.workflows.start({ source: sourceOf(tool, ms) }, caller)).id);
    await vi.waitFor(
      () => expect(workbench.plugins.get(PLUGIN)).toMatchObject({ state: "busy", usage: { calls: 2 } }),
      20_000,
    );
    const waiting = workbench.plugins.call(
      { pluginId: PLUGIN, tool: "again" },
      { arguments: { ms: 60_000 } },
      { caller, signal: new AbortController().signal },
    );
    const failed = expect(waiting).rejects.toMatchObject({
      code: "LM_PLUGIN_STOPPED",
      message: expect.stringContaining("A drill."),
    });
    await vi.waitFor(() => expect(workbench.plugins.get(PLUGIN).usage.calls).toBe(3));
    const done = workbench.lockdown.on({ reason: "A drill." }, caller);
    const refused = {
      code: "LM_POLICY_DENIED",
      data: { policies: ["builtin:lockdown"] },
      message: expect.stringContaining("logomesh lockdown off"),
    };
    await expect(
      workbench.models.generate({ prompt: "Hi" }, { caller, signal: new AbortController().signal }),
    ).rejects.toMatchObject(refused);
    await expect(workbench.workflows.start({ source: sourceOf("again", 1) }, caller)).rejects.toMatchObject(refused);
    await expect(workbench.plugins.load(PLUGIN, caller)).rejects.toMatchObject(refused);
    expect(await done).toMatchObject({ on: true, reason: "A drill." });
    await failed;
    expect(workbench.plugins.get(PLUGIN)).toMatchObject({ state: "stopped", usage: { processes: 0 } });
    expect(await workbench.status()).toMatchObject({ lockdown: { on: true } });
  }
  const { workbench, caller } = await open(root);
  await using _workbench = workbench;
  expect(workbench.lockdown.get()).toMatchObject({ on: true, reason: "A drill." });
  for (const id of ids) expect(await workbench.workflows.getRun(id)).toMatchObject({ status: "running" });
  expect(workbench.plugins.get(PLUGIN).state).toBe("stopped");
  expect(await workbench.lockdown.off(caller)).toEqual({ on: false });
  const statusOf = async (id: string | undefined) => (await workbench.workflows.getRun(id ?? "")).status;
  await expect.poll(() => statusOf(ids[0]), { timeout: 20_000 }).toBe("completed");
  await expect.poll(() => statusOf(ids[1]), { timeout: 20_000 }).toBe("suspended");
  const { items } = await workbench.workflows.listTasks(ids[1] ?? "", { limit: 5 });
  expect(items.at(-1)).toMatchObject({ status: "unknown" });
}, 120_000);

test("[PO36] a log that does not verify and a constitution that is not valid at start lock down by themselves", async () => {
  using folder = createTempFolder();
  const root = await makeWorkspace(folder.path);
  const paths = requireWorkspace(root);
  {
    using database = new DatabaseSync(paths.database);
    database.exec("UPDATE audit_payload SET bytes = x'00' WHERE id = (SELECT max(id) FROM audit_payload)");
  }
  {
    const { workbench, caller } = await open(root);
    await using _workbench = workbench;
    await workbench.audit.verify();
    expect(workbench.lockdown.get()).toMatchObject({
      on: true,
      setBy: "system:audit",
      reason: expect.stringContaining("does not verify"),
    });
    await workbench.lockdown.off(caller);
    // The person knows of it now.
    await workbench.audit.verify();
    expect(workbench.lockdown.get()).toEqual({ on: false });
  }
  const good = readFileSync(paths.constitution, "utf8");
  writeFileSync(paths.constitution, "permit (principal, action, resource);");
  const { workbench, caller } = await open(root);
  await using _workbench = workbench;
  await vi.waitFor(
    () => expect(workbench.lockdown.get()).toMatchObject({ on: true, setBy: "system:constitution" }),
    10_000,
  );
  await expect(workbench.lockdown.off(caller)).rejects.toMatchObject({ code: "LM_CONFLICT" });
  writeFileSync(paths.constitution, good);
  expect(await workbench.lockdown.off(caller)).toEqual({ on: false });
}, 120_000);

test("[PO36] a log that cannot be written, and a sandbox that worked before and does not any more, lock down; too much at once does not", async () => {
  using folder = createTempFolder();
  const root = await makeWorkspace(folder.path);
  const environment = { XDG_STATE_HOME: join(folder.path, "state"), OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" };
  const config = loadConfig({ file: requireWorkspace(root).config, environment });
  await using parts = await openParts({ root, config, environment, logger });
  const sandbox = {
    ...parts.sandbox,
    status: () => ({ available: false, kind: "none" as const, hint: "No bwrap." }),
  };
  const listeners: ((error: LogoMeshError) => void)[] = [];
  const audit = Object.assign(Object.create(parts.audit) as typeof parts.audit, {
    onDidFail: (listener: (error: LogoMeshError) => void) => (
      listeners.push(listener),
      { [Symbol.dispose]: () => undefined }
    ),
  });
  await using control = new LockdownControl({ parts: { ...parts, sandbox, audit }, logger });
  const person = { actor: { type: "person", id: "p" }, principal: { type: "Client", id: "p" }, scopes: [] } as const;
  control.checkAtStart();
  expect(control.get().on).toBe(false);
  await parts.audit.append({ kind: "plugin.started", actor: { type: "plugin", id: PLUGIN } });
  control.checkAtStart();
  expect(control.get()).toMatchObject({
    on: true,
    setBy: "system:sandbox",
    reason: expect.stringContaining("No bwrap."),
  });
  await control.off(person);
  control.checkAtStart();
  expect(control.get().on).toBe(false);
  const fail = (code: string) => listeners[0]?.(new LogoMeshError("LM_AUDIT_UNWRITABLE", "no", { data: { code } }));
  fail("LM_DB_OVERLOADED");
  expect(control.get().on).toBe(false);
  fail("LM_DB_FULL");
  expect(control.get()).toMatchObject({ on: true, setBy: "system:audit" });
  await control.off(person);
  control.onVerified({ exitCode: 2 } as Parameters<LockdownControl["onVerified"]>[0]);
  expect(control.get().on).toBe(false);
}, 60_000);
