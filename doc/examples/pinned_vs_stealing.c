/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* pinned_vs_stealing: two jobs of 200 steps each, in a pool of four workers that have other work
 * as well. One goes on wherever a worker is free: it migrates from thread to thread. The other
 * one owns something that belongs to one thread, as a window does, or a library that knows its
 * caller. That thread is a pool of one worker, its home. The job computes in the crowd, as the
 * other one, and goes home for each use: to resume on a thread is to submit to its pool. */

#include <weir/pool.h>
#include <weir/sem.h>

#include <stdio.h>

enum { WORKERS = 4, STEPS = 200, WORK = 20000, THREADS = 16 };

typedef struct traveller {
    weir_job job; /* first */
    int steps;
    unsigned last; /* the thread of the last step */
    int changes;
    int steps_by[THREADS];
    uint32_t state;
} traveller;

typedef struct errand {
    weir_job job; /* first */
    uint32_t state;
} errand;

static weir_pool *crowd, *home;
static weir_latch travelling = WEIR_LATCH_INIT(2);
static traveller migrant, pinned;
static errand errands[2][STEPS];
static WEIR_ATOMIC(unsigned) threads;

/* Returns: the number of the calling thread, from 1 in the order in which they asked. */
static unsigned self(void)
{
    static _Thread_local unsigned number;

    if (number == 0) /* relaxed: nothing but a number. */
        number = weir_atomic_fetch_add(&threads, 1, WEIR_RELAXED) + 1;
    return number;
}

static void compute(uint32_t *state)
{
    for (int i = 0; i < WORK; i++)
        *state = *state * 1664525 + 1013904223;
}

static int run_errand(weir_job *job)
{
    compute(&((errand *)(void *)job)->state);
    return 0;
}

/* A step leaves the worker that it was in something else to do, which is newer than the step's
 * successor, and so comes first: who has nothing to do steals the successor. */
static int leave_behind(errand *e)
{
    weir_job_init(&e->job, run_errand);
    return weir_pool_submit(crowd, &e->job);
}

static void note(traveller *t)
{
    const unsigned here = self();

    t->changes += t->steps > 0 && t->last != here;
    t->last = here;
    t->steps_by[here]++;
    t->steps++;
}

static int migrate(weir_job *job)
{
    traveller *const t = (traveller *)(void *)job;
    const int step = t->steps;
    int status = 0;

    compute(&t->state);
    note(t);
    if (t->steps == STEPS)
        weir_latch_count_down(&travelling, 1);
    else
        status = weir_pool_submit(crowd, job); /* no more of *t from here on */
    return status != 0 ? status : leave_behind(&errands[0][step]);
}

static int go_out(weir_job *job);

static int come_home(weir_job *job)
{
    traveller *const t = (traveller *)(void *)job;

    note(t);
    if (t->steps == STEPS) {
        weir_latch_count_down(&travelling, 1);
        return 0;
    }
    job->run = go_out;
    return weir_pool_submit(crowd, job);
}

static int go_out(weir_job *job)
{
    traveller *const t = (traveller *)(void *)job;
    const int step = t->steps;
    int status;

    compute(&t->state);
    job->run = come_home;
    status = weir_pool_submit(home, job);
    return status != 0 ? status : leave_behind(&errands[1][step]);
}

/* Returns: in how many threads it was. */
static int show(const char *name, const traveller *t)
{
    int in = 0;

    printf("%-9s", name);
    for (unsigned thread = 1; thread < THREADS; thread++) {
        if (t->steps_by[thread] != 0) {
            printf(" %3d steps in thread %u,", t->steps_by[thread], thread);
            in++;
        }
    }
    printf(" %d changes\n", t->changes);
    return in;
}

int main(void)
{
    weir_pool_options options = {0};
    int in;

    options.workers = WORKERS;
    if (weir_pool_new(&crowd, &options) != 0)
        return 1;
    options.workers = 1;
    options.name = "home";
    if (weir_pool_new(&home, &options) != 0)
        return 1;
    weir_job_init(&migrant.job, migrate);
    weir_job_init(&pinned.job, come_home);
    if (weir_pool_submit(crowd, &migrant.job) != 0 || weir_pool_submit(home, &pinned.job) != 0 ||
        weir_latch_wait(&travelling, WEIR_FOREVER, NULL) != 0 ||
        weir_pool_stop(crowd, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 ||
        weir_pool_stop(home, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(crowd) != 0 ||
        weir_pool_free(home) != 0 || weir_latch_destroy(&travelling) != 0)
        return 1;

    in = show("migrating", &migrant);
    if (show("pinned", &pinned) != 1 || pinned.changes != 0 || migrant.steps != STEPS ||
        pinned.steps != STEPS) {
        fprintf(stderr, "a pinned job has changed its thread\n");
        return 1;
    }
    printf("OK pinned_vs_stealing steps=%d pinned_changes=0 migrant_changes=%d (%s)\n", STEPS,
           migrant.changes, in > 1 ? "PASS: it migrates" : "no migration on this machine today");
    return 0;
}
