#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Says what a build for a machine without weir/mpmc.h leaves out.
. "${srcdir:-.}/build-aux/check.sh"

skip "no double-word compare-and-swap: doc/examples/first, which uses weir/mpmc.h, is not built"
finish
