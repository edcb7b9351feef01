/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed queue takes elements of its own type alone.
 * expect: incompatible */

#include <weir/umpmc.h>

typedef struct job {
    int number;
} job;

typedef struct result {
    int number;
} result;

WEIR_UMPMC_DEFINE(job_queue, job *);

int misuse(job_queue *queue, weir_guard_record *me, job *first, result *second);

int misuse(job_queue *queue, weir_guard_record *me, job *first, result *second)
{
#ifdef MISUSE
    (void)first;
    return job_queue_enqueue(queue, me, second);
#else
    (void)second;
    return job_queue_enqueue(queue, me, first);
#endif
}

typedef result *to_keep_the_type_used;
