/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/blocking.h: what the tests of weir/blocking.h share. */

#ifndef WEIR_TESTS_BLOCKING_H
#define WEIR_TESTS_BLOCKING_H

#include "test.h"

#include <weir/blocking.h>
#include <weir/sem.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { MS = 1000000 };

/* ---- jobs that are held at a gate ---- */

typedef struct held {
    weir_job job;
    weir_latch *gate;
    unsigned place; /* in which it began, from 1; 0: it has not */
} held;

static WEIR_ATOMIC(uint32_t) begun, inside, most;

static inline uint32_t read_number(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

static inline uint32_t count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_fetch_add(number, 1, WEIR_RELAXED) + 1; /* relaxed: a number. */
}

static inline int hold(weir_job *job)
{
    held *const h = (held *)(void *)job;
    const uint32_t now = count(&inside);
    uint32_t known = read_number(&most);
    int status;

    /* relaxed: a number. */
    while (now > known && !weir_atomic_cas(&most, &known, now, WEIR_RELAXED, WEIR_RELAXED))
        continue;
    CHECK_EQ(h->place, 0);
    h->place = count(&begun);
    status = weir_latch_wait(h->gate, WEIR_FOREVER, NULL);
    weir_atomic_fetch_sub(&inside, 1, WEIR_RELAXED); /* relaxed: a number. */
    return status;
}

static inline void forget_numbers(void)
{
    weir_atomic_store(&begun, 0, WEIR_RELAXED); /* relaxed: nobody else is here; so below. */
    weir_atomic_store(&inside, 0, WEIR_RELAXED);
    weir_atomic_store(&most, 0, WEIR_RELAXED);
}

static inline held hold_at(weir_latch *gate)
{
    held h;

    memset(&h, 0, sizeof h);
    weir_job_init(&h.job, hold);
    h.gate = gate;
    return h;
}

/* ---- pools ---- */

static inline weir_blocking *make(const weir_blocking_options *options)
{
    weir_blocking *pool = NULL;

    forget_numbers();
    CHECK_EQ(weir_blocking_new(&pool, options), 0);
    return pool;
}

static inline weir_blocking *make_for(unsigned max_threads)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    options.max_threads = max_threads;
    return make(&options);
}

static inline void end(weir_blocking *pool)
{
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

static inline weir_blocking_stats numbers_of(weir_blocking *pool)
{
    weir_blocking_stats numbers;

    weir_blocking_stats_read(pool, &numbers);
    return numbers;
}

static inline void doze(void)
{
    const struct timespec a_while = {0, MS};

    nanosleep(&a_while, NULL);
}

/* For as long as it takes: a test that hangs is ended from outside. */
static inline void until_threads(weir_blocking *pool, unsigned threads)
{
    while (numbers_of(pool).threads != threads)
        doze();
}

static inline void until(WEIR_ATOMIC(uint32_t) * number, uint32_t value)
{
    while (read_number(number) != value)
        doze();
}

/* Submits n of them and waits until `running` of the pool's run. */
static inline void submit_held(weir_blocking *pool, held *jobs, unsigned n, weir_latch *gate,
                               uint32_t running)
{
    for (unsigned i = 0; i < n; i++) {
        jobs[i] = hold_at(gate);
        CHECK_EQ(weir_blocking_submit(pool, &jobs[i].job), 0);
    }
    until(&begun, running);
}

#endif /* WEIR_TESTS_BLOCKING_H */
