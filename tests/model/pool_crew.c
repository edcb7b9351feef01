/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_crew.c: who of a pool runs, sleeps and is woken: lib/pool_crew.c, in every
 * schedule, with the least that can be work: a count for what comes from outside, and for each
 * worker a word of its own, which it alone raises by plain stores, as it does its deques'
 * bottom. What is shown: no work is left while a worker that was asked for sleeps, all threads
 * end, nobody counts twice.
 *
 * A scenario is a string: what the main thread does, and behind bars what others do beside it.
 *
 *     s  work comes from outside          S  work that makes work for its own worker
 *     w  the same, and waits for it       m n o  works that wait for each other
 *     b  work that blocks until g         r  two workers    R  one
 *     t  a thread, for no work            x  stop: nothing comes from outside any more
 *
 * An asymmetric fence is the kernel's, which nothing here sees: where the pool is not fenced,
 * there is a sequentially consistent fence in place of each. */

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

/* ---- scenarios ---- */

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

static void stop(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        weir_atomic_fetch_or(&outside[kind], CLOSED, WEIR_ACQ_REL);
    weir__crew_stop(pool, WEIR__CREW_STOPS);
}

static void play(const char *script)
{
    for (; *script != '\0' && *script != '|'; script++) {
        switch (*script) {
        case 's':
            give(PLAIN);
            break;
        case 'S':
            give(MAKES_MORE);
            break;
        case 'b':
            give(BLOCKS);
            break;
        case 'w':
            give(WAITS);
            break;
        case 'm':
        case 'n':
        case 'o':
            give(MEETS + *script - 'm');
            break;
        case 't':
            (void)weir__crew_begin(pool);
            break;
        case 'x':
            stop();
            break;
        case 'g':
            weir_atomic_store(&may_go_on, 1, WEIR_RELEASE);
            break;
        default:
            (void)weir__crew_resize(pool, *script == 'r' ? 2 : 1);
        }
    }
}

static void other(void *script)
{
    play((const char *)script);
}

typedef struct scene {
    const char *script;
    unsigned workers;
    bool fenced;
    bool fails; /* threads cannot be made, at times */
} scene;

static void scene_run(void *of)
{
    const scene *const s = (const scene *)of;
    int others[OTHERS];
    unsigned n = 0;

    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    weir_check_assert(weir_stack_index_new(&unmade, SLOTS, WEIR_STACK_FULL) == 0);
    pool->unmade = unmade;
    pool->slots = SLOTS;
    pool->fenced = s->fenced;
    pool->options.max_workers = SLOTS - 1;
    short_of_threads = s->fails;
    pool->options.max_blocked = 1;
    weir_atomic_init(&pool->crew, (s->fenced ? WEIR__CREW_FENCED : 0) | WEIR__CREW_WANTS |
                                      WEIR__CREW_TARGET * s->workers);
    pool->workers = weir_alloc(SLOTS * sizeof *pool->workers, WEIR_CACHELINE);
    for (unsigned i = 0; i < SLOTS; i++)
        weir_atomic_init(&pool->workers[i], NULL);
    for (const char *bar = strchr(s->script, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        others[n++] = weir_check_thread(other, (void *)(uintptr_t)(bar + 1));
    play(s->script);
    for (unsigned i = 0; i < n; i++)
        weir_check_join(others[i]);
    stop();
    weir_check_join_all();
    weir_check_assert(weir__crew_is_gone(pool));
    weir_check_assert(weir_atomic_load(&done, WEIR_RELAXED) ==
                      weir_atomic_load(&given, WEIR_RELAXED));
    weir_check_assert(weir__crew_running(look(pool)) + weir__crew_blocked(look(pool)) == 0);
    for (unsigned i = 0; i < SLOTS; i++) {
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (worker == NULL)
            continue;
        weir_stack_index_push(unmade, i);
        weir_release(worker, sizeof *worker);
    }
    weir_check_assert(weir_stack_index_free(unmade) == 0);
    weir_release((void *)pool->workers, SLOTS * sizeof *pool->workers);
    weir_release(pool, sizeof *pool);
}

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

#define ONE(name, test, argument, deep)     \
    {                                       \
        name, test, argument, deep, 0,      \
        {                                   \
            .progress = WEIR_CHECK_BLOCKING \
        }                                   \
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

/* A pool of two, of which `running` run. */
static void few(unsigned running, unsigned target, bool fenced)
{
    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    weir_check_assert(weir_stack_index_new(&unmade, 2, WEIR_STACK_FULL) == 0);
    pool->unmade = unmade;
    pool->fenced = fenced;
    pool->workers = weir_alloc(2 * sizeof *pool->workers, WEIR_CACHELINE);
    weir_atomic_init(&pool->workers[0], NULL);
    weir_atomic_init(&pool->workers[1], NULL);
    short_of_threads = none_at_all = true;
    weir_atomic_init(&pool->crew,
                     with_wants((fenced ? WEIR__CREW_FENCED : 0) | WEIR__CREW_RUNNING * running |
                                WEIR__CREW_TARGET * target));
    weir_atomic_init(&pool->alive, running);
    weir_atomic_init(&pool->begun, true);
    for (unsigned i = 0; i < running; i++) {
        weir_check_assert(weir_stack_index_pop(unmade) == i);
        make_worker(pool, i)->record = &no_record;
    }
}

static void few_end(unsigned running)
{
    weir_check_join_all();
    for (unsigned i = 0; i < 2; i++) {
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (i < running)
            weir_stack_index_push(unmade, i);
        if (worker != NULL)
            weir_release(worker, sizeof *worker);
    }
    weir_check_assert(weir_stack_index_free(unmade) == 0);
    weir_release((void *)pool->workers, 2 * sizeof *pool->workers);
    weir_release(pool, sizeof *pool);
}

static void no_thread_run(void *unused)
{
    (void)unused;
    few(1, 2, false);
    weir_check_thread(worker_sleeps, worker_of(pool, 0));
    weir_check_thread(notifies_only, NULL);
    weir__crew_stop(pool, WEIR__CREW_STOPS);
    few_end(1);
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

enum { FENCED = 4 };

/* From outside, for as many workers. */
static void outside_run(void *how)
{
    const unsigned n = (unsigned)(uintptr_t)how % FENCED;

    few(n, n, (uintptr_t)how >= FENCED);
    for (unsigned i = 0; i < n; i++)
        weir_check_thread(takes_one, worker_of(pool, i));
    for (unsigned i = 0; i < n; i++)
        give(PLAIN);
    few_end(n);
}

/* A worker's own, for another. */
static void inside_run(void *fenced)
{
    few(2, 2, fenced != NULL);
    weir_check_thread(takes_one, worker_of(pool, 0));
    make_own(worker_of(pool, 1));
    few_end(2);
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
    few(2, 2, false);
    weir_atomic_init(&pool->crew, WEIR__CREW_ENDS);
    for (unsigned i = 0; i < 2; i++)
        weir_check_thread(leaves, worker_of(pool, i));
    while (!weir__crew_is_gone(pool)) {
    }
    weir_check_assert(left[0] == 1 && left[1] == 1);
    few_end(2);
}

/* Too much for all schedules: some. */
#define SCENE(title, script, workers, fenced, fails, deep, how, times)                   \
    {                                                                                    \
        title #workers " " script " " #fenced " " #fails, scene_run,                     \
            (uintptr_t) & (const scene){script, workers, fenced, fails}, deep, 0,        \
        {                                                                                \
            .progress = WEIR_CHECK_BLOCKING, .mode = how, .runs = times, .events = 3000, \
            .seed = (deep) ? 0 : 1                                                       \
        }                                                                                \
    }
#define SOME(script, workers, fenced, fails) \
    SCENE("some ", script, workers, fenced, fails, false, WEIR_CHECK_RANDOM, 150)
#define MORE(script, workers, fenced, fails) \
    SCENE("more ", script, workers, fenced, fails, true, WEIR_CHECK_RANDOM, 3000)

static const scenario scenarios[] = {
    SCENE("", "", 1, 0, 0, false, WEIR_CHECK_EVERY, 0),
    ONE("last look, outside", last_look_run, 0, false),
    ONE("last look, inside", last_look_run, 1, false),
    ONE("no thread", no_thread_run, 0, true),
    ONE("outside, one sleeps", outside_run, 1, false),
    ONE("outside, one sleeps, fenced", outside_run, 1 + FENCED, false),
    ONE("gone", gone_run, 0, false),
    {"some outside, two sleep",
     outside_run,
     2,
     false,
     0,
     {.progress = WEIR_CHECK_BLOCKING, .mode = WEIR_CHECK_RANDOM, .runs = 300, .seed = 1}},
    ONE("inside, one sleeps", inside_run, 0, false),
    ONE("inside, one sleeps, fenced", inside_run, 1, false),
    SOME("ss", 1, 0, 0),
    SOME("S", 2, 0, 0),
    SOME("S", 2, 1, 0),
    SOME("w", 2, 0, 0),
    SOME("w", 2, 1, 0),
    SCENE("some ", "tmno", 3, 0, 0, false, WEIR_CHECK_RANDOM, 60),
    SOME("s|s", 2, 0, 0),
    SOME("S|S", 2, 1, 0),
    SOME("bsg", 1, 0, 0),
    SOME("bSg", 1, 1, 0),
    SOME("sSrR", 1, 1, 0),
    SOME("s|rs", 1, 0, 0),
    SOME("s|x", 1, 0, 0),
    SOME("sSR|x", 2, 0, 0),
    SOME("t|s|x", 2, 0, 1),
    MORE("s|x", 1, 0, 0),
    MORE("w", 2, 0, 0),
    MORE("w", 2, 1, 0),
    MORE("S", 2, 0, 0),
    MORE("SSR|x", 2, 0, 0),
    MORE("SSR|x", 2, 1, 0),
    MORE("SR|x", 2, 0, 0),
    MORE("S|s", 2, 0, 0),
    MORE("bsgs", 2, 0, 0),
    MORE("t|s|x", 2, 0, 1),
    MORE("ts|x", 2, 0, 1),
    MORE("tw", 2, 0, 0),
    MORE("tw", 2, 1, 0),
};

MODEL_MAIN("pool_crew", scenarios)
