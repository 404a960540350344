import { FD } from "./launcher.ts";

// Starts a plugin without a sandbox. Nothing of the kernel ties the end of such a tree to that of the workbench, so that a keeper does it:
// a shell beside the plugin that waits for the workbench to close its end of a pipe, by itself or by dying. It then kills what is in the
// tree's control group, and every process that has the tree's mark in the environment that it began with, until there is none.

/** Variable that marks the processes of one tree. */
export const TREE_MARK = "LOGOMESH_TREE";

/** The pipe that the keeper waits at; a sandbox has its options there. */
export const KEEPER_FD = FD.args;

/** More rounds than processes that appear while others are killed. */
const ROUNDS_MAX = 1000;

const LAUNCHER = `set -eu
root=$1 count=$2; shift 2
files=("\${@:1:count}"); shift "$count"
for f in /proc/self/fd/*; do
  n=\${f##*/}
  case $n in [0-${KEEPER_FD}]|${FD.gate}) ;; *) eval "exec $n>&-" 2>/dev/null || : ;; esac
done
mark=${TREE_MARK}=$${TREE_MARK}
keep() {
  set +eu
  trap "" HUP INT QUIT TERM PIPE
  exec 0<&- 1>&- 2>&- ${FD.hostPlane}>&- ${FD.gate}>&-
  read -ru ${KEEPER_FD} _
  for ((round = 0; round < ${ROUNDS_MAX}; round++)); do
    found=
    for file in "\${files[@]}"; do
      while read -r pid; do kill -9 "$pid" && found=1; done < "$file"
    done
    for folder in /proc/[0-9]*; do
      [ "\${folder#/proc/}" != "$BASHPID" ] || continue
      while IFS= read -rd "" line; do
        if [ "$line" = "$mark" ]; then kill -9 "\${folder#/proc/}" && found=1; break; fi
      done < "$folder/environ"
    done
    [ -n "$found" ] || break
  done
  rm -rf -- "$root"
}
( keep & )
exec ${KEEPER_FD}>&-
for file in "\${files[@]}"; do echo $$ > "$file"; done
exec /usr/bin/setpriv --no-new-privs --inh-caps=-all --pdeathsig KILL -- "$@"
`;

export interface OutsideLauncherOptions {
  /** Folder of this tree alone; the keeper deletes it. */
  root: string;
  joinFiles: readonly string[];
  /** Gate included. */
  command: readonly string[];
}

/** Start it with the mark in its environment and the descriptors of FD, that of the options being the keeper's. */
export function outsideLauncherCommand({ root, joinFiles, command }: OutsideLauncherOptions): string[] {
  const bash = ["/usr/bin/bash", "--noprofile", "--norc", "-c", LAUNCHER, "launcher"];
  return [...bash, root, String(joinFiles.length), ...joinFiles, ...command];
}
