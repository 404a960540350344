import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { openParts, type WorkbenchParts } from "./openParts.ts";

const caller = { actor: { type: "person", id: "ada" } } as const;
const plugin = { type: "plugin", id: "org.example.notes" } as const;
const anybody = { authorize: () => undefined };

async function makeWorkspace(folder: string) {
  const root = join(folder, "w");
  const environment = { XDG_STATE_HOME: join(folder, "state") };
  await initWorkspace({ root, environment, logger });
  const config = loadConfig({
    file: requireWorkspace(root).config,
    environment: { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" },
  });
  return { root, options: { root, environment, logger, config } };
}

async function propose(parts: WorkbenchParts, path: string, text: string) {
  const change = await parts.files.prepare({ path, text }, anybody);
  return await parts.approvals.request({
    ...{ kind: "file-change", title: `Change ${path}`, requestedBy: plugin, trace: { plugin: plugin.id } },
    payload: { ...change },
  });
}

async function kindsOf(parts: WorkbenchParts): Promise<string[]> {
  const { items } = await parts.audit.query({ limit: 500 });
  return items.map(({ kind }) => kind).filter((kind) => /^(approval|policy)\.(?!granted)/.test(kind));
}

const permissions = { "fs.propose": [{ path: "src/**", why: "keeps notes" }] };

test("[AP13] [AP14] a granted plugin's change is written and undone; without its grant nothing is written", async () => {
  using folder = createTempFolder();
  const { root, options } = await makeWorkspace(folder.path);
  await using parts = await openParts(options);
  await parts.grants.grantPlugin({
    ...{ pluginId: plugin.id, sha256: "0".repeat(64), group: "user", grantedBy: "test" },
    permissions,
  });
  const first = await propose(parts, "src/notes.md", "hello\n");
  const approve = ({ approvalId, contentHash }: typeof first) =>
    parts.approvals.decide(approvalId, { decision: "approved", contentHash }, caller);
  expect(await approve(first)).toMatchObject({
    status: "approved",
    outcome: { path: "src/notes.md" },
    isUndoable: true,
  });
  expect(readFileSync(join(root, "src/notes.md"), "utf8")).toBe("hello\n");
  await parts.approvals.undo(first.approvalId, caller);
  expect(readdirSync(join(root, "src"))).toEqual(["README.md"]);
  const rejected = await propose(parts, "src/notes.md", "no\n");
  const { approvalId, contentHash } = rejected;
  await parts.approvals.decide(approvalId, { decision: "rejected", contentHash }, caller);
  const hook = await propose(parts, "src/.git/hooks/pre-commit", "#!/bin/sh\n");
  expect(await approve(hook)).toMatchObject({
    status: "failed",
    outcome: { code: "LM_POLICY_DENIED", data: { policies: ["builtin:protected-files"] } },
  });
  const late = await propose(parts, "src/late.md", "late\n");
  await parts.grants.revokePlugin({ pluginId: plugin.id, revokedBy: "test" });
  expect(await approve(late)).toMatchObject({ status: "failed", outcome: { code: "LM_POLICY_DENIED" } });
  expect(readdirSync(join(root, "src"))).toEqual(["README.md"]);
  const asked = ["approval.requested", "approval.approved"];
  expect((await kindsOf(parts)).toReversed()).toEqual([
    ...[...asked, "approval.completed", "approval.undo-requested", "approval.undone"],
    ...["approval.requested", "approval.rejected", "approval.completed"],
    ...[...asked, "policy.denied", "approval.failed"],
    ...[...asked, "policy.denied", "approval.failed"],
  ]);
  expect(await parts.audit.verify()).toMatchObject({ exitCode: 0 });
}, 60_000);

test("[AP13] a payload that is no file change, or one that does not fit its hashes, changes nothing", async () => {
  using folder = createTempFolder();
  const { root, options } = await makeWorkspace(folder.path);
  await using parts = await openParts(options);
  const request = (payload: JsonObject) =>
    parts.approvals.request({ kind: "file-change", title: "x", requestedBy: { type: "system", id: "test" }, payload });
  await expect(request({ path: "src/a" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  const change = await parts.files.prepare({ path: "src/a", text: "1" }, anybody);
  const { approvalId, contentHash } = await request({ ...change, text: "forged" });
  const decided = await parts.approvals.decide(approvalId, { decision: "approved", contentHash }, caller);
  expect(decided).toMatchObject({ status: "failed", outcome: { code: "LM_INPUT_INVALID" } });
  expect(readdirSync(join(root, "src"))).toEqual(["README.md"]);
}, 60_000);

test("[AP13] a shared folder that is no folder of the workspace is refused in its settings", async () => {
  using folder = createTempFolder();
  const { root } = await makeWorkspace(folder.path);
  const { config } = requireWorkspace(root);
  writeFileSync(config, "devShellSandboxPaths: [..]\n");
  expect(() => loadConfig({ file: config, environment: {} })).toThrow(LogoMeshError);
});

/** Decides in a process of its own, which is killed before or after the file was written. */
const KILLED = `
  const { openParts } = await import(process.argv[2]);
  const { approvalId, contentHash, when, ...options } = JSON.parse(process.argv[3]);
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
  const parts = await openParts({ ...options, logger });
  const apply = parts.files.apply.bind(parts.files);
  parts.files.apply = async (...args) => {
    if (when === "after") await apply(...args);
    process.kill(process.pid, "SIGKILL");
  };
  await parts.approvals.decide(approvalId, { decision: "approved", contentHash }, { actor: { type: "person", id: "ada" } });
`;

test.each(["before", "after"])(
  "[AP15] a kill %s the file is written is made good by the next start",
  async (when) => {
    using folder = createTempFolder();
    const { root, options } = await makeWorkspace(folder.path);
    const first = await openParts(options);
    await first.grants.grantPlugin({
      ...{ pluginId: plugin.id, sha256: "0".repeat(64), group: "user", grantedBy: "test" },
      permissions,
    });
    const asked = await propose(first, "src/README.md", "new\n");
    await first[Symbol.asyncDispose]();
    const { logger: _, ...plain } = options;
    const script = join(folder.path, "decide.mjs");
    writeFileSync(script, KILLED);
    const decision = JSON.stringify({ ...plain, ...asked, when });
    const killed = spawnSync(process.execPath, [script, join(import.meta.dirname, "openParts.ts"), decision], {
      encoding: "utf8",
    });
    expect([killed.signal, killed.stderr]).toEqual(["SIGKILL", ""]);
    expect(readFileSync(join(root, "src/README.md"), "utf8") === "new\n").toBe(when === "after");
    await using next = await openParts(options);
    expect(await next.approvals.get(asked.approvalId)).not.toHaveProperty("settledAt");
    expect(await next.approvals.recover()).toBe(1);
    expect(await next.approvals.get(asked.approvalId)).toMatchObject({ status: "approved", isUndoable: true });
    expect(readFileSync(join(root, "src/README.md"), "utf8")).toBe("new\n");
    expect((await kindsOf(next)).toReversed()).toEqual([
      "approval.requested",
      "approval.approved",
      "approval.completed",
    ]);
    await next.approvals.undo(asked.approvalId, caller);
    expect(readFileSync(join(root, "src/README.md"), "utf8")).not.toBe("new\n");
  },
  60_000,
);
