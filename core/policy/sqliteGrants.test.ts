import { expect, test } from "vitest";
import { createMemoryDatabase, type CreateWriterModule } from "../db/index.ts";
import type { AuditEntryDraft, AuditLog, PluginGrant, Principal, WorkflowGrant } from "../ports/index.ts";
import { createSeededRandom, FakeClock } from "../testing/index.ts";
import { createPolicyWriterModule, SqliteGrants } from "./index.ts";

/** Stands in for the log's write half: remembers what was committed with the change, or refuses. */
function createRecorder() {
  const recorder = { entries: [] as AuditEntryDraft[], refuse: false };
  const module: CreateWriterModule = () => ({
    name: "audit",
    commands: {
      "audit.append": (_context: unknown, draft: AuditEntryDraft) => {
        if (recorder.refuse) throw new Error("refused");
        recorder.entries.push(draft);
      },
    },
  });
  const log: AuditLog = {
    command: (draft) => ({ name: "audit.append", params: draft }),
    append: () => Promise.resolve({ seq: 0 }),
    enqueue: () => undefined,
  };
  return Object.assign(recorder, { module, log });
}

function setUp() {
  const recorder = createRecorder();
  const database = createMemoryDatabase({
    modules: [createPolicyWriterModule, recorder.module],
    clock: new FakeClock(),
    random: createSeededRandom(3),
  });
  const grants = new SqliteGrants({ ...database, audit: recorder.log });
  const changes: Principal[] = [];
  grants.onDidChange((principal) => void changes.push(principal));
  return { grants, recorder, changes, ...database };
}

const GRANTS: WorkflowGrant[] = [
  { action: "thought.write", resource: "*" },
  { action: "llm.generate", resource: "default" },
];
const PLUGIN: PluginGrant = {
  pluginId: "org.example.a",
  sha256: "aa",
  group: "builtin",
  permissions: { "thought.read": { why: "to read" } },
  toolsHash: "tt",
  grantedBy: "p1",
};

test("[PO18] grants of a definition replace the earlier ones and commit with their entry", async () => {
  const { grants, recorder, changes } = setUp();
  await grants.grantWorkflow({ definitionHash: "h", grants: GRANTS, grantedBy: "p1" });
  expect(grants.workflowGrants("h")).toEqual([GRANTS[1], GRANTS[0]]);
  expect(recorder.entries).toEqual([
    {
      kind: "grant.workflow",
      actor: { type: "person", id: "p1" },
      data: { definition: "h", grants: 2 },
      payload: { grants: { bytes: JSON.stringify([GRANTS[1], GRANTS[0]]), media: "application/json" } },
    },
  ]);
  await grants.grantWorkflow({ definitionHash: "h", grants: GRANTS.slice(0, 1), grantedBy: "system:init" });
  expect(grants.workflowGrants("h")).toEqual([GRANTS[0]]);
  // `type:id` names any kind of actor, a bare name a person.
  expect(recorder.entries[1]?.actor).toEqual({ type: "system", id: "init" });
  expect(changes).toEqual([
    { type: "Workflow", id: "h" },
    { type: "Workflow", id: "h" },
  ]);
});

test("[PO18] a plugin's grant is read as it was given, until it is revoked", async () => {
  const { grants, recorder, changes } = setUp();
  await grants.grantPlugin(PLUGIN);
  expect(grants.pluginGrant(PLUGIN.pluginId)).toEqual(PLUGIN);
  const { toolsHash: _, ...without } = { ...PLUGIN, sha256: "bb", group: "user" as const };
  await grants.grantPlugin(without);
  expect(grants.pluginGrant(PLUGIN.pluginId)).toEqual(without);
  await grants.revokePlugin({ pluginId: PLUGIN.pluginId, revokedBy: "p2" });
  await grants.revokePlugin({ pluginId: PLUGIN.pluginId, revokedBy: "p2" });
  expect(grants.pluginGrant(PLUGIN.pluginId)).toBeUndefined();
  expect(recorder.entries.map(({ kind, actor, data }) => [kind, actor.id, data])).toEqual([
    ["grant.plugin", "p1", { plugin: PLUGIN.pluginId, sha256: "aa", group: "builtin", toolsHash: "tt" }],
    ["grant.plugin", "p1", { plugin: PLUGIN.pluginId, sha256: "bb", group: "user" }],
    ["grant.revoked", "p2", { plugin: PLUGIN.pluginId }],
  ]);
  expect(changes).toHaveLength(3);
});

test("[PO18] nothing is granted when the entry cannot be written", async () => {
  const { grants, recorder, changes } = setUp();
  recorder.refuse = true;
  await expect(grants.grantWorkflow({ definitionHash: "h", grants: GRANTS, grantedBy: "p1" })).rejects.toThrow(
    "refused",
  );
  await expect(grants.grantPlugin(PLUGIN)).rejects.toThrow("refused");
  expect(grants.workflowGrants("h")).toEqual([]);
  expect(grants.pluginGrant(PLUGIN.pluginId)).toBeUndefined();
  expect(changes).toEqual([]);
});

test("[PO11] whatever a definition may name can be granted to it", async () => {
  const { grants } = setUp();
  const actions: Record<WorkflowGrant["action"], true> = {
    ...{ "plugin.call": true, "llm.generate": true, "net.fetch": true, "thought.read": true },
    ...{ "thought.write": true, "workflow.run": true, "event.publish": true, "secret.use": true },
  };
  const list = Object.keys(actions).map((action) => ({ action, resource: "x" }) as WorkflowGrant);
  await grants.grantWorkflow({ definitionHash: "h", grants: list, grantedBy: "p1" });
  expect(grants.workflowGrants("h").map(({ action }) => action)).toEqual(Object.keys(actions).sort());
});

test("[PO19] granting the same again leaves no entry", async () => {
  const { grants, recorder } = setUp();
  await grants.grantWorkflow({ definitionHash: "h", grants: GRANTS, grantedBy: "p1" });
  await grants.grantWorkflow({ definitionHash: "h", grants: [...GRANTS.toReversed(), ...GRANTS], grantedBy: "p2" });
  await grants.grantWorkflow({ definitionHash: "empty", grants: [], grantedBy: "p2" });
  await grants.grantPlugin(PLUGIN);
  await grants.grantPlugin({ ...PLUGIN, grantedBy: "p2" });
  expect(recorder.entries.map(({ kind }) => kind)).toEqual(["grant.workflow", "grant.plugin"]);
});

test("[PO11] what is not text, not known or too much is not granted", async () => {
  const { grants } = setUp();
  const grant = (list: unknown) =>
    grants.grantWorkflow({ definitionHash: "h", grants: list as WorkflowGrant[], grantedBy: "p1" });
  const invalid = { code: "LM_INPUT_INVALID" };
  await expect(grant([{ action: "fs.read", resource: "x" }])).rejects.toMatchObject(invalid);
  await expect(grant([{ action: "llm.generate", resource: "" }])).rejects.toMatchObject(invalid);
  await expect(grant([{ action: "llm.generate", resource: "\ud800" }])).rejects.toMatchObject(invalid);
  await expect(grant([{ action: "llm.generate", resource: "x".repeat(2001) }])).rejects.toMatchObject(invalid);
  const many = Array.from({ length: 1001 }, (_, n) => ({ action: "llm.generate", resource: `m${n}` }));
  await expect(grant(many)).rejects.toMatchObject(invalid);
  await expect(grants.grantPlugin({ ...PLUGIN, permissions: { fly: true } })).rejects.toMatchObject(invalid);
  const half = { "thought.read": { why: "\udc00" } };
  await expect(grants.grantPlugin({ ...PLUGIN, permissions: half })).rejects.toMatchObject(invalid);
});

test("a listener that was disposed hears nothing", async () => {
  const { grants } = setUp();
  const heard: Principal[] = [];
  grants.onDidChange((principal) => void heard.push(principal))[Symbol.dispose]();
  await grants.grantPlugin(PLUGIN);
  expect(heard).toEqual([]);
});

test("[PO50] a grant keeps that it lets a plugin out of the sandbox, and the log says so", async () => {
  const { grants, recorder } = setUp();
  await grants.grantPlugin(PLUGIN);
  await grants.grantPlugin({ ...PLUGIN, outsideSandbox: true });
  expect(grants.pluginGrant(PLUGIN.pluginId)).toEqual({ ...PLUGIN, outsideSandbox: true });
  await grants.grantPlugin(PLUGIN);
  expect(grants.pluginGrant(PLUGIN.pluginId)).toEqual(PLUGIN);
  const { pluginId: plugin, sha256, group, toolsHash } = PLUGIN;
  const said = { plugin, sha256, group, toolsHash };
  expect(recorder.entries.map(({ data }) => data)).toEqual([said, { ...said, outsideSandbox: true }, said]);
});
