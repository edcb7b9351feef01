#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The guide of the step harness is true: its example compiles, fails as the guide says, and
# passes once it is mended as the guide says.
. "${srcdir:-.}/build-aux/check.sh"

guide=$srcdir/doc/step-harness.md
: "${STEP_UNDER_TEST:=$builddir/libweir_step.a}"

# The n-th block of C in the guide.
block() { awk -v n="$1" '/^```c$/ { inside = (++count == n); next } /^```$/ { inside = 0 } inside' "$guide"; }

block 1 >"$work/box.c"
block 2 >"$work/mended"
# What stands between the includes and `got` is replaced.
awk -v mended="$work/mended" '
    /^enum/ { skipping = 1; while ((getline line < mended) > 0) print line; print "" }
    /^static int got/ { skipping = 0 }
    !skipping' "$work/box.c" >"$work/box2.c"
expect "thirty lines and a queue: no more than 50 in all" [ "$(wc -l <"$work/box.c")" -le 50 ]

build() { # NAME LANGUAGE-OPTIONS...
    name=$1
    shift
    # shellcheck disable=SC2086
    "$@" $CFLAGS -Wall -Wextra -I"$srcdir/include" "$work/$name.c" -pthread $STEP_UNDER_TEST -o "$work/$name"
}
# shellcheck disable=SC2086
for name in box box2; do
    expect "$name.c compiles" build $name $CC -std=c11 -Werror
    status=0
    $EMULATOR "$work/$name" >"$work/$name.said" 2>&1 || status=$?
    case $name:$status in
    *:77) skip "$name: $(head -n 1 "$work/$name.said")" ;;
    box:1)
        expect "box.c fails for the reason that the guide gives" \
            grep -q 'first: neither a value nor room for one' "$work/box.said"
        ;;
    box2:0) pass ;;
    *)
        fail "$name.c ends with $status"
        sed 's/^/    /' "$work/$name.said"
        ;;
    esac
done
finish
