/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed ring takes elements of its own type alone.
 * expect: incompatible */

#include <weir/ticket.h>

typedef struct job {
    int number;
} job;

typedef struct result {
    int number;
} result;

WEIR_TICKET_DEFINE(job_ring, job);

bool misuse(job_ring *ring, job first, result second);

bool misuse(job_ring *ring, job first, result second)
{
#ifdef MISUSE
    (void)first;
    return job_ring_try_enqueue(ring, second);
#else
    (void)second;
    return job_ring_try_enqueue(ring, first);
#endif
}
