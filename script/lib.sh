# Shared by the scripts: repository root, the pinned Node on PATH, messages. Sourced, never run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH="$root/node_modules/.bin:$PATH"
export PATH

say() { printf '\033[2m▸ %s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# True when the pinned Node (or another one from 24 on) is what `node` means now.
node_ready() { command -v node >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' 2>/dev/null; }

# stale <output> <folder…>: true when a source file is newer than the output.
stale() {
  local output=$1; shift
  [ -e "$output" ] || return 0
  [ -n "$(find "$@" \( -name node_modules -o -name dist \) -prune -o -type f -newer "$output" -print -quit)" ]
}
