import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { expect } from "vitest";
import { hostile, type Arena } from "../arena/arena.ts";
import { program, type Attack } from "../attack.ts";
import { command, read } from "./filesystem.ts";

/** Prints a file of every process that is seen. */
function ofEveryProcess(name: string): ReturnType<typeof read> {
  return {
    nodejs: `const fs = require("fs"); for (const pid of fs.readdirSync("/proc").filter(Number)) try { print(pid, fs.readFileSync("/proc/" + pid + "/${name}", "latin1")); } catch (error) { print(error.code); }`,
    python: `
import glob
for path in glob.glob("/proc/[0-9]*/${name}"):
  try: print(path, open(path, encoding="latin1").read())
  except OSError as error: print(error.strerror)`,
    shell: `for path in /proc/[0-9]*/${name}; do echo "$path $(tr '\\0' ' ' < $path)"; done 2>/dev/null`,
  };
}

/** A call by its number in each of a few ways, on the process of the host that holds the secret. */
const CTYPES = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
  result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
  if result < 0: print(os.strerror(ctypes.get_errno()))
  return result`;
const NOT_HERE = /ENOENT|No such|not permitted/;

export const secrets: Attack[] = [
  program({
    name: "[SB3] reads the host's environment in its own",
    code: {
      nodejs: "print(process.env)",
      python: "import os; print(dict(os.environ))",
      shell: "env",
    },
    refused: /LOGOMESH_HOST_FD/,
  }),
  program({
    name: "[SB3] reads the environment of every process that it sees",
    code: ofEveryProcess("environ"),
    refused: /TMPDIR=\/tmp|environ/,
  }),
  program({
    name: "[SB3] [SB6] reads the environment and the command of a process of the host",
    code: ({ victimPid }) => read(`/proc/${victimPid}/environ`, `/proc/${victimPid}/cmdline`),
    refused: NOT_HERE,
  }),
  program({
    name: "[SB4] [SB6] reads the command of every process that it sees",
    code: ofEveryProcess("cmdline"),
    refused: /bwrap|cmdline/,
  }),
  program({
    name: "[SB6] reads a file that a process of the host has open",
    code: ({ victimPid }) => read(`/proc/${victimPid}/fd/9`, `/proc/${victimPid}/task/${victimPid}/fd/9`),
    refused: NOT_HERE,
  }),
  {
    ...program({
      name: "[SB6] [SB8] reads the memory of a process of the host",
      code: ({ victimPid }) => ({
        python: `${CTYPES}
try:
  maps = [line.split()[0].split("-") for line in open("/proc/${victimPid}/maps") if "[stack]" in line]
  start, end = (int(at, 16) for at in maps[0])
  print(os.pread(os.open("/proc/${victimPid}/mem", os.O_RDONLY), end - start, start).decode("latin1"))
except OSError as error:
  print(error.strerror)
  start, end = 0x7ffc00000000, 0x7ffc00001000
room = ctypes.create_string_buffer(end - start)
class Iovec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
mine, its = Iovec(ctypes.addressof(room), end - start), Iovec(start, end - start)
call(310, ${victimPid}, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0)
print(room.raw.decode("latin1"))`,
      }),
      refused: NOT_HERE,
    }),
    needsRoot: true,
  },
  {
    ...program({
      name: "[SB6] [SB8] takes a descriptor out of a process of the host",
      code: ({ victimPid }) => ({
        python: `${CTYPES}
fd = call(438, call(434, ${victimPid}, 0), 9, 0)
if fd >= 0: print(os.pread(fd, 100, 0).decode())`,
      }),
      refused: NOT_HERE,
    }),
    needsRoot: true,
  },
  {
    ...program({
      name: "[SB6] [SB8] stops a process of the host to look into it",
      code: ({ victimPid }) => ({
        python: `${CTYPES}
if call(101, 16, ${victimPid}, 0, 0) >= 0:
  os.waitpid(${victimPid}, 0x40000000); call(101, 17, ${victimPid}, 0, 0); print("attached")`,
        shell: `kill -STOP ${victimPid} && echo attached; kill -CONT ${victimPid}`,
      }),
      wins: /attached/,
      refused: NOT_HERE,
    }),
    needsRoot: true,
  },
  program({
    name: "[SB6] ends processes of the host",
    code: ({ victimPid }) => ({
      nodejs: `try { process.kill(${victimPid}, 0); print("signalled"); } catch (error) { print(error.code); }`,
      python: `
import os, signal
for pid in (${victimPid}, ${process.pid}):
  try: os.kill(pid, 0); print("signalled")
  except OSError as error: print(error.strerror)`,
      shell: `kill -0 ${victimPid} && echo signalled`,
    }),
    wins: /signalled/,
    refused: /ESRCH|No such process/,
  }),
  {
    name: "[SB8] takes a key of the host out of the kernel's keyring",
    control: (arena) => askKeyring(arena, "outside"),
    attempt: (arena) => askKeyring(arena, "inside"),
  },
  {
    ...program({
      name: "[SB8] [SB9] reads the kernel's log and memory",
      code: {
        python: `${CTYPES}
room = ctypes.create_string_buffer(4096)
if call(103, 3, room, 4096) > 0: print("read the log")
for path in ("/dev/kmsg", "/dev/mem", "/proc/kcore", "/proc/kmsg"):
  try: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)); print("opened", path)
  except OSError as error: print(error.strerror)`,
        shell: "dmesg | head -1 | grep -q . && echo read the log",
      },
      wins: /opened|read the log/,
      refused: /Operation not permitted/,
    }),
    needsRoot: true,
  },
  {
    ...program({
      name: "[SB1] learns the name of the machine and of its user",
      code: command("uname -n; id -un; cat /proc/sys/kernel/hostname"),
      wins: new RegExp(`^${hostname()}$|^root$`, "m"),
      refused: /^sandbox\nplugin\nsandbox\n/,
    }),
  },
  {
    name: "[PL100] gets a secret that it was granted into logs and errors",
    async control(arena) {
      const attempt = await tellSecret(arena);
      expect(attempt).toMatchObject({
        code: "LM_PLUGIN_CRASHED",
        message: expect.stringContaining("I was told") as string,
      });
    },
    async attempt(arena) {
      const { message = "" } = await tellSecret(arena);
      expect(message).toMatch(/I was told \[secret SHARED\]/);
      expect([message, ...arena.said, ...arena.logged].join("\n")).not.toContain(SHARED);
    },
  },
];

const KEY = "logomesh-key";

/** A key of the host's user, which only the keyring holds; outside it is found. */
async function askKeyring(arena: Arena, where: "inside" | "outside"): Promise<void> {
  const { token } = arena.targets;
  const USER_KEYRING = -4;
  const find = `${CTYPES}
found = call(249, b"user", b"${KEY}", None, ${USER_KEYRING})
if found < 0: found = call(250, 10, ${USER_KEYRING}, b"user", b"${KEY}", 0)
room = ctypes.create_string_buffer(100)
if found > 0 and call(250, 11, found, room, 100) > 0: print(room.value.decode())`;
  const add = `${CTYPES}\nprint(call(248, b"user", b"${KEY}", b"${token}", ${token.length}, ${USER_KEYRING}))`;
  const placed = spawnSync("/usr/bin/python3", ["-c", add], { encoding: "utf8" });
  expect(placed).toMatchObject({ stdout: expect.stringMatching(/^\d+$/m) as string });
  const attempt =
    where === "outside" ? await arena.runOutside("python", find) : await arena.run(hostile("python"), find);
  expect(attempt.output).toMatch(where === "outside" ? token : /Operation not permitted/);
}

const SHARED = "s3cret-that-was-shared";
const TELLER = "org.example.teller";

/** A plugin that may see a secret says it where everybody looks, and falls. */
async function tellSecret(arena: Arena): ReturnType<Arena["run"]> {
  const { workbench, caller } = arena;
  await workbench.secrets.set("SHARED", SHARED, caller);
  const permissions = { env: [{ name: "SHARED", why: "to be told" }] };
  await arena.install({ id: TELLER, runtime: "python", manifest: { permissions } });
  const attempt = await arena.run(
    TELLER,
    `import os, sys; sys.stderr.write("I was told " + os.environ["SHARED"] + "\\n"); sys.stderr.flush(); os._exit(3)`,
  );
  await arena.uninstall(TELLER);
  await workbench.secrets.remove("SHARED", caller);
  return attempt;
}
