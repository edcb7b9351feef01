#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Says what a build leaves out where there is no model checker.
. "${srcdir:-.}/build-aux/check.sh"

skip "the model checker needs x86-64 Linux with glibc, ThreadSanitizer's instrumentation, and no sanitizer: its clients are not built"
finish
