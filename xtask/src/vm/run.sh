#!/bin/sh
# Runs everything on the running kernel, here or in a virtual machine, and says
# in a line `=== NAME` where each part of it begins.
echo "=== kernel"
date -u +%F
uname -r
uname -v
echo "=== mounts"
cut -d' ' -f3 /proc/mounts | sort -u
echo "=== only"
echo "$ONLY"
echo "=== check"
# A serial port is a terminal.
NO_COLOR=1 "$PAGETRACE" check
echo "=== verifier"
# Apart, so that nothing comes between a test's name and its result.
stderr=$(mktemp)
# Words, not one argument.
"$VERIFIER" $OBJECTS 2>>"$stderr"
echo "=== suite"
# Words, not one argument.
"$SUITE" $ONLY --test-threads=1 --color=never 2>>"$stderr"
echo "=== report"
"$PAGETRACE" -i 5 --json - 2>>"$stderr"
echo "=== stderr"
cat "$stderr"
rm "$stderr"
echo "=== end"
