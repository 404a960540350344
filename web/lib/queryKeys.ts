/** Where each answer lives in the query cache; live messages patch the same places. */
import type { ApprovalKind, ApprovalStatus, RunStatus } from "@logomesh/contracts";

export interface RunFilter {
  status?: RunStatus | undefined;
  q?: string | undefined;
}

export interface ApprovalFilter {
  status?: ApprovalStatus | undefined;
  kind?: ApprovalKind | undefined;
}

export const queryKeys = {
  status: ["status"],
  lockdown: ["lockdown"],
  models: ["models"],
  runLists: ["runs", "list"],
  recentRuns: ["runs", "recent"],
  runList: (filter: RunFilter) => ["runs", "list", filter],
  run: (runId: string) => ["runs", "detail", runId],
  wholeRun: (runId: string) => ["runs", "detail", runId, "whole"],
  runTasks: (runId: string) => ["runs", "tasks", runId],
  runTask: (runId: string, seq: number) => ["runs", "task", runId, seq],
  wholeRunTask: (runId: string, seq: number) => ["runs", "task", runId, seq, "whole"],
  runTaskDetails: (runId: string) => ["runs", "task", runId],
  runText: (runId: string, seq: number) => ["runs", "text", runId, seq],
  runCandidates: (workflow: string) => ["runs", "candidates", workflow],
  runComparison: (a: string, b: string) => ["runs", "comparison", a, b],
  runDefinition: (runId: string) => ["runs", "definition", runId],
  workflows: ["workflows", "list"],
  workflowDetails: ["workflows", "detail"],
  workflow: (key: { namespace: string; name: string; version?: string | undefined }) => ["workflows", "detail", key],
  plugins: ["plugins", "list"],
  pluginGrant: (pluginId: string) => ["plugins", "grant", pluginId],
  pluginSamples: (pluginId: string) => ["plugins", "samples", pluginId],
  pluginLogs: (pluginId: string) => ["plugins", "logs", pluginId],
  approvalLists: ["approvals", "list"],
  approvalList: (filter: ApprovalFilter) => ["approvals", "list", filter],
  approval: (approvalId: string) => ["approvals", "detail", approvalId],
  pendingApprovals: ["approvals", "pending"],
  constitution: ["policy", "constitution"],
  constitutionPreviews: ["policy", "previews"],
  auditLists: ["audit", "list"],
  auditList: (filter: Record<string, string | undefined>) => ["audit", "list", filter],
  auditEntry: (seq: number) => ["audit", "entry", seq],
} as const;
