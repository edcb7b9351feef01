#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Compiles and runs each program that stands under EXAMPLES in a manual page, as
# printed. The environment gives srcdir, CC, CFLAGS and LIBS_UNDER_TEST (the static
# library) and STEP_UNDER_TEST; by default the tree is the current directory.
set -eu

srcdir=${srcdir:-.}
: "${CC:=cc}" "${CFLAGS:=-O2}" "${LIBS_UNDER_TEST:=.libs/libweir.a}"
: "${STEP_UNDER_TEST:=libweir_step.a}"
: "${RUN_UNDER_TEST:=}" # an emulator, when cross-built
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ran=0

for page in "$srcdir"/doc/man/weir_*.3; do
    case $page in */weir_check.3) continue ;; esac # tests/check-model-guide.sh: it is instrumented
    name=$(basename "$page" .3)
    awk -v base="$work/$name" '
        /^\.Sh /                        { inside = ($2 == "EXAMPLES") }
        inside && /^\.Bd -literal/      { program++; copying = 1; next }
        /^\.Ed/                         { copying = 0 }
        copying                         { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print > (base "-" program ".c") }
    ' "$page"
    found=0
    for program in "$work/$name"-*.c; do
        [ -e "$program" ] || break
        grep -q 'int main' "$program" || continue # a fragment, not a program
        # shellcheck disable=SC2086
        $CC -std=c11 $CFLAGS -Wall -Wextra -Wpedantic -Werror -I"$srcdir/include" "$program" \
            -pthread $LIBS_UNDER_TEST $STEP_UNDER_TEST -o "$program.out"
        status=0
        # shellcheck disable=SC2086
        $RUN_UNDER_TEST "$program.out" >"$program.said" || status=$?
        case $status in
        0) ;;
        77) # the step harness, where there are no single steps
            sed "s|^SKIP|skip:|" "$program.said"
            ;;
        *)
            echo "$page: its example ends with an error" >&2
            exit 1
            ;;
        esac
        found=$((found + 1))
    done
    if [ "$found" -eq 0 ]; then
        echo "$page: no program under EXAMPLES" >&2
        exit 1
    fi
    ran=$((ran + found))
done
echo "$ran programs of the manual compiled and ran"
[ "$ran" -gt 0 ]
