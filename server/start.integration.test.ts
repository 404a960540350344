import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { expect, onTestFinished, test } from "vitest";
import { GENERATED } from "./testing/fixtures.ts";
import { listen } from "./testing/listeningServer.ts";

test("[SV14] server.json is there while the server listens, for its owner only", async () => {
  const listening = await listen();
  const { server, serverFile } = listening;
  expect(JSON.parse(readFileSync(serverFile, "utf8"))).toEqual({
    host: "127.0.0.1",
    port: server.port,
    pid: 4711,
    startedAt: "2026-01-01T00:00:00.000Z",
  });
  expect(statSync(serverFile).mode & 0o777).toBe(0o600);
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  expect(server.createLoginLink()).toBe(`${server.url}/#code=one%2Btime`);
  await server[Symbol.asyncDispose]();
  expect(existsSync(serverFile)).toBe(false);
  await listening[Symbol.asyncDispose]();
});

test("[SV14] a taken port names LOGOMESH_PORT", async () => {
  await using first = await listen();
  const config = { host: "127.0.0.1", port: first.server.port, allowedHosts: [] };
  await expect(listen({ config })).rejects.toMatchObject({
    code: "LM_API_PORT_TAKEN",
    message: expect.stringContaining("LOGOMESH_PORT"),
  });
});

test.each(["0.0.0.0", "192.0.2.1", "::"])("[SV14] %s is refused without allowedHosts", async (host) => {
  await expect(listen({ config: { host, port: 0, allowedHosts: [] } })).rejects.toMatchObject({
    code: "LM_SETTINGS_INVALID",
    message: expect.stringContaining("allowedHosts"),
  });
});

test("[SV14] with allowedHosts every address may be listened on, and loopback reaches it", async () => {
  await using listening = await listen({ config: { host: "0.0.0.0", port: 0, allowedHosts: ["mesh.local"] } });
  expect(listening.server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${listening.server.url}/healthz`)).status).toBe(200);
});

test("[SV14] an address of another machine cannot be listened on", async () => {
  const config = { host: "192.0.2.1", port: 0, allowedHosts: ["mesh.local"] };
  await expect(listen({ config })).rejects.toMatchObject({
    code: "LM_SETTINGS_INVALID",
    message: expect.stringContaining("192.0.2.1 is no address of this machine"),
  });
});

const HEAD = "Host: 127.0.0.1\r\nConnection: close\r\n";

test.each([
  ["bytes that are no HTTP", "hello\r\n\r\n", 422, "LM_INPUT_INVALID"],
  ["a method of nobody", `FOO / HTTP/1.1\r\n${HEAD}\r\n`, 422, "LM_INPUT_INVALID"],
  ["a head beyond its limit", `GET / HTTP/1.1\r\n${HEAD}X: ${"a".repeat(20_000)}\r\n\r\n`, 413, "LM_TOO_LARGE"],
  ["a path out of the page's folder", `GET /../../etc/passwd HTTP/1.1\r\n${HEAD}\r\n`, 404, "LM_NOT_FOUND"],
  ["the same in code", `GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${HEAD}\r\n`, 404, "LM_NOT_FOUND"],
  ["a name too long for a file", `GET /${"a".repeat(600)} HTTP/1.1\r\n${HEAD}\r\n`, 404, "LM_NOT_FOUND"],
  ["an id too long for a route", `GET /api/runs/${"a".repeat(600)} HTTP/1.1\r\n${HEAD}\r\n`, 404, "LM_NOT_FOUND"],
])("[SV7] [SV13] %s on the wire is a problem document", async (_what, bytes, status, code) => {
  const webFolder = mkdtempSync(join(tmpdir(), "logomesh-page-"));
  onTestFinished(() => rmSync(webFolder, { recursive: true }));
  writeFileSync(join(webFolder, "index.html"), "<p>page</p>");
  await using listening = await listen({ webFolder });
  const answer = await new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect(listening.server.port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", reject).on("close", () => resolve(text));
  });
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ status, code });
  expect(listening.errors).toEqual([]);
});

test("[SV4] a foreign Host is refused on the wire", async () => {
  await using listening = await listen();
  const status = await new Promise((resolve, reject) => {
    request(`${listening.server.url}/healthz`, { headers: { host: "evil.example" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once("error", reject)
      .end();
  });
  expect(status).toBe(403);
});

test("[SV1] the typed client speaks with the server: values, numbers, booleans, errors", async () => {
  await using listening = await listen();
  const { client, workbench } = listening;
  const run = await client.startRun({ body: { workflow: { name: "digest" }, waitMs: 100 } });
  expect(run.status).toBe("completed");
  expect((await client.listRuns({ query: { limit: 2, status: "running" } })).items).toHaveLength(1);
  await client.deleteWorkflow({ params: { namespace: "default", name: "digest" }, query: { force: true } });
  expect(workbench.calls.at(-1)).toEqual(["deleteWorkflow", { namespace: "default", name: "digest" }, true]);
  await expect(client.getRunTask({ params: { id: "run-1", seq: 4 } })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  const stranger = createClient({ baseUrl: listening.server.url, token: "guess" });
  await expect(stranger.listPlugins()).rejects.toMatchObject({ code: "LM_API_UNAUTHENTICATED" });
  const session = await createClient({ baseUrl: listening.server.url }).createSession({ body: { code: "one+time" } });
  expect(session.token).toBe("session-token");
});

test("[SV10] text arrives while the model still writes", async () => {
  await using listening = await listen();
  const { client, workbench } = listening;
  const finish = Promise.withResolvers<undefined>();
  workbench.models.generate = async (_params, { onText }) => {
    onText?.("Hel");
    await finish.promise;
    onText?.("lo");
    return GENERATED;
  };
  const chunks = client.streamGenerate({ body: { prompt: "Hi" } });
  expect((await chunks.next()).value).toEqual({ delta: "Hel" });
  finish.resolve(undefined);
  expect((await chunks.next()).value).toEqual({ delta: "lo" });
  expect((await chunks.next()).value).toEqual({ result: GENERATED });
  expect((await chunks.next()).done).toBe(true);
});

test.each(["streamed", "whole"])("[SV9] a client that goes away aborts the call of the model (%s)", async (how) => {
  await using listening = await listen();
  const { client, workbench } = listening;
  const started = Promise.withResolvers<AbortSignal>();
  workbench.models.generate = (_params, { signal, onText }) => {
    onText?.("Hel");
    started.resolve(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const stop = new AbortController();
  const call = { body: { prompt: "Hi" }, signal: stop.signal };
  const gone =
    how === "whole"
      ? client.generate(call)
      : (async () => {
          for await (const _chunk of client.streamGenerate(call)) stop.signal.throwIfAborted();
        })();
  const signal = await started.promise;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  stop.abort();
  await expect(gone).rejects.toMatchObject({ name: "AbortError" });
  await aborted;
});

test("[SV12] closing tells /readyz, ends idle connections at once and open requests after the grace", async () => {
  const listening = await listen({ limits: { closeGraceMs: 200 } });
  const { server, client, workbench } = listening;
  const started = Promise.withResolvers<undefined>();
  workbench.status = () => {
    started.resolve(undefined);
    return new Promise(() => undefined);
  };
  const hanging = client.getStatus().catch((error: unknown) => error);
  await started.promise;
  const socket = connect(server.port, "127.0.0.1");
  const answer = Promise.withResolvers<string>();
  socket.once("data", (data) => answer.resolve(data.toString()));
  // The head is incomplete when closing begins, so that the connection is not idle.
  socket.write("GET /readyz HTTP/1.1\r\n");
  // What was written before it, the server has read when it answers this.
  await (await fetch(`${server.url}/healthz`)).text();
  const closing = server[Symbol.asyncDispose]();
  socket.write("Host: localhost\r\n\r\n");
  expect(await answer.promise).toMatch(/^HTTP\/1\.1 503 [^]*\r\n\r\nclosing\n$/);
  await closing;
  expect(await hanging).toMatchObject({ code: "LM_API_NO_SERVER" });
  socket.destroy();
  await listening[Symbol.asyncDispose]();
});

test("[SV12] closing does not wait for connections that were opened ahead of need", async () => {
  await using listening = await listen({ limits: { closeGraceMs: 600_000 } });
  const socket = connect(listening.server.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve) => socket.once("connect", resolve));
  // The server has taken the connection when it answers one that came later.
  await (await fetch(`${listening.server.url}/healthz`)).text();
  await listening.server[Symbol.asyncDispose]();
  await closed;
});
