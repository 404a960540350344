import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Run } from "@logomesh/contracts";
import { createEngineHarness, settle, workflow, type EngineHarness } from "../testing/engineHarness.ts";

let server: Server;
let base: string;
const seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
      const path = (request.url ?? "").split("?")[0];
      if (path === "/json") response.setHeader("content-type", "application/json").end('{"a":1}');
      else if (path === "/lies") response.setHeader("content-type", "application/json").end("{");
      else if (path === "/missing") response.writeHead(404).end("not here");
      else if (path === "/away") response.writeHead(302, { location: "/json" }).end();
      else if (path === "/big") response.end(Buffer.alloc(9 * 1024 * 1024));
      else if (path !== "/hang") response.end("hello");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function call(withText: string, input: Record<string, string> = {}): Promise<Run & { harness: EngineHarness }> {
  const harness = createEngineHarness();
  const started = await harness.run(
    workflow(`do: [ { a: { call: http, with: ${withText.replace("BASE", base)} } } ]`),
    input,
    0,
  );
  for (let turn = 0; turn < 200; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const run = await harness.engine.getRun(started.id);
    if (["completed", "faulted"].includes(run.status)) return { ...run, harness };
  }
  throw new Error("the run does not end");
}

test("[WF43] a call reaches the granted origin, with placeholders and query encoded", async () => {
  const run = await call('{ method: get, endpoint: "BASE/json/{id}", query: { q: "a b" } }', { id: "x/../y" });
  expect(run).toMatchObject({ status: "completed", output: "hello" });
  expect(seen.at(-1)).toMatchObject({ method: "GET", url: "/json/x%2F..%2Fy?q=a+b" });
  expect(run.harness.policy.requests.at(-1)).toMatchObject({
    action: "net.fetch",
    resource: { id: base, attributes: { method: "GET" } },
  });
});

test("[WF43] output is the content, the whole response or the bytes", async () => {
  expect((await call('{ method: get, endpoint: "BASE/json" }')).output).toEqual({ a: 1 });
  expect((await call('{ method: get, endpoint: "BASE/json", output: raw }')).output).toBe(
    Buffer.from('{"a":1}').toString("base64"),
  );
  expect((await call('{ method: get, endpoint: { uri: "BASE/json" }, output: response }')).output).toMatchObject({
    request: { method: "GET", uri: `${base}/json` },
    statusCode: 200,
    content: { a: 1 },
  });
});

test("[WF23] a call that changes something carries its key and is of class once", async () => {
  const run = await call('{ method: post, endpoint: "BASE/x", body: { n: 1 }, headers: { X-Trace: "7" } }');
  expect(run.status).toBe("completed");
  expect(seen.at(-1)).toMatchObject({
    method: "POST",
    body: '{"n":1}',
    headers: { "content-type": "application/json", "x-trace": "7" },
  });
  expect(seen.at(-1)?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
  expect((await run.harness.engine.getTask(run.id, 0)).effect).toBe("once");
});

test.each([
  ["missing", "", 404],
  ["away", "", 302],
])("[WF44] /%s is a communication error with its status", async (path, more, status) => {
  const run = await call(`{ method: get, endpoint: "BASE/${path}"${more} }`);
  expect(run.error).toMatchObject({ type: expect.stringContaining("communication"), status });
});

test("[WF44] with redirect a 302 is an answer, and is not followed", async () => {
  const before = seen.length;
  const run = await call('{ method: get, endpoint: "BASE/away", redirect: true, output: response }');
  expect(run).toMatchObject({ status: "completed", output: { statusCode: 302 } });
  expect(seen.length).toBe(before + 1);
});

test.each([
  ['{ method: get, endpoint: "BASE/lies" }', "calls itself JSON"],
  ['{ method: get, endpoint: "BASE/big" }', "longer than"],
  ['{ method: get, endpoint: "BASE/{none}" }', "{none}"],
  ['{ method: get, endpoint: "BASE/x", headers: { Host: evil.example } }', "Host"],
  ['{ method: get, endpoint: "http://127.0.0.1:1/x" }', "could not be asked"],
  ['{ method: get, endpoint: "http://127.0.0.1:7420/api" }', "own"],
  ['{ method: get, endpoint: "http://localhost:7420/api" }', "own"],
  ['{ method: get, endpoint: "http://169.254.169.254/latest" }', "link-local"],
  ['{ method: get, endpoint: "http://[fe80::1]/x" }', "link-local"],
  ['{ method: 5, endpoint: "BASE/x" }', "/method"],
])("[WF43] %s is refused or fails with words", async (withText, words) => {
  const run = await call(withText);
  expect(run.status).toBe("faulted");
  expect(run.error?.detail).toContain(words);
});

test("[WF30] cancel closes the connection of a call", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(
    workflow(`do: [ { a: { call: http, with: { method: get, endpoint: "${base}/hang" } } } ]`),
    {},
    0,
  );
  for (let turn = 0; turn < 100 && seen.at(-1)?.url !== "/hang"; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const closed = new Promise((resolve) => server.once("connection", resolve));
  const cancelled = harness.engine.cancel(run.id, (await import("../testing/engineHarness.ts")).ADMIN);
  await settle(50);
  expect((await cancelled).status).toBe("cancelled");
  void closed;
});
