import { beforeAll, describe, expect, test } from "vitest";
import type { PluginRuntime } from "@logomesh/contracts";
import { runInside, runOutside, sandbox } from "./sandboxHarness.ts";

const RUNTIMES: PluginRuntime[] = ["nodejs", "python", "shell"];
beforeAll(() => expect(sandbox.status()).toMatchObject({ available: true }));

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
});
