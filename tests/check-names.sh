#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Public headers bring no name but weir_... and WEIR_...
. "${srcdir:-.}/build-aux/check.sh"

have "${PYTHON:-none}" || skip_all "no python3: the names in the headers are not checked"
"$PYTHON" "$srcdir/build-aux/lint-names" --self-test && pass || fail "the lint's self-test"
"$PYTHON" "$srcdir/build-aux/lint-names" "$srcdir" && pass || fail "names in public headers"
finish
