import type {
  Actor,
  Approval,
  ApprovalDetail,
  ApprovalQuery,
  AuditEntry,
  AuditQuery,
  CallToolParams,
  CallToolResult,
  Constitution,
  ConstitutionChange,
  CreateThoughtParams,
  DecideApprovalParams,
  DefineWorkflowResult,
  GenerateParams,
  GenerateResult,
  GrantPluginParams,
  InstallPluginParams,
  JsonObject,
  Lockdown,
  ModelChoice,
  ModelsStatus,
  Page,
  PageQuery,
  Plugin,
  PluginSettings,
  PluginGrantInfo,
  PolicyExplanation,
  ProviderInfo,
  EventQuery,
  PublishEventParams,
  SignalRunParams,
  StoredEvent,
  PutConstitutionParams,
  RegistryEntry,
  BulkRunsParams,
  BulkRunsResult,
  CompareRunsResult,
  PruneRunsParams,
  PruneRunsResult,
  ReplayRunResult,
  ResumeRunParams,
  Run,
  RunEvent,
  RunStatus,
  RunSummary,
  RunTask,
  RunTaskSummary,
  Scope,
  Secret,
  ServerMessage,
  Session,
  StartRunParams,
  SystemStatus,
  Thought,
  ThoughtDetail,
  Token,
  ValidateWorkflowResult,
  VerifyReport,
  WorkflowDetail,
  WorkflowReference,
  WorkflowSummary,
} from "@logomesh/contracts";
import type { OnToolProgress, PolicyRequest, Principal } from "../ports/index.ts";

/** Who asks, once a token has been checked. */
export interface Caller {
  actor: Actor;
  principal: Principal;
  scopes: readonly Scope[];
}

export type RunMessage = Extract<ServerMessage, { type: "event" | "task" | "token" | "progress" }>;

/** Definitions and runs: the façade of core/workflows (class TaskEngine). */
export interface RunOperationsService {
  /** Resolves when nothing of the run goes on any more. */
  suspend(runId: string, options: { reason?: string | undefined; actor: Actor }): Promise<Run>;
  /** Each step whose outcome is unknown needs a decision. */
  resume(runId: string, params: ResumeRunParams, actor: Actor): Promise<Run>;
  /** A faulted or cancelled run goes on from the task that failed, or from what was going on. */
  retry(runId: string, params: ResumeRunParams, actor: Actor): Promise<Run>;
  /** The interpreter over the journal, without any effect. */
  replay(runId: string): Promise<ReplayRunResult>;
  compare(runIdA: string, runIdB: string): Promise<CompareRunsResult>;
  /** Of each run that the filter finds, up to a limit. */
  bulk(params: BulkRunsParams, actor: Actor): Promise<BulkRunsResult>;
  /** Never a live run. */
  prune(params: PruneRunsParams, actor: Actor): Promise<PruneRunsResult>;
}

export interface WorkflowService {
  define(params: { source: string; origin: string; caller: Caller }): Promise<DefineWorkflowResult>;
  validate(source: string): Promise<ValidateWorkflowResult>;
  listWorkflows(page: PageQuery): Promise<Page<WorkflowSummary>>;
  getWorkflow(reference: WorkflowReference): Promise<WorkflowDetail>;
  deleteWorkflow(reference: WorkflowReference, options: { force: boolean; caller: Caller }): Promise<void>;
  /** Resolves when the run is stored, or with the ended run within `waitMs`. */
  start(params: StartRunParams, caller: Caller): Promise<Run>;
  getRun(runId: string): Promise<Run>;
  listRuns(query: PageQuery & { status?: RunStatus; workflow?: string; q?: string }): Promise<Page<RunSummary>>;
  /** Live tasks included. */
  listTasks(runId: string, page: PageQuery): Promise<Page<RunTaskSummary>>;
  getTask(runId: string, seq: number): Promise<RunTask>;
  getRunDefinition(runId: string): Promise<{ source: string; definition: JsonObject }>;
  /** Resolves when the run is terminal: its work has stopped. */
  cancel(runId: string, caller: Caller): Promise<Run>;
  /** An event for this run alone, kept until it listens. @throws LogoMeshError LM_WORKFLOW_RUN_FINISHED */
  signal(runId: string, params: SignalRunParams, caller: Caller): Promise<{ id: string }>;
  /** What a person may have done with a run besides starting and cancelling it. */
  readonly operations: RunOperationsService;
  /** Messages of one run, or of all; the listener must not throw and must not block. */
  subscribe(filter: { runId?: string }, listener: (message: RunMessage) => void): Disposable;
  /** Durable events with `id > after`, rising. */
  listEvents(query: { runId?: string; after: number; limit: number }): Promise<RunEvent[]>;
  /** `id` of the newest durable event. */
  eventPosition(): number;
  /** Steps that are performed and that wait for their turn: of all runs (`all`), and by what they share. */
  stepQueues(): { name: string; running: number; waiting: number }[];
  /** Runs that have a place and that wait for one, by workflow that limits them (`namespace/name`). */
  runQueues(): { queue: string; running: number; waiting: number }[];
}

/** Installed plugins: the façade of core/plugins (class PluginHost). */
export interface PluginService {
  list(): Plugin[];
  get(pluginId: string): Plugin;
  /** From a folder or an archive; the same plugin in another version is upgraded. It runs once it is granted. */
  install(params: InstallPluginParams, caller: Caller): Promise<Plugin>;
  /** The same of a `.tgz` or an `.mcpb` that comes as bytes; whatever ends it early leaves nothing. */
  installSent(
    sent: { bytes: AsyncIterable<Uint8Array>; name: string; signal: AbortSignal },
    caller: Caller,
  ): Promise<Plugin>;
  uninstall(pluginId: string, options: { force: boolean; caller: Caller }): Promise<void>;
  settings(pluginId: string): PluginSettings;
  /** @throws LogoMeshError LM_INPUT_INVALID, naming what does not fit the plugin's schema */
  setSettings(pluginId: string, options: { settings: JsonObject; caller: Caller }): Promise<PluginSettings>;
  /** Serves what the folder holds now; what cannot start leaves the old process serving and is thrown. */
  reload(pluginId: string, caller: Caller): Promise<Plugin>;
  /** Serves a folder in which a plugin is being written, until `endDevelopment`; again after each change. */
  serveDevelopment(folder: string, caller: Caller): Promise<Plugin>;
  endDevelopment(pluginId: string): Promise<void>;
  setEnabled(pluginId: string, options: { enabled: boolean; caller: Caller }): Promise<Plugin>;
  load(pluginId: string, caller: Caller): Promise<Plugin>;
  unload(pluginId: string, caller: Caller): Promise<Plugin>;
  grant(pluginId: string, options: GrantPluginParams & { caller: Caller }): Promise<Plugin>;
  /** Undefined when it was granted nothing. */
  grantOf(pluginId: string): PluginGrantInfo | undefined;
  revoke(pluginId: string, caller: Caller): Promise<Plugin>;
  release(pluginId: string, caller: Caller): Promise<Plugin>;
  /** Deletes what it kept while it had read private data; with `why`, says instead that none of it is private. Its process ends. */
  forgetPrivateData(pluginId: string, options: { why?: string; caller: Caller }): Promise<Plugin>;
  /** Closes the circuits of its tools. */
  reset(pluginId: string, caller: Caller): Promise<Plugin>;
  logs(pluginId: string): string[];
  call(
    target: { pluginId: string; tool: string },
    params: CallToolParams,
    options: { caller: Caller; signal: AbortSignal; onProgress?: OnToolProgress | undefined },
  ): Promise<CallToolResult>;
  /** A changed plugin, at most four times a second for each. */
  subscribe(listener: (plugin: Plugin) => void): Disposable;
}

/** Models: the façade of core/llm (class LLMRegistry). */
export interface ModelService {
  status(): Promise<ModelsStatus>;
  providers(): Promise<ProviderInfo[]>;
  /** Which of the models that are offered `default` or `fast` stands for; undefined leaves it to the workbench. */
  choose(alias: string, choice: ModelChoice | undefined, caller: Caller): Promise<void>;
  generate(
    params: GenerateParams,
    options: { caller: Caller; signal: AbortSignal; onText?: (delta: string) => void },
  ): Promise<GenerateResult>;
}

/** What waits for a person: the façade of core/approvals (class ApprovalInbox). */
export interface ApprovalService {
  list(query: ApprovalQuery): Promise<Page<Approval>>;
  get(approvalId: string): Promise<ApprovalDetail>;
  /** Resolves when the decision was carried out, or that had failed, which its status then says. */
  decide(approvalId: string, params: DecideApprovalParams, caller: Caller): Promise<ApprovalDetail>;
  undo(approvalId: string, caller: Caller): Promise<ApprovalDetail>;
  pendingCount(): number;
  /** The listener must not throw and must not block. */
  subscribe(listener: (change: { approval: Approval; pending: number }) => void): Disposable;
}

/** The tamper-evident log: the façade of core/audit. */
export interface AuditService {
  query(query: PageQuery & AuditQuery): Promise<Page<AuditEntry>>;
  getEntry(seq: number): Promise<AuditEntry>;
  verify(): Promise<VerifyReport>;
  listCheckpoints(page: PageQuery): Promise<Page<{ size: number; note: string; createdAt: string }>>;
  /** Kept up to date in memory. */
  head(): { entries: number; entriesSinceOutside: number };
}

/** The user's own rules, and why something was decided: the façade of core/policy (class PolicyAdmin). */
export interface PolicyService {
  constitution(): Constitution;
  /** @throws LogoMeshError LM_POLICY_CONSTITUTION_INVALID, LM_CONFLICT */
  putConstitution(
    params: PutConstitutionParams,
    options: { preview: boolean; caller: Caller },
  ): Promise<ConstitutionChange>;
  /** @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID when the entry records no decision */
  why(seq: number): Promise<PolicyExplanation>;
}

/** The switch that stops everything privileged: the façade of core/app (class LockdownControl). */
export interface LockdownService {
  get(): Lockdown;
  /** Holds from the call on; resolves when it survives a restart and what was under way has ended. */
  on(params: { reason?: string | undefined }, caller: Caller): Promise<Lockdown>;
  off(caller: Caller): Promise<Lockdown>;
}

/** Thoughts: the façade of core/thoughts (class IdeaManager). */
export interface ThoughtService {
  list(query: PageQuery & { tag?: string }): Promise<Page<Thought>>;
  get(thoughtId: string): Promise<ThoughtDetail>;
  /** Those that contain every word of `text`, newest first. */
  search(query: { text: string; tag?: string | undefined; limit: number }): Promise<Thought[]>;
  create(params: CreateThoughtParams, caller: Caller): Promise<ThoughtDetail>;
}

/** Events from outside: the façade of core/events (class EventPublisher). */
export interface EventService {
  /** Resolves when the event is kept, in the log and on the bus. @throws LogoMeshError LM_EVENT_FORGED, LM_POLICY_DENIED, LM_TOO_LARGE */
  publish(params: PublishEventParams, caller: Caller): Promise<{ id: string }>;
  /** What is kept, newest first. */
  list(query: EventQuery): Promise<Page<StoredEvent>>;
}

/** Values for plugins and workflows, which never come back: the façade of core/secrets (class SecretAdmin). */
export interface SecretService {
  list(): Secret[];
  get(name: string): Secret;
  set(name: string, value: string, caller: Caller): Promise<Secret>;
  remove(name: string, caller: Caller): Promise<void>;
}

/** Tokens and login codes. Secrets are stored as SHA-256. */
export interface AccessService {
  /** Undefined when the token is unknown, expired or revoked. */
  authenticate(token: string): { caller: Caller; tokenId: string; tools: readonly string[] } | undefined;
  createLoginCode(): { code: string; expiresAt: string };
  /** @throws LogoMeshError LM_API_LOGIN_CODE */
  createSession(code: string): Promise<Session>;
  revoke(tokenId: string, caller: Caller): Promise<void>;
  listTokens(): Promise<Token[]>;
  createToken(
    params: { name: string; scopes: Scope[]; tools?: readonly string[]; expiresInDays?: number },
    caller: Caller,
  ): Promise<Token & { token: string }>;
}

/** A call that a client of the Model Context Protocol makes. */
export interface ClientCall {
  tool: string;
  arguments: JsonObject;
  /** What the client must be allowed. Default: what the work itself asks the policy. */
  needs?: Pick<PolicyRequest, "action" | "resource">;
}

/** Calls of clients of the Model Context Protocol: the façade of core/app (class ClientCalls). */
export interface ClientService {
  /**
   * Asks the policy, then does the work; either way the call is an entry of the log with the client's token.
   * @throws LogoMeshError LM_POLICY_DENIED, and what the work throws
   */
  perform<T extends object>(
    call: ClientCall,
    options: { caller: Caller; signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T>;
  /** Whether a list may show the workflow, and its runs, to the client. */
  mayRead(workflow: { namespace: string; name: string }, caller: Caller): boolean;
  /** @throws LogoMeshError LM_POLICY_DENIED */
  requireRead(workflow: { namespace: string; name: string }, caller: Caller): void;
}

/** Plugins that could be installed. */
export interface RegistryService {
  /**
   * Those that have every word of the query, the best known first.
   * @throws LogoMeshError LM_NOT_FOUND when there is no registry, LM_INPUT_INVALID when it is not valid
   */
  search(query: PageQuery & { q: string }): Promise<Page<RegistryEntry>>;
}

/** Everything a door (HTTP, CLI, MCP) can ask of LogoMesh. */
export interface Workbench extends AsyncDisposable {
  readonly workflows: WorkflowService;
  readonly plugins: PluginService;
  readonly registry: RegistryService;
  readonly models: ModelService;
  readonly approvals: ApprovalService;
  readonly audit: AuditService;
  readonly policy: PolicyService;
  readonly lockdown: LockdownService;
  readonly thoughts: ThoughtService;
  readonly events: EventService;
  readonly secrets: SecretService;
  readonly access: AccessService;
  readonly clients: ClientService;
  readonly version: string;
  status(): Promise<SystemStatus>;
}
