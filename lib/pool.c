/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "job.h"
#include "pool.h"
#include "wait.h"

#include <weir/cpus.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What a submitted job costs beside its own work, in ns: a queue's two ends, and a share of a
 * wake-up: two to five times what pool/submit of weir-bench tells, in which all wake-ups are shared
 * by many. The hint makes it a twentieth. */
enum { JOB_NS = 100, SHARE = 20 };

/* ---- a job that submit waits for ---- */

typedef struct awaited {
    weir_job job;
    weir_job *inner;
    weir_waiter waiter;
    int status;
} awaited;

static void tell(awaited *call, int status)
{
    call->status = status;
    weir_waiter_unpark(&call->waiter); /* after which it may be gone */
}

static int run_awaited(weir_job *job)
{
    awaited *const call = (awaited *)(void *)job;
    const int status = call->inner->run(call->inner);

    WEIR_REQUIRE(status <= 0, "a job returns 0 or a negative errno");
    tell(call, status);
    return 0;
}

static void discard_awaited(awaited *call)
{
    (void)weir__job_discard(call->inner);
    tell(call, -ECANCELED);
}

void weir__pool_discard(const weir_pool *pool, weir_job *job)
{
    if (job->run == run_awaited)
        discard_awaited((awaited *)(void *)job);
    else if (!weir__job_discard(job) && pool->options.discarded != NULL)
        pool->options.discarded(pool->options.context, job);
}

/* ---- life ---- */

/* A forked child's only thread is no worker. */
static void forget_worker(void)
{
    weir__worker_self = NULL;
}

static int forks_watched; /* 0, or a negative errno */

static void watch_forks(void)
{
    forks_watched = -pthread_atfork(NULL, NULL, forget_worker);
}

static unsigned at_most(unsigned n, unsigned most)
{
    return n < most ? n : most;
}

static int complete(weir_pool_options *options, const weir_pool_options *given)
{
    unsigned room;

    if (given != NULL)
        *options = *given;
    if (options->max_blocked == 0)
        options->max_blocked = 64;
    if (options->max_blocked >= WEIR_POOL_MAX)
        return -EINVAL;
    room = WEIR_POOL_MAX - options->max_blocked;
    if (options->max_workers > room)
        return -EINVAL;
    if (options->workers == 0)
        options->workers =
            at_most(weir_cpus(), options->max_workers != 0 ? options->max_workers : room);
    if (options->workers > room)
        return -EINVAL;
    if (options->max_workers == 0)
        options->max_workers = at_most(options->workers > 32 ? options->workers * 2 : 64, room);
    return options->workers > options->max_workers ? -EINVAL : 0;
}

static size_t bytes_of_workers(const weir_pool *pool)
{
    return pool->slots * sizeof *pool->workers;
}

/* Of a pool in which no thread is left, or none was made. */
static void release(weir_pool *pool)
{
    /* relaxed: nobody else uses it. */
    const unsigned made = weir_atomic_load(&pool->made, WEIR_RELAXED);

    for (unsigned i = 0; i < made; i++) {
        /* relaxed: as above. */
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (worker == NULL)
            continue;
        if (worker->has_thread)
            weir_stack_index_push(pool->unmade, i); /* where all were at first */
        (void)weir_deque_destroy(&worker->face.spawned);
        (void)weir_deque_destroy(&worker->submitted);
        weir_release(worker, sizeof *worker);
    }
    (void)weir_stack_index_free(pool->unmade);
    if (pool->workers != NULL)
        weir_release((void *)pool->workers, bytes_of_workers(pool));
    if (pool->domain != NULL)
        (void)weir_guard_free(pool->domain);
    pthread_attr_destroy(&pool->attributes);
    weir_release(pool, sizeof *pool);
}

static int fill(weir_pool *pool)
{
    const weir_reclaim_options fenced = {0, 0, 0, NULL, NULL, pool->fenced};
    int status = weir_guard_new(&pool->domain, WEIR_GUARD_EPOCH, &fenced);

    if (status == 0)
        status = weir_stack_index_new(&pool->unmade, pool->slots, WEIR_STACK_FULL);
    if (status != 0)
        return status;
    pool->workers = weir_alloc(bytes_of_workers(pool), WEIR_CACHELINE);
    if (pool->workers == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < pool->slots; i++)
        weir_atomic_init(&pool->workers[i], NULL);
    return 0;
}

int weir_pool_new(weir_pool **pool, const weir_pool_options *given)
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;
    weir_pool_options options;
    weir_pool *made;
    int status;

    memset(&options, 0, sizeof options);
    status = complete(&options, given);
    if (status != 0)
        return status;
    (void)pthread_once(&watched, watch_forks);
    if (forks_watched != 0)
        return forks_watched;
    made = (weir_pool *)weir_alloc(sizeof *made, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    memset((void *)made, 0, sizeof *made);
    status = weir__thread_attributes(&made->attributes, options.stack_bytes);
    if (status != 0) {
        weir_release(made, sizeof *made);
        return status;
    }
    made->options = options;
    snprintf(made->name, sizeof made->name, "%s", options.name != NULL ? options.name : "weir");
    made->slots = options.max_workers + options.max_blocked;
    made->fenced = options.fenced || !weir_fence_asymmetric();
    for (unsigned i = 0; i < WEIR__PRIORITIES; i++)
        weir__injector_init(&made->injectors[i]);
    weir_atomic_init(&made->crew, (made->fenced ? WEIR__CREW_FENCED : 0) | WEIR__CREW_WANTS |
                                      WEIR__CREW_TARGET * options.workers);
    weir_atomic_init(&made->idle, 0);
    weir_atomic_init(&made->made, 0);
    weir_atomic_init(&made->alive, 0);
    weir_atomic_init(&made->refusals, 0);
    weir_atomic_init(&made->begun, false);
    weir_event_init(&made->ended);
    weir__queue_init(&made->beginning);
    status = fill(made);
    if (status != 0) {
        release(made);
        return status;
    }
    *pool = made;
    return 0;
}

static bool is_gone(void *pool)
{
    return weir__crew_is_gone((const weir_pool *)pool);
}

int weir_pool_stop(weir_pool *pool, weir_pool_ending how, uint64_t deadline)
{
    uint64_t flags = WEIR__CREW_STOPS;
    int status;

    WEIR_REQUIRE((unsigned)how <= WEIR_POOL_DISCARD, "no such ending");
    if (weir_pool_self() == pool)
        return -EDEADLK;
    if (pool->stopped)
        return 0;
    if (how == WEIR_POOL_DISCARD)
        flags |= WEIR__CREW_DISCARDS;
    for (unsigned i = 0; i < WEIR__PRIORITIES; i++)
        weir__injector_close(&pool->injectors[i]);
    weir__crew_stop(pool, flags);
    status = weir_event_await(&pool->ended, is_gone, pool, deadline, NULL);
    if (status != 0)
        return status;
    for (unsigned i = 0; i < pool->slots; i++) {
        /* relaxed: what the threads did was acquired by is_gone(). */
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (worker != NULL && worker->has_thread)
            (void)pthread_join(worker->thread, NULL);
    }
    pool->stopped = true;
    return 0;
}

int weir_pool_free(weir_pool *pool)
{
    if (pool == NULL)
        return 0;
    if (!pool->stopped)
        return -EBUSY;
    release(pool);
    return 0;
}

int weir_pool_resize(weir_pool *pool, unsigned workers)
{
    if (workers == 0 || workers > pool->options.max_workers)
        return -EINVAL;
    return weir__crew_resize(pool, workers) ? 0 : -EPIPE;
}

/* ---- submit ---- */

/* From outside, a chain. */
static int inject(weir_pool *pool, weir_job *newest, weir_job *oldest, weir_pool_priority priority)
{
    if (WEIR_UNLIKELY(!weir__crew_has_begun(pool))) {
        const int status = weir__crew_begin(pool);

        if (status != 0)
            return status;
    }
    if (!weir__injector_push(&pool->injectors[priority], newest, oldest))
        return -EPIPE;
    weir__crew_notify(pool);
    return 0;
}

/* By a worker of the pool, among its own. */
static int submit_own(weir__pool_worker *self, weir_job *job)
{
    /* relaxed: a flag; a job that is submitted beside the stop is run, or discarded. ENDS: by
     * on_end. */
    if ((weir_atomic_load(&self->pool->crew, WEIR_RELAXED) &
         (WEIR__CREW_DISCARDS | WEIR__CREW_ENDS)) != 0)
        return -EPIPE;
    if (weir_deque_push(&self->submitted, (uintptr_t)job) != 0)
        weir__injector_put_back(&self->pool->injectors[WEIR_POOL_NORMAL], job);
    else
        self->submits = true;
    weir_fence_light();
    /* relaxed: as in weir_spawn(). */
    if ((weir_atomic_load(&self->pool->crew, WEIR_RELAXED) & WEIR__CREW_WANTS) != 0)
        weir__crew_call(&self->face);
    return 0;
}

int weir_pool_submit_priority(weir_pool *pool, weir_job *job, weir_pool_priority priority)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    int status;

    WEIR_REQUIRE((unsigned)priority < WEIR__PRIORITIES, "no such priority");
    WEIR_ASSERT(job->run != NULL, "a job without a function");
    if (self == NULL || self->pool != pool)
        return inject(pool, job, job, priority);
    if (priority == WEIR_POOL_NORMAL)
        return submit_own(self, job);
    status = inject(pool, job, job, priority);
    /* A pool that drains takes from its workers still. */
    return status == -EPIPE ? submit_own(self, job) : status;
}

int weir_pool_submit(weir_pool *pool, weir_job *job)
{
    return weir_pool_submit_priority(pool, job, WEIR_POOL_NORMAL);
}

int weir_pool_submit_bulk(weir_pool *pool, weir_job *const *jobs, size_t n,
                          weir_pool_priority priority)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    const bool inside = self != NULL && self->pool == pool;

    WEIR_REQUIRE((unsigned)priority < WEIR__PRIORITIES, "no such priority");
    if (n == 0)
        return 0;
    if (!inside || priority != WEIR_POOL_NORMAL) {
        int status;

        for (size_t i = 1; i < n; i++)
            jobs[i]->next = jobs[i - 1];
        status = inject(pool, jobs[n - 1], jobs[0], priority);
        if (status != -EPIPE || !inside)
            return status;
    }
    for (size_t i = 0; i < n; i++) {
        const int status = submit_own(self, jobs[i]);

        /* All or none: a stop that came in between discards, or drains, the rest. */
        if (status != 0 && i == 0)
            return status;
        if (status != 0)
            weir__pool_discard(pool, jobs[i]);
    }
    return 0;
}

int weir_pool_run(weir_pool *pool, weir_job *job)
{
    awaited call;
    int status;

    if (weir_pool_self() == pool)
        return job->run(job);
    weir_job_init(&call.job, run_awaited);
    call.inner = job;
    call.status = 0;
    weir_waiter_init(&call.waiter);
    status = weir_pool_submit(pool, &call.job);
    if (status != 0)
        return status;
    weir_block_begin(); /* of another pool's worker */
    while (weir_waiter_park(&call.waiter, WEIR_FOREVER, NULL) != 0) {
    }
    weir_block_end();
    return call.status;
}

/* ---- queries ---- */

weir_pool *weir_pool_self(void)
{
    const weir__pool_worker *const self = weir__pool_worker_self();

    return self == NULL ? NULL : self->pool;
}

unsigned weir_pool_worker(void)
{
    const weir__pool_worker *const self = weir__pool_worker_self();

    return self == NULL ? UINT_MAX : self->number;
}

unsigned weir_pool_workers(const weir_pool *pool)
{
    return weir__crew_target(weir_atomic_load(&pool->crew, WEIR_RELAXED)); /* relaxed: a number. */
}

void weir_pool_stats_read(weir_pool *pool, weir_pool_stats *stats)
{
    /* relaxed: here and below: numbers by themselves. */
    const uint64_t crew = weir_atomic_load(&pool->crew, WEIR_RELAXED);
    const unsigned made = weir_atomic_load(&pool->made, WEIR_RELAXED); /* relaxed: as above. */
    uint64_t sampled = 0;

    memset(stats, 0, sizeof *stats);
    stats->workers = weir__crew_target(crew);
    stats->running = weir__crew_running(crew);
    stats->blocked = weir__crew_blocked(crew);
    stats->threads = weir_atomic_load(&pool->alive, WEIR_RELAXED);     /* relaxed: as above. */
    stats->refusals = weir_atomic_load(&pool->refusals, WEIR_RELAXED); /* relaxed: as above. */
    for (unsigned i = 0; i < made; i++) {
        /* sync(made): acquire. Pairs with the store in make_worker(). */
        const weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_ACQUIRE);
        uint64_t jobs, mean;

        if (worker == NULL)
            continue;
        jobs = weir_atomic_load(&worker->jobs, WEIR_RELAXED);      /* relaxed: as above. */
        mean = weir_atomic_load(&worker->sample_ns, WEIR_RELAXED); /* relaxed: as above. */
        stats->jobs += jobs;
        stats->steals += weir_atomic_load(&worker->steals, WEIR_RELAXED); /* relaxed: as above. */
        stats->sleeps += weir_atomic_load(&worker->sleeps, WEIR_RELAXED); /* relaxed: as above. */
        if (mean != 0 && jobs != 0) {
            stats->job_ns += mean * jobs;
            sampled += jobs;
        }
    }
    if (sampled == 0)
        return;
    stats->job_ns = stats->job_ns / sampled;
    stats->grain_hint = ((uint64_t)JOB_NS * SHARE + stats->job_ns) / (stats->job_ns + 1);
}
