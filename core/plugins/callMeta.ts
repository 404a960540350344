import type { Actor, Effect, JsonObject } from "@logomesh/contracts";
import type { AuditEntryDraft, PluginToolCall } from "../ports/index.ts";

/** The keys that the SDKs read. A key for repetition means nothing to a tool that does not say it is `idempotent`. */
export function metaOf({ idempotencyKey, run }: PluginToolCall, effect: Effect): JsonObject {
  return {
    ...(idempotencyKey === undefined || effect !== "idempotent"
      ? {}
      : { "org.logomesh/idempotencyKey": idempotencyKey }),
    ...(run === undefined ? {} : { "org.logomesh/run": run.runId, "org.logomesh/task": run.taskReference }),
  };
}

/** An entry of the log about a plugin. */
export function pluginEntry(kind: string, { actor, pluginId }: { actor: Actor; pluginId: string }): AuditEntryDraft {
  return { kind, actor, trace: { plugin: pluginId }, data: {} };
}
