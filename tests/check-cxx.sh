#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Says what a build without C++ leaves out.
. "${srcdir:-.}/build-aux/check.sh"

skip "no C++ compiler: tests/atomic and tests/mixed, which are half C++, are not built"
finish
