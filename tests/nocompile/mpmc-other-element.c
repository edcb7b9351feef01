/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed queue takes elements of its own type alone.
 * expect: incompatible */

#include <weir/mpmc.h>

typedef struct job {
    int number;
} job;

typedef struct result {
    int number;
} result;

#ifdef WEIR_HAVE_MPMC
WEIR_MPMC_DEFINE(job_queue, job *);

bool misuse(job_queue *queue, job *first, result *second);

bool misuse(job_queue *queue, job *first, result *second)
{
#ifdef MISUSE
    (void)first;
    return job_queue_try_enqueue(queue, second);
#else
    (void)second;
    return job_queue_try_enqueue(queue, first);
#endif
}
#elif defined(MISUSE)
#error "incompatible: no such queue on this machine"
#endif

typedef result *to_keep_the_type_used;
