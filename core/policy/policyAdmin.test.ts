import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { LogoMeshError, type AuditEntry, type JsonObject, type Scope } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { sha256Hex } from "../base/index.ts";
import type { AuditEntryDraft, PluginGrant, PolicyRequest, Principal, WorkflowGrant } from "../ports/index.ts";
import { createTempFolder, silentLogger } from "../testing/index.ts";
import { PolicyAdmin, createPolicy } from "./index.ts";

const NO_TOOLS =
  '@id("no-tools") @why("No tools today.")\nforbid (principal, action == Action::"plugin.call", resource);\n';
const EMPTY = "// nothing\n";
const TOOL = "org.example.text#count";
const why = "w";
const workflow: Principal = { type: "Workflow", id: "hash1" };
const plugin: Principal = { type: "Plugin", id: "org.example.a" };
const admin: Principal = { type: "Client", id: "t1" };
const caller = { actor: { type: "person" as const, id: "p1" } };

const callTool = (principal: Principal): PolicyRequest => ({
  principal,
  action: "plugin.call",
  resource: { type: "Tool", id: TOOL },
});

function pluginGrant(permissions: JsonObject): PluginGrant {
  return { pluginId: plugin.id, sha256: "aa", group: "user", permissions, grantedBy: "p1" };
}

/** Goes on by itself with each look. */
const clock = { stepMs: 0, nowMs: 0, monotonicMs: () => (clock.nowMs += clock.stepMs) };

function setUp(options: { constitution?: string; plugins?: PluginGrant[]; workflows?: WorkflowGrant[] } = {}) {
  const folder = createTempFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const path = `${folder.path}/constitution.cedar`;
  if (options.constitution !== undefined) writeFileSync(path, options.constitution);
  const { plugins = [], workflows = [] } = options;
  const entries: AuditEntryDraft[] = [];
  const log = { isWritable: true };
  const grants = {
    workflowGrants: (hash: string) => (hash === "hash1" ? workflows : []),
    pluginGrant: (id: string) => plugins.find(({ pluginId }) => pluginId === id),
    listGrants: () => ({ plugins, workflows: [{ definitionHash: "hash1", grants: workflows }] }),
    onDidChange: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const audit = {
    enqueue: (draft: AuditEntryDraft) => void entries.push(draft),
    append: (draft: AuditEntryDraft) => {
      if (!log.isWritable) return Promise.reject(new LogoMeshError("LM_AUDIT_UNWRITABLE", "The disk is full."));
      return Promise.resolve({ seq: entries.push(draft) - 1 });
    },
    command: () => ({ name: "audit.append", params: null }),
  };
  const scopesOf = (id: string): Scope[] | undefined => (id === "t1" ? ["admin"] : id === "t2" ? ["mcp"] : undefined);
  const policy = createPolicy({ constitutionPath: path, grants, scopesOf, audit, logger: silentLogger });
  const toEntry = (draft: AuditEntryDraft, seq: number): AuditEntry => ({
    ...{ v: 1, log: "l", seq, ts: "2026-01-01T00:00:00.000Z", leaf: "" },
    ...{ kind: draft.kind, actor: draft.actor, trace: draft.trace ?? {}, data: draft.data ?? {}, payload: {} },
    payloads: Object.fromEntries(Object.entries(draft.payload ?? {}).map(([role, { bytes }]) => [role, String(bytes)])),
  });
  const admin = new PolicyAdmin({
    ...{ policy, grants, scopesOf, audit, clock },
    getEntry: (seq) => Promise.resolve(toEntry(entries[seq]!, seq)),
    newestOf: (kind) => {
      const seq = entries.findLastIndex((draft) => draft.kind === kind);
      return seq < 0 ? undefined : toEntry(entries[seq]!, seq);
    },
  });
  const put = (text: string, more: { preview?: boolean; baseSha256?: string } = {}) => {
    const { preview = false, ...base } = more;
    return admin.putConstitution({ text, ...base }, { preview, caller });
  };
  /** Asks, and answers the number of the denial's entry. */
  const deny = (request: PolicyRequest): number => {
    expect(() => policy.require(request)).toThrow(expect.objectContaining({ code: "LM_POLICY_DENIED" }));
    return entries.length - 1;
  };
  /** Writes down what happened, and answers the number of its entry. */
  const happened = (draft: AuditEntryDraft): number => entries.push(draft) - 1;
  return { admin, policy, entries, path, put, deny, happened, log };
}

test("[PO30] [PO31] a new constitution is written whole, recorded with both hashes and its text, and in force at once", async () => {
  const { put, policy, entries, path } = setUp({ constitution: EMPTY });
  expect(policy.decide(callTool(admin)).allowed).toBe(true);
  const change = await put(NO_TOOLS, { baseSha256: sha256Hex(EMPTY) });
  expect(change).toMatchObject({
    applied: true,
    sha256: sha256Hex(NO_TOOLS),
    previousSha256: sha256Hex(EMPTY),
    rules: { added: ["no-tools"], removed: [], changed: [] },
  });
  expect(policy.decide(callTool(admin))).toMatchObject({ allowed: false, reason: "No tools today." });
  expect(readFileSync(path, "utf8")).toBe(NO_TOOLS);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(existsSync(`${path}.new`)).toBe(false);
  expect(entries).toEqual([
    {
      kind: "constitution.changed",
      actor: caller.actor,
      data: { sha256: sha256Hex(NO_TOOLS), previous: sha256Hex(EMPTY), rules: 1 },
      payload: { text: { bytes: NO_TOOLS, media: "text/plain" } },
    },
  ]);
});

test("[PO31] nothing is written when the text is not valid, the file is another one, or the log cannot be written", async () => {
  const { put, policy, path, log } = setUp({ constitution: EMPTY });
  await expect(put("nonsense")).rejects.toThrow(expect.objectContaining({ code: "LM_POLICY_CONSTITUTION_INVALID" }));
  await expect(put(NO_TOOLS, { baseSha256: "00" })).rejects.toThrow(expect.objectContaining({ code: "LM_CONFLICT" }));
  log.isWritable = false;
  await expect(put(NO_TOOLS)).rejects.toThrow(expect.objectContaining({ code: "LM_AUDIT_UNWRITABLE" }));
  expect(readFileSync(path, "utf8")).toBe(EMPTY);
  expect(existsSync(`${path}.new`)).toBe(false);
  expect(policy.decide(callTool(admin)).allowed).toBe(true);
  log.isWritable = true;
  expect((await put(NO_TOOLS)).applied).toBe(true);
});

test("[PO15] [PO30] an edit of the file holds from the next decision on and is recorded; an invalid one is refused and recorded", () => {
  const { policy, entries, path } = setUp({ constitution: EMPTY });
  expect(policy.decide(callTool(admin)).allowed).toBe(true);
  writeFileSync(path, NO_TOOLS);
  expect(policy.decide(callTool(admin)).allowed).toBe(false);
  writeFileSync(path, Buffer.from([0xff, 0xfe]));
  expect(policy.decide(callTool(admin)).allowed).toBe(false);
  writeFileSync(path, "x".repeat(300_000));
  expect(policy.decide(callTool(admin)).allowed).toBe(false);
  expect(entries.map(({ kind, data }) => [kind, data])).toEqual([
    ["constitution.changed", { sha256: sha256Hex(NO_TOOLS), previous: sha256Hex(EMPTY), rules: 1 }],
    ["constitution.refused", { reason: expect.stringContaining("not valid"), inForce: sha256Hex(NO_TOOLS) }],
    ["constitution.refused", { reason: expect.stringContaining("300000 bytes"), inForce: sha256Hex(NO_TOOLS) }],
  ]);
  const heard: string[] = [];
  using _listener = policy.onDidChangeConstitution(() => heard.push("changed"));
  writeFileSync(path, EMPTY);
  expect(policy.decide(callTool(admin)).allowed).toBe(true);
  expect(heard).toEqual(["changed"]);
});

test("[PO30] a change made while nothing ran is recorded at the start, once", async () => {
  const { admin, entries, path } = setUp({ constitution: EMPTY });
  await admin.recordAtStart();
  await admin.recordAtStart();
  expect(entries.map(({ data }) => data)).toEqual([{ sha256: sha256Hex(EMPTY), rules: 0 }]);
  entries[0] = { ...entries[0]!, data: { sha256: "old", rules: 3 } };
  await admin.recordAtStart();
  expect(entries[1]!.data).toEqual({ sha256: sha256Hex(EMPTY), previous: "old", rules: 0 });
  writeFileSync(path, EMPTY);
  const broken = setUp();
  await broken.admin.recordAtStart();
  expect(broken.entries.map(({ kind }) => kind)).toEqual(["constitution.refused"]);
});

test("[PO32] a preview lists what was asked lately and what grants name, where the answer changes, and changes nothing", async () => {
  const { put, policy, entries, path } = setUp({
    constitution: EMPTY,
    plugins: [
      pluginGrant({
        "plugin.call": [{ target: TOOL, why }],
        "net.fetch": [
          { host: "example.org", methods: ["GET", "POST"], why },
          { host: "example.com", methods: ["*"], via: "proxy", why },
        ],
        "fs.read": [{ path: "docs", why }],
        "thought.read": { why },
        "event.publish": [{ type: "org.example.*", why }],
        store: { max_bytes: 10, why },
      }),
    ],
    workflows: [{ action: "llm.generate", resource: "default" }],
  });
  expect(policy.decide({ ...callTool(admin), context: { callDepth: 1 } }).allowed).toBe(true);
  const text = `${NO_TOOLS}
@id("no-post") forbid (principal, action == Action::"net.fetch", resource) when { resource.method == "POST" || resource.method == "CONNECT" };
@id("no-docs") forbid (principal, action == Action::"fs.read", resource) when { resource.path like "docs*" };
@id("no-events") forbid (principal, action == Action::"event.publish", resource) when { resource.name like "org.example.*" };
@id("local-only") forbid (principal, action == Action::"llm.generate", resource) when { context.tainted } unless { resource.local };`;
  const { replayed, flips, rules, applied } = await put(text, { preview: true });
  expect({ applied, rules: rules.added }).toEqual({
    applied: false,
    rules: ["no-tools", "no-post", "no-docs", "no-events", "local-only"],
  });
  expect(replayed).toBe(1 + 2 * 11);
  const shown = flips.map(({ principal, action, resource, tainted, from, after }) =>
    [from, principal, action, resource, tainted, after.policies.join()].join(" "),
  );
  expect(shown).toEqual([
    "decision Client:t1 plugin.call org.example.text#count false no-tools",
    "grant Plugin:org.example.a plugin.call org.example.text#count false no-tools",
    "grant Plugin:org.example.a plugin.call org.example.text#count true no-tools",
    "grant Plugin:org.example.a net.fetch https://example.org:443 false no-post",
    "grant Plugin:org.example.a net.fetch https://example.org:443 true no-post",
    "grant Plugin:org.example.a net.fetch https://example.com:443 false no-post",
    "grant Plugin:org.example.a net.fetch https://example.com:443 true no-post",
    "grant Plugin:org.example.a fs.read docs false no-docs",
    "grant Plugin:org.example.a fs.read docs true no-docs",
    "grant Plugin:org.example.a event.publish org.example.* false no-events",
    "grant Plugin:org.example.a event.publish org.example.* true no-events",
    "grant Workflow:hash1 llm.generate default true local-only",
  ]);
  expect(flips[0]).toMatchObject({
    callDepth: 1,
    before: { allowed: true, policies: ["default:admin"] },
    after: { allowed: false, reason: "No tools today." },
  });
  expect(policy.decide(callTool(admin)).allowed).toBe(true);
  expect([entries, readFileSync(path, "utf8")]).toEqual([[], EMPTY]);
});

test("[PO32] what changes back is listed, and rules that are removed or reworded", async () => {
  const { put, policy } = setUp({
    constitution: `${NO_TOOLS}@id("b")\nforbid (principal, action == Action::"thought.read", resource);`,
  });
  policy.decide(callTool(admin));
  const { rules, flips } = await put('@id("b")\nforbid (principal, action == Action::"thought.write", resource);', {
    preview: true,
  });
  expect(rules).toEqual({ added: [], removed: ["no-tools"], changed: ["b"] });
  expect(flips.map(({ before, after }) => [before.reason, after.allowed])).toEqual([["No tools today.", true]]);
});

test("the constitution is shown with its rules and what is wrong with the file", () => {
  const { admin, path } = setUp({ constitution: NO_TOOLS });
  const sha256 = sha256Hex(NO_TOOLS);
  const rule = { id: "no-tools", why: "No tools today.", text: NO_TOOLS.trim() };
  expect(admin.constitution()).toEqual({ file: path, text: NO_TOOLS, sha256, inForce: { sha256, rules: [rule] } });
  writeFileSync(path, "nonsense");
  expect(admin.constitution()).toMatchObject({
    text: "nonsense",
    inForce: { sha256 },
    problem: { code: "LM_POLICY_CONSTITUTION_INVALID", detail: expect.stringContaining("line 1") },
  });
  const missing = setUp().admin.constitution();
  expect([missing.text, missing.inForce, missing.problem?.detail]).toEqual([
    undefined,
    undefined,
    expect.stringContaining("cannot be read"),
  ]);
});

test.each<[string, PolicyRequest, object]>([
  ["a plugin's call", callTool(plugin), { "plugin.call": [{ target: TOOL, why: "As asked." }] }],
  [
    "a plugin's request to a host",
    {
      principal: plugin,
      action: "net.fetch",
      resource: { type: "NetHost", id: "https://a.org:443", attributes: { method: "PUT" } },
    },
    { "net.fetch": [{ host: "a.org", methods: ["PUT"], why: "As asked." }] },
  ],
  [
    "a plugin's tunnel",
    {
      principal: plugin,
      action: "net.fetch",
      resource: { type: "NetHost", id: "https://a.org:443", attributes: { method: "CONNECT" } },
    },
    { "net.fetch": [{ host: "a.org", methods: ["*"], via: "proxy", why: "As asked." }] },
  ],
  [
    "a plugin's unencrypted request",
    {
      principal: plugin,
      action: "net.fetch",
      resource: { type: "NetHost", id: "http://a.org:80", attributes: { method: "GET" } },
    },
    { "net.fetch": [{ host: "http://a.org:80", methods: ["GET"], why: "As asked." }] },
  ],
  [
    "a plugin's prompt",
    { principal: plugin, action: "llm.generate", resource: { type: "Model", id: "m" } },
    { "llm.generate": { models: ["m"], max_tokens_per_day: 1, why: "As asked." } },
  ],
  [
    "a plugin's file",
    { principal: plugin, action: "fs.propose", resource: { type: "File", id: "src/a.ts" } },
    { "fs.propose": [{ path: "src/a.ts", why: "As asked." }] },
  ],
  [
    "a plugin's look at thoughts",
    { principal: plugin, action: "thought.read", resource: { type: "Thoughts", id: "*" } },
    { "thought.read": { why: "As asked." } },
  ],
])("[PO33] %s is explained with the permission that would allow it", async (_name, request, permissions) => {
  const { admin, deny } = setUp({
    constitution: EMPTY,
    plugins: [pluginGrant({ "fs.propose": [{ path: "docs", why }] })],
  });
  const explanation = await admin.why(deny(request));
  expect(explanation.remedy).toEqual({
    text: expect.stringContaining("manifest"),
    suffices: true,
    grant: { kind: "plugin", plugin: plugin.id, permissions },
  });
});

test("[PO33] a denial names everyone of the chain, the attributes, run and task", async () => {
  const { admin, deny } = setUp({
    constitution: EMPTY,
    plugins: [pluginGrant({ "plugin.call": [{ target: TOOL, why }] })],
  });
  const context = { run: "run_1", task: "/do/0/x", tainted: true };
  const explanation = await admin.why(deny({ ...callTool(plugin), chain: [workflow], context }));
  expect(explanation).toMatchObject({
    recorded: { allowed: false, policies: [] },
    request: {
      action: "plugin.call",
      resource: { type: "Tool", id: TOOL },
      callDepth: 1,
      tainted: true,
      run: "run_1",
      task: "/do/0/x",
    },
    principals: [
      { principal: "Workflow:hash1", isRefused: true, now: { allowed: false } },
      {
        principal: "Plugin:org.example.a",
        isRefused: false,
        now: { allowed: true, policies: [`grant:plugin.call:${TOOL}`] },
      },
    ],
    remedy: { suffices: true, grant: { kind: "workflow", definition: "hash1", action: "plugin.call", resource: TOOL } },
  });
});

test("[PO33] where a forbid decides, its text is shown and no grant is offered", async () => {
  const { admin, deny, path } = setUp({ constitution: NO_TOOLS });
  const seq = deny(callTool(workflow));
  expect(await admin.why(seq)).toMatchObject({
    policies: [{ id: "no-tools", origin: "constitution", why: "No tools today.", text: NO_TOOLS.trim() }],
    remedy: { suffices: false, text: expect.stringContaining("no-tools in constitution.cedar") },
  });
  expect((await admin.why(seq)).remedy?.grant).toBeUndefined();
  writeFileSync(path, EMPTY);
  expect(await admin.why(seq)).toMatchObject({ policies: [{ id: "no-tools" }], remedy: { suffices: true } });
  const protectedFile: PolicyRequest = {
    principal: plugin,
    action: "fs.read",
    resource: { type: "File", id: "package.json" },
  };
  expect((await admin.why(deny(protectedFile))).remedy?.text).toContain("builtin:protected-files is built in");
});

test("[PO33] a token, a bundle, the shell, a chain that goes in a circle and a closed constitution each get their own advice", async () => {
  const { admin, deny, path } = setUp({ constitution: EMPTY, plugins: [pluginGrant({})] });
  const textFor = async (request: PolicyRequest) => (await admin.why(deny(request))).remedy;
  const token: Principal = { type: "Client", id: "t2" };
  expect(await textFor(callTool(token))).toMatchObject({
    suffices: true,
    grant: { kind: "scope", token: "t2", scope: "run" },
  });
  const fetching: PolicyRequest = {
    principal: token,
    action: "net.fetch",
    resource: { type: "NetHost", id: "https://a.org:443", attributes: { method: "GET" } },
  };
  expect(await textFor(fetching)).toMatchObject({ suffices: false, text: expect.stringContaining("would not do") });
  const start: PolicyRequest = {
    principal: plugin,
    action: "plugin.start",
    resource: { type: "Plugin", id: plugin.id, attributes: { sha256: "bb" } },
  };
  expect(await textFor(start)).toEqual({
    suffices: true,
    text: expect.stringContaining("logomesh plugin grant org.example.a"),
  });
  expect((await textFor(callTool({ type: "DevShell", id: "s" })))?.text).toBe("No grant covers this.");
  expect((await textFor({ ...callTool(plugin), chain: [plugin] }))?.text).toContain("circle");
  expect((await textFor({ principal: plugin, action: "fly", resource: { type: "Tool", id: TOOL } }))?.text).toBe(
    "No grant covers this.",
  );
  writeFileSync(path, "nonsense");
  const closed = setUp({ constitution: "nonsense" });
  expect((await closed.admin.why(closed.deny(callTool(workflow)))).remedy?.text).toContain(
    "until the constitution is repaired",
  );
});

test("[PO33] a call that was allowed is explained by what allows it now; what is no decision is refused", async () => {
  const { admin, entries } = setUp({ constitution: EMPTY });
  entries.push(
    {
      kind: "plugin.called",
      actor: { type: "client", id: "t1" },
      trace: { plugin: "org.example.text" },
      data: { tool: "count" },
    },
    { kind: "secret.set", actor: caller.actor },
    {
      kind: "policy.denied",
      actor: { type: "plugin", id: "org.example.a" },
      data: {
        action: "plugin.call",
        resource: TOOL,
        resourceType: "Tool",
        principal: "Plugin:org.example.a",
        policies: [],
        reason: "no",
      },
    },
    {
      kind: "policy.denied",
      actor: caller.actor,
      payload: { request: { bytes: '{"principal":1}', media: "application/json" } },
    },
  );
  const called = await admin.why(0);
  expect(called).toMatchObject({
    recorded: { allowed: true },
    policies: [{ id: "default:admin", origin: "built-in" }],
  });
  expect(called.remedy).toBeUndefined();
  await expect(admin.why(1)).rejects.toThrow(/records no decision/);
  expect(await admin.why(2)).toMatchObject({ principals: [{ principal: "Plugin:org.example.a", isRefused: true }] });
  await expect(admin.why(3)).rejects.toThrow(/cannot be read/);
});

const RUN = { run: "run_1", task: "/do/0/x" };
const byPlugin = { type: "plugin", id: plugin.id } as const;
const byWorkflow = { type: "workflow", id: "hash1" } as const;

test.each<[string, AuditEntryDraft, string]>([
  ["a file that was read", hostEntry("fs_read", { path: "docs/a.md" }), "fs.read File docs/a.md"],
  ["a folder that was listed", hostEntry("fs_list", { path: "docs" }), "fs.read File docs"],
  ["a proposed change", hostEntry("fs_propose_change", { path: "docs/a.md" }), "fs.propose File docs/a.md"],
  ["a host", hostEntry("net_fetch", { host: "a.org", method: "GET" }), "net.fetch NetHost https://a.org:443"],
  ["a value", hostEntry("store_put", { key: "k" }), `store Plugin ${plugin.id}`],
  ["bytes", hostEntry("blob_get", { handle: "h" }), `blob Plugin ${plugin.id}`],
  ["thoughts", hostEntry("thought_search", {}), "thought.read Thoughts *"],
  ["a new thought", hostEntry("thought_create", {}), "thought.write Thoughts *"],
  ["an event", hostEntry("event_publish", { type: "a.b" }), "event.publish EventType a.b"],
  ["a subscription", hostEntry("events_listen", { types: ["a.*"] }), "event.subscribe EventType a.*"],
  ["a call of another plugin", hostEntry("plugin_call", { plugin: "org.b", tool: "t" }), "plugin.call Tool org.b#t"],
  ["a proposed model", hostEntry("model_propose", { model: "m", provider: "p" }), "model.propose Model m"],
  ["a plugin's prompt", hostEntry("llm_generate", { model: "m" }), "llm.generate Model m"],
  [
    "a prompt",
    { kind: "llm.request", actor: byWorkflow, trace: { ...RUN, model: "real" }, data: { requested: "default" } },
    "llm.generate Model default",
  ],
  [
    "an HTTP step",
    step({ call: "http", url: "http://a.org:8080/x", method: "GET" }),
    "net.fetch NetHost http://a.org:8080",
  ],
  ["a step that keeps a thought", step({ call: "thought.create" }), "thought.write Thoughts *"],
  ["a step that calls a plugin", step({ call: "plugin", tool: "t" }, { plugin: "org.b" }), "plugin.call Tool org.b#t"],
  [
    "a start of a plugin",
    { kind: "plugin.started", actor: byPlugin, trace: { plugin: plugin.id }, data: { sha256: "aa" } },
    `plugin.start Plugin ${plugin.id}`,
  ],
  [
    "a published event",
    { kind: "event.published", actor: { type: "client", id: "t1" }, data: { type: "a.b" } },
    "event.publish EventType a.b",
  ],
  [
    "a run",
    { kind: "run.started", actor: { type: "client", id: "t1" }, trace: RUN, data: { workflow: "default/x" } },
    "workflow.run Workflow default/x",
  ],
])("[PO60] %s is explained, though it was allowed", async (_name, draft, expected) => {
  const { admin, happened } = setUp({ constitution: EMPTY, plugins: [pluginGrant({})] });
  const { request, recorded, principals } = await admin.why(happened(draft));
  expect([request.action, request.resource.type, request.resource.id].join(" ")).toBe(expected);
  expect(recorded).toMatchObject({ allowed: true, policies: [] });
  expect(principals.at(-1)?.now.reason).not.toMatch(/could not be decided|is not the id/);
});

test("[PO60] the answer of a model and the step that asked it are explained by the prompt", async () => {
  const { admin, happened } = setUp({ constitution: EMPTY });
  const trace = { model: "real" };
  const asked = happened({
    ...{ kind: "llm.request", actor: { type: "client", id: "browser" }, trace },
    data: { requested: "default", token: "t1", simulated: false, "gen_ai.provider.name": "p" },
  });
  const client = { type: "client", id: "browser" } as const;
  const answered = happened({ kind: "llm.response", actor: client, trace, data: { request: asked } });
  const stepped = happened(step({ call: "llm", requestSeq: asked }));
  for (const seq of [asked, answered, stepped])
    expect(await admin.why(seq)).toMatchObject({
      seq,
      request: { action: "llm.generate", resource: { id: "default", attributes: { name: "real", provider: "p" } } },
      principals: [{ principal: "Client:t1", now: { allowed: true, policies: ["default:admin"] } }],
    });
});

test("[PO60] what allows it now is named, with everyone of the chain; a rule that came since is told", async () => {
  const { admin, happened, path } = setUp({
    constitution: EMPTY,
    plugins: [pluginGrant({ "fs.read": [{ path: "docs", why }] })],
  });
  const callers = ["Client:t1", `Workflow:hash1`];
  const seq = happened(hostEntry("fs_read", { path: "docs/a.md", tainted: true, callers }));
  expect(await admin.why(seq)).toMatchObject({
    request: { callDepth: 2, tainted: true, run: "run_1", task: "/do/0/x" },
    principals: [
      { principal: "Client:t1", now: { allowed: true, policies: ["default:through-plugin"] } },
      { principal: "Workflow:hash1", now: { allowed: true } },
      { principal: `Plugin:${plugin.id}`, isRefused: false, now: { allowed: true, policies: ["grant:fs.read:docs"] } },
    ],
    policies: [{ id: "grant:fs.read:docs", origin: "grant", text: expect.stringContaining("permit") }],
  });
  expect((await admin.why(seq)).remedy).toBeUndefined();
  writeFileSync(path, `@id("no-files") @why("No files.") forbid (principal, action == Action::"fs.read", resource);`);
  expect(await admin.why(seq)).toMatchObject({
    recorded: { allowed: true },
    policies: [{ id: "no-files" }],
    remedy: { suffices: false },
  });
});

test("[PO61] a grant is explained by who gave it and what it permits now", async () => {
  const { admin, happened } = setUp({
    constitution: EMPTY,
    plugins: [pluginGrant({ "thought.read": { why } })],
    workflows: [{ action: "thought.write", resource: "*" }],
  });
  const actor = { type: "person", id: "ada" } as const;
  const explain = (kind: string, data: AuditEntryDraft["data"] = {}) => admin.why(happened({ kind, actor, data }));
  expect(await explain("grant.plugin", { plugin: plugin.id })).toMatchObject({
    recorded: { allowed: true, reason: expect.stringContaining("granted by person ada") },
    request: { action: "grant.plugin", resource: { type: "Plugin", id: plugin.id } },
    policies: [{ id: "grant:thought.read:*", origin: "grant" }],
  });
  expect((await explain("grant.workflow", { definition: "hash1" })).policies).toMatchObject([
    { id: "grant:thought.write:*" },
  ]);
  expect(await explain("grant.revoked", { plugin: "org.gone" })).toMatchObject({
    recorded: { reason: "It was taken back by person ada: nothing is granted now." },
    policies: [],
  });
  await expect(explain("secret.set")).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  await expect(explain("step.completed", { call: "wait" })).rejects.toThrow("records no decision");
});

test("[PO62] a preview tries each kind of request first, ends in time, and counts what it did not try", async () => {
  const { policy, put } = setUp({ constitution: EMPTY, plugins: [pluginGrant({})] });
  const ask = (model: string, more: { tainted?: boolean } = {}) =>
    policy.decide({ principal: admin, action: "llm.generate", resource: { type: "Model", id: model }, context: more });
  for (let at = 0; at < 3; at += 1) for (const tainted of [true, false]) ask(`m${at}`, { tainted });
  expect(policy.recent.list().map(({ resource, tainted }) => [resource.id, tainted])).toEqual([
    ...[
      ["m2", false],
      ["m1", false],
      ["m0", false],
    ],
    ...[
      ["m2", true],
      ["m1", true],
      ["m0", true],
    ],
  ]);
  const whole = await put(EMPTY, { preview: true });
  expect([whole.replayed, whole.left]).toEqual([6, 0]);
  for (let at = 0; at < 2_100; at += 1) ask(`many${at}`);
  const bounded = await put(EMPTY, { preview: true });
  expect([bounded.replayed, bounded.left]).toEqual([2_000, 106]);
  clock.stepMs = 500;
  const short = await put(EMPTY, { preview: true });
  clock.stepMs = 0;
  expect([short.replayed, short.replayed + short.left]).toEqual([4, 2_106]);
});

function hostEntry(tool: string, data: AuditEntryDraft["data"]): AuditEntryDraft {
  return { kind: `host.${tool}`, actor: byPlugin, trace: { plugin: plugin.id, ...RUN }, data: { ...data } };
}

function step(data: AuditEntryDraft["data"], trace: AuditEntryDraft["trace"] = {}): AuditEntryDraft {
  return { kind: "step.completed", actor: byWorkflow, trace: { ...RUN, ...trace }, data: { ...data } };
}
