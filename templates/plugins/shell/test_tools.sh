#!/bin/sh
set -eu
test "$(ARG_NAME=Ada ./tools.sh greet)" = "Hello, Ada!"
if ./tools.sh nothing 2>/dev/null; then echo "an unknown tool was accepted" >&2; exit 1; fi
