import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { expect } from "vitest";
import { type Arena } from "../arena/arena.ts";
import { expectRefused, program, type Attack } from "../attack.ts";
import { read } from "./filesystem.ts";

/** Says hello at each place, as each language does it, and prints what comes of it. */
const node = (connect: string): string => `
const net = require("net");
await new Promise((resolve) => {
  const socket = ${connect}.on("connect", () => socket.write("GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"))
    .on("data", (data) => print(data.toString())).on("error", (error) => { print(error.code); resolve(); }).on("close", resolve);
});`;
const python = (family: string, address: string): string => `
import socket
try:
  s = socket.socket(socket.${family}); s.settimeout(5); s.connect(${address})
  s.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
  while data := s.recv(1000): print(data.decode())
except OSError as error: print(error.strerror)`;
const perl = (path: string): string =>
  `perl -e 'use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "${path}") or print("$!"); print <$s> if $s'`;
const bash = (port: number): string =>
  `exec 5<>/dev/tcp/127.0.0.1/${port} && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&5 && timeout 5 cat <&5`;

const NO_FAMILY = /EAFNOSUPPORT|Address family not supported/;

const DIRECT: Attack[] = [
  program({
    name: "[SB7] connects to a port of the host's loopback",
    code: ({ tcpPort }) => ({
      nodejs: node(`net.connect(${tcpPort}, "127.0.0.1")`),
      python: python("AF_INET", `("127.0.0.1", ${tcpPort})`),
      shell: bash(tcpPort),
    }),
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] asks the workbench's own API",
    code: (_, { port }) => ({
      nodejs: node(`net.connect(${port}, "127.0.0.1")`),
      python: python("AF_INET", `("127.0.0.1", ${port})`),
      shell: bash(port),
    }),
    wins: /HTTP\/1\.1 200/,
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] sends a datagram to a port of the host's loopback",
    code: ({ udpPort }) => ({
      nodejs: `
const socket = require("dgram").createSocket("udp4");
print(await new Promise((resolve) => {
  socket.on("error", ({ code }) => resolve(code));
  socket.send("pwned", ${udpPort}, "127.0.0.1", (error) => resolve(error?.code ?? "sent"));
}));`,
      python: `
import socket
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"pwned", ("127.0.0.1", ${udpPort}))
except OSError as error: print(error.strerror)`,
      shell: `echo pwned > /dev/udp/127.0.0.1/${udpPort}`,
    }),
    wins: { heard: "udp" },
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] tells a name server a secret in a question",
    code: ({ udpPort }) => ({
      nodejs: `
try {
  const { Resolver } = require("dns").promises;
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers(["127.0.0.1:${udpPort}"]);
  await resolver.resolve4("pwned.example.org");
} catch (error) { print(error.code); }`,
      python: `
import socket
question = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\5pwned\\7example\\3org\\0\\0\\1\\0\\1"
try: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(question, ("::ffff:127.0.0.1", ${udpPort}))
except OSError as error: print(error.strerror)`,
    }),
    wins: { heard: "udp" },
    refused: /ECONNREFUSED|ESERVFAIL|ETIMEOUT|Address family not supported/,
  }),
  program({
    name: "[SB7] connects to a Unix socket by its path",
    code: ({ socketPath }) => ({
      nodejs: node(`net.connect(${JSON.stringify(socketPath)})`),
      python: python("AF_UNIX", JSON.stringify(socketPath)),
      shell: perl(socketPath),
    }),
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] connects to an abstract Unix socket",
    code: ({ abstractName }) => ({
      nodejs: node(`net.connect("\\0${abstractName}")`),
      python: python("AF_UNIX", `"\\0${abstractName}"`),
      shell: perl(`\\0${abstractName}`),
    }),
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] makes sockets of every family and kind, and pairs of them",
    code: {
      python: `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
pair = (ctypes.c_int * 2)()
opened = [(f, t) for f in range(0, 46) for t in (1, 2, 3, 5) if libc.socket(f, t, 0) >= 0]
pairs = [(f, t) for f in range(0, 46) for t in (1, 2, 3, 5) if libc.socketpair(f, t, 0, pair) == 0]
print("opened", opened, "pairs", pairs)`,
    },
    wins: /opened \[\(1, 1\)/,
    refused: /^opened \[\] pairs \[\(1, 1\), \(1, 5\)\]/,
    isLasting: true,
  }),
  program({
    name: "[SB7] asks the kernel for the host's interfaces by netlink",
    code: {
      python: `
import socket
try:
  s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
  s.send(bytes([20, 0, 0, 0, 18, 0, 1, 3]) + bytes(12))
  print("answered", len(s.recv(65536)))
except OSError as error: print(error.strerror)`,
      shell: `perl -e 'use Socket; socket(my $s, 16, 3, 0) and print "answered" or print "$!"'`,
    },
    wins: /answered/,
    refused: NO_FAMILY,
  }),
  {
    ...program({
      name: "[SB7] sends raw packets",
      code: {
        python: `
import socket
for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), (socket.AF_PACKET, socket.SOCK_RAW, 768)):
  try: socket.socket(family, kind, protocol); print("opened")
  except OSError as error: print(error.strerror)`,
        shell: `perl -e 'use Socket; socket(my $s, 2, 3, 1) and print "opened" or print "$!"'`,
      },
      wins: /opened/,
      refused: NO_FAMILY,
    }),
    needsRoot: true,
  },
  program({
    name: "[SB7] opens a port for the host to call",
    code: {
      nodejs: `const net = require("net"); await new Promise((resolve) => { const s = net.createServer().on("error", (error) => { print(error.code); resolve(); }).listen(0, "127.0.0.1", () => { print("listens"); s.close(resolve); }); });`,
      python: `
import socket
try: s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print("listens")
except OSError as error: print(error.strerror)`,
    },
    wins: /listens/,
    refused: NO_FAMILY,
  }),
  program({
    name: "[SB7] reads who is connected to whom on the host",
    code: ({ tcpPort, abstractName }) => {
      const port = tcpPort.toString(16).toUpperCase().padStart(4, "0");
      const {
        python: tables = "",
        nodejs = "",
        shell = "",
      } = read("/proc/net/tcp", "/proc/net/unix", "/proc/1/net/tcp");
      const found = `"0100007F:${port}"`;
      return {
        nodejs: `const all = []; const show = print; { const print = (text) => all.push(text); ${nodejs} } show(all.join("").includes(${found}) || all.join("").includes("${abstractName}") ? "found" : "not there");`,
        python: tables
          .replace("print(open", "text = str(open")
          .replace(
            ".read())",
            '.read()); print("found" if ' + found + ' in text or "' + abstractName + '" in text else "not there")',
          ),
        shell: `{ ${shell}; } | grep -qE '0100007F:${port}|${abstractName}' && echo found || echo not there`,
      };
    },
    wins: /^found/m,
    refused: /not there/,
  }),
  {
    name: "[SB71] sends a datagram from a pair to a socket in a mounted folder",
    control: (arena) => sendFromPair(arena, "outside"),
    attempt: (arena) => sendFromPair(arena, "inside"),
  },
];

const MOUNTED = "org.example.mounted";

/** A program of the user that takes datagrams in a folder that was granted to the plugin; it began after the folder was looked at. */
async function sendFromPair(arena: Arena, where: "inside" | "outside"): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = join(arena.root, "docs/shared");
  mkdirSync(folder, { mode: 0o755 });
  stack.defer(() => rmSync(folder, { recursive: true }));
  const permissions = { "fs.mount": [{ path: "docs/shared", why: "reads" }] } satisfies JsonObject;
  await arena.install({ id: MOUNTED, runtime: "python", manifest: { permissions } });
  stack.defer(() => arena.uninstall(MOUNTED));
  expect(await arena.run(MOUNTED, "import os; print(os.listdir('/work'))")).toMatchObject({ output: "['shared']" });
  const heard: string[] = [];
  stack.use(await listenForDatagrams(join(folder, "socket"), heard));
  const send = (path: string): string => `
import socket
try:
  pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
  print("sent", pair[0].sendto(b"pwned", "${path}"))
except OSError as error: print(error.strerror)`;
  if (where === "outside") {
    await arena.runOutside("python", send(join(folder, "socket")));
    await expect.poll(() => heard.join("")).toContain("pwned");
  } else {
    expectRefused(await arena.run(MOUNTED, send("/work/shared/socket")), NO_FAMILY);
    expect(heard.join("").trim()).toBe("");
  }
}

async function listenForDatagrams(path: string, heard: string[]): Promise<AsyncDisposable> {
  const source = `
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("${path}"); os.chmod("${path}", 0o777); print("ready", flush=True)
while True: print(s.recv(100).decode(), flush=True)`;
  const listener = spawn("/usr/bin/python3", ["-c", source], { stdio: ["ignore", "pipe", "ignore"] });
  await once(listener.stdout, "data");
  listener.stdout.on("data", (text: Buffer) => heard.push(text.toString()));
  const gone = once(listener, "exit");
  return {
    async [Symbol.asyncDispose]() {
      listener.kill("SIGKILL");
      await gone;
    },
  };
}

export const network: Attack[] = DIRECT;
