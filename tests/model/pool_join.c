/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_join.c: spawn and join beside thieves: weir/pool.h, lib/pool_join.c and, of
 * lib/pool_work.c, the stealing and the running of what was stolen, with real deques and real
 * parking, without the crew: each thread is a worker that looks for something to steal once or
 * twice, and ends. What is shown: each job is run once, with what was before its spawn, and is
 * joined with what it did and its status; nobody helps with what is nothing of his job; nobody
 * sleeps for ever; who has joined a job may let its memory go. */

#include "model.h"

#include <weir/deque.h>

#include <errno.h>

/* ---- a deque in one word ----
 *
 * For scenarios that are too much with the real one: oldest, newest and a count of pushes in
 * one word, so that each operation is one compare-and-swap, with the edges that the real one
 * promises. */

static bool in_one_word;

#define NEWEST (UINT64_C(1) << 16)
#define PUSHES (UINT64_C(1) << 32)

static uint64_t oldest(uint64_t word)
{
    return word % NEWEST;
}

static uint64_t newest(uint64_t word)
{
    return word % PUSHES / NEWEST;
}

static size_t inside(uint64_t word)
{
    return (size_t)(newest(word) - oldest(word));
}

static int model_push(weir_deque *deque, uintptr_t value)
{
    uint64_t word;

    if (!in_one_word)
        return weir_deque_push(deque, value);
    word = weir_atomic_load(&deque->bottom, WEIR_RELAXED);
    weir_atomic_store(&deque->cells[newest(word) & deque->mask], value, WEIR_RELAXED);
    weir_atomic_fetch_add(&deque->bottom, NEWEST + PUSHES, WEIR_RELEASE);
    return 0;
}

/* A compare-and-swap that moves one of its ends. */
static bool model_take(weir_deque *deque, bool pops, uintptr_t *value)
{
    uint64_t word = weir_atomic_load(&deque->bottom, WEIR_ACQUIRE), at;

    do {
        if (inside(word) == 0)
            return false;
        at = pops ? newest(word) - 1 : oldest(word);
        *value = weir_atomic_load(&deque->cells[at & deque->mask], WEIR_RELAXED);
    } while (!weir_atomic_cas(&deque->bottom, &word, pops ? word - NEWEST : word + 1, WEIR_ACQ_REL,
                              WEIR_ACQUIRE));
    return true;
}

static bool model_pop(weir_deque *deque, uintptr_t *value)
{
    return in_one_word ? model_take(deque, true, value) : weir_deque_pop(deque, value);
}

static bool model_steal(weir_deque *deque, weir_guard_record *record, uintptr_t *value)
{
    return in_one_word ? model_take(deque, false, value) : weir_deque_steal(deque, record, value);
}

static size_t model_size(const weir_deque *deque)
{
    return in_one_word ? inside(weir_atomic_load(&deque->bottom, WEIR_RELAXED))
                       : weir_deque_size_approx(deque);
}

#define weir_deque_push model_push
#define weir_deque_pop model_pop
#define weir_deque_steal model_steal
#define weir_deque_size_approx model_size

#include "../../lib/pool.h"

#include "../../lib/pool_join.c"
#include "../../lib/pool_work.c"

#undef weir_deque_push
#undef weir_deque_pop
#undef weir_deque_steal
#undef weir_deque_size_approx

enum { WORKERS = 3 };

static weir_pool *pool;
static weir__pool_worker *workers[WORKERS];
enum { OTHER_WAY = 1, ONE_WORD = 2 };

static WEIR_ATOMIC(unsigned) runs[8];
static WEIR_ATOMIC(unsigned) by[8]; /* which worker, + 1 */
static weir_guard_record no_record;
static const void *joined; /* by the first worker, while it waits for what has no children */

/* ---- instead of the crew ---- */

void weir__crew_call(weir__worker *self)
{
    (void)self;
}

bool weir__crew_search(weir__pool_worker *self)
{
    (void)self;
    return false;
}

void weir__crew_found(weir__pool_worker *self)
{
    (void)self;
}

void weir__crew_pause(weir__pool_worker *self)
{
    (void)self;
}

void weir__crew_sleep(weir__pool_worker *self)
{
    (void)self;
}

bool weir__crew_too_many(const weir_pool *of)
{
    (void)of;
    return false;
}

bool weir__crew_ends(const weir_pool *of)
{
    (void)of;
    return true;
}

void weir__crew_leave(weir__pool_worker *self)
{
    (void)self;
}

void weir__pool_discard(const weir_pool *of, weir_job *job)
{
    (void)of;
    (void)job;
}

void weir_block_begin(void)
{
}

void weir_block_end(void)
{
}

/* ---- workers ---- */

static weir__pool_worker *make(unsigned number)
{
    weir__pool_worker *const worker =
        (weir__pool_worker *)weir_alloc(sizeof(weir__pool_worker), WEIR_CACHELINE);

    memset((void *)worker, 0, sizeof *worker);
    weir_check_assert(weir_deque_init(&worker->face.spawned, pool->domain, 4) == 0);
    worker->face.crew = &pool->crew;
    worker->pool = pool;
    worker->number = number;
    weir_waiter_init(&worker->joining);
    worker->record = in_one_word ? &no_record : weir_guard_self(pool->domain);
    weir__worker_self = &worker->face;
    return worker;
}

static void begin(uintptr_t how)
{
    in_one_word = (how & ONE_WORD) != 0;
    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    weir_check_assert(weir_guard_new(&pool->domain, WEIR_GUARD_EPOCH, NULL) == 0);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i] = NULL;
}

static void end(void)
{
    weir_check_join_all();
    weir__worker_self = NULL;
    for (unsigned i = 0; i < WORKERS; i++) {
        if (workers[i] == NULL)
            continue;
        if (in_one_word) {
            weir_check_assert(model_size(&workers[i]->face.spawned) == 0);
            weir_atomic_store(&workers[i]->face.spawned.bottom, 0, WEIR_RELAXED);
        }
        weir_check_assert(weir_deque_destroy(&workers[i]->face.spawned) == 0);
        weir_release(workers[i], sizeof *workers[i]);
    }
    weir_check_assert(weir_guard_free(pool->domain) == 0);
    weir_release(pool, sizeof *pool);
}

/* As find and work. */
static bool steal_one(weir__pool_worker *self, weir__pool_worker *victim)
{
    const find it = steal_from(self, victim);

    if (it.job == NULL)
        return false;
    weir_check_assert(it.spawned);
    weir__pool_run_stolen(self, it.job);
    return true;
}

/* ---- jobs ---- */

typedef struct model_job {
    weir_job job;
    unsigned plain, number;
} model_job;

static void ran(model_job *job)
{
    weir_check_assert(job->plain == 1);
    job->plain = 2;
    weir_check_assert(weir_atomic_fetch_add(&runs[job->number], 1, WEIR_RELAXED) == 0);
    weir_atomic_store(&by[job->number], weir__pool_worker_self()->number + 1, WEIR_RELAXED);
}

static int leaf_run(weir_job *job)
{
    const unsigned number = ((model_job *)(void *)job)->number;

    /* A child, of a job that another runs, is no help for who waits for a third. */
    if (number >= 4 && weir__pool_worker_self()->number == 0 && joined != NULL)
        weir_check_assert(weir_atomic_load(&by[number - 4], WEIR_RELAXED) == 1);
    ran((model_job *)(void *)job);
    return -EIO;
}

static void spawn(model_job *job, unsigned number, int (*body)(weir_job *job))
{
    job->plain = 1;
    job->number = number;
    weir_spawn(&job->job, body);
}

/* The memory is used again after it. */
static void join(model_job *job, int status)
{
    weir_check_assert(weir_join(&job->job) == status);
    weir_check_assert(job->plain == 2);
    weir_check_assert(weir_atomic_load(&runs[job->number], WEIR_RELAXED) == 1);
    memset((void *)job, 0, sizeof *job);
}

/* One that has a child of its own. */
static int parent_run(weir_job *job)
{
    model_job *const m = (model_job *)(void *)job;
    model_job child;

    ran(m);
    spawn(&child, m->number + 4, leaf_run);
    join(&child, -EIO);
    return 0;
}

/* ---- scenarios ----
 *
 * But for the first, thieves come when all has been spawned: what a push carries is shown by
 * tests/model/deque.c. */

static void thief(void *number)
{
    const unsigned n = (unsigned)(uintptr_t)number;
    weir__pool_worker *const self = make(n);

    workers[n] = self;
    (void)steal_one(self, workers[0]);
    weir__worker_self = NULL;
}

/* Who takes two, the second of which has nothing to do with the first. */
static void thief_of_two(void *number)
{
    const unsigned n = (unsigned)(uintptr_t)number;
    weir__pool_worker *const self = make(n);

    workers[n] = self;
    if (steal_one(self, workers[0]))
        (void)steal_one(self, workers[0]);
    weir__worker_self = NULL;
}

static void one(void *how)
{
    model_job a;

    begin((uintptr_t)how);
    workers[0] = make(0);
    weir_check_thread(thief, (void *)1);
    spawn(&a, 0, leaf_run);
    join(&a, -EIO);
    end();
}

static void one_two_thieves(void *how)
{
    model_job a;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    weir_check_thread(thief, (void *)1);
    weir_check_thread(thief, (void *)2);
    join(&a, -EIO);
    end();
}

static void two(void *how)
{
    model_job a, b;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    spawn(&b, 1, leaf_run);
    weir_check_thread(thief, (void *)1);
    if (((uintptr_t)how & OTHER_WAY) == 0) {
        join(&b, -EIO);
        join(&a, -EIO);
    } else {
        join(&a, -EIO);
        join(&b, -EIO);
    }
    end();
}

/* Older ones lie below what is joined in the wrong order. */
static void three(void *how)
{
    model_job a, b, c;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    spawn(&b, 1, leaf_run);
    spawn(&c, 2, leaf_run);
    weir_check_thread(thief, (void *)1);
    join(&b, -EIO);
    join(&c, -EIO);
    join(&a, -EIO);
    end();
}

/* Who waits helps. */
static void nested(void *how)
{
    model_job a;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, parent_run);
    weir_check_thread(thief, (void *)1);
    join(&a, 0);
    end();
}

/* Who waits for the first may find that the thief is at the second. */
static void nested_twice(void *how)
{
    model_job a, b;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    spawn(&b, 1, parent_run);
    weir_check_thread(thief_of_two, (void *)1);
    join(&b, 0);
    join(&a, -EIO);
    end();
}

static void nested_after(void *how)
{
    model_job a, b;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    spawn(&b, 1, parent_run);
    weir_check_thread(thief_of_two, (void *)1);
    join(&a, -EIO);
    join(&b, 0);
    end();
}

/* The helper's own child is helped with in its turn. */
static void nested_two_thieves(void *how)
{
    model_job a;

    begin((uintptr_t)how);
    workers[0] = make(0);
    spawn(&a, 0, parent_run);
    weir_check_thread(thief, (void *)1);
    weir_check_thread(thief, (void *)2);
    join(&a, 0);
    end();
}

/* Who has taken the first worker's job takes another's after it. */
static void thief_of_others(void *unused)
{
    weir__pool_worker *const self = make(1);

    (void)unused;
    workers[1] = self;
    if (steal_one(self, workers[0]))
        (void)steal_one(self, workers[2]);
    weir__worker_self = NULL;
}

static void stranger(void *job)
{
    weir__worker_self = &workers[2]->face;
    join((model_job *)job, 0);
    weir__worker_self = NULL;
}

static void strange(void *how)
{
    model_job a, b;

    begin((uintptr_t)how);
    workers[2] = make(2);
    spawn(&b, 1, parent_run);
    workers[0] = make(0);
    spawn(&a, 0, leaf_run);
    weir_check_thread(thief_of_others, NULL);
    weir_check_thread(stranger, &b);
    joined = &a;
    join(&a, -EIO);
    joined = NULL;
    end();
}

#define EVERY(name, test, argument, deep)   \
    {                                       \
        name, test, argument, deep, 0,      \
        {                                   \
            .progress = WEIR_CHECK_BLOCKING \
        }                                   \
    }

static const scenario scenarios[] = {
    EVERY("one", one, 0, false),
    EVERY("one, in one word", one, ONE_WORD, false),
    EVERY("two, in one word", two, ONE_WORD, false),
    EVERY("two, the other way round, in one word", two, ONE_WORD | OTHER_WAY, false),
    EVERY("three, in one word", three, ONE_WORD, false),
    EVERY("one, two thieves, in one word", one_two_thieves, ONE_WORD, false),
    EVERY("nested, in one word", nested, ONE_WORD, false),
    EVERY("nested twice, in one word", nested_twice, ONE_WORD, true),
    EVERY("nested after, in one word", nested_after, ONE_WORD, true),
    EVERY("a stranger's, in one word", strange, ONE_WORD, true),
    EVERY("nested, two thieves, in one word", nested_two_thieves, ONE_WORD, true),
    EVERY("two", two, 0, true),
    EVERY("two, the other way round", two, OTHER_WAY, true),
};

MODEL_MAIN("pool_join", scenarios)
