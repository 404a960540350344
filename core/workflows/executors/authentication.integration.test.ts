import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonValue, Run } from "@logomesh/contracts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createEngineHarness, settle, workflow, type EngineHarness } from "../testing/engineHarness.ts";

// Real requests to a server on this machine that asks who calls, in each of the four ways, and one that describes itself by OpenAPI.

const CANARY = "s3cr3t-canary-value";
let server: Server;
let base: string;
let tokens = 0;
let revoked = new Set<string>();
const seen: { method: string; url: string; body: string; headers: IncomingMessage["headers"] }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ method: request.method ?? "", url: request.url ?? "", body, headers: request.headers });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  seen.length = 0;
  tokens = 0;
  revoked = new Set();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { authorization = "" } = request.headers;
  const { pathname } = new URL(request.url ?? "", base);
  const json = (status: number, value: unknown, headers = {}): void =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
  const say = (isKnown: boolean, headers = {}): void =>
    json(isKnown ? 200 : 401, { known: isKnown, said: authorization }, headers);
  if (pathname === "/basic") return say(authorization === `Basic ${Buffer.from(`ada:${CANARY}`).toString("base64")}`);
  if (pathname === "/bearer") return say(authorization === `Bearer ${CANARY}`);
  if (pathname === "/digest")
    return say(isDigest(authorization), {
      "www-authenticate": 'Digest realm="pets", nonce="n1", qop="auth", algorithm=SHA-256, opaque="o"',
    });
  if (pathname === "/oauth2/token") return json(200, { access_token: `t${++tokens}`, expires_in: 600 });
  if (pathname === "/guarded") return say(/^Bearer t\d+$/.test(authorization) && !revoked.has(authorization));
  if (pathname === "/api.json") return json(200, DOCUMENT);
  return json(200, { path: request.url });
}

function isDigest(authorization: string): boolean {
  const value = (name: string): string => new RegExp(`\\b${name}="?([^",]*)"?`).exec(authorization)?.[1] ?? "";
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  const own = hash(`ada:pets:${CANARY}`);
  const asked = hash(`GET:${value("uri")}`);
  return value("response") === hash(`${own}:n1:${value("nc")}:${value("cnonce")}:auth:${asked}`);
}

const DOCUMENT = {
  openapi: "3.1.0",
  servers: [{ url: "/v1" }],
  paths: {
    "/pets/{id}": {
      parameters: [{ $ref: "#/components/parameters/Id" }],
      get: {
        operationId: "getPet",
        parameters: [
          { name: "tags", in: "query" },
          { name: "x-trace", in: "header", schema: { default: "none" } },
        ],
      },
      put: { operationId: "putPet", requestBody: {} },
    },
    "/loop": { get: { operationId: "loop", parameters: [{ $ref: "#/components/parameters/Loop" }] } },
  },
  components: {
    parameters: { Id: { name: "id", in: "path", required: true }, Loop: { $ref: "#/components/parameters/Loop" } },
  },
};

async function play(
  body: string,
  {
    input = {},
    secrets = {},
    harness = createEngineHarness(),
  }: { input?: JsonValue; secrets?: Record<string, string>; harness?: EngineHarness } = {},
): Promise<Run & { harness: EngineHarness }> {
  for (const [name, value] of Object.entries(secrets)) harness.secrets.set(name, value);
  const source = workflow(body.replaceAll("BASE", base));
  const started = await harness.run(source, input, 0);
  for (let turn = 0; turn < 400; turn += 1) {
    await settle();
    const run = await harness.engine.getRun(started.id);
    if (["completed", "faulted", "suspended"].includes(run.status)) return { ...run, harness };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the run does not end");
}

const get = (path: string, authentication: string, use = "use: { secrets: [key] }\n"): string =>
  `${use}do:\n  - a: { call: http, with: { method: get, endpoint: { uri: "BASE${path}", authentication: ${authentication} }, output: response } }\n`;

test.each([
  ["/basic", "{ basic: { use: key } }", `ada:${CANARY}`],
  ["/basic", "{ basic: { use: key } }", JSON.stringify({ username: "ada", password: CANARY })],
  ["/bearer", "{ bearer: { use: key } }", CANARY],
  ["/digest", "{ digest: { use: key } }", `ada:${CANARY}`],
])("[WF250] %s with %s from a secret, which nobody sees afterwards", async (path, authentication, secret) => {
  const run = await play(get(path, authentication), { secrets: { key: secret, canary: CANARY } });
  expect(run).toMatchObject({ status: "completed", output: { content: { known: true } } });
  const { harness } = run;
  expect(harness.policy.requests).toContainEqual(
    expect.objectContaining({ action: "secret.use", resource: { type: "Secret", id: "key" } }),
  );
  const tasks = await Promise.all([0].map((seq) => harness.engine.getTask(run.id, seq)));
  const encoded = Buffer.from(`ada:${CANARY}`).toString("base64");
  for (const text of [JSON.stringify(run), JSON.stringify(tasks), JSON.stringify(harness.audit)]) {
    expect(text).not.toContain(CANARY);
    // Nor what a server says of what it was told.
    expect(text).not.toContain(encoded);
  }
});

test("[WF250] what stands in the definition or comes from the input works, and is not recorded", async () => {
  const body = get("/bearer", '{ bearer: { token: "${ .token }" } }', "");
  const run = await play(body, { input: { token: CANARY } });
  expect(run).toMatchObject({ status: "completed" });
  expect((await run.harness.engine.getTask(run.id, 0)).input).toMatchObject({
    endpoint: { authentication: { bearer: "[private]" } },
  });
  const named = `use: { secrets: [key], authentications: { me: { bearer: { use: key } } } }\n`;
  expect(await play(get("/bearer", "me", named), { secrets: { key: CANARY } })).toMatchObject({ status: "completed" });
});

test("[WF250] without the grant, without the secret, with a wrong one: each says what to do", async () => {
  const harness = createEngineHarness();
  harness.policy.deny = ({ action }) => action === "secret.use";
  expect(await play(get("/bearer", "{ bearer: { use: key } }"), { secrets: { key: CANARY }, harness })).toMatchObject({
    error: { code: "LM_POLICY_DENIED" },
  });
  expect(seen).toEqual([]);
  expect((await play(get("/bearer", "{ bearer: { use: key } }"))).error?.detail).toContain("logomesh secret set key");
  expect(
    (await play(get("/basic", "{ basic: { use: key } }"), { secrets: { key: "nocolon" } })).error?.detail,
  ).toContain("user:password");
  expect(
    (await play(get("/bearer", "{ bearer: { use: key } }"), { secrets: { key: "two words" } })).error?.detail,
  ).toContain("no spaces");
  expect(await play(get("/bearer", "{ bearer: { use: key } }"), { secrets: { key: "wrong-token" } })).toMatchObject({
    error: { status: 401 },
  });
});

test("[WF251] a token of oauth2 is asked for once, kept in memory, and renewed when it was revoked", async () => {
  const oauth2 = '{ oauth2: { authority: "BASE", client: { id: me, secret: { use: key } }, scopes: [read, write] } }';
  const first = await play(get("/guarded", oauth2), { secrets: { key: CANARY } });
  expect(first).toMatchObject({ status: "completed" });
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(["POST /oauth2/token", "GET /guarded"]);
  expect(seen[0]).toMatchObject({
    body: "grant_type=client_credentials&scope=read+write",
    headers: { authorization: `Basic ${Buffer.from(`me:${CANARY}`).toString("base64")}` },
  });
  const { harness } = first;
  await play(get("/guarded", oauth2), { harness });
  expect(tokens).toBe(1);
  revoked.add("Bearer t1");
  expect(await play(get("/guarded", oauth2), { harness })).toMatchObject({ status: "completed" });
  expect(tokens).toBe(2);
  await harness.clock.advance(600_000);
  await play(get("/guarded", oauth2), { harness });
  expect(tokens).toBe(3);
  expect(JSON.stringify(harness.audit)).not.toContain(CANARY);
});

test("[WF252] an operation of an OpenAPI document: path, list, header, body, and the document's own defaults", async () => {
  const call = (operation: string, parameters: string): string =>
    `do:\n  - a: { call: openapi, with: { document: { endpoint: "BASE/api.json" }, operationId: ${operation}, parameters: ${parameters} } }\n`;
  expect((await play(call("getPet", '{ id: "a/b", tags: [x, y z] }'))).output).toEqual({
    path: "/v1/pets/a%2Fb?tags=x&tags=y+z",
  });
  expect(seen.at(-1)?.headers["x-trace"]).toBe("none");
  await play(call("putPet", "{ id: 7, name: Rex }"));
  expect(seen.at(-1)).toMatchObject({
    method: "PUT",
    url: "/v1/pets/7",
    body: '{"name":"Rex"}',
    headers: { "idempotency-key": expect.any(String) },
  });
  expect((await play(call("getPet", "{}"))).error?.detail).toContain("needs the parameter “id”");
  expect((await play(call("getPet", "{ id: 1, other: 2 }"))).error?.detail).toContain("no parameter “other”");
  expect((await play(call("nothing", "{}"))).error?.detail).toContain("it has getPet, putPet, loop");
  expect((await play(call("loop", "{}"))).error?.detail).toContain("references go more than");
});

test.each([
  ["{ bearer: { use: other } }", "not under use.secrets (key)"],
  ["{ bearer: {} }", "“token” is missing"],
  ["{ oidc: {} }", "give one of basic, bearer, digest, oauth2"],
  ["nobody", "“nobody” is not under use.authentications"],
  ['{ oauth2: { authority: "${ .a }", client: { id: x } } }', "“authority” must be a literal URL"],
  ['{ oauth2: { authority: "https://a.example", grant: password, client: { id: x } } }', "only client_credentials"],
])("[WF250] %s is refused: %s", async (authentication, message) => {
  const { problems } = await createEngineHarness().engine.validate(
    workflow(get("/x", authentication).replaceAll("BASE", base)),
  );
  expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
});
