/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A spawned function gets its job, which is joined; a call is waited for in another way.
 * expect: incompatible */

#include <weir/pool.h>

int misuse(weir_job *job, int (*of_call)(weir_call *call), int (*of_job)(weir_job *job));

int misuse(weir_job *job, int (*of_call)(weir_call *call), int (*of_job)(weir_job *job))
{
#ifdef MISUSE
    (void)of_job;
    weir_spawn(job, of_call);
#else
    (void)of_call;
    weir_spawn(job, of_job);
#endif
    return weir_join(job);
}
