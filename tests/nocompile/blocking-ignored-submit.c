/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A submit may have been refused: then the job is still the caller's, and will not be run.
 * expect: unused */

#include <weir/blocking.h>

int misuse(weir_blocking *pool, weir_job *job);

int misuse(weir_blocking *pool, weir_job *job)
{
#ifdef MISUSE
    weir_blocking_submit(pool, job);
    return 0;
#else
    return weir_blocking_submit(pool, job);
#endif
}
