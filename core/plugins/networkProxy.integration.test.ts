import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import type { JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { systemClock } from "../base/index.ts";
import { createWebFetch, createWebTunnels } from "../network/index.ts";
import { listen } from "../network/testing/loopbackServer.ts";
import { SELF_SIGNED } from "../network/testing/selfSigned.ts";
import { fixtureServer } from "./testing.ts";
import { CALLER, SandboxedTestHost } from "./testingHost.ts";

// Programs that open connections themselves, in the real sandbox, with real hosts on this machine behind names that a resolver of the test
// knows. The policy is a list, so that the address of this machine may be reached at all.

const why = "for the test";
const ID = "org.example.fixture";
const RESOLVER = (host: string) =>
  host === "localhost" || host.endsWith(".example")
    ? Promise.resolve([{ address: "127.0.0.1", family: 4 }])
    : Promise.reject(new Error(`no address of ${host}`));

function createHost({ ownPorts = [] as number[] } = {}): SandboxedTestHost {
  const host = new SandboxedTestHost();
  const network = { clock: systemClock, ownPorts: () => new Set(ownPorts), resolve: RESOLVER };
  host.services = { web: createWebFetch(network), tunnels: createWebTunnels(network) };
  return host;
}

async function listenTls() {
  const server = createTlsServer(SELF_SIGNED, (request, response) =>
    response.end(`secret ${request.method} ${request.url}`),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Says everything back. */
async function listenEcho() {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...{ sockets, port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks by what Node.js has for it: `fetch`, `https`, or a tunnel by hand that stays open. */
const NODE = fixtureServer({
  tools: `[{ name: "ask", inputSchema: { type: "object" } }]`,
  preamble: `
import http from "node:http"; import https from "node:https"; import { readFileSync } from "node:fs";
const ca = readFileSync(new URL("ca.pem", import.meta.url));
let kept;
const said = (response) => new Promise((resolve) => {
  let text = ""; response.setEncoding("utf8").on("data", (chunk) => (text += chunk)).on("end", () => resolve(response.statusCode + " " + text));
});
const connect = (host) => new Promise((resolve, reject) => {
  http.request({ host: "127.0.0.1", port: 3128, method: "CONNECT", path: host, agent: new http.Agent() })
    .on("connect", (response, socket) => resolve([response.statusCode, socket])).on("error", reject).end();
});
const ways = {
  fetch: async ({ url, ...init }) => { const answer = await fetch(url, init); return answer.status + " " + await answer.text(); },
  https: ({ url }) => new Promise((resolve, reject) => https.get(url, { ca }, (response) => said(response).then(resolve)).on("error", reject)),
  http: ({ url, ...rest }) => new Promise((resolve, reject) => {
    http.request(url, rest, (response) => said(response).then(resolve)).on("error", reject).end(rest.bytes === undefined ? rest.body : "x".repeat(rest.bytes));
  }),
  odd: ({ path }) => new Promise((resolve, reject) => {
    http.get({ host: "127.0.0.1", port: 3128, path, agent: new http.Agent() }, (response) => said(response).then(resolve)).on("error", reject);
  }),
  many: async ({ host, count }) => {
    const opened = [];
    let onOpened;
    const until = (wanted) => new Promise((resolve) => { onOpened = () => opened.length === wanted && resolve(); onOpened(); });
    for (let each = 0; each < count; each += 1)
      connect(host).then(([, socket]) => { opened.push(socket.on("error", () => {})); onOpened(); });
    await until(32);
    opened[0].destroy();
    await until(33);
    return "33";
  },
  open: async ({ host }) => {
    const [status, socket] = await connect(host);
    kept = socket.on("error", () => {}).on("close", () => (socket.isGone = true));
    return String(status);
  },
  say: ({ text }) => new Promise((resolve) => {
    if (kept.isGone) return resolve("gone");
    kept.once("data", (chunk) => resolve(chunk.toString())); kept.once("close", () => resolve("gone")); kept.write(text);
  }),
};`,
  body: `
  try { return text(await ways[args.way](args)); }
  catch (error) { return text("failed: " + (error.cause?.message ?? error.message)); }`,
});

function writeNode(host: SandboxedTestHost, hosts: string[], rest: JsonObject = {}): void {
  const entries = hosts.map((name) => ({ host: name, methods: ["*"], via: "proxy", why }));
  host.write("node", {
    manifest: { permissions: { "net.fetch": entries, ...rest } },
    files: { "index.mjs": NODE, "ca.pem": SELF_SIGNED.cert },
  });
}

async function ask(host: SandboxedTestHost, args: JsonObject): Promise<string> {
  const { content } = await host.call("ask", args);
  return String(content[0]?.text);
}

const connections = (host: SandboxedTestHost) =>
  host.audit.entries
    .filter(({ kind }) => kind === "host.net_connect")
    .map(({ trace, data }) => ({ status: trace?.status, ...data }));

test("[PL140] a program for Node.js reaches a granted host by fetch, https and http, and nothing is done to what it sends", async () => {
  await using plain = await listen((request, response) =>
    response.end(`${request.method} ${request.url} ${request.body} ${String(request.headers["x-own"] ?? "")}`),
  );
  await using tls = await listenTls();
  await using host = createHost();
  const names = [`localhost:${tls.port}`, `http://plain.example:${plain.port}`];
  writeNode(host, names);
  await host.open();
  const url = `http://plain.example:${plain.port}/a?b`;
  const request = { url, method: "POST", headers: { "x-own": "d" }, body: "c" };
  expect(await ask(host, { way: "fetch", ...request })).toBe("200 POST /a?b c d");
  expect(await ask(host, { way: "http", ...request })).toBe("200 POST /a?b c d");
  expect(await ask(host, { way: "https", url: `https://localhost:${tls.port}/x` })).toBe("200 secret GET /x");
});

test("[PL140] programs for Python and the shell reach a granted host, encrypted or not", async () => {
  await using plain = await listen((_request, response) => response.end("plain"));
  await using tls = await listenTls();
  await using host = createHost();
  const permissions = { "net.fetch": [{ host: "any.example", methods: ["*"], via: "proxy", why }] };
  host.write("python", {
    manifest: { id: "org.example.python", runtime: "python", permissions },
    files: {
      "main.py": `
import ssl, urllib.request
from typing import TypedDict
from logomesh import Plugin
plugin = Plugin("python", "1.0.0")
class Answer(TypedDict):
    text: str
@plugin.tool(effect="once")
def ask(url: str) -> Answer:
    """Asks."""
    trusted = ssl.create_default_context(cafile="/plugin/ca.pem")
    trusted.check_hostname = False
    return {"text": urllib.request.urlopen(url, context=trusted).read().decode()}
plugin.serve()
`,
      "ca.pem": SELF_SIGNED.cert,
    },
  });
  host.write("shell", {
    manifest: {
      ...{ id: "org.example.shell", runtime: "shell", permissions },
      tools: {
        ask: { description: "Asks.", input_schema: { type: "object", properties: { url: { type: "string" } } } },
      },
    },
    files: { "main.sh": '#!/usr/bin/bash\nexec curl --silent --show-error --insecure "$ARG_URL"\n' },
  });
  await host.open();
  const urls = [`http://plain.example:${plain.port}/`, `https://tls.example:${tls.port}/x`];
  const answers = ["plain", "secret GET /x"];
  for (const [index, url] of urls.entries()) {
    const python = await host.call("ask", { url }, { pluginId: "org.example.python" });
    expect(python.structuredContent).toEqual({ text: answers[index] });
    const shell = await host.call("ask", { url }, { pluginId: "org.example.shell" });
    expect(shell.content[0]?.text).toBe(JSON.stringify({ text: answers[index] }));
  }
});

test("[PL141] without a host by way of the proxy in the grant there is no network, whatever the manifest asks for", async () => {
  await using plain = await listen((_request, response) => response.end("reached"));
  await using host = createHost();
  writeNode(host, [`http://plain.example:${plain.port}`], { store: { max_bytes: 10, why } });
  await host.open({ grant: false });
  const { sha256 } = host.host.get(ID);
  const request = { way: "http", url: `http://plain.example:${plain.port}/` };
  await host.host.grant(ID, { sha256, permissions: { store: { max_bytes: 10, why } }, caller: CALLER });
  expect(await ask(host, { way: "odd", path: request.url })).toMatch(/^failed: .*EAFNOSUPPORT/);
  expect(await ask(host, request)).toMatch(/^failed: /);
  await host.host.unload(ID, CALLER);
  await host.host.grant(ID, { sha256, caller: CALLER });
  expect(await ask(host, request)).toBe("200 reached");
});

test("[PL142] every connection is an entry before it opens and when it has ended; what is denied is refused and in the plugin's log", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  writeNode(host, ["a.example"]);
  await host.open();
  const name = `a.example:${echo.port}`;
  expect(await ask(host, { way: "open", host: `A.EXAMPLE.:${echo.port}` })).toBe("200");
  const about = { host: name, method: "CONNECT", callers: [`Client:${CALLER.principal.id}`] };
  expect(connections(host)).toEqual([{ status: "sent", ...about }]);
  expect(await ask(host, { way: "say", text: "hello" })).toBe("hello");
  await host.host.unload(ID, CALLER);
  await expect.poll(() => connections(host)).toHaveLength(2);
  expect(connections(host)[1]).toEqual({
    ...{ ...about, status: "faulted", address: "127.0.0.1", bytesSent: 5, bytesReceived: 5 },
    ...{ durationMs: expect.any(Number) as number, code: "LM_PLUGIN_STOPPED" },
  });
  host.policy.denied.add(`net.fetch https://${name}`);
  expect(await ask(host, { way: "open", host: name })).toBe("403");
  expect(await ask(host, { way: "open", host: "nowhere.test:443" })).toBe("502");
  expect(await ask(host, { way: "open", host: "a.example" })).toBe("403");
  expect(host.host.logs(ID)).toEqual([
    `network: CONNECT ${name} failed: not here`,
    "network: CONNECT nowhere.test:443 failed: The name nowhere.test could not be resolved: no address of nowhere.test",
    'network: CONNECT a.example failed: "a.example" is not host:port, which a tunnel needs.',
  ]);
  expect(host.policy.asked.filter(({ action }) => action === "net.fetch").at(-1)).toMatchObject({
    principal: { type: "Plugin", id: ID },
    chain: [CALLER.principal],
    context: { tainted: false },
  });
});

test("[PL142] the workbench's own port and metadata addresses are refused whatever was granted", async () => {
  await using own = await listen((_request, response) => response.end("own"));
  await using host = createHost({ ownPorts: [own.port] });
  writeNode(host, ["a.example"]);
  await host.open();
  for (const place of [`a.example:${own.port}`, `127.0.0.1:${own.port}`, `[::1]:${own.port}`, "169.254.169.254:80"])
    expect([place, await ask(host, { way: "open", host: place })]).toEqual([place, "403"]);
  const url = `http://a.example:${own.port}/`;
  expect(await ask(host, { way: "http", url })).toMatch(/^403 LM_NET_REFUSED: .*own/);
  expect(own.seen).toEqual([]);
});

/** A plugin with one tunnel open, over which it has spoken. */
async function openTunnel(host: SandboxedTestHost, port: number): Promise<string> {
  writeNode(host, ["a.example"]);
  await host.open();
  expect(await ask(host, { way: "open", host: `a.example:${port}` })).toBe("200");
  expect(await ask(host, { way: "say", text: "before" })).toBe("before");
  return `net.fetch https://a.example:${port}`;
}

test("[PL143] a tunnel ends when its grant does, within about a second", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  const denied = await openTunnel(host, echo.port);
  host.policy.denied.add(denied);
  await expect.poll(() => echo.sockets.size, { timeout: 5_000 }).toBe(0);
  expect(connections(host).at(-1)).toMatchObject({ status: "faulted", code: "LM_POLICY_DENIED" });
});

test("[PL143] a call of somebody who may not reach the host ends the tunnel before the plugin hears of the call", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  await openTunnel(host, echo.port);
  const stranger = { type: "Plugin", id: "org.example.stranger" } as const;
  host.policy.deniedFor = ({ action, chain }) =>
    action === "net.fetch" && chain?.some(({ id }) => id === stranger.id) === true;
  const said = await host.host.callTool(
    { pluginId: ID, tool: "ask", arguments: { way: "say", text: "in my name" }, caller: stranger },
    { signal: new AbortController().signal, onTaint: () => undefined },
  );
  expect(said.content[0]?.text).toBe("gone");
  await expect.poll(() => echo.sockets.size).toBe(0);
});

test("[PL143] a process that becomes tainted keeps no tunnel that the policy closes to it", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  await openTunnel(host, echo.port);
  host.policy.deniedFor = ({ action, context }) => action === "net.fetch" && context?.tainted === true;
  expect(await ask(host, { way: "say", text: "still" })).toBe("still");
  let isTainted = false;
  const said = await host.host.callTool(
    { pluginId: ID, tool: "ask", arguments: { way: "say", text: "private" }, caller: CALLER.principal, tainted: true },
    { signal: new AbortController().signal, onTaint: () => void (isTainted = true) },
  );
  expect([said.content[0]?.text, isTainted]).toEqual(["gone", true]);
  expect(await ask(host, { way: "open", host: `a.example:${echo.port}` })).toBe("403");
});

test("[PL144] a plugin has 32 connections at once, and the next waits until one has ended", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  writeNode(host, ["a.example"]);
  await host.open();
  expect(await ask(host, { way: "many", host: `a.example:${echo.port}`, count: 33 })).toBe("33");
  await expect.poll(() => echo.sockets.size).toBe(32);
});

test("[PL145] of unencrypted http the method, headers and redirects are judged like those of net_fetch", async () => {
  await using plain = await listen((request, response) => {
    if (request.url === "/away")
      response.writeHead(302, { location: "http://other.example/", "set-cookie": ["a=1", "b=2"] }).end();
    else response.end("plain");
  });
  await using host = createHost();
  writeNode(host, [`http://a.example:${plain.port}`]);
  await host.open();
  const url = `http://a.example:${plain.port}/`;
  expect(await ask(host, { way: "http", url })).toBe("200 plain");
  expect(await ask(host, { way: "http", url: `${url}away` })).toBe("302 ");
  expect(await ask(host, { way: "http", url, method: "TRACE" })).toMatch(/^403 LM_NET_REFUSED/);
  expect(await ask(host, { way: "http", url, headers: { "x-http-method-override": "DELETE" } })).toMatch(
    /^403 LM_NET_REFUSED/,
  );
  expect(await ask(host, { way: "http", url, method: "POST", bytes: 9 << 20 })).toMatch(/^413 LM_TOO_LARGE/);
  expect(await ask(host, { way: "odd", path: "/" })).toMatch(/^400 This is a proxy/);
  expect(await ask(host, { way: "odd", path: "ftp://a.example/" })).toMatch(/^400 /);
  host.policy.deniedFor = ({ action, resource }) => action === "net.fetch" && resource.attributes?.method === "DELETE";
  expect(await ask(host, { way: "http", url, method: "DELETE" })).toMatch(/^403 LM_POLICY_DENIED/);
  expect(plain.seen.map(({ method }) => method)).toEqual(["GET", "GET"]);
  const fetched = host.audit.entries.filter(({ kind }) => kind === "host.net_fetch");
  expect(fetched.slice(0, 2)).toMatchObject([
    { trace: { status: "sent" }, data: { via: "proxy", method: "GET" } },
    { trace: { status: "completed" }, data: { httpStatus: 200, bytes: 5 } },
  ]);
});

test("[PL146] tunnels end with their plugin at once, however it ends", async () => {
  await using echo = await listenEcho();
  await using host = createHost();
  await openTunnel(host, echo.port);
  const killed = host.host.killAll("a drill");
  await expect.poll(() => echo.sockets.size, { interval: 1 }).toBe(0);
  await killed;
  expect(await ask(host, { way: "open", host: `a.example:${echo.port}` })).toBe("200");
  await host.host.revoke(ID, CALLER);
  await expect.poll(() => echo.sockets.size).toBe(0);
});
