/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* oversubscribe: the same loop, which only computes, by 1 to 64 workers. Up to the number of
 * processors each worker adds something. Beyond it they share what there is: they take turns,
 * and lose what was in each other's caches. Where the curve stops to rise is its knee; it is
 * what weir_cpus() says, unless other programs want the processors too. */

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/parallel.h>

#include <inttypes.h>
#include <stdio.h>

enum { ITEMS = 2000, STEPS = 4000, MOST = 64, TRIES = 4, COLUMNS = 50, CURVE = 7 };

static int add(void *context, size_t from, size_t to, void *sum)
{
    (void)context;
    for (size_t i = from; i < to; i++) {
        uint32_t state = (uint32_t)i;

        for (int step = 0; step < STEPS; step++)
            state = state * 1664525 + 1013904223;
        *(uint64_t *)sum += state;
    }
    return 0;
}

static int combine(void *context, void *sum, void *right)
{
    (void)context;
    *(uint64_t *)sum += *(const uint64_t *)right;
    return 0;
}

/* Returns: items in a second at best; 0: it failed, or *sum is not `expected`. */
static double throughput(unsigned workers, uint64_t expected)
{
    static const uint64_t zero = 0;
    const weir_parallel_sum sums = {sizeof zero, &zero, add, combine};
    weir_parallel how = {NULL, 0, NULL, NULL};
    weir_pool_options options = {0};
    uint64_t best = UINT64_MAX;

    options.workers = workers;
    if (weir_pool_new(&how.pool, &options) != 0)
        return 0;
    for (int i = 0; i < TRIES; i++) { /* the first makes the threads */
        const uint64_t begin = weir_clock_now();
        uint64_t sum, took;

        if (weir_parallel_reduce(&how, 0, ITEMS, &sums, &sum, NULL) != 0 || sum != expected)
            return 0;
        took = weir_clock_now() - begin;
        best = took < best ? took : best;
    }
    if (weir_pool_stop(how.pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 ||
        weir_pool_free(how.pool) != 0)
        return 0;
    return ITEMS * 1e9 / (double)best;
}

int main(void)
{
    double curve[CURVE], highest = 0;
    uint64_t expected = 0;
    unsigned knee = 0;

    if (add(NULL, 0, ITEMS, &expected) != 0)
        return 1;
    for (int i = 0; i < CURVE; i++) {
        curve[i] = throughput(1u << i, expected);
        if (curve[i] <= 0) {
            fprintf(stderr, "%u workers failed, or found another sum\n", 1u << i);
            return 1;
        }
        highest = curve[i] > highest ? curve[i] : highest;
    }
    for (int i = 0; i < CURVE; i++) {
        const int bar = (int)(curve[i] / highest * COLUMNS);

        if (knee == 0 && curve[i] >= 0.9 * highest)
            knee = 1u << i;
        printf("%2u workers %8.0f items/s ", 1u << i, curve[i]);
        for (int k = 0; k < bar; k++)
            putchar('#');
        puts(knee == 1u << i ? " knee" : "");
    }
    printf("OK oversubscribe items=%d knee=%u processors=%u last=%.2f of the highest\n", ITEMS,
           knee, weir_cpus(), curve[CURVE - 1] / highest);
    return 0;
}
