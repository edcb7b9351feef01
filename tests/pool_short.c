/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool_short.c: a weir_pool when memory is short, or no thread can be made: no job is lost.
 */

#include "pool.h"
#include "process.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

/* ---- memory ---- */

static void survives_exhausted_memory(void)
{
    count_job job;

    for (size_t nr = 1;; nr++) {
        weir_pool *pool = NULL;
        int status;

        count_init(&job, NULL);
        test_alloc_fail_at(nr);
        status = weir_pool_new(&pool, NULL);
        if (status == 0) {
            status = weir_pool_submit(pool, &job.job);
            CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
            CHECK_EQ(runs_of(&job), status == 0 ? 1 : 0);
            CHECK_EQ(weir_pool_free(pool), 0);
        } else {
            CHECK(pool == NULL);
        }
        CHECK_EQ(test_alloc_live, 0);
        if (status == 0 && test_alloc_calls < nr)
            return;
        CHECK(status == 0 || status == -ENOMEM);
    }
}

/* The next allocation fails. While no other thread allocates. */
static void fail_next(void)
{
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
}

/* Jobs that a worker keeps for want of memory are run all the same. */
static void submit_some(void *of)
{
    count_job *const jobs = (count_job *)of;

    test_alloc_fail_at(1);
    for (unsigned i = 0; i < 200; i++) {
        count_init(&jobs[i], NULL);
        CHECK_EQ(weir_pool_submit(weir_pool_self(), &jobs[i].job), 0);
    }
    CHECK(test_alloc_calls > 0);
    test_alloc_fail_at(0);
}

typedef struct pair_job {
    weir_job job;
    unsigned ran;
} pair_job;

static int pair_run(weir_job *job)
{
    ((pair_job *)(void *)job)->ran++;
    return 0;
}

static void spawn_some(void *of)
{
    pair_job *const jobs = (pair_job *)of;

    test_alloc_fail_at(1);
    for (unsigned i = 0; i < 200; i++)
        weir_spawn(&jobs[i].job, pair_run);
    CHECK(test_alloc_calls > 0);
    test_alloc_fail_at(0);
    for (unsigned i = 200; i-- > 0;)
        CHECK_EQ(weir_join(&jobs[i].job), 0);
}

static void a_deque_that_cannot_grow_loses_nothing(void)
{
    static count_job jobs[200];
    static pair_job pairs[200];
    weir_pool *pool;

    test_alloc_fail_at(0);
    pool = pool_of(1);
    inside(pool, submit_some, jobs);
    inside(pool, spawn_some, pairs);
    end_pool(pool);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(runs_of(&jobs[i]), 1);
        CHECK_EQ(pairs[i].ran, 1);
    }
    CHECK_EQ(test_alloc_live, 0);
}

/* A worker that is one too many does not sleep on what it had no memory to queue. */
typedef struct short_of_memory {
    weir_pool *pool;
    count_job *jobs;
} short_of_memory;

static void submit_and_be_too_many(void *of)
{
    short_of_memory *const it = (short_of_memory *)of;

    submit_some(it->jobs);
    CHECK_EQ(weir_pool_resize(it->pool, 1), 0);
}

static void what_had_no_memory_is_everybodys(void)
{
    static count_job jobs[200];
    short_of_memory it;
    gate_job gate;

    test_alloc_fail_at(0);
    it.pool = pool_of(2);
    it.jobs = jobs;
    gate_enter(&gate, it.pool);
    inside(it.pool, submit_and_be_too_many, &it);
    gate_open(&gate);
    end_pool(it.pool);
    for (unsigned i = 0; i < 200; i++)
        CHECK_EQ(runs_of(&jobs[i]), 1);
    CHECK_EQ(test_alloc_live, 0);
}

/* A worker that has no memory for what it needs to steal takes what another one, who is one too
 * many, has had submitted to itself. */
static void *not_for_the_first(size_t bytes, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    if (weir_pool_worker() == 0)
        return NULL;
    return posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment,
                          bytes) == 0
               ? memory
               : NULL;
}

static void give_back(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

typedef struct submitter {
    gate_job gate; /* first */
    count_job jobs[5];
} submitter;

static int submit_and_wait(weir_job *job)
{
    submitter *const self = (submitter *)(void *)job;

    for (unsigned i = 0; i < COUNT(self->jobs); i++) {
        count_init(&self->jobs[i], NULL);
        CHECK_EQ(weir_pool_submit(weir_pool_self(), &self->jobs[i].job), 0);
    }
    return gate_run(job);
}

static void who_cannot_steal_is_given_what_is_left(void)
{
    const weir_allocator sparse = {not_for_the_first, give_back, NULL};
    submitter self;
    weir_pool *pool;
    gate_job gate;

    weir_set_allocator(&sparse);
    pool = pool_of(2);
    gate_enter(&gate, pool);
    gate_init(&self.gate);
    self.gate.job.run = submit_and_wait;
    CHECK_EQ(weir_pool_submit(pool, &self.gate.job), 0);
    CHECK_EQ(weir_latch_wait(&self.gate.inside, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_pool_resize(pool, 1), 0);
    gate_open(&self.gate);
    while (stats_of(pool).running != 1) /* the first, who is in the gate */
        sched_yield();
    gate_open(&gate);
    end_pool(pool);
    for (unsigned i = 0; i < COUNT(self.jobs); i++)
        CHECK_EQ(runs_of(&self.jobs[i]), 1);
    weir_set_allocator(NULL);
}

/* More come from outside at once than a deque has cells at first. */
static void what_cannot_be_kept_is_put_back(void)
{
    static count_job jobs[40];
    weir_pool *pool;
    gate_job gate;

    test_alloc_fail_at(0);
    pool = pool_of(1);
    gate_enter(&gate, pool);
    for (unsigned i = 0; i < COUNT(jobs); i++) {
        count_init(&jobs[i], NULL);
        CHECK_EQ(weir_pool_submit(pool, &jobs[i].job), 0);
    }
    fail_next();
    gate_open(&gate);
    end_pool(pool);
    CHECK(test_alloc_calls > 0);
    for (unsigned i = 0; i < COUNT(jobs); i++)
        CHECK_EQ(runs_of(&jobs[i]), 1);
    CHECK_EQ(test_alloc_live, 0);
}

/* Also when nothing comes from outside any more. */
typedef struct late_job {
    weir_job job;
    count_job *jobs;
    weir_latch stopped, submitted, go;
} late_job;

static int submit_late(weir_job *job)
{
    late_job *const late = (late_job *)(void *)job;

    CHECK_EQ(weir_latch_wait(&late->stopped, WEIR_FOREVER, NULL), 0);
    submit_some(late->jobs);
    weir_latch_count_down(&late->submitted, 1);
    CHECK_EQ(weir_latch_wait(&late->go, WEIR_FOREVER, NULL), 0);
    return 0;
}

static void what_is_put_back_after_a_stop_is_run(void)
{
    static count_job jobs[200];
    late_job late;
    weir_pool *pool;
    count_job job;

    test_alloc_fail_at(0);
    pool = pool_of(1);
    weir_job_init(&late.job, submit_late);
    late.jobs = jobs;
    weir_latch_init(&late.stopped, 1);
    weir_latch_init(&late.submitted, 1);
    weir_latch_init(&late.go, 1);
    CHECK_EQ(weir_pool_submit(pool, &late.job), 0);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, 0), -ETIMEDOUT);
    weir_latch_count_down(&late.stopped, 1);
    CHECK_EQ(weir_latch_wait(&late.submitted, WEIR_FOREVER, NULL), 0);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_submit(pool, &job.job), -EPIPE); /* it is closed still */
    weir_latch_count_down(&late.go, 1);
    end_pool(pool);
    for (unsigned i = 0; i < COUNT(jobs); i++)
        CHECK_EQ(runs_of(&jobs[i]), 1);
    CHECK_EQ(runs_of(&job), 0);
    CHECK_EQ(test_alloc_live, 0);
}

/* ---- threads ---- */

static void *submit_in_vain(void *pool)
{
    for (unsigned i = 0; i < 200; i++) {
        count_job job;

        count_init(&job, NULL);
        CHECK_EQ(weir_pool_submit((weir_pool *)pool, &job.job), -EAGAIN);
    }
    return NULL;
}

static void says_when_no_thread_can_be_made(void)
{
    weir_pool_options options = no_options();
    weir_pool *pool;
    weir_pool_stats stats;
    count_job job;
    weir_call call;
    pthread_t thread;

    if (sizeof(size_t) < 8 || test_emulated()) {
        test_skip("no stack is absurd enough here");
        return;
    }
    options.workers = 2;
    options.stack_bytes = SIZE_MAX >> 18; /* 64 TiB */
    pool = pool_with(&options);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_submit(pool, &job.job), -EAGAIN);
    weir_call_init(&call, NULL, NULL);
    CHECK_EQ(weir_pool_submit(pool, &call.job), -EAGAIN);
    stats = stats_of(pool);
    CHECK_EQ(stats.refusals, 2);
    CHECK(pthread_create(&thread, NULL, submit_in_vain, pool) == 0);
    (void)submit_in_vain(pool);
    CHECK(pthread_join(thread, NULL) == 0);
    stats = stats_of(pool);
    CHECK_EQ(stats.refusals, 402);
    CHECK_EQ(stats.threads, 0);
    CHECK_EQ(stats.running, 0);
    end_pool(pool);
    CHECK_EQ(runs_of(&job), 0);
}

/* 0: unknown, or nothing that a limit could be put on. */
static size_t address_space(void)
{
    return sizeof(size_t) < 8 || test_emulated() ? 0 : process_address_space();
}

static int submit_without_room(weir_pool *pool, weir_job *job, size_t room)
{
    struct rlimit before, less;
    int status;

    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    less = before;
    less.rlim_cur = (rlim_t)(address_space() + room);
    CHECK(setrlimit(RLIMIT_AS, &less) == 0);
    status = weir_pool_submit(pool, job);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    return status;
}

/* With one thread there, a second that cannot be made costs no job, and may be made later. */
static void refuse_a_second(bool memory)
{
    enum { STACK = 512 * 1024 * 1024 };
    weir_pool_options options = no_options();
    weir_pool *pool;
    weir_pool_stats stats;
    weir_latch latch;
    gate_job gates[2];
    count_job job;

    test_alloc_fail_at(0);
    options.workers = 2;
    options.stack_bytes = memory ? 0 : STACK;
    pool = pool_with(&options);
    gate_enter(&gates[0], pool);
    weir_latch_init(&latch, 1);
    count_init(&job, &latch);
    if (memory) {
        fail_next();
        CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
        CHECK_EQ(test_alloc_calls, 1);
    } else {
        CHECK_EQ(submit_without_room(pool, &job.job, STACK / 2), 0);
    }
    stats = stats_of(pool);
    CHECK_EQ(stats.refusals, 1);
    CHECK_EQ(stats.threads, 1);
    CHECK_EQ(stats.running, 1);
    gate_open(&gates[0]);
    CHECK_EQ(weir_latch_wait(&latch, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(stats_of(pool).threads, 1);
    gate_enter(&gates[0], pool);
    gate_enter(&gates[1], pool);
    stats = stats_of(pool);
    CHECK_EQ(stats.refusals, 1);
    CHECK_EQ(stats.threads, 2);
    gate_open(&gates[0]);
    gate_open(&gates[1]);
    end_pool(pool);
    CHECK_EQ(runs_of(&job), 1);
    CHECK_EQ(test_alloc_live, 0);
}

static void a_second_thread_may_be_refused_for_want_of_memory(void)
{
    refuse_a_second(true);
}

static void a_second_thread_may_be_refused_by_the_system(void)
{
    if (address_space() == 0)
        test_skip("no limit for the address space");
    else
        refuse_a_second(false);
}

/* While a second thread is being made, in vain, the first runs what there was, and goes to sleep;
 * then there is more: the one who was to search for it never comes. */
typedef struct meanwhile {
    weir_pool *pool;
    gate_job gate;
    count_job first, second;
    weir_latch latches[2];
    bool now;
} meanwhile;

static void *alloc_too_late(size_t bytes, size_t alignment, void *context)
{
    meanwhile *const m = (meanwhile *)context;

    if (!m->now)
        return test_alloc(bytes, alignment, NULL);
    m->now = false;
    gate_open(&m->gate);
    CHECK_EQ(weir_latch_wait(&m->latches[0], WEIR_FOREVER, NULL), 0);
    while (stats_of(m->pool).running != 1) /* the one that is not there yet */
        sched_yield();
    CHECK_EQ(weir_pool_submit(m->pool, &m->second.job), 0);
    return NULL;
}

static void who_sleeps_is_woken_if_nobody_comes(void)
{
    meanwhile m;
    const weir_allocator too_late = {alloc_too_late, test_release, &m};

    test_alloc_fail_at(0);
    weir_set_allocator(&too_late);
    m.now = false;
    m.pool = pool_of(2);
    weir_latch_init(&m.latches[0], 1);
    weir_latch_init(&m.latches[1], 1);
    count_init(&m.first, &m.latches[0]);
    count_init(&m.second, &m.latches[1]);
    gate_enter(&m.gate, m.pool);
    m.now = true;
    CHECK_EQ(weir_pool_submit(m.pool, &m.first.job), 0);
    CHECK(!m.now);
    CHECK_EQ(weir_latch_wait(&m.latches[1], WEIR_FOREVER, NULL), 0);
    CHECK_EQ(stats_of(m.pool).refusals, 1);
    CHECK_EQ(stats_of(m.pool).threads, 1);
    end_pool(m.pool);
    weir_set_allocator(NULL);
    CHECK_EQ(test_alloc_live, 0);
}

int main(void)
{
    return TEST_RUN("pool_short", TEST_CASE(survives_exhausted_memory),
                    TEST_CASE(a_deque_that_cannot_grow_loses_nothing),
                    TEST_CASE(what_had_no_memory_is_everybodys),
                    TEST_CASE(who_cannot_steal_is_given_what_is_left),
                    TEST_CASE(what_cannot_be_kept_is_put_back),
                    TEST_CASE(what_is_put_back_after_a_stop_is_run),
                    TEST_CASE(says_when_no_thread_can_be_made),
                    TEST_CASE(a_second_thread_may_be_refused_for_want_of_memory),
                    TEST_CASE(a_second_thread_may_be_refused_by_the_system),
                    TEST_CASE(who_sleeps_is_woken_if_nobody_comes));
}
