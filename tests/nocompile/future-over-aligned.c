/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A value that is aligned to more than malloc() aligns does not fit behind a future.
 * expect: aligned to more */

#include <weir/future.h>

typedef struct wide {
    WEIR_ALIGNAS(64) unsigned char bytes[64];
} wide;

#ifdef MISUSE
WEIR_FUTURE_DEFINE(wide_answer, wide);
#else
WEIR_FUTURE_DEFINE(wide_answer, wide *);
#endif
