import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEntry } from "@logomesh/contracts";
import { createClient, type Client as ApiClient } from "@logomesh/contracts/client";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { StartedWorkbench } from "./context.ts";
import { main } from "./main.ts";
import { startWorkbench } from "./workbenches/startWorkbench.ts";

// A real workbench with plugins in their sandbox, and the official client of the Model Context Protocol in front of it.

const folder = mkdtempSync(join(tmpdir(), "logomesh-mcp-"));
const root = join(folder, "workspace");
const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LOGOMESH_WORKSPACE: root,
  XDG_STATE_HOME: join(folder, "state"),
  LOGOMESH_LOG: "silent",
  LOGOMESH_PORT: "0",
  OLLAMA_HOST: "127.0.0.1:9",
};
const SLUGIFY = "org.logomesh.text-tools#slugify";
const SLUGIFY_NAME = "org_logomesh_text-tools__slugify";
const WAIT = `document: { dsl: "1.0.3", namespace: default, name: wait, version: "1.0.0" }
do: [ { a: { set: { x: 1 } } }, { p: { wait: PT1H } } ]
`;

let started: StartedWorkbench;
let api: ApiClient;

async function cli(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: "", err: "" };
  const code = await main({
    ...{ argv, env, cwd: folder, signal: new AbortController().signal },
    stdout: { write: (text) => void (result.out += text) },
    stderr: { write: (text) => void (result.err += text) },
  });
  return { code, ...result };
}

async function connect(token: string, mode: "legacy" | "auto" = "auto"): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${started.connection.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

async function newestCall(): Promise<AuditEntry | undefined> {
  const { items } = await api.queryAudit({ query: { kind: "mcp.called", limit: 1 } });
  return items[0];
}

beforeAll(async () => {
  expect((await cli("init")).code).toBe(0);
  writeFileSync(join(root, "workflows/wait.yaml"), WAIT);
  started = await startWorkbench({ env, root }, {});
  const token = readFileSync(join(root, ".logomesh/token"), "utf8").trim();
  api = createClient({ baseUrl: started.connection.url, token });
});

afterAll(async () => {
  await started[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test.each(["legacy", "auto"] as const)(
  "[MC1] [MC10] a client runs the sample and reads what it left (%s)",
  async (mode) => {
    const { token } = await api.createToken({ body: { name: mode, scopes: ["mcp"] } });
    await using client = await connect(token, mode);
    expect(client.getProtocolEra()).toBe(mode === "legacy" ? "legacy" : "modern");
    const seen: string[] = [];
    const run = await client.callTool(
      {
        name: "workflow_run",
        arguments: { name: "reading-digest", input: { text: "A short sentence.", name: mode }, waitSeconds: 60 },
      },
      { onprogress: ({ message }) => void seen.push(message ?? "") },
    );
    expect(run.structuredContent).toMatchObject({
      ...{ workflow: "default/reading-digest", status: "completed", simulated: true, startedBy: `client:${mode}` },
      output: { title: `Digest: ${mode}` },
    });
    expect(seen.length).toBeGreaterThan(0);
    const { id } = run.structuredContent as { id: string };
    const found = await client.callTool({ name: "thought_search", arguments: { text: `Digest: ${mode}` } });
    const { items } = found.structuredContent as { items: { id: string }[] };
    const thought = await client.callTool({ name: "thought_get", arguments: { id: items[0]?.id } });
    expect(thought.structuredContent).toMatchObject({ title: `Digest: ${mode}`, simulated: true });
    const runs = await client.callTool({ name: "run_list", arguments: { workflow: "reading-digest" } });
    expect(JSON.stringify(runs.structuredContent)).toContain(id);
    const { structuredContent } = await client.callTool({
      name: "workflow_get",
      arguments: { name: "reading-digest" },
    });
    expect(structuredContent).toMatchObject({ inputSchema: { type: "object" } });
  },
);

test("[MC5] [MC7] a plugin's tool works for the token that names it, and each call is in the log with the token's id", async () => {
  const body = { name: "desk", scopes: ["mcp" as const], tools: [SLUGIFY] };
  const { token, id } = await api.createToken({ body });
  await using client = await connect(token);
  await api.loadPlugin({ params: { id: "org.logomesh.text-tools" } });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name).slice(8)).toEqual([SLUGIFY_NAME]);
  const called = await client.callTool({ name: SLUGIFY_NAME, arguments: { text: "Crème Brûlée" } });
  expect(called.structuredContent).toEqual({ slug: "creme-brulee" });
  await vi.waitFor(async () =>
    expect(await newestCall()).toMatchObject({
      actor: { type: "client", id: "desk" },
      trace: { status: "completed" },
      data: { token: id, tool: SLUGIFY_NAME },
    }),
  );
  await using stranger = await connect((await api.createToken({ body: { name: "other", scopes: ["mcp"] } })).token);
  await expect(stranger.callTool({ name: SLUGIFY_NAME, arguments: { text: "x" } })).rejects.toMatchObject({
    code: -32602,
  });
  await vi.waitFor(async () =>
    expect(await newestCall()).toMatchObject({ actor: { id: "other" }, trace: { status: "faulted" } }),
  );
  await api.deleteToken({ params: { id } });
  await expect(client.callTool({ name: SLUGIFY_NAME, arguments: { text: "x" } })).rejects.toThrow(/401|unknown|token/i);
});

test("[MC13] a constitution that closes thoughts to clients closes them here", async () => {
  const { token } = await api.createToken({ body: { name: "curious", scopes: ["mcp"] } });
  await using client = await connect(token);
  const file = join(root, "constitution.cedar");
  const before = readFileSync(file, "utf8");
  const rules = `@id("no-clients") @why("Clients do not read my notes.")
forbid (principal is Client, action == Action::"thought.read", resource);
@id("no-wait") @why("Not this one.")
forbid (principal is Client, action == Action::"workflow.read", resource == Workflow::"default/wait");
`;
  writeFileSync(file, `${before}\n${rules}`);
  try {
    const denied = await client.callTool({ name: "thought_search", arguments: {} });
    expect([denied.isError, JSON.stringify(denied.content)]).toEqual([
      true,
      expect.stringContaining("Clients do not read my notes."),
    ]);
    const listed = await client.callTool({ name: "workflow_list", arguments: {} });
    expect(JSON.stringify(listed.structuredContent)).toContain("reading-digest");
    expect(JSON.stringify(listed.structuredContent)).not.toContain('"wait"');
  } finally {
    writeFileSync(file, before);
  }
});

test("[MC9] a client that goes away ends the run it started", async () => {
  const { token } = await api.createToken({ body: { name: "leaver", scopes: ["mcp"] } });
  const client = await connect(token);
  const call = client.callTool({ name: "workflow_run", arguments: { name: "wait", waitSeconds: 60 } });
  const settled = Promise.allSettled([call]);
  const newest = async () => (await api.listRuns({ query: { workflow: "wait", limit: 1 } })).items[0]?.status;
  await vi.waitFor(async () => expect(await newest()).toBe("waiting"), { timeout: 10_000 });
  await client.close();
  await settled;
  await vi.waitFor(async () => expect(await newest()).toBe("cancelled"), { timeout: 10_000 });
});

test("[MC6] starting a workflow here grants it nothing, whoever's token it is", async () => {
  const source = WAIT.replace("name: wait", "name: sly").replace(
    "{ p: { wait: PT1H } }",
    "{ t: { call: plugin, with: { plugin: org.logomesh.text-tools, tool: slugify, arguments: { text: x } } } }",
  );
  const { token: runToken } = await api.createToken({ body: { name: "runner", scopes: ["run"] } });
  // What a token without admin brings along is kept and may do nothing.
  const runner = createClient({ baseUrl: started.connection.url, token: runToken });
  expect(await runner.startRun({ body: { source, waitMs: 10_000 } })).toMatchObject({ status: "faulted" });
  const admin = readFileSync(join(root, ".logomesh/token"), "utf8").trim();
  await using client = await connect(admin);
  const run = await client.callTool({ name: "workflow_run", arguments: { name: "sly", waitSeconds: 20 } });
  expect(JSON.stringify(run)).toMatch(/LM_POLICY_DENIED|LM_WORKFLOW_NOT_FOUND/);
});
