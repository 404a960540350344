import type { LogoMeshError } from "@logomesh/contracts";
import type { AccessControl } from "../access/index.ts";
import type { ApprovalInbox } from "../approvals/index.ts";
import type { AuditTrail } from "../audit/index.ts";
import type { Config } from "../config/index.ts";
import type { EventPublisher, MemoryEventBus } from "../events/index.ts";
import type { WorkspaceFiles } from "../files/index.ts";
import type { LLMRegistry } from "../llm/index.ts";
import type { PluginHost, Sandbox } from "../plugins/index.ts";
import type { CedarPolicy, LockdownSwitch, PolicyAdmin, SqliteGrants } from "../policy/index.ts";
import type { BlobStore, Logger, PluginStore, WebFetch } from "../ports/index.ts";
import type { SecretAdmin } from "../secrets/index.ts";
import type { IdeaManager } from "../thoughts/index.ts";
import type { TaskEngine } from "../workflows/index.ts";
import { openWorkspace } from "./openWorkspace.ts";
import type { WorkspacePaths } from "./workspace.ts";

export interface OpenPartsOptions {
  /** Folder of the workspace. */
  root: string;
  config: Config;
  logger: Logger;
  environment: { XDG_STATE_HOME?: string | undefined };
  /** The database or the log can no longer be written: the process should end. */
  onDidFail?: (error: LogoMeshError) => void;
}

/** Everything a workbench is made of. */
export interface WorkbenchParts extends AsyncDisposable {
  readonly paths: WorkspacePaths;
  readonly version: string;
  readonly startedAt: string;
  readonly audit: AuditTrail;
  readonly access: AccessControl;
  readonly grants: SqliteGrants;
  readonly lockdown: LockdownSwitch;
  readonly policy: CedarPolicy;
  readonly blobs: BlobStore;
  readonly pluginStore: PluginStore;
  readonly network: WebFetch;
  readonly policyAdmin: PolicyAdmin;
  readonly files: WorkspaceFiles;
  readonly approvals: ApprovalInbox;
  readonly bus: MemoryEventBus;
  readonly events: EventPublisher;
  readonly secrets: SecretAdmin;
  readonly thoughts: IdeaManager;
  readonly models: LLMRegistry;
  readonly sandbox: Sandbox;
  readonly plugins: PluginHost;
  readonly engine: TaskEngine;
}

/**
 * Opens a workspace and makes everything that works on it. The writer thread starts while this one loads the features, which is the most
 * of a start.
 * @throws LogoMeshError LM_WORKSPACE_INVALID, LM_WORKSPACE_LOCKED, LM_DB_*, LM_AUDIT_TAMPERED
 */
export async function openParts(options: OpenPartsOptions): Promise<WorkbenchParts> {
  const features = import("./assembleParts.ts");
  const workspace = await openWorkspace(options);
  const { assembleParts } = await features;
  return assembleParts(workspace, options);
}
