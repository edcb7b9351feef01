/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool.c: weir_pool: jobs that are submitted, their errors, and in which order they are run.
 * Its beginning and end: tests/pool_life.c; when memory or threads are short: tests/pool_short.c;
 * fork and join: tests/pool_join.c; how many workers: tests/pool_workers.c. */

#include "pool.h"

#include <pthread.h>

/* ---- jobs ---- */

enum { MANY = 2000 };

static void a_job_is_run(void)
{
    weir_pool *const pool = pool_of(1);
    weir_latch latch;
    count_job job;

    for (unsigned i = 1; i <= 3; i++) {
        weir_latch_init(&latch, 1);
        if (i == 1)
            count_init(&job, &latch);
        job.latch = &latch;
        CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
        CHECK_EQ(weir_latch_wait(&latch, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(runs_of(&job), i); /* the same one, again and again */
    }
    end_pool(pool);
}

typedef struct many {
    weir_pool *pool;
    count_job *jobs;
    bool bulk;
    weir_pool_priority priority;
} many;

static void *submit_many(void *of)
{
    const many *const m = (const many *)of;
    weir_job *jobs[MANY];

    for (size_t i = 0; i < MANY; i++) {
        jobs[i] = &m->jobs[i].job;
        if (!m->bulk)
            CHECK_EQ(weir_pool_submit_priority(m->pool, jobs[i], m->priority), 0);
    }
    if (m->bulk)
        CHECK_EQ(weir_pool_submit_bulk(m->pool, jobs, MANY, m->priority), 0);
    return NULL;
}

static void submit_many_inside(void *of)
{
    (void)submit_many(of);
}

static void each_is_run_once(void)
{
    enum { FROM = 3 };
    static count_job jobs[FROM][MANY];

    EACH_SIZE(workers)
    {
        for (unsigned variant = 0; variant < 12; variant++) {
            weir_pool *const pool = pool_of(workers);
            pthread_t threads[FROM];
            many m[FROM];

            for (unsigned f = 0; f < FROM; f++) {
                for (size_t i = 0; i < MANY; i++)
                    count_init(&jobs[f][i], NULL);
                m[f].pool = pool;
                m[f].jobs = jobs[f];
                m[f].bulk = variant % 2 == 1;
                m[f].priority = (weir_pool_priority)(variant / 2 % 3);
                if (variant >= 6)
                    inside(pool, submit_many_inside, &m[f]);
                else
                    CHECK(pthread_create(&threads[f], NULL, submit_many, &m[f]) == 0);
            }
            for (unsigned f = 0; f < FROM && variant < 6; f++)
                CHECK(pthread_join(threads[f], NULL) == 0);
            end_pool(pool);
            for (unsigned f = 0; f < FROM; f++)
                for (size_t i = 0; i < MANY; i++)
                    CHECK_EQ(runs_of(&jobs[f][i]), 1);
        }
    }
}

static int returns_minus_7(weir_job *job)
{
    (void)job;
    return -7;
}

static void run_inside(void *pool)
{
    weir_job job;

    CHECK(weir_pool_self() == pool);
    CHECK(weir_pool_worker() == 0);
    weir_job_init(&job, returns_minus_7);
    CHECK_EQ(weir_pool_run((weir_pool *)pool, &job), -7); /* on the only worker: by this one */
}

static void run_waits_for_the_status(void)
{
    weir_pool *const pool = pool_of(1);
    weir_job job;

    weir_job_init(&job, returns_minus_7);
    CHECK(weir_pool_self() == NULL);
    CHECK_EQ(weir_pool_worker(), (int64_t)UINT32_MAX);
    CHECK_EQ(weir_pool_run(pool, &job), -7);
    inside(pool, run_inside, pool);
    end_pool(pool);
}

/* ---- errors and cancellation ---- */

typedef struct sink {
    WEIR_ATOMIC(unsigned) calls;
    const weir_job *job;
    int status;
} sink;

static void sink_failed(void *context, weir_job *job, int status)
{
    sink *const s = (sink *)context;

    s->job = job;
    s->status = status;
    weir_atomic_fetch_add(&s->calls, 1, WEIR_RELEASE);
}

static void what_nobody_waits_for_fails_into_the_sink(void)
{
    weir_pool_options options = no_options();
    weir_pool *pool;
    count_job good, bad;
    sink s;

    memset((void *)&s, 0, sizeof s);
    options.workers = 2;
    options.failed = sink_failed;
    options.context = &s;
    pool = pool_with(&options);
    count_init(&good, NULL);
    count_init(&bad, NULL);
    bad.status = -EIO;
    CHECK_EQ(weir_pool_submit(pool, &good.job), 0);
    CHECK_EQ(weir_pool_submit(pool, &bad.job), 0);
    end_pool(pool);
    CHECK_EQ(weir_atomic_load(&s.calls, WEIR_ACQUIRE), 1);
    CHECK(s.job == &bad.job);
    CHECK_EQ(s.status, -EIO);
}

typedef struct sum_call {
    weir_call call;
    int a, b, sum;
} sum_call;

static int sum_run(weir_call *call)
{
    sum_call *const sum = (sum_call *)(void *)call;

    sum->sum = sum->a + sum->b;
    return sum->a < 0 ? -EDOM : 0;
}

static void a_call_has_a_status(void)
{
    weir_pool *const pool = pool_of(1);
    weir_cancel_source source;
    sum_call call;

    for (int i = 0; i < 3; i++) {
        call.a = i == 1 ? -1 : 3;
        call.b = 4;
        call.sum = 0;
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        weir_call_init(&call.call, sum_run, weir_cancel_source_token(&source));
        if (i == 2)
            CHECK(weir_cancel_source_cancel(&source, 0));
        CHECK_EQ(weir_pool_submit(pool, &call.call.job), 0);
        CHECK_EQ(weir_call_get(&call.call, WEIR_FOREVER, NULL), i == 0   ? 0
                                                                : i == 1 ? -EDOM
                                                                         : -ECANCELED);
        CHECK_EQ(call.sum, i == 0 ? 7 : i == 1 ? 3 : 0);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    end_pool(pool);
}

static void a_call_may_be_waited_for_again(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;
    sum_call call;

    gate_enter(&gate, pool);
    call.a = call.b = 1;
    weir_call_init(&call.call, sum_run, NULL);
    CHECK_EQ(weir_pool_submit(pool, &call.call.job), 0);
    CHECK_EQ(weir_call_get(&call.call, 0, NULL), -ETIMEDOUT);
    CHECK(!weir_future_is_done(&call.call.future));
    gate_open(&gate);
    CHECK_EQ(weir_call_get(&call.call, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(call.sum, 2);
    end_pool(pool);
}

/* ---- order ---- */

typedef struct order_job {
    weir_job job;
    unsigned name;
    unsigned *next, *order; /* of one worker, so plain */
} order_job;

static int order_run(weir_job *job)
{
    order_job *const o = (order_job *)(void *)job;

    o->order[(*o->next)++] = o->name;
    return 0;
}

enum { ORDERED = 100 };

static order_job ordered[ORDERED];
static unsigned order[ORDERED], order_next;

static void orders(unsigned n)
{
    order_next = 0;
    for (unsigned i = 0; i < n; i++) {
        weir_job_init(&ordered[i].job, order_run);
        ordered[i].name = i;
        ordered[i].next = &order_next;
        ordered[i].order = order;
    }
}

static void priorities_come_in_order(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;

    gate_enter(&gate, pool);
    orders(9);
    for (unsigned i = 0; i < 9; i++) /* 0 3 6 idle, 1 4 7 normal, 2 5 8 urgent */
        CHECK_EQ(weir_pool_submit_priority(pool, &ordered[i].job,
                                           (weir_pool_priority)(WEIR_POOL_IDLE - i % 3)),
                 0);
    gate_open(&gate);
    end_pool(pool);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(order[i], i % 3 * 3 + 2 - i / 3);
}

static void others_come_in_order_of_arrival(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;

    gate_enter(&gate, pool);
    orders(ORDERED);
    for (unsigned i = 0; i < ORDERED; i++)
        CHECK_EQ(weir_pool_submit(pool, &ordered[i].job), 0);
    gate_open(&gate);
    end_pool(pool);
    for (unsigned i = 0; i < ORDERED; i++)
        CHECK_EQ(order[i], i);
}

typedef struct again_job {
    weir_job job;
    weir_pool *pool;
    const unsigned *seen; /* it ends when that is not 0 */
    unsigned runs, most;
} again_job;

static int again_run(weir_job *job)
{
    again_job *const again = (again_job *)(void *)job;

    CHECK(++again->runs < again->most);
    return *again->seen != 0 ? 0 : weir_pool_submit(again->pool, job);
}

static void begin_again(void *of)
{
    again_job *const again = (again_job *)of;

    CHECK_EQ(weir_pool_submit(again->pool, &again->job), 0);
    orders(2);
    CHECK_EQ(weir_pool_submit(again->pool, &ordered[0].job), 0);
    CHECK_EQ(weir_pool_submit(again->pool, &ordered[1].job), 0);
}

/* The newest first, but not for ever. */
static void who_submits_itself_starves_nobody(void)
{
    for (unsigned outside = 0; outside < 2; outside++) {
        weir_pool *const pool = pool_of(1);
        gate_job gate;
        again_job again;

        weir_job_init(&again.job, again_run);
        again.pool = pool;
        again.seen = &order_next;
        again.runs = 0;
        again.most = outside == 0 ? 100 : UINT32_MAX; /* who submits from outside takes his time */
        if (outside == 0) {
            inside(pool, begin_again, &again);
        } else {
            gate_enter(&gate, pool);
            CHECK_EQ(weir_pool_submit(pool, &again.job), 0);
            orders(1);
            gate_open(&gate);
            CHECK_EQ(weir_pool_submit(pool, &ordered[0].job), 0);
        }
        end_pool(pool);
        CHECK_EQ(order_next, outside == 0 ? 2 : 1);
        CHECK(again.runs >= 1);
    }
}

int main(void)
{
    return TEST_RUN("pool", TEST_CASE(a_job_is_run), TEST_CASE(each_is_run_once),
                    TEST_CASE(run_waits_for_the_status),
                    TEST_CASE(what_nobody_waits_for_fails_into_the_sink),
                    TEST_CASE(a_call_has_a_status), TEST_CASE(a_call_may_be_waited_for_again),
                    TEST_CASE(priorities_come_in_order), TEST_CASE(others_come_in_order_of_arrival),
                    TEST_CASE(who_submits_itself_starves_nobody));
}
