/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* amdahl: a program of which a tenth cannot be divided. Run with 1 to N workers it takes, of the
 * time with one,
 *
 *     s + (1 - s) / workers        s: the serial part
 *
 * and never less than s, however many they are. From the times of all runs s is fitted by least
 * squares, as if it were not known: it should be 0.10.
 *
 * What is near that passes. What is not fails only where three rounds were undisturbed: no
 * thread was interrupted for another one, and the processors were as fast together as one by
 * itself. */

#define _XOPEN_SOURCE 700

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/parallel.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { ITEMS = 4000, SERIAL = ITEMS / 10, STEPS = 1500, WORKERS_MAX = 4, TRIES = 7, ROUNDS = 3 };

typedef struct run {
    uint64_t took; /* ns, by the clock */
    uint64_t used; /* ns of processors */
    bool interrupted;
} run;

static uint32_t results[ITEMS];

static int work(void *context, size_t from, size_t to)
{
    (void)context;
    for (size_t i = from; i < to; i++) {
        uint32_t state = (uint32_t)i;

        for (int step = 0; step < STEPS; step++)
            state = state * 1664525 + 1013904223;
        results[i] = state;
    }
    return 0;
}

static uint64_t used(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static long interruptions(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : -1;
}

/* The program: a tenth by one thread, the rest by all of the pool. The best of some runs. */
static int measure(weir_pool *pool, run *best)
{
    weir_parallel how = {NULL, 0, NULL, NULL};

    how.pool = pool;
    best->took = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        const long before = interruptions();
        const uint64_t cpu = used(), begin = weir_clock_now();
        uint64_t took;

        if (work(NULL, 0, SERIAL) != 0 || weir_parallel_for(&how, SERIAL, ITEMS, work, NULL) != 0)
            return -1;
        took = weir_clock_now() - begin;
        if (took < best->took) {
            best->took = took;
            best->used = used() - cpu;
            best->interrupted = interruptions() != before;
        }
    }
    return 0;
}

/* Checks some of the results, and forgets them all. */
static bool right(void)
{
    bool good = true;

    for (uint32_t i = 0; i < ITEMS; i += 101) {
        uint32_t state = i;

        for (int step = 0; step < STEPS; step++)
            state = state * 1664525 + 1013904223;
        good = good && results[i] == state;
    }
    memset(results, 0, sizeof results);
    return good;
}

typedef enum verdict { GOOD, OFF, DISTURBED, BROKEN } verdict;

static verdict fit(double *s)
{
    const unsigned cpus = weir_cpus();
    const unsigned most = cpus < 2 ? 2 : cpus < WORKERS_MAX ? cpus : WORKERS_MAX;
    bool disturbed = cpus < 2;
    double above = 0, below = 0;
    run runs[WORKERS_MAX + 1];

    for (unsigned n = 1; n <= most; n++) {
        const run *const r = &runs[n], *const one = &runs[1];
        weir_pool_options options = {0};
        weir_pool *pool;
        double part, x;

        options.workers = n;
        if (weir_pool_new(&pool, &options) != 0 || measure(pool, &runs[n]) != 0 ||
            weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0 ||
            !right())
            return BROKEN;
        part = (double)r->took / (double)one->took;
        printf("%u worker%s %6.2f ms, %.3f of one's; %.2f ms of processors%s\n", n,
               n == 1 ? ": " : "s:", (double)r->took * 1e-6, part, (double)r->used * 1e-6,
               r->interrupted ? "; interrupted" : "");
        disturbed = disturbed || r->interrupted || r->used * 100 > one->used * 101 ||
                    r->used * 100 < one->used * 99;
        /* part - 1/n = s (1 - 1/n) */
        x = 1 - 1.0 / n;
        above += x * (part - 1.0 / n);
        below += x * x;
    }
    *s = above / below;
    return *s >= 0.08 && *s <= 0.12 ? GOOD : disturbed ? DISTURBED : OFF;
}

int main(void)
{
    static const char *const says[] = {"PASS: 0.08 to 0.12", "not 0.08 to 0.12",
                                       "disturbed: not on this machine today"};
    verdict v = OFF, now;
    double s = 0;

    for (int i = 0; i < ROUNDS && v != GOOD; i++) {
        now = fit(&s);
        if (now == BROKEN) {
            fprintf(stderr, "a loop failed, or did not do its items\n");
            return 1;
        }
        v = v == DISTURBED && now == OFF ? DISTURBED : now;
    }
    printf("%s amdahl serial=0.100 fitted=%.3f (%s)\n", v == OFF ? "FAILED" : "OK", s, says[v]);
    return v == OFF;
}
