import type { JsonObject } from "@logomesh/contracts";

export interface Principal {
  type: "Plugin" | "Workflow" | "Client" | "DevShell";
  /** Plugin id, definition hash, token id. */
  id: string;
}

/** One privileged thing that a principal wants to do. */
export interface PolicyRequest {
  principal: Principal;
  /** `plugin.call`, `plugin.start`, `llm.generate`, `net.fetch`, `thought.write` … */
  action: string;
  resource: {
    type: "Tool" | "Plugin" | "Model" | "NetHost" | "Thoughts" | "Workflow" | "File" | "EventType" | "Secret";
    id: string;
    attributes?: JsonObject;
  };
  context?: { callDepth?: number; tainted?: boolean; run?: string; task?: string };
  /** Principals further up the call chain; every one of them must be allowed too. */
  chain?: readonly Principal[];
}

export interface PolicyDecision {
  allowed: boolean;
  /** Ids of the policies that decided. */
  policies: readonly string[];
  /** The `@why` of the forbid, or what grant is missing, in the user's words. */
  reason: string;
}

/** Decides every privileged action. */
export interface Policy {
  decide(request: PolicyRequest): PolicyDecision;
  /**
   * Passes only what is allowed. A denial is an audit entry.
   * @throws LogoMeshError LM_POLICY_DENIED
   */
  require(request: PolicyRequest): void;
}

/** One thing that a workflow definition names literally. */
export interface WorkflowGrant {
  action:
    | "plugin.call"
    | "llm.generate"
    | "net.fetch"
    | "thought.write"
    | "thought.read"
    | "workflow.run"
    | "event.publish"
    | "secret.use";
  /** `pluginId#tool`, model name or alias, `https://host:port`, `*` for thoughts, `namespace/name`, type of an event, name of a secret. */
  resource: string;
}

/** Writes grants. Each change is an audit entry in the same transaction. */
export interface Grants {
  /** Replaces the grants of a definition hash. */
  grantWorkflow(params: { definitionHash: string; grants: readonly WorkflowGrant[]; grantedBy: string }): Promise<void>;
  grantPlugin(params: PluginGrant): Promise<void>;
  revokePlugin(params: { pluginId: string; revokedBy: string }): Promise<void>;
  /** The grant of a plugin, whichever version it names. */
  pluginGrant(pluginId: string): PluginGrant | undefined;
}

export interface PluginGrant {
  /** A person let this content run without the sandbox. */
  outsideSandbox?: true;
  pluginId: string;
  /** The exact bundle that was approved. */
  sha256: string;
  group: "builtin" | "user";
  /** What of the manifest's request was granted. */
  permissions: JsonObject;
  /** SHA-256 of the canonical tool definitions, once known: a changed set needs a new approval. */
  toolsHash?: string;
  grantedBy: string;
}
