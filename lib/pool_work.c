/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool.h"
#include "thread.h"
#include "wait.h"

#include <weir/observe.h>

/* Jobs in a row that were the newest of a worker's own, before the oldest is taken: what was
 * just submitted is warm, what was submitted first must not starve. */
enum { LIFO_CAP = 16 };

/* Jobs between looks at what came from outside while there are the worker's own. Prime, so that no
 * rhythm of the jobs falls in with it. */
enum { TURN = 61 };

/* Jobs that are taken from outside, or stolen, at a time: the price of a steal, or of the lock,
 * by so many; and more than that would only be stolen in turn. */
enum { BATCH = 32, LOOT = 16 };

/* Jobs between two whose time is taken, which costs two looks at the clock. */
enum { SAMPLE = 16 };

_Thread_local weir__worker *weir__worker_self;

typedef struct find {
    weir_job *job;
    bool spawned; /* somebody joins it */
    bool more;    /* there is more where it came from */
} find;

static const find nothing = {NULL, false, false};

/* ---- where jobs come from ---- */

/* Are the worker's own from now on. */
static void keep(weir__pool_worker *self, weir_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) { /* in order of arrival, to be taken from the old end */
        if (weir_deque_push(&self->submitted, (uintptr_t)jobs[i]) != 0)
            weir__injector_put_back(&self->pool->injectors[WEIR_POOL_NORMAL], jobs[i]);
    }
    if (n != 0)
        self->submits = false; /* its newest are not what was submitted just now */
}

/* The first is to be run, the others are kept. */
static find first_of(weir__pool_worker *self, weir_job *const *jobs, size_t n, bool more)
{
    const find it = {n == 0 ? NULL : jobs[0], false, more || n > 1};

    if (n > 1)
        keep(self, jobs + 1, n - 1);
    return it;
}

static find outside(weir__pool_worker *self, weir_pool_priority priority, size_t most)
{
    weir__injector *const injector = &self->pool->injectors[priority];
    weir_job *jobs[BATCH];
    bool more;
    size_t n;

    /* The search is given up next, in a line that those outside read. */
    if (self->searches && weir__injector_waits(injector))
        weir_prefetch_write(&self->pool->crew);
    n = weir__injector_take(injector, jobs, most, &more);
    if (n == 0 && more) /* it has come while this one had the lock: who saw that relies on it */
        weir__crew_call(&self->face);
    return first_of(self, jobs, n, more);
}

/* Those that have come meanwhile stand behind the worker's own. */
static void let_in(weir__pool_worker *self)
{
    weir_job *jobs[BATCH];
    bool more;
    const size_t n =
        weir__injector_take(&self->pool->injectors[WEIR_POOL_NORMAL], jobs, BATCH, &more);

    keep(self, jobs, n);
    if (more || n > 0)
        weir__crew_call(&self->face);
}

static weir_job *own(weir__pool_worker *self)
{
    uintptr_t value;

    if (self->submits && self->newest < LIFO_CAP && weir_deque_pop(&self->submitted, &value)) {
        self->newest++;
        return (weir_job *)value;
    }
    self->newest = 0;
    if (weir_deque_pop_oldest(&self->submitted, &value))
        return (weir_job *)value;
    return NULL;
}

static uint32_t roll(weir__pool_worker *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 17;
    self->dice ^= self->dice << 5;
    return self->dice;
}

static find steal_from(weir__pool_worker *self, weir__pool_worker *victim)
{
    uintptr_t values[LOOT];
    size_t n;

    if (weir_deque_size_approx(&victim->face.spawned) != 0 &&
        weir_deque_steal(&victim->face.spawned, self->record, values)) {
        find it = {(weir_job *)values[0], true, weir_deque_size_approx(&victim->face.spawned) != 0};

        weir__tally_add(&self->steals, 1);
        return it;
    }
    if (weir_deque_size_approx(&victim->submitted) != 0) {
        weir_job *jobs[LOOT];

        n = weir_deque_steal_burst(&victim->submitted, self->record, values, LOOT);
        for (size_t i = 0; i < n; i++)
            jobs[i] = (weir_job *)values[i];
        if (n != 0) {
            weir__tally_add(&self->steals, n);
            return first_of(self, jobs, n, weir_deque_size_approx(&victim->submitted) != 0);
        }
    }
    return nothing;
}

/* Each other worker once, from a random one on. */
static find steal(weir__pool_worker *self)
{
    weir_pool *const pool = self->pool;
    /* relaxed: up to where; what is there is acquired. */
    const unsigned made = weir_atomic_load(&pool->made, WEIR_RELAXED);
    unsigned at = roll(self) % made;

    if (self->record == NULL && (self->record = weir_guard_self(pool->domain)) == NULL)
        return nothing;
    for (unsigned i = 0; i < made; i++, at = at + 1 == made ? 0 : at + 1) {
        /* sync(made): acquire. Pairs with the store in make_worker(); its deques. */
        weir__pool_worker *const victim = weir_atomic_load(&pool->workers[at], WEIR_ACQUIRE);
        find it;

        if (victim == NULL || victim == self)
            continue;
        it = steal_from(self, victim);
        if (it.job != NULL)
            return it;
    }
    return nothing;
}

static find look_for_work(weir__pool_worker *self)
{
    find it = outside(self, WEIR_POOL_URGENT, 1);

    if (it.job == NULL && ++self->turns == TURN) {
        self->turns = 0;
        let_in(self);
    }
    if (it.job == NULL)
        it.job = own(self);
    if (it.job == NULL)
        it = outside(self, WEIR_POOL_NORMAL, BATCH);
    if (it.job == NULL)
        it = steal(self);
    if (it.job == NULL)
        it = outside(self, WEIR_POOL_IDLE, 1);
    return it;
}

bool weir__pool_has_outside(weir_pool *pool)
{
    for (unsigned i = 0; i < WEIR__PRIORITIES; i++)
        if (weir__injector_waits(&pool->injectors[i]))
            return true;
    return false;
}

bool weir__pool_has_work(weir_pool *pool)
{
    const unsigned made = weir_atomic_load(&pool->made, WEIR_RELAXED); /* relaxed: as in steal(). */

    if (weir__pool_has_outside(pool))
        return true;
    for (unsigned i = 0; i < made; i++) {
        /* sync(made): acquire. Pairs with the store in make_worker(); its deques. */
        const weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_ACQUIRE);

        if (worker != NULL && (weir_deque_size_approx(&worker->face.spawned) != 0 ||
                               weir_deque_size_approx(&worker->submitted) != 0))
            return true;
    }
    return false;
}

/* ---- running ---- */

static void run(weir__pool_worker *self, weir_job *job)
{
    const weir_pool_options *const options = &self->pool->options;
    /* relaxed: own word. */
    const uint64_t jobs = weir_atomic_load(&self->jobs, WEIR_RELAXED);
    uint64_t begin = 0;
    int status;

    self->submits = false;
    if (jobs % SAMPLE == 0)
        begin = weir_clock_now();
    WEIR_TRACE_BEGIN("job", job);
    status = job->run(job);
    WEIR_TRACE_END("job", job);
    if (begin != 0) {
        uint64_t ns = weir_clock_now() - begin;
        /* relaxed: own word; a mean. */
        const uint64_t mean = weir_atomic_load(&self->sample_ns, WEIR_RELAXED);

        if (mean != 0 && ns > 4 * mean) /* one that was preempted does not say much */
            ns = 4 * mean;
        /* relaxed: as above. */
        weir_atomic_store(&self->sample_ns, mean == 0 ? ns + 1 : mean - mean / 8 + ns / 8,
                          WEIR_RELAXED);
    }
    WEIR_REQUIRE(status <= 0, "a job returns 0 or a negative errno");
    WEIR_REQUIRE(self->blocks == 0, "a job has ended between weir_block_begin() and its end");
    weir__tally_add(&self->jobs, 1);
    if (status != 0 && options->failed != NULL)
        options->failed(options->context, job, status);
}

void weir__pool_run_stolen(weir__pool_worker *self, weir_job *job)
{
    weir__pool_worker *const spawner = (weir__pool_worker *)job->other;
    uintptr_t old;
    int status;

    /* sync(taken): release. Pairs with the loads in weir__join_stolen(). */
    weir_atomic_fetch_or(&job->state, (uintptr_t)self, WEIR_RELEASE);
    WEIR_TRACE_BEGIN("stolen", job);
    status = job->run(job);
    WEIR_TRACE_END("stolen", job);
    WEIR_REQUIRE(status <= 0, "a job returns 0 or a negative errno");
    /* sync(ended): release. Pairs with the loads in weir__join_stolen(); what the job did. After
     * it the job may be gone. */
    old = weir_atomic_exchange(&job->state, (uintptr_t) - (intptr_t)status << 3 | WEIR__JOB_DONE,
                               WEIR_RELEASE);
    if ((old & WEIR__JOB_AWAITED) != 0)
        weir_waiter_unpark(&spawner->joining);
}

static void work(weir__pool_worker *self, const find *it)
{
    weir_pool *const pool = self->pool;

    if (self->searches)
        weir__crew_found(self);
    else if (it->more)
        weir__crew_call(&self->face);
    if (it->spawned)
        weir__pool_run_stolen(self, it->job);
    /* relaxed: a flag; jobs that are run meanwhile were submitted before. */
    else if ((weir_atomic_load(&pool->crew, WEIR_RELAXED) & WEIR__CREW_DISCARDS) != 0)
        weir__pool_discard(pool, it->job);
    else
        run(self, it->job);
    WEIR_REQUIRE(weir_deque_size_approx(&self->face.spawned) == 0,
                 "a job has ended without a join of what it has spawned");
}

/* Of one too many: others come to it without a steal, for which they may have no record. */
static void give_all_back(weir__pool_worker *self)
{
    uintptr_t job;

    while (weir_deque_pop_oldest(&self->submitted, &job))
        weir__injector_put_back(&self->pool->injectors[WEIR_POOL_NORMAL], (weir_job *)job);
}

/* Runs what there is, until there is nothing for as long as a wake-up takes, or there are too
 * many workers. */
static void run_all(weir__pool_worker *self)
{
    for (;;) {
        weir__spin spin = WEIR__SPIN_INIT;
        find it;

        if (weir__crew_too_many(self->pool)) {
            give_all_back(self);
            return;
        }
        it = look_for_work(self);
        while (it.job == NULL && (self->searches || weir__crew_search(self)) &&
               weir__spin_again(&spin))
            it = look_for_work(self);
        if (it.job == NULL)
            return;
        work(self, &it);
    }
}

void *weir__pool_work(void *of)
{
    weir__pool_worker *const self = (weir__pool_worker *)of;
    const weir_pool_options *const options = &self->pool->options;

    self->thread = pthread_self();
    weir__worker_self = &self->face;
    weir__thread_name(self->pool->name, self->number);
    self->record = weir_guard_self(self->pool->domain);
    if (options->on_start != NULL) {
        weir__crew_pause(self);
        options->on_start(options->context, self->number);
    }
    do {
        run_all(self);
        weir__crew_sleep(self);
    } while (!weir__crew_ends(self->pool));
    if (options->on_end != NULL)
        options->on_end(options->context, self->number);
    weir__worker_self = NULL;
    weir__crew_leave(self);
    return NULL;
}
