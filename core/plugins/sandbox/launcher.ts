/**
 * File descriptors between the host and the sandbox. Only standard input, output and error and the host plane reach the plugin; bubblewrap
 * and the gate read the others and close them before the plugin's first instruction.
 */
export const FD = {
  /** A pair of Unix sockets; the plugin's own is told it as `LOGOMESH_HOST_FD`. */
  hostPlane: 3,
  /** Options for bubblewrap, NUL-separated: what stands on a command line is readable inside. */
  args: 4,
  seccomp: 5,
  /** The sandbox says that it stands; then one byte from the host lets the plugin start, and end of file means that the host is gone. */
  gate: 6,
  /** Only of a proxied sandbox: the other end of its bridge. */
  bridge: 7,
  /** The first of the folders that the host verified, one descriptor for each. */
  firstSource: 8,
  passwd: 24,
  group: 25,
} as const;

/** Bound by the descriptors between firstSource and passwd. */
export const SOURCES_MAX = FD.passwd - FD.firstSource;

const BASH = ["/usr/bin/bash", "--noprofile", "--norc"];

// `mount -c` and `-ef` compare and bind by descriptor: a folder that was swapped after the host looked at it is refused. All folders are
// mounted by one process from a table (in the new /run, which is empty but for it), because each process more costs every start 2 ms.
const LAUNCHER = `set -eu
uid=$1 count=$2 groups=$3 last=$4; shift 4
for ((; groups > 0; groups--)); do echo $$ > "$1"; shift; done
if [ "$uid" != - ]; then
  for ((i = 0; i < count; i++)); do
    eval "exec $((30 + i))<\\"\\$1\\""; shift
    [ "/proc/self/fd/$((30 + i))" -ef "/proc/self/fd/$((${FD.firstSource} + i))" ] || { echo "source $i was replaced" >&2; exit 1; }
  done
  mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev logomesh /run
  for ((i = 0; i < count; i++)); do
    if [ -d "/proc/self/fd/$((30 + i))" ]; then how=bind,X-mount.mkdir; else how=bind; : > "/run/$i"; fi
    echo "/proc/self/fd/$((30 + i)) /run/$i none $how 0 0"
  done > /run/table
  mount -a -c -T /run/table
fi
for f in /proc/self/fd/*; do
  n=\${f##*/}
  case $n in [0-$last]) ;; *) eval "exec $n>&-" 2>/dev/null || : ;; esac
done
exec ${FD.passwd}<<<"plugin:x:65534:65534:plugin:/home/plugin:/usr/sbin/nologin"
exec ${FD.group}<<<"plugin:x:65534:"
if [ "$uid" = - ]; then exec -c "$@"; fi
exec -c /usr/bin/setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"
`;

export interface LauncherCommandOptions {
  /** User that bubblewrap runs as when the host is root; undefined keeps the host's own. */
  dropToUid: number | undefined;
  /** Host paths to reopen and bind; empty unless the host is root. */
  sources: readonly string[];
  /** Files of control groups to write its process number to, first of all: nothing of the sandbox runs outside of its bounds. */
  joinFiles: readonly string[];
  isProxied: boolean;
  bwrapPath: string;
  /** What runs inside, gate included. */
  command: readonly string[];
}

/**
 * The host's command line. Start it with an empty environment, `cwd: "/"` and the descriptors of {@link FD}.
 * Run by root, bubblewrap could not enforce process limits; run by a stranger, it could not reach folders below a 0700 one. So root's
 * launcher binds the folders in a mount namespace of its own and then drops to an unprivileged user.
 */
export function launcherCommand(options: LauncherCommandOptions): string[] {
  const { dropToUid, sources, joinFiles, isProxied, bwrapPath, command } = options;
  return [
    ...(dropToUid === undefined ? [] : ["/usr/bin/unshare", "--mount", "--propagation", "private", "--"]),
    ...BASH,
    "-c",
    LAUNCHER,
    "launcher",
    dropToUid === undefined ? "-" : String(dropToUid),
    String(sources.length),
    String(joinFiles.length),
    String(isProxied ? FD.bridge : FD.gate),
    ...joinFiles,
    ...sources,
    ...[bwrapPath, "--args", String(FD.args), "--", ...command],
  ];
}

/** Where root's launcher binds a source for bubblewrap to pick up. */
export function boundSource(index: number): string {
  return `/run/${index}`;
}
