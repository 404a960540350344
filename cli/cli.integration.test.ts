import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "./main.ts";

// The commands as a person uses them, in one process, against a real workbench with its real database, plugins and sandbox.

const folder = mkdtempSync(join(tmpdir(), "logomesh-cli-"));
const root = join(folder, "workspace");
const samples = join(import.meta.dirname, "../workflows/samples");
const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LOGOMESH_WORKSPACE: root,
  XDG_STATE_HOME: join(folder, "state"),
  LOGOMESH_LOG: "silent",
  LOGOMESH_PORT: "0",
  OLLAMA_HOST: "127.0.0.1:9",
};

interface Ran {
  code: number;
  out: string;
  err: string;
}

async function cli(
  argv: string[],
  options: {
    signal?: AbortSignal;
    env?: NodeJS.ProcessEnv;
    onOut?: (out: string) => void;
    onErr?: (err: string) => void;
    isTTY?: boolean;
  } = {},
): Promise<Ran> {
  let out = "";
  let err = "";
  const code = await main({
    argv,
    cwd: folder,
    env: options.env ?? env,
    signal: options.signal ?? new AbortController().signal,
    stdout: {
      write: (text) => {
        out += text;
        options.onOut?.(out);
      },
    },
    stderr: {
      write: (text) => {
        err += text;
        options.onErr?.(err);
      },
      isTTY: options.isTTY ?? false,
    },
  });
  return { code, out, err };
}

const stop = new AbortController();
let running: Promise<Ran>;

beforeAll(async () => {
  const init = await cli(["init"]);
  expect([init.code, init.err]).toEqual([0, ""]);
  expect(init.out).toContain("org.logomesh.text-tools 1.0.0: fs.read, fs.propose, event.publish, store");
  expect(init.out).toMatch(/plugin\.call +org\.logomesh\.data-stats#describe/);
  const started = Promise.withResolvers<string>();
  running = cli(["start"], { signal: stop.signal, onOut: (out) => out.includes("Ctrl-C") && started.resolve(out) });
  const greeting = await Promise.race([started.promise, running.then(({ err }) => Promise.reject(new Error(err)))]);
  expect(greeting).toMatch(/Log in: +http:\/\/127\.0\.0\.1:\d+\/#code=/);
  expect(greeting).toContain("mock, no real model answers");
  expect(greeting).toContain("ollama pull");
});

afterAll(async () => {
  stop.abort();
  const ended = await running;
  expect(ended.code).toBe(0);
  expect(existsSync(join(root, ".logomesh/server.json"))).toBe(false);
  // Without a workbench the log is still verified.
  expect((await cli(["audit", "verify"])).code).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

test("a second workbench on the workspace is refused and the holder is named", async () => {
  const second = await cli(["start"]);
  expect([second.code, second.err]).toEqual([1, expect.stringContaining(`in use by process ${process.pid} on port`)]);
});

test("an init of a folder that is one already changes nothing", async () => {
  const again = await cli(["init"]);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("workspace already; nothing was changed")]);
});

test("the sample runs, its tasks are shown as they end, and the mock is named with the line that replaces it", async () => {
  const ran = await cli(["run", "reading-digest", "--input-file", join(samples, "walden.md"), "--watch"], {
    isTTY: true,
  });
  expect(ran.code).toBe(0);
  for (const task of ["words", "keywords", "shape", "ask", "again", "keep"]) expect(ran.err).toContain(task);
  expect(ran.err).toContain("█");
  expect(ran.out).toContain("Digest: walden.md");
  expect(ran.out).toContain("no real model answered");
  expect(ran.out).toContain("ollama pull");
});

test("several files, members and JSON output", async () => {
  const files = [
    "--input-file",
    join(samples, "two-cities.txt"),
    "--input-file",
    join(samples, "origin-of-species.md"),
  ];
  const ran = await cli(["run", "default/reading-digest@1.0.0", ...files, "--json"]);
  expect(JSON.parse(ran.out)).toMatchObject({
    status: "completed",
    output: { title: "Digest: two-cities.txt, origin-of-species.md" },
  });
  const inline = await cli([
    "run",
    "reading-digest",
    "--input",
    "text=One short sentence.",
    "--input",
    "name=inline",
    "--json",
  ]);
  expect(JSON.parse(inline.out)).toMatchObject({
    status: "completed",
    simulated: true,
    output: { title: "Digest: inline" },
  });
});

test("input that does not fit is refused with its place", async () => {
  const ran = await cli(["run", "reading-digest", "--input", "text=5"]);
  expect([ran.code, ran.err]).toEqual([1, expect.stringContaining("/text must be string")]);
  const json = await cli(["run", "reading-digest", "--json"]);
  expect(JSON.parse(json.err)).toMatchObject({ code: "LM_WORKFLOW_INPUT_INVALID", status: 422 });
});

test("a workflow file runs as it is, and a faulty one is refused with line and column", async () => {
  const file = join(folder, "hello.yaml");
  const heading = 'document: { dsl: "1.0.3", namespace: default, name: hello, version: "1.0.0" }';
  writeFileSync(file, `${heading}\ndo:\n  - greet: { set: { text: "\${ \\"Hello, \\" + .name }" } }\n`);
  const input = join(folder, "input.yaml");
  writeFileSync(input, "name: Ada\n");
  const ran = await cli(["run", file, "--input-file", input]);
  expect([ran.code, ran.out]).toEqual([0, expect.stringContaining("text: Hello, Ada")]);
  expect((await cli(["workflow", "validate", file])).out).toContain("is valid");
  writeFileSync(file, `${heading}\ndo:\n  - greet: { sett: 1 }\n`);
  const faulty = await cli(["workflow", "validate", file]);
  expect([faulty.code, faulty.out]).toEqual([1, expect.stringMatching(/hello\.yaml:3:\d+/)]);
  const pushed = await cli(["workflow", "push", file]);
  expect([pushed.code, pushed.err]).toEqual([1, expect.stringContaining("line 3")]);
});

test("a run that faults says where and why, and exits with 1", async () => {
  const file = join(folder, "fault.yaml");
  writeFileSync(
    file,
    `document: { dsl: "1.0.3", namespace: default, name: fault, version: "1.0.0" }
do:
  - ask: { call: plugin, with: { plugin: org.logomesh.data-stats, tool: linear_trend, arguments: { values: [1] } } }
`,
  );
  const pushed = await cli(["workflow", "push", file]);
  expect(pushed.out).toContain("granted: plugin.call org.logomesh.data-stats#linear_trend");
  const ran = await cli(["run", "fault", "--watch"]);
  expect([ran.code, ran.out]).toEqual([1, expect.stringContaining("a line needs at least two values")]);
  expect(ran.out).toContain("/do/0/ask");
  const listed = await cli(["runs", "list", "--status", "faulted", "--workflow", "fault"]);
  expect(listed.out).toMatch(/run_\w+ +✗ faulted +fault/);
});

test("a run can be left, seen, followed and cancelled", async () => {
  const file = join(folder, "wait.yaml");
  writeFileSync(
    file,
    'document: { dsl: "1.0.3", namespace: default, name: wait, version: "1.0.0" }\ndo: [ { p: { wait: PT1H } } ]\n',
  );
  const interrupt = new AbortController();
  const { code, err } = await cli(["run", file, "--watch"], {
    ...{ signal: interrupt.signal, isTTY: true },
    onErr: (shown) => shown.includes("0/1 p") && interrupt.abort(),
  });
  expect([code, err]).toEqual([130, expect.stringContaining("goes on: logomesh runs watch")]);
  const id = /run_\w+/.exec(err)?.[0] ?? "";
  expect((await cli(["runs", "show", id])).out).toContain("◷ waiting");
  const followed = cli(["runs", "watch", id, "--json"]);
  expect((await cli(["runs", "cancel", id])).out).toContain("⊘ cancelled");
  expect(JSON.parse((await followed).out)).toMatchObject({ id, status: "cancelled" });
  expect((await cli(["runs", "cancel", id])).err).toContain("LM_WORKFLOW_RUN_FINISHED");
  expect((await cli(["run", file, "--detach"])).out).toMatch(/^run_\w+\n$/);
});

test("plugins are listed, called, taken back, refused and granted again", async () => {
  const id = "org.logomesh.text-tools";
  const called = await cli(["plugin", "call", id, "slugify", "--arguments", '{"text":"Crème Brûlée"}']);
  expect([called.code, called.out]).toEqual([0, "slug: creme-brulee\n"]);
  expect((await cli(["plugin", "call", id, "slugify", "--arguments", "{"])).err).toContain("is not JSON");
  expect((await cli(["plugin", "call", id, "slugify", "--arguments", "[]"])).code).toBe(2);
  expect((await cli(["plugin", "call", id, "none"])).err).toContain("it has word_count, keywords, slugify");
  expect((await cli(["plugin", "revoke", id])).out).toContain("not granted");
  expect((await cli(["plugin", "call", id, "slugify", "--arguments", '{"text":"x"}'])).err).toContain(
    "LM_PLUGIN_NOT_GRANTED",
  );
  const granted = await cli(["plugin", "grant", id]);
  expect([granted.code, granted.err]).toEqual([
    0,
    expect.stringContaining("why: track_keywords keeps in how many texts"),
  ]);
  expect((await cli(["plugin", "load", id])).out).toContain("ready");
  expect((await cli(["plugin", "list"])).out).toContain("linear_trend");
  expect((await cli(["plugin", "unload", id, "--json"])).out).toContain('"state":"stopped"');
  expect((await cli(["plugin", "release", id])).code).toBe(0);
  expect((await cli(["plugin", "logs", id])).code).toBe(0);
  expect((await cli(["plugin", "list", "--json"])).out).toContain('"granted":true');
});

test("[PL95] the registry that the settings name is searched, page by page", async () => {
  const missing = await cli(["plugin", "search", "greets"]);
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("pluginRegistry in logomesh.yaml")]);
  for (const name of ["one", "two"]) await cli(["plugin", "create", join(root, "registry", name)]);
  expect((await cli(["plugin", "search", "greets"])).out).toContain(join(root, "registry/two"));
  expect((await cli(["plugin", "search", "greets", "--json"])).out).toContain('"org.example.one"');
  expect((await cli(["plugin", "search", "weather"])).out).toBe("No such plugins.\n");
});

test("models, thoughts and the login link", async () => {
  expect((await cli(["llm", "models"])).out).toContain("default → mock (simulated)");
  const chat = await cli(["llm", "chat", "Say this. It is short."]);
  expect([chat.out, chat.err]).toEqual([expect.stringContaining("It is short."), expect.stringContaining("simulated")]);
  expect(JSON.parse((await cli(["llm", "chat", "x y z", "--json", "--model", "mock"])).out)).toMatchObject({
    provider: "mock",
  });
  const added = (
    await cli(["thought", "add", "A \u001b[31mred\u001b[0m idea", "--tag", "t", "--body", "b"])
  ).out.trim();
  expect((await cli(["thought", "show", added])).out).toContain("␛[31mred");
  expect((await cli(["thought", "list", "--tag", "t"])).out).toContain(added);
  expect((await cli(["login"])).out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=\S+\n$/);
});

test("the log tells what happened, with prompts and answers", async () => {
  const listed = await cli(["audit", "query", "--kind", "llm.request", "--limit", "1", "--json"]);
  const [entry] = (JSON.parse(listed.out) as { items: { seq: number }[] }).items;
  expect((await cli(["audit", "show", String(entry?.seq)])).out).toContain("x y z");
  expect((await cli(["audit", "query", "--plugin", "org.logomesh.data-stats", "--limit", "200"])).out).toContain(
    "step.completed",
  );
  expect((await cli(["audit", "query", "--kind", "no.such"])).out).toBe("No such entries.\n");
  expect((await cli(["audit", "show", "x"])).code).toBe(2);
  const verified = await cli(["audit", "verify"]);
  expect([verified.code, verified.out]).toEqual([0, expect.stringContaining("whole and unchanged")]);
});

test("a copy of the workspace whose log was changed does not verify", async () => {
  const copy = join(folder, "copy");
  cpSync(join(root, ".logomesh"), join(copy, ".logomesh"), { recursive: true });
  writeFileSync(join(copy, "logomesh.yaml"), readFileSync(join(root, "logomesh.yaml")));
  const database = new DatabaseSync(join(copy, ".logomesh/logomesh.db"));
  database.exec(
    "UPDATE audit_entry SET body = CAST(replace(CAST(body AS TEXT), 'run.started', 'run.stopped') AS BLOB) WHERE instr(CAST(body AS TEXT), 'run.started') > 0",
  );
  database.close();
  const verified = await cli(["audit", "verify"], { env: { ...env, LOGOMESH_WORKSPACE: copy } });
  expect([verified.code, verified.out]).toEqual([1, expect.stringContaining("The log was changed")]);
});

test("[SB37] doctor looks at everything, and says what keeps each limit", async () => {
  const { code, out } = await cli(["doctor"]);
  expect(code).toBe(0);
  for (const name of ["Node.js", "Sandbox", "Limits", "Python", "Model", "Settings", "Keys", "Database"])
    expect(out).toContain(name);
  expect(out).toContain("in use by a running workbench");
  const elsewhere = await cli(["doctor", "--json"], {
    env: { ...env, LOGOMESH_WORKSPACE: join(folder, "none"), OLLAMA_HOST: "http://192.0.2.1:1" },
  });
  expect(JSON.parse(elsewhere.out)).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({ name: "Workspace", status: "warn" }),
      expect.objectContaining({
        name: "Limits",
        facts: {
          memory: expect.stringMatching(/^(cgroup v[12]|watchdog)$/),
          processes: expect.stringMatching(/^(cgroup v[12]|rlimit)$/),
          cpu: expect.stringMatching(/^(cgroup v[12]|none)$/),
        },
      }),
    ]),
  });
});

test("usage mistakes exit with 2 and say what is meant", async () => {
  expect(await cli([])).toMatchObject({ code: 2, out: expect.stringContaining("audit verify") });
  expect(await cli(["--help"])).toMatchObject({ code: 0 });
  expect(await cli(["rums"])).toMatchObject({ code: 2, err: expect.stringContaining("Did you mean “runs”?") });
  expect(await cli(["xyzzyplugh"])).toMatchObject({ code: 2, err: expect.stringContaining("See: logomesh") });
  expect(await cli(["runs"])).toMatchObject({ code: 2, err: expect.stringContaining("runs list") });
  expect(await cli(["runs", "show"])).toMatchObject({ code: 2, err: expect.stringContaining("<run>") });
  expect(await cli(["runs", "list", "--wrong"])).toMatchObject({ code: 2 });
  expect(await cli(["runs", "list", "--limit", "x"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("whole number"),
  });
  expect(await cli(["run", "a b/c/d"])).toMatchObject({ code: 2 });
  expect(await cli(["run", "reading-digest", "--input", "novalue"])).toMatchObject({ code: 2 });
  expect(await cli(["run", "--help"])).toMatchObject({ code: 0, out: expect.stringContaining("--input-file <…>") });
  expect(await cli(["run", "missing.yaml"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("There is no file"),
  });
  expect(await cli(["run", "nothing-like-it"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("LM_WORKFLOW_NOT_FOUND"),
  });
});

test("without a workbench commands say how to start one, and run brings its own", async () => {
  const alone = join(folder, "alone");
  const other = { ...env, LOGOMESH_WORKSPACE: alone };
  expect(await cli(["runs", "list"], { env: other })).toMatchObject({
    code: 1,
    err: expect.stringContaining("logomesh init"),
  });
  expect((await cli(["init"], { env: other })).code).toBe(0);
  expect(await cli(["runs", "list"], { env: other })).toMatchObject({
    code: 69,
    err: expect.stringContaining("logomesh start"),
  });
  expect(await cli(["run", "reading-digest", "--detach", "--input", "text=x"], { env: other })).toMatchObject({
    code: 69,
  });
  const ran = await cli(["run", "reading-digest", "--input", "text=A sentence.", "--json"], { env: other });
  expect(JSON.parse(ran.out)).toMatchObject({ status: "completed" });
  expect(await cli(["runs", "list"], { env: other })).toMatchObject({ code: 69 });
});

test("a taken port is named with the setting that changes it", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const taken = await cli(["start"], {
    env: { ...env, LOGOMESH_WORKSPACE: join(folder, "alone"), LOGOMESH_PORT: String(port) },
  });
  server.close();
  expect(taken).toMatchObject({ code: 1, err: expect.stringContaining("LOGOMESH_PORT") });
});
