/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool.h: what the parts of the pool's test share. */

#ifndef WEIR_TESTS_POOL_H
#define WEIR_TESTS_POOL_H

#include "test.h"

#include <weir/pool.h>
#include <weir/sem.h>

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- pools ---- */

/* Workers of the pools that all is tried with; 0: no pool. */
static const unsigned sizes_of_pools[] = {0, 1, 2, 5};
enum { POOLS = 4 };

#define EACH_SIZE(workers) \
    for (unsigned size = 1, workers; size < POOLS && (workers = sizes_of_pools[size], 1); size++)

static inline weir_pool_options no_options(void)
{
    weir_pool_options options;

    memset(&options, 0, sizeof options);
    return options;
}

static inline weir_pool *pool_with(const weir_pool_options *options)
{
    weir_pool *pool = NULL;

    CHECK_EQ(weir_pool_new(&pool, options), 0);
    return pool;
}

static inline weir_pool *pool_of(unsigned workers)
{
    weir_pool_options options = no_options();

    options.workers = workers;
    return pool_with(&options);
}

/* NULL is ignored. */
static inline void end_pool(weir_pool *pool)
{
    if (pool != NULL)
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_free(pool), 0);
}

static inline weir_pool_stats stats_of(weir_pool *pool)
{
    weir_pool_stats stats;

    weir_pool_stats_read(pool, &stats);
    return stats;
}

/* ---- jobs ---- */

/* A job that counts, and wakes who waits for so many. */
typedef struct count_job {
    weir_job job;
    WEIR_ATOMIC(unsigned) runs;
    weir_latch *latch; /* NULL: nobody */
    int status;
} count_job;

static inline int count_run(weir_job *job)
{
    count_job *const counted = (count_job *)(void *)job;
    const int status = counted->status;

    weir_atomic_fetch_add(&counted->runs, 1, WEIR_RELAXED);
    if (counted->latch != NULL)
        weir_latch_count_down(counted->latch, 1);
    return status;
}

static inline void count_init(count_job *job, weir_latch *latch)
{
    weir_job_init(&job->job, count_run);
    weir_atomic_init(&job->runs, 0);
    job->latch = latch;
    job->status = 0;
}

static inline unsigned runs_of(count_job *job)
{
    return weir_atomic_load(&job->runs, WEIR_RELAXED);
}

/* A job that says that it runs, and goes on when it may. */
typedef struct gate_job {
    weir_job job;
    weir_latch inside, go;
} gate_job;

static inline int gate_run(weir_job *job)
{
    gate_job *const gate = (gate_job *)(void *)job;

    weir_latch_count_down(&gate->inside, 1);
    CHECK_EQ(weir_latch_wait(&gate->go, WEIR_FOREVER, NULL), 0);
    return 0;
}

static inline void gate_init(gate_job *gate)
{
    weir_job_init(&gate->job, gate_run);
    weir_latch_init(&gate->inside, 1);
    weir_latch_init(&gate->go, 1);
}

/* Submits it, and returns when a worker is in it. */
static inline void gate_enter(gate_job *gate, weir_pool *pool)
{
    gate_init(gate);
    CHECK_EQ(weir_pool_submit(pool, &gate->job), 0);
    CHECK_EQ(weir_latch_wait(&gate->inside, WEIR_FOREVER, NULL), 0);
}

static inline void gate_open(gate_job *gate)
{
    weir_latch_count_down(&gate->go, 1);
}

/* A function that runs in a worker. */
typedef struct inside_job {
    weir_job job;
    void (*function)(void *argument);
    void *argument;
} inside_job;

static inline int inside_run(weir_job *job)
{
    inside_job *const inside = (inside_job *)(void *)job;

    inside->function(inside->argument);
    return 0;
}

static inline void inside(weir_pool *pool, void (*function)(void *argument), void *argument)
{
    inside_job job;

    weir_job_init(&job.job, inside_run);
    job.function = function;
    job.argument = argument;
    CHECK_EQ(weir_pool_run(pool, &job.job), 0);
}

#endif /* WEIR_TESTS_POOL_H */
