import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestServer } from "./testing/testServer.ts";

const HOST = { host: "localhost" };
const PAGE = { ...HOST, accept: "text/html,application/xhtml+xml" };
let folder = "";

beforeAll(() => {
  const base = mkdtempSync(join(tmpdir(), "logomesh-page-"));
  folder = join(base, "dist");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>LogoMesh</title>");
  writeFileSync(join(folder, "assets/index-abc.js"), "export {};");
  writeFileSync(join(base, "secret.txt"), "secret");
});
afterAll(() => rmSync(join(folder, ".."), { recursive: true }));

test.each(["/", "/runs", "/runs/run-1?tab=tasks", "/api-tokens", "/plugins/org.example.wordcount"])(
  "[SV13] %s answers the page",
  async (url) => {
    await using server = await createTestServer({ webFolder: folder });
    const answer = await server.app.inject({ url, headers: PAGE });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toContain("text/html");
    expect(answer.headers["cache-control"]).toBe("no-cache");
    expect(answer.body).toContain("<title>LogoMesh</title>");
  },
);

test("[SV13] a file named by its content may be kept for ever", async () => {
  await using server = await createTestServer({ webFolder: folder });
  const answer = await server.app.inject({ url: "/assets/index-abc.js", headers: HOST });
  expect(answer.headers["content-type"]).toContain("javascript");
  expect(answer.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
});

test.each([
  ["/assets/missing.js", PAGE],
  ["/favicon.ico", PAGE],
  ["/api/nothing", PAGE],
  ["/v1/models", PAGE],
  ["/runs", HOST],
])("[SV13] %s, which is not there, is 404", async (url, headers) => {
  await using server = await createTestServer({ webFolder: folder });
  const answer = await server.app.inject({ url, headers });
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ code: "LM_NOT_FOUND" });
});

test.each(["/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"])(
  "[SV13] %s does not leave the folder",
  async (url) => {
    await using server = await createTestServer({ webFolder: folder });
    const answer = await server.app.inject({ url, headers: PAGE });
    expect(answer.body).not.toContain("secret\n");
    expect([403, 404]).toContain(answer.statusCode);
  },
);

test.each([undefined, "/nowhere"])(
  "[SV13] without a build (%s) a plain page says how to make one",
  async (webFolder) => {
    await using server = await createTestServer(webFolder === undefined ? {} : { webFolder });
    const answer = await server.app.inject({ url: "/runs", headers: PAGE });
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain("npm run build");
    expect(answer.body).not.toContain("<script");
  },
);

test("[SV12] /metrics counts requests by route, not by path", async () => {
  await using server = await createTestServer();
  const headers = { ...HOST, authorization: "Bearer admin-token" };
  await server.app.inject({ url: "/api/runs/run-1", headers });
  await server.app.inject({ url: "/api/secret-path", headers });
  const { body } = await server.app.inject({ url: "/metrics", headers });
  expect(body).toContain(
    'logomesh_http_request_duration_seconds_count{method="GET",route="/api/runs/:id",status="200"} 1',
  );
  expect(body).toContain('route="unknown",status="404"');
  expect(body).not.toContain("secret-path");
  expect(body).toContain("logomesh_audit_entries 7");
  expect(body).toContain("logomesh_websockets 0");
  expect(body).toContain('logomesh_workflow_runs{workflow="default/a",state="waiting"} 2');
  expect(body).toContain('logomesh_workflow_steps{queue="plugin a",state="waiting"} 3');
});

test("[SV12] the probes tell nothing", async () => {
  await using server = await createTestServer();
  for (const url of ["/healthz", "/readyz"]) {
    const answer = await server.app.inject({ url, headers: HOST });
    expect([answer.statusCode, answer.body]).toEqual([200, "ok\n"]);
  }
});
