#!/bin/sh
# The text of a call is in ARG_TEXT; it is data for awk and never a part of a program.
set -eu

levels() {
  printf '%s\n' "$ARG_TEXT" | awk '
    NF == 0 { next }
    { lines++; line = tolower($0) }
    line ~ /(^|[^a-z])(error|fatal|critical)([^a-z]|$)/ { error++; next }
    line ~ /(^|[^a-z])warn(ing)?([^a-z]|$)/ { warning++; next }
    line ~ /(^|[^a-z])(info|notice)([^a-z]|$)/ { info++; next }
    line ~ /(^|[^a-z])(debug|trace)([^a-z]|$)/ { debug++; next }
    { other++ }
    END {
      printf "{\"lines\":%d,\"error\":%d,\"warning\":%d,\"info\":%d,\"debug\":%d,\"other\":%d}\n", \
        lines, error, warning, info, debug, other
    }'
}

frequent_errors() {
  printf '%s\n' "$ARG_TEXT" | awk '
    tolower($0) ~ /(^|[^a-z])(error|fatal|critical)([^a-z]|$)/ {
      line = $0
      sub(/^.*(ERROR|Error|error|FATAL|Fatal|fatal|CRITICAL|Critical|critical)[: -]*/, "", line)
      gsub(/[0-9]+/, "#", line)
      count[line]++
    }
    END { for (line in count) printf "%d\t%s\n", count[line], line }' |
    sort -k1,1nr -k2 | head -n "${ARG_LIMIT:-5}"
}

case "$1" in
  levels) levels ;;
  frequent_errors) frequent_errors ;;
  *) echo "There is no tool $1." >&2; exit 1 ;;
esac
