import { rmSync, writeFileSync } from "node:fs";
import type { JsonObject, Scope } from "@logomesh/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PluginGrant, PolicyRequest, Principal, WorkflowGrant } from "../ports/index.ts";
import { createTempFolder, silentLogger } from "../testing/index.ts";
import { createPolicy } from "./index.ts";

// A second model of the policy, written in plain conditions: deny overrides, everyone in the chain, nothing without a grant. The engine must
// never allow what it denies, whatever texts are granted, named or asked for.

/** Texts that would end a string, a pattern or a policy if they were ever spliced into one, beside ordinary ones. */
const TEXTS = [
  "org.a.b",
  "org.a.c",
  "*",
  "a*",
  '"',
  '"); permit (principal, action, resource); //',
  "\\",
  "default:admin",
  "é",
  "__proto__",
];
const HOSTS = ["example.org", "a.example.org", "10.0.0.1", "169.254.169.254", "localhost", "*.org"];
const PATHS = ["docs", "docs/a.md", "docsx", "src/key.pem", "package.json", ".git/config", "*", "a*/b"];
const SCOPES: Scope[] = ["admin", "run", "llm"];
const THROUGH = new Set(["fs.read", "fs.propose", "net.fetch", "llm.generate", "thought.read", "thought.write"]);
const why = "w";

interface Rule {
  id: string;
  principal: Principal["type"] | undefined;
  action: string;
  condition: "always" | "tainted" | "deep" | "named" | "unless named";
  text: string;
}
interface World {
  plugins: Record<string, { sha256: string; permissions: JsonObject }>;
  workflow: WorkflowGrant[];
  scopes: Scope[];
  rules: Rule[];
}

const text = fc.constantFrom(...TEXTS);
const tool = fc
  .tuple(fc.constantFrom("org.a.b", "org.a.c", "*", '"'), fc.constantFrom("x", "*", '"); permit ('))
  .map(([owner, name]) => `${owner}#${name}`);
const host = fc.constantFrom(...HOSTS);
const path = fc.constantFrom(...PATHS);
const method = fc.constantFrom("GET", "POST");
const permissions = fc
  .record(
    {
      "plugin.call": fc.array(
        tool.map((target) => ({ target, why })),
        { maxLength: 3 },
      ),
      "llm.generate": fc
        .array(text, { minLength: 1, maxLength: 3 })
        .map((models) => ({ models, max_tokens_per_day: 1, why })),
      "net.fetch": fc.array(
        fc.tuple(host, method).map(([name, one]) => ({ host: name, methods: [one], why })),
        { maxLength: 3 },
      ),
      "thought.read": fc.constant({ why }),
      "fs.read": fc.array(
        path.map((one) => ({ path: one, why })),
        { maxLength: 3 },
      ),
      "fs.propose": fc.array(
        path.map((one) => ({ path: one, why })),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((one) => one as JsonObject);
const plugin = fc.record({ sha256: fc.constantFrom("aa", "bb"), permissions });
const workflowGrant = fc.oneof(
  tool.map((resource): WorkflowGrant => ({ action: "plugin.call", resource })),
  text.map((resource): WorkflowGrant => ({ action: "llm.generate", resource })),
  host.map((name): WorkflowGrant => ({ action: "net.fetch", resource: `https://${name}:443` })),
);
const ATTRIBUTES: Record<string, string> = {
  "plugin.call": "name",
  "llm.generate": "name",
  "net.fetch": "host",
  "fs.read": "path",
  "thought.read": "",
};
const rule = fc.record({
  id: fc.constant(""),
  principal: fc.constantFrom(undefined, "Plugin" as const, "Workflow" as const),
  action: fc.constantFrom(...Object.keys(ATTRIBUTES)),
  condition: fc.constantFrom<Rule["condition"][]>("always", "tainted", "deep", "named", "unless named"),
  text: fc.constantFrom(...TEXTS, ...HOSTS, ...PATHS),
});
const world: fc.Arbitrary<World> = fc.record({
  plugins: fc.record({ "org.a.b": plugin, "org.a.c": plugin }, { requiredKeys: ["org.a.b"] }),
  workflow: fc.array(workflowGrant, { maxLength: 4 }),
  scopes: fc.subarray(SCOPES),
  // A rule about everything would leave nothing to compare.
  rules: fc.array(rule, { maxLength: 3 }).map((rules) => rules.map((one, index) => ({ ...one, id: `r${index}` }))),
});
const principal: fc.Arbitrary<Principal> = fc.oneof(
  fc.constantFrom("org.a.b", "org.a.b", "org.a.c", '"').map((id): Principal => ({ type: "Plugin", id })),
  fc.constantFrom("wf", "wf", "*").map((id): Principal => ({ type: "Workflow", id })),
  fc.constantFrom("t", "t", "*").map((id): Principal => ({ type: "Client", id })),
);
const asked = fc.oneof(
  tool.map((id) => ({ action: "plugin.call", resource: { type: "Tool" as const, id } })),
  fc.tuple(fc.constantFrom("org.a.b", "org.a.c", "*"), fc.constantFrom("aa", "bb")).map(([id, sha256]) => ({
    action: "plugin.start",
    resource: { type: "Plugin" as const, id, attributes: { sha256 } },
  })),
  fc.tuple(text, fc.boolean()).map(([id, local]) => ({
    action: "llm.generate",
    resource: { type: "Model" as const, id, attributes: { name: id, local } },
  })),
  fc.tuple(host, method).map(([name, one]) => ({
    action: "net.fetch",
    resource: { type: "NetHost" as const, id: `https://${name}:443`, attributes: { method: one } },
  })),
  fc.constant({ action: "thought.read", resource: { type: "Thoughts" as const, id: "*" } }),
  fc.tuple(path, fc.constantFrom("fs.read", "fs.propose")).map(([id, action]) => ({
    action,
    resource: { type: "File" as const, id },
  })),
);
const chain = fc.oneof(fc.constant([]), fc.array(principal, { maxLength: 1 }), fc.array(principal, { maxLength: 4 }));
const request: fc.Arbitrary<PolicyRequest> = fc
  .tuple(principal, chain, asked, fc.boolean(), fc.constantFrom(0, 0, 0, 1, 3, 5))
  .map(([one, chain, what, tainted, callDepth]) => ({
    principal: one,
    chain,
    ...what,
    context: { tainted, callDepth },
  }));

/** As Cedar writes a text. */
const literal = (value: string): string =>
  `"${Array.from(value, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`).join("")}"`;

function cedarOf({ id, principal: type, action, condition, text: named }: Rule): string {
  const attribute = ATTRIBUTES[action] ?? "";
  const comparison = attribute === "" ? "context.tainted" : `resource.${attribute} == ${literal(named)}`;
  const clause = {
    always: "",
    tainted: "when { context.tainted }",
    deep: "when { context.callDepth > 2 }",
    named: `when { ${comparison} }`,
    "unless named": `unless { ${comparison} }`,
  }[condition];
  return `@id("${id}")\nforbid (principal${type === undefined ? "" : ` is ${type}`}, action == Action::"${action}", resource)\n${clause};`;
}

// ---- the reference

/** Undefined for a request that makes no sense; those are denied. */
function attributeOf({ action, resource }: PolicyRequest): string | undefined {
  if (resource.type === "Tool") return resource.id.split("#").slice(1).join("#");
  if (resource.type === "NetHost") {
    const name = resource.id.slice("https://".length, -":443".length);
    return URL.canParse(resource.id) && new URL(resource.id).hostname === name ? name : undefined;
  }
  return action === "thought.read" ? "" : resource.id;
}

function forbids(one: Rule, who: Principal, what: PolicyRequest, depth: number): boolean {
  if (one.action !== what.action || (one.principal !== undefined && one.principal !== who.type)) return false;
  const tainted = what.context?.tainted === true;
  const isNamed = ATTRIBUTES[one.action] === "" ? tainted : attributeOf(what) === one.text;
  return { always: true, tainted, deep: depth > 2, named: isNamed, "unless named": !isNamed }[one.condition];
}

function isBuiltInForbidden(what: PolicyRequest, { plugins }: World): boolean {
  const { action, resource } = what;
  if (action === "net.fetch") return resource.id.includes("169.254.");
  if (resource.type === "File") return ["package.json", ".git/config"].includes(resource.id);
  return action === "plugin.start" && plugins[resource.id]?.sha256 !== resource.attributes?.sha256;
}

function isGranted(who: Principal, what: PolicyRequest, state: World): boolean {
  const { action, resource } = what;
  const isThrough = who !== what.principal && what.principal.type === "Plugin" && THROUGH.has(action);
  if (who.type === "Client") {
    const scopes = who.id === "t" ? state.scopes : [];
    const has = (scope: Scope): boolean => scopes.includes(scope);
    if (isThrough && (has("admin") || has("run"))) return true;
    if (["plugin.call", "plugin.start"].includes(action)) return has("admin") || has("run");
    return action === "llm.generate" ? has("admin") || has("llm") : action === "thought.read" && has("admin");
  }
  if (who.type === "Workflow") {
    const grants = who.id === "wf" ? state.workflow : [];
    if (isThrough) return true;
    if (action === "plugin.start")
      return grants.some((one) => one.action === "plugin.call" && one.resource.split("#")[0] === resource.id);
    return grants.some((one) => one.action === action && one.resource === resource.id);
  }
  return isPluginGranted(who.id, what, state);
}

/** What any entry of a list of permissions has; each has some of it. */
interface Entry {
  target: string;
  host: string;
  methods: string[];
  path: string;
}

function isPluginGranted(id: string, { action, resource }: PolicyRequest, { plugins }: World): boolean {
  if (action === "plugin.start" && resource.id === id) return true;
  const list = (name: string) => (plugins[id]?.permissions[name] ?? []) as unknown as Entry[];
  switch (action) {
    case "plugin.call":
      return list(action).some(({ target }) => target === resource.id);
    case "plugin.start":
      return list("plugin.call").some(({ target }) => target.split("#")[0] === resource.id);
    case "llm.generate": {
      const granted = plugins[id]?.permissions[action] as { models: string[] } | undefined;
      return granted?.models.includes(resource.id) === true;
    }
    case "net.fetch":
      return list(action).some(
        (one) =>
          `https://${one.host}:443` === resource.id && one.methods.some((name) => name === resource.attributes?.method),
      );
    case "thought.read":
      return plugins[id]?.permissions[action] !== undefined;
    default:
      return list(action).some((one) => resource.id === one.path || resource.id.startsWith(`${one.path}/`));
  }
}

function allows(what: PolicyRequest, state: World): boolean {
  const { principal: last, chain = [], resource } = what;
  const depth = Math.max(what.context?.callDepth ?? 0, chain.length);
  const everyone = [...chain, last];
  const names = everyone.map(({ type, id }) => `${type} ${id}`);
  if (resource.type === "Tool") names.push(`Plugin ${resource.id.split("#")[0] ?? ""}`);
  if (depth > 4 || new Set(names).size < names.length || attributeOf(what) === undefined) return false;
  if (isBuiltInForbidden(what, state)) return false;
  return everyone.every(
    (who) => isGranted(who, what, state) && !state.rules.some((one) => forbids(one, who, what, depth)),
  );
}

function createWorld(folder: string) {
  const state: World = { plugins: {}, workflow: [], scopes: [], rules: [] };
  const listeners: ((changed: Principal) => void)[] = [];
  const constitutionPath = `${folder}/constitution.cedar`;
  writeFileSync(constitutionPath, "");
  const policy = createPolicy({
    constitutionPath,
    grants: {
      workflowGrants: (hash) => (hash === "wf" ? state.workflow : []),
      pluginGrant: (pluginId) => {
        const found = Object.hasOwn(state.plugins, pluginId) ? state.plugins[pluginId] : undefined;
        return found === undefined
          ? undefined
          : ({ pluginId, group: "user", grantedBy: "p", ...found } satisfies PluginGrant);
      },
      listGrants: () => ({ plugins: [], workflows: [] }),
      onDidChange: (listener) => (listeners.push(listener), { [Symbol.dispose]: () => undefined }),
    },
    scopesOf: (id) => (id === "t" ? state.scopes : undefined),
    audit: {
      enqueue: () => undefined,
      append: () => Promise.resolve({ seq: 0 }),
      command: () => ({ name: "audit.append", params: null }),
    },
    logger: silentLogger,
  });
  const become = (next: World): void => {
    Object.assign(state, next);
    rmSync(constitutionPath);
    writeFileSync(constitutionPath, next.rules.map(cedarOf).join("\n"));
    for (const id of ["org.a.b", "org.a.c"]) for (const listener of listeners) listener({ type: "Plugin", id });
    for (const listener of listeners) listener({ type: "Workflow", id: "wf" });
  };
  return { policy, state, become };
}

test("[PO45] whatever is granted, ruled and asked, exactly what the reference allows is allowed", () => {
  using folder = createTempFolder();
  const { policy, become } = createWorld(folder.path);
  let allowed = 0;
  let decided = 0;
  fc.assert(
    fc.property(world, fc.array(request, { minLength: 40, maxLength: 60 }), (next, requests) => {
      become(next);
      for (const one of requests) {
        const expected = allows(one, next);
        const decision = policy.decide(one);
        decided += 1;
        if (expected) allowed += 1;
        expect({ one, next, allowed: decision.allowed }).toEqual({ one, next, allowed: expected });
      }
      expect(policy.file.problem).toBeUndefined();
    }),
    { numRuns: 100, seed: 20260104 },
  );
  // A comparison of denials alone would prove little.
  expect(allowed / decided).toBeGreaterThan(0.05);
});
