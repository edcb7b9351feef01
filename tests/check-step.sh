#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Says what a build leaves out where there are no single steps.
. "${srcdir:-.}/build-aux/check.sh"

skip "the step sweeps need x86-64 Linux, and no sanitizer: they are not built"
finish
