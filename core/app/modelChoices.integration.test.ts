import { join } from "node:path";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { FakeOllama } from "../llm/testing/fakeOllama.ts";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { openParts, type WorkbenchParts } from "./openParts.ts";

const ADA = { actor: { type: "person", id: "ada" } } as const;
const PLUGIN = { type: "plugin", id: "org.example.models" } as const;
const SMALL = { provider: "ollama", model: "gemma:2b" };

async function open() {
  const folder = createTempFolder();
  const fake = await FakeOllama.start();
  fake.tags = [{ name: "qwen3:4b" }, { name: "gemma:2b" }];
  const root = join(folder.path, "w");
  const environment = { XDG_STATE_HOME: join(folder.path, "state") };
  await initWorkspace({ root, environment, logger });
  const config = loadConfig({
    file: requireWorkspace(root).config,
    environment: { OLLAMA_HOST: new URL(fake.url).host, LOGOMESH_PORT: "0" },
  });
  let parts: WorkbenchParts | undefined;
  const start = async (): Promise<WorkbenchParts> => {
    await parts?.[Symbol.asyncDispose]();
    return (parts = await openParts({ root, environment, logger, config }));
  };
  onTestFinished(async () => {
    await parts?.[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  return { fake, start, first: await start() };
}

const grant = (parts: WorkbenchParts) =>
  parts.grants.grantPlugin({
    ...{ pluginId: PLUGIN.id, sha256: "0".repeat(64), group: "user", grantedBy: "test" },
    permissions: { "model.propose": { why: "it knows models" } },
  });

const propose = (parts: WorkbenchParts, more: JsonObject = {}) =>
  parts.approvals.request({
    ...{ kind: "model", title: "Let default stand for gemma:2b", requestedBy: PLUGIN },
    payload: { alias: "default", ...SMALL, why: "it is small", replaces: null, ...more },
  });

const decide = (
  parts: WorkbenchParts,
  { approvalId, contentHash }: { approvalId: string; contentHash: string },
  decision: "approved" | "rejected" = "approved",
) => parts.approvals.decide(approvalId, { decision, contentHash }, ADA);

const modelOf = async (parts: WorkbenchParts) => (await parts.models.status()).aliases.default?.model;

test("[AP17] an approved model is chosen by who approved, over a restart, and undone", async () => {
  const { first, start } = await open();
  await grant(first);
  expect(await modelOf(first)).toBe("qwen3:4b");
  const rejected = await propose(first);
  expect(await decide(first, rejected, "rejected")).toMatchObject({ status: "rejected" });
  expect(await modelOf(first)).toBe("qwen3:4b");
  const asked = await propose(first);
  expect(await decide(first, asked)).toMatchObject({
    ...{ status: "approved", isUndoable: true, outcome: { alias: "default", ...SMALL } },
  });
  const second = await start();
  expect((await second.models.status()).aliases.default).toMatchObject({ ...SMALL, chosen: { by: "person:ada" } });
  expect(await second.approvals.undo(asked.approvalId, ADA)).toMatchObject({ status: "undone" });
  expect([await modelOf(second), second.models.chosen("default")]).toEqual(["qwen3:4b", undefined]);
  const { items } = await second.audit.query({ limit: 500 });
  expect(items.map(({ kind }) => kind).filter((kind) => /^(model|approval)\./.test(kind))).toEqual(
    [
      ...["approval.requested", "approval.rejected", "approval.completed"],
      ...["approval.requested", "approval.approved", "model.chosen", "approval.completed"],
      ...["approval.undo-requested", "model.unchosen", "approval.undone"],
    ].reverse(),
  );
});

test("[AP17] what is no proposal is not stored", async () => {
  const { first } = await open();
  for (const wrong of [{ why: "" }, { alias: 1 }, { replaces: "x" }, { extra: true }])
    await expect(propose(first, wrong as JsonObject)).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(first.approvals.pendingCount()).toBe(0);
});

test("[AP18] nothing is chosen that is out of date, gone, or no longer the plugin's to propose", async () => {
  const { first, fake } = await open();
  const refused = (code: string) => ({ status: "failed", outcome: { code } });
  expect(await decide(first, await propose(first))).toMatchObject(refused("LM_POLICY_DENIED"));
  await grant(first);
  const gone = await propose(first, { model: "llama:70b" });
  expect(await decide(first, gone)).toMatchObject(refused("LM_LLM_MODEL_NOT_FOUND"));
  const [old, late] = [await propose(first), await propose(first)];
  await first.models.choose("default", { provider: "mock", model: "mock" }, ADA);
  expect(await decide(first, old)).toMatchObject(refused("LM_CONFLICT"));
  await first.models.choose("default", undefined, ADA);
  await first.lockdown.on({ reason: "test", by: ADA.actor });
  await expect(decide(first, late)).rejects.toMatchObject({ code: "LM_POLICY_LOCKDOWN" });
  await first.lockdown.off(ADA.actor);
  // Control: the same proposal is carried out now.
  expect(await decide(first, late)).toMatchObject({ status: "approved" });
  expect(await modelOf(first)).toBe("gemma:2b");
  await first.models.choose("default", { provider: "mock", model: "mock" }, ADA);
  await expect(first.approvals.undo(late.approvalId, ADA)).rejects.toBeInstanceOf(LogoMeshError);
  expect(await modelOf(first)).toBe("mock");
  expect(fake.chatBodies).toEqual([]);
});
