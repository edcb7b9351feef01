/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An element aligned to more than a group cannot lie in one.
 * expect: aligned to more than a group */

#include <weir/spsc.h>

typedef struct wide {
    WEIR_ALIGNAS(128) unsigned char bytes[128];
} wide;

#ifdef MISUSE
WEIR_SPSC_DEFINE(wide_queue, wide);
#else
WEIR_SPSC_DEFINE(wide_queue, wide *);
#endif
