import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LogoMeshError, type Plugin, type Token } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";
import { runCli, running, startable } from "../testing/runCli.ts";

const AT = "2026-01-01T00:00:00.000Z";
const WORDS = { id: "org.example.words", tools: [{ name: "count", effect: "pure" }] } as unknown as Plugin;
const FRESH = { id: "org.example.fresh", tools: [] } as unknown as Plugin;
const TOKENS: Token[] = [
  { id: "tok_1", name: "workspace", scopes: ["admin"], createdAt: AT, lastUsedAt: AT },
  {
    id: "tok_2",
    name: "desk\u001b[31m",
    scopes: ["mcp"],
    tools: ["org.example.words#count"],
    createdAt: AT,
    expiresAt: AT,
  },
  { id: "tok_3", name: "twice", scopes: ["run"], createdAt: AT },
  { id: "tok_4", name: "twice", scopes: ["run"], createdAt: AT },
];

function createStub() {
  return createStubWorkbench({
    listPlugins: () => ({ items: [WORDS, FRESH] }),
    createToken: ({ body }) => ({ ...TOKENS[1]!, ...(body as object), token: "lm_secret" }),
    listTokens: () => ({ items: TOKENS }),
    deleteToken: () => ({ ok: true }),
  });
}

test("[CM6] a token is made with the tools that are named, and shown once", async () => {
  const stub = createStub();
  const workbenches = running(stub);
  const argv = ["mcp", "token", "add", "desk", "--tool", "org.example.words#count", "--tool", "org.example.fresh#any"];
  const made = await runCli([...argv, "--days", "90"], { workbenches });
  expect(made).toMatchObject({
    code: 0,
    out: "lm_secret\n",
    err: expect.stringContaining("logomesh token revoke tok_2"),
  });
  expect(stub.requests.at(-1)).toBe(
    'POST /api/tokens {"name":"desk","scopes":["mcp"],"tools":["org.example.words#count","org.example.fresh#any"],"expiresInDays":90}',
  );
  const json = await runCli(["mcp", "token", "add", "desk", "--json"], { workbenches });
  expect(JSON.parse(json.out)).toMatchObject({ token: "lm_secret", url: "http://127.0.0.1:7420/mcp" });
  for (const [tool, code, text] of [
    ["org.example.none#x", 1, "Installed: org.example.words, org.example.fresh"],
    ["org.example.words#other", 1, "it has count"],
    ["words", 2, "<plugin>#<tool>"],
  ] as const) {
    const refused = await runCli(["mcp", "token", "add", "x", "--tool", tool], { workbenches });
    expect([tool, refused.code, refused.err]).toEqual([tool, code, expect.stringContaining(text)]);
  }
  expect(stub.requests.filter((line) => line.startsWith("POST"))).toHaveLength(2);
});

test("[CM6] tokens are listed and revoked by id or by a name that only one has", async () => {
  const stub = createStub();
  const workbenches = running(stub);
  const listed = await runCli(["token", "list"], { workbenches });
  expect(listed.out).toMatch(
    /tok_2 +desk␛\[31m +mcp +until 2026-01-01T00:00:00.000Z, never used +org\.example\.words#count/,
  );
  expect(listed.out).not.toContain("\u001b");
  expect(JSON.parse((await runCli(["token", "list", "--json"], { workbenches })).out)).toEqual({ items: TOKENS });
  expect((await runCli(["token", "revoke", "tok_3"], { workbenches })).out).toContain("twice (tok_3) is revoked");
  expect((await runCli(["token", "revoke", "tok_2", "--json"], { workbenches })).out).toBe('{"id":"tok_2"}\n');
  const shared = await runCli(["token", "revoke", "twice"], { workbenches });
  expect([shared.code, shared.err]).toEqual([1, expect.stringContaining("tok_3, tok_4")]);
  expect((await runCli(["token", "revoke", "none"], { workbenches })).err).toContain("logomesh token list");
  expect(stub.requests.filter((line) => line.startsWith("DELETE"))).toEqual([
    "DELETE /api/tokens/tok_3",
    "DELETE /api/tokens/tok_2",
  ]);
});

/** Answers `/mcp` as far as it is needed here. */
async function serveMcp() {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.setHeader("content-type", "application/json").end('{"jsonrpc":"2.0","id":1,"result":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, authorizations, [Symbol.asyncDispose]: async () => void server.close() };
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';

test("[CM3] a bridge makes a token for its client and revokes it, or takes the one that is given", async () => {
  await using door = await serveMcp();
  const stub = createStub();
  const connection = { client: stub.client, url: door.url };
  const { workbenches, log } = startable(connection);
  const own = await runCli(["mcp", "--name", "desk"], { workbenches, stdin: PING });
  expect(own).toEqual({ code: 0, out: '{"jsonrpc":"2.0","id":1,"result":{}}\n', err: "" });
  expect(stub.requests).toEqual([
    'POST /api/tokens {"name":"desk","scopes":["mcp"],"tools":[],"expiresInDays":1}',
    "DELETE /api/tokens/tok_2",
  ]);
  expect(log).toEqual(['started {"host":"127.0.0.1","port":0}', "stopped"]);
  const env = { LOGOMESH_MCP_TOKEN: "lm_given" };
  expect((await runCli(["mcp"], { workbenches: running(connection), stdin: PING, env })).code).toBe(0);
  expect(door.authorizations).toEqual(["Bearer lm_secret", "Bearer lm_given"]);
  expect(stub.requests).toHaveLength(2);
  expect((await runCli(["mcp", "--tool", "a#b"], { workbenches, env })).code).toBe(2);
});

test("[CM2] who loses the race for a workspace asks the one that won", async () => {
  await using door = await serveMcp();
  const connection = { client: createStub().client, url: door.url };
  let tries = 0;
  const workbenches = {
    find: () => Promise.resolve(tries === 0 ? undefined : connection),
    start: () => {
      tries += 1;
      return Promise.reject(new LogoMeshError("LM_WORKSPACE_LOCKED", "In use."));
    },
  };
  const ran = await runCli(["mcp"], { workbenches, stdin: PING });
  expect([ran.code, tries, ran.out]).toEqual([0, 1, expect.stringContaining('"result"')]);
  const broken = {
    find: () => Promise.resolve(undefined),
    start: () => Promise.reject(new LogoMeshError("LM_WORKSPACE_INVALID", "No workspace.")),
  };
  expect(await runCli(["mcp"], { workbenches: broken, stdin: PING })).toMatchObject({ code: 1, out: "" });
});

test("[CM2] a workbench of its own that fails ends the bridge with the reason", async () => {
  await using door = await serveMcp();
  const failed = Promise.resolve(new LogoMeshError("LM_DB_FULL", "The disk is full."));
  const { workbenches } = startable({ client: createStub().client, url: door.url }, failed);
  const ran = await runCli(["mcp"], { workbenches, stdin: PING });
  expect([ran.code, ran.err]).toEqual([1, expect.stringContaining("The disk is full.")]);
});
