/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/offload.h: what the tests of weir/offload.h share: tasks that watch how often they are
 * told, and one pool of each kind. */

#ifndef WEIR_TESTS_OFFLOAD_H
#define WEIR_TESTS_OFFLOAD_H

#include "loop.h"

#include <weir/offload.h>
#include <weir/sem.h>

#include <sched.h>

/* ---- tasks ---- */

typedef struct task {
    weir_offload offload;
    weir_loop *loop;
    weir_latch *gate; /* before it returns; or NULL */
    void (*then)(struct task *task);
    void (*finally)(struct task *task);
    WEIR_ATOMIC(uint32_t) begun, unwanted; /* how often; how often that was seen at the gate */
    WEIR_ATOMIC(uint32_t) ended;
    uint64_t made; /* by the function, without any atomic */
    unsigned dones, drops;
    int result, status;
} task;

static unsigned asked; /* calls in which nothing may be called */
static WEIR_ATOMIC(uint32_t) pool_told;

static inline void count(WEIR_ATOMIC(uint32_t) * number)
{
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static inline uint32_t number(WEIR_ATOMIC(uint32_t) * from)
{
    return weir_atomic_load(from, WEIR_RELAXED); /* relaxed: a number. */
}

static inline void until(WEIR_ATOMIC(uint32_t) * from, uint32_t value)
{
    while (number(from) != value)
        doze();
}

static inline int run_task(weir_offload *offload)
{
    task *const t = (task *)(void *)offload;
    const int result = t->result;

    CHECK(weir_loop_self() == NULL);
    count(&t->begun);
    if (t->gate != NULL)
        CHECK_EQ(weir_latch_wait(t->gate, WEIR_FOREVER, NULL), 0);
    if (!weir_offload_wanted(offload))
        count(&t->unwanted);
    t->made++;
    count(&t->ended);
    return result;
}

static inline void task_done(weir_offload *offload, int status)
{
    task *const t = (task *)(void *)offload;

    CHECK_EQ(asked, 0);
    CHECK_EQ(t->drops, 0);
    CHECK_EQ(t->dones, 0);
    t->dones++;
    t->status = status;
    if (status == t->result && status != -ECANCELED) /* what it did is seen */
        CHECK_EQ(t->made, 1);
    if (t->then != NULL)
        t->then(t);
}

static inline void task_dropped(weir_offload *offload)
{
    task *const t = (task *)(void *)offload;

    CHECK_EQ(asked, 0);
    CHECK(weir_loop_self() == t->loop);
    CHECK_EQ(t->dones, 1);
    CHECK_EQ(t->drops, 0);
    t->drops++;
    if (t->finally != NULL)
        t->finally(t);
}

static inline void make_task(task *t, weir_loop *loop, weir_latch *gate)
{
    memset(t, 0, sizeof *t);
    t->loop = loop;
    t->gate = gate;
    t->status = 1;
    weir_offload_init(&t->offload, loop, run_task, task_done, task_dropped);
}

/* ---- both pools ---- */

typedef struct pools {
    weir_blocking *blocking;
    weir_pool *pool;
} pools;

enum { BLOCKING, POOL, BOTH };

/* An offload's end is told to nobody else. */
static inline void pool_failed(void *context, weir_job *job, int status)
{
    (void)context;
    (void)job;
    (void)status;
    count(&pool_told);
}

static inline void pool_discarded(void *context, weir_job *job)
{
    (void)context;
    (void)job;
    count(&pool_told);
}

static inline pools make_pools(unsigned threads)
{
    weir_blocking_options blocking = WEIR_BLOCKING_OPTIONS_INIT;
    weir_pool_options pool = WEIR_POOL_OPTIONS_INIT;
    pools made;

    blocking.max_threads = pool.workers = threads;
    blocking.failed = pool.failed = pool_failed;
    blocking.discarded = pool.discarded = pool_discarded;
    pool.max_blocked = 1;
    CHECK_EQ(weir_blocking_new(&made.blocking, &blocking), 0);
    CHECK_EQ(weir_pool_new(&made.pool, &pool), 0);
    return made;
}

static inline void free_pools(pools *p)
{
    CHECK_EQ(weir_blocking_stop(p->blocking, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(p->blocking), 0);
    CHECK_EQ(weir_pool_stop(p->pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_free(p->pool), 0);
    CHECK_EQ(number(&pool_told), 0);
}

static inline int submit(task *t, const pools *p, int which, uint64_t deadline)
{
    int status;

    asked++;
    status = which == BLOCKING ? weir_offload_blocking(&t->offload, p->blocking, deadline)
                               : weir_offload_pool(&t->offload, p->pool, deadline);
    asked--;
    return status;
}

static inline void start(task *t, const pools *p, int which, uint64_t deadline)
{
    CHECK_EQ(submit(t, p, which, deadline), 0);
}

/* A worker of the pool that waits is replaced; one that spins at a gate is not. */
static WEIR_ATOMIC(uint32_t) spin_gate, spinning;

static inline int spin(weir_offload *offload)
{
    (void)offload;
    count(&spinning);
    while (number(&spin_gate) == 0)
        doze();
    return 0;
}

static inline void nothing(weir_offload *offload, int status)
{
    (void)offload;
    (void)status;
}

/* Takes the one thread of each pool, until open_all(). */
static inline void keep_busy(weir_offload *two, const pools *p, weir_loop *loop)
{
    /* relaxed: nobody else is here. */
    weir_atomic_store(&spin_gate, 0, WEIR_RELAXED);
    weir_atomic_store(&spinning, 0, WEIR_RELAXED);
    for (int i = 0; i < BOTH; i++)
        weir_offload_init(&two[i], loop, spin, nothing, NULL);
    CHECK_EQ(weir_offload_blocking(&two[BLOCKING], p->blocking, WEIR_FOREVER), 0);
    CHECK_EQ(weir_offload_pool(&two[POOL], p->pool, WEIR_FOREVER), 0);
    until(&spinning, 2);
}

static inline void open_all(void)
{
    count(&spin_gate);
}

#endif /* WEIR_TESTS_OFFLOAD_H */
