export type { ApprovalDraft, ApprovalOwner, ApprovalOwnerOptions, Approvals, DecidedApproval } from "./approvals.ts";
export type { AuditBacklog, AuditEntryDraft, AuditHistory, AuditLog, AuditPayload, UnendedQuery } from "./auditLog.ts";
export type { Clock } from "./clock.ts";
export type {
  CloudEvent,
  EventBus,
  EventDraft,
  EventQuery,
  EventStore,
  EventSubscription,
  SealedEvent,
  StoredEvent,
} from "./events.ts";
export type { AuthorizePath, FileAccess, FileChange, FileContent, FileEntry } from "./files.ts";
export type { GenerateContext, LanguageModels, ModelChoices, ModelPlaces } from "./languageModels.ts";
export type { Logger } from "./logger.ts";
export type {
  AuthorizeHop,
  WebAnswer,
  WebFetch,
  WebFetchOptions,
  WebRequest,
  WebTunnel,
  WebTunnelOptions,
  WebTunnels,
} from "./network.ts";
export type { OnToolProgress, PluginToolCall, PluginToolOptions, PluginTools, RunPins } from "./pluginTools.ts";
export type { Grants, PluginGrant, Policy, PolicyDecision, PolicyRequest, Principal, WorkflowGrant } from "./policy.ts";
export type { Random } from "./random.ts";
export type { Reader, SqlRow, SqlValue } from "./reader.ts";
export type { Secrets } from "./secrets.ts";
export type { BlobStore, KeptPrivate, PluginStore, Privacy, StorageUsage, Together } from "./storage.ts";
export type { Thoughts } from "./thoughts.ts";
export type { ThoughtWrites } from "./thoughtWrites.ts";
export type { WriteCommand, Writer } from "./writer.ts";
