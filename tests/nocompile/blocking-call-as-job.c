/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A call is submitted by its job: a pool knows jobs alone.
 * expect: incompatible */

#include <weir/blocking.h>

int misuse(weir_blocking *pool, weir_call *call);

int misuse(weir_blocking *pool, weir_call *call)
{
#ifdef MISUSE
    return weir_blocking_submit(pool, call);
#else
    return weir_blocking_submit(pool, &call->job);
#endif
}
