/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Which pool is meant is in the name.
 * expect: incompatible */

#include <weir/offload.h>

int misuse(weir_offload *offload, weir_pool *pool, weir_blocking *blocking);

int misuse(weir_offload *offload, weir_pool *pool, weir_blocking *blocking)
{
#ifdef MISUSE
    (void)blocking;
    return weir_offload_blocking(offload, pool, WEIR_FOREVER);
#else
    (void)pool;
    return weir_offload_blocking(offload, blocking, WEIR_FOREVER);
#endif
}
