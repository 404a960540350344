// The script between the workbench and bubblewrap. As root it makes a mount namespace of its own, binds what bubblewrap will need into a
// private tmpfs (an unprivileged bubblewrap cannot reach anything below a 0700 folder), and drops to an unprivileged uid: run as root,
// bubblewrap would leave the number of processes unlimited and /proc/sys writable. It closes every descriptor but those that are meant
// to pass. Without `--norc` bash would read root's profile, because it believes that rshd started it.

/** Descriptors that bubblewrap reads its options and its filter from. */
export const ARGUMENTS_FD = 8;
export const SECCOMP_FD = 9;
/** Folder of the private tmpfs, inside the launcher's own mount namespace. */
export const PRIVATE_FOLDER = "/run";

const CLOSE_OTHERS = `for f in /proc/self/fd/*; do n=\${f##*/}; case $n in 0|1|2|3|${ARGUMENTS_FD}|${SECCOMP_FD}|255) ;; *) eval "exec $n>&-" 2>/dev/null || : ;; esac; done`;

/** Arguments: uid, then pairs of host path and device:inode for /run/0, /run/1, …, then `--` and the command. */
const ROOT_SCRIPT = `set -eu
uid=$1; shift
mount -t tmpfs -o mode=755,size=256k,nosuid,nodev logomesh ${PRIVATE_FOLDER}
i=0
while [ "$1" != -- ]; do
  exec 7<"$1"
  [ "$(stat -L -c %d:%i /proc/self/fd/7)" = "$2" ] || { echo "logomesh: $1 was replaced while it was being started" >&2; exit 71; }
  if [ -d "$1" ]; then mkdir "${PRIVATE_FOLDER}/$i"; else : > "${PRIVATE_FOLDER}/$i"; fi
  mount -c --bind /proc/self/fd/7 "${PRIVATE_FOLDER}/$i"
  exec 7<&-
  i=$((i+1)); shift 2
done
shift
${CLOSE_OTHERS}
exec /usr/bin/setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"`;

const USER_SCRIPT = `set -eu
${CLOSE_OTHERS}
exec "$@"`;

const BASH = ["/bin/bash", "--noprofile", "--norc", "-c"];

/** Host paths that become visible as `/run/<index>`, with what they must still be when the launcher opens them. */
export interface BoundPath {
  path: string;
  device: bigint;
  inode: bigint;
}

export function rootLauncher(options: {
  uid: number;
  bound: readonly BoundPath[];
  command: readonly string[];
}): string[] {
  const bound = options.bound.flatMap(({ path, device, inode }) => [path, `${device}:${inode}`]);
  const script = [...BASH, ROOT_SCRIPT, "logomesh", String(options.uid), ...bound, "--", ...options.command];
  return ["/usr/bin/unshare", "--mount", "--propagation", "private", "--", ...script];
}

export function userLauncher(command: readonly string[]): string[] {
  return [...BASH, USER_SCRIPT, "logomesh", ...command];
}
