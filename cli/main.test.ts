import { ERROR_CATALOGUE, LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { COMMANDS } from "./commands/index.ts";
import { runCli, running } from "./testing/runCli.ts";
import { createStubWorkbench } from "./testing/stubWorkbench.ts";

const EMPTY = { items: [], nextCursor: null };
const quiet = running(createStubWorkbench({ listRuns: () => EMPTY }));
const nothing = { find: () => Promise.resolve(undefined), start: () => Promise.reject(new Error("not asked")) };

test("without words the commands are listed; it is an error unless help was asked for", async () => {
  const { code, out } = await runCli([]);
  expect(code).toBe(2);
  for (const name of Object.keys(COMMANDS)) expect(out).toContain(`  ${name} `);
  for (const argv of [["--help"], ["-h"], ["help"]]) expect(await runCli(argv)).toEqual({ code: 0, out, err: "" });
});

test("every command has help with its options, in all the ways one asks for it", async () => {
  for (const [name, { summary, options }] of Object.entries(COMMANDS)) {
    const words = name.split(" ");
    const { code, out, err } = await runCli([...words, "--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(summary);
    for (const option of [...Object.keys(options ?? {}), "json", "help"]) expect(out).toContain(`--${option}`);
    expect(await runCli([...words, "-h"])).toMatchObject({ code: 0, out });
    expect(await runCli(["help", ...words])).toMatchObject({ code: 0, out });
  }
});

test("a noun alone lists its commands: asked for on standard output, else as a mistake on standard error", async () => {
  const asked = await runCli(["runs", "--help"]);
  expect(asked).toMatchObject({ code: 0, err: "", out: expect.stringContaining("runs cancel   Cancel a run") });
  expect(await runCli(["runs"])).toEqual({ code: 2, out: "", err: asked.out });
});

test.each([
  [["rnus", "list"], "Did you mean “runs”?"],
  [["audti", "verify"], "Did you mean “audit”?"],
  [["xyzzyplugh"], "There is no command “xyzzyplugh”.\n  See: logomesh --help"],
  [["runs", "lst"], "Did you mean “runs list”?"],
  [
    ["runs", "explode"],
    "There is: list, show, watch, cancel, signal, prune, bulk, replay, compare, suspend, resume, retry.\n  See: logomesh runs --help",
  ],
  [["runs", "list", "--limt", "3"], "There is no option “--limt”. Did you mean “--limit”?"],
  [["runs", "list", "--zzzzzzz"], "There is no option “--zzzzzzz”.\n  See: logomesh runs list --help"],
  [["runs", "list", "--limit"], "argument missing"],
  [["runs", "list", "extra"], "Write: logomesh runs list [--status <status>]"],
  [["runs", "show"], "Write: logomesh runs show <run>"],
  [["runs", "list", "--limit", "0"], "--limit must be a whole number from 1 to 500, not “0”"],
  [["runs", "list", "--limit", "1e2"], "not “1e2”"],
  [["runs", "list", "--status", "done"], "must be one of pending, running,"],
  [["plugin", "call", "a", "b", "--arguments", "{"], "--arguments is not JSON"],
  [["plugin", "call", "a", "b", "--arguments", "[]"], "--arguments must be a JSON object"],
  [["run", "a b"], "neither a file (.yaml, .json) nor a workflow's name"],
  [["run", "a", "--input", "novalue"], "--input is <name>=<value>, not “novalue”\n  See: logomesh run --help"],
  [["run", "a", "--watch", "--detach"], "give one of them"],
  [["audit", "show", "first"], "an entry has a number, not “first”"],
  [["constructor"], "There is no command"],
  [["\u001b[2J"], "There is no command “␛[2J”"],
])("%j is a usage mistake", async (argv, message) => {
  const { code, out, err } = await runCli(argv, { workbenches: quiet });
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(message);
});

test("a log that was not verified has an exit code of its own, whatever kept it from being verified", async () => {
  for (const argv of [
    ["audit", "verify", "--ofline"],
    ["audit", "verify", "now"],
    ["--json", "audit", "verify", "now"],
  ])
    expect(await runCli(argv)).toMatchObject({
      code: 3,
      out: "",
      err: expect.stringContaining("logomesh audit verify"),
    });
  const failed = await runCli(["audit", "verify"], { workbenches: nothing });
  expect(failed).toMatchObject({ code: 3, out: "", err: expect.stringContaining("LM_WORKSPACE_INVALID") });
});

test("--json may stand anywhere", async () => {
  const expected = { code: 0, out: `${JSON.stringify(EMPTY)}\n`, err: "" };
  for (const argv of [
    ["--json", "runs", "list"],
    ["runs", "--json", "list"],
    ["runs", "list", "--json"],
  ]) {
    expect(await runCli(argv, { workbenches: quiet })).toEqual(expected);
  }
});

test("without a workbench: exit code 69 and the line that starts one", async () => {
  const { code, out, err } = await runCli(["runs", "list"], { workbenches: nothing, cwd: "/here" });
  expect({ code, out }).toEqual({ code: 69, out: "" });
  expect(err).toBe(
    "✗ No workbench is running: Nothing serves the workspace /here/workspace.\n" +
      `  ${ERROR_CATALOGUE.LM_API_NO_SERVER.help}\n  LM_API_NO_SERVER\n`,
  );
});

test("an error is title, detail, places or help, and code; with --json it is the problem document", async () => {
  const error = new LogoMeshError("LM_WORKFLOW_INVALID", "The definition \u001b[31mhas faults.", {
    problems: [
      { pointer: "/do/0", message: "no such task", line: 3, column: 5 },
      { pointer: "", message: "version is missing" },
    ],
  });
  const failing = {
    ...nothing,
    find: () => Promise.reject(error),
  };
  const { title } = ERROR_CATALOGUE.LM_WORKFLOW_INVALID;
  expect(await runCli(["runs", "list"], { workbenches: failing })).toEqual({
    code: 1,
    out: "",
    err:
      `✗ ${title}: The definition ␛[31mhas faults.\n    line 3, column 5 /do/0 no such task\n    · version is missing\n` +
      "  LM_WORKFLOW_INVALID\n",
  });
  const single = new LogoMeshError("LM_INPUT_INVALID", "/text: is no text.", {
    problems: [{ pointer: "/text", message: "is no text" }],
  });
  const said = await runCli(["runs", "list"], { workbenches: { ...nothing, find: () => Promise.reject(single) } });
  expect(said.err).toBe(`✗ ${ERROR_CATALOGUE.LM_INPUT_INVALID.title}: /text: is no text.\n  LM_INPUT_INVALID\n`);
  const { err } = await runCli(["runs", "list", "--json"], { workbenches: failing });
  expect(JSON.parse(err)).toEqual(error.toProblem());
});

test("a bug of ours is said to be one, without a stack unless it is asked for", async () => {
  const broken = { ...nothing, find: () => Promise.reject(new RangeError("oops")) };
  const plain = await runCli(["runs", "list"], { workbenches: broken });
  expect(plain.code).toBe(1);
  expect(plain.err).toContain("RangeError: oops");
  expect(plain.err).not.toContain("    at ");
  const debug = await runCli(["runs", "list"], { workbenches: broken, env: { LOGOMESH_LOG: "debug" } });
  expect(debug.err).toContain("    at ");
  const strange = { ...nothing, find: () => Promise.reject("no error at all") };
  expect((await runCli(["login"], { workbenches: strange })).err).toContain("no error at all");
});

test("an interrupted request exits with 130 and says nothing", async () => {
  const interrupt = new AbortController();
  const workbenches = {
    ...nothing,
    find: () => {
      interrupt.abort(new DOMException("interrupted", "AbortError"));
      return quiet.find({ env: {}, root: "" });
    },
  };
  const result = await runCli(["runs", "list"], { workbenches, signal: interrupt.signal });
  expect(result).toEqual({ code: 130, out: "", err: "" });
});

test.each([
  [{}, true],
  [{ NO_COLOR: "1" }, false],
  [{ NO_COLOR: "" }, true],
  [{ TERM: "dumb" }, false],
])("colours go to a terminal unless %j forbids them", async (env, isColoured) => {
  const { out } = await runCli(["--help"], { env, isTTY: true });
  expect(out.includes("\u001b[1m")).toBe(isColoured);
  expect((await runCli(["--help"], { env })).out).not.toContain("\u001b");
});

test("the workspace is what the environment says, relative to where one stands", async () => {
  const rootOf = async (env: NodeJS.ProcessEnv) => {
    const { err } = await runCli(["login"], { env, cwd: "/here", workbenches: nothing });
    return /workspace (\/\S+)\./.exec(err)?.[1];
  };
  expect(await rootOf({ LOGOMESH_WORKSPACE: "w" })).toBe("/here/w");
  expect(await rootOf({ LOGOMESH_WORKSPACE: "/w" })).toBe("/w");
  expect(await rootOf({ LOGOMESH_WORKSPACE: "" })).toBe("/here/workspace");
});
