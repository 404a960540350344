import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

const PYTHON = "/usr/bin/python3";
/** What the workbench does: isolated, then the bundle and its vendor folder on the path. */
const BOOTSTRAP = "import sys, runpy; sys.path[:0] = sys.argv[1:3]; runpy.run_path(sys.argv[3], run_name='__main__')";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "logomesh-sdk-"));
  cpSync(join(import.meta.dirname, "logomesh"), join(folder, "vendor/logomesh"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(file: string, source: string) {
  const path = join(folder, file);
  writeFileSync(path, source);
  const child = spawn(PYTHON, ["-I", "-B", "-X", "utf8", "-c", BOOTSTRAP, folder, join(folder, "vendor"), path], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {},
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    stderr: () => stderr,
    write: (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`),
    read: async () => JSON.parse((await lines.next()).value as string) as unknown,
    end: async () => {
      const closed = once(child, "close");
      child.stdin.end();
      const [code] = await closed;
      return { code: code as number, rest: (await lines.next()).value as unknown };
    },
  };
}

const INITIALIZE = { jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25" } };
const call = (id: number, name: string, args: unknown) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

test("the Python tests of the SDK pass", () => {
  const { stderr, status } = spawnSync(PYTHON, ["-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  const ran = Number(/Ran (\d+) tests/.exec(stderr)?.[1] ?? 0);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(ran).toBeGreaterThan(20);
});

test("Python is new enough for the SDK", () => {
  const version = execFileSync(PYTHON, ["-c", "import sys; print(sys.version_info >= (3, 11))"], { encoding: "utf8" });
  expect(version.trim()).toBe("True");
});

test("the hello-world of the README has at most 15 lines and runs", async () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
  const source = /```python\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(source.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(15);
  const plugin = start("hello.py", source);
  plugin.write(INITIALIZE);
  expect(await plugin.read()).toMatchObject({ id: 0, result: { serverInfo: { name: "hello" } } });
  plugin.write(call(1, "greet", { name: "Ada" }));
  expect(await plugin.read()).toMatchObject({ id: 1, result: { structuredContent: { text: "Hello, Ada!" } } });
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
});

const NOISY = `
import os, subprocess, sys
from logomesh import Plugin
plugin = Plugin("noisy", "1.0.0")

@plugin.tool(effect="pure", description="Writes where it must not, and reads what is not its own.")
def shout() -> str:
    print("one")
    sys.stdout.write("two\\n")
    os.write(1, b"three\\n")
    subprocess.run(["/bin/echo", "four"])
    return f"quiet {sys.stdin.read()!r}"

@plugin.tool(effect="once", description="Ignores its cancel.")
def stubborn() -> None:
    import time
    time.sleep(60)

plugin.serve()
`;

test("what a handler prints goes to stderr, never into the protocol, and stdin is not its to read", async () => {
  const plugin = start("noisy.py", NOISY);
  plugin.write(INITIALIZE);
  await plugin.read();
  plugin.write(call(1, "shout", {}));
  expect(await plugin.read()).toEqual({
    jsonrpc: "2.0",
    id: 1,
    result: { content: [{ type: "text", text: "quiet ''" }], isError: false },
  });
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
  expect(plugin.stderr().split("\n").toSorted()).toEqual(["", "four", "one", "three", "two"]);
});

test("closing stdin ends a plugin whose handler ignores its cancel, before the workbench would kill it", async () => {
  const plugin = start("stubborn.py", NOISY);
  plugin.write(INITIALIZE);
  await plugin.read();
  plugin.write(call(1, "stubborn", {}));
  plugin.write({ jsonrpc: "2.0", id: 2, method: "ping" });
  await plugin.read();
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
});
