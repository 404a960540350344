import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PluginRuntime } from "@logomesh/contracts";
import { createTempFolder } from "../../core/testing/index.ts";
import { runInside, runOutside, sandbox } from "./sandboxHarness.ts";

const RUNTIMES: PluginRuntime[] = ["nodejs", "python", "shell"];
const token = `canary-${randomUUID()}`;
let host: ReturnType<typeof createTempFolder>;
let canary: string;

beforeAll(() => {
  expect(sandbox.status()).toMatchObject({ available: true });
  host = createTempFolder();
  canary = join(host.path, "secret.txt");
  writeFileSync(canary, token, { mode: 0o644 });
  process.env["LOGOMESH_CANARY"] = token;
});
afterAll(() => {
  host[Symbol.dispose]();
  delete process.env["LOGOMESH_CANARY"];
});

describe("files of the host", () => {
  test("[SB1] appear in the root folder with exactly the listed names", async () => {
    const { stdout } = await runInside({ runtime: "shell", source: "ls -A / /etc /home/plugin" });
    const names = ["bin", "dev", "etc", "home", "lib", "lib64", "plugin", "proc", "sbin", "tmp", "usr"];
    expect(stdout.split(/\s+/).filter(Boolean)).toEqual([
      ...["/:", ...names],
      ...["/etc:", "alternatives", "group", "ld.so.cache", "passwd", "/home/plugin:"],
    ]);
  });

  test("[SB2] cannot be made or changed: nothing is writable but /tmp and /dev/shm", async () => {
    const source = `
const fs = require("fs"), path = require("path"), writable = [];
const walk = (folder, depth) => {
  try { fs.writeFileSync(folder + "/.probe", "x"); fs.unlinkSync(folder + "/.probe"); writable.push(folder); } catch {}
  let entries = [];
  try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch {}
  for (const entry of entries) {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory() && depth < 3) walk(inner, depth + 1);
    else try { if (!fs.lstatSync(inner).isFile()) continue; fs.closeSync(fs.openSync(inner, "r+")); if (!inner.startsWith("/proc/")) writable.push(inner); } catch {}
  }
};
walk("/", 0);
console.log(JSON.stringify(writable));`;
    const { stdout } = await runInside({ runtime: "nodejs", source });
    expect(JSON.parse(stdout)).toEqual(["/dev/shm", "/tmp"]);
  });
});

describe("the network", () => {
  let server: Server;
  let connections = 0;
  let port: number;
  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.end(token);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => void server.close());

  // Outside, another process has to ask: the control blocks this one, and the server with it. A finished handshake is enough.
  const sources = (at: number): Record<PluginRuntime, string> => ({
    nodejs: `require("net").connect(${at}, "127.0.0.1").on("connect", () => { console.log("connected"); process.exit(); }).on("error", (e) => console.log(e.code))`,
    python: `import socket\ntry:\n  socket.create_connection(("127.0.0.1", ${at})); print("connected")\nexcept OSError as e: print(e.strerror)`,
    shell: `exec 5<>/dev/tcp/127.0.0.1/${at} && echo connected`,
  });

  test.each(RUNTIMES)("[SB7] is out of reach of %s, the host's loopback too", async (runtime) => {
    const source = sources(port)[runtime];
    expect(runOutside({ runtime, source })).toContain("connected");
    await expect.poll(() => connections).toBe(1);
    connections = 0;
    const { stdout, stderr } = await runInside({ runtime, source });
    expect(stdout).not.toContain("connected");
    expect(stdout + stderr).toMatch(/EAFNOSUPPORT|Address family not supported/);
    expect(connections).toBe(0);
  });

  test("[SB7] is refused for every family, with socket pairs of Unix alone", async () => {
    const source = `
import socket, json, ctypes
libc = ctypes.CDLL(None, use_errno=True)
out = [(f, libc.socket(f, t, 0), ctypes.get_errno()) for f in range(0, 46) for t in (1, 2, 3)]
pair = (ctypes.c_int * 2)()
print(json.dumps({"opened": [o for o in out if o[1] >= 0], "errors": sorted({o[2] for o in out}),
  "unix": libc.socketpair(1, 1, 0, pair), "tipc": libc.socketpair(30, 1, 0, pair)}))`;
    const probe = { runtime: "python" as const, source };
    expect((JSON.parse(runOutside(probe)) as { opened: unknown[] }).opened).not.toEqual([]);
    expect(JSON.parse((await runInside(probe)).stdout)).toEqual({ opened: [], errors: [97], unix: 0, tipc: -1 });
  });

  test("[SB7, SB13] Node starts children and worker threads and runs WebAssembly all the same", async () => {
    const source = `
const { execFileSync, fork } = require("child_process"), { Worker } = require("worker_threads");
if (process.send) { process.send("from the child"); } else {
  const wasm = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  const out = { echo: execFileSync("/bin/echo", ["hi"], { encoding: "utf8" }), wasm: wasm instanceof WebAssembly.Module, proto: ({}).__proto__ };
  fork(__filename).on("message", (message) => {
    new Worker("require('worker_threads').parentPort.postMessage('from the thread')", { eval: true }).on("message", (threaded) => {
      console.log(JSON.stringify({ ...out, message, threaded }));
    });
  });
}`;
    const { stdout, stderr } = await runInside({ runtime: "nodejs", source });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      ...{ echo: "hi\n", wasm: true },
      ...{ message: "from the child", threaded: "from the thread" },
    });
  });
});

describe("the host's secrets and processes", () => {
  const ENVIRONMENTS: Record<PluginRuntime, string> = {
    nodejs: `const fs = require("fs"); console.log(JSON.stringify(process.env)); for (const p of fs.readdirSync("/proc")) try { process.stdout.write(fs.readFileSync("/proc/" + p + "/environ", "latin1")); } catch {}`,
    python: `import os, glob\nprint(dict(os.environ))\nfor p in glob.glob("/proc/*/environ"):\n  try: print(open(p).read())\n  except OSError: pass`,
    shell: `env; cat /proc/*/environ 2>/dev/null`,
  };

  test.each(RUNTIMES)("[SB3] the environment is hidden from %s", async (runtime) => {
    const source = ENVIRONMENTS[runtime];
    expect(runOutside({ runtime, source }, { LOGOMESH_CANARY: token })).toContain(token);
    const { stdout } = await runInside({ runtime, source });
    expect(stdout.length).toBeGreaterThan(0);
    expect(stdout).not.toContain(token);
  });

  test("[SB3] the plugin's own environment is fixed", async () => {
    const { stdout } = await runInside({ runtime: "nodejs", source: "console.log(JSON.stringify(process.env))" });
    expect(JSON.parse(stdout)).toEqual({
      ...{ PATH: "/runtime/bin:/usr/bin:/bin", HOME: "/home/plugin", TMPDIR: "/tmp", LANG: "C.UTF-8", TZ: "UTC" },
      ...{ OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", UV_THREADPOOL_SIZE: "2" },
      ...{ LOGOMESH_HOST_FD: "3", SHLVL: "0" },
    });
  });

  test.each(RUNTIMES)("[SB4, SB6] processes and paths are hidden from %s", async (runtime) => {
    const source = {
      nodejs: `const fs = require("fs"); for (const p of fs.readdirSync("/proc").filter(Number)) try { console.log(p + " " + fs.readFileSync("/proc/" + p + "/cmdline", "latin1").replaceAll("\\0", " ").replaceAll("\\n", " ")); } catch {}`,
      python: `import glob, re\nfor p in glob.glob("/proc/[0-9]*/cmdline"):\n  try: print(p.split("/")[2], re.sub("[\\0\\n]", " ", open(p).read()))\n  except OSError: pass`,
      shell: `for p in /proc/[0-9]*; do echo "\${p##*/} $(tr '\\0\\n' '  ' < $p/cmdline)"; done 2>/dev/null`,
    }[runtime];
    expect(runOutside({ runtime, source })).toContain(`${process.pid} `);
    const { stdout } = await runInside({ runtime, source });
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^1 \/usr\/bin\/bwrap --args 4 -- /);
    expect(lines.length).toBeLessThan(10);
    expect(lines.map((line) => Number(line.split(" ")[0])).filter((pid) => pid > 100)).toEqual([]);
    expect(stdout).not.toMatch(/logomesh-security|\/root|\/home\/(?!plugin)|node_modules/);
  });

  test("[SB6] signals reach no process of the host", async () => {
    const source = `import os, signal, json\nout = []\nfor pid in [${process.pid}, ${process.ppid}, -1]:\n  try: os.kill(pid, 0 if pid > 0 else signal.SIGCONT); out.append("sent")\n  except OSError as e: out.append(e.errno)\nprint(json.dumps(out))`;
    const ESRCH = 3;
    expect((JSON.parse((await runInside({ runtime: "python", source })).stdout) as unknown[]).slice(0, 2)).toEqual([
      ESRCH,
      ESRCH,
    ]);
  });
});
