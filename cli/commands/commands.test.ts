import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  LogoMeshError,
  type AuditEntry,
  type Plugin,
  type RunSummary,
  type RunTaskSummary,
  type Thought,
} from "@logomesh/contracts";
import { stripVTControlCharacters } from "node:util";
import { createTempFolder } from "@logomesh/core/testing";
import { afterAll, expect, test } from "vitest";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";
import { runCli, running, startable } from "../testing/runCli.ts";

const AT = "2026-01-01T00:00:00.000Z";
/** What a plugin, a model or a file may contain to fool whoever reads the terminal. */
const EVIL = "\u001b]0;owned\u0007\u009b2J\u202e\nforged line";
const WORKFLOW = { namespace: "default", name: "digest", version: "1.0.0", hash: "ab".repeat(32) };
const RUN: RunSummary = { id: "run_1", workflow: WORKFLOW, status: "running", createdAt: AT, recoveries: 0 };
const PLUGIN: Plugin = {
  ...{ id: "org.example.words", name: "Words", version: "1.0.0", description: "Counts.", runtime: "nodejs" },
  ...{ securityLevel: "sandbox", sha256: "cd".repeat(32), state: "blocked", stateReason: EVIL, sandboxed: true },
  ...{ group: "user", granted: false, tools: [{ name: "count", effect: "pure", description: EVIL }] },
  ...{ enabled: true, command: ["node", "index.mjs"], dependencies: {}, activation: ["onTool"], development: false },
  permissions: { store: { max_bytes: 10, why: EVIL } },
  limits: {
    ...{ memory_mb: 256, cpu_percent: 100, max_processes: 32, max_open_files: 256, tmp_mb: 64 },
    ...{ start_timeout_ms: 10_000, call_timeout_ms: 30_000, max_message_bytes: 1_048_576 },
  },
  usage: { memoryBytes: 2_097_152, cpuPercent: 0, processes: 2, calls: 5, errors: 1, violations: 3 },
};
const TASK: RunTaskSummary = {
  ...{ seq: 0, reference: "/do/0/ask", name: EVIL, type: "set", attempt: 2, status: "running", effect: "pure" },
};
const ENTRY: AuditEntry = {
  ...{ v: 1, log: "log", seq: 7, ts: AT, kind: "plugin.denied", actor: { type: "plugin", id: EVIL } },
  ...{ trace: { plugin: "org.example.words", status: "denied" }, data: { reason: EVIL }, payload: {}, leaf: "00" },
  payloads: { request: EVIL },
};
const THOUGHT: Thought = { id: "tht_1", title: EVIL, tags: [EVIL], createdAt: AT, updatedAt: AT, simulated: true };
const VALIDATED = {
  valid: false,
  problems: [{ pointer: "/do/0", message: EVIL, line: 2, column: 3 }],
  warnings: [{ pointer: "/do/1", message: EVIL }],
};

const CHANGES: NonNullable<Plugin["changes"]> = {
  ...{ fromVersion: "0.9.0", fromSha256: "ab".repeat(32), fields: ["args"] },
  permissions: { added: { "thought.read": { why: EVIL } }, removed: {}, changed: {} },
  tools: { added: [EVIL], removed: [], changed: [] },
};

const SIDE = { seq: 1, status: "completed" as const, durationMs: 5, output: { value: EVIL } };

const workbench = createStubWorkbench(
  {
    listRuns: ({ query }) => ({
      items: [{ ...RUN, simulated: true }],
      nextCursor: query.get("limit") === "1" ? "1" : null,
    }),
    getRun: () => ({ ...RUN, workflow: { ...WORKFLOW, name: EVIL }, output: { [EVIL]: [EVIL, [], {}, 7] } }),
    listRunTasks: ({ query }) =>
      query.has("cursor") ? { items: [{ ...TASK, seq: 1 }], nextCursor: null } : { items: [TASK], nextCursor: "1" },
    suspendRun: () => ({ ...RUN, status: "suspended", statusReason: "Lunch." }),
    resumeRun: () => ({ ...RUN, status: "running" }),
    retryRun: () => ({ ...RUN, status: "running" }),
    replayRun: () => ({
      ...{ identical: false, events: 1, tasks: 2 },
      difference: { seq: 1, reference: EVIL, field: "output", recorded: EVIL, replayed: "2" },
    }),
    compareRuns: () => ({
      a: { id: "run_1", workflow: WORKFLOW, status: "completed", input: { value: 1 }, output: { value: EVIL } },
      b: { id: "run_2", workflow: WORKFLOW, status: "faulted", input: { value: 2 }, durationMs: 12 },
      tasks: [
        { place: "/do/0/a", name: EVIL, type: "set", a: SIDE, b: SIDE, differences: [] },
        {
          ...{ place: "/do/1/b", name: "b", type: "llm", a: SIDE, differences: ["output"] },
          b: { ...SIDE, output: { bytes: 70_000, sha256: "ab".repeat(32) } },
        },
        { place: "/do/2/c", name: "c", type: "set", b: SIDE, differences: ["missing"] },
      ],
      ...{ different: 2, identical: false },
    }),
    pruneRuns: () => ({ runs: 3, bytesFreed: 2 * 1024 * 1024, databaseBytes: 7 }),
    bulkRuns: () => ({
      ...{ matched: 2, done: 1, refused: 1, isMore: true },
      refusals: [{ runId: "run_2", code: "LM_CONFLICT", detail: EVIL }],
    }),
    cancelRun: () => ({ ...RUN, status: "cancelled" }),
    signalRun: ({ body }) => ({ id: `evt_${(body as { name: string }).name}` }),
    listEvents: () => ({
      items: [{ position: 7, runId: "run_1", event: { id: "e", type: "com.acme.paid", source: EVIL, time: AT } }],
      nextCursor: "7",
    }),
    listWorkflows: () => ({
      items: [{ ...WORKFLOW, title: EVIL, createdAt: AT, versions: ["1.0.0"], origin: "api" }],
      nextCursor: null,
    }),
    validateWorkflow: () => VALIDATED,
    defineWorkflow: () => ({
      ...{ ...WORKFLOW, warnings: VALIDATED.warnings },
      grants: [{ action: "plugin.call", resource: EVIL }],
    }),
    listPlugins: () => ({
      items: [PLUGIN, { ...PLUGIN, state: "ready", granted: true }, { ...PLUGIN, state: "stopped" }],
    }),
    getPlugin: () => PLUGIN,
    grantPlugin: () => PLUGIN,
    installPlugin: () => ({ ...PLUGIN, command: ["node", "a b.mjs", "--why", "it's", ""], changes: CHANGES }),
    uninstallPlugin: () => ({ ok: true }),
    getPluginSettings: ({ path }) => ({ schema: path.includes("none") ? null : {}, settings: { city: EVIL } }),
    setPluginSettings: () => ({ schema: {}, settings: { city: "Bern" } }),
    enablePlugin: () => PLUGIN,
    reloadPlugin: () => ({ ...PLUGIN, problem: { ...new LogoMeshError("LM_PLUGIN_START_FAILED", EVIL).toProblem() } }),
    disablePlugin: () => ({ ...PLUGIN, state: "disabled", enabled: false }),
    releasePlugin: () => PLUGIN,
    forgetPrivateData: () => PLUGIN,
    declassifyPrivateData: () => ({ ...PLUGIN, privateData: { since: AT, folder: true, values: 2, blobs: 1 } }),
    resetPlugin: () => PLUGIN,
    publishEvent: () => ({ id: EVIL }),
    listSecrets: () => ({ items: [{ name: EVIL, updatedAt: AT }] }),
    deleteWorkflow: () => ({ ok: true }),
    putSecret: () => ({ name: EVIL, updatedAt: AT }),
    deleteSecret: () => ({ ok: true }),
    getPluginLogs: ({ path }) => ({ lines: path.includes("silent") ? [] : [EVIL] }),
    callTool: ({ path }) =>
      path.endsWith("fails")
        ? { content: [{ type: "text", text: EVIL }, { type: "image" }], isError: true, durationMs: 1 }
        : { content: [], structuredContent: { text: EVIL }, isError: false, durationMs: 1 },
    getModels: () => ({
      models: [{ provider: "ollama", name: EVIL, simulated: false }],
      providers: [],
      aliases: { default: { provider: "ollama", model: EVIL, simulated: false } },
      hint: EVIL,
    }),
    setModelAlias: () => ({
      models: [],
      providers: [],
      aliases: { fast: { provider: EVIL, model: EVIL, simulated: true, chosen: { by: EVIL, at: AT } } },
    }),
    clearModelAlias: () => ({ models: [], providers: [], aliases: {} }),
    queryAudit: ({ query }) => ({ items: [ENTRY], nextCursor: query.get("limit") === "1" ? "1" : null }),
    getAuditEntry: () => ENTRY,
    verifyAudit: () => ({
      ...{ exitCode: 1, log: "log", entries: 9, root: "00", checkpoints: 1, outsideCheckpoints: 1 },
      ...{ entriesSinceOutside: 0, durationMs: 1 },
      findings: [
        { severity: "tampered", seq: 4, message: EVIL },
        { severity: "note", message: "one note" },
      ],
    }),
    listThoughts: () => ({ items: [THOUGHT], nextCursor: null }),
    getThought: () => ({
      ...{ ...THOUGHT, body: `${"word ".repeat(40)}${EVIL}` },
      segments: [
        { id: "s", thoughtId: "tht_1", content: EVIL, contentType: "text", fields: {}, sortOrder: 0 },
        { id: "t", thoughtId: "tht_1", title: EVIL, content: "x", contentType: "text", fields: {}, sortOrder: 1 },
      ],
    }),
    createThought: () => ({ ...THOUGHT, segments: [] }),
    getStatus: () => ({
      ...{ version: "0.1.0", workspace: "/w", startedAt: AT, memoryBytes: 1 },
      sandbox: { available: false, detail: "apt-get install bubblewrap" },
      audit: { entries: 1, entriesSinceOutside: 0, verified: "ok" },
      model: { provider: "ollama", model: "qwen3:4b", simulated: false },
      lockdown: { on: false as const },
    }),
    startRun: () => ({ ...RUN, input: null }),
  },
  {
    stream: () => [
      JSON.stringify({ delta: EVIL }),
      JSON.stringify({ delta: "" }),
      JSON.stringify({
        result: {
          ...{ provider: "mock", model: EVIL, simulated: true, text: EVIL, finishReason: "stop" },
          ...{ durationMs: 1, requestSeq: 1, responseSeq: 2 },
        },
      }),
    ],
  },
);
const folder = createTempFolder();
afterAll(() => folder[Symbol.dispose]());
writeFileSync(join(folder.path, "words.tgz"), "bytes");
const options = { workbenches: running(workbench), cwd: folder.path };

test.each<[string, number, string]>([
  ["runs list", 0, "run_1  ▶ running  digest (mock)"],
  ["runs list --limit 1 --status running --workflow digest", 0, "run_1"],
  ["runs show run_1", 0, "(attempt 2)"],
  ["runs cancel run_1", 0, "⊘ cancelled run_1"],
  ["runs signal run_1 go --data 1", 0, "evt_go"],
  ["event list --type com.acme.paid", 0, "7  com.acme.paid  ␛]0;owned"],
  ["runs replay run_1", 1, "✗ not identical: output of task 1 ␛]0;owned"],
  ["runs compare run_1 run_2", 0, "only in run_2"],
  ["runs compare run_1 run_2 --all", 0, "= ␛]0;owned"],
  ["runs prune --older-than-days 30 --database-mib 5 --status faulted", 0, "3 runs deleted, 2.0 MiB given back"],
  ["runs bulk retry --status faulted --workflow a --query b", 1, "1 of 2 runs: retried"],
  ["runs suspend run_1 --reason Lunch", 0, "suspended run_1"],
  ["runs resume run_1 --retry-step 1 --fail-step 2 --complete-step 3={}", 0, "running run_1"],
  ["workflow list", 0, "default/digest  1.0.0"],
  ["workflow validate -", 1, "✗ -:2:3 ␛]0;owned"],
  ["workflow push -", 0, "granted: plugin.call ␛]0;owned"],
  ["workflow delete weekly", 0, "default/weekly (all versions) is deleted"],
  ["plugin list", 0, "blocked  nodejs, not granted: logomesh plugin grant org.example.words"],
  ["plugin grant org.example.words --yes", 0, "5 calls, 1 error, 2 MiB, 2 processes, 3 violations"],
  ["plugin release org.example.words", 0, "blocked"],
  ["plugin install ./words.tgz", 0, "org.example.words 1.0.0  blocked"],
  ["plugin install ./words.tgz --grant", 0, "org.example.words 1.0.0  blocked"],
  ["plugin uninstall org.example.words --force", 0, "org.example.words is uninstalled"],
  ["plugin enable org.example.words", 0, "blocked"],
  ["plugin settings org.example.words", 0, "city:"],
  ["plugin settings org.example.words --set {}", 0, "city: Bern"],
  ["plugin reload org.example.words", 0, "✗ ␛]0;owned"],
  ["plugin disable org.example.words", 0, "disabled"],
  ["plugin forget org.example.words --yes", 0, "blocked"],
  ["plugin declassify org.example.words --why public", 0, ": /data, 2 values, 1 blob"],
  ["plugin reset org.example.words", 0, "blocked"],
  ["plugin logs org.example.words", 0, "␛]0;owned␇\\u{9b}2J\\u{202e}␊forged line"],
  ["plugin call org.example.words works", 0, "text:"],
  ["plugin call org.example.words fails --timeout-ms 50", 1, "(image)"],
  ["llm models", 0, "ollama"],
  ["llm alias", 0, "default →"],
  ["llm alias fast gemma:2b", 0, "chosen by ␛]0;owned"],
  ["llm chat hello", 0, "␛]0;owned"],
  ["audit query", 0, "     7 "],
  ["audit query --kind plugin.denied --limit 1", 0, "plugin.denied"],
  ["audit show 7", 0, "kind: plugin.denied"],
  ["audit verify", 1, "✗ The log was changed; the first bad entry is 4"],
  ["audit verify", 1, "✗ entry 4: ␛]0;owned"],
  ["thought list", 0, "tht_1"],
  ["thought show tht_1", 0, "mock"],
  ["thought add Title --tag t --body-file -", 0, "tht_1"],
  ["event send --type com.acme.paid --data {} --subject 7", 0, "␛]0;owned"],
  ["secret list", 0, "␛]0;owned"],
  ["secret set API_KEY", 0, "␛]0;owned"],
  ["secret remove API_KEY", 0, "API_KEY is forgotten"],
  ["run digest --detach", 0, "run_1"],
])("%s shows what the workbench answers, and nothing in it is obeyed by a terminal", async (line, code, part) => {
  for (const how of [options, { ...options, isTTY: true, columns: 60, env: { NO_COLOR: "1" } }]) {
    const result = await runCli(line.split(" "), { ...how, stdin: "text" });
    expect(result.code).toBe(code);
    expect(result.out).toContain(how === options ? part : part.slice(0, 4));
    expect(result.out + result.err).not.toMatch(/(?![\n\t])[\p{Cc}\u202e]/u);
  }
  const json = await runCli([...line.split(" "), "--json"], { ...options, stdin: "text" });
  expect(json.code).toBe(code);
  expect(json.out).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(JSON.parse(json.out)).toBeTypeOf("object");
});

test("a forged line never begins a line where one item is one line", async () => {
  for (const line of [
    "runs show run_1",
    "plugin list",
    "plugin logs x",
    "audit query",
    "thought list",
    "workflow list",
  ]) {
    const { out } = await runCli(line.split(" "), options);
    const isForged = (shown: string) => shown.startsWith("forged line");
    expect(out.split("\n").filter(isForged)).toEqual([]);
  }
});

test("what was granted is shown with its reason before it is granted", async () => {
  const { err } = await runCli(["plugin", "grant", "org.example.words"], options);
  expect(err).toContain("org.example.words 1.0.0 runs in the sandbox: node index.mjs\n");
  expect(err).toContain("It asks for:\n  store:\n    max_bytes: 10\n");
  expect(workbench.requests.at(-1)).toBe(`PUT /api/plugins/org.example.words/grants {"sha256":"${PLUGIN.sha256}"}`);
});

test("an event is sent with what was given, and data that is not JSON is a mistake", async () => {
  const send = (line: string, stdin = "") => runCli(`event send ${line}`.split(" "), { ...options, stdin });
  await send("--type com.acme.paid --subject 7 --data-file -", '{"a":[null]}');
  expect(workbench.requests.at(-1)).toBe('POST /api/events {"type":"com.acme.paid","subject":"7","data":{"a":[null]}}');
  await send("--type com.acme.paid");
  expect(workbench.requests.at(-1)).toBe('POST /api/events {"type":"com.acme.paid"}');
  const sent = workbench.requests.length;
  expect(await send("--data 1")).toMatchObject({ code: 2, err: expect.stringContaining("--type") });
  expect(await send("--type a.b --data x")).toMatchObject({
    code: 2,
    err: expect.stringContaining("A text needs quotes"),
  });
  expect(await send("--type a.b --data 1 --data-file x")).toMatchObject({
    code: 2,
    err: expect.stringContaining("not both"),
  });
  expect(workbench.requests).toHaveLength(sent);
});

test("[SE1] a secret is read from standard input, never from an argument, and is not repeated", async () => {
  const set = (stdin: string, ...more: string[]) =>
    runCli(["secret", "set", "API_KEY", ...more], { ...options, stdin });
  const { out, err } = await set("s3cret\nvalue\n");
  expect(workbench.requests.at(-1)).toBe('PUT /api/secrets/API_KEY {"value":"s3cret\\nvalue"}');
  expect(out + err).not.toContain("s3cret");
  const sent = workbench.requests.length;
  expect(await set("\n")).toMatchObject({ code: 2, err: expect.stringContaining("empty") });
  expect(await set("x", "s3cret-as-argument")).toMatchObject({ code: 2 });
  expect(workbench.requests).toHaveLength(sent);
  const empty = { workbenches: running(createStubWorkbench({ listSecrets: () => ({ items: [] }) })) };
  expect((await runCli(["secret", "list"], empty)).out).toContain("logomesh secret set");
});

test("a folder is named, an archive is sent, and what is neither says so before anything is asked", async () => {
  const install = (path: string) => runCli(["plugin", "install", path], options);
  await install(".");
  expect(workbench.requests.at(-1)).toBe(`POST /api/plugins ${JSON.stringify({ path: folder.path })}`);
  const asked = workbench.requests.length;
  expect(await install("none.tgz")).toMatchObject({ code: 1, err: expect.stringContaining("There is nothing at") });
  expect(await install("/dev/null")).toMatchObject({ code: 1, err: expect.stringContaining("/dev/null is no file") });
  expect(workbench.requests).toHaveLength(asked);
});

test("before an upgrade is granted, the whole command and what changed are shown", async () => {
  const { err } = await runCli(["plugin", "install", "words.tgz"], options);
  expect(workbench.requests.at(-1)).toBe("POST /api/plugins?name=words.tgz (5 bytes)");
  expect(err).toContain("runs in the sandbox: node 'a b.mjs' --why 'it'\\''s' ''\n");
  expect(err).toContain("Since the granted version 0.9.0 (abababababab…):\n  permissions added:\n    thought.read:\n");
  expect(err).toContain("also changed:");
  const { requests } = workbench;
  await runCli(["plugin", "install", "words.tgz", "--grant"], options);
  expect(requests.at(-1)).toBe(`PUT /api/plugins/org.example.words/grants {"sha256":"${PLUGIN.sha256}"}`);
});

test("an answer that breaks off ends its line before the failure is told", async () => {
  const problem = new LogoMeshError("LM_LLM_SERVER", "broke off").toProblem();
  const broken = createStubWorkbench(
    {},
    { stream: () => [JSON.stringify({ delta: "half an" }), JSON.stringify({ problem })] },
  );
  const { code, out, err } = await runCli(["llm", "chat", "hello"], { workbenches: running(broken) });
  expect([code, out]).toEqual([1, "half an\n"]);
  expect(err).toContain("broke off");
});

test("a call shows its progress on a terminal, takes it away, and says nothing of it elsewhere", async () => {
  const telling = createStubWorkbench(
    { callTool: () => ({ content: [{ type: "text", text: "done" }], isError: false, durationMs: 1 }) },
    {
      progress: [
        { progress: 1, total: 3 },
        { progress: 2, total: 3, message: `${EVIL} ${"long ".repeat(50)}` },
      ],
    },
  );
  const line = ["plugin", "call", "org.example.words", "count"];
  const shown = await runCli(line, { workbenches: running(telling), isTTY: true, columns: 60 });
  expect(shown.out).toBe("done\n");
  expect(shown.err).toContain("1/3");
  expect(shown.err).toContain("2/3");
  expect(shown.err.endsWith("\r\u001b[2K")).toBe(true);
  expect(shown.err.split("\r\u001b[2K").every((part) => stripVTControlCharacters(part).length < 60)).toBe(true);
  const quiet = await runCli(line, { workbenches: running(telling) });
  expect([quiet.out, quiet.err]).toEqual(["done\n", ""]);
  const broken = createStubWorkbench({}, { stream: () => [] });
  expect((await runCli(line, { workbenches: running(broken) })).code).toBe(1);
});

test("an empty definition is refused before it is sent", async () => {
  for (const line of ["workflow push -", "workflow validate -"]) {
    const { code, err } = await runCli(line.split(" "), { ...options, stdin: " \n" });
    expect([code, err]).toEqual([1, expect.stringContaining("There is nothing in standard input.")]);
  }
});

test("an upgrade that waits is what is shown and granted", async () => {
  const { permissions, limits, command, tools, description } = PLUGIN;
  const waiting = {
    ...{ version: "2.0.0", sha256: "c".repeat(64), permissions, limits, command, tools, description },
    ...{ changes: CHANGES, sandboxed: true },
  };
  const upgraded: Plugin = { ...PLUGIN, granted: true, state: "ready", waiting };
  const stub = createStubWorkbench({
    getPlugin: () => upgraded,
    installPlugin: () => upgraded,
    grantPlugin: () => upgraded,
  });
  const run = (line: string) => runCli(line.split(" "), { ...options, workbenches: running(stub) });
  const { out, err } = await run("plugin install words.tgz");
  expect(out).toContain("version 2.0.0 waits: logomesh plugin grant org.example.words");
  expect(err).toContain("org.example.words 2.0.0 runs in the sandbox");
  const granted = `PUT /api/plugins/org.example.words/grants {"sha256":"${waiting.sha256}"}`;
  for (const line of ["plugin install words.tgz --grant", "plugin grant org.example.words --yes"]) {
    await run(line);
    expect(stub.requests.at(-1)).toBe(granted);
  }
});

test("[PL132] a plugin that leaves the sandbox is told of in words that nobody overlooks, and let out by a word of its own", async () => {
  const outside = { reason: "trusted", granted: false, refusal: `It cannot. ${EVIL}` } as const;
  const plugin: Plugin = { ...PLUGIN, sandboxed: false, outside };
  const stub = createStubWorkbench({
    ...{ listPlugins: () => ({ items: [plugin] }), getPlugin: () => plugin },
    grantPlugin: () => ({ ...plugin, outside: { reason: "trusted", granted: true } }),
  });
  const run = (line: string) => runCli(line.split(" "), { workbenches: running(stub) });
  const { out } = await run("plugin list");
  expect(out).toContain("not granted to leave the sandbox: its security level is “trusted”. It cannot. ␛]0;owned");
  const { err, out: granted } = await run("plugin grant org.example.words --outside-sandbox --yes");
  expect(err).toContain("IT RUNS OUTSIDE OF THE SANDBOX, if you let it");
  expect(err).toContain("org.example.words 1.0.0 runs as you");
  expect(err).not.toContain("runs in the sandbox");
  expect(granted).toContain("OUTSIDE OF THE SANDBOX: its security level is “trusted”");
  expect(stub.requests.at(-1)).toMatch(/"outsideSandbox":true\}$/);
});

test("what the tools of an upgrade say is shown with both texts, and nothing of it escapes", async () => {
  const before = { name: "count", effect: "pure", description: "Counts words." } as const;
  const toolChanges = {
    ...{ fromVersion: "0.9.0", added: [{ ...before, name: "new" }], removed: ["old"] },
    changed: [{ name: "count", before, after: { ...before, description: EVIL } }],
  };
  const changed = { ...PLUGIN, toolChanges };
  const stub = createStubWorkbench({ listPlugins: () => ({ items: [changed] }), getPlugin: () => changed });
  const listed = await runCli(["plugin", "list"], { workbenches: running(stub) });
  expect(listed.out).toContain("its tools say something else than in 0.9.0: new, count, old; logomesh plugin grant");
  const { err: out } = await runCli(["plugin", "grant", PLUGIN.id], { workbenches: running(stub) });
  expect(out).toContain("What its tools said against those approved in 0.9.0:");
  expect(out).toMatch(/count:\n +before:\n +description: Counts words.\n +now:\n +description:\n +␛]0;owned/);
  expect(out).toMatch(/tools that came:\n +new: Counts words.\n +tools that went:\n +- old/);
});

test("a grant is asked about where there is somebody to ask, and permissions can be left out", async () => {
  const asked = { ...options, isTTY: true };
  const no = await runCli(["plugin", "grant", "org.example.words"], { ...asked, stdin: "n\n" });
  expect([no.code, no.err]).toEqual([1, expect.stringContaining("Grant this? [y/N] Nothing was granted.")]);
  expect((await runCli(["plugin", "grant", "org.example.words"], { ...asked, stdin: "yes\n" })).code).toBe(0);
  const part = await runCli(["plugin", "grant", "org.example.words", "--without", "store", "--json"], options);
  expect(part.code).toBe(0);
  expect(workbench.requests.at(-1)).toBe(
    `PUT /api/plugins/org.example.words/grants {"sha256":"${PLUGIN.sha256}","permissions":{}}`,
  );
  const unknown = await runCli(["plugin", "grant", "org.example.words", "--without", "net.fetch"], options);
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining("only for: store")]);
});

test("a model is chosen of the one that offers it, and left to the workbench again", async () => {
  const run = (line: string) => runCli(line.split(" "), options);
  const last = () => workbench.requests.at(-1);
  await run('llm alias fast m --provider mock --options {"seed":1}');
  expect(last()).toBe('PUT /api/llm/aliases/fast {"provider":"mock","model":"m","options":{"seed":1}}');
  await run(`llm alias fast unknown`);
  expect(last()).toBe('PUT /api/llm/aliases/fast {"provider":"ollama","model":"unknown","options":{}}');
  await run("llm alias fast --auto");
  expect(last()).toBe("DELETE /api/llm/aliases/fast");
  const sent = workbench.requests.length;
  for (const line of ["llm alias fast", "llm alias fast m --auto", "llm alias fast m --options 1"])
    expect((await run(line)).code).toBe(2);
  expect(workbench.requests.length).toBe(sent);
});

test("private data is deleted after a question, and declassified with a reason only", async () => {
  const privateData = { since: AT, folder: false, values: 0, blobs: 0 };
  const stub = createStubWorkbench({
    getPlugin: ({ path }) => (path.includes("clean") ? PLUGIN : { ...PLUGIN, privateData }),
    forgetPrivateData: () => PLUGIN,
  });
  const run = (line: string, stdin = "") =>
    runCli(line.split(" "), { workbenches: running(stub), isTTY: true, env: { NO_COLOR: "1" }, stdin });
  const no = await run("plugin forget org.example.words", "n\n");
  expect([no.code, no.err]).toEqual([1, expect.stringContaining("Delete it for good? [y/N] Nothing was deleted.")]);
  expect(stub.requests.at(-1)).toBe("GET /api/plugins/org.example.words");
  expect((await run("plugin forget org.example.words", "y\n")).code).toBe(0);
  expect(stub.requests.at(-1)).toBe("DELETE /api/plugins/org.example.words/private-data");
  expect((await run("plugin forget clean")).err).toContain("kept nothing while it had read private data");
  expect(await run("plugin declassify org.example.words")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--why"),
  });
});

test("a plugin that wrote nothing, and lists that are empty, say so", async () => {
  expect((await runCli(["plugin", "logs", "silent"], options)).err).toContain("wrote nothing");
  const empty = { items: [], nextCursor: null };
  const bare = createStubWorkbench({
    ...{ listRuns: () => empty, listWorkflows: () => empty, listPlugins: () => ({ items: [] }) },
    ...{ listThoughts: () => empty, queryAudit: () => empty },
  });
  const say = async (line: string) => (await runCli(line.split(" "), { workbenches: running(bare) })).out;
  expect(await say("runs list")).toContain("Start one with: logomesh run");
  expect(await say("runs list --status faulted")).toBe("No such runs.\n");
  expect(await say("workflow list")).toContain("logomesh workflow push");
  expect(await say("plugin list")).toContain("logomesh plugin install");
  expect(await say("thought list")).toContain("logomesh thought add");
  expect(await say("thought list --tag t")).toBe("No such thoughts.\n");
  expect(await say("audit query")).toBe("No such entries.\n");
});

test("more than was shown is said", async () => {
  expect((await runCli(["runs", "list", "--limit", "1"], options)).err).toBe("More with: --limit 2\n");
  expect((await runCli(["audit", "query", "--limit", "1"], options)).err).toBe("More with: --limit 2\n");
});

test("long text is broken to the width of the terminal, and only there", async () => {
  const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));
  const args = ["thought", "show", "tht_1"];
  const terminal = await runCli(args, { ...options, isTTY: true, columns: 60, env: { NO_COLOR: "1" } });
  expect(widest(terminal.out)).toBeLessThanOrEqual(60);
  expect(widest((await runCli(args, options)).out)).toBeGreaterThan(190);
});

test("the greeting of a start with a model but without a sandbox; the stop leaves runs for later", async () => {
  const stop = new AbortController();
  const { workbenches, log } = startable(workbench);
  const onOut = (out: string) => out.includes("Ctrl-C") && stop.abort();
  const { code, out, err } = await runCli(["start"], { workbenches, signal: stop.signal, onOut });
  expect(code).toBe(0);
  expect(out).toContain("http://127.0.0.1:7420/#code=c");
  expect(out).toContain("Model:    qwen3:4b (ollama)");
  expect(out).toContain("none, plugins are refused. apt-get install bubblewrap");
  expect(err).toBe("Stopping. Runs that have not ended go on at the next start.\n");
  expect(log).toEqual(["started {}", "stopped"]);
});

test("[PL131] a start with --dev says so to the workbench", async () => {
  const stop = new AbortController();
  const { workbenches, log } = startable(workbench);
  const onOut = (out: string) => out.includes("Ctrl-C") && stop.abort();
  await runCli(["start", "--dev"], { workbenches, signal: stop.signal, onOut });
  expect(log).toEqual(['started {"isDevelopment":true}', "stopped"]);
});

test("a start that is stopped while it still looks for models ends at once, and cleanly", async () => {
  const stop = new AbortController();
  const connection = createStubWorkbench({
    getStatus: () => {
      stop.abort();
      throw stop.signal.reason;
    },
  });
  const { workbenches, log } = startable(connection);
  const { code, out, err } = await runCli(["start"], { workbenches, signal: stop.signal });
  expect([code, out, err]).toEqual([0, "", "Stopping. Runs that have not ended go on at the next start.\n"]);
  expect(log).toEqual(["started {}", "stopped"]);
});

test("a workbench that can no longer work ends the start with its error", async () => {
  const { workbenches, log } = startable(workbench, Promise.resolve(new Error("disk gone")));
  const { code, out, err } = await runCli(["start", "--json"], { workbenches });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ url: "http://127.0.0.1:7420", pid: process.pid });
  expect(err).toContain("disk gone");
  expect(log.at(-1)).toBe("stopped");
});

test("a run is started with the priority that was given, and one that is none is a mistake", async () => {
  await runCli("run digest --detach --priority=-7".split(" "), options);
  expect(workbench.requests.at(-1)).toContain('"priority":-7');
  const wrong = await runCli("run digest --detach --priority 101".split(" "), options);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("from -100 to 100") });
});
