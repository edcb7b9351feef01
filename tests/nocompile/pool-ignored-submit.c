/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A submit may have been refused: then the job is still the caller's, and will not be run.
 * expect: unused */

#include <weir/pool.h>

int misuse(weir_pool *pool, weir_job *job);

int misuse(weir_pool *pool, weir_job *job)
{
#ifdef MISUSE
    weir_pool_submit(pool, job);
    return 0;
#else
    return weir_pool_submit(pool, job);
#endif
}
