import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { fixtureServer } from "./testing.ts";
import { TestHost } from "./testingHost.ts";

const NAMES = [
  ...[
    "echo",
    "crash",
    "hang",
    "exit",
    "flood",
    "requests",
    "garbage",
    "noise",
    "giant",
    "deep",
    "deepString",
    "foreign",
  ],
  ...[
    "twice",
    "malformed",
    "stderr",
    "binary",
    "neither",
    "blank",
    "refuse",
    "pings",
    "slow",
    "stuck",
    "late",
    "proto",
  ],
];

/** Everything a plugin can do wrong, one tool each. */
const HOSTILE = {
  "index.mjs": fixtureServer({
    tools: JSON.stringify(NAMES.map((name) => ({ name, inputSchema: { type: "object" } }))),
    preamble: "let waiting = new Map();",
    body: `
  switch (name) {
    case "echo": return text(JSON.stringify(args));
    case "crash": process.stderr.write("about to fall\\n"); process.kill(process.pid, "SIGSEGV"); return;
    case "exit": process.stderr.write("had enough of s3cret-canary\\n", () => process.exit(3)); return;
    case "hang": for (;;);
    case "flood": for (;;) { send({ method: "notifications/message", params: { level: "info", data: "x" } }); await new Promise(setImmediate); }
    case "requests": for (let i = 0; i < 5_000; i += 1) send({ id: "r" + i, method: "roots/list" }); return;
    case "garbage": for (let i = 0; i < 30; i += 1) raw("this is no JSON\\n"); return;
    case "noise": for (let i = 0; i < 5; i += 1) raw("loading module " + i + "\\n"); return text("fine");
    case "giant": raw('{"jsonrpc":"2.0","result":"' + "x".repeat(2_000_000)); return;
    case "deep": raw("[".repeat(65) + "]".repeat(65) + "\\n"); return;
    case "deepString": return text("[".repeat(500) + '\\\\"');
    case "foreign": for (let i = 0; i < 20; i += 1) send({ id: 1_000_000 + i, result: {} }); return;
    case "twice": send({ id, result: text("first") }); send({ id, result: text("second") }); return;
    case "malformed": for (const bad of [null, "1", {}, [1], true]) send({ id: bad, result: {} }); raw("[]\\n1\\n"); return text("fine");
    case "binary": process.stdout.write(Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a])); return text("fine");
    case "blank": raw("\\n".repeat(19)); return text("fine");
    case "neither": send({ id }); return;
    case "refuse": send({ id, error: { code: -32602, message: "no such thing" } }); return;
    case "stderr": for (let i = 0; i < 20_000; i += 1) process.stderr.write("line " + i + " " + "y".repeat(100) + "\\n"); return text("done");
    case "pings": send({ id: "p1", method: "ping" }); send({ id: "p2", method: "sampling/createMessage", params: {} });
      setTimeout(() => send({ id, result: text(JSON.stringify(log.filter((m) => m.id === "p1" || m.id === "p2"))) }), 100); return;
    case "slow": await new Promise((resolve) => setTimeout(resolve, args.ms)); return text("slow");
    case "stuck": return;
    case "late": waiting.set(id, id); await new Promise((resolve) => setTimeout(resolve, 300)); return text("late");
    case "proto": raw('{"jsonrpc":"2.0","id":' + id + ',"result":{"content":[],"structuredContent":{"__proto__":{"polluted":true}}}}\\n'); return;
  }`,
  }),
};

async function openHostile(clock?: FakeClock): Promise<TestHost> {
  const test = new TestHost(clock);
  test.write("hostile", { files: HOSTILE, manifest: { tools: Object.fromEntries(NAMES.map((n) => [n, {}])) } });
  await test.open();
  return test;
}

/** A new process each: one violation must not count towards the next. */
async function outcomeOf(tool: string, options?: { timeoutMs: number }) {
  await using host = await openHostile();
  const outcome = await host.call(tool, {}, options).then(
    (result) => ({ result, code: undefined, message: "" }),
    (error: unknown) => {
      const { code, message } = error as { code: string; message: string };
      return { result: undefined, code, message };
    },
  );
  return {
    ...outcome,
    plugin: host.host.get("org.example.fixture"),
    kinds: host.audit.kinds(),
    logs: host.host.logs("org.example.fixture"),
  };
}

test.each([
  ["giant", /sent a line of more than 1048576 bytes/],
  ["deep", /nested more than 64 deep/],
  ["garbage", /20 messages that break the protocol, the last: a line that is not JSON/],
  ["foreign", /the last: an answer that nobody asked for/],
  ["flood", /more than 1000 messages in a second without being asked/],
  ["requests", /more than 1000 messages in a second without being asked/],
])("[PL6, PL7, PL8, PL9] a plugin that does “%s” is ended and the call says why", async (tool, message) => {
  await using host = await openHostile();
  await expect(host.call(tool)).rejects.toMatchObject({
    code: "LM_PLUGIN_PROTOCOL",
    message: expect.stringMatching(message),
  });
  expect((await host.sandbox.processes[0]!.exited).signal).toBe("SIGKILL");
  await expect.poll(() => host.host.get("org.example.fixture").state).toBe("crashed");
  expect(host.audit.kinds()).toContain("plugin.crashed");
});

test.each([["noise"], ["malformed"], ["binary"], ["blank"]])(
  "[PL8] what “%s” sends besides its answer is dropped and counted",
  async (tool) => {
    const { result, plugin } = await outcomeOf(tool);
    expect(result?.content).toEqual([{ type: "text", text: "fine" }]);
    expect(plugin.usage.violations).toBeGreaterThan(0);
    expect(plugin.state).toBe("ready");
  },
);

test("[PL10] what a process wrote before it crashed is still there when the next one runs", async () => {
  const clock = new FakeClock();
  await using host = await openHostile(clock);
  await host.call("crash").catch(() => undefined);
  await expect.poll(() => host.host.get("org.example.fixture").state).toBe("crashed");
  await clock.advance(1_000);
  await host.call("echo");
  expect(host.host.logs("org.example.fixture")).toEqual(["about to fall"]);
});

test("[PL8] the first answer counts, the second is a violation", async () => {
  await using host = await openHostile();
  expect((await host.call("twice")).content).toEqual([{ type: "text", text: "first" }]);
  await host.call("echo");
  expect(host.host.get("org.example.fixture").usage.violations).toBe(1);
});

test("[PL7] brackets in strings are not nesting", async () => {
  expect((await outcomeOf("deepString")).result?.content).toHaveLength(1);
});

test("[PL8] `__proto__` in a result is data", async () => {
  const { result } = await outcomeOf("proto");
  expect(JSON.stringify(result?.structuredContent)).toBe('{"__proto__":{"polluted":true}}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("[PL10] stderr is drained and its end is kept", async () => {
  const { result, logs } = await outcomeOf("stderr");
  expect(result?.content).toHaveLength(1);
  expect(logs.join("\n").length).toBeLessThanOrEqual(65_536);
  expect(logs.length).toBeGreaterThan(100);
});

test("[PL17] a ping is answered, any other request is not known", async () => {
  const { result } = await outcomeOf("pings");
  expect(JSON.parse(String(result?.content[0]?.text))).toEqual([
    { jsonrpc: "2.0", id: "p1", result: {} },
    { jsonrpc: "2.0", id: "p2", error: { code: -32601, message: "method not found" } },
  ]);
});

test("[PL19] [SE5] a process that ends by itself fails its calls with cause and last lines", async () => {
  expect(await outcomeOf("crash")).toMatchObject({
    code: "LM_PLUGIN_CRASHED",
    message: expect.stringMatching(/ended by SIGSEGV. Its last lines: about to fall/),
  });
  const { code, message, kinds, plugin, logs } = await outcomeOf("exit");
  expect({ code, message }).toEqual({
    code: "LM_PLUGIN_CRASHED",
    message: expect.stringMatching(/ended with exit code 3. Its last lines: had enough of \[secret CANARY\]/),
  });
  expect(plugin).toMatchObject({ state: "crashed", stateReason: expect.stringContaining("exit code 3") });
  expect(kinds).toEqual(["plugin.started", "plugin.crashed", "plugin.called"]);
  expect(logs).toEqual(["had enough of [secret CANARY]"]);
});

test("[PL19] a crash fails every call in flight", async () => {
  await using host = await openHostile();
  const stuck = [1, 2, 3].map(() => host.call("stuck").catch((error: unknown) => (error as { code: string }).code));
  await host.call("echo");
  await host.call("crash").catch(() => undefined);
  expect(await Promise.all(stuck)).toEqual(Array(3).fill("LM_PLUGIN_CRASHED"));
});

test("an error of the protocol is the tool's refusal", async () => {
  expect(await outcomeOf("refuse")).toMatchObject({
    code: "LM_PLUGIN_TOOL_FAILED",
    message: expect.stringContaining("no such thing"),
  });
  expect(await outcomeOf("neither")).toMatchObject({ code: "LM_PLUGIN_PROTOCOL" });
});

test("[PL18] a plugin that hangs is told, and ended when it does not show that it stopped", async () => {
  await using host = await openHostile();
  await expect(host.call("hang", {}, { timeoutMs: 200 })).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  await host.sandbox.processes[0]!.exited;
  await expect.poll(() => host.host.get("org.example.fixture").state).toBe("stopped");
  expect(host.host.get("org.example.fixture").stateReason).toMatch(/a cancelled call might go on/);
  expect((await host.call("echo", { a: 1 })).content).toEqual([{ type: "text", text: '{"a":1}' }]);
  expect(host.sandbox.processes).toHaveLength(2);
});

test("[PL18] a cancelled call rejects with the signal's reason, reaches the plugin, and ends it unless it answers", async () => {
  await using host = await openHostile();
  await host.call("echo");
  const abort = new AbortController();
  const reason = new DOMException("enough", "AbortError");
  const cancelled = host.call("stuck", {}, { signal: abort.signal });
  await host.call("echo");
  abort.abort(reason);
  await expect(cancelled).rejects.toBe(reason);
  expect((await host.sandbox.processes[0]!.exited).signal).toBe("SIGKILL");
  const entry = host.audit.entries.find(({ kind, data }) => kind === "plugin.called" && data?.tool === "stuck");
  expect(entry?.trace?.status).toBe("cancelled");
});

test("[PL18] a late answer shows that the plugin stopped: it stays, and the answer is no violation", async () => {
  await using host = await openHostile();
  await host.call("echo");
  await expect(host.call("late", {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(host.host.get("org.example.fixture")).toMatchObject({ state: "ready", usage: { violations: 0 } });
  expect(host.sandbox.processes).toHaveLength(1);
});

test("[PL18] a cancelled call that may go on ends the process only after the calls of others", async () => {
  await using host = await openHostile();
  await host.call("echo");
  const other = host.call("slow", { ms: 2_500 });
  await expect(host.call("stuck", {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  expect((await other).content).toEqual([{ type: "text", text: "slow" }]);
  expect((await host.sandbox.processes[0]!.exited).signal).toBe("SIGKILL");
});
