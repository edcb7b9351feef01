#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Says what `make check-portable' leaves out.
. "${srcdir:-.}/build-aux/check.sh"

skip "make check-portable: neither examples nor step sweeps, which make check-programs has"
finish
