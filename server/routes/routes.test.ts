import { ROUTES, type Route, type RouteName } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { PLUGIN, taskOf } from "../testing/fixtures.ts";
import { bearer, createTestServer } from "../testing/testServer.ts";

/** A request for every route: query and body, and which status it gives. */
const REQUESTS: Record<RouteName, { query?: string; body?: object; status?: number }> = {
  createSession: { body: { code: "one+time" } },
  deleteSession: {},
  createLoginCode: {},
  listTokens: {},
  createToken: { body: { name: "ci", scopes: ["run"], expiresInDays: 3 } },
  deleteToken: {},
  getStatus: {},
  defineWorkflow: { body: { source: "do: []" } },
  validateWorkflow: { body: { source: "do: []" } },
  listWorkflows: { query: "?limit=3" },
  getWorkflow: { query: "?version=1.0.0" },
  deleteWorkflow: { query: "?force=true" },
  startRun: { body: { workflow: { name: "digest" }, input: { a: 1 } }, status: 202 },
  listRuns: { query: "?status=running&workflow=digest&q=x&cursor=c" },
  getRun: { query: "?payloadBytesMax=1000" },
  listRunTasks: {},
  getRunTask: { query: "?payloadBytesMax=1000" },
  cancelRun: {},
  signalRun: { body: { name: "go", data: 1 }, status: 202 },
  suspendRun: { body: {} },
  resumeRun: { body: {} },
  retryRun: { body: {} },
  replayRun: {},
  bulkRuns: { body: { filter: { status: "faulted" }, action: "retry" } },
  pruneRuns: { body: { olderThanMs: 1 } },
  compareRuns: { query: "?a=run-1&b=run-2" },
  getRunDefinition: {},
  listPlugins: {},
  searchRegistry: { query: "?q=words&limit=5" },
  getPlugin: {},
  installPlugin: { body: { path: "/srv/words.tgz" } },
  uninstallPlugin: { query: "?force=true" },
  enablePlugin: {},
  disablePlugin: {},
  getPluginSettings: {},
  setPluginSettings: { body: { settings: { city: "Bern" } } },
  reloadPlugin: {},
  serveDevelopmentPlugin: { body: { path: "/srv/words" } },
  endPluginDevelopment: {},
  loadPlugin: {},
  unloadPlugin: {},
  grantPlugin: { body: { sha256: "ab", permissions: {} } },
  getPluginGrant: {},
  resetPlugin: {},
  revokePlugin: {},
  releasePlugin: {},
  forgetPrivateData: {},
  declassifyPrivateData: { body: { why: "x" } },
  getPluginLogs: {},
  callTool: { body: { arguments: { text: "a b" } } },
  getModels: {},
  getProviders: {},
  setModelAlias: { body: { provider: "mock", model: "mock" } },
  clearModelAlias: {},
  generate: { body: { prompt: "Hi" } },
  listApprovals: { query: "?kind=file-change&status=pending" },
  getApproval: {},
  decideApproval: { body: { decision: "approved", contentHash: "ef".repeat(32), comment: "fine" } },
  undoApproval: {},
  queryAudit: { query: "?kind=run.started&q=text" },
  getAuditEntry: {},
  verifyAudit: {},
  listCheckpoints: {},
  getConstitution: {},
  putConstitution: { query: "?preview=true", body: { text: "", baseSha256: "ab" } },
  explainDecision: {},
  getLockdown: {},
  beginLockdown: { body: { reason: "A drill." } },
  endLockdown: {},
  listSecrets: {},
  getSecret: {},
  putSecret: { body: { value: "s3cret-value" } },
  deleteSecret: {},
  listEvents: { query: "?type=a.b&limit=5" },
  publishEvent: { body: { specversion: "1.0", type: "com.acme.order.paid", data: { order: 7 }, priority: 1 } },
  listThoughts: { query: "?tag=t" },
  getThought: {},
  createThought: { body: { title: "A thought" } },
};

const VALUES: Record<string, string> = { namespace: "default", name: "digest", seq: "0", tool: "count" };

function pathOf(route: Route): string {
  const id = route.path.startsWith("/api/plugins") ? PLUGIN.id : "run-1";
  if (route.path.startsWith("/api/secrets")) return route.path.replace(":name", "API_KEY");
  return route.path.replaceAll(/:(\w+)/g, (_, name: string) => VALUES[name] ?? id);
}

test.each(Object.entries<Route>(ROUTES) as [RouteName, Route][])(
  "[SV1] %s answers with its status and an answer that fits its schema",
  async (name, route) => {
    await using server = await createTestServer();
    server.workbench.tasks.set("run-1", [taskOf(0)]);
    const { query = "", body, status = Number(Object.keys(route.responses)[0]) } = REQUESTS[name];
    const answer = await server.app.inject({
      method: route.method,
      url: pathOf(route) + query,
      headers: bearer(),
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.json()).toMatchObject({});
    expect(answer.statusCode).toBe(status);
    const value: unknown = answer.json();
    expect(route.responses[status]!.parse(value)).toEqual(value);
  },
);

test("[SV1] what was asked reaches the workbench validated, with defaults and numbers", async () => {
  await using server = await createTestServer();
  const ask = (name: RouteName) => {
    const route: Route = ROUTES[name];
    const { query = "", body } = REQUESTS[name];
    return server.app.inject({
      method: route.method,
      url: pathOf(route) + query,
      headers: bearer(),
      ...(body === undefined ? {} : { body }),
    });
  };
  for (const name of [
    "listRuns",
    "startRun",
    "deleteWorkflow",
    "callTool",
    "createThought",
    "listApprovals",
    "decideApproval",
    "undoApproval",
    "queryAudit",
    "putConstitution",
    "beginLockdown",
  ] as const)
    await ask(name);
  expect(server.workbench.calls).toEqual([
    ["listRuns", { limit: 50, cursor: "c", status: "running", workflow: "digest", q: "x" }],
    ["start", { workflow: { namespace: "default", name: "digest" }, input: { a: 1 } }],
    ["deleteWorkflow", { namespace: "default", name: "digest" }, true],
    ["call", { pluginId: PLUGIN.id, tool: "count" }, { arguments: { text: "a b" } }],
    ["createThought", { title: "A thought", tags: [], segments: [] }],
    ["listApprovals", { limit: 50, kind: "file-change", status: "pending" }],
    ["decide", "run-1", { decision: "approved", contentHash: "ef".repeat(32), comment: "fine" }],
    ["undo", "run-1"],
    ["query", { limit: 50, kind: "run.started", q: "text" }],
    ["putConstitution", { text: "", baseSha256: "ab" }, true],
    ["lockdownOn", { reason: "A drill." }],
  ]);
});

test("[EB12] [SV6] a CloudEvent may come under its own media type", async () => {
  await using server = await createTestServer();
  const publish = (type: string, token = "run-token") =>
    server.app.inject({
      method: "POST",
      url: "/api/events",
      headers: { ...bearer(token), "content-type": type },
      payload: JSON.stringify({ specversion: "1.0", id: "7", source: "x", type: "com.acme.paid", data: null }),
    });
  const answer = await publish("application/cloudevents+json; charset=utf-8");
  expect([answer.statusCode, answer.json()]).toEqual([202, { id: "evt_1" }]);
  expect(server.workbench.calls).toEqual([
    ["publishEvent", { specversion: "1.0", id: "7", source: "x", type: "com.acme.paid", data: null }],
  ]);
  expect((await publish("application/cloudevents-batch+json")).statusCode).toBe(415);
  expect((await publish("application/json", "llm-token")).statusCode).toBe(403);
});

test("[SV1] filters that are left out are not passed on", async () => {
  await using server = await createTestServer();
  await server.app.inject({ url: "/api/runs", headers: bearer() });
  await server.app.inject({ url: "/api/thoughts", headers: bearer() });
  await server.app.inject({ method: "DELETE", url: "/api/workflows/default/digest", headers: bearer() });
  await server.app.inject({
    method: "POST",
    url: "/api/tokens",
    headers: bearer(),
    body: { name: "a", scopes: ["run"] },
  });
  expect(server.workbench.calls).toEqual([
    ["listRuns", { limit: 50 }],
    ["deleteWorkflow", { namespace: "default", name: "digest" }, false],
  ]);
});

test("[SV1] a run that ended within waitMs is 200, one that goes on is 202", async () => {
  await using server = await createTestServer();
  const start = (waitMs: number) =>
    server.app.inject({ method: "POST", url: "/api/runs", headers: bearer(), body: { source: "do: []", waitMs } });
  expect((await start(1000)).statusCode).toBe(200);
  expect((await start(0)).statusCode).toBe(202);
});

test("[SV1] a login code comes with a link under the host that was asked", async () => {
  await using server = await createTestServer();
  const answer = await server.app.inject({ method: "POST", url: "/api/session/code", headers: bearer() });
  expect(answer.json()).toMatchObject({ code: "one+time", url: "http://127.0.0.1:7420/#code=one%2Btime" });
});

test("[SV1] logging out revokes the token that is used", async () => {
  await using server = await createTestServer();
  const logOut = () => server.app.inject({ method: "DELETE", url: "/api/session", headers: bearer("run-token") });
  expect((await logOut()).statusCode).toBe(200);
  expect((await logOut()).statusCode).toBe(401);
});

test("[SV1] identifiers of 200 characters are found", async () => {
  await using server = await createTestServer();
  const id = "r".repeat(200);
  const answer = await server.app.inject({ url: `/api/runs/${id}/definition`, headers: bearer() });
  expect(answer.statusCode).toBe(200);
});
