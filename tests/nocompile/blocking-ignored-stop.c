/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* After a stop that took too long something still runs: what it says must not be ignored.
 * expect: unused */

#include <weir/blocking.h>

int misuse(weir_blocking *pool);

int misuse(weir_blocking *pool)
{
#ifdef MISUSE
    weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, 0);
    return 0;
#else
    return weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, 0);
#endif
}
