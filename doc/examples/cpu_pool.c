/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* cpu_pool: four calls, each of which adds up ten million squares: one after the other, then
 * given to the pool, and their results taken in order. Threads are enough for that, nobody has
 * to start processes: here no lock of an interpreter stands in the way. */

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/pool.h>

#include <inttypes.h>
#include <stdio.h>

enum { CALLS = 4, NUMBERS = 10000000, TRIES = 3 };

typedef struct sum {
    weir_call call; /* first */
    uint64_t flip;  /* bits of each number: a compiler may know the formula for plain squares */
    uint64_t result;
} sum;

static uint64_t sum_of_squares(uint64_t flip)
{
    uint64_t all = 0;

    for (uint64_t i = 0; i < NUMBERS; i++)
        all += (i ^ flip) * (i ^ flip);
    return all;
}

static int run(weir_call *call)
{
    sum *const s = (sum *)(void *)call;

    s->result = sum_of_squares(s->flip);
    return 0;
}

/* Returns: how long it took, in ns; 0: something is wrong. */
static uint64_t pooled(weir_pool *pool, sum *sums)
{
    const uint64_t begin = weir_clock_now();
    weir_job *jobs[CALLS];

    for (int i = 0; i < CALLS; i++) {
        weir_call_init(&sums[i].call, run, NULL);
        sums[i].flip = (uint64_t)i << 20;
        jobs[i] = &sums[i].call.job;
    }
    if (weir_pool_submit_bulk(pool, jobs, CALLS, WEIR_POOL_NORMAL) != 0)
        return 0;
    for (int i = 0; i < CALLS; i++)
        if (weir_call_get(&sums[i].call, WEIR_FOREVER, NULL) != 0)
            return 0;
    return weir_clock_now() - begin;
}

int main(void)
{
    /* (n - 1) n (2n - 1) / 6; divided first, since it wraps. */
    const uint64_t n = NUMBERS, formula = (n - 1) / 3 * (n / 2) * (2 * n - 1);
    uint64_t alone = UINT64_MAX, by_pool = UINT64_MAX, plain[CALLS];
    const unsigned cpus = weir_cpus() < CALLS ? weir_cpus() : CALLS;
    sum sums[CALLS];
    weir_pool *pool;
    double gain;

    if (weir_pool_new(&pool, NULL) != 0)
        return 1;
    for (int try = 0; try < TRIES; try++) {
        const uint64_t begin = weir_clock_now();
        uint64_t took;

        for (int i = 0; i < CALLS; i++)
            plain[i] = sum_of_squares((uint64_t)i << 20);
        took = weir_clock_now() - begin;
        alone = took < alone ? took : alone;
        took = pooled(pool, sums);
        if (took == 0)
            return 1;
        by_pool = took < by_pool ? took : by_pool;
        for (int i = 0; i < CALLS; i++) {
            if (sums[i].result != plain[i] || plain[0] != formula) {
                fprintf(stderr, "call %d says %" PRIu64 ", not %" PRIu64 "\n", i, sums[i].result,
                        plain[i]);
                return 1;
            }
        }
    }
    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return 1;
    gain = (double)alone / (double)by_pool;
    for (int i = 0; i < CALLS; i++)
        printf("sum %d: %" PRIu64 "\n", i, plain[i]);
    printf("one after the other %.1f ms, by %u workers %.1f ms\n", (double)alone * 1e-6,
           weir_cpus(), (double)by_pool * 1e-6);
    if (cpus == 1)
        printf("OK cpu_pool calls=%d speedup=%.2f (one processor)\n", CALLS, gain);
    else
        printf("OK cpu_pool calls=%d speedup=%.2f on %u processors (%s)\n", CALLS, gain, cpus,
               gain >= 0.9 * cpus ? "PASS: 0.9 of them or more"
                                  : "less than 0.9 of them: not on this machine today");
    return 0;
}
