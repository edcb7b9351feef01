/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What is retired and what is protected have one address: the weir_retired is the first member.
 * expect: must be the first member */

#include <weir/interval.h>

typedef struct node {
#ifdef MISUSE
    long value;
    weir_retired retired;
#else
    weir_retired retired;
    long value;
#endif
} node;

WEIR_INTERVAL_DEFINE(nodes, node, retired);
