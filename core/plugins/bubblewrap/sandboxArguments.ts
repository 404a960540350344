import type { SandboxSpec } from "../sandbox/sandbox.ts";

/** Where things of the host are found when bubblewrap starts, and where the plugin sees them. */
export interface SandboxMounts {
  /** Host path of the interpreter's file or folder → path inside; empty where `/usr` holds it. */
  runtime?: { from: string; to: string };
  /** Host path of the staged bundle. */
  bundle: string;
  /** Synthetic `/etc/passwd` and `/etc/group`. */
  identity: string;
  /** Host path → path inside, read-only, besides the bundle. */
  readOnly: readonly { from: string; to: string }[];
}

const MIB = 1024 * 1024;
const SHM_BYTES = MIB;

/** Options of bubblewrap for a plugin: everything that is not named here is not there. */
export function sandboxArguments(spec: SandboxSpec, mounts: SandboxMounts, seccompFd: number): string[] {
  const { limits } = spec;
  const environment: Record<string, string> = {
    PATH: "/usr/bin:/bin",
    HOME: "/home/plugin",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
    // Thread pools sized for the machine would count against the plugin's processes.
    UV_THREADPOOL_SIZE: "2",
    OMP_NUM_THREADS: "1",
    OPENBLAS_NUM_THREADS: "1",
    MKL_NUM_THREADS: "1",
  };
  return [
    ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ...["--disable-userns", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    ...["--new-session", "--die-with-parent", "--cap-drop", "ALL", "--clearenv"],
    ...Object.entries(environment).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--ro-bind", "/usr", "/usr"],
    ...["bin", "lib", "lib64", "sbin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["--dir", "/etc", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
    ...["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
    ...["--ro-bind", `${mounts.identity}/passwd`, "/etc/passwd", "--ro-bind", `${mounts.identity}/group`, "/etc/group"],
    ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"],
    ...["--size", String(limits.tmp_mb * MIB), "--tmpfs", "/tmp", "--size", String(SHM_BYTES), "--tmpfs", "/dev/shm"],
    ...["--perms", "0555", "--dir", "/home/plugin"],
    ...(mounts.runtime === undefined ? [] : ["--ro-bind", mounts.runtime.from, mounts.runtime.to]),
    ...["--ro-bind", mounts.bundle, "/plugin"],
    ...mounts.readOnly.flatMap(({ from, to }) => ["--ro-bind", from, to]),
    ...["--chdir", "/plugin", "--remount-ro", "/", "--seccomp", String(seccompFd)],
  ];
}

/** V8 of Node 24 maps a code range of 510 MB for each isolate, which counts as data; the watchdog is the real bound. */
const NODE_DATA_MIB = 1152;
/** Threads count as processes: Node has about a dozen of its own. */
const NODE_THREADS = 24;
/** Share of the memory limit that the JavaScript heap may take. */
const NODE_HEAP_SHARE = 0.75;
const STACK_BYTES = 8 * MIB;

/** The command inside the sandbox: limits, then interpreter, then the plugin's entry. */
export function pluginCommand(spec: SandboxSpec, interpreter: string): string[] {
  const { runtime, limits } = spec;
  const isNode = runtime === "nodejs";
  const dataMiB = limits.memory_mb + (isNode ? NODE_DATA_MIB : 0);
  return [
    "/usr/bin/prlimit",
    `--data=${dataMiB * MIB}`,
    `--nproc=${limits.max_processes + (isNode ? NODE_THREADS : 0) + 2}`,
    `--nofile=${limits.max_open_files}`,
    `--fsize=${limits.tmp_mb * MIB}`,
    `--stack=${STACK_BYTES}`,
    "--core=0",
    "--",
    ...interpreterCommand(spec, interpreter),
  ];
}

/** With `-I` alone a Python plugin could not import the files beside it. */
const PYTHON_BOOTSTRAP =
  "import sys,runpy;sys.path[:0]=['/plugin','/plugin/vendor','/sdk/python'];sys.argv=sys.argv[1:];runpy.run_path(sys.argv[0],run_name='__main__')";

function interpreterCommand({ runtime, entryPoint, limits }: SandboxSpec, interpreter: string): string[] {
  const entry = `/plugin/${entryPoint}`;
  switch (runtime) {
    case "nodejs": {
      const heapMiB = Math.max(16, Math.floor(limits.memory_mb * NODE_HEAP_SHARE));
      return [interpreter, "--disable-proto=delete", `--max-old-space-size=${heapMiB}`, entry];
    }
    case "python":
      return [interpreter, "-I", "-B", "-X", "utf8", "-c", PYTHON_BOOTSTRAP, entry];
    case "shell":
      // Node's pipes are sockets, which /dev/stdin cannot open: both ends are piped once more.
      return [
        interpreter,
        "--noprofile",
        "--norc",
        "-c",
        'exec < <(exec cat) > >(exec cat); exec "$0" "$@"',
        "/bin/sh",
        entry,
      ];
  }
}
