/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A deque of objects of one type takes no object of another.
 * expect: incompatible */

#include <weir/deque.h>

typedef struct job {
    int number;
} job;

typedef struct worker {
    const char *name;
} worker;

WEIR_DEQUE_DEFINE(jobs, job *);

bool misuse(jobs *js, job *j, worker *w);

bool misuse(jobs *js, job *j, worker *w)
{
#ifdef MISUSE
    (void)j;
    return jobs_push(js, w) == 0;
#else
    (void)w;
    return jobs_push(js, j) == 0;
#endif
}
