import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, Plugin } from "@logomesh/contracts";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../../base/index.ts";
import { SqlitePluginStore } from "../../storage/index.ts";
import { createTempFolder, silentLogger as logger } from "../../testing/index.ts";
import { createBubblewrapSandbox } from "../sandbox/bubblewrapSandbox.ts";
import { writePlugin } from "../testing.ts";
import { PluginHost } from "../pluginHost.ts";
import { CALLER, TestHost } from "../testingHost.ts";
import { createPlugin } from "./createPlugin.ts";
import { testBundle } from "./testBundle.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const SDKS = {
  ...{ nodeSdkFolder: join(REPOSITORY, "plugins/sdk-node"), pythonSdkFolder: join(REPOSITORY, "plugins/sdk-python") },
  shellSdkFolder: join(REPOSITORY, "plugins/sdk-shell"),
};
const NEVER = new AbortController().signal;
const sandbox = createBubblewrapSandbox({ logger, clock: systemClock, nodePath: process.execPath });
afterAll(() => sandbox[Symbol.dispose]());

async function runTests(folder: string, signal = new AbortController().signal) {
  let output = "";
  const result = await testBundle({
    ...{ ...SDKS, folder, sandbox, signal, clock: systemClock },
    onOutput: (text) => (output += text),
  });
  return { ...result, output };
}

test.each(["node-ts", "python", "shell"])(
  "[PL72] [PL74] [PL300] the template %s passes its tests in the sandbox and answers",
  async (name) => {
    using folder = createTempFolder();
    const made = createPlugin({
      template: join(REPOSITORY, "templates/plugins", name),
      folder: join(folder.path, "hello"),
    });
    const { isPassed, output, files } = await runTests(join(folder.path, "hello"));
    expect({ isPassed, output }).toMatchObject({ isPassed: true });
    expect(files).toHaveLength(1);
    await using host = new TestHost();
    cpSync(join(folder.path, "hello"), join(host.pluginsFolder, "hello"), { recursive: true });
    host.services = { store: new SqlitePluginStore(host.database) };
    await host.open();
    const { structuredContent } = await host.call("greet", { name: "Ada; $(id)" }, { pluginId: made.id });
    const isCounted = name !== "shell";
    expect(structuredContent).toEqual({ text: "Hello, Ada; $(id)!", ...(isCounted ? { times: 1 } : {}) });
  },
);

test.each([
  ["text-tools", "text-tools.test.ts"],
  ["data-stats", "test_stats.py"],
])("[PL74] [PL300] the sample %s passes its tests in the sandbox", async (name, file) => {
  expect(await runTests(join(REPOSITORY, "plugins", name))).toMatchObject({ isPassed: true, files: [file] });
});

test("[PL74] [PL305] the sample for the shell passes its tests in the sandbox and answers what its schema says", async () => {
  const folder = join(REPOSITORY, "plugins/log-triage");
  expect(await runTests(folder)).toMatchObject({ isPassed: true, files: ["tools.test.yaml"] });
  await using host = new TestHost();
  cpSync(folder, join(host.pluginsFolder, "log-triage"), { recursive: true });
  await host.open();
  const call = async (tool: string, args: JsonObject) =>
    (await host.call(tool, args, { pluginId: "org.logomesh.log-triage" })).structuredContent;
  const text = "INFO up\nERROR lost 10.0.0.1\nERROR lost 10.0.0.2\n";
  expect(await call("levels", { text })).toEqual({ lines: 3, error: 2, warning: 0, info: 1, debug: 0, other: 0 });
  expect(await call("frequent_errors", { text, limit: 1 })).toEqual({ text: "2\tlost #.#.#.#" });
});

test("[PL159] the decorators of the README, compiled by tsc, are tools in the sandbox", async () => {
  await using host = new TestHost();
  const readme = readFileSync(join(SDKS.nodeSdkFolder, "README.md"), "utf8");
  const source = /```ts\n([^`]*?@tool[\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const work = join(host.root, "work");
  mkdirSync(join(work, "node_modules/@logomesh"), { recursive: true });
  symlinkSync(SDKS.nodeSdkFolder, join(work, "node_modules/@logomesh/plugin-sdk"));
  writeFileSync(join(work, "package.json"), '{"type":"module"}');
  writeFileSync(join(work, "index.ts"), source);
  const types = ["--typeRoots", join(REPOSITORY, "node_modules/@types"), "--types", "node"];
  const options = ["--target", "es2022", "--module", "nodenext", "--strict", "--skipLibCheck", ...types];
  execFileSync(
    join(REPOSITORY, "node_modules/.bin/tsc"),
    [...options, "--allowImportingTsExtensions", "--rewriteRelativeImportExtensions", "--outDir", "out", "index.ts"],
    { cwd: work },
  );
  const compiled = globSync("**/index.js", { cwd: join(work, "out") }).find((path) => !path.includes("sdk-node"));
  const javascript = readFileSync(join(work, "out", compiled ?? "index.js"), "utf8");
  expect(javascript).not.toContain("@tool");
  host.write("greeter", { files: { "index.mjs": javascript } });
  await using plugins = await PluginHost.open({ ...host.options, sandbox });
  const [{ id, sha256 }] = plugins.list() as [Plugin];
  await plugins.grant(id, { sha256, caller: CALLER });
  const greet = async (args: JsonObject) =>
    plugins.call({ pluginId: id, tool: "greet" }, { arguments: args }, { caller: CALLER, signal: NEVER });
  expect((await greet({ name: "Ada" })).structuredContent).toEqual({ text: "Hello, Ada!", count: 1 });
  expect((await greet({ name: "Ada" })).structuredContent).toEqual({ text: "Hello, Ada!", count: 2 });
  await expect(greet({ name: 7 })).rejects.toMatchObject({ code: "LM_PLUGIN_INPUT_INVALID" });
}, 60_000);

test("[PL74] tests that fail, hang, reach out or are missing are a failure", async () => {
  using folder = createTempFolder();
  const failing = writePlugin(join(folder.path, "a"), {
    files: {
      "index.mjs": "",
      "a.test.mjs": `import { test } from "node:test"; test("no", () => { throw new Error("on purpose"); });`,
    },
  });
  expect(await runTests(failing)).toMatchObject({ isPassed: false, output: expect.stringContaining("on purpose") });
  const reaching = writePlugin(join(folder.path, "b"), {
    manifest: { runtime: "python" },
    files: {
      "main.py": "",
      "test_reach.py": `import os, socket, unittest
class Reach(unittest.TestCase):
    def test_network(self): socket.create_connection(("127.0.0.1", 80))
    def test_files(self): os.listdir("/root")`,
    },
  });
  const reached = await runTests(reaching);
  expect(reached).toMatchObject({ isPassed: false, output: expect.stringMatching(/FAILED \(errors=2\)/) });
  const silent = writePlugin(join(folder.path, "c"), { files: { "index.mjs": "" } });
  await expect(runTests(silent)).rejects.toThrow(/has no tests. Add one, for example greet.test.ts/);
  const shell = {
    manifest: { runtime: "shell" },
    files: { run: "#!/bin/sh\n", "test_a.sh": "exit 3", "test_b.sh": "sleep 600" },
  };
  const hanging = writePlugin(join(folder.path, "d"), shell);
  const stop = new AbortController();
  const running = runTests(hanging, stop.signal);
  setTimeout(() => stop.abort(new Error("Ctrl-C")), 1_000);
  await expect(running).rejects.toThrow("Ctrl-C");
  const taken = writePlugin(join(folder.path, "e"), {
    files: { "index.mjs": "", "a.test.mjs": "", "logomesh-tests.ts": "" },
  });
  await expect(runTests(taken)).rejects.toMatchObject({ code: "LM_CONFLICT" });
});

const TABLE = {
  say: {
    description: "Says everything it was told.",
    input_schema: { type: "object", properties: { maxCount: { type: "integer" } }, required: ["maxCount"] },
  },
  sum: {
    description: "Counts.",
    output_schema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
  },
  ...{ fail: { description: "Fails." }, prose: { description: "Prints no JSON.", output_schema: { type: "object" } } },
  ...{ flood: { description: "Prints much." }, sleep: { description: "Sleeps." } },
};
const SCRIPT = `#!/bin/bash
case "$1" in
  say) echo "tool=$1 extra=$2 count=$ARG_MAX_COUNT list=$ARG_LIST stdin=$(cat /dev/stdin)" > /dev/stdout ;;
  sum) echo '{"n": 3}' ;;
  fail) echo "not today"; echo "why" >&2; exit 4 ;;
  prose) echo "hello" ;;
  flood) head -c 700000 /dev/zero | tr '\\0' x ;;
  sleep) sleep 301 & sleep 302 ;;
esac
`;

test("[PL75] a shell plugin is an executable and a table: arguments, results, failures and a cancel", async () => {
  await using host = new TestHost();
  host.write("shell", {
    files: { "tools.sh": SCRIPT },
    manifest: { runtime: "shell", args: ["--x y"], tools: TABLE },
  });
  await host.open();
  const text = async (tool: string, args = {}) => (await host.call(tool, args)).structuredContent;
  expect(await text("say", { maxCount: 7, list: ["a b"] })).toEqual({
    text: `tool=say extra=--x y count=7 list=["a b"] stdin={"maxCount":7,"list":["a b"]}`,
  });
  await expect(text("say", { maxCount: "x" })).rejects.toMatchObject({ code: "LM_PLUGIN_INPUT_INVALID" });
  expect(await text("sum")).toEqual({ n: 3 });
  expect(await host.call("fail")).toMatchObject({ isError: true, content: [{ text: "fail ended with 4: not today" }] });
  expect(await host.call("prose")).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/printed no JSON/) }],
  });
  expect(await host.call("flood")).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/at most 524288/) }],
  });
  const stop = new AbortController();
  const sleeping = host.call("sleep", {}, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 500);
  await expect(sleeping).rejects.toThrow("enough");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toMatch(/^sleep 30[12]$/m);
  expect(host.host.list()[0]?.tools.map(({ name }) => name)).toEqual(Object.keys(TABLE));
});
