import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { main } from "./main.ts";
import { startWorkbench } from "./workbenches/startWorkbench.ts";

// `logomesh mcp` as a process of its own, started by the official client as an editor starts it.

const folder = mkdtempSync(join(tmpdir(), "logomesh-stdio-"));
const root = join(folder, "workspace");
const env = {
  PATH: process.env.PATH ?? "",
  LOGOMESH_WORKSPACE: root,
  XDG_STATE_HOME: join(folder, "state"),
  LOGOMESH_PORT: "0",
  OLLAMA_HOST: "127.0.0.1:9",
};
const COMMAND = join(import.meta.dirname, "logomesh.mjs");
const SLUGIFY = "org.logomesh.text-tools#slugify";
const SLUGIFY_NAME = "org_logomesh_text-tools__slugify";

beforeAll(async () => {
  const quiet = { write: () => undefined };
  const options = { argv: ["init"], env, cwd: folder, signal: new AbortController().signal };
  expect(await main({ ...options, stdout: quiet, stderr: quiet })).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function connect(
  mode: "legacy" | "auto",
  { argv = [], extra = {} }: { argv?: string[]; extra?: Record<string, string> } = {},
): Promise<Client & AsyncDisposable & { stderr: () => string }> {
  const client = new Client({ name: "editor", version: "1.0.0" }, { versionNegotiation: { mode } });
  const transport = new StdioClientTransport({
    ...{ command: process.execPath, args: [COMMAND, "mcp", ...argv], env: { ...env, ...extra }, stderr: "pipe" },
  });
  let text = "";
  transport.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await client.connect(transport);
  return Object.assign(client, { stderr: () => text, [Symbol.asyncDispose]: () => client.close() });
}

test.each(["legacy", "auto"] as const)(
  "[CM1] [CM2] a client works on a workspace that nobody serves (%s)",
  async (mode) => {
    await using client = await connect(mode, { argv: ["--tool", SLUGIFY] });
    expect(client.getProtocolEra()).toBe(mode === "legacy" ? "legacy" : "modern");
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(SLUGIFY_NAME);
    const called = await client.callTool({ name: SLUGIFY_NAME, arguments: { text: "Crème Brûlée" } });
    expect(called.structuredContent).toEqual({ slug: "creme-brulee" });
    const messages: string[] = [];
    const run = await client.callTool(
      {
        name: "workflow_run",
        arguments: { name: "reading-digest", input: { text: "One.", name: mode }, waitSeconds: 60 },
      },
      { onprogress: ({ message }) => void messages.push(message ?? "") },
    );
    expect(run.structuredContent).toMatchObject({ status: "completed", output: { title: `Digest: ${mode}` } });
    expect(messages.length).toBeGreaterThan(0);
    await expect(client.callTool({ name: "plugin_grant", arguments: {} })).rejects.toMatchObject({ code: -32602 });
    expect(client.stderr()).toBe("");
  },
);

test("[CM2] [CM3] clients share a running workbench, and their own tokens end with them", async () => {
  await using started = await startWorkbench({ env: { ...env, LOGOMESH_LOG: "silent" }, root }, {});
  const token = readFileSync(join(root, ".logomesh/token"), "utf8").trim();
  const api = createClient({ baseUrl: started.connection.url, token });
  const names = async () =>
    (await api.listTokens()).items.map(({ name }) => name).filter((name) => name !== "workspace");
  const before = await names();
  {
    await using one = await connect("legacy", { argv: ["--name", "one"] });
    await using two = await connect("auto", { argv: ["--name", "two", "--tool", SLUGIFY] });
    expect((await one.listTools()).tools.length).toBeLessThan((await two.listTools()).tools.length);
    expect(await names()).toEqual(expect.arrayContaining(["one", "two"]));
    const stop = new AbortController();
    await api.defineWorkflow({ body: { source: WAIT } });
    const call = one.callTool({ name: "workflow_run", arguments: { name: "wait" } }, { signal: stop.signal });
    const status = async () => (await api.listRuns({ query: { workflow: "wait", limit: 1 } })).items[0]?.status;
    await vi.waitFor(async () => expect(await status()).toBe("waiting"), { timeout: 10_000 });
    stop.abort("enough");
    await expect(call).rejects.toThrow();
    await vi.waitFor(async () => expect(await status()).toBe("cancelled"), { timeout: 10_000 });
  }
  await vi.waitFor(async () => expect(await names()).toEqual(before), { timeout: 10_000 });
  const given = await api.createToken({ body: { name: "desk", scopes: ["mcp"] } });
  await using client = await connect("legacy", { extra: { LOGOMESH_MCP_TOKEN: given.token } });
  expect((await client.listTools()).tools).toHaveLength(8);
  await api.deleteToken({ params: { id: given.id } });
  await expect(client.listTools()).rejects.toThrow(/unknown, expired or revoked/);
});

const WAIT = `document: { dsl: "1.0.3", namespace: default, name: wait, version: "1.0.0" }
do: [ { p: { wait: PT1H } } ]
`;

test("[CM2] a client stays when the workbench it used goes away", async () => {
  const started = await startWorkbench({ env: { ...env, LOGOMESH_LOG: "silent" }, root }, {});
  await using client = await connect("legacy");
  expect((await client.listTools()).tools).toHaveLength(8);
  await started[Symbol.asyncDispose]();
  expect((await client.listTools()).tools).toHaveLength(8);
});

test("[CM1] standard output carries messages and nothing else, whatever comes in, and the process ends with its input", async () => {
  const child = spawn(process.execPath, [COMMAND, "mcp"], { env, stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const closed = once(child, "close");
  const initialize = {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "by hand", version: "1" },
  };
  const lines = [
    JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: initialize }),
    "Hello?",
    "[]",
    `"${"x".repeat(4 * 1_048_576)}"`,
    JSON.stringify({
      jsonrpc: "2.0",
      id: "é",
      method: "tools/call",
      params: { name: "run_get", arguments: { id: "none" } },
    }),
    JSON.stringify({ jsonrpc: "2.0", id: 3, method: "a\r\nx-evil: 1" }),
    JSON.stringify({ jsonrpc: "2.0", id: 99, result: {} }),
  ];
  child.stdin.end(`${lines.join("\n")}\n`);
  expect(await closed).toEqual([0, null]);
  const answers = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: unknown; error?: { code: number } });
  expect(new Map(answers.map(({ id, error }) => [id ?? `error ${String(error?.code)}`, error?.code]))).toEqual(
    new Map<unknown, unknown>([
      ...[
        ["error -32700", -32700],
        ["error -32600", -32600],
        ["error 413", 413],
      ],
      ...[
        [1, undefined],
        ["é", undefined],
        [3, -32601],
      ],
    ] as [unknown, unknown][]),
  );
});

test("[CM1] a signal ends it at once, with its input still open", async () => {
  const child = spawn(process.execPath, [COMMAND, "mcp"], { env, stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })}\n`);
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  // One that has to be ended by the time limit of a stop has another code.
  expect(await closed).toEqual([0, null]);
});
