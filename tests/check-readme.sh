#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The first program of README.md is doc/examples/first.c, and compiles and runs as
# printed; and what the guides link to exists.
. "${srcdir:-.}/build-aux/check.sh"

readme=$srcdir/README.md
example=$srcdir/doc/examples/first.c

awk '/^```/ { if (copying) exit; copying = ($0 == "```c"); next } copying' "$readme" >"$work/first.c"
# Without the licence's comment and the empty line after it.
awk 'NR <= 2 && /SPDX/ { next } !begun && /^$/ { next } { begun = 1; print }' "$example" >"$work/example.c"
expect "README.md has a program" test -s "$work/first.c"
expect "README.md and doc/examples/first.c have the same program" \
    diff -u "$work/example.c" "$work/first.c"

# What the program links with when nothing is installed: the same sources.
if has_mpmc; then
    # shellcheck disable=SC2086
    expect "the README's program compiles as C11" \
        $CC -std=c11 $STRICT $CFLAGS ${WEIR_SANITIZE:-} -I"$srcdir/include" -c "$work/first.c" -o "$work/first.o"
    for source in "$srcdir"/lib/*.c; do
        # shellcheck disable=SC2086
        expect "the library compiles" $CC -std=c11 -D_GNU_SOURCE $CFLAGS ${WEIR_SANITIZE:-} \
            -I"$srcdir/include" -c "$source" -o "$work/lib-$(basename "$source" .c).o"
    done
    # shellcheck disable=SC2086
    expect "the README's program links" $CC $CFLAGS ${WEIR_SANITIZE:-} $LDFLAGS "$work"/*.o -pthread -o "$work/first"
    if [ "$RUNS" = no ]; then
        skip "no emulator: the README's program did not run"
    else
        # shellcheck disable=SC2086
        ${EMULATOR:-} "$work/first" >"$work/out" 2>&1
        status=$?
        expect "the README's program ends with 0" test "$status" -eq 0
        expect "the README's program says OK" grep -q '^OK first ' "$work/out"
    fi
else
    skip "no double-word compare-and-swap: the README's program is for other machines"
fi

# Links to files, in README.md and the guides.
for guide in "$readme" "$srcdir"/doc/*.md; do
    for target in $(grep -o '](\([^)#]*\)' "$guide" | sed 's/^](//' | grep -v '^[a-z]*:'); do
        if [ -e "$(dirname "$guide")/$target" ]; then
            pass
        else
            fail "$(basename "$guide") links to $target, which is not there"
        fi
    done
done
finish
