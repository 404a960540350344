import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { JsonObject, ToolProgress } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { fixtureServer } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

// In which era a plugin speaks is found out with real processes: servers of our own that misbehave, and one of the official package.

const ID = "org.example.fixture";
const REPOSITORY = join(import.meta.dirname, "../..");
const OFFICIAL = ["stdio.mjs", "index.mjs"].map(
  (file) => pathToFileURL(join(REPOSITORY, "node_modules/@modelcontextprotocol/server/dist", file)).href,
);

/** Says to stderr what it is asked. */
const SAYING = `process.stdin.on("data", (chunk) => { for (const line of String(chunk).split("\\n").filter(Boolean)) console.error(JSON.parse(line).method); });`;

/** `unknown` is what happens to a request that is not known. */
const older = (unknown: string): string =>
  fixtureServer({
    tools: `[{ name: "era" }]`,
    preamble: SAYING,
    body: `if (method === "tools/call") return text("legacy"); ${unknown}`,
  });

const REFUSES = `send({ id, error: { code: -32601, message: "method not found" } });`;

const MODERN_ONLY = `
import { createInterface } from "node:readline";
${SAYING}
const version = "io.modelcontextprotocol/protocolVersion";
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const say = (value) => console.log(JSON.stringify({ jsonrpc: "2.0", id, ...value }));
  if (params?._meta?.[version] !== "2026-07-28") say({ error: { code: -32602, message: "_meta is missing" } });
  else if (method === "server/discover") say({ result: { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private" } });
  else if (method === "tools/list") say({ result: { resultType: "complete", tools: [{ name: "era" }], ttlMs: 0, cacheScope: "private" } });
  else if (method === "tools/call") say({ result: { resultType: "complete", content: [{ type: "text", text: "modern" }] } });
  else say({ error: { code: -32601, message: "method not found" } });
}`;

const OFFICIAL_SERVER = `
import { serveStdio } from "${OFFICIAL[0]}";
import { Server, inputRequired } from "${OFFICIAL[1]}";
${SAYING}
const tools = ["era", "progress", "wait", "change", "roots", "log"].map((name) => ({ name, inputSchema: { type: "object" } }));
serveStdio(({ era }) => {
  const server = new Server({ name: "official", version: "1" }, { capabilities: { tools: { listChanged: true }, logging: {} } });
  const text = (text) => ({ content: [{ type: "text", text }] });
  server.setRequestHandler("tools/list", () => ({ tools }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    const { name } = params;
    if (name === "progress")
      for (let progress = 1; progress <= 3; progress += 1) {
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken: mcpReq._meta.progressToken, progress, total: 3 } });
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    if (name === "wait")
      await new Promise((_, reject) => mcpReq.signal.addEventListener("abort", () => { console.error("aborted"); reject(mcpReq.signal.reason); }));
    if (name === "change") { tools.push({ name: "more", inputSchema: { type: "object" } }); await server.sendToolListChanged(); }
    if (name === "log") await mcpReq.log("info", "official words");
    if (name === "roots") {
      const { roots } = mcpReq.inputResponses ?? {};
      return roots === undefined ? inputRequired({ inputRequests: { roots: inputRequired.listRoots() } }) : text(JSON.stringify(roots));
    }
    return text(era);
  });
  return server;
});`;

async function open(source: string, manifest: JsonObject = {}): Promise<TestHost> {
  const host = new TestHost();
  host.eras = undefined;
  host.write("fixture", { files: { "index.mjs": source }, manifest });
  await host.open();
  return host;
}

const eraOf = async (host: TestHost) => (await host.call("era")).content[0]?.text;
const fileOf = (host: TestHost) => join(host.root, "staged", ID, `${host.host.get(ID).sha256}.protocol`);
const asked = (host: TestHost) => host.host.logs(ID);

test.each<[string, string, string]>([
  ["refuses what it does not know", older(REFUSES), "legacy"],
  ["ends on what it does not know", older(`if (method !== "notifications/initialized") process.exit(1);`), "legacy"],
  ["never answers what it does not know", older("return;"), "legacy"],
  ["answers anything with anything", older("return text('what?');"), "legacy"],
  ["knows nothing but the modern era", MODERN_ONLY, "modern"],
  ["is of the official package and speaks both", OFFICIAL_SERVER, "modern"],
])("[PL110] a server that %s is spoken to as it wants, and asked once", async (_what, source, era) => {
  await using host = await open(source);
  expect(await eraOf(host)).toBe(era);
  expect(readFileSync(fileOf(host), "utf8")).toBe(era === "modern" ? "2026-07-28\n" : "2025-11-25\n");
  expect(host.sandbox.processes).toHaveLength(2);
  expect(host.audit.entries.filter(({ kind }) => kind === "plugin.probed")).toMatchObject([
    { trace: { plugin: ID }, data: { era, sha256: host.host.get(ID).sha256 } },
  ]);
  await host.host.unload(ID, CALLER);
  expect(await eraOf(host)).toBe(era);
  expect(host.sandbox.processes).toHaveLength(3);
  expect(host.audit.kinds().filter((kind) => kind === "plugin.probed")).toHaveLength(1);
  expect(host.host.get(ID).usage.violations).toBe(0);
});

test("[PL110] a workbench that starts anew knows the verdict; what somebody wrote there instead is asked again", async () => {
  await using host = await open(MODERN_ONLY);
  await eraOf(host);
  await host.host[Symbol.asyncDispose]();
  await host.open();
  expect(await eraOf(host)).toBe("modern");
  expect(host.sandbox.processes).toHaveLength(3);
  await host.host.unload(ID, CALLER);
  writeFileSync(fileOf(host), "1999-01-01\n");
  expect(await eraOf(host)).toBe("modern");
  expect(host.sandbox.processes).toHaveLength(5);
});

test("[PL110] another content is asked anew, and the verdict goes with its copy", async () => {
  await using host = await open(MODERN_ONLY);
  await eraOf(host);
  const first = fileOf(host);
  writeFileSync(join(host.pluginsFolder, "fixture", "index.mjs"), older(REFUSES));
  const { waiting } = await host.host.reload(ID, CALLER);
  await host.host.grant(ID, { sha256: waiting?.sha256 ?? "", caller: CALLER });
  expect(await eraOf(host)).toBe("legacy");
  expect([existsSync(first), existsSync(fileOf(host))]).toEqual([false, true]);
  await host.host.uninstall(ID, { force: false, caller: CALLER });
  expect(readdirSync(join(host.root, "staged"))).toEqual([]);
});

test("[PL110] a handshake in the wrong era forgets the verdict, so that the next start asks again", async () => {
  await using host = await open(MODERN_ONLY);
  writeFileSync(fileOf(host), "2025-11-25\n");
  await expect(eraOf(host)).rejects.toMatchObject({ code: "LM_PLUGIN_START_FAILED" });
  expect(existsSync(fileOf(host))).toBe(false);
  await host.host.release(ID, CALLER);
  expect(await eraOf(host)).toBe("modern");
});

test("[PL110] a verdict that cannot be kept is asked for again, and the plugin starts all the same", async () => {
  await using host = await open(MODERN_ONLY);
  host.eras = {
    of: () => undefined,
    remember: () => {
      throw new Error("the disk is full");
    },
    forget: () => undefined,
  };
  await host.open();
  expect(await eraOf(host)).toBe("modern");
  await host.host.unload(ID, CALLER);
  expect(await eraOf(host)).toBe("modern");
  expect(host.audit.kinds().filter((kind) => kind === "plugin.probed")).toHaveLength(2);
});

test("[PL111] the process that serves never sees the question", async () => {
  await using host = await open(older(REFUSES));
  await eraOf(host);
  await expect.poll(() => asked(host)).toEqual(["initialize", "notifications/initialized", "tools/list", "tools/call"]);
});

test.each<[string, JsonObject, boolean]>([
  ["with data of its own", { permissions: { "fs.data": { max_mb: 1, why: "to keep" } } }, true],
  ["outside of the sandbox", { security_level: "trusted" }, true],
  ["that shares nothing", {}, false],
])("[PL111] a plugin %s has two processes at a time only when it may", async (_what, manifest, isAlone) => {
  await using host = new TestHost();
  host.eras = undefined;
  const { sandbox } = host;
  const launch = sandbox.launch.bind(sandbox);
  let running = 0;
  let runningMost = 0;
  sandbox.launch = async (spec) => {
    running += 1;
    runningMost = Math.max(runningMost, running);
    const process = await launch(spec);
    void process.exited.then(() => (running -= 1));
    return process;
  };
  host.outside = { obstacle: () => undefined, launch: (spec) => sandbox.launch(spec) };
  host.write("fixture", { files: { "index.mjs": older(REFUSES) }, manifest });
  await host.open({ grant: false });
  const outside = manifest.security_level === "trusted" ? { outsideSandbox: true as const } : {};
  await host.host.grant(ID, { sha256: host.host.get(ID).sha256, caller: CALLER, ...outside });
  expect(await eraOf(host)).toBe("legacy");
  expect([sandbox.processes.length, runningMost]).toEqual([2, isAlone ? 1 : 2]);
});

test("[PL112, PL113, PL115] a server of the official package: progress, cancel, log lines, changed tools", async () => {
  await using host = await open(OFFICIAL_SERVER);
  const heard: ToolProgress[] = [];
  await host.host.call(
    { pluginId: ID, tool: "progress" },
    { arguments: {} },
    {
      ...{ caller: CALLER, signal: new AbortController().signal },
      onProgress: (progress) => heard.push(progress),
    },
  );
  expect(heard).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3 })));
  await host.call("log");
  await expect.poll(() => asked(host)).toContain("[info] official words");
  await expect(host.call("wait", {}, { timeoutMs: 200 })).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  await expect.poll(() => asked(host)).toContain("aborted");
  await expect.poll(() => host.host.get(ID).state).not.toBe("busy");
  await host.host.release(ID, CALLER);
  await host.call("change");
  await expect.poll(() => host.host.get(ID).stateReason).toMatch(/something new about more/);
  expect(await eraOf(host)).toBe("modern");
}, 60_000);

test("[PL114] a server of the official package gets the roots that it was granted", async () => {
  const host = new TestHost();
  await using _ = host;
  host.eras = undefined;
  const permissions = { "fs.mount": [{ path: "docs", why: "to read" }] };
  host.write("fixture", { files: { "index.mjs": OFFICIAL_SERVER }, manifest: { permissions } });
  mkdirSync(join(host.root, "docs"));
  await host.open();
  const { content } = await host.call("roots");
  expect(JSON.parse(String(content[0]?.text))).toEqual({ roots: [{ uri: "file:///work/docs", name: "docs" }] });
});
