import { fileURLToPath } from "node:url";
import type { Scope } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { PluginGrant, PolicyRequest, Principal } from "../ports/index.ts";
import { silentLogger } from "../testing/index.ts";
import { createPolicy } from "./index.ts";

const SHIPPED = fileURLToPath(new URL("../../templates/workspace/constitution.cedar", import.meta.url));
const A = "org.example.a";
const B = "org.example.b";
const SCOPES: Record<string, Scope[]> = { admin: ["admin"], run: ["run"], llm: ["llm"], mcp: ["mcp"], desk: ["mcp"] };

function policyWith(permissions: Record<string, PluginGrant["permissions"]>) {
  return createPolicy({
    constitutionPath: SHIPPED,
    grants: {
      workflowGrants: () => [{ action: "plugin.call", resource: `${A}#t` }],
      pluginGrant: (pluginId) => {
        const granted = permissions[pluginId];
        return granted === undefined
          ? undefined
          : { pluginId, sha256: "aa", group: "user", permissions: granted, grantedBy: "p1" };
      },
      listGrants: () => ({ plugins: [], workflows: [] }),
      onDidChange: () => ({ [Symbol.dispose]: () => undefined }),
    },
    scopesOf: (id) => SCOPES[id],
    toolsOf: (id) => (id === "llm" || id === "desk" ? [`${A}#t`, `${B}#x#y`] : []),
    audit: {
      enqueue: () => undefined,
      append: () => Promise.resolve({ seq: 0 }),
      command: () => ({ name: "audit.append", params: null }),
    },
    logger: silentLogger,
  });
}

const plugin = (id: string): Principal => ({ type: "Plugin", id });
const workflow: Principal = { type: "Workflow", id: "hash" };
const client = (id: string): Principal => ({ type: "Client", id });
const why = "for the test";
const ask = (
  action: string,
  resource: PolicyRequest["resource"],
  rest: Partial<PolicyRequest> = {},
): PolicyRequest => ({ principal: plugin(A), action, resource, ...rest });
const event = (id: string): PolicyRequest["resource"] => ({ type: "EventType", id });
const FILE: PolicyRequest["resource"] = { type: "File", id: "docs/a.md" };
const WEB: PolicyRequest["resource"] = {
  type: "NetHost",
  id: "https://example.org:443",
  attributes: { method: "GET", address: "93.184.215.14" },
};

test("[PO21] a plugin stores under its own id only, when that was granted", () => {
  const granted = policyWith({ [A]: { store: { max_bytes: 1000, why } }, [B]: {} });
  for (const action of ["store", "blob"]) {
    expect(granted.decide(ask(action, { type: "Plugin", id: A }))).toMatchObject({ allowed: true });
    expect(granted.decide(ask(action, { type: "Plugin", id: B })).allowed).toBe(false);
    expect(granted.decide(ask(action, { type: "Plugin", id: B }, { principal: plugin(B) })).allowed).toBe(false);
    expect(granted.decide(ask(action, { type: "Plugin", id: A }, { principal: client("admin") })).allowed).toBe(false);
  }
});

test("[PO21] a folder that is mounted may be read, but for what the constitution and the built-in rules keep", () => {
  using policy = policyWith({ [A]: { "fs.mount": [{ path: "docs", why }] } });
  const mayRead = (id: string) => policy.decide(ask("fs.read", { type: "File", id })).allowed;
  expect(["docs", "docs/a.md", "docs/deep/b.md"].map(mayRead)).toEqual([true, true, true]);
  expect(["src/a.ts", "docs/.env", "docs/id.pem", "docs/x/.git", "docs/x/.git/config"].map(mayRead)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
  expect(policy.decide(ask("fs.propose", FILE)).allowed).toBe(false);
  using whole = policyWith({ [A]: { "fs.mount": [{ path: ".logomesh", why }] } });
  expect(whole.decide(ask("fs.read", { type: "File", id: ".logomesh" })).allowed).toBe(false);
});

test.each(["event.publish", "event.subscribe"])("[PO21] %s reaches the granted types and patterns only", (action) => {
  const policy = policyWith({
    [A]: {
      [action]: [
        { type: "com.acme.order", why },
        { type: "com.acme.stock.*", why },
      ],
    },
  });
  const allowed = (type: string) => policy.decide(ask(action, event(type))).allowed;
  for (const type of ["com.acme.order", "com.acme.stock.low", "com.acme.stock.a.b", "com.acme.stock.*"])
    expect([type, allowed(type)]).toEqual([type, true]);
  for (const type of ["com.acme.orders", "com.acme.stock", "com.acme.*", "*", "com.acme.stockx", "io.logomesh.run", ""])
    expect([type, allowed(type)]).toEqual([type, false]);
});

test("[PO20] a token or workflow that calls a tool has the plugin do what the plugin was granted", () => {
  const policy = policyWith({ [A]: { "fs.read": [{ path: "docs", why }], "event.publish": [{ type: "a.b", why }] } });
  const allowed = (caller: Principal, resource = FILE, action = "fs.read") =>
    policy.decide(ask(action, resource, { chain: [caller] })).allowed;
  expect([workflow, client("admin"), client("run")].map((caller) => allowed(caller))).toEqual([true, true, true]);
  expect([client("llm"), client("mcp"), client("gone")].map((caller) => allowed(caller))).toEqual([
    false,
    false,
    false,
  ]);
  expect(allowed(workflow, event("a.b"), "event.publish")).toBe(true);
  // Not more than the plugin, and not by itself.
  expect(allowed(workflow, WEB, "net.fetch")).toBe(false);
  for (const principal of [workflow, client("admin")])
    expect(policy.decide(ask("fs.read", FILE, { principal })).allowed).toBe(false);
  expect(policy.decide(ask("fs.read", FILE, { principal: workflow, chain: [workflow] })).allowed).toBe(false);
});

test("[PO20] a plugin gains nothing from calling another, and no plugin lends a workflow its calls", () => {
  const web = { "net.fetch": [{ host: "example.org", methods: ["GET"], why }] };
  const call = { "plugin.call": [{ target: `${B}#t`, why }] };
  const policy = policyWith({ [A]: call, [B]: web });
  const fromB = (chain: Principal[]) => policy.decide(ask("net.fetch", WEB, { principal: plugin(B), chain }));
  expect(fromB([]).allowed).toBe(true);
  expect(fromB([client("admin")]).allowed).toBe(true);
  expect(fromB([client("admin"), plugin(A)])).toMatchObject({
    allowed: false,
    reason: expect.stringContaining(`The plugin ${A} has no permission for net.fetch`),
  });
  const tool: PolicyRequest["resource"] = { type: "Tool", id: `${B}#t` };
  expect(policy.decide(ask("plugin.call", tool, { chain: [client("run")] })).allowed).toBe(true);
  expect(policy.decide(ask("plugin.call", tool, { chain: [workflow] })).allowed).toBe(false);
});

test("[PO41] an mcp token reads, starts workflows, and calls the tools it was made for", () => {
  const policy = policyWith({ [A]: { "net.fetch": [{ host: "example.org", methods: ["GET"], why }] } });
  const may = (action: string, resource: PolicyRequest["resource"], id = "desk") =>
    policy.decide({ principal: client(id), action, resource }).allowed;
  const thoughts = { type: "Thoughts", id: "*" } as const;
  const digest = { type: "Workflow", id: "default/digest" } as const;
  const tool = (id: string) => ({ type: "Tool", id }) as const;
  expect([may("thought.read", thoughts), may("workflow.read", digest), may("workflow.run", digest)]).toEqual([
    ...[true, true, true],
  ]);
  expect([may("thought.write", thoughts), may("llm.generate", { type: "Model", id: "m" })]).toEqual([false, false]);
  const asked = [`${A}#t`, `${A}#u`, `${B}#t`, `${A}#T`, `${B}#x#y`, A, `${A}#`, "#t"];
  expect(asked.filter((id) => may("plugin.call", tool(id)))).toEqual([`${A}#t`, `${B}#x#y`]);
  // Tools without the scope are worth nothing.
  expect(may("plugin.call", tool(`${A}#t`), "llm")).toBe(false);
  expect(may("workflow.read", digest, "llm")).toBe(false);
  expect(may("workflow.read", digest, "admin")).toBe(true);
  const through = { principal: plugin(A), action: "net.fetch", resource: WEB, chain: [client("desk")] };
  expect(policy.decide(through).allowed).toBe(true);
  expect(policy.decide({ ...through, principal: plugin(B) }).allowed).toBe(false);
  expect(policy.decide({ ...through, chain: [client("mcp")] }).allowed).toBe(false);
});
