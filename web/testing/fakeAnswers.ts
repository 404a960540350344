/** What the fake workbench answers, by route. */
import {
  LogoMeshError,
  RunStatusSchema,
  type Approval,
  type DecideApprovalParams,
  type JsonValue,
  type Plugin,
  type PluginState,
  type PutConstitutionParams,
  type RouteName,
  type Run,
} from "@logomesh/contracts";
import type { CallResult } from "@logomesh/contracts/client";
import { parseDocument } from "yaml";
import { comparisonFixture, replayFixture } from "./comparisonFixture.ts";
import { ago, reportFixture } from "./fixtures.ts";
import type { FakeWorld } from "./fakeWorld.ts";

export interface Call {
  params: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
}

export type Answers = { [N in RouteName]?: (call: Call) => CallResult<N> };

const LIFE_MS = 86_400_000;

export function createAnswers(world: FakeWorld): Answers {
  const summaryOf = ({ input: _input, output: _output, ...summary }: Run) => summary;
  const setPlugin = (id: string | undefined, change: { state: PluginState; granted?: boolean }): Plugin => {
    const plugin = find(world.plugins, (known) => known.id === id, "plugin");
    const changed = { ...plugin, ...change };
    world.plugins = world.plugins.map((known) => (known.id === id ? changed : known));
    return changed;
  };
  const approval = (id: string | undefined) => find(world.approvals, (known) => known.id === id, "approval");
  const run = (id: string | undefined) => find(world.runs, (known) => known.id === id, "run");
  return {
    createSession: ({ body }) => {
      if ((body as { code: string }).code !== "test-code")
        throw new LogoMeshError("LM_API_LOGIN_CODE", "This code was used before.");
      return { token: "test-token", scopes: ["admin"], expiresAt: ago(-LIFE_MS) };
    },
    deleteSession: () => ({ ok: true }),
    getStatus: () => world.status,
    getLockdown: () => world.lockdown,
    beginLockdown: ({ body }) => {
      const { reason = "Someone turned it on." } = body as { reason?: string };
      world.lockdown = { on: true, reason, setBy: "client:test", setAt: ago(0), leave: "logomesh lockdown off" };
      return world.lockdown;
    },
    endLockdown: () => (world.lockdown = { on: false }),
    getModels: () => ({
      models: [{ provider: "mock", name: "mock", simulated: true }],
      providers: [{ name: "mock", available: true, simulated: true }],
      aliases: { default: { provider: "mock", model: "mock", simulated: true } },
    }),
    listWorkflows: () => ({ items: world.workflows, nextCursor: null }),
    getWorkflow: ({ params, query }) =>
      find(
        [...world.workflows, ...world.olderVersions],
        ({ name, version }) => name === params["name"] && version === (query["version"] ?? version),
        "workflow",
      ),
    validateWorkflow: ({ body }) => {
      const { errors } = parseDocument((body as { source: string }).source);
      const problems = errors.map(({ message, linePos }) => ({
        pointer: "",
        message: message.split("\n")[0] ?? "",
        line: linePos?.[0].line ?? 1,
        column: linePos?.[0].col ?? 1,
      }));
      return { valid: problems.length === 0, problems, warnings: [] };
    },
    defineWorkflow: ({ body }) => {
      const { source } = body as { source: string };
      const document = parseDocument(source).toJS() as { document: { name: string; version: string } };
      const { name, version } = document.document;
      const known =
        world.workflows.find((candidate) => candidate.name === name) ?? find(world.workflows, () => true, "workflow");
      const stored = { ...known, name, version, source, hash: version, versions: [version, ...known.versions] };
      world.storeVersion(stored);
      return { ...stored, warnings: [], grants: [{ action: "call", resource: "org.logomesh.text-tools" }] };
    },
    startRun: ({ body }) => {
      const { input } = body as { input?: Record<string, string> };
      if (input?.["text"] === undefined && input?.["files"] === undefined) {
        throw new LogoMeshError("LM_WORKFLOW_INPUT_INVALID", "The input has neither text nor files.", {
          problems: [{ pointer: "", message: "Give text or files." }],
        });
      }
      return world.start(input);
    },
    listRuns: ({ query }) => {
      const status = RunStatusSchema.safeParse(query["status"]).data;
      const fitting = world.runs.filter(
        (known) =>
          (status === undefined || known.status === status) &&
          `${known.id} ${known.workflow.name}`.includes(query["q"] ?? ""),
      );
      return pageOf(fitting.map(summaryOf), query);
    },
    getRun: ({ params, query }) => limited(run(params["id"]), query),
    listRunTasks: ({ params, query }) =>
      pageOf(
        world.tasksOf(run(params["id"])).map(({ input: _input, output: _output, ...task }) => task),
        query,
      ),
    getRunTask: ({ params, query }) =>
      limited(
        find(world.tasksOf(run(params["id"])), ({ seq }) => String(seq) === params["seq"], "task"),
        query,
      ),
    cancelRun: ({ params }) => world.change(run(params["id"]).id, { status: "cancelled", endedAt: ago(0) }),
    suspendRun: ({ params }) => world.change(run(params["id"]).id, { status: "suspended" }),
    resumeRun: ({ params }) => world.change(run(params["id"]).id, { status: "running" }),
    retryRun: ({ params }) => world.change(run(params["id"]).id, { status: "running" }),
    compareRuns: ({ query }) => comparisonFixture(run(query["a"]), run(query["b"])),
    replayRun: () => replayFixture(),
    getRunDefinition: () => find(world.workflows, () => true, "workflow"),
    listPlugins: () => ({ items: world.plugins }),
    loadPlugin: ({ params }) => setPlugin(params["id"], { state: "ready" }),
    unloadPlugin: ({ params }) => setPlugin(params["id"], { state: "stopped" }),
    getPluginGrant: ({ params }) => {
      const { id, sha256, group, granted, permissions } = find(
        world.plugins,
        (known) => known.id === params["id"],
        "plugin",
      );
      const grant = { pluginId: id, sha256, isCurrent: true, group, permissions, grantedBy: "client:test" };
      return granted ? { grant } : {};
    },
    resetPlugin: ({ params }) => setPlugin(params["id"], { state: "ready" }),
    reloadPlugin: ({ params }) => setPlugin(params["id"], { state: "ready" }),
    grantPlugin: ({ params }) => setPlugin(params["id"], { state: "resolved", granted: true }),
    revokePlugin: ({ params }) => setPlugin(params["id"], { state: "blocked", granted: false }),
    getPluginLogs: () => ({ lines: ["ready in 62 ms", "called describe with 5 values"] }),
    callTool: () => ({ content: [], structuredContent: { words: 6, sentences: 1 }, isError: false, durationMs: 0.6 }),
    listApprovals: ({ query }) => {
      const fits = (approval: Approval): boolean =>
        (query["status"] ?? approval.status) === approval.status && (query["kind"] ?? approval.kind) === approval.kind;
      const summaries = world.approvals
        .filter(fits)
        .map(({ payload: _payload, outcome: _outcome, isUndoable: _isUndoable, ...summary }) => summary);
      return pageOf(summaries, query);
    },
    getApproval: ({ params }) => approval(params["id"]),
    decideApproval: ({ params, body }) => {
      const { decision, contentHash, comment } = body as DecideApprovalParams;
      const { id, status, contentHash: seen } = approval(params["id"]);
      if (status !== "pending") throw new LogoMeshError("LM_APPROVAL_DECIDED", `The approval ${id} is ${status}.`);
      if (seen !== contentHash) throw new LogoMeshError("LM_APPROVAL_CONTENT", "The decision is about other content.");
      return world.changeApproval(id, {
        ...{ status: decision, decidedAt: ago(0), decidedBy: { type: "client", id: "browser" }, settledAt: ago(0) },
        ...(comment === undefined ? {} : { comment }),
        isUndoable: decision === "approved",
      });
    },
    undoApproval: ({ params }) =>
      world.changeApproval(approval(params["id"]).id, {
        ...{ status: "undone", undoneAt: ago(0), undoneBy: { type: "client", id: "browser" }, isUndoable: false },
      }),
    queryAudit: ({ query }) =>
      pageOf(
        world.entries.filter(
          ({ kind, payloads }) =>
            kind.includes(query["kind"] ?? "") && JSON.stringify(payloads ?? "").includes(query["q"] ?? ""),
        ),
        query,
      ),
    getAuditEntry: ({ params }) => find(world.entries, ({ seq }) => String(seq) === params["seq"], "entry"),
    verifyAudit: () => reportFixture(),
    getConstitution: () => world.constitution.get(),
    putConstitution: ({ query, body }) =>
      world.constitution.put(body as PutConstitutionParams, { preview: query["preview"] === "true" }),
  };
}

/** Without an output that is larger than the question allows. */
function limited<T extends { output?: JsonValue | undefined }>(whole: T, query: Record<string, string>): T {
  const { output, ...rest } = whole;
  const outputBytes = JSON.stringify(output ?? null).length;
  return outputBytes > Number(query["payloadBytesMax"] ?? Infinity)
    ? ({ ...rest, outputBytes } as unknown as T)
    : whole;
}

function pageOf<T>(items: readonly T[], query: Record<string, string>): { items: T[]; nextCursor: string | null } {
  const from = Number(query["cursor"] ?? 0);
  const to = from + Number(query["limit"] ?? 50);
  return { items: items.slice(from, to), nextCursor: to < items.length ? String(to) : null };
}

function find<T>(items: readonly T[], fits: (item: T) => boolean, what: string): T {
  const found = items.find(fits);
  if (found === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is no such ${what}.`);
  return found;
}
