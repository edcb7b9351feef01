/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/job.h: what queues of jobs have to do with those that they do not run. Private. */

#ifndef WEIR_LIB_JOB_H
#define WEIR_LIB_JOB_H

#include <weir/job.h>

/* Turns a list around: in `newest` each job's `next` is the one that came before it, and that of
 * the oldest is one of the `ends` smallest numbers. Returns: the oldest. */
static inline weir_job *weir__jobs_turn(weir_job *newest, uintptr_t ends)
{
    weir_job *oldest = NULL, *job = newest;

    while ((uintptr_t)job >= ends) {
        weir_job *const below = job->next;

        __builtin_prefetch(job->other, 1); /* lib/loop_post.c */
        job->next = oldest;
        oldest = job;
        job = below;
    }
    return oldest;
}

/* Tells who waits for a job that it will not be run. Returns: false: nobody does. */
bool weir__job_discard(weir_job *job);

#endif /* WEIR_LIB_JOB_H */
