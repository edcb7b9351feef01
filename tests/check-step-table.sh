#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# weir_step_table(7) names each operation that the step programs of this make check have
# swept, and none that is gone; none of weir's has a blocked or false stop but the blocked ones
# of operations that say that they block. Numbers of stops are not compared.
. "${srcdir:-.}/build-aux/check.sh"

[ -n "$PYTHON" ] || skip_all "no python3: the table of the step sweeps is not compared"
"$PYTHON" "$srcdir/build-aux/step-table" --self-test || exit 1
set -- "$builddir"/stress/step-*.rows
[ -e "$1" ] || skip_all "no rows: the step sweeps did not run"
if cat "$@" | grep -q 'SKIP$'; then
    skip_all "the step sweeps are skipped on this machine: $(cat "$@" | wc -l) rows"
fi
"$PYTHON" "$srcdir/build-aux/step-table" --check --tree "$srcdir" \
    --page "$srcdir/doc/man/weir_step_table.7" "$@"
