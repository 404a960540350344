import type { PluginRuntime, ResourceLimits } from "@logomesh/contracts";
import { FD } from "./launcher.ts";
import { withBridge } from "./networkBridge.ts";

const MIB = 1024 * 1024;

/** V8 reserves 510 MB of code range for each isolate (main thread and one worker), which counts as data. */
const NODE_DATA_MB = 1152;

/** The usual size; a hard limit, because a stack counts as no data. */
const STACK_KIB = 8192;

/** Threads and helpers that the runtime itself needs; `max_processes` counts what the plugin adds. RLIMIT_NPROC counts threads. */
const RUNTIME_TASKS: Record<PluginRuntime, number> = { nodejs: 16, python: 2, shell: 6 };

/** The launcher, which becomes bubblewrap, bubblewrap's first process inside, and what sets up both. */
const SANDBOX_TASKS = 4;

/** Of a whole sandbox, as a control group counts: above the limit that the gate sets, which is the one that plugins meet. */
export function tasksMax({ runtime, limits }: Pick<GateInput, "runtime" | "limits">): number {
  return limits.max_processes + RUNTIME_TASKS[runtime] + SANDBOX_TASKS;
}

/**
 * Variables that a plugin was granted have this before their names until the gate has done its work: its own shell would obey some of them
 * (`BASH_ENV`, `LD_PRELOAD`).
 */
export const GRANTED_PREFIX = "LOGOMESH_GRANTED_";

// Waits for the host: had the host died between spawn and here, bubblewrap would have bound its life to the wrong parent.
// Says first that the sandbox stands: what fails earlier is no fault of the plugin. The bridge becomes a child of the sandbox's first process,
// not of the plugin, and is there when the plugin begins.
const GATE = `echo ready >&${FD.gate}
read -rn1 -u${FD.gate} go || exit 125
exec ${FD.gate}<&-
if [ "$5" != 0 ]; then
  read -r ready < <( ("\${@:6:$5}" ${FD.hostPlane}<&- < /dev/null &) ) || exit 125
  wait $!
  exec ${FD.bridge}<&-
fi
tasks=$2; [ "$tasks" != - ] || tasks=$(ulimit -Hu)
ulimit -c 0 -s ${STACK_KIB} -d "$1" -u "$tasks" -n "$3" -f "$4" || exit 125
unset tasks
shift "$((5 + $5))"
export -n PWD OLDPWD
for granted in "\${!${GRANTED_PREFIX}@}"; do export "\${granted#${GRANTED_PREFIX}}=\${!granted}"; unset "$granted"; done
exec "$@"`;

export interface GateInput {
  runtime: PluginRuntime;
  limits: ResourceLimits;
  data?: { bytesMax: number };
  /** What brings a proxied sandbox to the host; empty for all others. It begins before the limits of the plugin hold. */
  bridge?: readonly string[];
  /** Outside of a sandbox the kernel counts all processes of the user, not those of the plugin. */
  isOutside?: boolean;
}

/** Prefix of the command inside: waits for the host's byte, sets the resource limits, becomes the plugin. */
export function gateCommand({ runtime, limits, data, bridge = [], isOutside = false }: GateInput): string[] {
  const dataMb = limits.memory_mb + (runtime === "nodejs" ? NODE_DATA_MB : 0);
  const kib = MIB / 1024;
  const tasks = (bridge.length === 0 ? limits : withBridge(limits)).max_processes + RUNTIME_TASKS[runtime];
  return [
    ...["/usr/bin/bash", "--noprofile", "--norc", "-c", GATE, "gate"],
    String(dataMb * kib),
    isOutside ? "-" : String(tasks),
    String(limits.max_open_files),
    // Of one file; what lies in /tmp is bounded by its size too.
    String(Math.max(limits.tmp_mb * MIB, data?.bytesMax ?? 0) / 1024),
    ...[String(bridge.length), ...bridge],
  ];
}
