/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* fork_join: a merge sort that calls itself for each half. One half is spawned, the other is done
 * at once, and the first is joined: a plain call, if nobody had time for it. The jobs are local
 * variables; nothing is allocated for them. */

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/pool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000000, SMALL = 32, TRIES = 3 };

typedef struct part {
    weir_job job; /* first */
    unsigned *items, *room;
    size_t n;
} part;

static void sort_small(unsigned *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const unsigned item = items[i];
        size_t at = i;

        for (; at > 0 && items[at - 1] > item; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

static void merge(unsigned *to, const unsigned *a, size_t na, const unsigned *b, size_t nb)
{
    while (na > 0 && nb > 0) {
        if (*b < *a) {
            *to++ = *b++;
            nb--;
        } else {
            *to++ = *a++;
            na--;
        }
    }
    memcpy(to, a, na * sizeof *a);
    memcpy(to + na, b, nb * sizeof *b);
}

static int sort(weir_job *job)
{
    const part *const p = (const part *)(const void *)job;
    const size_t half = p->n / 2;
    part left, right;

    if (p->n <= SMALL) {
        sort_small(p->items, p->n);
        return 0;
    }
    left.items = p->items;
    left.room = p->room;
    left.n = half;
    right.items = p->items + half;
    right.room = p->room + half;
    right.n = p->n - half;
    weir_spawn(&right.job, sort);
    (void)sort(&left.job); /* in this thread: any job may be called */
    (void)weir_join_run(&right.job, sort);
    merge(p->room, left.items, left.n, right.items, right.n);
    memcpy(p->items, p->room, p->n * sizeof *p->items);
    return 0;
}

static void fill(unsigned *items)
{
    unsigned x = 1;

    for (size_t i = 0; i < N; i++)
        items[i] = x = x * 1664525 + 1013904223;
}

static unsigned sum_if_sorted(const unsigned *items)
{
    unsigned sum = items[0];

    for (size_t i = 1; i < N; i++) {
        if (items[i - 1] > items[i])
            return 0;
        sum += items[i];
    }
    return sum;
}

/* Returns: how long it took at best, in ns; 0: it is not sorted. `pool`: NULL: outside of one,
 * where a spawn only remembers what join has to call. */
static uint64_t best_of(weir_pool *pool, part *all)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < TRIES; i++) {
        uint64_t begin;
        unsigned sum = 0;

        fill(all->items);
        for (size_t at = 0; at < N; at++)
            sum += all->items[at];
        begin = weir_clock_now();
        if (pool == NULL)
            (void)sort(&all->job);
        else if (weir_pool_run(pool, &all->job) != 0)
            return 0;
        if (weir_clock_now() - begin < best)
            best = weir_clock_now() - begin;
        if (sum_if_sorted(all->items) != sum)
            return 0;
    }
    return best;
}

int main(void)
{
    unsigned *const memory = (unsigned *)malloc(2 * N * sizeof *memory);
    uint64_t alone, by_pool;
    weir_pool *pool;
    part all;

    if (memory == NULL || weir_pool_new(&pool, NULL) != 0)
        return 1;
    weir_job_init(&all.job, sort);
    all.items = memory;
    all.room = memory + N;
    all.n = N;
    alone = best_of(NULL, &all);
    by_pool = best_of(pool, &all);
    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return 1;
    free(memory);
    if (alone == 0 || by_pool == 0) {
        fprintf(stderr, "not sorted\n");
        return 1;
    }
    printf("%d numbers: alone %.1f ms, by %u workers %.1f ms\n", N, (double)alone * 1e-6,
           weir_cpus(), (double)by_pool * 1e-6);
    printf("OK fork_join items=%d sorted=yes speedup=%.2f\n", N, (double)alone / (double)by_pool);
    return 0;
}
