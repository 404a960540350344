import type { PluginRuntime, ResourceLimits } from "@logomesh/contracts";
import { FD } from "./launcher.ts";

const MIB = 1024 * 1024;

/** V8 reserves 510 MB of code range for each isolate (main thread and one worker), which counts as data. */
const NODE_DATA_MB = 1152;

/** The usual size; a hard limit, because a stack counts as no data. */
const STACK_KIB = 8192;

/** Threads and helpers that the runtime itself needs; `max_processes` counts what the plugin adds. RLIMIT_NPROC counts threads. */
const RUNTIME_TASKS: Record<PluginRuntime, number> = { nodejs: 16, python: 2, shell: 6 };

// Waits for the host: had the host died between spawn and here, bubblewrap would have bound its life to the wrong parent.
// Says first that the sandbox stands: what fails earlier is no fault of the plugin.
const GATE = `echo ready >&${FD.gate}
read -rn1 -u${FD.gate} go || exit 125
exec ${FD.gate}<&-
ulimit -c 0 -s ${STACK_KIB} -d "$1" -u "$2" -n "$3" -f "$4" || exit 125
shift 4
export -n PWD OLDPWD
exec "$@"`;

/** Prefix of the command inside: waits for the host's byte, sets the resource limits, becomes the plugin. */
export function gateCommand(runtime: PluginRuntime, limits: ResourceLimits): string[] {
  const dataMb = limits.memory_mb + (runtime === "nodejs" ? NODE_DATA_MB : 0);
  const kib = MIB / 1024;
  return [
    ...["/usr/bin/bash", "--noprofile", "--norc", "-c", GATE, "gate"],
    String(dataMb * kib),
    String(limits.max_processes + RUNTIME_TASKS[runtime]),
    String(limits.max_open_files),
    String(limits.tmp_mb * kib),
  ];
}
