import { expect, test } from "vitest";
import { isLoopback, isSameOrigin } from "./hosts.ts";
import { bearer, createTestServer } from "./testing/testServer.ts";

test.each([
  ["none", {}],
  ["an unknown one", { authorization: "Bearer guessed" }],
  ["a basic one", { authorization: "Basic YTpi" }],
  ["an empty one", { authorization: "Bearer " }],
])("[SV2] without a known token (%s) the answer is 401", async (_what, headers) => {
  await using server = await createTestServer();
  const answer = await server.app.inject({ url: "/api/runs", headers: { host: "localhost", ...headers } });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers["www-authenticate"]).toBe("Bearer");
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  expect(answer.json()).toMatchObject({ status: 401, code: "LM_API_UNAUTHENTICATED" });
});

test.each([
  ["POST", "/api/session", 201],
  ["GET", "/healthz", 200],
  ["GET", "/readyz", 200],
  ["GET", "/api/openapi.json", 200],
  ["GET", "/", 200],
] as const)("[SV2] %s %s needs no token", async (method, url, status) => {
  await using server = await createTestServer();
  const headers = { host: "localhost", accept: "text/html", "content-type": "application/json" };
  const body = method === "POST" ? { body: { code: "one+time" } } : {};
  expect((await server.app.inject({ method, url, headers, ...body })).statusCode).toBe(status);
});

test("[SV3] a token without the scope is refused before the body is read", async () => {
  await using server = await createTestServer();
  const answer = await server.app.inject({
    method: "POST",
    url: "/api/workflows",
    headers: bearer("run-token"),
    payload: "no json",
  });
  expect(answer.statusCode).toBe(403);
  expect(answer.json()).toMatchObject({ code: "LM_API_FORBIDDEN", detail: expect.stringContaining("`admin`") });
  expect(server.workbench.calls).toEqual([]);
});

test.each([
  ["run-token", "/api/runs", 200],
  ["run-token", "/api/audit", 403],
  ["run-token", "/api/llm/models", 403],
  ["llm-token", "/api/llm/models", 200],
  ["llm-token", "/api/runs", 403],
  ["metrics-token", "/metrics", 200],
  ["metrics-token", "/api/status", 403],
  ["run-token", "/metrics", 403],
  ["admin-token", "/api/runs", 200],
  ["admin-token", "/api/audit", 200],
  ["admin-token", "/api/llm/models", 200],
  ["admin-token", "/metrics", 200],
])("[SV3] the %s asking for %s gets %i", async (token, url, status) => {
  await using server = await createTestServer();
  expect((await server.app.inject({ url, headers: bearer(token) })).statusCode).toBe(status);
});

test("[SV3] a token without any scope is told so", async () => {
  await using server = await createTestServer();
  server.workbench.tokens.set("nothing", []);
  const answer = await server.app.inject({ url: "/api/runs", headers: bearer("nothing") });
  expect(answer.json()).toMatchObject({ detail: expect.stringContaining("the token has none") });
});

test.each([
  ["127.0.0.1", 200],
  ["127.0.0.1:7420", 200],
  ["LOCALHOST:1", 200],
  ["[::1]:7420", 200],
  ["mesh.local", 200],
  ["mesh.local:99", 200],
  ["tls.local:8443", 200],
  ["tls.local", 403],
  ["evil.example", 403],
  ["localhost.evil.example", 403],
  ["127.0.0.1.evil.example", 403],
  ["evil.example:7420", 403],
  ["localhost:abc", 403],
  ["0.0.0.0:7420", 403],
  [":7420", 403],
  ["user@localhost", 403],
])("[SV4] the host %j gets %i", async (host, status) => {
  const config = { host: "127.0.0.1", port: 0, allowedHosts: ["Mesh.local", "tls.local:8443"] };
  await using server = await createTestServer({ config });
  for (const url of ["/healthz", "/api/runs"]) {
    const answer = await server.app.inject({ url, headers: { ...bearer(), host } });
    expect(answer.statusCode, url).toBe(status);
    if (status === 403) expect(answer.json()).toMatchObject({ code: "LM_API_ORIGIN" });
  }
});

test("[SV4] the address that is listened on is served, one that means all is not", async () => {
  const statusFor = async (listen: string, host: string): Promise<number> => {
    await using server = await createTestServer({ config: { host: listen, port: 0, allowedHosts: ["mesh.local"] } });
    return (await server.app.inject({ url: "/healthz", headers: { host } })).statusCode;
  };
  expect(await statusFor("192.0.2.7", "192.0.2.7:7420")).toBe(200);
  expect(await statusFor("2001:db8::7", "[2001:db8::7]:7420")).toBe(200);
  expect(await statusFor("0.0.0.0", "0.0.0.0:7420")).toBe(403);
  expect(await statusFor("::", "[::]:7420")).toBe(403);
});

test.each([
  ["http://127.0.0.1:7420", 200],
  ["https://127.0.0.1:7420", 200],
  ["http://127.0.0.1:3000", 403],
  ["http://localhost:7420", 403],
  ["https://evil.example", 403],
  ["null", 403],
  ["file://127.0.0.1:7420", 403],
])("[SV5] the origin %s gets %i, for reading and for changing", async (origin, status) => {
  await using server = await createTestServer();
  const headers = { ...bearer(), origin };
  const read = await server.app.inject({ url: "/api/runs", headers });
  const change = await server.app.inject({ method: "POST", url: "/api/runs/run-1/cancel", headers });
  expect([read.statusCode, change.statusCode]).toEqual([status, status]);
  expect(Object.keys(read.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  expect(server.workbench.calls.some(([name]) => name === "cancel")).toBe(status === 200);
});

test("[SV5] a preflight gets no permission", async () => {
  await using server = await createTestServer();
  const answer = await server.app.inject({
    method: "OPTIONS",
    url: "/api/runs",
    headers: { host: "127.0.0.1:7420", origin: "https://evil.example", "access-control-request-method": "POST" },
  });
  expect(answer.statusCode).toBe(403);
  expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
});

test.each(["/", "/api/runs", "/api/nothing", "/healthz"])("[SV8] %s carries the security headers", async (url) => {
  await using server = await createTestServer();
  const { headers } = await server.app.inject({ url, headers: { ...bearer(), accept: "text/html" } });
  expect(headers).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  });
  const policy = String(headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  if (url.startsWith("/api/")) expect(headers["cache-control"]).toBe("no-store");
});

test("[SV11] the eleventh login attempt of a minute is refused, also with the right code", async () => {
  await using server = await createTestServer();
  const attempt = (code: string) =>
    server.app.inject({ method: "POST", url: "/api/session", headers: bearer(), body: { code } });
  for (let count = 0; count < 10; count += 1) expect((await attempt("guess")).statusCode).toBe(401);
  const refused = await attempt("one+time");
  expect(refused.statusCode).toBe(429);
  expect(refused.json()).toMatchObject({ code: "LM_API_RATE_LIMITED", retryable: true });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect((await server.app.inject({ url: "/api/runs", headers: bearer() })).statusCode).toBe(200);
});

test("[SV14] only names of loopback are loopback", () => {
  expect(["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"].filter((host) => !isLoopback(host))).toEqual([]);
  expect(["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example"].filter(isLoopback)).toEqual([]);
});

test("[SV5] an origin without a host to compare is foreign", () => {
  expect(isSameOrigin("http://a", undefined)).toBe(false);
  expect(isSameOrigin("http://a:80", "a")).toBe(true);
});
