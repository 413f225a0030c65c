#!/bin/sh
# Runs everything on the running kernel, here or in a virtual machine, and says
# in a line `=== NAME` where each part of it begins.
echo "=== kernel"
date -u +%F
uname -r
uname -v
echo "=== check"
# A serial port is a terminal.
NO_COLOR=1 "$PAGETRACE" check
echo "=== verifier"
"$VERIFIER" "$OBJECT" 2>&1
echo "=== suite"
# What tests write to stderr would come between a test's name and its result.
stderr=$(mktemp)
"$SUITE" --test-threads=1 --color=never 2>"$stderr"
echo "=== stderr"
cat "$stderr"
rm "$stderr"
echo "=== end"
