import { LogoMeshError, ProblemSchema } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { BODY_BYTES_MAX } from "./options.ts";
import { bearer, createTestServer } from "./testing/testServer.ts";

async function post(payload: string | undefined, headers: Record<string, string> = {}) {
  await using server = await createTestServer();
  const answer = await server.app.inject({
    method: "POST",
    url: "/api/thoughts",
    headers: { ...bearer(), ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  return { status: answer.statusCode, problem: ProblemSchema.parse(answer.json()) };
}

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/jsonp",
  "",
])("[SV6] the content type %j is refused", async (type) => {
  const { status, problem } = await post('{"title":"a"}', { "content-type": type });
  expect([status, problem.code]).toEqual([415, "LM_API_MEDIA_TYPE"]);
});

test("[SV6] a mutation without a body needs the type too", async () => {
  await using server = await createTestServer();
  const { "content-type": _type, ...headers } = bearer();
  const answer = await server.app.inject({ method: "POST", url: "/api/runs/run-1/cancel", headers });
  expect(answer.statusCode).toBe(415);
  expect(server.workbench.calls).toEqual([]);
});

test("[SV6] a charset does no harm", async () => {
  await using server = await createTestServer();
  const headers = { ...bearer(), "content-type": "Application/JSON; charset=utf-8" };
  const answer = await server.app.inject({ method: "POST", url: "/api/thoughts", headers, payload: '{"title":"a"}' });
  expect(answer.statusCode).toBe(201);
});

test("[SV6] a body that is not as long as its head says is 422", async () => {
  const { status, problem } = await post('{"title":"a"}', { "content-length": "99" });
  expect([status, problem.code]).toEqual([422, "LM_INPUT_INVALID"]);
});

test("[SV6] a body over the limit is 413 and names the limit", async () => {
  const { status, problem } = await post(JSON.stringify({ title: "a".repeat(BODY_BYTES_MAX) }));
  expect([status, problem.code]).toEqual([413, "LM_TOO_LARGE"]);
  expect(problem.detail).toContain("8 MiB");
});

test.each([
  ["no JSON", '{"title"', ""],
  ["a polluting key", '{"title":"a","__proto__":{"x":1}}', ""],
  ["what nests without end", `{"title":${"[".repeat(100_000)}`, ""],
  ["what nests too deep", `{"title":"a","segments":${'[{"x":'.repeat(50)}1${"}]".repeat(50)}}`, ""],
  ["no body", undefined, ""],
  ["a wrong type", '{"title":7}', "/title"],
  ["a field too many", '{"title":"a","a/b~c":1}', "/a~1b~0c"],
  ["a fault deep inside", '{"title":"a","segments":[{"content":"c"},{"content":1}]}', "/segments/1/content"],
])("[SV6] %s is 422 with a pointer to the fault", async (_what, payload, pointer) => {
  const { status, problem } = await post(payload);
  expect([status, problem.code]).toEqual([422, "LM_INPUT_INVALID"]);
  expect(problem.problems?.map((fault) => fault.pointer)).toEqual([pointer]);
});

test("[SV6] brackets in texts and beside each other are no nesting; what is no JSON says where", async () => {
  const texts = JSON.stringify({
    title: `${"[{".repeat(90)}\\"`,
    tags: Array.from({ length: 90 }, (_, i) => `"[${i}`),
  });
  await using server = await createTestServer();
  const answer = await server.app.inject({ method: "POST", url: "/api/thoughts", headers: bearer(), payload: texts });
  expect(answer.statusCode).toBe(201);
  expect((await post('{"title" 1}')).problem.detail).toMatch(/not valid JSON: .*position 9/);
  expect((await post('{"__proto__":1}')).problem.detail).toMatch(/names like __proto__/);
});

test.each([
  ["/api/runs?limit=0", "The query is not valid: /limit"],
  ["/api/runs?limit=many", "The query is not valid: /limit"],
  ["/api/runs?status=tired", "The query is not valid: /status"],
  ["/api/runs/run-1/tasks/first", "The path is not valid: /seq"],
])("[SV6] %s is 422 and says where", async (url, detail) => {
  await using server = await createTestServer();
  const answer = await server.app.inject({ url, headers: bearer() });
  expect(answer.statusCode).toBe(422);
  expect(ProblemSchema.parse(answer.json()).detail).toContain(detail);
});

test.each([
  ["GET", "/api/runs/run-9", "LM_NOT_FOUND"],
  ["GET", "/api/plugins/org.none", "LM_PLUGIN_NOT_FOUND"],
  ["GET", "/api/nothing", "LM_NOT_FOUND"],
  ["POST", "/api/nothing", "LM_NOT_FOUND"],
  ["PUT", "/api/runs", "LM_NOT_FOUND"],
  ["GET", "/api/runs/%zz", "LM_NOT_FOUND"],
] as const)("[SV7] %s %s is 404", async (method, url, code) => {
  await using server = await createTestServer();
  const answer = await server.app.inject({ method, url, headers: bearer() });
  expect(answer.statusCode).toBe(404);
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  expect(ProblemSchema.parse(answer.json()).code).toBe(code);
});

test.each([
  ["an error of the program", new TypeError("secret.db: no such column")],
  ["an internal error with a detail", new LogoMeshError("LM_INTERNAL", "secret.db: no such column")],
  ["something that is no error", "secret.db: no such column"],
])("[SV7] %s tells its id and stays in the log", async (_what, thrown) => {
  await using server = await createTestServer();
  server.workbench.status = () => Promise.reject(thrown);
  const answer = await server.app.inject({ url: "/api/status", headers: bearer() });
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain("secret.db");
  const problem = ProblemSchema.parse(answer.json());
  expect(problem.code).toBe("LM_INTERNAL");
  expect(server.errors).toEqual([{ request: problem.instance, error: expect.stringContaining("secret.db") }]);
});

test("[SV7] an operational error keeps its code, data and status, and a cancelled call is one", async () => {
  await using server = await createTestServer();
  const error = new LogoMeshError("LM_LLM_SERVER", "Out of memory.", { data: { partialText: "He" } });
  server.workbench.status = () => Promise.reject(error);
  const failed = await server.app.inject({ url: "/api/status", headers: bearer() });
  expect([failed.statusCode, failed.json()]).toEqual([502, error.toProblem()]);
  server.workbench.status = () => Promise.reject(new DOMException("aborted", "AbortError"));
  const cancelled = await server.app.inject({ url: "/api/status", headers: bearer() });
  expect(cancelled.json()).toMatchObject({ status: 499, code: "LM_CANCELLED" });
  expect(server.errors).toEqual([]);
});
