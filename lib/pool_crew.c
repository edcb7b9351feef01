/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool.h"
#include "thread.h"
#include "wait.h"

#include <weir/observe.h>

#include <errno.h>
#include <string.h>

/* Who makes work, and who goes to sleep. From outside, each access sequentially consistent:
 *
 *     submit             ||  worker
 *     newest = job       ||  crew: running - 1
 *     reads crew         ||  reads newest       never both the old values
 *
 * In a worker it is a plain store, into its deque (the fences are those of weir/fence.h):
 *
 *     spawn, submit      ||  another worker
 *     bottom = b         ||  crew: running - 1
 *     light fence        ||  heavy fence
 *     reads crew         ||  reads bottom       never both the old values
 *
 * In a fenced pool each makes a read-modify-write of the first worker's `gate` in place of its
 * fence: who comes later has seen what was before the other's.
 *
 * A worker's number is in one of three places: in `unmade`, in `idle`, or with whoever counts as
 * running or blocked in the crew's word, be it the worker, or who is about to wake it. A worker
 * puts itself into `idle` before it stops counting, so that who counts one more finds a number. */

/* Cells of a worker's deques before they grow: what most stacks of spawned jobs are deep. */
enum { DEQUE_AT_FIRST = 16 };

/* ---- the word ---- */

static uint64_t with_wants(uint64_t crew)
{
    bool wants;

    if ((crew & WEIR__CREW_ENDS) != 0)
        wants = false;
    else if ((crew & WEIR__CREW_SEARCHES) != 0)
        wants = (crew & WEIR__CREW_TOLD) == 0;
    else
        wants = weir__crew_running(crew) < weir__crew_target(crew);
    crew &= ~(uint64_t)WEIR__CREW_WANTS;
    return wants || (crew & WEIR__CREW_FENCED) != 0 ? crew | WEIR__CREW_WANTS : crew;
}

/* From `old` to `next`, if it is still `old`. */
static bool change(weir_pool *pool, uint64_t *old, uint64_t next)
{
    /* sync(crew): seq_cst. Pairs with itself, and with the loads in weir__crew_notify(),
     * end_if_done() and weir__crew_ends(): see the pictures at the top of this file. relaxed on
     * failure: looked at again. */
    return weir_atomic_cas_weak(&pool->crew, old, with_wants(next), WEIR_SEQ_CST, WEIR_RELAXED);
}

static uint64_t look(const weir_pool *pool)
{
    return weir_atomic_load(&pool->crew, WEIR_RELAXED); /* relaxed: compared by change(). */
}

static uint64_t without_search(uint64_t crew)
{
    return crew & ~(uint64_t)(WEIR__CREW_SEARCHES | WEIR__CREW_TOLD);
}

/* ---- threads ---- */

static weir__pool_worker *worker_of(weir_pool *pool, uint32_t number)
{
    /* sync(made): acquire. Pairs with the store in make_worker(). */
    return weir_atomic_load(&pool->workers[number], WEIR_ACQUIRE);
}

static weir__pool_worker *make_worker(weir_pool *pool, uint32_t number)
{
    weir__pool_worker *const worker =
        (weir__pool_worker *)weir_alloc(sizeof(weir__pool_worker), WEIR_CACHELINE);
    unsigned made = 0;

    if (worker == NULL)
        return NULL;
    memset((void *)worker, 0, sizeof *worker);
    if (weir_deque_init(&worker->face.spawned, pool->domain, DEQUE_AT_FIRST) != 0) {
        weir_release(worker, sizeof *worker);
        return NULL;
    }
    if (weir_deque_init(&worker->submitted, pool->domain, DEQUE_AT_FIRST) != 0) {
        (void)weir_deque_destroy(&worker->face.spawned);
        weir_release(worker, sizeof *worker);
        return NULL;
    }
    worker->face.crew = &pool->crew;
    worker->pool = pool;
    worker->number = number;
    worker->dice = number * 2654435769U + 1;
    weir_atomic_init(&worker->gate, 0);
    weir_atomic_init(&worker->jobs, 0);
    weir_atomic_init(&worker->steals, 0);
    weir_atomic_init(&worker->sleeps, 0);
    weir_atomic_init(&worker->sample_ns, 0);
    weir_atomic_init(&worker->below, 0);
    weir_waiter_init(&worker->idle);
    weir_waiter_init(&worker->joining);
    /* sync(made): release. Pairs with the load in worker_of(). */
    weir_atomic_store(&pool->workers[number], worker, WEIR_RELEASE);
    /* sync(made): acq_rel. Pairs with the fetch_add in fence(). relaxed on failure: compared. */
    while (made <= number &&
           !weir_atomic_cas_weak(&pool->made, &made, number + 1, WEIR_ACQ_REL, WEIR_RELAXED)) {
    }
    return worker;
}

/* For who has the number from `unmade`. */
static int start(weir_pool *pool, uint32_t number, bool searches)
{
    weir__pool_worker *worker = worker_of(pool, number);
    int status = -ENOMEM;

    if (worker == NULL)
        worker = make_worker(pool, number);
    if (worker != NULL) {
        worker->searches = searches;
        worker->has_thread = true;
        /* relaxed: counted before the thread is; see weir_pool_stop(). */
        weir_atomic_fetch_add(&pool->alive, 1, WEIR_RELAXED);
        status = weir__thread_make(&pool->attributes, weir__pool_work, worker);
        if (status != 0) {
            weir_atomic_fetch_sub(&pool->alive, 1, WEIR_RELAXED); /* relaxed: as above. */
            worker->has_thread = false;
        }
    }
    if (status != 0) {
        weir_atomic_fetch_add(&pool->refusals, 1, WEIR_RELAXED); /* relaxed: a number. */
        weir_stack_index_push(pool->unmade, number);
    }
    return status;
}

/* ---- waking ---- */

/* `idle` is Treiber's stack, which many push on, but one takes from at a time: who has set
 * SEARCHES, until the one he wakes has it; or who has set ENDS. So what he saw below the top is
 * below it still if the top has not changed. It needs no tag, and stands in the line of the
 * crew's word: a line that comes from another processor costs more than all else here. */
static bool unpark_one(weir_pool *pool, bool searches)
{
    weir__pool_worker *worker;
    /* sync(slept): acquire. Pairs with the compare-and-swap in weir__crew_sleep(); `below`. */
    uint32_t top = weir_atomic_load(&pool->idle, WEIR_ACQUIRE);
    uint32_t below;

    do {
        if (top == 0)
            return false;
        worker = worker_of(pool, top - 1);
        /* relaxed: acquired with the top; nobody else takes it. */
        below = weir_atomic_load(&worker->below, WEIR_RELAXED);
        /* sync(slept): acquire. Pairs with the compare-and-swap in weir__crew_sleep(); on
         * failure too. */
    } while (!weir_atomic_cas_weak(&pool->idle, &top, below, WEIR_ACQUIRE, WEIR_ACQUIRE));
    worker->searches = searches;
    weir_waiter_unpark(&worker->idle);
    return true;
}

static void end_if_done(weir_pool *pool);
static void fence(weir_pool *pool);
static void wake(weir_pool *pool, bool tell);

/* Who was to search does not; `crew` is what it was until then. Who went to sleep meanwhile has
 * relied on him. Returns: whether there is work for one who sleeps. */
static bool hand_search_on(weir_pool *pool, uint64_t crew)
{
    /* relaxed: who pushed himself since then looks himself. */
    if (weir_atomic_load(&pool->idle, WEIR_RELAXED) == 0)
        return false;
    if ((crew & WEIR__CREW_TOLD) != 0)
        fence(pool);
    if (!weir__pool_has_work(pool))
        return false;
    wake(pool, true);
    return true;
}

/* No thread can be made. */
static void give_up(weir_pool *pool)
{
    uint64_t crew = look(pool);

    while (!change(pool, &crew, without_search(crew) - WEIR__CREW_RUNNING)) {
    }
    if (!hand_search_on(pool, crew))
        end_if_done(pool);
}

/* For who counts one more as running, and as searching. */
static void rouse(weir_pool *pool)
{
    uint32_t number;

    if (unpark_one(pool, true))
        return;
    number = weir_stack_index_pop(pool->unmade);
    WEIR_REQUIRE(number != WEIR_STACK_NONE, "each worker is in one place");
    if (start(pool, number, true) != 0 && !unpark_one(pool, true))
        give_up(pool);
}

/* Wakes one, if nobody searches. Who searches sees what was made visible by a sequentially
 * consistent read-modify-write; all else he has to be told, so that he makes a fence first. */
static void wake(weir_pool *pool, bool tell)
{
    uint64_t crew = look(pool);

    for (;;) {
        if ((crew & WEIR__CREW_SEARCHES) != 0) {
            if (!tell || (crew & WEIR__CREW_TOLD) != 0 ||
                change(pool, &crew, crew | WEIR__CREW_TOLD))
                return;
        } else if ((crew & WEIR__CREW_ENDS) != 0 ||
                   weir__crew_running(crew) >= weir__crew_target(crew)) {
            return;
        } else if (change(pool, &crew, (crew | WEIR__CREW_SEARCHES) + WEIR__CREW_RUNNING)) {
            rouse(pool);
            return;
        }
    }
}

void weir__crew_notify(weir_pool *pool)
{
    /* sync(crew): seq_cst. Pairs with change(): see the top of this file. */
    if ((weir_atomic_load(&pool->crew, WEIR_SEQ_CST) & WEIR__CREW_WANTS) != 0)
        wake(pool, false);
}

void weir__crew_call(weir__worker *face)
{
    weir__pool_worker *const self = (weir__pool_worker *)(void *)face;
    weir_pool *const pool = self->pool;

    if (pool->fenced)
        /* sync(gate): acq_rel. Pairs with itself, and the exchange in fence(). */
        weir_atomic_exchange(&self->gate, 0, WEIR_ACQ_REL);
    else
        weir_fence_light();
    wake(pool, true);
}

/* The heavy side, between a change of the crew and a look for work. */
static void fence(weir_pool *pool)
{
    unsigned made;

    if (!pool->fenced) {
        weir_fence_heavy();
        return;
    }
    /* sync(made): acq_rel. Pairs with the compare-and-swap in make_worker(): a worker that is
     * not counted here has acquired the change of the crew before this. */
    made = weir_atomic_fetch_add(&pool->made, 0, WEIR_ACQ_REL);
    for (uint32_t i = 0; i < made; i++) {
        weir__pool_worker *const worker = worker_of(pool, i);

        if (worker != NULL)
            /* sync(gate): acq_rel. Pairs with the exchange in weir__crew_call(). */
            weir_atomic_exchange(&worker->gate, 0, WEIR_ACQ_REL);
    }
}

/* If nobody can make work any more, all are to end. */
static void end_if_done(weir_pool *pool)
{
    /* sync(crew): acquire. Pairs with change(): what those did who do not run any more, or who
     * said STOPS, comes before the look for work. */
    uint64_t crew = weir_atomic_load(&pool->crew, WEIR_ACQUIRE);

    do {
        if ((crew & (WEIR__CREW_STOPS | WEIR__CREW_ENDS)) != WEIR__CREW_STOPS ||
            weir__crew_running(crew) + weir__crew_blocked(crew) != 0)
            return;
        if (weir__pool_has_work(pool)) {
            wake(pool, true);
            return;
        }
        /* sync(crew): seq_cst. Pairs with change(). sync(crew): acquire on failure, as above.
         * See the top of this file. */
    } while (!weir_atomic_cas(&pool->crew, &crew, with_wants(crew | WEIR__CREW_ENDS), WEIR_SEQ_CST,
                              WEIR_ACQUIRE));
    while (unpark_one(pool, false)) {
    }
    if (!weir__crew_has_begun(pool))
        weir_event_notify_all(&pool->ended); /* else the last thread does */
}

/* After the caller has stopped counting as running: what came meanwhile is for another. */
static void look_again(weir_pool *pool)
{
    fence(pool);
    if (weir__pool_has_work(pool))
        wake(pool, true);
    else
        end_if_done(pool);
}

/* ---- workers ---- */

bool weir__crew_has_begun(const weir_pool *pool)
{
    return weir_atomic_load(&pool->begun, WEIR_RELAXED); /* relaxed: it stays true. */
}

/* With the lock held. */
static int make_first(weir_pool *pool)
{
    uint64_t crew = look(pool);
    int status;

    if (weir__crew_has_begun(pool))
        return 0;
    do {
        if ((crew & WEIR__CREW_STOPS) != 0)
            return -EPIPE;
    } while (!change(pool, &crew, (crew | WEIR__CREW_SEARCHES) + WEIR__CREW_RUNNING));
    status = start(pool, weir_stack_index_pop(pool->unmade), true);
    if (status == 0) {
        weir_atomic_store(&pool->begun, true, WEIR_RELAXED); /* relaxed: as above. */
        return 0;
    }
    crew = look(pool);
    while (!change(pool, &crew, without_search(crew) - WEIR__CREW_RUNNING)) {
    }
    end_if_done(pool); /* a stop that came meanwhile has left it to this thread */
    return status;
}

/* Nobody is told that his job will be run before there is somebody to run it. */
int weir__crew_begin(weir_pool *pool)
{
    int status;

    weir__queue_lock(&pool->beginning);
    status = make_first(pool);
    weir__queue_unlock(&pool->beginning);
    return status;
}

bool weir__crew_search(weir__pool_worker *self)
{
    uint64_t crew = look(self->pool);

    do {
        if ((crew & WEIR__CREW_SEARCHES) != 0)
            return false;
    } while (!change(self->pool, &crew, crew | WEIR__CREW_SEARCHES));
    self->searches = true;
    return true;
}

/* Returns: the crew until then. */
static uint64_t end_search(weir__pool_worker *self)
{
    uint64_t crew = look(self->pool);

    while (!change(self->pool, &crew, without_search(crew))) {
    }
    self->searches = false;
    return crew;
}

void weir__crew_pause(weir__pool_worker *self)
{
    if (self->searches)
        (void)hand_search_on(self->pool, end_search(self));
}

void weir__crew_found(weir__pool_worker *self)
{
    const uint64_t crew = end_search(self);

    if (weir__crew_running(crew) >= weir__crew_target(crew))
        return;
    /* Those outside have left it to this one, who sees what they pushed by the change; and workers,
     * and who went to sleep, who have told it once for all. Who was woken wakes the next. */
    if ((crew & WEIR__CREW_TOLD) != 0)
        fence(self->pool);
    if (weir__pool_has_work(self->pool))
        wake(self->pool, true);
}

void weir__crew_sleep(weir__pool_worker *self)
{
    weir_pool *const pool = self->pool;
    const bool searches = self->searches;
    uint64_t crew = look(pool);
    uint32_t top = weir_atomic_load(&pool->idle, WEIR_RELAXED); /* relaxed: only compared. */

    self->searches = false; /* first: from the push on it is who wakes it that writes it */
    do
        weir_atomic_store(&self->below, top, WEIR_RELAXED); /* relaxed: published below. */
    /* sync(slept): release. Pairs with the loads of `idle` in unpark_one(). relaxed on failure:
     * only compared. */
    while (!weir_atomic_cas_weak(&pool->idle, &top, self->number + 1, WEIR_RELEASE, WEIR_RELAXED));
    while (!change(pool, &crew, (searches ? without_search(crew) : crew) - WEIR__CREW_RUNNING)) {
    }
    if (self->record != NULL) {
        look_again(pool);
    } else { /* what others have it cannot take: memory is short */
        fence(pool);
        if (weir__pool_has_outside(pool))
            wake(pool, true);
        else
            end_if_done(pool);
    }
    weir__tally_add(&self->sleeps, 1);
    WEIR_TRACE_INSTANT("sleeps", self->number);
    while (weir_waiter_park(&self->idle, WEIR_FOREVER, NULL) != 0) {
    }
}

bool weir__crew_too_many(const weir_pool *pool)
{
    const uint64_t crew = look(pool);

    return weir__crew_running(crew) > weir__crew_target(crew);
}

bool weir__crew_ends(const weir_pool *pool)
{
    /* sync(crew): acquire. Pairs with change(); what was done before the end. */
    return (weir_atomic_load(&pool->crew, WEIR_ACQUIRE) & WEIR__CREW_ENDS) != 0;
}

void weir__crew_leave(weir__pool_worker *self)
{
    weir_pool *const pool = self->pool;

    /* sync(gone): release. Pairs with the load in weir__crew_is_gone(); what the worker did. */
    if (weir_atomic_fetch_sub(&pool->alive, 1, WEIR_RELEASE) == 1)
        weir_event_notify_all(&pool->ended); /* stop waits for this thread */
}

bool weir__crew_is_gone(const weir_pool *pool)
{
    /* sync(gone): acquire. Pairs with the fetch_sub in weir__crew_leave(). After ENDS no thread
     * is made. */
    return weir__crew_ends(pool) && weir_atomic_load(&pool->alive, WEIR_ACQUIRE) == 0;
}

void weir__crew_stop(weir_pool *pool, uint64_t flags)
{
    uint64_t crew = look(pool);

    while (!change(pool, &crew, crew | flags)) {
    }
    end_if_done(pool);
}

bool weir__crew_resize(weir_pool *pool, unsigned workers)
{
    uint64_t crew = look(pool);

    do {
        if ((crew & WEIR__CREW_STOPS) != 0)
            return false;
    } while (
        !change(pool, &crew,
                crew - WEIR__CREW_TARGET * weir__crew_target(crew) + WEIR__CREW_TARGET * workers));
    look_again(pool);
    return true;
}

/* ---- blocking ---- */

void weir_block_begin(void)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    weir_pool *pool;
    uint64_t crew;

    if (self == NULL || self->blocks++ != 0)
        return;
    pool = self->pool;
    self->replaced = true;
    crew = look(pool);
    do {
        if (weir__crew_blocked(crew) >= pool->options.max_blocked ||
            (crew & WEIR__CREW_ENDS) != 0) { /* in on_end, where nobody counts any more */
            self->replaced = false;
            return;
        }
    } while (!change(pool, &crew, crew - WEIR__CREW_RUNNING + WEIR__CREW_BLOCKED));
    look_again(pool);
}

void weir_block_end(void)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    uint64_t crew;

    if (self == NULL)
        return;
    WEIR_REQUIRE(self->blocks != 0, "weir_block_end() without its begin");
    if (--self->blocks != 0 || !self->replaced)
        return;
    crew = look(self->pool);
    while (!change(self->pool, &crew, crew - WEIR__CREW_BLOCKED + WEIR__CREW_RUNNING)) {
    }
}
