#!/bin/sh
# check_hardening.sh PROGRAM...
#
# Programs are as cmake/hardening.cmake has them: their place in memory is random, what the loader
# fills in is read-only when they start, no stack is executable, and stack and buffers are guarded.
set -eu
export LC_ALL=C
[ $# -gt 0 ] || { echo "no program to look at"; exit 1; }

failed=0
# holds PROGRAM COMPLAINT TEXT PATTERN
holds() {
  printf '%s\n' "$3" | grep -qE "$4" || { echo "$1: $2"; failed=1; }
}

for program in "$@"; do
  said=$(readelf --wide --file-header --program-headers --dynamic "$program")
  calls=$(readelf --wide --dyn-syms "$program")
  holds "$program" "no position-independent program" "$said" '\(FLAGS_1\).*\bPIE\b'
  holds "$program" "its calls are bound while it runs" "$said" '\(FLAGS(_1)?\).*\b(BIND_)?NOW\b'
  holds "$program" "its relocations stay writable" "$said" '^ *GNU_RELRO '
  holds "$program" "its stack is executable" "$said" '^ *GNU_STACK .* RW +0x'
  holds "$program" "no guard of the stack" "$calls" ' UND __stack_chk_fail\b'
  holds "$program" "no buffer is checked" "$calls" ' UND __[a-z0-9_]+_chk\b'
done
echo "$# programs looked at"
exit $failed
