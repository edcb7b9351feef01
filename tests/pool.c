/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool.c: weir_pool: jobs, fork and join, blocking, numbers of workers. Its beginning and
 * end: tests/pool_life.c. */

#include "pool.h"

#include <pthread.h>
#include <sched.h>

static const unsigned sizes[] = {1, 2, 5};

#define EACH_SIZE(workers) \
    for (unsigned size = 0, workers; size < COUNT(sizes) && (workers = sizes[size], 1); size++)

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
    weir_pool_options options;
    weir_pool *pool = NULL;
    count_job good, bad;
    sink s;

    memset(&options, 0, sizeof options);
    memset((void *)&s, 0, sizeof s);
    options.workers = 2;
    options.failed = sink_failed;
    options.context = &s;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
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

/* ---- fork and join ---- */

typedef struct fib_job {
    weir_job job;
    unsigned n, result;
} fib_job;

static unsigned fib(unsigned n);

static int fib_run(weir_job *job)
{
    fib_job *const f = (fib_job *)(void *)job;

    f->result = fib(f->n);
    return 0;
}

static unsigned fib(unsigned n)
{
    fib_job first;
    unsigned second;

    if (n < 2)
        return n;
    first.n = n - 1;
    weir_spawn(&first.job, fib_run);
    second = fib(n - 2);
    CHECK_EQ(n % 2 == 0 ? weir_join(&first.job) : weir_join_run(&first.job, fib_run), 0);
    return first.result + second;
}

static void fib_inside(void *n)
{
    unsigned *const number = (unsigned *)n;

    *number = fib(*number);
}

static void fib_is_right(void)
{
    CHECK_EQ(fib(15), 610); /* outside of a pool */
    EACH_SIZE(workers)
    {
        weir_pool *const pool = pool_of(workers);
        unsigned n = 20;

        inside(pool, fib_inside, &n);
        CHECK_EQ(n, 6765);
        end_pool(pool);
    }
}

enum { QUEENS = 7 };

typedef struct queens_job {
    weir_job job;
    unsigned rows, columns, up, down; /* bits that are taken */
    unsigned solutions;
} queens_job;

static int queens_run(weir_job *job)
{
    queens_job *const q = (queens_job *)(void *)job;
    queens_job next[QUEENS];
    unsigned n = 0;

    q->solutions = q->rows == QUEENS;
    if (q->solutions != 0)
        return 0;
    for (unsigned c = 0; c < QUEENS; c++) {
        const unsigned bit = 1U << c;

        if (((q->columns | q->up | q->down) & bit) != 0)
            continue;
        next[n].rows = q->rows + 1;
        next[n].columns = q->columns | bit;
        next[n].up = (q->up | bit) << 1;
        next[n].down = (q->down | bit) >> 1;
        weir_spawn(&next[n].job, queens_run);
        n++;
    }
    for (unsigned i = 0; i < n; i++) { /* in both orders */
        queens_job *const it = &next[q->rows % 2 == 0 ? i : n - 1 - i];

        CHECK_EQ(weir_join(&it->job), 0);
        q->solutions += it->solutions;
    }
    return 0;
}

static void joins_come_in_any_order(void)
{
    EACH_SIZE(workers)
    {
        weir_pool *const pool = pool_of(workers);
        queens_job all;

        all.rows = all.columns = all.up = all.down = 0;
        weir_job_init(&all.job, queens_run);
        CHECK_EQ(weir_pool_run(pool, &all.job), 0);
        CHECK_EQ(all.solutions, 40);
        end_pool(pool);
    }
}

/* A job of two workers: the second takes what the first has spawned, since that one waits for
 * it. */
typedef struct handed {
    weir_job job;
    weir_latch begun, go;
    unsigned by; /* worker */
    int status;
} handed;

static int handed_run(weir_job *job)
{
    handed *const h = (handed *)(void *)job;

    h->by = weir_pool_worker();
    weir_latch_count_down(&h->begun, 1);
    CHECK_EQ(weir_latch_wait(&h->go, WEIR_FOREVER, NULL), 0);
    return h->status;
}

static void hand_over(handed *h, int status)
{
    weir_latch_init(&h->begun, 1);
    weir_latch_init(&h->go, 1);
    h->status = status;
    weir_spawn(&h->job, handed_run);
    CHECK_EQ(weir_latch_wait(&h->begun, WEIR_FOREVER, NULL), 0);
    CHECK(h->by != weir_pool_worker());
}

static void spawn_and_hand_over(void *unused)
{
    handed h;

    (void)unused;
    hand_over(&h, -ENOENT);
    weir_latch_count_down(&h.go, 1);
    CHECK_EQ(weir_join(&h.job), -ENOENT);
}

static void a_stolen_job_gives_its_status(void)
{
    weir_pool *const pool = pool_of(2);
    weir_pool_stats stats;

    inside(pool, spawn_and_hand_over, NULL);
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.steals, 1);
    end_pool(pool);
}

typedef struct unrelated {
    weir_job job;
    handed *h;
    unsigned by;
} unrelated;

static int unrelated_run(weir_job *job)
{
    unrelated *const u = (unrelated *)(void *)job;

    u->by = weir_pool_worker();
    weir_latch_count_down(&u->h->go, 1); /* now the join may end */
    return 0;
}

static void join_beside_others(void *pool)
{
    const unsigned self = weir_pool_worker();
    handed h;
    unrelated u;

    hand_over(&h, 0);
    weir_job_init(&u.job, unrelated_run);
    u.h = &h;
    CHECK_EQ(weir_pool_submit((weir_pool *)pool, &u.job), 0);
    CHECK_EQ(weir_join(&h.job), 0);
    CHECK(u.by != self && u.by != h.by); /* by who replaces this one */
}

static void who_joins_does_not_run_what_is_not_his(void)
{
    weir_pool *const pool = pool_of(2);

    inside(pool, join_beside_others, pool);
    end_pool(pool);
}

static void join_elsewhere(void *job)
{
    (void)weir_join((weir_job *)job);
}

static void join_by_another_thread(void *unused)
{
    fib_job f;

    (void)unused;
    f.n = 1;
    f.job.spawner = &f; /* as if another worker had spawned it */
    CHECK_DIES(join_elsewhere(&f.job), "a job is joined by the thread that spawned it");
}

static void only_the_spawner_joins(void)
{
    weir_pool *const pool = pool_of(1);

    inside(pool, join_by_another_thread, NULL);
    end_pool(pool);
}

/* ---- blocking ---- */

typedef struct meeting {
    weir_job job;
    weir_barrier *barrier;
} meeting;

static int meet(weir_job *job)
{
    meeting *const m = (meeting *)(void *)job;

    weir_block_begin();
    weir_block_begin(); /* nested */
    CHECK(weir_barrier_wait(m->barrier, WEIR_FOREVER, NULL) >= 0);
    weir_block_end();
    weir_block_end();
    return 0;
}

static void who_blocks_is_replaced(void)
{
    enum { PARTIES = 6 };
    weir_pool *const pool = pool_of(1);
    weir_barrier barrier;
    meeting m[PARTIES];
    weir_pool_stats stats;

    weir_block_begin(); /* outside: nothing */
    weir_block_end();
    weir_barrier_init(&barrier, PARTIES);
    for (unsigned i = 0; i < PARTIES; i++) {
        weir_job_init(&m[i].job, meet);
        m[i].barrier = &barrier;
        CHECK_EQ(weir_pool_submit(pool, &m[i].job), 0);
    }
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.jobs, PARTIES);
    CHECK_EQ(stats.blocked, 0);
    CHECK_EQ(weir_pool_free(pool), 0);
}

typedef struct blocker {
    weir_job job;
    weir_latch *inside, *go;
} blocker;

static int block(weir_job *job)
{
    blocker *const b = (blocker *)(void *)job;

    weir_block_begin();
    weir_latch_count_down(b->inside, 1);
    CHECK_EQ(weir_latch_wait(b->go, WEIR_FOREVER, NULL), 0);
    weir_block_end();
    return 0;
}

static void replacements_have_a_cap(void)
{
    enum { CAP = 2, JOBS = 10 };
    weir_pool_options options;
    weir_pool_stats stats;
    weir_pool *pool = NULL;
    weir_latch all, go;
    blocker b[JOBS];

    memset(&options, 0, sizeof options);
    options.workers = 1;
    options.max_blocked = CAP;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
    weir_latch_init(&all, CAP + 1);
    weir_latch_init(&go, 1);
    for (unsigned i = 0; i < JOBS; i++) {
        weir_job_init(&b[i].job, block);
        b[i].inside = &all;
        b[i].go = &go;
        if (i == CAP + 1) { /* the last of these is not replaced */
            CHECK_EQ(weir_latch_wait(&all, WEIR_FOREVER, NULL), 0);
            weir_latch_init(&all, JOBS - CAP - 1);
        }
        CHECK_EQ(weir_pool_submit(pool, &b[i].job), 0);
    }
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.threads, CAP + 1);
    CHECK_EQ(stats.blocked, CAP);
    CHECK_EQ(weir_latch_pending_approx(&all), JOBS - CAP - 1);
    weir_latch_count_down(&go, 1);
    end_pool(pool);
}

static void end_alone(void *unused)
{
    (void)unused;
    weir_block_end();
}

static void begin_alone(void *unused)
{
    (void)unused;
    weir_block_begin();
}

static void begin_and_stop(void)
{
    weir_pool *const pool = pool_of(1);

    inside(pool, begin_alone, NULL);
    end_pool(pool);
}

static void blocking_is_begun_and_ended(void)
{
    if (test_emulated()) {
        test_skip("an emulator may not start threads in the child of a process that had some");
        return;
    }
    /* A forked child is no worker: it makes its own. */
    CHECK_DIES(inside(pool_of(1), end_alone, NULL), "weir_block_end() without its begin");
    CHECK_DIES(begin_and_stop(), "between weir_block_begin() and its end");
}

/* ---- how many ---- */

static void the_number_of_workers_changes(void)
{
    enum { MOST = 4 };
    weir_pool_options options;
    weir_pool *pool = NULL;
    weir_pool_stats stats;
    gate_job gates[MOST + 1];
    count_job job;

    memset(&options, 0, sizeof options);
    options.workers = 1;
    options.max_workers = MOST;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
    CHECK_EQ(weir_pool_resize(pool, 0), -EINVAL);
    CHECK_EQ(weir_pool_resize(pool, MOST + 1), -EINVAL);
    CHECK_EQ(weir_pool_workers(pool), 1);
    gate_enter(&gates[0], pool);
    for (unsigned i = 1; i < MOST; i++) {
        gate_init(&gates[i]);
        CHECK_EQ(weir_pool_submit(pool, &gates[i].job), 0);
        CHECK_EQ(weir_latch_pending_approx(&gates[i].inside), 1);
        /* What waits is begun by the new worker. */
        CHECK_EQ(weir_pool_resize(pool, i + 1), 0);
        CHECK_EQ(weir_latch_wait(&gates[i].inside, WEIR_FOREVER, NULL), 0);
    }
    CHECK_EQ(weir_pool_resize(pool, 2), 0);
    gate_open(&gates[0]);
    gate_open(&gates[1]);
    do { /* two of four have gone to sleep */
        sched_yield();
        weir_pool_stats_read(pool, &stats);
    } while (stats.running != 2);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.running, 2);
    CHECK_EQ(runs_of(&job), 0);
    gate_open(&gates[2]);
    gate_open(&gates[3]);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(runs_of(&job), 1);
    CHECK_EQ(weir_pool_resize(pool, 1), -EPIPE);
    CHECK_EQ(weir_pool_free(pool), 0);
}

static void threads_are_made_when_they_are_wanted(void)
{
    weir_pool *const pool = pool_of(4);
    weir_pool_stats stats;
    gate_job gates[4];

    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.threads, 0);
    CHECK_EQ(stats.workers, 4);
    for (unsigned i = 0; i < 4; i++) {
        gate_enter(&gates[i], pool);
        weir_pool_stats_read(pool, &stats);
        CHECK(stats.threads >= i + 1 && stats.threads <= i + 2); /* one may be searching */
    }
    for (unsigned i = 0; i < 4; i++)
        gate_open(&gates[i]);
    end_pool(pool);
}

static int takes_a_while(weir_job *job)
{
    const uint64_t end = weir_clock_after(20000);

    (void)job;
    while (weir_clock_now() < end) {
    }
    return 0;
}

static void the_hint_tells_tiny_jobs(void)
{
    weir_pool *const pool = pool_of(1);
    static count_job tiny[MANY];
    many m = {pool, tiny, true, WEIR_POOL_NORMAL};
    weir_pool_stats stats;
    weir_job long_one;

    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.grain_hint, 0);
    for (unsigned i = 0; i < MANY; i++)
        count_init(&tiny[i], NULL);
    inside(pool, submit_many_inside, &m);
    do
        weir_pool_stats_read(pool, &stats);
    while (stats.jobs < MANY);
    weir_pool_stats_read(pool, &stats);
    CHECK(stats.grain_hint > 1);
    weir_job_init(&long_one, takes_a_while);
    for (unsigned i = 0; i < 2000; i++)
        CHECK_EQ(weir_pool_run(pool, &long_one), 0);
    weir_pool_stats_read(pool, &stats);
    CHECK(stats.job_ns > 4000);
    CHECK_EQ(stats.grain_hint, 1);
    end_pool(pool);
}

/* ---- fences ---- */

static void workers_may_pay_the_fences(void)
{
    weir_pool_options options;
    weir_pool *pool = NULL;
    unsigned n = 18;
    count_job job;

    memset(&options, 0, sizeof options);
    options.workers = 2;
    options.fenced = true;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
    for (unsigned i = 0; i < 20; i++) {
        count_init(&job, NULL);
        CHECK_EQ(weir_pool_run(pool, &job.job), 0);
        CHECK_EQ(runs_of(&job), 1);
    }
    inside(pool, fib_inside, &n);
    CHECK_EQ(n, 2584);
    end_pool(pool);
}

int main(void)
{
    return TEST_RUN(
        "pool", TEST_CASE(a_job_is_run), TEST_CASE(each_is_run_once),
        TEST_CASE(run_waits_for_the_status), TEST_CASE(what_nobody_waits_for_fails_into_the_sink),
        TEST_CASE(a_call_has_a_status), TEST_CASE(a_call_may_be_waited_for_again),
        TEST_CASE(priorities_come_in_order), TEST_CASE(others_come_in_order_of_arrival),
        TEST_CASE(who_submits_itself_starves_nobody), TEST_CASE(fib_is_right),
        TEST_CASE(joins_come_in_any_order), TEST_CASE(a_stolen_job_gives_its_status),
        TEST_CASE(who_joins_does_not_run_what_is_not_his), TEST_CASE(only_the_spawner_joins),
        TEST_CASE(who_blocks_is_replaced), TEST_CASE(replacements_have_a_cap),
        TEST_CASE(blocking_is_begun_and_ended), TEST_CASE(the_number_of_workers_changes),
        TEST_CASE(threads_are_made_when_they_are_wanted), TEST_CASE(the_hint_tells_tiny_jobs),
        TEST_CASE(workers_may_pay_the_fences));
}
