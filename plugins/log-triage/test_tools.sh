#!/bin/sh
set -eu

expect() { # what, got, wanted
  if [ "$2" != "$3" ]; then
    printf '%s\n  got:    %s\n  wanted: %s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
}

LOG='10:00 INFO started
10:01 WARN disk 91% full
10:02 ERROR cannot reach 10.0.0.7 after 3 tries
10:03 ERROR cannot reach 10.0.0.9 after 5 tries
10:04 Error: out of memory

10:05 terror in the night'

expect levels "$(ARG_TEXT=$LOG ./tools.sh levels)" \
  '{"lines":6,"error":3,"warning":1,"info":1,"debug":0,"other":1}'
expect "an empty log" "$(ARG_TEXT='' ./tools.sh levels)" \
  '{"lines":0,"error":0,"warning":0,"info":0,"debug":0,"other":0}'
expect "frequent errors" "$(ARG_TEXT=$LOG ./tools.sh frequent_errors)" \
  "$(printf '2\tcannot reach #.#.#.# after # tries\n1\tout of memory')"
expect "one error" "$(ARG_TEXT=$LOG ARG_LIMIT=1 ./tools.sh frequent_errors)" \
  "$(printf '2\tcannot reach #.#.#.# after # tries')"
expect "nothing is run" "$(ARG_TEXT='ERROR $(touch /tmp/owned) `id` %s' ./tools.sh frequent_errors)" \
  "$(printf '1\t$(touch /tmp/owned) `id` %%s')"
if [ -e /tmp/owned ]; then echo "text was run" >&2; exit 1; fi
if ./tools.sh nothing 2>/dev/null; then echo "an unknown tool was accepted" >&2; exit 1; fi
