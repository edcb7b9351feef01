#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# weir_step_table(7) names each operation that the step programs of this make check have
# swept, and none that is gone; none of weir's has a blocked or false stop but the blocked ones
# of operations that say that they block. Numbers of stops are not compared, but README.md has to
# have those of the page.
. "${srcdir:-.}/build-aux/check.sh"

page=$srcdir/doc/man/weir_step_table.7
operations=$(sed -n 's/^Of the \([0-9]*\) operations that say .*, 0 of [0-9]* stops.*/\1/p' "$page")
stops=$(sed -n 's/^Of the [0-9]* operations that say .*, 0 of \([0-9]*\) stops.*/\1/p' "$page")
if ! tr -d ',' <"$srcdir/README.md" | tr '\n' ' ' |
    grep -q "0 of $stops stops[*]* *for each of the $operations operations"; then
    fail "README.md does not say 0 of $stops stops, for each of the $operations operations"
    exit 1
fi

[ -n "$PYTHON" ] || skip_all "no python3: the table of the step sweeps is not compared"
"$PYTHON" "$srcdir/build-aux/step-table" --self-test || exit 1
set -- "$builddir"/stress/step-*.rows
[ -e "$1" ] || skip_all "no rows: the step sweeps did not run"
if cat "$@" | grep -q 'SKIP$'; then
    skip_all "the step sweeps are skipped on this machine: $(cat "$@" | wc -l) rows"
fi
"$PYTHON" "$srcdir/build-aux/step-table" --check --tree "$srcdir" \
    --page "$page" "$@"
