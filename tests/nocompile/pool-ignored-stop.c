/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* After a stop that took too long jobs still run: what it says must not be ignored.
 * expect: unused */

#include <weir/pool.h>

int misuse(weir_pool *pool);

int misuse(weir_pool *pool)
{
#ifdef MISUSE
    weir_pool_stop(pool, WEIR_POOL_DRAIN, 0);
    return 0;
#else
    return weir_pool_stop(pool, WEIR_POOL_DRAIN, 0);
#endif
}
