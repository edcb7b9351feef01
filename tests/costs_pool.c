/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of the pool, when nobody steals and nobody is to be woken: pool, parallel, trace.
 *
 * Single steps are made in a thread of the harness, and a worker's thread is the pool's. So the
 * only worker of a pool lends itself: its one job tells where the worker is, and sleeps. The
 * counted thread is the worker meanwhile, and so is, while it sets up a row, the main thread. The
 * crew's word is the same all the time, whatever else the machine does: one is to run, and one
 * does. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

/* ---- the worker ---- */

static weir_pool *pool;
static weir__worker *worker; /* lent */
static weir_sem is_lent, is_back;

static int lend(weir_job *job)
{
    (void)job;
    worker = weir__worker_self;
    weir_sem_release(&is_lent, 1);
    while (weir_sem_acquire(&is_back, 1, WEIR_FOREVER, NULL) != 0) {
    }
    return 0;
}

/* The calling thread becomes a worker, or with NULL ceases to be one. */
static uintptr_t become(weir__worker *who)
{
    weir__worker_self = who;
    return 1;
}

static void borrow_worker(void)
{
    static weir_job lends = WEIR_JOB_INIT(lend);
    weir_pool_options options;

    memset(&options, 0, sizeof options);
    options.workers = options.max_workers = options.max_blocked = 1;
    weir_sem_init(&is_lent, 0);
    weir_sem_init(&is_back, 0);
    costs_require(weir_pool_new(&pool, &options) == 0, "no pool");
    costs_require(weir_pool_submit(pool, &lends) == 0, "no worker");
    costs_require(weir_sem_acquire(&is_lent, 1, WEIR_FOREVER, NULL) == 0, "it is not lent");
}

/* It runs what has been submitted to it. */
static void return_worker(void)
{
    weir_sem_release(&is_back, 1);
    costs_require(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) == 0, "it does not end");
    costs_require(weir_pool_free(pool) == 0, "it has not ended");
}

/* ---- spawn, join ---- */

static weir_job job[2];

static int nothing(weir_job *j)
{
    (void)j;
    return 0;
}

enum { RUN = 256 }; /* the younger of two was, when the older was joined */

/* `n` in the worker's deque, + RUN. */
static void spawned(unsigned n)
{
    weir__worker *const before = weir__worker_self;
    uintptr_t left;

    weir__worker_self = worker;
    while (weir_deque_pop(&worker->spawned, &left))
        continue;
    for (unsigned i = 0; i < n % RUN; i++)
        weir_spawn(&job[i], nothing);
    if (n > RUN)
        costs_require(weir_join(&job[0]) == 0, "a job has failed");
    weir__worker_self = before;
}

/* Outside of a pool. */
static void to_be_joined(unsigned n)
{
    (void)n;
    weir_spawn(&job[0], nothing);
}

static void worker_rows(void)
{
    const uintptr_t run = P(nothing);

    ROW_OF(spawn_join, "a worker", spawned, 0, 0, P(job), run);
    ROW_OF(spawn, "a worker", spawned, 0, ANY, P(job), run);
    ROW_OF(join, "a worker", spawned, 1, 0, P(job));
    ROW_OF(join, "a worker, the older of two first", spawned, 2, 0, P(job));
    ROW_OF(join, "a worker, then the other", spawned, RUN + 2, 0, P(&job[1]));
    ROW_OF(join_run, "a worker", spawned, 1, 0, P(job), run);
    spawned(0);
}

static void spawn_rows_outside(void)
{
    const uintptr_t run = P(nothing);

    ROW_OF(spawn_join, "outside of a pool", NULL, 0, 0, P(job), run);
    ROW_OF(spawn, "outside of a pool", NULL, 0, ANY, P(job), run);
    ROW_OF(join, "outside of a pool", to_be_joined, 0, 0, P(job));
    ROW_OF(join_run, "outside of a pool", to_be_joined, 0, 0, P(job), run);
}

/* ---- block ---- */

static unsigned blocks; /* of the worker, with that of the row */

/* `n` have begun, and not ended. */
static void blocked(unsigned n)
{
    weir__worker *const before = weir__worker_self;

    weir__worker_self = worker;
    for (; blocks > n; blocks--)
        weir_block_end();
    for (; blocks < n; blocks++)
        weir_block_begin();
    weir__worker_self = before;
    if (costs_now.function == FUNCTION(path_block_begin))
        blocks++;
    else if (costs_now.function == FUNCTION(path_block_end))
        blocks--;
}

static void block_rows(void)
{
    ROW_OF(block_begin, "a worker, no work is left", blocked, 0, ANY, 0);
    ROW_OF(block_end, "a worker", blocked, 1, ANY, 0);
    ROW_OF(block_begin, "a worker, nested", blocked, 1, ANY, 0);
    ROW_OF(block_end, "a worker, nested", blocked, 2, ANY, 0);
    costs_now.function = NULL;
    blocked(0);
}

/* ---- submit ---- */

enum { BULK = 8, JOBS = 96 };

static weir_job *bulk[BULK];

/* The row submits a job that was not submitted yet, or with `n` that many. */
static void not_submitted(unsigned n)
{
    static weir_job jobs[JOBS];
    static unsigned used;

    costs_require(used + n < JOBS, "the jobs do not suffice");
    costs_now.argument[0] = P(pool);
    if (n == 0)
        costs_now.argument[1] = P(&jobs[used]);
    for (unsigned i = 0; i < n; i++)
        bulk[i] = &jobs[used + i];
    for (unsigned i = 0; i < (n != 0 ? n : 1); i++)
        weir_job_init(&jobs[used++], nothing);
}

static void pool_rows(void)
{
    costs_structure = "pool";
    borrow_worker();
    (void)costs_ask(FUNCTION(become), worker);
    worker_rows();
    block_rows(); /* before there is work for others */
    ROW(pool, self, "a worker", NULL, 0, ANY, 0);
    ROW(pool, worker, "a worker", NULL, 0, 0, 0);
    ROW(pool, submit, "a worker", not_submitted, 0, 0, 0, 0);
    (void)costs_ask(FUNCTION(become), NULL);
    spawn_rows_outside();
    ROW_OF(block_begin, "outside of a pool", NULL, 0, ANY, 0);
    ROW_OF(block_end, "outside of a pool", NULL, 0, ANY, 0);
    ROW(pool, self, "outside of a pool", NULL, 0, 0, 0);
    ROW(pool, worker, "outside of a pool", NULL, 0, 255, 0);
    ROW(pool, submit, "from outside, all run", not_submitted, 0, 0, 0, 0);
    ROW(pool, submit_bulk, "from outside, all run, 8 jobs", not_submitted, BULK, 0, 0, P(bulk),
        BULK, WEIR_POOL_NORMAL);
    return_worker();
}

/* ---- parallel, trace ---- */

static int does_nothing(void *context, size_t from, size_t to)
{
    (void)context;
    return from + 1 == to ? 0 : -EINVAL;
}

static void parallel_rows(void)
{
    static const weir_parallel alone = {NULL, 0, NULL, NULL};

    costs_structure = "parallel";
    ROW(parallel, for, "1 item, no pool", NULL, 0, 0, P(&alone), 0, 1, P(does_nothing), 0);
}

static void trace_rows(void)
{
    const uintptr_t name = P("event");

    costs_structure = "trace";
    ROW(trace, event, "not started", NULL, 0, ANY, WEIR_TRACE_KIND_INSTANT, name, 0);
    costs_require(weir_trace_start(64) == 0, "no trace");
    ROW(trace, event, "recorded", NULL, 0, ANY, WEIR_TRACE_KIND_INSTANT, name, 0);
    costs_require(weir_trace_free() == 0, "somebody traces");
}

void costs_of_pool(void)
{
    pool_rows();
    parallel_rows();
    trace_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
