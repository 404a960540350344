import type {
  Approval,
  ApprovalDetail,
  AuditEntry,
  Constitution,
  DefineWorkflowResult,
  GenerateResult,
  Lockdown,
  ModelsStatus,
  Plugin,
  PolicyExplanation,
  Run,
  RunEvent,
  RunTask,
  RunSummary,
  Secret,
  SystemStatus,
  Thought,
  ThoughtDetail,
  WorkflowDetail,
  WorkflowSummary,
} from "@logomesh/contracts";

const AT = "2026-01-01T00:00:00.000Z";
const IDENTITY = { namespace: "default", name: "digest", version: "1.0.0", hash: "ab".repeat(32) };

export const WORKFLOW_SUMMARY: WorkflowSummary = { ...IDENTITY, createdAt: AT, versions: ["1.0.0"], origin: "api" };
export const WORKFLOW: WorkflowDetail = { ...WORKFLOW_SUMMARY, source: "do: []", definition: {} };
export const DEFINED: DefineWorkflowResult = { ...IDENTITY, warnings: [], grants: [] };

export const SECRET: Secret = { name: "API_KEY", updatedAt: AT };

export const PLUGIN: Plugin = {
  id: "org.example.words",
  name: "Words",
  version: "1.0.0",
  description: "Counts words.",
  runtime: "nodejs",
  securityLevel: "sandbox",
  sha256: "cd".repeat(32),
  state: "ready",
  sandboxed: true,
  group: "user",
  granted: true,
  enabled: true,
  command: ["node", "index.mjs"],
  dependencies: {},
  activation: ["onTool"],
  development: false,
  permissions: {},
  limits: {
    memory_mb: 256,
    cpu_percent: 100,
    max_processes: 32,
    max_open_files: 256,
    tmp_mb: 64,
    start_timeout_ms: 10_000,
    call_timeout_ms: 30_000,
    max_message_bytes: 1_048_576,
  },
  tools: [],
  usage: { memoryBytes: 0, cpuPercent: 0, processes: 1, calls: 0, errors: 0, violations: 0 },
};

export const APPROVAL: Approval = {
  ...{ id: "apr_1", kind: "file-change", title: "Change src/a", status: "pending", contentHash: "ef".repeat(32) },
  ...{
    requestedBy: { type: "plugin", id: "org.example.words" },
    trace: { plugin: "org.example.words" },
    createdAt: AT,
  },
};
export const APPROVAL_DETAIL: ApprovalDetail = { ...APPROVAL, payload: { path: "src/a" }, isUndoable: false };

export const GENERATED: GenerateResult = {
  provider: "mock",
  model: "mock",
  simulated: true,
  text: "Hello there",
  finishReason: "stop",
  durationMs: 1,
  requestSeq: 1,
  responseSeq: 2,
};

export const MODELS: ModelsStatus = {
  models: [{ provider: "mock", name: "mock", simulated: true }],
  providers: [{ name: "mock", available: true, simulated: true }],
  aliases: { default: { provider: "mock", model: "mock", simulated: true } },
};

export const ENTRY: AuditEntry = {
  v: 1,
  log: "log",
  seq: 0,
  ts: AT,
  kind: "run.started",
  actor: { type: "client", id: "t" },
  trace: {},
  data: {},
  payload: {},
  leaf: "ef".repeat(32),
};

export const THOUGHT_SUMMARY: Thought = {
  id: "thought-1",
  title: "A thought",
  tags: [],
  createdAt: AT,
  updatedAt: AT,
  simulated: false,
};
export const THOUGHT: ThoughtDetail = { ...THOUGHT_SUMMARY, segments: [] };

export const STATUS: SystemStatus = {
  version: "0.1.0",
  workspace: "/workspace",
  startedAt: AT,
  sandbox: { available: true, detail: "bubblewrap" },
  audit: { entries: 1, entriesSinceOutside: 0, verified: "ok" },
  model: { provider: "mock", model: "mock", simulated: true },
  lockdown: { on: false },
  memoryBytes: 1,
};

export function runOf(id: string, change: Partial<Run> = {}): Run {
  return { id, workflow: IDENTITY, status: "running", input: { text: "in" }, createdAt: AT, recoveries: 0, ...change };
}

export function runSummaryOf(id: string): RunSummary {
  const { input: _input, ...summary } = runOf(id);
  return summary;
}

export function taskOf(seq: number, change: Partial<RunTask> = {}): RunTask {
  return {
    seq,
    reference: `/do/${seq}/step`,
    name: "step",
    type: "call",
    attempt: 1,
    status: "running",
    effect: "pure",
    startedAt: AT,
    ...change,
  };
}

export function eventOf(id: number, change: Partial<RunEvent> = {}): RunEvent {
  const type = "io.serverlessworkflow.task.started.v1";
  return { id, runId: "run-1", seq: id, type, time: AT, data: {}, ...change };
}

export const COMPLETED_EVENT = "io.serverlessworkflow.workflow.completed.v1";

export const CONSTITUTION: Constitution = {
  ...{ file: "/w/constitution.cedar", text: "", sha256: "ef".repeat(32) },
  inForce: {
    sha256: "ef".repeat(32),
    rules: [{ id: "a", why: "Because.", text: "forbid (principal, action, resource);" }],
  },
};

export const LOCKDOWN: Lockdown = { on: true, reason: "A drill.", setBy: "person:p", setAt: AT, leave: "turn it off" };

const DECISION = { allowed: false, policies: ["a"], reason: "Because." };
export const EXPLANATION: PolicyExplanation = {
  ...{ seq: 0, ts: AT, recorded: DECISION },
  request: { action: "plugin.call", resource: { type: "Tool", id: "org.a.b#c" }, callDepth: 0, tainted: false },
  principals: [{ principal: "Workflow:h", isRefused: true, now: DECISION }],
  policies: [{ id: "a", origin: "constitution", why: "Because.", text: "forbid (principal, action, resource);" }],
  remedy: { text: "No grant changes this.", suffices: false },
};
