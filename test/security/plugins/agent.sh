#!/usr/bin/env bash
# A plugin in the hands of an attacker: its one tool runs the code that it is sent.

tools='[{"name":"attack","inputSchema":{"type":"object"}}]'
meta='"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}'

send() { printf '{"jsonrpc":"2.0",%s}\n' "$1"; }

# Asks the workbench on descriptor 3: method, and the members of params. Prints the whole answer.
request() {
  printf '{"jsonrpc":"2.0","id":1,"method":"%s","params":{%s,"_meta":{%s}}}\n' "$1" "$2" "$meta" >&3
  IFS= read -r reply <&3
  printf '%s\n' "$reply"
}

# Write to the workbench and to standard error as they are: the output of the code itself is caught.
raw() { cat >&9; }
complain() { cat >&7; }
exec 9>&1 7>&2

start="${0%/*}/start.sh"
if [ -e "$start" ]; then . "$start"; fi

while IFS= read -r line; do
  [[ $line =~ \"id\":([0-9]+) ]] || continue
  id=${BASH_REMATCH[1]}
  case $line in
  *'"method":"initialize"'*)
    [[ $line =~ \"protocolVersion\":\"([0-9-]+)\" ]]
    send "\"id\":$id,\"result\":{\"protocolVersion\":\"${BASH_REMATCH[1]}\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"agent\",\"version\":\"1\"}}"
    ;;
  *'"method":"ping"'*) send "\"id\":$id,\"result\":{}" ;;
  *'"method":"tools/list"'*) send "\"id\":$id,\"result\":{\"tools\":$tools}" ;;
  *'"method":"tools/call"'*)
    [[ $line =~ \"code\":\"([A-Za-z0-9+/=]*)\" ]]
    code=$(base64 -d <<<"${BASH_REMATCH[1]}")
    output=$(eval "$code" 2>&1 </dev/null | base64 -w0)
    send "\"id\":$id,\"result\":{\"content\":[],\"structuredContent\":{\"output\":\"$output\"}}"
    ;;
  *) send "\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"method not found\"}" ;;
  esac
done
