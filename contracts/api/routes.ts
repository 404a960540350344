import { z } from "zod";
import {
  ApprovalDetailSchema,
  ApprovalQuerySchema,
  ApprovalSchema,
  DecideApprovalParamsSchema,
} from "../approvals/approval.ts";
import { AuditEntrySchema, AuditQuerySchema, VerifyReportSchema } from "../audit/audit.ts";
import { PublishEventParamsSchema } from "../events/event.ts";
import { JsonObjectSchema } from "../json.ts";
import { PutSecretParamsSchema, SecretNameSchema, SecretSchema } from "../secrets/secret.ts";
import {
  GenerateParamsSchema,
  GenerateResultSchema,
  ModelChoiceSchema,
  ModelsStatusSchema,
  ProviderInfoSchema,
} from "../llm/llm.ts";
import {
  CallToolParamsSchema,
  CallToolResultSchema,
  DeclassifyParamsSchema,
  GrantPluginParamsSchema,
  InstallPluginParamsSchema,
  PluginGrantSchema,
  PluginSchema,
  PluginSettingsSchema,
  ServeDevelopmentParamsSchema,
} from "../plugins/plugin.ts";
import { RegistryEntrySchema } from "../plugins/registry.ts";
import {
  ConstitutionChangeSchema,
  ConstitutionSchema,
  LockdownSchema,
  PolicyExplanationSchema,
  PutConstitutionParamsSchema,
} from "../policy/policy.ts";
import { CreateThoughtParamsSchema, ThoughtDetailSchema, ThoughtSchema } from "../thoughts/thought.ts";
import { RunSchema, RunStatusSchema, RunSummarySchema, RunTaskSchema, RunTaskSummarySchema } from "../workflows/run.ts";
import {
  DefineWorkflowResultSchema,
  StartRunParamsSchema,
  ValidateWorkflowResultSchema,
  WorkflowDetailSchema,
  WorkflowSourceSchema,
  WorkflowSummarySchema,
} from "../workflows/workflow.ts";
import { PageQuerySchema, pageOf } from "./page.ts";
import {
  CreateSessionParamsSchema,
  CreateTokenParamsSchema,
  SessionSchema,
  SystemStatusSchema,
  TokenSchema,
  type Scope,
} from "./session.ts";

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Fastify syntax: `/api/runs/:id`. */
  readonly path: string;
  /** Which token scope may call it; `none` needs no token. */
  readonly scope: Scope | "none";
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Of the body; default: what fits any definition and input. */
  readonly bodyBytesMax?: number;
  /** By HTTP status. Every route may also answer with a problem document. */
  readonly responses: Readonly<Record<number, z.ZodType>>;
}

const id = z.object({ id: z.string().min(1).max(200) });
const workflowKey = z.object({ namespace: z.string().min(1), name: z.string().min(1) });
const secretName = z.object({ name: SecretNameSchema });
const aliasName = z.object({ alias: z.string().min(1).max(50) });
const ok = z.object({ ok: z.literal(true) });

/** Every HTTP route: the server registers from it, the client and OpenAPI are made from it. */
export const ROUTES = {
  createSession: {
    method: "POST",
    path: "/api/session",
    scope: "none",
    summary: "Exchange a login code for a session token",
    body: CreateSessionParamsSchema,
    responses: { 201: SessionSchema },
  },
  deleteSession: {
    method: "DELETE",
    path: "/api/session",
    scope: "run",
    summary: "Log out: revoke the token that is used",
    responses: { 200: ok },
  },
  createLoginCode: {
    method: "POST",
    path: "/api/session/code",
    scope: "admin",
    summary: "Make a one-time login code",
    responses: { 201: z.object({ code: z.string(), url: z.string(), expiresAt: z.iso.datetime() }) },
  },
  listTokens: {
    method: "GET",
    path: "/api/tokens",
    scope: "admin",
    summary: "List tokens, without their secrets",
    responses: { 200: z.object({ items: z.array(TokenSchema) }) },
  },
  createToken: {
    method: "POST",
    path: "/api/tokens",
    scope: "admin",
    summary: "Create a scoped token; its secret is shown once",
    body: CreateTokenParamsSchema,
    responses: { 201: TokenSchema.extend({ token: z.string() }) },
  },
  deleteToken: {
    method: "DELETE",
    path: "/api/tokens/:id",
    scope: "admin",
    summary: "Revoke a token",
    params: id,
    responses: { 200: ok },
  },
  getStatus: {
    method: "GET",
    path: "/api/status",
    scope: "run",
    summary: "Model, sandbox and log at a glance",
    responses: { 200: SystemStatusSchema },
  },

  defineWorkflow: {
    method: "POST",
    path: "/api/workflows",
    scope: "admin",
    summary: "Store a definition and grant what it names",
    body: WorkflowSourceSchema,
    responses: { 201: DefineWorkflowResultSchema },
  },
  validateWorkflow: {
    method: "POST",
    path: "/api/workflows/validate",
    scope: "run",
    summary: "Check a definition without storing it",
    body: WorkflowSourceSchema,
    responses: { 200: ValidateWorkflowResultSchema },
  },
  listWorkflows: {
    method: "GET",
    path: "/api/workflows",
    scope: "run",
    summary: "List workflows, newest version of each",
    query: PageQuerySchema,
    responses: { 200: pageOf(WorkflowSummarySchema) },
  },
  getWorkflow: {
    method: "GET",
    path: "/api/workflows/:namespace/:name",
    scope: "run",
    summary: "A definition with its source",
    params: workflowKey,
    query: z.object({ version: z.string().optional() }),
    responses: { 200: WorkflowDetailSchema },
  },
  deleteWorkflow: {
    method: "DELETE",
    path: "/api/workflows/:namespace/:name",
    scope: "admin",
    summary: "Delete a workflow; live runs keep their definition",
    params: workflowKey,
    query: z.object({ version: z.string().optional(), force: z.stringbool().optional() }),
    responses: { 200: ok },
  },

  startRun: {
    method: "POST",
    path: "/api/runs",
    scope: "run",
    summary: "Start a run, optionally waiting for its end",
    body: StartRunParamsSchema,
    responses: { 200: RunSchema, 202: RunSchema },
  },
  listRuns: {
    method: "GET",
    path: "/api/runs",
    scope: "run",
    summary: "List runs, newest first",
    query: PageQuerySchema.extend({
      status: RunStatusSchema.optional(),
      workflow: z.string().optional(),
      q: z.string().max(200).optional(),
    }),
    responses: { 200: pageOf(RunSummarySchema) },
  },
  getRun: {
    method: "GET",
    path: "/api/runs/:id",
    scope: "run",
    summary: "A run with input and output",
    params: id,
    responses: { 200: RunSchema },
  },
  listRunTasks: {
    method: "GET",
    path: "/api/runs/:id/tasks",
    scope: "run",
    summary: "The tasks of a run in order of starting",
    params: id,
    query: PageQuerySchema,
    responses: { 200: pageOf(RunTaskSummarySchema) },
  },
  getRunTask: {
    method: "GET",
    path: "/api/runs/:id/tasks/:seq",
    scope: "run",
    summary: "A task with input and output whole",
    params: id.extend({ seq: z.coerce.number().int().min(0) }),
    responses: { 200: RunTaskSchema },
  },
  cancelRun: {
    method: "POST",
    path: "/api/runs/:id/cancel",
    scope: "run",
    summary: "Cancel a run and stop its work",
    params: id,
    responses: { 200: RunSchema },
  },
  getRunDefinition: {
    method: "GET",
    path: "/api/runs/:id/definition",
    scope: "run",
    summary: "The definition the run is pinned to",
    params: id,
    responses: { 200: z.object({ source: z.string(), definition: JsonObjectSchema }) },
  },

  listPlugins: {
    method: "GET",
    path: "/api/plugins",
    scope: "run",
    summary: "List installed plugins with state and usage",
    responses: { 200: z.object({ items: z.array(PluginSchema) }) },
  },
  searchRegistry: {
    method: "GET",
    path: "/api/plugins/registry",
    scope: "admin",
    summary: "Search the registry that logomesh.yaml names; the best known first",
    query: PageQuerySchema.extend({ q: z.string().max(200).default("") }),
    responses: { 200: pageOf(RegistryEntrySchema) },
  },
  getPlugin: {
    method: "GET",
    path: "/api/plugins/:id",
    scope: "run",
    summary: "A plugin",
    params: id,
    responses: { 200: PluginSchema },
  },
  installPlugin: {
    method: "POST",
    path: "/api/plugins",
    scope: "admin",
    summary: "Install or upgrade a plugin from a folder, a .tgz or an .mcpb; it runs once it is granted",
    body: InstallPluginParamsSchema,
    // 32 MiB in Base64, and the field around it.
    bodyBytesMax: 44 * 1_048_576,
    responses: { 201: PluginSchema },
  },
  uninstallPlugin: {
    method: "DELETE",
    path: "/api/plugins/:id",
    scope: "admin",
    summary: "Remove a plugin with its process, copies, grant, values and settings",
    params: id,
    query: z.object({ force: z.stringbool().optional() }),
    responses: { 200: ok },
  },
  enablePlugin: {
    method: "POST",
    path: "/api/plugins/:id/enable",
    scope: "admin",
    summary: "Let a plugin run again",
    params: id,
    responses: { 200: PluginSchema },
  },
  disablePlugin: {
    method: "POST",
    path: "/api/plugins/:id/disable",
    scope: "admin",
    summary: "Stop a plugin when its calls have ended and let it run no more",
    params: id,
    responses: { 200: PluginSchema },
  },
  getPluginSettings: {
    method: "GET",
    path: "/api/plugins/:id/settings",
    scope: "admin",
    summary: "What can be set for a plugin, and what is",
    params: id,
    responses: { 200: PluginSettingsSchema },
  },
  setPluginSettings: {
    method: "PUT",
    path: "/api/plugins/:id/settings",
    scope: "admin",
    summary: "Set a plugin's settings; they replace what was set, and a running plugin is told in a fresh process",
    params: id,
    body: z.strictObject({ settings: JsonObjectSchema }),
    responses: { 200: PluginSettingsSchema },
  },
  reloadPlugin: {
    method: "POST",
    path: "/api/plugins/:id/reload",
    scope: "admin",
    summary: "Serve what a plugin's folder holds now, in a fresh process, without a failed call",
    params: id,
    responses: { 200: PluginSchema },
  },
  serveDevelopmentPlugin: {
    method: "POST",
    path: "/api/plugins/dev",
    scope: "admin",
    summary: "Serve a folder in which a plugin is being written; again after each change",
    body: ServeDevelopmentParamsSchema,
    responses: { 200: PluginSchema },
  },
  endPluginDevelopment: {
    method: "DELETE",
    path: "/api/plugins/:id/dev",
    scope: "admin",
    summary: "Serve what is installed again, with the grant that it had",
    params: id,
    responses: { 200: ok },
  },
  loadPlugin: {
    method: "POST",
    path: "/api/plugins/:id/load",
    scope: "admin",
    summary: "Start a plugin's process",
    params: id,
    responses: { 200: PluginSchema },
  },
  unloadPlugin: {
    method: "POST",
    path: "/api/plugins/:id/unload",
    scope: "admin",
    summary: "Stop a plugin's process",
    params: id,
    responses: { 200: PluginSchema },
  },
  getPluginGrant: {
    method: "GET",
    path: "/api/plugins/:id/grants",
    scope: "run",
    summary: "What a plugin was granted, of which content, and by whom",
    params: id,
    responses: { 200: z.object({ grant: PluginGrantSchema.optional() }) },
  },
  resetPlugin: {
    method: "POST",
    path: "/api/plugins/:id/reset",
    scope: "admin",
    summary: "Close the circuit breakers of a plugin's tools",
    params: id,
    responses: { 200: PluginSchema },
  },
  grantPlugin: {
    method: "PUT",
    path: "/api/plugins/:id/grants",
    scope: "admin",
    summary: "Grant this version of a plugin what it asks for, or a part of it",
    params: id,
    body: GrantPluginParamsSchema,
    responses: { 200: PluginSchema },
  },
  revokePlugin: {
    method: "DELETE",
    path: "/api/plugins/:id/grants",
    scope: "admin",
    summary: "Take a plugin's grant back and stop it",
    params: id,
    responses: { 200: PluginSchema },
  },
  forgetPrivateData: {
    method: "DELETE",
    path: "/api/plugins/:id/private-data",
    scope: "admin",
    summary:
      "Delete what a plugin kept while it had read private data, its own folder included; its next process starts clean",
    params: id,
    responses: { 200: PluginSchema },
  },
  declassifyPrivateData: {
    method: "POST",
    path: "/api/plugins/:id/private-data/declassify",
    scope: "admin",
    summary: "Say that what a plugin kept is not private; nothing is deleted, and the log says why",
    params: id,
    body: DeclassifyParamsSchema,
    responses: { 200: PluginSchema },
  },
  releasePlugin: {
    method: "POST",
    path: "/api/plugins/:id/release",
    scope: "admin",
    summary: "Release a plugin from quarantine and close its circuit breaker",
    params: id,
    responses: { 200: PluginSchema },
  },
  getPluginLogs: {
    method: "GET",
    path: "/api/plugins/:id/logs",
    scope: "run",
    summary: "The last lines a plugin wrote to stderr",
    params: id,
    responses: { 200: z.object({ lines: z.array(z.string()) }) },
  },
  callTool: {
    method: "POST",
    path: "/api/plugins/:id/tools/:tool",
    scope: "run",
    summary: "Call a tool of a plugin; NDJSON stream with progress with `Accept: application/x-ndjson`",
    params: id.extend({ tool: z.string().min(1).max(128) }),
    body: CallToolParamsSchema,
    responses: { 200: CallToolResultSchema },
  },

  getModels: {
    method: "GET",
    path: "/api/llm/models",
    scope: "llm",
    summary: "Models, providers and aliases",
    responses: { 200: ModelsStatusSchema },
  },
  getProviders: {
    method: "GET",
    path: "/api/llm/providers",
    scope: "llm",
    summary: "Which providers answer",
    responses: { 200: z.object({ items: z.array(ProviderInfoSchema) }) },
  },
  setModelAlias: {
    method: "PUT",
    path: "/api/llm/aliases/:alias",
    scope: "admin",
    summary: "Choose which of the models that are offered a name stands for",
    params: aliasName,
    body: ModelChoiceSchema,
    responses: { 200: ModelsStatusSchema },
  },
  clearModelAlias: {
    method: "DELETE",
    path: "/api/llm/aliases/:alias",
    scope: "admin",
    summary: "Leave it to the workbench again which model a name stands for",
    params: aliasName,
    responses: { 200: ModelsStatusSchema },
  },
  generate: {
    method: "POST",
    path: "/api/llm/generate",
    scope: "llm",
    summary: "Ask a model; NDJSON stream with `Accept: application/x-ndjson`",
    body: GenerateParamsSchema,
    responses: { 200: GenerateResultSchema },
  },

  listApprovals: {
    method: "GET",
    path: "/api/approvals",
    scope: "admin",
    summary: "List what waits, or waited, for a person, newest first",
    query: ApprovalQuerySchema,
    responses: { 200: pageOf(ApprovalSchema) },
  },
  getApproval: {
    method: "GET",
    path: "/api/approvals/:id",
    scope: "admin",
    summary: "An approval with what is decided about",
    params: id,
    responses: { 200: ApprovalDetailSchema },
  },
  decideApproval: {
    method: "POST",
    path: "/api/approvals/:id",
    scope: "admin",
    summary: "Approve or reject the content that the hash names, and have it carried out",
    params: id,
    body: DecideApprovalParamsSchema,
    responses: { 200: ApprovalDetailSchema },
  },
  undoApproval: {
    method: "POST",
    path: "/api/approvals/:id/undo",
    scope: "admin",
    summary: "Take back what an approved file change wrote",
    params: id,
    responses: { 200: ApprovalDetailSchema },
  },

  queryAudit: {
    method: "GET",
    path: "/api/audit",
    scope: "admin",
    summary: "Query the audit log, newest first",
    query: PageQuerySchema.extend(AuditQuerySchema.shape),
    responses: { 200: pageOf(AuditEntrySchema) },
  },
  getAuditEntry: {
    method: "GET",
    path: "/api/audit/:seq",
    scope: "admin",
    summary: "An entry with its payloads",
    params: z.object({ seq: z.coerce.number().int().min(0) }),
    responses: { 200: AuditEntrySchema },
  },
  verifyAudit: {
    method: "GET",
    path: "/api/audit/verify",
    scope: "admin",
    summary: "Verify the whole log",
    responses: { 200: VerifyReportSchema },
  },
  listCheckpoints: {
    method: "GET",
    path: "/api/audit/checkpoints",
    scope: "admin",
    summary: "Signed statements of size and root",
    query: PageQuerySchema,
    responses: { 200: pageOf(z.object({ size: z.int(), note: z.string(), createdAt: z.iso.datetime() })) },
  },

  getConstitution: {
    method: "GET",
    path: "/api/policy/constitution",
    scope: "admin",
    summary: "The constitution: what its file holds, and what of it is in force",
    responses: { 200: ConstitutionSchema },
  },
  putConstitution: {
    method: "PUT",
    path: "/api/policy/constitution",
    scope: "admin",
    summary: "Replace the constitution, or with `?preview=true` say what that would change",
    query: z.object({ preview: z.stringbool().optional() }),
    body: PutConstitutionParamsSchema,
    responses: { 200: ConstitutionChangeSchema },
  },
  getLockdown: {
    method: "GET",
    path: "/api/lockdown",
    scope: "run",
    summary: "Whether everything privileged is stopped, why, and how to leave",
    responses: { 200: LockdownSchema },
  },
  beginLockdown: {
    method: "POST",
    path: "/api/lockdown",
    scope: "admin",
    summary: "Stop everything privileged at once, until it is left",
    body: z.strictObject({ reason: z.string().min(1).max(500).optional() }),
    responses: { 200: LockdownSchema },
  },
  endLockdown: {
    method: "DELETE",
    path: "/api/lockdown",
    scope: "admin",
    summary: "Leave the lockdown and go on with the runs that it stopped",
    responses: { 200: LockdownSchema },
  },
  explainDecision: {
    method: "GET",
    path: "/api/policy/why/:seq",
    scope: "admin",
    summary: "Why an entry of the log was allowed or denied, and which grant would change it",
    params: z.object({ seq: z.coerce.number().int().min(0) }),
    responses: { 200: PolicyExplanationSchema },
  },

  listSecrets: {
    method: "GET",
    path: "/api/secrets",
    scope: "admin",
    summary: "List secrets, without their values",
    responses: { 200: z.object({ items: z.array(SecretSchema) }) },
  },
  getSecret: {
    method: "GET",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "When a secret was set; its value never comes back",
    params: secretName,
    responses: { 200: SecretSchema },
  },
  putSecret: {
    method: "PUT",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "Keep a secret, or replace its value",
    params: secretName,
    body: PutSecretParamsSchema,
    responses: { 200: SecretSchema },
  },
  deleteSecret: {
    method: "DELETE",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "Forget a secret",
    params: secretName,
    responses: { 200: ok },
  },

  publishEvent: {
    method: "POST",
    path: "/api/events",
    scope: "run",
    summary: "Publish an event: a CloudEvent in structured mode",
    body: PublishEventParamsSchema,
    responses: { 202: z.object({ id: z.string() }) },
  },

  listThoughts: {
    method: "GET",
    path: "/api/thoughts",
    scope: "run",
    summary: "List thoughts, newest first",
    query: PageQuerySchema.extend({ tag: z.string().optional() }),
    responses: { 200: pageOf(ThoughtSchema) },
  },
  getThought: {
    method: "GET",
    path: "/api/thoughts/:id",
    scope: "run",
    summary: "A thought with its segments",
    params: id,
    responses: { 200: ThoughtDetailSchema },
  },
  createThought: {
    method: "POST",
    path: "/api/thoughts",
    scope: "run",
    summary: "Create a thought",
    body: CreateThoughtParamsSchema,
    responses: { 201: ThoughtDetailSchema },
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
