import { expect, test } from "vitest";
import { fixtureServer } from "./testing.ts";
import { TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";

async function startOf(source: string, manifest: Record<string, unknown> = {}, entry = "index.mjs") {
  await using host = new TestHost();
  host.write("p", {
    files: { [entry]: source },
    manifest,
  });
  await host.open();
  const error = await host.call("any").then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; message: string },
  );
  const running = host.sandbox.processes.filter(({ pid }) => pid > 0 && isRunning(pid));
  return { code: error?.code, message: error?.message, running: running.length, state: host.host.get(ID).state };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([
  ["is no server", 'console.log("hello, world");', /ended with exit code 0/],
  [
    "throws",
    'throw new Error("cannot find my keys");',
    /ended with exit code 1. Its last lines: .*cannot find my keys/,
  ],
  ["does not parse", "const = ;", /ended with exit code 1. Its last lines: .*SyntaxError/],
  [
    "answers garbage",
    'process.stdin.on("data", () => { for (let i = 0; i < 50; i += 1) process.stdout.write("?\\n"); });',
    /20 messages that break the protocol/,
  ],
  [
    "answers endlessly",
    'process.stdin.once("data", () => setInterval(() => process.stdout.write("x".repeat(65536)), 0));',
    /line of more than 1048576 bytes/,
  ],
  [
    "speaks another revision",
    fixtureServer({ tools: "[]", body: "" }).replace("params.protocolVersion", '"1999-01-01"'),
    /speaks protocol "1999-01-01", which is not understood/,
  ],
  [
    "lists a tool twice",
    fixtureServer({ tools: '[{ name: "a" }, { name: "a" }]', body: "" }),
    /lists the tool a twice/,
  ],
  [
    "never ends its list",
    fixtureServer({ tools: "[]", body: "" }).replace("{ tools }", '{ tools, nextCursor: "again" }'),
    /lists its tools in a circle/,
  ],
])("[PL12] a program that %s does not start, and nothing of it is left", async (_what, source, message) => {
  expect(await startOf(source)).toEqual({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringMatching(message),
    running: 0,
    state: "crashed",
  });
});

test("[PL12] a program that says nothing is ended when its time to start is over", async () => {
  const limits = { resource_limits: { start_timeout_ms: 1_000 } };
  expect(await startOf("setInterval(() => {}, 1000);", limits)).toEqual({
    code: "LM_PLUGIN_START_FAILED",
    message: expect.stringMatching(/did not complete its handshake within 1000 ms/),
    running: 0,
    state: "crashed",
  });
});

test("[PL12] a slow start within the limit is waited for", async () => {
  const source = `await new Promise((resolve) => setTimeout(resolve, 600));${fixtureServer({ tools: '[{ name: "any" }]', body: 'return text("up");' })}`;
  expect(await startOf(source)).toMatchObject({ code: undefined });
});

test("[PL12] a program that is not there at all is a start that failed", async () => {
  const result = await startOf("#!/nonexistent/interpreter\n", { runtime: "shell" }, "run");
  expect(result).toMatchObject({ code: "LM_PLUGIN_START_FAILED", running: 0, state: "crashed" });
});

test("[PL12] a plugin for the shell speaks for itself", async () => {
  const run = `#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
  case "$line" in
    *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}\\n' "$id" ;;
    *tools/list*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"any"}]}}\\n' "$id" ;;
    *tools/call*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"from sh"}]}}\\n' "$id" ;;
  esac
done
`;
  expect(await startOf(run, { runtime: "shell" }, "run")).toMatchObject({ code: undefined });
});

const SCHEMA = '{ type: "object", properties: { n: { type: "integer" } }, required: ["n"] }';
const TYPED = fixtureServer({
  tools: `[{ name: "typed", inputSchema: ${SCHEMA}, outputSchema: ${SCHEMA} }]`,
  body: `switch (args.n) {
    case 1: return { content: [], structuredContent: { n: 1 } };
    case 2: return { content: [], structuredContent: { n: "two" } };
    case 3: return text("no structure");
    case 4: return { ...text("sorry"), isError: true };
    default: return { content: ["odd", { type: 3 }, { type: "image", data: "x", mimeType: "image/png", more: 1 }, null], structuredContent: { n: 5 } };
  }`,
});

test("[PL14] structured content that does not fit its schema never reaches the caller", async () => {
  await using host = new TestHost();
  host.write("typed", { files: { "index.mjs": TYPED } });
  await host.open();
  expect(await host.call("typed", { n: 1 })).toMatchObject({ structuredContent: { n: 1 }, isError: false });
  await expect(host.call("typed", { n: 2 })).rejects.toMatchObject({
    code: "LM_PLUGIN_OUTPUT_INVALID",
    problems: [{ pointer: "/n", message: "must be integer" }],
  });
  await expect(host.call("typed", { n: 3 })).rejects.toMatchObject({
    code: "LM_PLUGIN_OUTPUT_INVALID",
    message: expect.stringContaining("gave no structured content"),
  });
  expect(await host.call("typed", { n: 4 })).toMatchObject({ isError: true, content: [{ text: "sorry" }] });
  expect((await host.call("typed", { n: 5 })).content).toEqual([
    { type: "image", data: "x", mimeType: "image/png", more: 1 },
  ]);
});

test("arguments that do not fit never reach the plugin", async () => {
  await using host = new TestHost();
  host.write("typed", { files: { "index.mjs": TYPED } });
  await host.open();
  await expect(host.call("typed", { n: "x" })).rejects.toMatchObject({
    code: "LM_PLUGIN_INPUT_INVALID",
    problems: [{ pointer: "/n" }],
  });
  await expect(host.call("typed", {})).rejects.toMatchObject({
    message: expect.stringContaining("the arguments must have required property 'n'"),
  });
});

test("[PL21] five failures of a tool in a row open its circuit in the host too", async () => {
  await using host = new TestHost();
  host.write("typed", { files: { "index.mjs": TYPED } });
  await host.open();
  for (let count = 0; count < 5; count += 1) await host.call("typed", { n: 2 }).catch(() => undefined);
  await expect(host.call("typed", { n: 1 })).rejects.toMatchObject({ code: "LM_PLUGIN_CIRCUIT_OPEN" });
  await host.host.release(ID, { actor: { type: "person", id: "x" }, principal: { type: "Client", id: "x" } });
  expect(await host.call("typed", { n: 1 })).toMatchObject({ isError: false });
});
