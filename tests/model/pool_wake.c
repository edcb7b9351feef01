/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_wake.c: the steps of lib/pool_crew.c by which no work is left while a worker
 * that was asked for sleeps: two or three threads make one each, or a few, beside one another, in
 * every schedule. */

#include "pool_crew.h"

/* Who looks for the last time, beside the last job from outside and the stop; all others stand
 * still. */

static void gives_only(void *unused)
{
    unsigned n = weir_atomic_load(&outside[PLAIN], WEIR_RELAXED);

    (void)unused;
    do {
        if ((n & CLOSED) != 0)
            return;
    } while (!weir_atomic_cas(&outside[PLAIN], &n, n + ONE, WEIR_SEQ_CST, WEIR_RELAXED));
}

static void closes_only(void *unused)
{
    uint64_t crew = look(pool);

    (void)unused;
    weir_atomic_fetch_or(&outside[PLAIN], CLOSED, WEIR_ACQ_REL);
    while (!change(pool, &crew, crew | WEIR__CREW_STOPS)) {
    }
}

/* A worker that makes work for itself, and sleeps, since there are too many. */
static void sleeps_only(void *unused)
{
    uint64_t crew = look(pool);

    (void)unused;
    weir_atomic_store(&own[0], 1, WEIR_RELEASE);
    while (!change(pool, &crew, crew - WEIR__CREW_RUNNING)) {
    }
}

static void ends_only(void *unused)
{
    (void)unused;
    end_if_done(pool);
}

static void last_look_run(void *inside)
{
    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    /* None is asked for, so that none is woken. */
    weir_atomic_init(&pool->crew, inside != NULL ? WEIR__CREW_STOPS | WEIR__CREW_RUNNING : 0);
    if (inside != NULL) {
        weir_check_thread(sleeps_only, NULL);
    } else {
        weir_check_thread(gives_only, NULL);
        weir_check_thread(closes_only, NULL);
    }
    weir_check_thread(ends_only, NULL);
    weir_check_join_all();
    weir_check_assert(!weir__crew_ends(pool) || !weir__pool_has_work(pool));
    weir_release(pool, sizeof *pool);
}
/* No thread can be made for the last job, whose submitter stands beside the one worker, which
 * goes to sleep, and the stop. */

static void notifies_only(void *unused)
{
    (void)unused;
    weir__crew_notify(pool);
}

static void worker_sleeps(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;

    do
        weir__crew_sleep(self);
    while (!weir__crew_ends(pool));
}

/* A pool of n workers, with room for one more, for which there is no thread. */
static void few(unsigned n, unsigned target, uint64_t flags)
{
    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    weir_check_assert(weir_stack_index_new(&unmade, n + 1, WEIR_STACK_FULL) == 0);
    pool->unmade = unmade;
    pool->slots = n + 1;
    pool->fenced = (flags & WEIR__CREW_FENCED) != 0;
    pool->workers = weir_alloc(pool->slots * sizeof *pool->workers, WEIR_CACHELINE);
    for (unsigned i = 0; i < pool->slots; i++)
        weir_atomic_init(&pool->workers[i], NULL);
    short_of_threads = none_at_all = true;
    weir_atomic_init(&pool->crew, with_wants(flags + WEIR__CREW_RUNNING * (uint64_t)n +
                                             WEIR__CREW_TARGET * (uint64_t)target));
    weir_atomic_init(&pool->alive, n);
    weir_atomic_init(&pool->begun, true);
    for (unsigned i = 0; i < n; i++) {
        weir_check_assert(weir_stack_index_pop(unmade) == i);
        make_worker(pool, i)->record = &no_record;
    }
}

static void few_end(void)
{
    weir_check_join_all();
    for (unsigned i = 0; i < pool->slots; i++) {
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (i + 1 < pool->slots)
            weir_stack_index_push(unmade, i);
        if (worker != NULL)
            weir_release(worker, sizeof *worker);
    }
    weir_check_assert(weir_stack_index_free(unmade) == 0);
    weir_release((void *)pool->workers, pool->slots * sizeof *pool->workers);
    weir_release(pool, sizeof *pool);
}

static void no_thread_run(void *unused)
{
    (void)unused;
    few(1, 2, 0);
    weir_check_thread(worker_sleeps, worker_of(pool, 0));
    weir_check_thread(notifies_only, NULL);
    weir__crew_stop(pool, WEIR__CREW_STOPS);
    few_end();
}

/* Takes one job, however long it has to wait for it, and is busy with that for good. */
static void takes_one(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;

    weir__worker_self = &self->face;
    while (take_any() == NOTHING)
        weir__crew_sleep(self);
    if (self->searches)
        weir__crew_found(self);
}

/* From outside, for as many workers. */
static void outside_run(void *how)
{
    const unsigned n = (unsigned)((uintptr_t)how % WEIR__CREW_FENCED);

    few(n, n, (uintptr_t)how & WEIR__CREW_FENCED);
    for (unsigned i = 0; i < n; i++)
        weir_check_thread(takes_one, worker_of(pool, i));
    for (unsigned i = 0; i < n; i++)
        give(PLAIN);
    few_end();
}

static void makes_own(void *of)
{
    make_own((weir__pool_worker *)of);
}

/* A worker's own, for another. */
static void inside_run(void *flags)
{
    few(2, 2, (uintptr_t)flags);
    weir_check_thread(takes_one, worker_of(pool, 0));
    makes_own(worker_of(pool, 1));
    few_end();
}

/* The same, beside a third, who searches, and has found something else. */
static void finds_other(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;

    weir__worker_self = &self->face;
    if (weir__crew_search(self))
        weir__crew_found(self);
}

static void beside_search_run(void *flags)
{
    few(3, 3, (uintptr_t)flags);
    weir_check_thread(takes_one, worker_of(pool, 0));
    weir_check_thread(makes_own, worker_of(pool, 1));
    weir_check_thread(finds_other, worker_of(pool, 2));
    few_end();
}

/* The same, but there is no third: he was to be made, and has been told already. */
static void no_searcher_run(void *unused)
{
    (void)unused;
    few(2, 3, WEIR__CREW_RUNNING | WEIR__CREW_SEARCHES | WEIR__CREW_TOLD);
    weir_check_thread(takes_one, worker_of(pool, 0));
    weir_check_thread(makes_own, worker_of(pool, 1));
    rouse(pool);
    few_end();
}

/* The same, but he does something else first, as long as he likes. */
static void pauses(void *of)
{
    weir__crew_pause((weir__pool_worker *)of);
}

static void paused_search_run(void *flags)
{
    few(3, 3, (uintptr_t)flags | WEIR__CREW_SEARCHES);
    worker_of(pool, 2)->searches = true;
    weir_check_thread(takes_one, worker_of(pool, 0));
    weir_check_thread(makes_own, worker_of(pool, 1));
    weir_check_thread(pauses, worker_of(pool, 2));
    few_end();
}

/* One from outside, and one of a worker's own, for two others, who go on as the library's do. */
static void takes_as_it_does(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;
    int kind;

    weir__worker_self = &self->face;
    for (;;) {
        kind = take_any();
        if (kind == NOTHING && (self->searches || weir__crew_search(self)))
            kind = take_any();
        if (kind != NOTHING)
            break;
        weir__crew_sleep(self);
    }
    if (self->searches)
        weir__crew_found(self);
}

static void each_has_one_run(void *flags)
{
    few(3, 3, (uintptr_t)flags);
    weir_check_thread(takes_as_it_does, worker_of(pool, 0));
    weir_check_thread(makes_own, worker_of(pool, 1));
    weir_check_thread(takes_as_it_does, worker_of(pool, 2));
    give(PLAIN);
    few_end();
}

/* What workers did, when they are gone. */

static unsigned left[2];

static void leaves(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;

    left[self->number] = 1;
    weir__crew_leave(self);
}

static void gone_run(void *unused)
{
    (void)unused;
    few(2, 2, 0);
    weir_atomic_init(&pool->crew, WEIR__CREW_ENDS);
    for (unsigned i = 0; i < 2; i++)
        weir_check_thread(leaves, worker_of(pool, i));
    while (!weir__crew_is_gone(pool)) {
    }
    weir_check_assert(left[0] == 1 && left[1] == 1);
    few_end();
}

/* Too much for all schedules: some. */

/* ---- scenarios ---- */

#define ONE(name, test, argument, deep)     \
    {                                       \
        name, test, argument, deep, 0,      \
        {                                   \
            .progress = WEIR_CHECK_BLOCKING \
        }                                   \
    }

#define AT_RANDOM(name, test, argument, deep, times)                                   \
    {                                                                                  \
        name, test, argument, deep, 0,                                                 \
        {                                                                              \
            .progress = WEIR_CHECK_BLOCKING, .mode = WEIR_CHECK_RANDOM, .runs = times, \
            .seed = (deep) ? 0 : 1                                                     \
        }                                                                              \
    }

static const scenario scenarios[] = {
    ONE("last look, outside", last_look_run, 0, false),
    ONE("last look, inside", last_look_run, 1, false),
    ONE("no thread", no_thread_run, 0, true),
    ONE("outside, one sleeps", outside_run, 1, false),
    ONE("outside, one sleeps, fenced", outside_run, 1 + WEIR__CREW_FENCED, false),
    ONE("gone", gone_run, 0, false),
    AT_RANDOM("some outside, two sleep", outside_run, 2, false, 300),
    ONE("inside, one sleeps", inside_run, 0, false),
    ONE("inside, one sleeps, fenced", inside_run, WEIR__CREW_FENCED, false),
    ONE("beside a search", beside_search_run, 0, true),
    ONE("beside a search, fenced", beside_search_run, WEIR__CREW_FENCED, true),
    ONE("no searcher", no_searcher_run, 0, true),
    ONE("a search that pauses", paused_search_run, 0, true),
    AT_RANDOM("some beside a search", beside_search_run, 0, false, 1000),
    AT_RANDOM("some beside a search, fenced", beside_search_run, WEIR__CREW_FENCED, false, 1000),
    AT_RANDOM("some, no searcher", no_searcher_run, 0, false, 1000),
    AT_RANDOM("some, a search that pauses", paused_search_run, 0, false, 1000),
    AT_RANDOM("each has one", each_has_one_run, 0, true, 20000),
    AT_RANDOM("each has one, fenced", each_has_one_run, WEIR__CREW_FENCED, true, 20000),
};

MODEL_MAIN("pool_wake", scenarios)
