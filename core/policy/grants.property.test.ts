import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PluginGrant, PolicyRequest, Principal, WorkflowGrant } from "../ports/index.ts";
import { silentLogger } from "../testing/index.ts";
import { createPolicy } from "./index.ts";

const CONSTITUTION = fileURLToPath(new URL("../../templates/workspace/constitution.cedar", import.meta.url));

/** Texts that would end a string, a policy or a pattern if they were ever spliced into one. */
const nasty = fc.oneof(
  fc.constantFrom(
    "*",
    "**",
    "a",
    '"',
    "\\",
    '"); permit (principal, action, resource); //',
    '"}}]}',
    "a*",
    "\\*",
    "?resource",
    "__proto__",
    "constructor",
    "grant:llm.generate:a",
    "default:admin",
    "é",
    "e\u0301",
    "\0",
    "a\n",
    "A",
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
);

/** One policy whose grants are exchanged: parsing the shared rules for each example would take most of the time. */
function createGranted() {
  const granted: { workflow: WorkflowGrant[]; plugin?: PluginGrant } = { workflow: [] };
  const listeners: ((principal: Principal) => void)[] = [];
  const policy = createPolicy({
    constitutionPath: CONSTITUTION,
    grants: {
      workflowGrants: () => granted.workflow,
      pluginGrant: () => granted.plugin,
      listGrants: () => ({ plugins: [], workflows: [] }),
      onDidChange: (listener) => (listeners.push(listener), { [Symbol.dispose]: () => undefined }),
    },
    scopesOf: () => undefined,
    audit: {
      enqueue: () => undefined,
      append: () => Promise.resolve({ seq: 0 }),
      command: () => ({ name: "audit.append", params: null }),
    },
    logger: silentLogger,
  });
  return (next: Partial<typeof granted>, principal: Principal) => {
    Object.assign(granted, next);
    for (const listener of listeners) listener(principal);
    return policy;
  };
}

test("[PO11] whatever texts are granted to a workflow, exactly those are allowed", () => {
  const ask = (id: string): PolicyRequest => ({
    principal: { type: "Workflow", id: "h" },
    action: "llm.generate",
    resource: { type: "Model", id, attributes: { local: true } },
  });
  const policyOf = createGranted();
  fc.assert(
    fc.property(fc.array(nasty, { maxLength: 4 }), fc.array(nasty, { maxLength: 6 }), (granted, asked) => {
      const policy = policyOf(
        { workflow: granted.map((resource) => ({ action: "llm.generate", resource })) },
        ask("").principal,
      );
      for (const id of [...granted, ...asked]) {
        expect({ id, allowed: policy.decide(ask(id)).allowed }).toEqual({ id, allowed: granted.includes(id) });
      }
    }),
    { numRuns: 150, seed: 20260101 },
  );
});

test("[PO11] a grant of one action, tool or principal allows no other", () => {
  const action = fc.constantFrom<WorkflowGrant["action"]>("plugin.call", "thought.read", "workflow.run", "net.fetch");
  const policyOf = createGranted();
  fc.assert(
    fc.property(nasty, nasty, nasty, action, (plugin, tool, holder, other) => {
      fc.pre(!plugin.includes("#"));
      const owner: Principal = { type: "Workflow", id: holder };
      const workflow: WorkflowGrant[] = [
        { action: "plugin.call", resource: `${plugin}#${tool}` },
        { action: other, resource: plugin },
      ];
      const policy = policyOf({ workflow }, owner);
      const ask = (principal: Principal, id: string) =>
        policy.decide({ principal, action: "plugin.call", resource: { type: "Tool", id } }).allowed;
      expect(ask(owner, `${plugin}#${tool}`)).toBe(true);
      expect(ask(owner, `${plugin}#${tool}x`)).toBe(false);
      expect(ask(owner, `x${plugin}#${tool}`)).toBe(false);
      expect(ask({ type: "Client", id: holder }, `${plugin}#${tool}`)).toBe(false);
    }),
    { numRuns: 100, seed: 20260102 },
  );
});

test("[PO11] a granted path opens itself and what is below it, literally", () => {
  const part = fc.constantFrom("a", "b", "*", "a*", "\\", "src", '"');
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const policyOf = createGranted();
  fc.assert(
    fc.property(path, path, (granted, asked) => {
      const plugin: PluginGrant = {
        pluginId: "org.example.a",
        sha256: "aa",
        group: "user",
        permissions: { "fs.read": [{ path: granted, why: "w" }] },
        grantedBy: "p",
      };
      const principal: Principal = { type: "Plugin", id: plugin.pluginId };
      const decision = policyOf({ plugin }, principal).decide({
        principal,
        action: "fs.read",
        resource: { type: "File", id: asked },
      });
      const inside = asked === granted || asked.startsWith(`${granted}/`);
      expect(decision.allowed).toBe(inside && !asked.includes("\\"));
    }),
    { numRuns: 200, seed: 20260103 },
  );
});
