import type { CreateWriterModule, WriteContext } from "../db/index.ts";
import type { PluginGrant, WorkflowGrant } from "../ports/index.ts";

export interface SetWorkflowGrantsParams {
  definitionHash: string;
  grants: readonly WorkflowGrant[];
  grantedBy: string;
}

export interface SetLockdownParams {
  reason: string;
  setBy: string;
  setAtMs: number;
  cause: string | null;
}

export interface ClearLockdownParams {
  causes: readonly string[];
  clearedBy: string;
}

const INSERT_WORKFLOW_GRANT =
  "INSERT INTO workflow_grant (definition_hash, action, resource, granted_by, granted_at) VALUES (?, ?, ?, ?, ?)";
const UPSERT_PLUGIN_GRANT = `INSERT OR REPLACE INTO plugin_grant
  (plugin_id, sha256, plugin_group, permissions, tools_hash, outside_sandbox, granted_by, granted_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

const ACKNOWLEDGE = "INSERT OR REPLACE INTO lockdown_acknowledged (cause, cleared_by, cleared_at) VALUES (?, ?, ?)";

/** Grants, each command replacing what was there, and the one row of the lockdown. */
export const createPolicyWriterModule: CreateWriterModule = () => ({
  name: "policy",
  commands: {
    "policy.setWorkflowGrants": (context: WriteContext, params: SetWorkflowGrantsParams): void => {
      const { definitionHash, grants, grantedBy } = params;
      context.sql("DELETE FROM workflow_grant WHERE definition_hash = ?").run(definitionHash);
      const nowMs = context.clock.nowMs();
      for (const { action, resource } of grants)
        context.sql(INSERT_WORKFLOW_GRANT).run(definitionHash, action, resource, grantedBy, nowMs);
    },
    "policy.setPluginGrant": (context: WriteContext, grant: PluginGrant): void => {
      const { pluginId, sha256, group, permissions, toolsHash, outsideSandbox = false, grantedBy } = grant;
      const content = [pluginId, sha256, group, JSON.stringify(permissions), toolsHash ?? null];
      context.sql(UPSERT_PLUGIN_GRANT).run(...content, Number(outsideSandbox), grantedBy, context.clock.nowMs());
    },
    "policy.deletePluginGrant": (context: WriteContext, { pluginId }: { pluginId: string }): void => {
      context.sql("DELETE FROM plugin_grant WHERE plugin_id = ?").run(pluginId);
    },
    "policy.setLockdown": (context: WriteContext, { reason, setBy, setAtMs, cause }: SetLockdownParams): void => {
      context
        .sql("INSERT OR IGNORE INTO lockdown (id, reason, set_by, set_at, cause) VALUES (1, ?, ?, ?, ?)")
        .run(reason, setBy, setAtMs, cause);
    },
    "policy.clearLockdown": (context: WriteContext, { causes, clearedBy }: ClearLockdownParams): void => {
      context.sql("DELETE FROM lockdown").run();
      const nowMs = context.clock.nowMs();
      for (const cause of causes) context.sql(ACKNOWLEDGE).run(cause, clearedBy, nowMs);
    },
  },
});
