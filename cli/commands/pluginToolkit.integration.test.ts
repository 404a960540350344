import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { runCli, running } from "../testing/runCli.ts";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";

test("a plugin is made, checked, tested in the sandbox and packed without a workbench", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  const made = await runCli(["plugin", "create", "words", "--runtime", "shell"], { cwd });
  expect(made).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^org.example.words is in .*tools.sh, tools.test.yaml\n$/),
  });
  expect(made.err).toContain("logomesh plugin dev words --grant");
  expect(await runCli(["plugin", "validate", "words"], { cwd })).toMatchObject({
    ...{
      code: 0,
      out: expect.stringMatching(/^✓ org.example.words 0.1.0: 4 files, \d+ bytes, sha256 [0-9a-f]{64}\n$/),
    },
  });
  const tested = await runCli(["plugin", "test", "words"], { cwd });
  expect(tested).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^ok tools.test.yaml: the person .*\n✓ 1 file of tests passed\n$/s),
  });
  for (const format of ["tgz", "mcpb"]) {
    const packed = await runCli(["plugin", "pack", "words", "--format", format, "--json"], { cwd });
    const { file } = JSON.parse(packed.out) as { file: string };
    expect(existsSync(file)).toBe(true);
    expect(await runCli(["plugin", "validate", file], { cwd })).toMatchObject({ code: 0 });
  }
});

test("what is wrong is said with file, line, field, value and fix", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  await runCli(["plugin", "create", "words", "--id", "com.acme.words", "--json"], { cwd });
  const file = join(cwd, "words/plugin.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"0.1.0"', '"one"').replace('"license": "MIT",', ""));
  const { code, out } = await runCli(["plugin", "validate", "words"], { cwd });
  expect({ code, out }).toEqual({
    code: 1,
    out: `✗ words/plugin.json:4:14 /version "one" is not valid: use a semantic version, for example 1.0.0\n`,
  });
  const json = await runCli(["plugin", "validate", "words", "--json"], { cwd });
  expect(JSON.parse(json.out)).toMatchObject({
    valid: false,
    problems: [{ pointer: "/version", line: 4, column: 14 }],
  });
});

test("mistakes of usage and of folders end with their codes", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  const code = async (line: string) => (await runCli(line.split(" "), { cwd })).code;
  expect(await code("plugin create words --runtime rust")).toBe(2);
  expect(await code("plugin create words --runtime python")).toBe(0);
  expect(await code("plugin create words --runtime python")).toBe(1);
  expect(await code("plugin validate none")).toBe(1);
  expect(await code("plugin pack none")).toBe(1);
  writeFileSync(join(cwd, "words/test_main.py"), "raise SystemExit(3)");
  const failed = await runCli(["plugin", "test", "words"], { cwd });
  expect(failed).toMatchObject({ code: 1, out: expect.stringContaining("✗ the tests of words failed") });
  expect(JSON.parse((await runCli(["plugin", "test", "words", "--json"], { cwd })).out)).toMatchObject({
    passed: false,
  });
});

test("an import of what cannot be taken over says so and installs nothing", async () => {
  using folder = createTempFolder();
  writeFileSync(join(folder.path, "s.json"), '{"mcpServers":{"a":{"command":"docker","args":["run","x"]}}}');
  const workbench = createStubWorkbench({});
  const run = (line: string) => runCli(line.split(" "), { cwd: folder.path, workbenches: running(workbench) });
  expect(await run("plugin import s.json")).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("`docker run x` is not taken over") },
  });
  expect((await run("plugin import npm:../x")).err).toContain("is no package");
  expect((await run("plugin import npm:x --args {}")).code).toBe(2);
  expect(workbench.requests).toEqual([]);
});

test("a local registry is searched, and says how to install what it found", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  await runCli(["plugin", "create", "registry/words"], { cwd });
  const { out } = await runCli(["plugin", "search", "greets", "--registry", "registry"], { cwd });
  expect(out).toBe(
    `org.example.words 0.1.0  0 installs\n  Greets whoever it is told of.\n  logomesh plugin install ${join(cwd, "registry/words")}\n`,
  );
  expect((await runCli(["plugin", "search", "weather", "--registry", "registry"], { cwd })).out).toBe(
    "No such plugins.\n",
  );
  expect((await runCli(["plugin", "search", "--registry", "none"], { cwd })).code).toBe(1);
  expect(
    JSON.parse((await runCli(["plugin", "search", "--json", "--registry", "registry"], { cwd })).out),
  ).toMatchObject({ items: [{}] });
});
