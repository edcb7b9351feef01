/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_inject.c: what comes to a pool from outside: lib/pool_inject.c alone, in
 * every schedule, against the other side of the picture in lib/pool_crew.c: one who says that
 * he sleeps, and looks once more. What is shown: each job is taken once, in its pusher's
 * order, with what was before the push; none is left while a sleeper has not been told; after
 * the close and the last look there is none. */

#include "model.h"

#include "../../lib/pool.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

enum { JOBS = 4 };

typedef struct model_job {
    weir_job job;
    unsigned plain; /* 1: written before the push */
    unsigned from, number;
    WEIR_ATOMIC(unsigned) taken;
} model_job;

static weir__injector injector;
static model_job jobs[JOBS];
static unsigned pushed[2]; /* by each */

static void push(unsigned from, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        weir_job_init(&jobs[i].job, NULL);
        jobs[i].plain = 1;
        jobs[i].from = from;
        jobs[i].number = i;
        if (i > first)
            jobs[i].job.next = &jobs[i - 1].job;
    }
    if (weir__injector_push(&injector, &jobs[first + n - 1].job, &jobs[first].job))
        pushed[from] += n;
}

/* Returns: how many. */
static unsigned take(size_t most, bool *more)
{
    weir_job *got[JOBS];
    unsigned last[2] = {0, 0};
    const size_t n = weir__injector_take(&injector, got, most, more);

    weir_check_assert(n <= most);
    for (size_t i = 0; i < n; i++) {
        model_job *const job = (model_job *)(void *)got[i];

        weir_check_assert(job->plain == 1);
        job->plain = 2;
        weir_check_assert(job->number >= last[job->from]);
        last[job->from] = job->number;
        weir_check_assert(weir_atomic_fetch_add(&job->taken, 1, WEIR_RELAXED) == 0);
    }
    return (unsigned)n;
}

static void rest(unsigned left)
{
    bool more;

    while (left != 0) {
        const unsigned n = take(1, &more);

        weir_check_assert(n == 1 && more == (left > 1));
        left -= n;
    }
    weir_check_assert(take(1, &more) == 0 && !more && !weir__injector_waits(&injector));
}

/* ---- push, push, take ---- */

static void pushes_one(void *of)
{
    push((unsigned)(uintptr_t)of, 2 * (unsigned)(uintptr_t)of, 1);
}

static void pushes_two(void *of)
{
    push((unsigned)(uintptr_t)of, 2 * (unsigned)(uintptr_t)of, 2);
}

static WEIR_ATOMIC(unsigned) got; /* by all who took */

static void takes(void *most)
{
    bool more;
    const unsigned n = take((size_t)most, &more);

    weir_atomic_fetch_add(&got, n, WEIR_RELAXED);
}

static void start(void)
{
    weir__injector_init(&injector);
    memset((void *)jobs, 0, sizeof jobs);
    pushed[0] = pushed[1] = 0;
    weir_atomic_store(&got, 0, WEIR_RELAXED);
}

static void end(void)
{
    weir_check_join_all();
    rest(pushed[0] + pushed[1] - weir_atomic_load(&got, WEIR_RELAXED));
}

static void push_push_take(void *most)
{
    start();
    weir_check_thread(pushes_two, (void *)0);
    weir_check_thread(pushes_one, (void *)1);
    weir_check_thread(takes, most);
    end();
}

static void push_take_take(void *most)
{
    start();
    push(1, 2, 1);
    weir_check_thread(pushes_two, (void *)0);
    weir_check_thread(takes, most);
    weir_check_thread(takes, (void *)1);
    end();
}

/* ---- one who sleeps ---- */

/* The crew's word: 1: somebody sleeps. */
static WEIR_ATOMIC(unsigned) sleeps;
static WEIR_ATOMIC(unsigned) told;
static WEIR_ATOMIC(unsigned) gate; /* of the worker that takes, if the pool is fenced */
static bool fenced;

/* Both fences of lib/pool_crew.c, of which the asymmetric one is the kernel's. */
static void fence(void)
{
    if (fenced)
        weir_atomic_exchange(&gate, 0, WEIR_ACQ_REL);
    else
        atomic_thread_fence(memory_order_seq_cst);
}

static void pushes_and_notifies(void *of)
{
    push((unsigned)(uintptr_t)of, 2 * (unsigned)(uintptr_t)of, 1);
    if (weir_atomic_load(&sleeps, WEIR_SEQ_CST) != 0) /* as weir__crew_notify() */
        weir_atomic_store(&told, 1, WEIR_RELAXED);
}

static void takes_and_calls(void *most)
{
    bool more;
    const unsigned n = take((size_t)most, &more);

    weir_atomic_fetch_add(&got, n, WEIR_RELAXED);
    if (!more)
        return;
    fence(); /* as weir__crew_call() */
    if (weir_atomic_load(&sleeps, WEIR_RELAXED) != 0)
        weir_atomic_store(&told, 1, WEIR_RELAXED);
}

static void sleeper(void *unused)
{
    (void)unused;
    weir_atomic_fetch_add(&sleeps, 1, WEIR_SEQ_CST);
    fence();
    if (weir__injector_waits(&injector))
        weir_atomic_store(&told, 1, WEIR_RELAXED);
}

/* Nobody is told: there is nothing. */
static void sleep_ends(void)
{
    weir_check_join_all();
    if (weir_atomic_load(&told, WEIR_RELAXED) == 0)
        weir_check_assert(weir_atomic_load(&got, WEIR_RELAXED) == pushed[0] + pushed[1]);
    end();
}

static void sleep_push(void *is_fenced)
{
    start();
    fenced = is_fenced != NULL;
    weir_check_thread(pushes_and_notifies, (void *)0);
    weir_check_thread(sleeper, NULL);
    sleep_ends();
}

static void sleep_take(void *is_fenced)
{
    start();
    fenced = is_fenced != NULL;
    push(0, 0, 2);
    weir_check_thread(takes_and_calls, (void *)1);
    weir_check_thread(sleeper, NULL);
    sleep_ends();
}

static void sleep_push_take(void *is_fenced)
{
    start();
    fenced = is_fenced != NULL;
    push(0, 0, 1);
    weir_check_thread(pushes_and_notifies, (void *)1);
    weir_check_thread(takes_and_calls, (void *)2);
    weir_check_thread(sleeper, NULL);
    sleep_ends();
}

/* ---- the end ---- */

static WEIR_ATOMIC(unsigned) stops; /* STOPS of the crew's word */

static void closes(void *unused)
{
    (void)unused;
    weir__injector_close(&injector);
    weir_atomic_fetch_add(&stops, 1, WEIR_SEQ_CST);
}

/* As who ends the pool: he acquires STOPS. */
static void last_look(void *unused)
{
    (void)unused;
    if (weir_atomic_load(&stops, WEIR_ACQUIRE) == 0)
        return;
    if (!weir__injector_waits(&injector))
        weir_atomic_store(&told, 1, WEIR_RELAXED); /* it has ended */
}

static void close_push(void *unused)
{
    (void)unused;
    start();
    weir_check_thread(pushes_one, (void *)0);
    weir_check_thread(closes, NULL);
    weir_check_thread(last_look, NULL);
    weir_check_join_all();
    if (weir_atomic_load(&told, WEIR_RELAXED) != 0)
        weir_check_assert(pushed[0] == 0);
    push(1, 2, 1);
    weir_check_assert(pushed[1] == 0);
    end();
}

/* ---- scenarios ---- */

#define EVERY(name, test, argument, deep)   \
    {                                       \
        name, test, argument, deep, 0,      \
        {                                   \
            .progress = WEIR_CHECK_BLOCKING \
        }                                   \
    }

static const scenario scenarios[] = {
    EVERY("push, push, take 1", push_push_take, 1, false),
    EVERY("push, push, take 3", push_push_take, 3, true),
    EVERY("push, take 1, take 1", push_take_take, 1, false),
    EVERY("push, take 3, take 1", push_take_take, 3, true),
    EVERY("sleep, push", sleep_push, 0, false),
    EVERY("sleep, push, fenced", sleep_push, 1, false),
    EVERY("sleep, take", sleep_take, 0, false),
    EVERY("sleep, take, fenced", sleep_take, 1, false),
    EVERY("sleep, push, take", sleep_push_take, 0, false),
    EVERY("sleep, push, take, fenced", sleep_push_take, 1, false),
    EVERY("close, push", close_push, 0, false),
};

MODEL_MAIN("pool_inject", scenarios)
