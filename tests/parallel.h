/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/parallel.h: what the tests of weir/parallel.h share. */

#ifndef WEIR_TESTS_PARALLEL_H
#define WEIR_TESTS_PARALLEL_H

#include "pool.h"

#include <weir/parallel.h>

enum { MOST = 100000, MS = 1000000 };

static inline weir_pool *new_pool(unsigned workers)
{
    return workers == 0 ? NULL : pool_of(workers);
}

/* Whether a loop has come to it. */
static inline bool is_touched(weir_pool *pool)
{
    return stats_of(pool).threads != 0;
}

/* A hint that lets even a small loop be divided at once, down to its items. */
static const weir_parallel_hint heavy = {UINT64_C(1000000000000), 0, false};

/* What is to be tried in a worker of the pool. */
typedef struct visit {
    int (*call)(const weir_parallel *how);
    const weir_parallel *how;
} visit;

static inline void be_inside(void *of)
{
    const visit *const v = (const visit *)of;

    CHECK_EQ(v->call(v->how), 0);
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
                visit v = {call, &how};

                hint = heavy;
                inside(pool, be_inside, &v);
            }
        }
        end_pool(pool);
    }
}

#endif /* WEIR_TESTS_PARALLEL_H */
