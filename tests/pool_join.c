/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool_join.c: a weir_pool's jobs that are spawned and joined: by whom they are run, what
 * their joins return, and who helps. */

#include "pool.h"

#include <weir/parallel.h>

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
        return -QUEENS;
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

        CHECK_EQ(weir_join(&it->job), -(int)q->rows - 1);
        q->solutions += it->solutions;
    }
    return -(int)q->rows; /* each has a status */
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

    inside(pool, spawn_and_hand_over, NULL);
    CHECK_EQ(stats_of(pool).steals, 1);
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

/* The thief waits for what it has spawned: who joins it is the one to run that. */
typedef struct helped {
    weir_job job;
    weir_latch spawned;
    handed kid;
    unsigned by;
} helped;

static int helped_run(weir_job *job)
{
    helped *const h = (helped *)(void *)job;

    h->by = weir_pool_worker();
    weir_latch_init(&h->kid.begun, 1);
    weir_latch_init(&h->kid.go, 0);
    h->kid.status = -ENOENT;
    weir_spawn(&h->kid.job, handed_run);
    weir_latch_count_down(&h->spawned, 1);
    CHECK_EQ(weir_latch_wait(&h->kid.begun, WEIR_FOREVER, NULL), 0);
    return weir_join(&h->kid.job);
}

static void join_and_help(void *unused)
{
    const unsigned self = weir_pool_worker();
    helped h;

    (void)unused;
    weir_latch_init(&h.spawned, 1);
    weir_spawn(&h.job, helped_run);
    CHECK_EQ(weir_latch_wait(&h.spawned, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_join(&h.job), -ENOENT);
    CHECK(h.by != self);
    CHECK_EQ(h.kid.by, self);
}

static void who_joins_helps_with_what_is_his(void)
{
    weir_pool *const pool = pool_of(2);

    inside(pool, join_and_help, NULL);
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
    f.job.other = &f; /* as if another worker had spawned it */
    CHECK_DIES(join_elsewhere(&f.job), "a job is joined by the thread that spawned it");
}

static void only_the_other_joins(void)
{
    weir_pool *const pool = pool_of(1);

    inside(pool, join_by_another_thread, NULL);
    end_pool(pool);
}

static int returns_0(weir_job *job)
{
    (void)job;
    return 0;
}

static int returns_5(weir_job *job)
{
    (void)job;
    return 5;
}

/* The first is joined while the second lies above it. */
static void join_below(void *unused)
{
    fib_job below;
    weir_job above;

    (void)unused;
    below.n = 1;
    weir_spawn(&below.job, fib_run);
    weir_spawn(&above, returns_5);
    (void)weir_join(&below.job);
    (void)weir_join(&above);
}

static void run_5(void)
{
    count_job job;

    count_init(&job, NULL);
    job.status = 5;
    CHECK_EQ(weir_pool_run(pool_of(1), &job.job), 5);
}

static void hand_over_5(void *unused)
{
    handed h;

    (void)unused;
    hand_over(&h, 5);
    weir_latch_count_down(&h.go, 1);
    (void)weir_join(&h.job);
}

static void submit_5(void)
{
    weir_pool *const pool = pool_of(1);
    weir_job job;

    weir_job_init(&job, returns_5);
    CHECK_EQ(weir_pool_submit(pool, &job), 0);
    end_pool(pool);
}

static void leave_behind(void *unused)
{
    static weir_job job;

    (void)unused;
    weir_spawn(&job, returns_0);
}

static void leave_and_end(void)
{
    weir_pool *const pool = pool_of(1);

    inside(pool, leave_behind, NULL);
    end_pool(pool);
}

/* What was spawned before a loop is joined in its body: parts of the loop lie above it. */
static int join_first(void *context, size_t from, size_t to)
{
    const uint64_t end = weir_clock_after((to - from) * 20000);

    if (from == 0)
        CHECK_EQ(weir_join((weir_job *)context), 0);
    while (weir_clock_now() < end) {
    }
    return 0;
}

static void spawn_and_loop(void *of)
{
    weir_parallel_hint hint = {20000000, 0, false}; /* so that halves are offered at once */
    const weir_parallel how = {(weir_pool *)of, 0, NULL, &hint};
    weir_job job;

    weir_spawn(&job, returns_0);
    CHECK_EQ(weir_parallel_for(&how, 0, 200, join_first, &job), 0);
}

static void a_body_may_join_what_is_older(void)
{
    weir_pool *const pool = pool_of(2);
    gate_job gate;

    gate_enter(&gate, pool); /* so that nobody steals */
    inside(pool, spawn_and_loop, pool);
    gate_open(&gate);
    end_pool(pool);
}

static void a_status_is_no_number(void)
{
    if (test_emulated()) {
        test_skip("an emulator may not start threads in the child of a process that had some");
        return;
    }
    CHECK_DIES(inside(pool_of(1), join_below, NULL), "a job returns 0 or a negative errno");
    CHECK_DIES(inside(pool_of(2), hand_over_5, NULL), "a job returns 0 or a negative errno");
    CHECK_DIES(submit_5(), "a job returns 0 or a negative errno");
    CHECK_DIES(run_5(), "a job returns 0 or a negative errno");
    CHECK_DIES(leave_and_end(), "without a join of what it has spawned");
}

/* ---- fences ---- */

static void workers_may_pay_the_fences(void)
{
    weir_pool_options options = no_options();
    weir_pool *pool;
    unsigned n = 18;
    count_job job;

    options.workers = 2;
    options.fenced = true;
    pool = pool_with(&options);
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
    return TEST_RUN("pool_join", TEST_CASE(fib_is_right), TEST_CASE(joins_come_in_any_order),
                    TEST_CASE(a_stolen_job_gives_its_status),
                    TEST_CASE(who_joins_does_not_run_what_is_not_his),
                    TEST_CASE(who_joins_helps_with_what_is_his), TEST_CASE(only_the_other_joins),
                    TEST_CASE(a_status_is_no_number), TEST_CASE(a_body_may_join_what_is_older),
                    TEST_CASE(workers_may_pay_the_fences));
}
