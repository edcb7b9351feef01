/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A call is submitted by its job: a pool knows jobs alone.
 * expect: incompatible */

#include <weir/pool.h>

int misuse(weir_pool *pool, weir_call *call);

int misuse(weir_pool *pool, weir_call *call)
{
#ifdef MISUSE
    return weir_pool_submit(pool, call);
#else
    return weir_pool_submit(pool, &call->job);
#endif
}
