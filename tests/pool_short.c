/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool_short.c: a weir_pool when memory is short, or no thread can be made: no job is lost.
 */

#include "pool.h"

#include <pthread.h>

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
    CHECK_EQ(stats.threads, 0);
    CHECK_EQ(stats.running, 0);
    end_pool(pool);
    CHECK_EQ(runs_of(&job), 0);
}

int main(void)
{
    return TEST_RUN("pool_short", TEST_CASE(survives_exhausted_memory),
                    TEST_CASE(a_deque_that_cannot_grow_loses_nothing),
                    TEST_CASE(what_had_no_memory_is_everybodys),
                    TEST_CASE(says_when_no_thread_can_be_made));
}
