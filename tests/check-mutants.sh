#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Each memory order, one step weaker, is missed by a client of the model checker, or
# tests/mutants.table says why not: build-aux/mutants. Of `make check-mutants`; in make check its
# self-test and its list alone.
. "${srcdir:-.}/build-aux/check.sh"

[ -n "$PYTHON" ] || skip_all "no python3: no memory order is weakened"
expect "the parser" "$PYTHON" "$srcdir/build-aux/mutants" --self-test
expect "memory orders" "$PYTHON" "$srcdir/build-aux/mutants" --tree "$srcdir" --list
[ "${MUTANTS:-no}" = yes ] || finish
if [ ! -e "$builddir/libweir_check.a" ]; then
    skip "no libweir_check.a: the memory orders are not weakened"
    finish
fi
# shellcheck disable=SC2086
"$PYTHON" "$srcdir/build-aux/mutants" --tree "$srcdir" --checker "$builddir/libweir_check.a" \
    --cache "$builddir/mutants.cache" ${MUTANTS_FLAGS:-} && pass || fail "memory orders"
finish
