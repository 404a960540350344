import { once } from "node:events";
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { LogoMeshError, PLUGIN_ARCHIVE_BYTES_MAX } from "@logomesh/contracts";
import { createClient } from "@logomesh/contracts/client";
import { expect, test } from "vitest";
import { PLUGIN } from "../testing/fixtures.ts";
import { createTestServer, type TestServer } from "../testing/testServer.ts";

async function listen(server: TestServer): Promise<number> {
  await server.app.listen({ port: 0, host: "127.0.0.1" });
  return (server.app.server.address() as AddressInfo).port;
}

function begin(port: number, headers: Record<string, string> = {}, path = "/api/plugins?name=a.tgz"): ClientRequest {
  const request = httpRequest({
    ...{ port, host: "127.0.0.1", path, method: "POST" },
    headers: { authorization: "Bearer admin-token", "content-type": "application/octet-stream", ...headers },
  });
  request.on("error", () => undefined);
  return request;
}

async function answerOf(request: ClientRequest): Promise<{ status: number | undefined; body: object }> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: (await json(response)) as object };
}

test("[SV300] bytes are passed on as they come, and the client of the contract sends a file so", async () => {
  await using server = await createTestServer();
  const port = await listen(server);
  const first = Promise.withResolvers<number>();
  server.workbench.onSentBytes = (bytes) => first.resolve(bytes);
  const request = begin(port);
  request.write("one ");
  expect(await first.promise).toBe(4);
  request.end("two");
  expect(await answerOf(request)).toMatchObject({ status: 201, body: { id: PLUGIN.id } });
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: "admin-token" });
  expect(await client.sendPlugin({ bundle: new Blob(["three"]), name: "ü.tgz" })).toMatchObject({ id: PLUGIN.id });
  expect(server.workbench.calls).toEqual([
    ["installSent", "a.tgz", "one two"],
    ["installSent", "ü.tgz", "three"],
  ]);
});

test("[SV300] a refusal in the middle of the body reaches the sender, who may ask again", async () => {
  await using server = await createTestServer();
  const port = await listen(server);
  server.workbench.onSentBytes = () => {
    throw new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", "a.tgz is neither a .tgz nor a zip (.mcpb).");
  };
  const request = begin(port);
  for (let part = 0; part < 20; part += 1) request.write(Buffer.alloc(65_536));
  request.end();
  expect(await answerOf(request)).toMatchObject({ status: 422, body: { code: "LM_PLUGIN_BUNDLE_INVALID" } });
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: "admin-token" });
  const bundle = new Blob([Buffer.alloc(20_000_000)]);
  await expect(client.sendPlugin({ bundle, name: "a" })).rejects.toMatchObject({ code: "LM_PLUGIN_BUNDLE_INVALID" });
});

test("[SV300] a length over the limit is 413 before anything is read, and the contract's client says so", async () => {
  await using server = await createTestServer();
  const port = await listen(server);
  const request = begin(port, { "content-length": String(PLUGIN_ARCHIVE_BYTES_MAX + 1) });
  request.flushHeaders();
  expect(await answerOf(request)).toMatchObject({ status: 413, body: { code: "LM_TOO_LARGE" } });
  request.destroy();
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: "admin-token" });
  const bundle = new Blob([Buffer.alloc(PLUGIN_ARCHIVE_BYTES_MAX + 1)]);
  await expect(client.sendPlugin({ bundle, name: "a" })).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  expect(server.workbench.calls).toEqual([]);
});

test("[SV300] a sender that is cut off ends its reader", async () => {
  await using server = await createTestServer();
  const port = await listen(server);
  const began = Promise.withResolvers<AbortSignal>();
  server.workbench.onSentBytes = (_bytes, signal) => began.resolve(signal);
  const request = begin(port, { "content-length": "1000" });
  request.write("one");
  const signal = await began.promise;
  const aborted = once(signal, "abort");
  request.destroy();
  await aborted;
  expect(server.workbench.calls).toEqual([]);
});

test("[SV300] [SV3] other routes take no bytes, and none are read without a token that may", async () => {
  await using server = await createTestServer();
  const port = await listen(server);
  const statusOf = async (request: ClientRequest): Promise<number | undefined> => {
    request.end("bytes");
    return (await answerOf(request)).status;
  };
  expect(await statusOf(begin(port, {}, "/api/thoughts"))).toBe(415);
  expect(await statusOf(begin(port, { "content-type": "application/octet-stream; x=y" }))).toBe(415);
  expect(await statusOf(begin(port, { authorization: "Bearer run-token" }))).toBe(403);
  expect(await statusOf(begin(port, { authorization: "" }))).toBe(401);
  expect(await statusOf(begin(port, {}, `/api/plugins?name=${"x".repeat(201)}`))).toBe(422);
  expect(server.workbench.calls).toEqual([]);
});
