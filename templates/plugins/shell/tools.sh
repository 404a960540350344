#!/bin/sh
case "$1" in
  greet) echo "Hello, $ARG_NAME!" ;;
  *) echo "There is no tool $1." >&2; exit 1 ;;
esac
