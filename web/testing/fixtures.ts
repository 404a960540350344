/** Answers of a workbench as the real one gives them: the sample workflow, two plugins, a log, runs in every state. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  RunStatusSchema,
  type AuditEntry,
  type JsonObject,
  type Plugin,
  type RunSummary,
  type SystemStatus,
  type VerifyReport,
  type WorkflowDetail,
} from "@logomesh/contracts";
import { parse } from "yaml";

export const SOURCE = readFileSync(join(import.meta.dirname, "../../workflows/reading-digest.yaml"), "utf8");
export const DEFINITION = parse(SOURCE) as JsonObject;

export function ago(ms: number, now = Date.now()): string {
  return new Date(now - ms).toISOString();
}

export function statusFixture(): SystemStatus {
  return {
    version: "0.1.0",
    workspace: "/home/ada/logomesh/workspace",
    startedAt: ago(3_600_000),
    sandbox: {
      available: true,
      detail: "bubblewrap 0.11 with seccomp: plugins run without network and see only their own files.",
    },
    audit: { entries: 128, entriesSinceOutside: 12, verified: "ok" },
    model: {
      provider: "mock",
      model: "mock",
      simulated: true,
      hint: "ollama pull llama3.2:3b",
    },
    lockdown: { on: false },
    memoryBytes: 98_000_000,
  };
}

export function workflowFixture(): WorkflowDetail {
  const document = DEFINITION["document"] as Record<string, string>;
  const input = DEFINITION["input"] as { schema: { document: JsonObject } };
  return {
    namespace: document["namespace"] ?? "",
    name: document["name"] ?? "",
    version: document["version"] ?? "",
    hash: "9f2c4be1d07a55f3c1de7b1b4b94d7b0a6ce2f9e3b5d68f7780c5b1f1c2d3e4f",
    title: document["title"] ?? "",
    summary: document["summary"] ?? "",
    createdAt: ago(7_200_000),
    versions: ["1.0.0"],
    origin: "reading-digest.yaml",
    source: SOURCE,
    definition: DEFINITION,
    inputSchema: input.schema.document,
  };
}

const LIMITS = {
  memory_mb: 256,
  cpu_percent: 100,
  max_processes: 32,
  max_open_files: 256,
  tmp_mb: 64,
  start_timeout_ms: 10_000,
  call_timeout_ms: 30_000,
  max_message_bytes: 1_048_576,
};

export function pluginFixtures(): Plugin[] {
  const common = {
    ...{ securityLevel: "sandbox", sandboxed: true, limits: LIMITS, enabled: true, development: false },
    ...{ command: ["node", "index.ts"], dependencies: {}, activation: ["onTool"] },
  } satisfies Partial<Plugin>;
  const text = { type: "object", properties: { text: { type: "string" } }, required: ["text"] } as JsonObject;
  return [
    {
      ...common,
      id: "org.logomesh.data-stats",
      name: "Data statistics",
      version: "1.0.0",
      description: "Descriptive statistics, histograms and linear trends of numbers.",
      runtime: "python",
      sha256: "5d41402abc4b2a76b9719d911017c592ae3d8f0cf38f4f6c0a9a1e2b3c4d5e6f",
      state: "ready",
      group: "builtin",
      granted: true,
      permissions: {},
      tools: [
        {
          name: "describe",
          description: "Mean, median, spread",
          effect: "pure",
          inputSchema: {
            type: "object",
            properties: { values: { type: "array", items: { type: "number" } } },
            required: ["values"],
          },
        },
      ],
      usage: {
        sampledAt: ago(1000),
        memoryBytes: 21_400_000,
        cpuPercent: 0.4,
        processes: 1,
        calls: 42,
        errors: 0,
        violations: 0,
        callP50Ms: 0.4,
        callP99Ms: 2.1,
      },
      limiter: {
        ...{ running: 1, runningMax: 32, waiting: 0, waitingMax: 1000 },
        circuits: [{ tool: "describe", state: "open", failures: 5, retryInMs: 21_000 }],
      },
      lastCrash: { at: ago(90_000), code: "LM_PLUGIN_MEMORY", reason: "It used more than its 256 MiB of memory." },
    },
    {
      ...common,
      id: "org.logomesh.text-tools",
      name: "Text tools",
      version: "1.0.0",
      description: "Counts words, finds keywords, makes slugs.",
      runtime: "nodejs",
      sha256: "7d793037a0760186574b0282f2f435e7aa2b3c4d5e6f708192a3b4c5d6e7f809",
      state: "resolved",
      group: "builtin",
      granted: true,
      permissions: { store: { max_bytes: 1_048_576, why: "Keeps word frequencies of your texts between calls." } },
      tools: [
        { name: "word_count", description: "Words, sentences and characters", effect: "pure", inputSchema: text },
        { name: "keywords", description: "The most telling words", effect: "pure", inputSchema: text },
      ],
      usage: { memoryBytes: 0, cpuPercent: 0, processes: 0, calls: 84, errors: 1, violations: 0 },
    },
    {
      ...common,
      id: "org.example.web-clipper",
      name: "Web clipper",
      version: "0.3.1",
      description: "Fetches pages and keeps their text.",
      runtime: "nodejs",
      sha256: "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
      state: "blocked",
      stateReason: "It is not granted what it asks for.",
      group: "user",
      granted: false,
      permissions: {
        "net.fetch": [{ host: "*.wikipedia.org", methods: ["GET"], why: "Reads the article you name." }],
        "thought.write": { why: "Keeps the clipping." },
      },
      changes: {
        ...{ fromVersion: "0.3.0", fromSha256: "ff".repeat(32) },
        permissions: { added: { "thought.write": { why: "Keeps the clipping." } }, removed: {}, changed: {} },
        ...{ tools: { added: ["clip"], removed: [], changed: [] }, fields: [] },
      },
      tools: [{ name: "clip", effect: "once" }],
      usage: { memoryBytes: 0, cpuPercent: 0, processes: 0, calls: 0, errors: 0, violations: 0 },
    },
  ];
}

export function runFixture(index: number, change: Partial<RunSummary> = {}): RunSummary {
  const { namespace, name, version, hash } = workflowFixture();
  const status = RunStatusSchema.options[6 - (index % 7)] ?? "completed";
  const startedAt = ago(60_000 * (index + 1) + 4000);
  return {
    id: `run_01m8714xrz${String(index).padStart(16, "0")}`,
    workflow: { namespace, name, version, hash },
    status,
    createdAt: startedAt,
    startedAt,
    ...(["completed", "faulted", "cancelled"].includes(status) ? { endedAt: ago(60_000 * (index + 1)) } : {}),
    ...(status === "faulted"
      ? {
          error: {
            type: "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
            status: 503,
            title: "The model server does not answer",
            detail: "connect ECONNREFUSED 127.0.0.1:11434",
            instance: "/do/2/study",
            code: "LM_LLM_UNREACHABLE",
          },
        }
      : {}),
    simulated: true,
    startedBy: index % 2 === 0 ? "web" : "cli",
    recoveries: index === 3 ? 1 : 0,
    ...change,
  };
}

const KINDS = ["run.started", "plugin.called", "llm.request", "llm.response", "thought.created", "policy.denied"];

export function auditFixture(seq: number): AuditEntry {
  const kind = KINDS[seq % KINDS.length] ?? "run.started";
  const isModel = kind.startsWith("llm");
  const text = isModel
    ? { [kind === "llm.request" ? "prompt" : "response"]: "I went to the woods because I wished to live deliberately." }
    : {};
  return {
    v: 1,
    log: "logomesh.dev/log/1f3a",
    seq,
    ts: ago(1000 * (130 - seq)),
    kind,
    actor: { type: "workflow", id: "default/reading-digest" },
    trace: {
      run: runFixture(0).id,
      ...(isModel ? { model: "mock" } : {}),
      ...(kind === "plugin.called" ? { plugin: "org.logomesh.text-tools", status: "completed" } : {}),
    },
    data: { attempt: 1 },
    payload: Object.fromEntries(
      Object.entries(text).map(([role, value]) => [
        role,
        { commit: "ab".repeat(32), len: value.length, media: "text/plain" },
      ]),
    ),
    leaf: `${seq.toString(16).padStart(4, "0")}${"c7".repeat(30)}`,
    ...(isModel ? { payloads: text } : {}),
  };
}

export function reportFixture(): VerifyReport {
  return {
    exitCode: 0,
    log: "logomesh.dev/log/1f3a",
    entries: 128,
    root: "d4".repeat(32),
    checkpoints: 3,
    outsideCheckpoints: 2,
    entriesSinceOutside: 12,
    findings: [],
    durationMs: 14.2,
  };
}
