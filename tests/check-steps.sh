#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Every operation that is to block nobody was swept by the step harness, against every
# other one: from the rows that the step programs of this make check have written.
. "${srcdir:-.}/build-aux/check.sh"

[ -n "$PYTHON" ] || skip_all "no python3: the rows of the step sweeps are not read"
"$PYTHON" "$srcdir/build-aux/step-coverage" --self-test || exit 1
set -- "$builddir"/stress/step-*.rows
[ -e "$1" ] || skip_all "no rows: the step sweeps did not run"
if cat "$@" | grep -q 'SKIP$'; then
    skip_all "the step sweeps are skipped on this machine: $(cat "$@" | wc -l) rows"
fi
"$PYTHON" "$srcdir/build-aux/step-coverage" "$srcdir" "$@"
