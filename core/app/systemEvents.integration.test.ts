import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { initWorkspace, loadConfig, requireWorkspace } from "./index.ts";
import { openParts } from "./openParts.ts";

test("[EB12] [EB13] in a whole workbench runs are heard, and tokens publish what policy permits", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const environment = { XDG_STATE_HOME: join(folder.path, "state"), OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" };
  await initWorkspace({ root, environment, logger });
  const config = loadConfig({ file: requireWorkspace(root).config, environment });
  await using parts = await openParts({ root, environment, logger, config });
  const callerOf = async (scope: "admin" | "run" | "llm") => {
    const by = { actor: { type: "person", id: "tester" } } as const;
    const { token } = await parts.access.createToken({ name: scope, scopes: [scope] }, by);
    return parts.access.authenticate(token)!.caller;
  };
  const admin = await callerOf("admin");
  using runs = parts.bus.subscribe({ types: ["io.logomesh.run.*"], subscriber: "test" });
  using events = parts.bus.subscribe({ types: ["com.acme.*"], subscriber: "test" });
  const source = `document: { dsl: "1.0.3", namespace: default, name: set, version: "1.0.0" }\ndo: [ { a: { set: { b: 1 } } } ]`;
  const run = await parts.engine.start({ source, waitMs: 10_000 }, admin);
  expect(run.status).toBe("completed");
  expect((await runs.next())?.event).toMatchObject({ type: "io.logomesh.run.started", subject: run.id });
  expect((await runs.next())?.event).toMatchObject({ type: "io.logomesh.run.completed", subject: run.id });
  const { id } = await parts.events.publish({ type: "com.acme.paid", data: { order: 7 } }, await callerOf("run"));
  expect((await events.next())?.event).toMatchObject({ id, source: expect.stringMatching(/^client:tok_/) });
  await expect(parts.events.publish({ type: "com.acme.paid" }, await callerOf("llm"))).rejects.toMatchObject({
    code: "LM_POLICY_DENIED",
  });
  const { items } = await parts.audit.query({ kind: "event.published", limit: 10 });
  expect(items).toMatchObject([{ actor: { type: "client", id: "run" }, data: { event: id, type: "com.acme.paid" } }]);
}, 60_000);
