/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An element aligned to more than a cell cannot lie in one.
 * expect: aligned to more than a cell */

#include <weir/ticket.h>

typedef struct wide {
    WEIR_ALIGNAS(32) unsigned char bytes[32];
} wide;

#ifdef MISUSE
WEIR_TICKET_DEFINE(wide_ring, wide);
#else
WEIR_TICKET_DEFINE(wide_ring, wide *);
#endif
