import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder = "";

/** Compiles the SDK as the bootstrap does and lays it beside plugins as the workbench does. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "logomesh-sdk-"));
  const home = join(folder, "node_modules/@logomesh/plugin-sdk");
  execFileSync("vite", ["build", import.meta.dirname, "--logLevel", "warn", "--outDir", join(home, "dist")]);
  cpSync(join(import.meta.dirname, "package.json"), join(home, "package.json"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(file: string, source: string) {
  writeFileSync(join(folder, file), source);
  const child = spawn(process.execPath, [join(folder, file)], { stdio: ["pipe", "pipe", "pipe"], env: {} });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
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

test("the hello-world of the README has at most 15 lines and runs", async () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
  const source = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(source.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(15);
  const plugin = start("hello.ts", source);
  plugin.write(INITIALIZE);
  expect(await plugin.read()).toMatchObject({ id: 0, result: { serverInfo: { name: "hello" } } });
  plugin.write(call(1, "greet", { name: "Ada" }));
  expect(await plugin.read()).toMatchObject({ id: 1, result: { structuredContent: { text: "Hello, Ada!" } } });
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
});

const NOISY = `
import { definePlugin } from "@logomesh/plugin-sdk";
const plugin = definePlugin({ name: "noisy", version: "1.0.0" });
plugin.tool("shout", {
  description: "Writes where it must not.", effect: "pure",
  handler: () => {
    console.log("one"); console.table([{ a: 1 }]); process.stdout.write("two\\n"); globalThis.console.info("three");
    return "quiet";
  },
});
plugin.tool("stubborn", {
  description: "Ignores its signal.", effect: "once",
  handler: (_, { signal }) => new Promise(() => { setInterval(() => {}, 1000); signal.addEventListener("abort", () => console.log("aborted")); }),
});
await plugin.serve();
`;

test("what a handler prints goes to stderr, never into the protocol", async () => {
  const plugin = start("noisy.ts", NOISY);
  plugin.write(INITIALIZE);
  await plugin.read();
  plugin.write(call(1, "shout", {}));
  expect(await plugin.read()).toEqual({
    jsonrpc: "2.0",
    id: 1,
    result: { content: [{ type: "text", text: "quiet" }], isError: false },
  });
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
  expect(plugin.stderr()).toMatch(/one[\s\S]*a[\s\S]*two[\s\S]*three/);
});

test("closing stdin ends a plugin whose handler ignores its signal, before the workbench would kill it", async () => {
  const plugin = start("stubborn.ts", NOISY);
  plugin.write(INITIALIZE);
  await plugin.read();
  plugin.write(call(1, "stubborn", {}));
  plugin.write({ jsonrpc: "2.0", id: 2, method: "ping" });
  await plugin.read();
  expect(await plugin.end()).toEqual({ code: 0, rest: undefined });
  expect(plugin.stderr()).toContain("aborted");
});
