/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/child.h: for the test of lib/child.c. Private. */

#ifndef WEIR_LIB_CHILD_H
#define WEIR_LIB_CHILD_H

#include <weir/child.h>

/* As where the kernel has no pidfd_open(2). */
extern bool weir__child_by_signal;

#endif /* WEIR_LIB_CHILD_H */
