import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type Plugin } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { PluginHost } from "./pluginHost.ts";
import { fixtureServer } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const SIGNAL = new AbortController().signal;

const ECHO = fixtureServer({
  tools: `[{ name: "echo", description: "Says it back.", inputSchema: { type: "object", properties: { text: { type: "string" } } } },
           { name: "meta" }, { name: "exit" }, { name: "slow" }]`,
  body: `if (name === "exit") process.exit(1);
    if (name === "slow") await new Promise((resolve) => setTimeout(resolve, args.ms));
    return name === "meta" ? text(JSON.stringify(meta)) : text(args.text ?? "");`,
});
const FILES = { "index.mjs": ECHO };

async function openEcho(clock?: FakeClock): Promise<TestHost> {
  const host = new TestHost(clock);
  host.write("echo", {
    files: FILES,
    manifest: { tools: { echo: { effect: "pure" }, meta: { effect: "idempotent" } } },
  });
  await host.open();
  return host;
}

const codeOf = (error: unknown): unknown => (error as { code?: string }).code;

test("[PL24] every folder is a plugin or is listed with its problem, and two of one id are both invalid and named", async () => {
  await using host = new TestHost();
  host.write("a", { files: FILES, manifest: { id: "org.example.twin" } });
  host.write("b", { files: FILES, manifest: { id: "org.example.twin" } });
  host.write("c", { files: FILES });
  host.write("d", { files: FILES, manifest: { id: "org.example.none", entry_point: "absent.mjs" } });
  host.write("e", { files: FILES, manifest: { id: "org.example.shell", runtime: "shell", entry_point: "run" } });
  writeFileSync(join(host.pluginsFolder, "e/run"), "", { mode: 0o644 });
  mkdirSync(join(host.pluginsFolder, "f"));
  mkdirSync(join(host.pluginsFolder, ".hidden"));
  writeFileSync(join(host.pluginsFolder, "README.md"), "no plugin");
  await host.open({ grant: false });
  expect(host.host.list().map(({ id, state, problem }) => [id, state, problem?.code])).toEqual([
    [ID, "blocked", undefined],
    ["f", "invalid", "LM_PLUGIN_MANIFEST_INVALID"],
    ["a", "invalid", "LM_PLUGIN_DUPLICATE"],
    ["b", "invalid", "LM_PLUGIN_DUPLICATE"],
    ["d", "invalid", "LM_PLUGIN_MANIFEST_INVALID"],
    ["e", "invalid", "LM_PLUGIN_MANIFEST_INVALID"],
  ]);
  const { stateReason } = host.host.get("a");
  for (const name of ["a", "b"]) expect(stateReason).toContain(join(host.pluginsFolder, name));
  expect(host.host.get("org.example.twin").problem?.code).toBe("LM_PLUGIN_DUPLICATE");
  await expect(host.call("echo", {}, { pluginId: "org.example.twin" })).rejects.toMatchObject({
    code: "LM_PLUGIN_DUPLICATE",
  });
  await expect(host.call("echo", {}, { pluginId: "org.example.gone" })).rejects.toMatchObject({
    code: "LM_PLUGIN_NOT_FOUND",
  });
  expect(() => host.host.get("org.example.gone")).toThrow(/Installed: org.example.fixture/);
});

test("[PL2] the entry point must be a file of the bundle, and executable for the shell", async () => {
  await using host = new TestHost();
  host.write("none", { files: FILES, manifest: { id: "org.example.none", entry_point: "absent.mjs" } });
  const folder = host.write("shell", {
    files: { run: "#!/bin/sh\n" },
    manifest: { id: "org.example.sh", runtime: "shell" },
  });
  chmodSync(join(folder, "run"), 0o644);
  await host.open({ grant: false });
  expect(host.host.get("none").stateReason).toMatch(/\/entry_point: absent.mjs is no file of the plugin/);
  expect(host.host.get("shell").stateReason).toMatch(/\/entry_point: run is not executable; run chmod \+x on it/);
});

test("[PL25] without a grant for this very content nothing starts", async () => {
  await using host = new TestHost();
  const folder = host.write("echo", { files: FILES });
  await host.open({ grant: false });
  expect(host.host.get(ID)).toMatchObject({
    state: "blocked",
    granted: false,
    stateReason: expect.stringMatching(/never granted/),
  });
  await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  await expect(host.host.grant(ID, { sha256: "0".repeat(64), caller: CALLER })).rejects.toMatchObject({
    code: "LM_CONFLICT",
  });
  const { sha256 } = host.host.get(ID);
  await host.host.grant(ID, { sha256, caller: CALLER });
  expect(host.host.get(ID)).toMatchObject({ state: "stopped", granted: true });
  writeFileSync(join(folder, "extra.txt"), "changed");
  writeFileSync(join(host.root, "staged", ID, sha256, "index.mjs"), "the copy that was granted is no more");
  await expect(host.host.load(ID, CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  expect(host.host.get(ID).stateReason).toMatch(/another content of it was granted/);
  expect(host.sandbox.processes).toHaveLength(0);
});

test("[PL25] without a sandbox nothing runs, and the error says what to install", async () => {
  await using host = await openEcho();
  host.sandbox.current = { available: false, kind: "none", hint: "apt-get install bubblewrap" };
  await expect(host.call("echo")).rejects.toMatchObject({
    code: "LM_PLUGIN_SANDBOX_UNAVAILABLE",
    message: expect.stringContaining("apt-get install bubblewrap"),
  });
  expect(host.host.get(ID).sandboxed).toBe(false);
  expect(host.sandbox.processes).toHaveLength(0);
});

test("[PL25] a plugin whose interpreter is missing says so, and its start has an end in the log", async () => {
  await using host = await openEcho();
  const missing = new LogoMeshError("LM_PLUGIN_RUNTIME_MISSING", "Install Node.js 24.");
  host.sandbox.launch = () => Promise.reject(missing);
  await expect(host.call("echo")).rejects.toBe(missing);
  expect(host.host.get(ID)).toMatchObject({ state: "stopped", stateReason: "Install Node.js 24." });
  expect(host.audit.kinds()).toEqual(["plugin.started", "plugin.stopped", "plugin.called"]);
  await host.host.unload(ID, CALLER);
  expect(host.host.get(ID).state).toBe("stopped");
});

test("[PL26] calls that come together share one start; nothing runs before the first", async () => {
  await using host = await openEcho();
  expect(host.host.get(ID)).toMatchObject({
    state: "stopped",
    tools: [{ name: "echo", effect: "pure" }, { name: "meta" }],
  });
  const results = await Promise.all(["a", "b", "c"].map((text) => host.call("echo", { text })));
  expect(results.map(({ content }) => content[0]?.text)).toEqual(["a", "b", "c"]);
  expect(host.sandbox.processes).toHaveLength(1);
  expect(host.host.get(ID)).toMatchObject({
    state: "ready",
    usage: { calls: 3, errors: 0, processes: 1, memoryBytes: 1_000_000, cpuPercent: 12 },
    tools: [
      { name: "echo", description: "Says it back.", effect: "pure" },
      { name: "meta" },
      { name: "exit", effect: "once" },
      { name: "slow" },
    ],
  });
});

test("[PL26] a call that is under way when the five minutes are over is not ended, and begins them anew", async () => {
  const clock = new FakeClock();
  await using host = await openEcho(clock);
  await host.call("echo");
  await clock.advance(5 * 60_000 - 1);
  const slow = host.call("slow", { ms: 100, text: "whole" });
  await expect.poll(() => host.host.get(ID).state).toBe("busy");
  await clock.advance(1);
  expect((await slow).content[0]?.text).toBe("whole");
  await clock.advance(5 * 60_000 - 1);
  expect(host.host.get(ID).state).toBe("ready");
  await clock.advance(1);
  await expect.poll(() => host.host.get(ID).state).toBe("stopped");
});

test("[PL26] a plugin that was idle for five minutes stops, and starts again with the next call", async () => {
  const clock = new FakeClock();
  await using host = await openEcho(clock);
  await host.call("echo");
  await clock.advance(5 * 60_000 - 1);
  expect(host.host.get(ID).state).toBe("ready");
  await clock.advance(1);
  await expect.poll(() => host.host.get(ID).state).toBe("stopped");
  expect(host.host.get(ID).stateReason).toContain("idle for five minutes");
  await host.call("echo");
  expect(host.audit.kinds().filter((kind) => kind !== "plugin.called")).toEqual([
    "plugin.started",
    "plugin.stopped",
    "plugin.started",
  ]);
});

test("[PL22] the policy is asked for the caller and its chain before anything starts", async () => {
  await using host = await openEcho();
  host.policy.denied.add(`plugin.call ${ID}#echo`);
  await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
  expect(host.sandbox.processes).toHaveLength(0);
  host.policy.denied.clear();
  const chain = [{ type: "Client", id: "tok_1" }] as const;
  const caller = { type: "Workflow", id: "hash" } as const;
  await host.host.callTool(
    { pluginId: ID, tool: "echo", arguments: {}, caller, chain, run: { runId: "run_1", taskReference: "/do/0/x" } },
    { signal: SIGNAL, onTaint: () => undefined },
  );
  expect(host.policy.asked.slice(1)).toEqual([
    {
      principal: caller,
      action: "plugin.call",
      resource: { type: "Tool", id: `${ID}#echo` },
      chain,
      context: { tainted: false, run: "run_1", task: "/do/0/x" },
    },
    {
      principal: { type: "Plugin", id: ID },
      action: "plugin.start",
      resource: { type: "Plugin", id: ID, attributes: { sha256: host.host.get(ID).sha256 } },
    },
  ]);
});

test("[PL16] run, task and the key of idempotent tools travel in _meta", async () => {
  await using host = await openEcho();
  const target = { pluginId: ID, arguments: {}, caller: CALLER.principal, idempotencyKey: "key-1" };
  const run = { runId: "run_1", taskReference: "/do/0/x" };
  const { content } = await host.host.callTool(
    { ...target, tool: "meta", run },
    { signal: SIGNAL, onTaint: () => undefined },
  );
  expect(JSON.parse(String(content[0]?.text))).toEqual({
    "org.logomesh/call": expect.stringMatching(/^[0-9a-f]{32}$/),
    "org.logomesh/idempotencyKey": "key-1",
    "org.logomesh/run": "run_1",
    "org.logomesh/task": "/do/0/x",
  });
  host.write("echo2", { files: FILES, manifest: { id: "org.example.once" } });
  await host.host.load("org.example.once", CALLER).catch(() => undefined);
  await host.host.grant("org.example.once", { sha256: host.host.get("org.example.once").sha256, caller: CALLER });
  const once = await host.host.callTool(
    { ...target, pluginId: "org.example.once", tool: "meta" },
    { signal: SIGNAL, onTaint: () => undefined },
  );
  expect(Object.keys(JSON.parse(String(once.content[0]?.text)) as object)).toEqual(["org.logomesh/call"]);
});

test("[PL23] a call outside a run is one entry with arguments and result; one inside is the engine's", async () => {
  await using host = await openEcho();
  await host.call("echo", { text: "hello" });
  const { sha256 } = host.host.get(ID);
  expect(host.audit.entries.at(-1)).toEqual({
    kind: "plugin.called",
    actor: CALLER.actor,
    trace: { plugin: ID, status: "completed" },
    data: { tool: "echo", token: "tok_test", version: "1.0.0", sha256, durationUs: expect.any(Number) },
    payload: {
      arguments: { bytes: '{"text":"hello"}', media: "application/json" },
      result: { bytes: '[{"type":"text","text":"hello"}]', media: "application/json" },
    },
  });
  expect(Number.isInteger(host.audit.entries.at(-1)?.data?.durationUs)).toBe(true);
  await expect(host.call("absent")).rejects.toMatchObject({
    code: "LM_PLUGIN_TOOL_NOT_FOUND",
    message: expect.stringContaining("it has echo, meta, exit, slow"),
  });
  expect(host.audit.entries.at(-1)).toMatchObject({ trace: { status: "faulted" } });
  await host.host.callTool(
    { pluginId: ID, tool: "echo", arguments: {}, caller: CALLER.principal },
    { signal: SIGNAL, onTaint: () => undefined },
  );
  expect(host.audit.kinds()).toEqual(["plugin.started", "plugin.called", "plugin.called"]);
});

test("[PL23] nothing starts when the log cannot be written", async () => {
  await using host = await openEcho();
  host.audit.isUnwritable = true;
  await expect(host.call("echo")).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE" });
  expect(host.sandbox.processes).toHaveLength(0);
});

test("[PL27] a crash is followed by a pause that grows; the third in five minutes is quarantine until it is released", async () => {
  const clock = new FakeClock();
  await using host = await openEcho(clock);
  const crash = async (): Promise<void> => {
    expect(await host.call("exit").catch(codeOf)).toBe("LM_PLUGIN_CRASHED");
    await expect.poll(() => host.host.get(ID).usage.processes).toBe(0);
  };
  await crash();
  expect(host.host.get(ID)).toMatchObject({ state: "crashed", stateReason: expect.stringContaining("exit code 1") });
  await expect(host.call("echo")).rejects.toMatchObject({ message: expect.stringContaining("may start again in 1 s") });
  await clock.advance(500);
  await crash();
  await clock.advance(500);
  expect(await host.call("echo").catch(codeOf)).toBe("LM_PLUGIN_CRASHED");
  await clock.advance(500);
  await crash();
  expect(host.host.get(ID).state).toBe("quarantined");
  expect(await host.call("echo").catch(codeOf)).toBe("LM_PLUGIN_QUARANTINED");
  await host.host.release(ID, CALLER);
  expect(host.host.get(ID).state).toBe("stopped");
  expect((await host.call("echo", { text: "back" })).content[0]?.text).toBe("back");
  expect(host.audit.kinds()).toContain("plugin.released");
});

test("[PL27] the quarantine ends by itself, and old crashes are forgotten", async () => {
  const clock = new FakeClock();
  await using host = await openEcho(clock);
  for (let count = 0; count < 3; count += 1) {
    await host.call("exit").catch(() => undefined);
    await expect.poll(() => ["crashed", "quarantined"].includes(host.host.get(ID).state)).toBe(true);
    await clock.advance(1_000);
  }
  expect(host.host.get(ID).state).toBe("quarantined");
  await clock.advance(5 * 60_000);
  await host.call("echo");
  await host.call("exit").catch(() => undefined);
  await expect.poll(() => host.host.get(ID).state).toBe("crashed");
});

test("[PL28] loading, unloading and releasing are entries; revoking stops the plugin at once", async () => {
  await using host = await openEcho();
  expect(await host.host.load(ID, CALLER)).toMatchObject({ state: "ready" });
  expect(await host.host.unload(ID, CALLER)).toMatchObject({
    state: "stopped",
    stateReason: expect.stringContaining("unloaded"),
  });
  await host.call("echo");
  expect(await host.host.revoke(ID, CALLER)).toMatchObject({ state: "blocked", granted: false });
  expect(await host.call("echo").catch(codeOf)).toBe("LM_PLUGIN_NOT_GRANTED");
  expect(host.audit.kinds()).toEqual([
    ...["plugin.load", "plugin.started", "plugin.unload", "plugin.stopped"],
    ...["plugin.started", "plugin.called", "plugin.stopped", "plugin.called"],
  ]);
  host.policy.denied.add(`plugin.start ${ID}`);
  await expect(host.host.load(ID, CALLER)).rejects.toMatchObject({ code: "LM_POLICY_DENIED" });
});

test("[PL28] unloading lets calls end, and those that come meanwhile start it again; revoking does not wait", async () => {
  await using host = await openEcho();
  const first = host.call("slow", { ms: 300, text: "ended" });
  await expect.poll(() => host.host.get(ID).state).toBe("busy");
  const unloaded = host.host.unload(ID, CALLER);
  await expect.poll(() => host.host.get(ID).state).toBe("draining");
  const second = host.call("echo", { text: "again" });
  expect((await first).content[0]?.text).toBe("ended");
  await unloaded;
  expect((await second).content[0]?.text).toBe("again");
  expect(host.sandbox.processes).toHaveLength(2);
  const third = host.call("slow", { ms: 60_000 }).catch(codeOf);
  await expect.poll(() => host.host.get(ID).state).toBe("busy");
  await host.host.revoke(ID, CALLER);
  expect(await third).toBe("LM_PLUGIN_STOPPED");
  expect(host.sandbox.processes).toHaveLength(2);
});

test("[PL28] a grant that is taken back during the start is not written again by it", async () => {
  await using host = await openEcho();
  const started = host.host.load(ID, CALLER).catch(codeOf);
  await expect.poll(() => host.sandbox.processes.length, { interval: 1 }).toBe(1);
  await host.host.revoke(ID, CALLER);
  expect(await started).toMatch(/LM_PLUGIN_(START_FAILED|NOT_GRANTED|STOPPED)/);
  expect(host.grants.pluginGrant(ID)).toBeUndefined();
  await expect.poll(() => host.host.get(ID)).toMatchObject({ state: "blocked", usage: { processes: 0 } });
});

test("[PL28] a start does not renew a grant that was taken back elsewhere meanwhile", async () => {
  await using host = await openEcho();
  const started = host.host.load(ID, CALLER).catch(codeOf);
  await expect.poll(() => host.sandbox.processes.length, { interval: 1 }).toBe(1);
  await host.grants.revokePlugin({ pluginId: ID });
  expect(await started).toBe("LM_PLUGIN_NOT_GRANTED");
  expect(host.grants.plugins.size).toBe(0);
  expect(host.host.get(ID)).toMatchObject({ state: "blocked", usage: { processes: 0 } });
});

test("[PL30] a plugin that describes its tools differently than it was approved with is blocked until it is granted again", async () => {
  await using host = await openEcho();
  await host.call("echo");
  const grant = host.grants.pluginGrant(ID)!;
  expect(grant.toolsHash).toMatch(/^[0-9a-f]{64}$/);
  await host.host.unload(ID, CALLER);
  await host.grants.grantPlugin({ ...grant, toolsHash: "0".repeat(64) });
  await expect(host.call("echo")).rejects.toMatchObject({
    code: "LM_PLUGIN_NOT_GRANTED",
    message: expect.stringContaining("describes its tools differently"),
  });
  expect(host.host.get(ID)).toMatchObject({ state: "blocked", usage: { processes: 0 } });
  await host.host.grant(ID, { sha256: grant.sha256, caller: CALLER });
  await host.call("echo");
  expect(host.grants.pluginGrant(ID)!.toolsHash).toBe(grant.toolsHash);
});

test("[PL24] loading reads the folder again: what was corrected, added or removed since counts", async () => {
  await using host = await openEcho();
  const later = host.write("later", { files: FILES, manifest: { id: "org.example.later" } });
  await expect(host.host.load("org.example.later", CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_GRANTED" });
  rmSync(later, { recursive: true });
  await host.host.load(ID, CALLER);
  expect(host.host.list().map(({ id }) => id)).toEqual([ID]);
  renameSync(join(host.pluginsFolder, "echo"), join(host.pluginsFolder, ".away"));
  await host.host.load(ID, CALLER);
  expect(host.host.list().map(({ id }) => id)).toEqual([ID]);
  await host.host.unload(ID, CALLER);
  await expect(host.host.load(ID, CALLER)).rejects.toMatchObject({ code: "LM_PLUGIN_NOT_FOUND" });
});

test("[PL29] a subscriber hears of changes at most four times a second, and of the last state", async () => {
  const clock = new FakeClock();
  await using host = await openEcho(clock);
  await clock.advance(250);
  const heard: Plugin[] = [];
  const subscription = host.host.subscribe((plugin) => heard.push(plugin));
  for (let count = 0; count < 50; count += 1) await host.call("echo");
  expect(heard).toHaveLength(1);
  await clock.advance(250);
  expect(heard.map(({ state }) => state)).toEqual(["loading", "ready"]);
  expect(heard[1]?.usage.calls).toBe(50);
  await clock.advance(500);
  expect(heard).toHaveLength(2);
  // Once a second, what it uses.
  await clock.advance(9_500);
  expect(heard).toHaveLength(12);
  subscription[Symbol.dispose]();
  await host.call("echo");
  await clock.advance(1_000);
  expect(heard).toHaveLength(12);
});

test("effect, version and content of a tool are known without starting its plugin", async () => {
  await using host = await openEcho();
  const { sha256 } = host.host.get(ID);
  expect(host.host.describeTool(ID, "echo")).toEqual({ effect: "pure", version: "1.0.0", sha256 });
  expect(host.host.describeTool(ID, "constructor")?.effect).toBe("once");
  expect(host.host.describeTool("org.example.none", "echo")).toBeUndefined();
  expect(host.sandbox.processes).toHaveLength(0);
});

test("closing the host ends every process, and a folder that is not there is an empty one", async () => {
  const host = await openEcho();
  await host.call("echo");
  const empty = await PluginHost.open({ ...host.options, pluginsFolder: "/nonexistent" });
  expect(empty.list()).toEqual([]);
  await host[Symbol.asyncDispose]();
  expect(await host.sandbox.processes[0]!.exited).toMatchObject({ code: 0 });
});

test("[PL80] a part of what a plugin asks for can be granted, and who granted what can be read", async () => {
  await using host = new TestHost();
  const permissions = { "fs.read": [{ path: "docs", why: "w" }], "thought.read": { why: "w" } };
  host.write("echo", { files: FILES, manifest: { permissions } });
  await host.open({ grant: false });
  const { sha256 } = host.host.get(ID);
  expect(host.host.grantOf(ID)).toBeUndefined();
  const part = { "thought.read": { why: "w" } };
  await host.host.grant(ID, { sha256, permissions: part, caller: CALLER });
  expect(host.host.grantOf(ID)).toMatchObject({ sha256, isCurrent: true, group: "user", permissions: part });
  expect(host.host.get(ID)).toMatchObject({ granted: true, permissions });
  await expect(
    host.host.grant(ID, { sha256, permissions: { store: { max_bytes: 1, why: "w" } }, caller: CALLER }),
  ).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(host.host.grantOf(ID)).toMatchObject({ permissions: part });
});

test("[PL81] the last crash and the state of the limiter are shown, and circuits can be closed", async () => {
  await using host = await openEcho(new FakeClock());
  expect(host.host.get(ID).lastCrash).toBeUndefined();
  await expect(host.call("exit")).rejects.toMatchObject({ code: "LM_PLUGIN_CRASHED" });
  expect(host.host.get(ID)).toMatchObject({
    lastCrash: { code: "LM_PLUGIN_CRASHED", reason: expect.stringContaining("exit code 1"), at: expect.any(String) },
    limiter: { running: 0, circuits: [{ tool: "exit", state: "closed", failures: 1 }] },
  });
  expect(await host.host.reset(ID, CALLER)).toMatchObject({ limiter: { circuits: [] } });
});

test("[PL23] a call waits while its entry would find no room, before anything starts", async () => {
  await using host = await openEcho();
  const room = Promise.withResolvers<undefined>();
  host.audit.full = room.promise.then(() => undefined);
  const called = host.call("echo", { text: "hello" });
  await new Promise((resolve) => setImmediate(resolve));
  expect([host.sandbox.processes.length, host.policy.asked.length]).toEqual([0, 0]);
  room.resolve(undefined);
  expect((await called).isError).toBe(false);
});
