/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Waiting, where nobody has to: nanoseconds, in one thread.
 *
 *   wait/notify  what a lock-free structure pays after each change for a place to sleep at: against
 *                a read-modify-write of an own line
 *   wait/park    an unpark, and the park that uses it up: against two of them */

#include "bench.h"

#include <weir/wait.h>

#include <errno.h>
#include <pthread.h>

static const bench_row rows[2] = {
    {"wait/notify", "notify an event at which nobody sleeps", "ns", true, 1, {NULL}},
    {"wait/park", "one thread: unpark, then park", "ns", true, 1, {NULL}}};

/* What one would write without a library. */
typedef struct lock_waiter {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool permit;
} lock_waiter;

typedef struct own_line {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) word;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_event event;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_waiter waiter;
    WEIR_ALIGNAS(WEIR_CACHELINE) lock_waiter lock;
} own_line;

/* A body that repeats `statement` until the run ends, and may count in `failed`. */
#define REPEATING(name, statement)                        \
    static void name(bench_thread *thread)                \
    {                                                     \
        own_line *const own = (own_line *)thread->shared; \
        uint64_t done = 0, failed = 0;                    \
                                                          \
        while (bench_going(thread, done))                 \
            for (int i = 0; i < 64; i++, done++) {        \
                statement;                                \
            }                                             \
        thread->put = done;                               \
        thread->ledger.wrong = failed;                    \
    }

static own_line *open_line(void)
{
    own_line *const own = (own_line *)bench_alloc(sizeof *own);

    weir_event_init(&own->event);
    weir_waiter_init(&own->waiter);
    pthread_mutex_init(&own->lock.lock, NULL);
    pthread_cond_init(&own->lock.arrived, NULL);
    return own;
}

/* Returns: how often the body went round. */
static uint64_t run_body(bench_run *run, bench_body *body, own_line *own)
{
    bench_body *const bodies[] = {body};
    const bench_thread *ran = bench_threads(run, 1, bodies, own);

    if (ran[0].ledger.wrong > 0)
        bench_fail(run, "a park failed %llu times", (unsigned long long)ran[0].ledger.wrong);
    bench_set_ns(run);
    return ran[0].put;
}

/* ---- weir ---- */

REPEATING(notify_body, weir_event_notify(&own->event, 1))
REPEATING(park_body, {
    weir_waiter_unpark(&own->waiter);
    failed += weir_waiter_park(&own->waiter, WEIR_FOREVER, NULL) != 0;
})

static void our_notify(bench_run *run)
{
    own_line *const own = open_line();
    weir_sleeper sleeper;

    weir_waiter_init(&sleeper.waiter);
    (void)run_body(run, notify_body, own);
    weir_event_prepare(&own->event, &sleeper);
    if (weir_event_wait(&own->event, &sleeper, 0, NULL) != -ETIMEDOUT)
        bench_fail(run, "a notification was kept for who came later");
    weir_event_prepare(&own->event, &sleeper);
    weir_event_notify(&own->event, 1);
    if (weir_event_wait(&own->event, &sleeper, WEIR_FOREVER, NULL) != 0)
        bench_fail(run, "a notification was lost");
}

static void our_park(bench_run *run)
{
    own_line *const own = open_line();

    (void)run_body(run, park_body, own);
    if (weir_waiter_park(&own->waiter, 0, NULL) != -ETIMEDOUT)
        bench_fail(run, "an unpark was left");
}

/* ---- by hand ---- */

/* relaxed, both: the cost of the instruction is the same. */
REPEATING(swap_body, (void)weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED))
REPEATING(two_swaps_body, {
    (void)weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED);
    (void)weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED);
})

static void run_swaps(bench_run *run, bench_body *body, unsigned each)
{
    own_line *const own = open_line();
    const uint64_t rounds = run_body(run, body, own);

    /* relaxed: after the thread's end. */
    if (weir_atomic_load(&own->word, WEIR_RELAXED) != each * rounds)
        bench_fail(run, "an addition was lost");
}

static void one_swap(bench_run *run)
{
    run_swaps(run, swap_body, 1);
}

static void two_swaps(bench_run *run)
{
    run_swaps(run, two_swaps_body, 2);
}

static inline void lock_unpark(lock_waiter *waiter)
{
    pthread_mutex_lock(&waiter->lock);
    waiter->permit = true;
    pthread_cond_signal(&waiter->arrived);
    pthread_mutex_unlock(&waiter->lock);
}

static inline void lock_park(lock_waiter *waiter)
{
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->permit)
        pthread_cond_wait(&waiter->arrived, &waiter->lock);
    waiter->permit = false;
    pthread_mutex_unlock(&waiter->lock);
}

REPEATING(lock_body, {
    lock_unpark(&own->lock);
    lock_park(&own->lock);
    failed += own->lock.permit;
})

static void lock_round(bench_run *run)
{
    (void)run_body(run, lock_body, open_line());
}

BENCH_REGISTER(add_waits)
{
    static const bench_peer event = {
        "weir event",    BENCH_LOCK_FREE,
        BENCH_UNORDERED, false,
        BENCH_OURS,      "one read-modify-write where nobody sleeps, and a call into the library"};
    static const bench_peer waiter = {
        "weir waiter",   BENCH_LOCK_FREE,
        BENCH_UNORDERED, true,
        BENCH_OURS,      "a permit in a word; each of the two is a call into the library"};
    static const bench_peer swap = {"fetch_add",     BENCH_WAIT_FREE,
                                    BENCH_UNORDERED, false,
                                    BENCH_REFERENCE, "a read-modify-write of an own line"};
    static const bench_peer swaps = {"two fetch_add", BENCH_WAIT_FREE,
                                     BENCH_UNORDERED, false,
                                     BENCH_REFERENCE, "read-modify-writes of one own line"};
    static const bench_peer lock = {"mutex and condvar",
                                    BENCH_LOCK,
                                    BENCH_UNORDERED,
                                    true,
                                    0,
                                    "a flag under a pthread_mutex_t, with a pthread_cond_t"};

    bench_add(&rows[0], &event, our_notify);
    bench_add(&rows[0], &swap, one_swap);
    bench_add(&rows[1], &waiter, our_park);
    bench_add(&rows[1], &swaps, two_swaps);
    bench_add(&rows[1], &lock, lock_round);
}
