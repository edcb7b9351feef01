/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed channel takes elements of its own type alone.
 * expect: incompatible */

#include <weir/chan.h>

typedef struct job {
    int number;
} job;

typedef struct result {
    int number;
} result;

WEIR_CHAN_DEFINE(job_chan, job);

int misuse(job_chan *chan, job first, result second);

int misuse(job_chan *chan, job first, result second)
{
#ifdef MISUSE
    (void)first;
    return job_chan_try_send(chan, second);
#else
    (void)second;
    return job_chan_try_send(chan, first);
#endif
}
