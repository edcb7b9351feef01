/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An array would decay to a pointer on its way in: it has to lie in a struct.
 * expect: returning an array
 * expect: cannot return array type */

#include <weir/spsc.h>

typedef char line[64];

typedef struct boxed {
    line text;
} boxed;

#ifdef MISUSE
WEIR_SPSC_DEFINE(line_queue, line);
#else
WEIR_SPSC_DEFINE(line_queue, boxed);
#endif
