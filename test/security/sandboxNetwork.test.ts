import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { performServerHandshake } from "node:http2";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PluginRuntime } from "@logomesh/contracts";
import { createTempFolder } from "../../core/testing/index.ts";
import { createBundle, finish, runOutside, sandbox, type Probe, type ProbeResult } from "./sandboxHarness.ts";

// A sandbox that may reach granted hosts, used by a plugin that wants any other way out. The host's end of the bridge answers every
// request here with a token, so that a probe which goes by the proxy is told from one which found its own way.

const RUNTIMES: PluginRuntime[] = ["nodejs", "python", "shell"];
const token = `canary-${randomUUID()}`;
const PROXIED = `proxied-${randomUUID()}`;
const host = createTempFolder();
const unixPath = join(host.path, "host.sock");
let tcp: Server;
let unix: Server;
let port: number;
let connections = 0;
const udp = createSocket("udp4");
let datagrams = 0;

beforeAll(async () => {
  const serve = (place: number | string): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        connections += 1;
        socket.on("error", () => undefined).end(token);
      });
      if (typeof place === "number") server.listen(place, "127.0.0.1", () => resolve(server));
      else server.listen(place, () => resolve(server));
    });
  [tcp, unix] = [await serve(0), await serve(unixPath)];
  port = (tcp.address() as AddressInfo).port;
  udp.on("message", () => (datagrams += 1));
  await new Promise<void>((resolve) => udp.bind(port, "127.0.0.1", resolve));
});
afterAll(() => {
  tcp.close();
  unix.close();
  udp.close();
  host[Symbol.dispose]();
});

async function runProxied(probe: Probe, answer = PROXIED): Promise<ProbeResult & { asked: string[] }> {
  using bundle = createBundle(probe);
  const started = await sandbox.launch({ ...bundle.spec, network: "proxied" });
  const asked: string[] = [];
  const session = performServerHandshake(started.proxy!);
  session.on("error", () => undefined);
  session.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    asked.push(`${headers[":method"] ?? ""} ${headers[":authority"] ?? ""}`);
    stream.respond({ ":status": 200 });
    stream.end(answer);
  });
  return { ...(await finish(started, probe.input)), asked };
}

test.each(RUNTIMES)("[SB50] the host's loopback is out of reach of %s, and the proxy is not", async (runtime) => {
  const direct: Record<PluginRuntime, string> = {
    nodejs: `require("net").connect(${port}, "127.0.0.1").on("connect", () => { console.log("connected"); process.exit(); }).on("error", (e) => console.log(e.code))`,
    python: `import socket\ntry:\n  socket.create_connection(("127.0.0.1", ${port})); print("connected")\nexcept OSError as e: print(e.strerror)`,
    shell: `exec 5<>/dev/tcp/127.0.0.1/${port} && echo connected`,
  };
  const before = connections;
  expect(runOutside({ runtime, source: direct[runtime] })).toContain("connected");
  await expect.poll(() => connections).toBe(before + 1);
  const refused = await runProxied({ runtime, source: direct[runtime] });
  expect(refused.stdout + refused.stderr).toMatch(/ECONNREFUSED|Connection refused/);
  expect([refused.stdout.includes("connected"), connections, refused.asked]).toEqual([false, before + 1, []]);
  const byProxy: Record<PluginRuntime, string> = {
    nodejs: `require("http").get("http://any.example/", (answer) => answer.pipe(process.stdout))`,
    python: `import urllib.request; print(urllib.request.urlopen("http://any.example/").read().decode())`,
    shell: `exec curl --silent http://any.example/`,
  };
  const passed = await runProxied({ runtime, source: byProxy[runtime] });
  expect([passed.stdout.trim(), passed.stderr, passed.asked]).toEqual([PROXIED, "", ["GET any.example"]]);
});

test("[SB50] no other kind of socket opens, and no address but the loopback can be reached", async () => {
  const source = `
import socket, json, ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
opened = [(f, t, p) for f in range(0, 46) for t in range(0, 11) for p in (0, 1, 6, 17, 41, 58, 132, 255, 262) if libc.socket(f, t, p) >= 0]
def attempt(what):
  try: return what() or "reached"
  except OSError as e: return os.strerror(e.errno) if e.errno and e.errno > 0 else "no address"
def dial(address, port): return lambda: socket.create_connection((address, port), 2).close()
print(json.dumps({"opened": opened, "answers": {
  "udp": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", ${port}))and None),
  "unix": attempt(lambda: socket.socket(socket.AF_UNIX).connect(${JSON.stringify(unixPath)})),
  "name": attempt(lambda: socket.getaddrinfo("localhost.example", 80) and None),
  **{a: attempt(dial(a, ${port})) for a in ("192.0.2.1", "10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "0.0.0.0")},
}, "interfaces": [l.split(":")[0].strip() for l in open("/proc/net/dev").readlines()[2:]], "routes": open("/proc/net/route").readlines()[1:]}))`;
  const probe: Probe = { runtime: "python", source };
  const sent = { connections, datagrams };
  const outside = JSON.parse(runOutside(probe)) as { opened: unknown[]; answers: Record<string, string> };
  expect(outside.answers).toMatchObject({ udp: "reached", unix: "reached", "127.0.0.1": "reached" });
  await expect.poll(() => datagrams).toBe(sent.datagrams + 1);
  await expect.poll(() => connections).toBeGreaterThan(sent.connections);
  const controlled = { connections, datagrams };
  const { stdout, stderr, asked } = await runProxied(probe);
  const unreachable = "Network is unreachable";
  const refused = "Connection refused";
  expect([stderr, asked]).toEqual(["", []]);
  expect(JSON.parse(stdout)).toEqual({
    opened: [2, 10].flatMap((family) => [0, 6].map((protocol) => [family, 1, protocol])),
    answers: {
      ...{
        udp: "Address family not supported by protocol",
        unix: "Address family not supported by protocol",
        name: "no address",
      },
      ...{ "192.0.2.1": unreachable, "10.0.0.1": unreachable, "169.254.169.254": unreachable },
      ...{ "127.0.0.1": refused, "::1": refused, "0.0.0.0": refused },
    },
    interfaces: ["lo"],
    routes: [],
  });
  expect({ connections, datagrams }).toEqual(controlled);
});

test("[SB51] the descriptor of the bridge is not the plugin's, and cannot be taken from the bridge", async () => {
  const source = `
import os, json, socket
mine = sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1]
others, opened = {}, []
for pid in filter(str.isdigit, os.listdir("/proc")):
  if int(pid) == os.getpid(): continue
  try: names = os.listdir(f"/proc/{pid}/fd")
  except OSError: continue
  others[pid] = [n for n in names if os.readlink(f"/proc/{pid}/fd/{n}").startswith("socket:")]
  for n in others[pid]:
    try: opened.append(os.open(f"/proc/{pid}/fd/{n}", os.O_RDWR))
    except OSError: pass
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
bridge = next(pid for pid, sockets in others.items() if "7" in sockets)
print(json.dumps([mine, opened, libc.syscall(438, libc.syscall(434, int(bridge), 0), 7, 0), ctypes.get_errno()]))`;
  const { stdout } = await runProxied({ runtime: "python", source });
  const EPERM = 1;
  expect(JSON.parse(stdout)).toEqual([[0, 1, 2, 3], [], -1, EPERM]);
});

test("[SB51, SB52] without its bridge a plugin has no network and goes on", async () => {
  const source = `
import os, signal, socket, time
for pid in filter(str.isdigit, os.listdir("/proc")):
  if b"jitless" in open(f"/proc/{pid}/cmdline", "rb").read(): os.kill(int(pid), signal.SIGKILL)
while True:
  try: socket.create_connection(("127.0.0.1", 3128)).close()
  except OSError as e:
    if e.strerror == "Connection refused": break
print("alone")`;
  const { stdout, exit, asked } = await runProxied({ runtime: "python", source });
  expect([stdout, exit, asked]).toEqual(["alone\n", { code: 0, signal: null }, []]);
});

test("[SB52] the proxy is there at the plugin's first instruction, and is no child of it", async () => {
  const source = `
const { connect } = require("net");
const first = connect(3128, "127.0.0.1").on("connect", () => console.log("there")).on("error", (e) => console.log(e.code));
first.on("connect", () => { console.log(require("fs").readFileSync("/proc/self/task/" + process.pid + "/children", "utf8") || "none"); process.exit(); });`;
  expect((await runProxied({ runtime: "nodejs", source })).stdout).toBe("there\nnone\n");
});

test("[SB53] what the bridge is made to hold is bounded, and the plugin keeps its own limits", async () => {
  const source = `
import resource, socket, threading
held = []
for i in range(100):
  try:
    s = socket.create_connection(("127.0.0.1", 3128)); s.settimeout(0.05)
    s.sendall(b"CONNECT a.example:1 HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n"); held.append(s)
  except OSError: break
for s in held:
  try: s.sendall(b"x" * (4 << 20))
  except OSError: pass
print(resource.getrlimit(resource.RLIMIT_DATA)[1] >> 20, resource.getrlimit(resource.RLIMIT_NOFILE)[1])`;
  const limits = { memory_mb: 64, max_open_files: 300 };
  const { stdout, exit } = await runProxied({ runtime: "python", source, limits });
  expect([stdout, exit]).toEqual(["64 300\n", { code: 0, signal: null }]);
});

test("[SB54] a program that trusts the host's authorities finds them, and only where there is a proxy", async () => {
  const source = `import ssl, os\ncontext = ssl.create_default_context()\nprint(len(context.get_ca_certs()) > 10, sorted(os.listdir("/etc")))`;
  const names = ["alternatives", "group", "ld.so.cache", "passwd"];
  using bundle = createBundle({ runtime: "python", source });
  expect((await finish(await sandbox.launch(bundle.spec))).stdout).toBe(`False ${list(names)}\n`);
  expect((await runProxied({ runtime: "python", source })).stdout).toBe(`True ${list([...names, "ssl"])}\n`);
});

function list(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(", ")}]`;
}
