import { expect } from "vitest";
import type { Code } from "../arena/agents.ts";
import { hostile } from "../arena/arena.ts";
import { expectRefused, program, type Attack } from "../attack.ts";
import { daemonProgram } from "../daemon.ts";

// Each takes as much as it gets, by ways that different bounds stop; outside it gets all that it asks for. What is asked for is more than the
// plugin may have (128 MiB, 16 processes, 64 descriptors, 16 MiB in /tmp) and far less than the machine has.

const MIB = 1 << 20;
const MUCH = 300 * MIB;
/** Lines: enough to meet every bound of a stream. */
const MUCH_TEXT = 20_000;
const ENDED_FOR_MEMORY =
  /LM_PLUGIN_MEMORY|MemoryError|Cannot allocate|cannot allocate|heap out of memory|Out of memory|SIGABRT|SIGKILL|exit code 13[47]/;

/** A way to hold memory; outside it prints `held`. */
function hoard(name: string, code: Code, refused = ENDED_FOR_MEMORY): Attack {
  return program({ name, code, wins: /^held/m, refused, isLasting: true });
}

const MEMORY: Attack[] = [
  hoard("[SB11] holds memory in objects", {
    nodejs: `const kept = []; while (kept.length < 40_000) { kept.push(new Array(1_000).fill(kept.length + 0.5)); if (kept.length % 1_000 === 0) await new Promise(setImmediate); } print("held");`,
    python: `kept = [bytearray(${MIB}) for _ in range(${MUCH / MIB})]\nprint("held")`,
    shell: `perl -e '$x = "x" x ${MUCH}; print "held"'`,
  }),
  hoard("[SB11] holds memory in buffers outside of the heap", {
    nodejs: `const kept = []; for (let i = 0; i < ${MUCH / MIB / 8}; i += 1) { kept.push(Buffer.alloc(${8 * MIB}, 1)); await new Promise((resolve) => setTimeout(resolve, 5)); } print("held");`,
    python: `
import ctypes
libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p
for _ in range(${MUCH / MIB}):
  at = libc.malloc(ctypes.c_size_t(${MIB}))
  if not at: raise MemoryError
  ctypes.memset(at, 1, ${MIB})
print("held")`,
  }),
  hoard("[SB11] [SB13] holds memory of WebAssembly and of a worker thread", {
    nodejs: `
const { Worker } = require("worker_threads");
const hog = "const memory = new WebAssembly.Memory({ initial: 1, maximum: 16384 }); for (let i = 0; i < ${MUCH / 65536 / 64}; i += 1) { const at = memory.grow(64); new Uint8Array(memory.buffer).fill(1, at * 65536); } require('worker_threads').parentPort.postMessage('held')";
print(await new Promise((resolve) => new Worker(hog, { eval: true }).on("message", resolve)));`,
  }),
  hoard(
    "[SB11] holds memory in processes that stay below the limit each",
    {
      nodejs: `
const { spawn } = require("child_process");
const hog = "const kept = []; for (let i = 0; i < 100; i += 1) kept.push(Buffer.alloc(${MIB}, 1)); console.log('held'); setTimeout(() => {}, 3000)";
const kept = Array.from({ length: 4 }, () => spawn(process.execPath, ["-e", hog]));
for (const child of kept) await new Promise((resolve) => child.stdout.once("data", resolve));
print("held"); for (const child of kept) child.kill("SIGKILL");`,
      python: `
import os, signal
pids = []
for _ in range(6):
  r, w = os.pipe()
  pid = os.fork()
  if pid == 0:
    kept = bytearray(b"x") * ${80 * MIB}
    os.write(w, b"h"); signal.pause()
  os.close(w); pids.append(pid)
  if os.read(r, 1) != b"h": raise MemoryError
print("held")
for pid in pids: os.kill(pid, 9)`,
    },
    /LM_PLUGIN_MEMORY/,
  ),
  hoard(
    "[SB11] holds memory in pages that are shared",
    {
      python: `
import mmap, time
kept = mmap.mmap(-1, ${MUCH})
for at in range(0, ${MUCH}, 4096):
  kept[at] = 1
  if at % ${8 * MIB} == 0: time.sleep(0.01)
print("held")`,
    },
    /LM_PLUGIN_MEMORY/,
  ),
  hoard(
    "[SB70] holds memory in the tables of pages that it only looks at",
    {
      python: `
import mmap
size, NORESERVE = 1 << 38, 0x4000
kept = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE, prot=mmap.PROT_READ)
for at in range(4096, size, 2 << 20): kept[at]
print("held")`,
    },
    /LM_PLUGIN_MEMORY/,
  ),
  hoard(
    "[SB2] holds memory in files below /tmp and /dev/shm",
    {
      nodejs: `const fs = require("fs"); try { for (let i = 0; i < 30; i += 1) fs.writeFileSync("/tmp/hoard-n" + i, Buffer.alloc(${MIB})); print("held"); } finally { for (let i = 0; i < 30; i += 1) fs.rmSync("/tmp/hoard-n" + i, { force: true }); }`,
      python: `
import glob, os
try:
  for i in range(30): open(f"/dev/shm/hoard-p{i}", "wb").write(bytes(${MIB}))
  print("held")
finally:
  for path in glob.glob("/dev/shm/hoard-p*"): os.unlink(path)`,
      shell: `head -c ${30 * MIB} /dev/zero > /tmp/hoard-s && echo held; rm -f /tmp/hoard-s`,
    },
    /ENOSPC|No space left|EFBIG|File too large|File size limit/,
  ),
  hoard(
    "[SB2] [SB11] holds memory in the attributes of empty files",
    {
      python: `
import os
for i in range(600):
  path = f"/dev/shm/attr-{i}"
  open(path, "w").close()
  for j in range(15): os.setxattr(path, f"user.a{j}", b"x" * 60_000)
for i in range(600): os.unlink(f"/dev/shm/attr-{i}")
print("held")`,
    },
    /LM_PLUGIN_MEMORY|No space left/,
  ),
  hoard(
    "[SB11] holds memory in files without a name and in segments that are shared",
    {
      python: `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for number, *arguments in ((319, b"x", 0), (29, 0, ${MUCH}, 0o1600)):
  made = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
  if made < 0: print(os.strerror(ctypes.get_errno())); continue
  if number == 319:
    kept = [made] + [libc.syscall(319, b"x", 0) for _ in range(49)]
    for fd in kept: os.write(fd, bytes(${MUCH / 50}))
    for fd in kept: os.close(fd)
  else:
    ctypes.memset(libc.shmat(made, None, 0), 1, ${MUCH}); libc.shmctl(made, 0, None)
  print("held")`,
    },
    /LM_PLUGIN_MEMORY|^Function not implemented\nFunction not implemented/,
  ),
  program({
    name: "[SB12] holds memory in the buffers of sockets and pipes, also of those on their way",
    code: {
      python: `
import array, socket
carrier, _ = socket.socketpair()
carrier.setblocking(False)
held = pairs = 0
try:
  while pairs < 600:
    pair = socket.socketpair()
    for end in pair:
      end.setblocking(False)
      try:
        while True: held += end.send(b"x" * 65536)
      except BlockingIOError: pass
    carrier.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno() for end in pair]))])
    for end in pair: end.close()
    pairs += 1
  print("held", held)
except OSError as error: print(error.strerror, pairs)`,
    },
    wins: /^held/,
    refused: /Too many references: cannot splice|Too many open files|LM_PLUGIN_MEMORY/,
    isLasting: true,
    // As root there is no bound outside; for others it is the same as inside.
    control: async (arena) => {
      const { output } = await arena.runOutside(
        "python",
        `import socket\nkept = [socket.socketpair() for _ in range(300)]\nprint("held", len(kept))`,
      );
      expect(output).toBe("held 300");
    },
  }),
];

const PROCESSES: Attack[] = [
  program({
    name: "[SB12] forks without end",
    code: {
      nodejs: `
const { spawn } = require("child_process");
const kept = [];
let failed = "";
for (let i = 0; i < 60 && failed === ""; i += 1) { try { const child = spawn("/bin/sleep", ["20"], { stdio: "ignore" }); kept.push(child); await new Promise((resolve) => { child.on("spawn", resolve); child.on("error", (error) => { failed = error.code; resolve(); }); }); } catch (error) { failed = error.code; } }
print(failed === "" ? "made" : failed, kept.length); for (const child of kept) child.kill("SIGKILL");`,
      python: `
import os
pids = []
try:
  while len(pids) < 60:
    pid = os.fork()
    if pid == 0:
      import time; time.sleep(20); os._exit(0)
    pids.append(pid)
  print("made", len(pids))
except OSError as error: print(error.strerror, len(pids))
for pid in pids: os.kill(pid, 9); os.waitpid(pid, 0)`,
      // Perl, because bash waits and tries again.
      shell: `perl -e 'my @kept; for (1..60) { my $pid = fork; if (!defined $pid) { print "$!"; last } if (!$pid) { sleep 20; exit } push @kept, $pid } print "made" if @kept == 60; kill 9, @kept' < /dev/null`,
    },
    wins: /^made/m,
    refused: /EAGAIN|Resource temporarily unavailable/,
    isLasting: true,
  }),
  program({
    name: "[SB12] starts threads without end",
    code: {
      python: `
import threading
stop, made = threading.Event(), 0
try:
  while made < 100: threading.Thread(target=stop.wait, daemon=True).start(); made += 1
  print("made")
except RuntimeError as error: print(error, made)
stop.set()`,
      nodejs: `
const { Worker } = require("worker_threads");
const kept = [];
let failed = "";
for (let i = 0; i < 24 && failed === ""; i += 1) { const worker = new Worker("setInterval(() => {}, 1e6)", { eval: true }); kept.push(worker); await new Promise((resolve) => { worker.on("online", resolve); worker.on("error", (error) => { failed = error.code ?? error.message; resolve(); }); }); }
print(failed === "" ? "made" : failed, kept.length); await Promise.all(kept.map((worker) => worker.terminate()));`,
    },
    wins: /^made/,
    refused: /can't start new thread|ERR_WORKER|EAGAIN|LM_PLUGIN_MEMORY|LM_PLUGIN_CRASHED/,
    isLasting: true,
  }),
  program({
    name: "[SB12] opens files without end",
    code: {
      nodejs: `const fs = require("fs"); const kept = []; try { while (kept.length < 200) kept.push(fs.openSync("/dev/null", "r")); print("made"); } catch (error) { print(error.code, kept.length); } finally { kept.forEach((fd) => fs.closeSync(fd)); }`,
      python: `
kept = []
try:
  while len(kept) < 200: kept.append(open("/dev/null"))
  print("made")
except OSError as error: print(error.strerror, len(kept))`,
      shell: `for ((n = 20; n < 220; n++)); do eval "exec $n</dev/null" || break; done; [ $n = 220 ] && echo made`,
    },
    wins: /^made/,
    refused: /EMFILE|Too many open files|Bad file descriptor/,
  }),
  {
    name: "[SB16] lets a daemon outlive it that left its session and ignores every signal",
    control: async (arena) => {
      const { output } = await arena.runOutside("python", DAEMON);
      expect(output).toMatch(/^\d+$/);
      process.kill(Number(output), "SIGKILL");
    },
    attempt: async (arena) => {
      for (const runtime of ["python", "shell"] as const) {
        const code =
          runtime === "python"
            ? DAEMON
            : `setsid bash -c 'trap "" 1 2 3 13 15; exec -a ${DAEMON_NAME} sleep 300' >/dev/null 2>&1 9>&- & disown; echo $!`;
        const { output } = await arena.run(hostile(runtime), code);
        expect(output).toMatch(/^\d+\n?$/);
        await expect.poll(() => arena.processesNamed(DAEMON_NAME)).not.toEqual([]);
        await arena.renew(hostile(runtime));
        expect(arena.processesNamed(DAEMON_NAME)).toEqual([]);
      }
    },
  },
];

const DAEMON_NAME = "logomesh-daemon";
const DAEMON = daemonProgram({ name: DAEMON_NAME, then: "print(daemon)" });

/** Takes the processor until the call is ended; outside it goes on for as long as it wants. */
const spin = (seconds: number): Code => ({
  nodejs: `for (let i = 0; i < 2; i += 1) require("child_process").spawn("/bin/bash", ["-c", "end=$((SECONDS + ${seconds})); while ((SECONDS < end)); do :; done"], { stdio: "ignore" }); const end = Date.now() + ${seconds * 1000}; while (Date.now() < end); print("done");`,
  python: `
import os, time
end = time.time() + ${seconds}
pids = [os.fork() for _ in range(2)]
while time.time() < end: pass
if 0 in pids: os._exit(0)
print("done")`,
  shell: `end=$((SECONDS + ${seconds})); (while ((SECONDS < end)); do :; done) & while ((SECONDS < end)); do :; done; echo done`,
});

/** Writes to standard error as fast as it can. */
const FLOOD: Code = {
  nodejs: `const fs = require("fs"); for (let i = 0; i < 400; i += 1) { try { fs.writeSync(2, "x".repeat(65535) + "\\n"); } catch { await new Promise((resolve) => setTimeout(resolve, 1)); } } print("done");`,
  python: `import sys\nfor _ in range(400): sys.stderr.write("x" * 65535 + "\\n")\nprint("done")`,
  shell: `yes "$(printf '%1000s' x)" | head -c 25000000 | complain; echo done`,
};

const FLOODS: Attack[] = [
  program({
    name: "[PL18] keeps every core busy and does not answer",
    code: spin(60),
    control: async (arena) => {
      const { python = "" } = spin(1);
      expect((await arena.runOutside("python", python)).output).toBe("done");
    },
    refused: /LM_PLUGIN_TIMEOUT/,
    timeoutMs: 1_500,
    isLasting: true,
  }),
  program({
    name: "[PL10] floods standard error",
    code: FLOOD,
    wins: /never/,
    control: async (arena) => {
      expect((await arena.runOutside("python", FLOOD.python ?? "")).output).toBe("done");
    },
    refused: /^done/,
    isLasting: true,
  }),
  flood(
    "[PL6] floods standard output with a line that never ends",
    (lines) => ({
      nodejs: `const chunk = "x".repeat(1000); for (let i = 0; i < ${lines}; i += 1) if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once("drain", resolve)); raw("\\n"); print("done");`,
      python: `for _ in range(${lines}): raw(b"x" * 1000)\nraw("\\n"); print("done")`,
      shell: `yes "$(printf '%1000s')" | head -n ${lines} | tr -d '\\n' | raw; echo | raw; echo done`,
    }),
    /LM_PLUGIN_PROTOCOL.*line of more than 1048576 bytes/,
  ),
  flood(
    "[PL9] floods standard output with messages that nobody asked for",
    (lines) => ({
      nodejs: `const note = JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "x" } }) + "\\n"; for (let i = 0; i < ${lines}; i += 1) if (!process.stdout.write(note)) await new Promise((resolve) => process.stdout.once("drain", resolve)); print("done");`,
      python: `for _ in range(${lines}): raw(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\\n')\nprint("done")`,
      shell: `yes '{"jsonrpc":"2.0","method":"notifications/x"}' | head -n ${lines} | raw; echo done`,
    }),
    /LM_PLUGIN_PROTOCOL.*messages in a second without being asked/,
  ),
  flood(
    "[PL8] floods standard output with what is no message",
    (lines) => ({
      nodejs: `for (let i = 0; i < ${lines}; i += 1) if (!process.stdout.write("noise\\n")) await new Promise((resolve) => process.stdout.once("drain", resolve)); print("done");`,
      python: `for _ in range(${lines}): raw(b"\\xff\\xfe\\n")\nprint("done")`,
      shell: `yes noise | head -n ${lines} | raw; echo done`,
    }),
    /LM_PLUGIN_PROTOCOL.*20 messages that break the protocol/,
  ),
  {
    name: "[PL6] sends a message byte by byte and never ends it",
    control: async (arena) => {
      expect(
        (await arena.run(hostile("python"), TRICKLE("id=message['id'], result={'content': []}"))).code,
      ).toBeUndefined();
      await arena.renew(hostile("python"));
    },
    attempt: async (arena) => {
      const attempt = await arena.run(
        hostile("python"),
        `for _ in range(3000): raw(" ")\nimport time; time.sleep(60)`,
        { timeoutMs: 1_000 },
      );
      expectRefused(attempt, /LM_PLUGIN_TIMEOUT/);
    },
  },
];

/** An answer of its own in slow bytes; the agent's own answer is then one too many, and dropped. */
const TRICKLE = (answer: string): string =>
  `import json\nfor byte in json.dumps({"jsonrpc": "2.0", **dict(${answer})}): raw(byte)\nraw("\\n")`;

/** Much of it ends the plugin; a little of it is dropped, and the call is answered. */
function flood(name: string, code: (lines: number) => Code, refused: RegExp): Attack {
  return program({
    name,
    code: code(MUCH_TEXT),
    control: async (arena) => {
      for (const [runtime, source] of Object.entries(code(5))) {
        expect(await arena.run(hostile(runtime as "shell"), source)).toMatchObject({
          output: expect.stringContaining("done") as string,
        });
        await arena.renew(hostile(runtime as "shell"));
      }
    },
    refused,
    isLasting: true,
  });
}

export const resources: Attack[] = [...MEMORY, ...PROCESSES, ...FLOODS];
