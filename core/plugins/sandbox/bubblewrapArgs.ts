import type { PluginRuntime, ResourceLimits } from "@logomesh/contracts";
import { FD } from "./launcher.ts";
import { gateCommand, GRANTED_PREFIX } from "./gate.ts";
import { bridgeCommand, CERTIFICATE_PATHS, PROXY_ENVIRONMENT } from "./networkBridge.ts";

const MIB = 1024 * 1024;
/** `/dev/shm` is memory that no resource limit counts. */
const SHM_BYTES = 1 * MIB;
/** Share of `memory_mb` for V8's old generation; the rest is for buffers, code and the runtime. */
const NODE_HEAP_SHARE = 0.6;

/** Where Node, which stands alone, appears inside. */
export const NODE_INSIDE = "/runtime/bin/node";
/** A folder that Python plugins find after their own `vendor`; mount the SDK below it. */
export const PYTHON_SDK_FOLDER = "/sdk/python";

export interface Mount {
  source: string;
  destination: string;
  /** Only of the plugin's own data. */
  isWritable?: boolean;
}

export interface BubblewrapInput {
  runtime: PluginRuntime;
  entryPoint: string;
  args?: readonly string[];
  program?: string;
  limits: ResourceLimits;
  environment?: Readonly<Record<string, string>>;
  data?: { bytesMax: number };
  network?: "proxied";
  /** Path of the interpreter inside. */
  interpreter: string;
  /** Bundle, runtime and extra folders; destinations never lie below one another. */
  mounts: readonly Mount[];
  /** The host's `/bin`, `/lib`, …: links into `/usr`, or folders of their own. */
  rootEntries: readonly RootEntry[];
}

export interface RootEntry {
  path: string;
  /** Undefined for a folder. */
  linkTarget: string | undefined;
}

export const ENVIRONMENT = {
  HOME: "/home/plugin",
  TMPDIR: "/tmp",
  LANG: "C.UTF-8",
  TZ: "UTC",
  // Numeric libraries start a thread for each core otherwise, and meet the process limit.
  OPENBLAS_NUM_THREADS: "1",
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  UV_THREADPOOL_SIZE: "2",
  LOGOMESH_HOST_FD: String(FD.hostPlane),
};

const NAMESPACES = [
  ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
  ...["--disable-userns", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
  ...["--new-session", "--die-with-parent", "--cap-drop", "ALL"],
];

/** Options for bubblewrap (`--args`), default-deny: nothing of the host but what stands here. */
export function bubblewrapOptions(input: BubblewrapInput): string[] {
  const { limits, mounts, rootEntries, interpreter, environment = {} } = input;
  const isProxied = input.network === "proxied";
  const fixed = { PATH: searchPath(interpreter), ...ENVIRONMENT, ...(isProxied ? PROXY_ENVIRONMENT : {}) };
  return [
    ...NAMESPACES,
    ...["--clearenv", ...Object.entries(fixed).flatMap((pair) => ["--setenv", ...pair])],
    ...Object.entries(environment).flatMap(([name, value]) => ["--setenv", `${GRANTED_PREFIX}${name}`, value]),
    ...["--ro-bind", "/usr", "/usr", ...rootEntries.flatMap(rootOption)],
    ...["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
    ...["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
    ...(isProxied ? CERTIFICATE_PATHS : []).flatMap((path) => ["--ro-bind-try", path, path]),
    ...["--ro-bind-data", String(FD.passwd), "/etc/passwd", "--ro-bind-data", String(FD.group), "/etc/group"],
    ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"],
    ...["--size", String(limits.tmp_mb * MIB), "--tmpfs", "/tmp", "--size", String(SHM_BYTES), "--tmpfs", "/dev/shm"],
    // bubblewrap's /dev is a memory file system without a size, owned by the sandbox's user.
    ...["--remount-ro", "/dev", "--perms", "0700", "--dir", "/home/plugin"],
    ...mounts.flatMap(({ source, destination, isWritable }) => [
      ...[isWritable === true ? "--bind" : "--ro-bind", source, destination],
    ]),
    ...["--chdir", "/plugin", "--remount-ro", "/"],
    ...["--seccomp", String(FD.seccomp)],
  ];
}

/** What runs inside: the gate, then the interpreter with the plugin's entry point. No path of the host. */
export function insideCommand(input: BubblewrapInput): string[] {
  const bridge = input.network === "proxied" ? bridgeCommand(NODE_INSIDE) : [];
  return [...gateCommand({ ...input, bridge }), ...runtimeCommand(input), ...(input.args ?? [])];
}

function searchPath(interpreter: string): string {
  return [...new Set([interpreter.slice(0, interpreter.lastIndexOf("/")), "/usr/bin", "/bin"])].join(":");
}

// `-I` keeps the environment and the working folder out of sys.path, and with them the plugin's own modules. What is installed beside the
// interpreter goes too: a plugin that found something there would not run elsewhere.
const pythonBootstrap = (root: string) => `import sys, runpy
entry = sys.argv[1]
del sys.argv[0]
own = ["${root}/plugin", "${root}/plugin/vendor", "${root}${PYTHON_SDK_FOLDER}"]
sys.path[:] = own + [path for path in sys.path if not path.endswith("-packages")]
del own
runpy.run_path(entry, run_name="__main__")`;

// Node's pipes are sockets, and /dev/stdin cannot be opened on a socket: shell plugins get real pipes. The last `cat` may still hold
// output when the plugin ends, and the sandbox ends with this script; a background child that keeps the pipe open is not waited for.
const SHELL_BOOTSTRAP = `exec 8> >(exec cat); out=$!
if [ -x "$0" ]; then "$0" "$@" < <(exec cat 8>&-) >&8 8>&-; else bash --noprofile --norc "$0" "$@" < <(exec cat 8>&-) >&8 8>&-; fi
code=$?
exec 8>&- >&-
for ((i = 0; i < 100; i++)); do kill -0 "$out" 2>/dev/null || break; sleep 0.01; done
exit "$code"`;

export interface RuntimeInput extends Pick<
  BubblewrapInput,
  "runtime" | "limits" | "interpreter" | "entryPoint" | "program"
> {
  /** Folder that stands for `/`; it has no characters that Python would have to escape. Default: `/` itself. */
  root?: string;
}

/** The interpreter with the plugin's entry point. */
export function runtimeCommand({
  runtime,
  limits,
  interpreter,
  entryPoint,
  program,
  root = "",
}: RuntimeInput): string[] {
  const entry = `${root}${program ?? `/plugin/${entryPoint}`}`;
  switch (runtime) {
    case "nodejs": {
      const heapMb = Math.max(8, Math.floor(limits.memory_mb * NODE_HEAP_SHARE));
      return [interpreter, `--max-old-space-size=${heapMb}`, "--disable-proto=delete", entry];
    }
    case "python":
      return [interpreter, "-I", "-B", "-X", "utf8", "-c", pythonBootstrap(root), entry];
    case "shell":
      return [interpreter, "--noprofile", "--norc", "-c", SHELL_BOOTSTRAP, entry];
  }
}

function rootOption({ path, linkTarget }: RootEntry): string[] {
  return linkTarget === undefined ? ["--ro-bind", path, path] : ["--symlink", linkTarget, path];
}
