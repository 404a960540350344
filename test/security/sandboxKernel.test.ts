import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  BOUNDED_BY,
  createBundle,
  finish,
  IS_ROOT,
  runInside,
  runOutside,
  sandbox,
  watchedSandbox,
  type Probe,
} from "./sandboxHarness.ts";

// What the kernel itself answers to hostile system calls, by ctypes, each with the errno that says who refused.

const EPERM = 1;
const ENOSYS = 38;

/** Calls by name: number, arguments; run in a child each, because some of them change the process. */
const CALLS: Record<string, [number, ...(number | string)[]]> = {
  ...{
    "ptrace attach": [101, 16, 1, 0, 0],
    "ptrace traceme": [101, 0, 0, 0, 0],
    process_vm_readv: [310, 1, 0, 0, 0, 0, 0],
  },
  ...{ "unshare user": [272, 0x10000000], "unshare mount": [272, 0x00020000], "unshare network": [272, 0x40000000] },
  ...{ "clone user": [56, 0x10000011, 0, 0, 0, 0], "clone pid": [56, 0x20000011, 0, 0, 0, 0], clone3: [435, 0, 0] },
  ...{ mount: [165, "none", "/tmp", "tmpfs", 0, 0], umount: [166, "/tmp", 2], pivot_root: [155, "/tmp", "/tmp"] },
  ...{ chroot: [161, "/tmp"], setns: [308, 0, 0], open_tree: [428, -100, "/tmp", 0], fsopen: [430, "tmpfs", 0] },
  ...{ open_by_handle_at: [304, -100, 0, 0], bpf: [321, 0, 0, 0], perf_event_open: [298, 0, 0, -1, -1, 0] },
  ...{
    userfaultfd: [323, 0],
    keyctl: [250, 0, -3, 0],
    add_key: [248, "user", "x", "y", 1, -3],
    syslog: [103, 10, 0, 0],
  },
  ...{
    io_uring_setup: [425, 1, 0],
    memfd_create: [319, "x", 0],
    shmget: [29, 0, 4096, 0o1600],
    semget: [64, 0, 1, 0o1600],
  },
  ...{ personality: [135, 0x0400000], settimeofday: [164, 0, 0], sethostname: [170, "x", 1], swapoff: [168, "/x"] },
  ...{
    init_module: [175, 0, 0, "x"],
    kexec_load: [246, 0, 0, 0, 0],
    quotactl: [179, 0, 0, 0, 0],
    reboot: [169, 0, 0, 0, 0],
  },
  ...{
    TIOCSTI: [16, 0, 0x5412, "x"],
    "TIOCSTI with high bits": [16, 0, 0x100005412, "x"],
    statmount: [457, 0, 0, 0, 0],
  },
};

const source = `
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
out = {}
for name, (number, *arguments) in json.loads('''${JSON.stringify(CALLS)}''').items():
  r, w = os.pipe()
  pid = os.fork()
  if pid == 0:
    args = [ctypes.c_char_p(a.encode()) if isinstance(a, str) else ctypes.c_long(a) for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *args)
    os.write(w, str(0 if result >= 0 else ctypes.get_errno()).encode() or b"-")
    os._exit(0)
  os.close(w)
  out[name] = int(os.read(r, 10).split()[0] or -1)
  os.close(r)
  os.waitpid(pid, 0)
print(json.dumps(out))`;

describe.each(BOUNDED_BY)("bounded by $name", ({ box, isHere }) => {
  test.runIf(isHere)("[SB8, SB35] hostile system calls are refused by the filter", async () => {
    const { stdout, stderr } = await runInside({ runtime: "python", source }, box);
    expect(stderr).toBe("");
    const missing = ["clone3", "open_tree", "fsopen", "io_uring_setup", "semget", "statmount"];
    const counted = ["memfd_create", "shmget"];
    const onlyCounted = box === watchedSandbox ? ENOSYS : 0;
    expect(JSON.parse(stdout)).toEqual(
      Object.fromEntries(
        Object.keys(CALLS).map((name) => [
          ...[name, missing.includes(name) ? ENOSYS : counted.includes(name) ? onlyCounted : EPERM],
        ]),
      ),
    );
  });
});

test("[SB8] the same calls get through to the kernel outside", () => {
  const harmless = ["ptrace traceme", "memfd_create", "clone user", "unshare user", "shmget", "semget", "personality"];
  const outside = JSON.parse(
    runOutside({ runtime: "python", source: source.replace(JSON.stringify(CALLS), controls(harmless)) }),
  ) as object;
  expect(outside).toEqual(Object.fromEntries(harmless.map((name) => [name, 0])));
});

function controls(names: string[]): string {
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, CALLS[name]])));
}

test("[SB8] the process has no capabilities, no new privileges, a filter, and nobody's user", async () => {
  const { stdout } = await runInside({
    runtime: "shell",
    source: "cat /proc/self/status; id -u; cat /proc/self/uid_map",
  });
  const fields = Object.fromEntries(stdout.split("\n").map((line) => line.split(/:\s*/) as [string, string]));
  const none = "0000000000000000";
  expect(fields).toMatchObject({ CapEff: none, CapPrm: none, CapBnd: none, CapInh: none, CapAmb: none });
  expect(fields).toMatchObject({ NoNewPrivs: "1", Seccomp: "2", Uid: "65534\t65534\t65534\t65534" });
});

test.runIf(IS_ROOT)("[SB8, SB17] on a host that is root, each sandbox has a user of its own", async () => {
  using bundle = createBundle({ runtime: "shell", source: "cat" });
  const started = await Promise.all([sandbox.launch(bundle.spec), sandbox.launch(bundle.spec)]);
  const users = started.map(({ pid }) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  await Promise.all(started.map((process) => process[Symbol.asyncDispose]()));
  expect(new Set(users).size).toBe(2);
  expect(users.filter((user) => Number(user) < 1_900_000_000)).toEqual([]);
});

test("[SB8] a program with the setuid bit gains nothing", async () => {
  const { stdout, stderr } = await runInside({
    runtime: "shell",
    source: "ls -l /usr/bin/su; su -c id < /dev/null; id -u",
  });
  expect(stdout).toMatch(/^-rws/);
  expect(stdout).toMatch(/65534\n$/);
  expect(stdout + stderr).not.toContain("uid=0");
});

test("[SB8] limits cannot be raised", async () => {
  const raise = `
import resource, json
out = {}
for name in ("RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_STACK"):
  kind = getattr(resource, name)
  try: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
  except (OSError, ValueError): pass
  out[name] = resource.getrlimit(kind)
print(json.dumps(out))`;
  const limits = { memory_mb: 100, max_processes: 10, max_open_files: 50, tmp_mb: 8 };
  const { stdout } = await runInside({ runtime: "python", source: raise, limits });
  const MIB = 1024 * 1024;
  expect(JSON.parse(stdout)).toEqual({
    ...{ RLIMIT_DATA: [100 * MIB, 100 * MIB], RLIMIT_NPROC: [12, 12], RLIMIT_NOFILE: [50, 50] },
    ...{ RLIMIT_FSIZE: [8 * MIB, 8 * MIB], RLIMIT_CORE: [0, 0], RLIMIT_STACK: [8 * MIB, 8 * MIB] },
  });
});

test("[SB9] nothing below /proc/sys opens for writing, nor the other files that steer the kernel", async () => {
  const steering = `
import os, json
found = []
for folder, _, files in os.walk("/proc/sys"):
  for name in files:
    try: os.close(os.open(folder + "/" + name, os.O_WRONLY)); found.append(name)
    except OSError: pass
for path in ("/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/sda", "/dev/kvm", "/dev/fuse"):
  try: os.close(os.open(path, os.O_RDWR)); found.append(path)
  except OSError: pass
print(json.dumps(found))`;
  if (IS_ROOT) expect(JSON.parse(runOutside({ runtime: "python", source: steering }))).toContain("core_pattern");
  expect(JSON.parse((await runInside({ runtime: "python", source: steering })).stdout)).toEqual([]);
});

test("[SB5] only standard input, output and error and the host plane are open at the start", async () => {
  const listing = `for f in /proc/$$/fd/*; do echo "\${f##*/} $(readlink $f)"; done`;
  const python = `import os\nfor f in os.listdir("/proc/self/fd"):\n  try: print(f, os.readlink("/proc/self/fd/" + f))\n  except OSError: pass`;
  const { stdout } = await runInside({ runtime: "python", source: python });
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/:.*/, "")),
  ).toEqual(["0 socket", "1 socket", "2 socket", "3 socket"]);
  // bash keeps the script open, and the pipes that stand for standard input and output.
  const shell = await runInside({ runtime: "shell", source: listing });
  expect(shell.stdout).not.toMatch(/canary|seccomp|args/);
  expect(
    shell.stdout
      .split("\n")
      .filter((line) => /socket/.test(line))
      .map((line) => line.split(" ")[0]),
  ).toEqual(["2", "3"]);
});

test.each<[string, Probe]>([
  [
    "Node",
    {
      runtime: "nodejs",
      source: `const net = require("net"); const fd = Number(process.env.LOGOMESH_HOST_FD);
const socket = new net.Socket({ fd }); socket.write("hello\\n");
socket.once("data", (data) => { console.log(data.toString().trim()); process.exit(0); });`,
    },
  ],
  [
    "Python",
    {
      runtime: "python",
      source: `import os\nfd = int(os.environ["LOGOMESH_HOST_FD"])\nos.write(fd, b"hello\\n")\nprint(os.read(fd, 100).decode().strip())`,
    },
  ],
  ["shell", { runtime: "shell", source: `echo hello >&3\nread -r answer <&3\necho "$answer"` }],
])("[SB5] the host plane is a socket to the host and to nobody else, from %s", async (_, probe) => {
  using bundle = createBundle(probe);
  const started = await sandbox.launch(bundle.spec);
  let asked = "";
  started.hostPlane.on("data", (chunk: Buffer) => {
    asked += chunk.toString();
    if (asked.endsWith("\n")) started.hostPlane.write("welcome\n");
  });
  expect(await finish(started)).toMatchObject({ stdout: "welcome\n", exit: { code: 0 } });
  expect(asked).toBe("hello\n");
});

test("[SB5] descriptors that a plugin sends over the host plane never become the host's", async () => {
  const source = `import array, socket, sys
s = socket.socket(fileno=3)
for i in range(200): s.sendmsg([b"x\\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
print("sent", flush=True)
sys.stdin.read()`;
  using bundle = createBundle({ runtime: "python", source });
  const started = await sandbox.launch(bundle.spec);
  const before = readdirSync("/proc/self/fd").length;
  let taken = 0;
  const all = new Promise<void>((resolve) => {
    started.hostPlane.on("data", (chunk: Buffer) => {
      taken += chunk.length;
      if (taken === 400) resolve();
    });
  });
  await all;
  expect(readdirSync("/proc/self/fd").length - before).toBeLessThan(20);
  expect(await finish(started)).toMatchObject({ stdout: "sent\n", exit: { code: 0 } });
});

test("[SB10] calls by the 32-bit gate end the process", async () => {
  const code = `
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))  # mov eax, 20 (getpid); int 0x80; ret
print("before", flush=True)
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() > 0)`;
  expect(runOutside({ runtime: "python", source: code })).toBe("before\nTrue\n");
  const { stdout, exit } = await runInside({ runtime: "python", source: code });
  expect({ stdout, exit }).toEqual({ stdout: "before\n", exit: { code: 128 + 31, signal: null } });
});
