#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# No ordered access without its partner's name: build-aux/lint-edges.
. "${srcdir:-.}/build-aux/check.sh"

have "${PYTHON:-none}" || skip_all "no python3: the edges are not checked"
"$PYTHON" "$srcdir/build-aux/lint-edges" --self-test && pass || fail "the lint's self-test"
"$PYTHON" "$srcdir/build-aux/lint-edges" "$srcdir" && pass || fail "edges"
finish
