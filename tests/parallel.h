/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/parallel.h: what the tests of weir/parallel.h share. */

#ifndef WEIR_TESTS_PARALLEL_H
#define WEIR_TESTS_PARALLEL_H

#include "test.h"

#include <weir/parallel.h>

enum { MOST = 100000, MS = 1000000 };

/* Workers of the pools that all is tried with; 0: no pool. */
static const unsigned sizes_of_pools[] = {0, 1, 2, 5};
enum { POOLS = 4 };

static inline weir_pool *new_pool(unsigned workers)
{
    weir_pool_options options;
    weir_pool *pool = NULL;

    memset(&options, 0, sizeof options);
    options.workers = workers;
    if (workers != 0)
        CHECK_EQ(weir_pool_new(&pool, &options), 0);
    return pool;
}

static inline void end_pool(weir_pool *pool)
{
    if (pool != NULL)
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, weir_clock_after(UINT64_C(60000) * MS)), 0);
    CHECK_EQ(weir_pool_free(pool), 0);
}

/* Whether a loop has come to it. */
static inline bool is_touched(weir_pool *pool)
{
    weir_pool_stats stats;

    weir_pool_stats_read(pool, &stats);
    return stats.threads != 0;
}

/* A hint that lets even a small loop be divided at once, down to its items. */
static const weir_parallel_hint heavy = {UINT64_C(1000000000000), 0, false};

/* Calls what is to be tried in a worker of the pool. */
typedef struct visit {
    weir_job job; /* first */
    int (*call)(const weir_parallel *how);
    const weir_parallel *how;
} visit;

static inline int be_inside(weir_job *job)
{
    visit *const v = (visit *)(void *)job;

    return v->call(v->how);
}

/* Every way: pools, from outside and inside, with a hint and without one. */
static inline void everywhere(int (*call)(const weir_parallel *how), size_t grain)
{
    for (int p = 0; p < POOLS; p++) {
        weir_pool *const pool = new_pool(sizes_of_pools[p]);
        weir_parallel_hint hint;
        weir_parallel how = {pool, grain, NULL, NULL};

        for (int hinted = 0; hinted < 2; hinted++) {
            how.hint = hinted ? &hint : NULL;
            hint = heavy;
            CHECK_EQ(call(&how), 0);
            if (pool != NULL) {
                visit v;

                weir_job_init(&v.job, be_inside);
                v.call = call;
                v.how = &how;
                hint = heavy;
                CHECK_EQ(weir_pool_run(pool, &v.job), 0);
            }
        }
        end_pool(pool);
    }
}

#endif /* WEIR_TESTS_PARALLEL_H */
