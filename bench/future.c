/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Futures: nanoseconds for the whole life of one that nobody has to wait for, in one thread.
 *
 *   future/alone   in the caller's memory: against three read-modify-writes of an own line
 *   future/new     allocated */

#include "bench.h"

#include <weir/future.h>

#include <pthread.h>
#include <stdlib.h>

static const bench_row rows[2] = {
    {"future/alone", "one thread: make, complete, wait, end", "ns", true, 1, {NULL}},
    {"future/new", "the same, allocated", "ns", true, 1, {NULL}}};

WEIR_FUTURE_DEFINE(our_answer, uint64_t);

/* What one would write without a library. */
typedef struct lock_future {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool done;
    uint64_t value;
} lock_future;

typedef struct own_line {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) word;
    WEIR_ALIGNAS(WEIR_CACHELINE) our_answer ours;
    WEIR_ALIGNAS(WEIR_CACHELINE) lock_future lock;
} own_line;

/* A body that asks for `done` and adds the answer to `sum`, until the run ends. */
#define ASKING(name, statement)                           \
    static void name(bench_thread *thread)                \
    {                                                     \
        own_line *const own = (own_line *)thread->shared; \
        uint64_t done = 0, sum = 0;                       \
                                                          \
        while (bench_going(thread, done))                 \
            for (int i = 0; i < 64; i++, done++) {        \
                statement;                                \
            }                                             \
        thread->put = done;                               \
        thread->ledger.sum = sum;                         \
    }

static void run_body(bench_run *run, bench_body *body)
{
    own_line *const own = (own_line *)bench_alloc(sizeof *own);
    bench_body *const bodies[] = {body};
    const bench_thread *ran = bench_threads(run, 1, bodies, own);
    const uint64_t asked = ran[0].put;

    if (ran[0].ledger.sum != asked * (asked - 1) / 2)
        bench_fail(run, "an answer was not what was given");
    bench_set_ns(run);
}

/* ---- weir ---- */

static inline uint64_t our_round(own_line *own, uint64_t done)
{
    uint64_t value = 0;
    our_answer *const future = &own->ours;

    our_answer_init(future, &value, NULL);
    (void)our_answer_complete(our_answer_promise_of(future), done);
    if (our_answer_wait(future, WEIR_FOREVER, NULL) != 0)
        return 0;
    value = *our_answer_peek(future);
    (void)our_answer_destroy(future);
    return value;
}

static inline uint64_t our_new_round(uint64_t done)
{
    our_answer_promise *promise = NULL;
    our_answer *future = NULL;
    uint64_t value = 0;

    if (our_answer_new(&promise, &future, NULL) != 0)
        return 0;
    (void)our_answer_complete(promise, done);
    if (our_answer_wait(future, WEIR_FOREVER, NULL) != 0)
        return 0;
    (void)our_answer_drop(future, &value);
    return value;
}

ASKING(our_body, sum += our_round(own, done))
ASKING(our_new_body, (void)own; sum += our_new_round(done))

static void our_life(bench_run *run)
{
    run_body(run, our_body);
}

static void our_new_life(bench_run *run)
{
    run_body(run, our_new_body);
}

/* ---- by hand ---- */

/* relaxed, all: the cost of the instruction is the same. */
ASKING(swap_body, {
    (void)weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED);
    (void)weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED);
    sum += (weir_atomic_fetch_add(&own->word, 1, WEIR_RELAXED) - 2) / 3;
})

static inline uint64_t lock_round(lock_future *future, uint64_t done)
{
    uint64_t value;

    pthread_mutex_init(&future->lock, NULL);
    pthread_cond_init(&future->arrived, NULL);
    future->done = false;
    pthread_mutex_lock(&future->lock);
    future->value = done;
    future->done = true;
    pthread_cond_broadcast(&future->arrived);
    pthread_mutex_unlock(&future->lock);
    pthread_mutex_lock(&future->lock);
    while (!future->done)
        pthread_cond_wait(&future->arrived, &future->lock);
    value = future->value;
    pthread_mutex_unlock(&future->lock);
    pthread_cond_destroy(&future->arrived);
    pthread_mutex_destroy(&future->lock);
    return value;
}

static inline uint64_t lock_new_round(uint64_t done)
{
    lock_future *const future = (lock_future *)malloc(sizeof *future);
    uint64_t value;

    if (future == NULL)
        return 0;
    value = lock_round(future, done);
    free(future);
    return value;
}

ASKING(lock_body, sum += lock_round(&own->lock, done))
ASKING(lock_new_body, (void)own; sum += lock_new_round(done))

static void three_swaps(bench_run *run)
{
    run_body(run, swap_body);
}

static void lock_life(bench_run *run)
{
    run_body(run, lock_body);
}

static void lock_new_life(bench_run *run)
{
    run_body(run, lock_new_body);
}

BENCH_REGISTER(add_futures)
{
    static const bench_peer ours = {
        "weir future",   BENCH_WAIT_FREE,
        BENCH_UNORDERED, true,
        BENCH_OURS,      "complete is one read-modify-write; a wait for what is there is a load"};
    static const bench_peer swaps = {"three fetch_add", BENCH_WAIT_FREE,
                                     BENCH_UNORDERED,   true,
                                     BENCH_REFERENCE,   "read-modify-writes of one own line"};
    static const bench_peer lock = {
        "mutex and condvar",
        BENCH_LOCK,
        BENCH_UNORDERED,
        true,
        0,
        "a word and a flag under a pthread_mutex_t, with a pthread_cond_t"};

    bench_add(&rows[0], &ours, our_life);
    bench_add(&rows[0], &swaps, three_swaps);
    bench_add(&rows[0], &lock, lock_life);
    bench_add(&rows[1], &ours, our_new_life);
    bench_add(&rows[1], &lock, lock_new_life);
}
