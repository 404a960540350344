import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Scope } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import type { AuditEntryDraft, PluginGrant, PolicyRequest, Principal, WorkflowGrant } from "../ports/index.ts";
import { createTempFolder, silentLogger } from "../testing/index.ts";
import { createPolicy } from "./index.ts";

const SHIPPED = fileURLToPath(new URL("../../templates/workspace/constitution.cedar", import.meta.url));
const TOOL = "org.example.text#count";

const workflow: Principal = { type: "Workflow", id: "hash1" };
const plugin: Principal = { type: "Plugin", id: "org.example.a" };
const callTool = (principal: Principal, id = TOOL): PolicyRequest => ({
  principal,
  action: "plugin.call",
  resource: { type: "Tool", id },
});
const generate = (principal: Principal, local: boolean, tainted = false): PolicyRequest => ({
  principal,
  action: "llm.generate",
  resource: { type: "Model", id: "default", attributes: { provider: "x", local } },
  context: { tainted },
});
const fetchHost = (principal: Principal, id: string, attributes = {}): PolicyRequest => ({
  principal,
  action: "net.fetch",
  resource: { type: "NetHost", id, attributes: { method: "GET", ...attributes } },
});
const file = (id: string, action = "fs.read"): PolicyRequest => ({
  principal: plugin,
  action,
  resource: { type: "File", id },
});

function pluginGrant(pluginId: string, permissions: PluginGrant["permissions"]): PluginGrant {
  return { pluginId, sha256: "aa", group: "user", permissions, grantedBy: "p1" };
}

function setUp(
  options: { workflows?: Record<string, WorkflowGrant[]>; plugins?: PluginGrant[]; constitution?: string } = {},
) {
  const folder = createTempFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const path = `${folder.path}/constitution.cedar`;
  if (options.constitution !== undefined) writeFileSync(path, options.constitution);
  const state = {
    workflows: options.workflows ?? {},
    plugins: options.plugins ?? [],
    tokens: { t1: ["admin"], t2: ["run"], t3: ["llm"], t4: ["mcp"], t5: ["metrics"] } as Record<string, Scope[]>,
    reads: 0,
  };
  const entries: AuditEntryDraft[] = [];
  const listeners = new Set<(principal: Principal) => void>();
  const policy = createPolicy({
    constitutionPath: options.constitution === undefined ? SHIPPED : path,
    grants: {
      workflowGrants: (hash) => (state.reads++, state.workflows[hash] ?? []),
      pluginGrant: (id) => (state.reads++, state.plugins.find(({ pluginId }) => pluginId === id)),
      listGrants: () => ({ plugins: [], workflows: [] }),
      onDidChange: (listener) => (listeners.add(listener), { [Symbol.dispose]: () => void listeners.delete(listener) }),
    },
    scopesOf: (id) => state.tokens[id],
    audit: {
      enqueue: (draft) => void entries.push(draft),
      append: () => Promise.reject(new Error("not used")),
      command: () => ({ name: "audit.append", params: null }),
    },
    logger: silentLogger,
  });
  const changed = (principal: Principal): void => listeners.forEach((listener) => listener(principal));
  return { policy, state, entries, changed, path, listeners };
}

test("[PO9] [PO2] a workflow may do exactly what its definition was granted", () => {
  const { policy } = setUp({
    workflows: {
      hash1: [
        { action: "plugin.call", resource: TOOL },
        { action: "llm.generate", resource: "default" },
        { action: "net.fetch", resource: "https://example.org:443" },
        { action: "thought.write", resource: "*" },
        { action: "workflow.run", resource: "demo/other" },
      ],
    },
  });
  const thoughts = (action: string): PolicyRequest => ({
    principal: workflow,
    action,
    resource: { type: "Thoughts", id: "*" },
  });
  const run = (id: string): PolicyRequest => ({
    principal: workflow,
    action: "workflow.run",
    resource: { type: "Workflow", id },
  });
  expect(policy.decide(callTool(workflow))).toEqual({
    allowed: true,
    policies: [`grant:plugin.call:${TOOL}`],
    reason: "Granted.",
  });
  const allowed = [
    generate(workflow, true),
    fetchHost(workflow, "https://example.org:443"),
    thoughts("thought.write"),
    run("demo/other"),
  ];
  expect(allowed.map((request) => policy.decide(request).allowed)).toEqual([true, true, true, true]);
  const denied = [
    callTool(workflow, "org.example.text#other"),
    callTool({ type: "Workflow", id: "hash2" }),
    callTool({ type: "Plugin", id: "hash1" }),
    callTool({ type: "DevShell", id: "hash1" }),
    fetchHost(workflow, "https://example.org:444"),
    fetchHost(workflow, "http://example.org:443"),
    thoughts("thought.read"),
    run("demo/another"),
  ];
  expect(denied.filter((request) => policy.decide(request).allowed)).toEqual([]);
  expect(policy.decide(denied[0]!)).toMatchObject({ policies: [], reason: expect.stringContaining("admin token") });
});

test.each([
  ["t1", ["plugin.call", "llm.generate", "thought.read", "thought.write", "workflow.run"]],
  ["t2", ["plugin.call", "workflow.run"]],
  ["t3", ["llm.generate"]],
  ["t4", ["thought.read", "workflow.run"]],
  ["t5", []],
  ["revoked", []],
])("[PO8] the token %s may do %j", (id, expected) => {
  const { policy } = setUp();
  const principal: Principal = { type: "Client", id };
  const requests: PolicyRequest[] = [
    callTool(principal),
    generate(principal, true),
    { principal, action: "thought.read", resource: { type: "Thoughts", id: "*" } },
    { principal, action: "thought.write", resource: { type: "Thoughts", id: "*" } },
    { principal, action: "workflow.run", resource: { type: "Workflow", id: "a/b" } },
    fetchHost(principal, "https://example.org:443"),
  ];
  expect(requests.filter((request) => policy.decide(request).allowed).map(({ action }) => action)).toEqual(expected);
});

test("[PO10] a plugin may do exactly what it was granted", () => {
  const why = "because";
  const { policy } = setUp({
    plugins: [
      pluginGrant(plugin.id, {
        "plugin.call": [{ target: TOOL, why }],
        "llm.generate": { models: ["default"], max_tokens_per_day: 10, why },
        "net.fetch": [
          { host: "api.example.org", methods: ["get"], why },
          { host: "api.example.org", methods: ["PUT"], why },
          { host: "x.example.org:8443", methods: ["GET"], why },
        ],
        "thought.read": { why },
        "fs.read": [
          { path: "./src/**", why },
          { path: "docs/a.md", why },
        ],
      }),
      pluginGrant("org.example.b", { "thought.write": { why }, "fs.read": [{ path: ".", why }] }),
    ],
  });
  const public_ = { address: "93.184.216.34" };
  const allowed = [
    callTool(plugin),
    generate(plugin, true),
    fetchHost(plugin, "https://api.example.org:443", public_),
    fetchHost(plugin, "https://api.example.org:443", { ...public_, method: "PUT" }),
    fetchHost(plugin, "https://x.example.org:8443", public_),
    file("src"),
    file("src/a/b.ts"),
    file("docs/a.md"),
    { ...file("anything"), principal: { type: "Plugin", id: "org.example.b" } } as PolicyRequest,
  ];
  expect(allowed.filter((request) => !policy.decide(request).allowed)).toEqual([]);
  const denied = [
    fetchHost(plugin, "https://api.example.org:443", { ...public_, method: "POST" }),
    fetchHost(plugin, "https://other.example.org:443", public_),
    file("srcs/a"),
    file("docs/b.md"),
    file("src/a", "fs.propose"),
    { principal: plugin, action: "thought.write", resource: { type: "Thoughts", id: "*" } } as PolicyRequest,
  ];
  expect(denied.filter((request) => policy.decide(request).allowed)).toEqual([]);
});

test("[PO10] [PL141] [PL142] a host by way of the proxy permits its tunnels and any method, and no other host", () => {
  const why = "because";
  const entry = (host: string) => ({ host, methods: ["*"], via: "proxy", why });
  const permissions = {
    "net.fetch": [
      ...[entry("a.example.org"), entry("b.example.org:8443"), entry("http://c.example.org")],
      { host: "http://d.example.org:81", methods: ["GET"], why },
      { host: "https://e.example.org", methods: ["GET"], why },
    ],
  };
  const { policy } = setUp({ plugins: [pluginGrant(plugin.id, permissions)] });
  const ask = (id: string, method: string) => fetchHost(plugin, id, { method, address: "93.184.216.34" });
  const allowed = [
    ...["CONNECT", "DELETE"].map((method) => ask("https://a.example.org:443", method)),
    ask("https://b.example.org:8443", "CONNECT"),
    ...["CONNECT", "POST"].map((method) => ask("http://c.example.org:80", method)),
    // What a tunnel carries is not seen, so it is asked for as if it were encrypted.
    ask("https://c.example.org:80", "CONNECT"),
    ask("http://d.example.org:81", "GET"),
    ask("https://e.example.org:443", "GET"),
  ];
  expect(allowed.filter((request) => !policy.decide(request).allowed)).toEqual([]);
  const denied = [
    ...[
      "https://a.example.org:80",
      "http://a.example.org:80",
      "https://b.example.org:443",
      "https://x.a.example.org:443",
    ],
    ...[
      "https://c.example.org:443",
      "https://d.example.org:81",
      "https://e.example.org:443",
      "http://d.example.org:81",
    ],
  ].map((id) => ask(id, "CONNECT"));
  expect(denied.filter((request) => policy.decide(request).allowed)).toEqual([]);
});

test("[PO10] a plugin starts only as the bundle that was granted", () => {
  const { policy } = setUp({
    plugins: [pluginGrant(plugin.id, {})],
    workflows: { hash1: [{ action: "plugin.call", resource: `${plugin.id}#t` }] },
  });
  const start = (principal: Principal, attributes?: { sha256: string }): PolicyRequest => ({
    principal,
    action: "plugin.start",
    resource: { type: "Plugin", id: plugin.id, ...(attributes ? { attributes } : {}) },
  });
  const admin: Principal = { type: "Client", id: "t1" };
  for (const principal of [plugin, admin, workflow]) {
    expect(policy.decide(start(principal, { sha256: "aa" })).allowed).toBe(true);
    expect(policy.decide(start(principal, { sha256: "bb" }))).toMatchObject({ policies: ["builtin:granted-bundle"] });
    expect(policy.decide(start(principal)).allowed).toBe(false);
  }
  expect(policy.decide(start({ type: "Workflow", id: "hash2" }, { sha256: "aa" })).allowed).toBe(false);
});

test("[PO3] [PO16] private data stays with local models and off the network, whatever was granted", () => {
  const { policy } = setUp({
    workflows: {
      hash1: [
        { action: "llm.generate", resource: "default" },
        { action: "net.fetch", resource: "https://example.org:443" },
      ],
    },
  });
  expect(policy.decide(generate(workflow, true, true)).allowed).toBe(true);
  expect(policy.decide(generate(workflow, false)).allowed).toBe(true);
  expect(policy.decide(generate(workflow, false, true))).toEqual({
    allowed: false,
    policies: ["private-stays-with-local-models"],
    reason: "Private data stays with models on this machine.",
  });
  expect(
    policy.decide({ ...fetchHost(workflow, "https://example.org:443"), context: { tainted: true } }),
  ).toMatchObject({
    policies: ["private-stays-off-the-network"],
  });
});

test.each(["10.0.0.1", "127.0.0.1", "::1", "::ffff:192.168.1.1", "64:ff9b::7f00:1", "100.64.0.1"])(
  "[PO16] a plugin does not reach %s, a workflow that names the host does",
  (address) => {
    const why = "w";
    const { policy } = setUp({
      plugins: [pluginGrant(plugin.id, { "net.fetch": [{ host: "h.example.org", methods: ["GET"], why }] })],
      workflows: { hash1: [{ action: "net.fetch", resource: "https://h.example.org:443" }] },
    });
    const request = (principal: Principal) => fetchHost(principal, "https://h.example.org:443", { address });
    expect(policy.decide(request(plugin))).toMatchObject({ policies: ["no-local-network-for-plugins"] });
    expect(policy.decide(request(workflow)).allowed).toBe(true);
    // A granted name may be looked up; nothing is dialled before its addresses were asked about.
    expect(policy.decide(fetchHost(plugin, "https://h.example.org:443")).allowed).toBe(true);
    expect(policy.decide(fetchHost(plugin, "https://other.example.org:443")).allowed).toBe(false);
    expect(policy.decide(fetchHost(plugin, "https://localhost:443")).allowed).toBe(false);
  },
);

test.each(["http://169.254.169.254:80", "http://[fe80::1]:80", "http://[fd00:ec2::254]:80"])(
  "[PO12] no grant reaches %s",
  (id) => {
    const { policy } = setUp({ workflows: { hash1: [{ action: "net.fetch", resource: id }] } });
    expect(policy.decide(fetchHost(workflow, id))).toMatchObject({ allowed: false, policies: ["builtin:link-local"] });
  },
);

test.each([
  ".logomesh/token",
  "constitution.cedar",
  "plugins/x/plugin.json",
  "a/.git/config",
  ".GIT/hooks/x",
  "web/package.json",
  "docs/.vscode/tasks.json",
  "docs/.github/workflows/x.yml",
  "docs/.bashrc",
])("[PO12] no grant opens %s", (path) => {
  const { policy } = setUp({ plugins: [pluginGrant(plugin.id, { "fs.read": [{ path: ".", why: "w" }] })] });
  expect(policy.decide(file(path))).toMatchObject({ policies: ["builtin:protected-files"] });
  expect(policy.decide(file("notes.md")).allowed).toBe(true);
});

test.each([".env", "a/.env.local", "home/.ssh/id_ed25519", "certificates/Key.PEM"])(
  "[PO16] the shipped constitution closes %s",
  (path) => {
    const { policy } = setUp({ plugins: [pluginGrant(plugin.id, { "fs.read": [{ path: ".", why: "w" }] })] });
    expect(policy.decide(file(path))).toMatchObject({ policies: ["no-credential-files"] });
  },
);

test("[PO4] a request that makes no sense is denied and does not throw", () => {
  const { policy } = setUp({ workflows: { hash1: [{ action: "llm.generate", resource: "default" }] } });
  const wrong: PolicyRequest[] = [
    { principal: workflow, action: "fly", resource: { type: "Tool", id: TOOL } },
    { principal: workflow, action: "__proto__", resource: { type: "Tool", id: TOOL } },
    { principal: workflow, action: "llm.generate", resource: { type: "Tool", id: TOOL } },
    { ...generate(workflow, true), resource: { type: "Model", id: "default", attributes: { local: "yes" } } },
    { ...generate(workflow, true), resource: { type: "Model", id: "" } },
    callTool(workflow, "no-separator"),
    callTool(workflow, "#tool"),
    callTool(workflow, "\ud800#tool"),
    callTool({ type: "Workflow", id: "\udfff" }),
    { principal: workflow, action: "plugin.start", resource: { type: "Plugin", id: "" } },
    { principal: workflow, action: "workflow.run", resource: { type: "Workflow", id: "a" } },
    { principal: workflow, action: "thought.read", resource: { type: "Thoughts", id: "all" } },
    ...[
      "https://example.org",
      "HTTPS://example.org:443",
      "https://Example.org:443",
      "https://a@b:1",
      "https://x:0443",
      "ftp://x:1",
      "https://x:99999",
    ].map((id) => fetchHost(workflow, id)),
    fetchHost(workflow, "https://example.org:443", { address: "not an address" }),
    fetchHost(workflow, "https://example.org:443", { method: 7 }),
    ...["/etc/passwd", "../x", "a//b", "a/./b", "a\\b", "a\0b", ""].map((path) => file(path)),
  ];
  expect(wrong.filter((request) => policy.decide(request).allowed)).toEqual([]);
  expect(policy.decide(wrong[3]!).reason).toContain("could not be decided");
});

test("[PO1] a policy that fails to evaluate denies, although Cedar alone would allow", () => {
  const overflow =
    '@id("overflow")\nforbid (principal, action == Action::"plugin.call", resource)\nwhen { context.callDepth + 9223372036854775807 > 0 };';
  const { policy } = setUp({
    constitution: overflow,
    workflows: { hash1: [{ action: "plugin.call", resource: TOOL }] },
  });
  const request = { ...callTool(workflow), context: { callDepth: 1 } };
  expect(policy.decide(request)).toMatchObject({ allowed: false, reason: expect.stringMatching(/overflow/) });
});

test("[PO5] everyone in the chain must be allowed, and the denial names who is not", () => {
  const why = "w";
  const other: Principal = { type: "Plugin", id: "org.example.b" };
  const { policy, state, changed, entries } = setUp({
    plugins: [pluginGrant(plugin.id, { "plugin.call": [{ target: TOOL, why }] })],
    workflows: { hash1: [{ action: "plugin.call", resource: TOOL }] },
  });
  expect(policy.decide({ ...callTool(plugin), chain: [workflow] }).allowed).toBe(true);
  const request = { ...callTool(plugin), chain: [workflow, other] };
  expect(() => policy.require(request)).toThrow(/Plugin org\.example\.b may not plugin\.call/);
  expect(entries[0]?.data).toMatchObject({ principal: "Plugin:org.example.b" });
  state.plugins.push(pluginGrant(other.id, { "plugin.call": [{ target: TOOL, why }] }));
  changed(other);
  expect(policy.decide(request).allowed).toBe(true);
});

test("[PO6] chains are at most four deep and never go in a circle", () => {
  const why = "w";
  const names = ["a", "b", "c", "d", "e"].map((name) => `org.example.${name}`);
  const { policy } = setUp({
    plugins: names.map((id) =>
      pluginGrant(id, {
        "plugin.call": [
          { target: TOOL, why },
          { target: "org.example.a#x", why },
        ],
      }),
    ),
  });
  const chainOf = (count: number): Principal[] => names.slice(1, 1 + count).map((id) => ({ type: "Plugin", id }));
  expect(policy.decide({ ...callTool(plugin), chain: chainOf(4) }).allowed).toBe(true);
  expect(policy.decide({ ...callTool(plugin), chain: [...chainOf(4), workflow] })).toMatchObject({
    policies: ["builtin:call-depth"],
  });
  expect(policy.decide({ ...callTool(plugin), context: { callDepth: 5 } }).allowed).toBe(false);
  expect(policy.decide({ ...callTool(plugin), chain: [plugin] }).reason).toContain("circle");
  expect(policy.decide(callTool(plugin, "org.example.a#x")).reason).toContain("circle");
});

test("[PO7] a decision is remembered until what it was made from changes", () => {
  const { policy, state, changed, listeners } = setUp({
    workflows: { hash1: [{ action: "plugin.call", resource: TOOL }] },
  });
  expect(policy.decide(callTool(workflow)).allowed).toBe(true);
  const reads = state.reads;
  expect(policy.decide(callTool(workflow)).allowed).toBe(true);
  expect(state.reads).toBe(reads);
  state.workflows = {};
  changed(workflow);
  expect(policy.decide(callTool(workflow)).allowed).toBe(false);
  const client: Principal = { type: "Client", id: "t1" };
  expect(policy.decide(generate(client, false)).allowed).toBe(true);
  expect(policy.decide(generate(client, false, true)).allowed).toBe(false);
  delete state.tokens.t1;
  expect(policy.decide(generate(client, false)).allowed).toBe(false);
  policy[Symbol.dispose]();
  expect(listeners.size).toBe(0);
});

test("[PO7] more principals than there are slots are still decided by their own grants", () => {
  const workflows = Object.fromEntries(
    Array.from({ length: 140 }, (_, n) => [
      `h${n}`,
      n % 2 === 0 ? [{ action: "plugin.call" as const, resource: TOOL }] : [],
    ]),
  );
  const { policy } = setUp({ workflows });
  const decideAll = (tool: string) =>
    Object.keys(workflows).filter((id) => policy.decide(callTool({ type: "Workflow", id }, tool)).allowed).length;
  expect([decideAll(TOOL), decideAll("org.example.text#no"), decideAll(TOOL)]).toEqual([70, 0, 70]);
});

test("[PO15] a missing or invalid constitution denies everything until it is repaired", () => {
  const { policy, path } = setUp({ constitution: "permit (principal, action, resource);" });
  const admin: Principal = { type: "Client", id: "t1" };
  expect(policy.problem).toMatchObject({ code: "LM_POLICY_CONSTITUTION_INVALID" });
  expect(policy.decide(callTool(admin))).toMatchObject({
    allowed: false,
    policies: ["builtin:constitution"],
    reason: expect.stringContaining("line 1"),
  });
  expect(() => policy.require(callTool(admin))).toThrow(expect.objectContaining({ code: "LM_POLICY_DENIED" }));
  writeFileSync(
    path,
    '@id("__proto__") @why("No tools.")\nforbid (principal, action == Action::"plugin.call", resource);',
  );
  expect(policy.problem).toBeUndefined();
  expect(policy.decide(callTool(admin))).toEqual({ allowed: false, policies: ["__proto__"], reason: "No tools." });
  expect(policy.decide(generate(admin, false)).allowed).toBe(true);
  writeFileSync(path, "nonsense");
  expect(policy.decide(callTool(admin)).policies).toEqual(["__proto__"]);
  rmSync(path);
  expect(policy.decide(callTool(admin)).policies).toEqual(["__proto__"]);
  expect(policy.file.problem).toMatchObject({ code: "LM_POLICY_CONSTITUTION_INVALID" });
  expect(policy.problem).toBeUndefined();
});

test("[PO15] a constitution that is not there is not one without rules", () => {
  const { policy } = setUp();
  expect(policy.problem).toBeUndefined();
  const missing = createPolicy({
    constitutionPath: "/nowhere/constitution.cedar",
    grants: {
      workflowGrants: () => [],
      pluginGrant: () => undefined,
      listGrants: () => ({ plugins: [], workflows: [] }),
      onDidChange: () => ({ [Symbol.dispose]: () => undefined }),
    },
    scopesOf: () => ["admin"],
    audit: {
      enqueue: () => undefined,
      append: () => Promise.resolve({ seq: 0 }),
      command: () => ({ name: "x", params: 0 }),
    },
    logger: silentLogger,
  });
  expect(missing.decide(callTool({ type: "Client", id: "t1" })).reason).toContain("cannot be read");
});

test("[PO3] a rule without a @why is named instead", () => {
  const { policy } = setUp({ constitution: '@id("quiet")\nforbid (principal, action, resource is Tool);' });
  expect(policy.decide(callTool({ type: "Client", id: "t1" })).reason).toBe("The rule quiet forbids it.");
});

test("[PO17] a denial is thrown and queued with policies, reason, run and task", () => {
  const { policy, entries } = setUp();
  const context = { run: "run_1", task: "/do/0/x" };
  policy.require(callTool({ type: "Client", id: "t1" }));
  expect(entries).toEqual([]);
  expect(() => policy.require({ ...callTool(workflow), context })).toThrow(
    expect.objectContaining({ code: "LM_POLICY_DENIED", data: expect.objectContaining({ action: "plugin.call" }) }),
  );
  expect(() => policy.require(callTool(plugin, `${"x".repeat(5000)}#t`))).toThrow();
  expect(() => policy.require(callTool({ type: "DevShell", id: "s" }))).toThrow(/shell has no permission/);
  expect(entries[0]).toEqual({
    kind: "policy.denied",
    actor: { type: "workflow", id: "hash1" },
    trace: { run: "run_1", task: "/do/0/x", status: "denied" },
    data: {
      action: "plugin.call",
      resource: TOOL,
      resourceType: "Tool",
      principal: "Workflow:hash1",
      policies: [],
      reason: expect.stringContaining("no permission"),
    },
    payload: {
      request: {
        bytes: JSON.stringify({
          principal: workflow,
          chain: [],
          action: "plugin.call",
          resource: callTool(workflow).resource,
          context,
        }),
        media: "application/json",
      },
    },
  });
  expect(entries[1]?.trace).toEqual({ plugin: plugin.id, status: "denied" });
  expect(JSON.stringify(entries[1]).length).toBeLessThan(6000);
});
