import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { loadConfig, type Config, type ConfigEnvironment } from "./index.ts";

const DEFAULTS: Config = {
  host: "127.0.0.1",
  port: 7420,
  allowedHosts: [],
  sharedFolders: ["src", "docs"],
  pluginRegistry: "registry",
  concurrency: { steps: 64, localModels: 1, models: {}, plugins: {} },
  logLevel: "info",
  ollamaUrl: "http://127.0.0.1:11434",
};

function load(text: string | undefined, environment: ConfigEnvironment = {}): Config {
  using folder = createTempFolder();
  const file = join(folder.path, "logomesh.yaml");
  if (text !== undefined) writeFileSync(file, text);
  return loadConfig({ file, environment });
}

function faultOf(text: string, environment: ConfigEnvironment = {}): LogoMeshError {
  try {
    load(text, environment);
  } catch (error) {
    if (error instanceof LogoMeshError) return error;
  }
  throw new Error("accepted");
}

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["of comments", "# port: 1\n"],
])("a file that is %s means defaults", (_what, text) => {
  expect(load(text)).toEqual(DEFAULTS);
});

test("the file's settings are taken", () => {
  expect(
    load(
      "host: 0.0.0.0\nport: 8000\nallowedHosts: [mesh.local]\nlog: warn\ndevShellSandboxPaths: [notes/a]\npluginRegistry: /srv/plugins\n",
    ),
  ).toEqual({
    ...DEFAULTS,
    sharedFolders: ["notes/a"],
    pluginRegistry: "/srv/plugins",
    host: "0.0.0.0",
    port: 8000,
    allowedHosts: ["mesh.local"],
    logLevel: "warn",
  });
});

test("limits of what is done at once are taken one by one", () => {
  expect(load("concurrency:\n  localModels: 2\n  plugins: { text-tools: 3 }\n").concurrency).toEqual({
    ...DEFAULTS.concurrency,
    localModels: 2,
    plugins: { "text-tools": 3 },
  });
});

test("the settings that the guide to workflows shows are settings", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/workflows.md"), "utf8");
  const shown = /^```yaml\n(concurrency:[\s\S]*?)^```$/m.exec(page)?.[1] ?? "";
  expect(load(shown).concurrency).toEqual({
    ...{ steps: 64, localModels: 1 },
    ...{ models: { "qwen3:4b": 2 }, plugins: { "org.logomesh.text-tools": 4 } },
  });
});

test("the environment overrides the file; an empty variable does not", () => {
  const text = "port: 8000\nlog: warn\nhost: localhost\n";
  expect(load(text, { LOGOMESH_PORT: "0", LOGOMESH_LOG: "DEBUG", LOGOMESH_HOST: "::1" })).toMatchObject({
    port: 0,
    logLevel: "debug",
    host: "::1",
  });
  expect(load(text, { LOGOMESH_PORT: " ", LOGOMESH_LOG: "", LOGOMESH_HOST: "", OLLAMA_HOST: "" })).toEqual({
    ...DEFAULTS,
    port: 8000,
    logLevel: "warn",
    host: "localhost",
  });
});

test.each<[string, object]>([
  ["host: localhost\nprot: 1\n", { pointer: "/prot", message: 'there is no setting "prot"', line: 2, column: 1 }],
  ["host: localhost\nport: high\n", { pointer: "/port", line: 2, column: 1 }],
  ["devShellSandboxPaths: [src, ../up]", { pointer: "/devShellSandboxPaths/1", line: 1 }],
  ["devShellSandboxPaths: [/etc]", { pointer: "/devShellSandboxPaths/0", line: 1 }],
  ["devShellSandboxPaths: [a//b]", { pointer: "/devShellSandboxPaths/0", line: 1 }],
  ["concurrency: { models: { big: 0 } }", { pointer: "/concurrency/models/big", line: 1 }],
  ["concurrency: { step: 1 }", { pointer: "/concurrency/step", message: 'there is no setting "step"' }],
  ["port: 70000", { pointer: "/port", line: 1 }],
  ["allowedHosts:\n  - mesh.local\n  - 7\n", { pointer: "/allowedHosts/1", line: 3, column: 5 }],
  ["port: 1\nport: 2\n", { pointer: "", line: 2 }],
  ["host: [", { pointer: "" }],
  ["- a\n", { pointer: "", line: 1, column: 1 }],
])("the fault of %j is found with its place", (text, problem) => {
  const error = faultOf(text);
  expect(error.code).toBe("LM_SETTINGS_INVALID");
  expect(error.problems?.[0]).toMatchObject(problem);
  expect(error.message).toMatch(/logomesh\.yaml:\d+:\d+: /);
});

test.each<ConfigEnvironment>([
  { LOGOMESH_PORT: "http" },
  { LOGOMESH_PORT: "65536" },
  { LOGOMESH_PORT: "-1" },
  { LOGOMESH_LOG: "loud" },
  { OLLAMA_HOST: "http://" },
  { OLLAMA_HOST: "a b" },
])("a variable that is not valid is named: %j", (environment) => {
  const [name = ""] = Object.keys(environment);
  const error = faultOf("", environment);
  expect(error.code).toBe("LM_SETTINGS_INVALID");
  expect(error.message).toContain(`${name}=`);
});

test("an address with a password is refused without repeating it", () => {
  expect(faultOf("", { OLLAMA_HOST: "http://me:s3cret@h" }).message).not.toContain("s3cret");
});

test.each([
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["[::]:99", "http://[::1]:99"],
  ["box", "http://box:11434"],
  ["box:80", "http://box"],
  ["http://box:8080/", "http://box:8080"],
  ["https://box/ollama/", "https://box/ollama"],
])("OLLAMA_HOST=%s means %s", (value, ollamaUrl) => {
  expect(load("", { OLLAMA_HOST: value }).ollamaUrl).toBe(ollamaUrl);
});
