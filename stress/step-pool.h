/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-pool.h: a pool without threads, for stress/step-pool.c: the library's files are
 * compiled in, no thread is made, and nobody sleeps. A worker is played by the thread that acts
 * for it.
 *
 * Edges: none of its own. */

#ifndef WEIR_STRESS_STEP_POOL_H
#define WEIR_STRESS_STEP_POOL_H

#include "step-blocks.h"
#include <weir/step.h>

#include <weir/wait.h>

#include "../lib/thread.h"

static int step_make(const pthread_attr_t *attributes, void *(*body)(void *argument),
                     void *argument)
{
    (void)attributes;
    (void)body;
    (void)argument;
    return 0;
}

static int step_park(weir_waiter *waiter, uint64_t deadline, weir_cancel *cancel)
{
    (void)waiter;
    (void)deadline;
    (void)cancel;
    return 0;
}

#define weir__thread_make step_make
#define weir_waiter_park step_park
/* clang-format off: the order matters */
#include "../lib/pool_crew.c"
#include "../lib/pool_inject.c"
#include "../lib/pool_join.c"
#include "../lib/pool_work.c"
#include "../lib/pool.c"
/* clang-format on */
#undef weir__thread_make
#undef weir_waiter_park

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { VICTIM, FIRST, SECOND, SPARE, LAST, WORKERS, JOBS = 24, BULK = 3, SPAWNED = 4 };

/* Own instructions of what is wait-free: half as many again as at -O0. */
enum { WAIT_FREE = 110, STATS = 700, SPAWN = 430 };

typedef struct item {
    weir_job job;
    WEIR_ATOMIC(uint32_t) runs, submitted;
} item;

static weir_pool *pool, *plain, *fenced;
static item items[JOBS], spawned[SPAWNED];
static WEIR_ATOMIC(uint32_t) used, acts;
static unsigned is_spawned; /* and not joined */
static _Thread_local weir_guard_record *records[2];

static uint32_t count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static uint32_t number_of(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

/* ---- who acts ---- */

/* The calling thread is one of the workers from now on. */
static weir__pool_worker *become(unsigned number)
{
    weir__pool_worker *const self = worker_of(pool, number);
    weir_guard_record **const record = &records[pool->fenced ? 1 : 0];

    if (*record == NULL)
        *record = weir_guard_self(pool->domain);
    self->record = *record;
    weir__worker_self = &self->face;
    return self;
}

static void become_nobody(void)
{
    weir__worker_self = NULL;
}

static int run_one(weir_job *job)
{
    count(&((item *)(void *)job)->runs);
    return 0;
}

static item *next_item(void)
{
    const uint32_t number = count(&used);

    if (number >= JOBS) {
        weir_step_false("there are too few jobs for this plan");
        return &items[0];
    }
    return &items[number];
}

static item *submit_one(weir_pool_priority priority)
{
    item *const it = next_item();

    count(&it->submitted);
    if (weir_pool_submit_priority(pool, &it->job, priority) != 0)
        weir_step_false("a submit was refused");
    return it;
}

static bool do_something(weir__pool_worker *self)
{
    const find it = look_for_work(self);

    if (it.job != NULL)
        work(self, &it);
    return it.job != NULL;
}

/* ---- start states ---- */

/* Without a look at what there is to do. relaxed: all who act take turns. */
static void put_to_sleep(unsigned number)
{
    /* relaxed: as above. */
    weir_atomic_store(&worker_of(pool, number)->below, weir_atomic_load(&pool->idle, WEIR_RELAXED),
                      WEIR_RELAXED);
    weir_atomic_store(&pool->idle, number + 1, WEIR_RELAXED); /* relaxed: as above. */
}

/* Three workers run. */
static void make(weir_pool *of, unsigned target, unsigned sleepers, uint64_t flags)
{
    pool = of;
    weir_atomic_init(&pool->idle, 0);
    while (weir_stack_index_pop(pool->unmade) != WEIR_STACK_NONE) {
    }
    for (unsigned i = 0; i < WEIR__PRIORITIES; i++)
        weir__injector_init(&pool->injectors[i]);
    for (unsigned i = 0; i < WORKERS; i++) {
        weir__pool_worker *const worker = worker_of(pool, i);

        (void)weir_deque_destroy(&worker->face.spawned);
        (void)weir_deque_destroy(&worker->submitted);
        if (weir_deque_init(&worker->face.spawned, pool->domain, DEQUE_AT_FIRST) != 0 ||
            weir_deque_init(&worker->submitted, pool->domain, DEQUE_AT_FIRST) != 0)
            weir_step_false("no memory");
        weir_waiter_init(&worker->idle);
        weir_waiter_init(&worker->joining);
        worker->blocks = worker->newest = worker->turns = 0;
        worker->replaced = worker->searches = worker->submits = false;
        worker->has_thread = i < SPARE + sleepers;
        worker->dice = i + 1;
        weir_atomic_init(&worker->gate, 0);
        weir_atomic_init(&worker->jobs, 1); /* the clock is not looked at */
    }
    for (unsigned i = SPARE; i < WORKERS; i++)
        if (i < SPARE + sleepers)
            put_to_sleep(i);
        else
            weir_stack_index_push(pool->unmade, i);
    worker_of(pool, FIRST)->searches = flags != 0;
    flags |= WEIR__CREW_TARGET * target + WEIR__CREW_RUNNING * SPARE;
    weir_atomic_init(&pool->crew, with_wants(pool->fenced ? flags | WEIR__CREW_FENCED : flags));
    weir_atomic_init(&pool->alive, SPARE + sleepers);
    for (unsigned i = 0; i < JOBS; i++) {
        weir_job_init(&items[i].job, run_one);
        weir_atomic_init(&items[i].runs, 0);
        weir_atomic_init(&items[i].submitted, 0);
    }
    for (unsigned i = 0; i < SPAWNED; i++)
        weir_atomic_init(&spawned[i].runs, 0);
    weir_atomic_init(&used, 0);
    weir_atomic_init(&acts, 0);
    is_spawned = 0;
    become_nobody();
}

static void all_busy(void *of)
{
    make((weir_pool *)of, SPARE, 0, 0);
}

static void one_is_wanted(void *of)
{
    make((weir_pool *)of, SPARE + 1, 0, 0);
}

static void one_sleeps(void *of)
{
    make((weir_pool *)of, SPARE + 1, 1, 0);
}

static void one_searches(void *of)
{
    make((weir_pool *)of, SPARE + 1, 1, WEIR__CREW_SEARCHES);
}

/* The victim alone is awake. */
static void all_others_sleep(void *of)
{
    make((weir_pool *)of, SPARE, 2, 0);
    /* relaxed: alone. */
    weir_atomic_fetch_sub(&pool->crew, WEIR__CREW_RUNNING * 2, WEIR_RELAXED);
    worker_of(pool, VICTIM)->has_thread = true;
    put_to_sleep(FIRST);
    put_to_sleep(SECOND);
    weir_atomic_init(&pool->crew, with_wants(look(pool)));
}

static void something_is_there(void *of)
{
    all_busy(of);
    for (unsigned i = 0; i < BULK; i++)
        (void)submit_one(WEIR_POOL_NORMAL);
}

/* By the victim, and there is something. */
static void victim_searches(void *of)
{
    one_searches(of);
    (void)submit_one(WEIR_POOL_NORMAL);
    worker_of(pool, FIRST)->searches = false;
    worker_of(pool, VICTIM)->searches = true;
    /* relaxed: alone. */
    weir_atomic_fetch_and(&pool->crew, ~(uint64_t)WEIR__CREW_TOLD, WEIR_RELAXED);
    weir_atomic_init(&pool->crew, with_wants(look(pool)));
}

static void victim_blocks(void *of)
{
    all_busy(of);
    become(VICTIM);
    weir_block_begin();
    become_nobody();
}

#endif /* WEIR_STRESS_STEP_POOL_H */
