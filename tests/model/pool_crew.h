/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_crew.h: lib/pool_crew.c with the least that can be work: a count for what comes
 * from outside, and for each worker a word of its own, which it alone raises by plain stores, as it
 * does its deques' bottom.
 *
 * An asymmetric fence is the kernel's, which nothing here sees: where the pool is not fenced,
 * there is a sequentially consistent fence in place of each. Edges: those of lib/pool_crew.c. */

#ifndef WEIR_TESTS_MODEL_POOL_CREW_H
#define WEIR_TESTS_MODEL_POOL_CREW_H

#include "model.h"

#include "../../lib/pool.h"

#include <weir/fence.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static bool short_of_threads; /* but for the first, one may fail to be made */
static bool none_at_all;      /* and does */

static int make(const pthread_attr_t *attributes, void *(*body)(void *argument), void *argument);

static void heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#include "../../lib/thread.h"

#define weir__thread_make make
#define weir_fence_heavy heavy
#define weir_event_notify_all(event) ((void)(event)) /* the end is waited for by a join */
#define weir_deque_init(deque, domain, cells) ((void)(deque), 0)
#define weir_deque_destroy(deque) ((void)(deque), 0)

#include "../../lib/pool_crew.c"

#undef weir__thread_make

enum { SLOTS = 4, OTHERS = 2 };
enum { PLAIN, MAKES_MORE, WAITS, BLOCKS, MEETS, KINDS = MEETS + 3 };
enum { CLOSED = 1, ONE = 2 }; /* of a kind that comes from outside */

static weir_pool *pool;
static weir_guard_record no_record; /* it can steal */
static weir_stack_index *unmade;
static WEIR_ATOMIC(unsigned) outside[KINDS]; /* work of each kind */
static WEIR_ATOMIC(unsigned) own[SLOTS];     /* a worker's own */
static WEIR_ATOMIC(unsigned) done, given, own_done, met;
static WEIR_ATOMIC(uint32_t) may_go_on; /* who blocks */

_Thread_local weir__worker *weir__worker_self;

/* ---- the work ---- */

bool weir__pool_has_outside(weir_pool *unused)
{
    (void)unused;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (weir_atomic_load(&outside[kind], WEIR_SEQ_CST) >= ONE)
            return true;
    return false;
}

bool weir__pool_has_work(weir_pool *unused)
{
    if (weir__pool_has_outside(unused))
        return true;
    for (unsigned i = 0; i < SLOTS; i++)
        if (weir_atomic_load(&own[i], WEIR_RELAXED) != 0)
            return true;
    return false;
}

static bool take(WEIR_ATOMIC(unsigned) * count, unsigned one)
{
    unsigned n = weir_atomic_load(count, WEIR_ACQUIRE);

    while (n >= one)
        if (weir_atomic_cas(count, &n, n - one, WEIR_ACQ_REL, WEIR_ACQUIRE))
            return true;
    return false;
}

enum { OWN = KINDS, NOTHING };

static int take_any(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (take(&own[i], 1))
            return OWN;
    for (int kind = 0; kind < KINDS; kind++)
        if (take(&outside[kind], ONE))
            return kind;
    return NOTHING;
}

/* Work for the worker itself, or for who comes first. */
static void make_own(weir__pool_worker *self)
{
    weir_atomic_fetch_add(&given, 1, WEIR_RELAXED);
    /* Nobody else has raised it, and it is 0 if it was taken. */
    weir_atomic_store(&own[self->number], 1, WEIR_RELEASE);
    if (!pool->fenced)
        atomic_thread_fence(memory_order_seq_cst);
    if ((weir_atomic_load(&pool->crew, WEIR_RELAXED) & WEIR__CREW_WANTS) != 0)
        weir__crew_call(&self->face);
}

static void do_it(weir__pool_worker *self, int kind)
{
    if (kind == OWN) {
        weir_atomic_fetch_add(&own_done, 1, WEIR_RELEASE);
    } else if (kind == MAKES_MORE || kind == WAITS) {
        make_own(self);
        while (kind == WAITS && weir_atomic_load(&own_done, WEIR_ACQUIRE) == 0) {
        }
    } else if (kind == BLOCKS) {
        weir_block_begin();
        while (weir_atomic_load(&may_go_on, WEIR_ACQUIRE) == 0) {
        }
        weir_block_end();
    } else if (kind >= MEETS) {
        weir_atomic_fetch_add(&met, 1, WEIR_ACQ_REL);
        while (weir_atomic_load(&met, WEIR_ACQUIRE) != 3) {
        }
    }
    weir_atomic_fetch_add(&done, 1, WEIR_RELAXED);
}

void *weir__pool_work(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;

    weir__worker_self = &self->face;
    self->record = &no_record;
    do {
        while (!weir__crew_too_many(pool)) {
            int kind = take_any();

            if (kind == NOTHING && (self->searches || weir__crew_search(self)))
                kind = take_any();
            if (kind == NOTHING)
                break;
            if (self->searches)
                weir__crew_found(self);
            do_it(self, kind);
        }
        weir__crew_sleep(self);
    } while (!weir__crew_ends(pool));
    weir__crew_leave(self);
    return NULL;
}

/* ---- its threads, and who gives it work ---- */

static int make(const pthread_attr_t *attributes, void *(*body)(void *argument), void *argument)
{
    if (short_of_threads && ((weir__pool_worker *)argument)->number != 0 &&
        (none_at_all || weir_check_choose(2) == 1))
        return -EAGAIN;
    return weir__thread_make(attributes, body, argument);
}

static void give(int kind)
{
    unsigned n = weir_atomic_load(&outside[kind], WEIR_RELAXED);

    if (!weir__crew_has_begun(pool) && weir__crew_begin(pool) != 0)
        return;
    do {
        if ((n & CLOSED) != 0)
            return;
    } while (!weir_atomic_cas(&outside[kind], &n, n + ONE, WEIR_SEQ_CST, WEIR_RELAXED));
    weir_atomic_fetch_add(&given, 1, WEIR_RELAXED);
    weir__crew_notify(pool);
}

#endif /* WEIR_TESTS_MODEL_POOL_CREW_H */
