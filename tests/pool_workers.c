/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool_workers.c: how many workers a weir_pool has: who replaces one that blocks; numbers
 * that change; what they are counted to have done. */

#include "pool.h"

#include <sched.h>

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
    stats = stats_of(pool);
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
    weir_pool_options options = no_options();
    weir_pool_stats stats;
    weir_pool *pool;
    weir_latch all, go;
    blocker b[JOBS];

    options.workers = 1;
    options.max_blocked = CAP;
    pool = pool_with(&options);
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
    stats = stats_of(pool);
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

/* Of one worker in each of two pools: the first waits for the second, which waits for a job that
 * the first has submitted. */
typedef struct opener {
    weir_job job;
    weir_pool *other;
    gate_job gate;
} opener;

static int open_gate(weir_job *job)
{
    gate_open(&((opener *)(void *)job)->gate);
    return 0;
}

static void wait_elsewhere(void *of)
{
    opener *const o = (opener *)of;

    weir_job_init(&o->job, open_gate);
    gate_init(&o->gate);
    CHECK_EQ(weir_pool_submit(weir_pool_self(), &o->job), 0);
    CHECK_EQ(weir_pool_run(o->other, &o->gate.job), 0);
}

static void who_waits_for_another_pool_is_replaced(void)
{
    weir_pool *const pool = pool_of(1);
    opener o;

    o.other = pool_of(1);
    inside(pool, wait_elsewhere, &o);
    CHECK_EQ(stats_of(pool).blocked, 0);
    CHECK_EQ(stats_of(pool).threads, 2);
    end_pool(o.other);
    end_pool(pool);
}

/* ---- how many ---- */

static void the_number_of_workers_changes(void)
{
    enum { MOST = 4 };
    weir_pool_options options = no_options();
    weir_pool *pool;
    gate_job gates[MOST + 1];
    count_job job;

    options.workers = 1;
    options.max_workers = MOST;
    pool = pool_with(&options);
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
    } while (stats_of(pool).running != 2);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
    CHECK_EQ(stats_of(pool).running, 2);
    CHECK_EQ(runs_of(&job), 0);
    gate_open(&gates[2]);
    gate_open(&gates[3]);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(runs_of(&job), 1);
    CHECK_EQ(weir_pool_resize(pool, 1), -EPIPE);
    CHECK_EQ(weir_pool_free(pool), 0);
}

static void one_too_many_begins_nothing(void)
{
    weir_pool *const pool = pool_of(2);
    gate_job gates[4];

    gate_enter(&gates[0], pool);
    gate_enter(&gates[1], pool);
    for (unsigned i = 2; i < 4; i++) {
        gate_init(&gates[i]);
        CHECK_EQ(weir_pool_submit(pool, &gates[i].job), 0);
    }
    CHECK_EQ(weir_pool_resize(pool, 1), 0);
    gate_open(&gates[0]);
    gate_open(&gates[1]);
    CHECK_EQ(weir_latch_wait(&gates[2].inside, WEIR_FOREVER, NULL), 0);
    do { /* the other one has gone to sleep */
        sched_yield();
        CHECK_EQ(weir_latch_pending_approx(&gates[3].inside), 1);
    } while (stats_of(pool).running != 1);
    gate_open(&gates[2]);
    CHECK_EQ(weir_latch_wait(&gates[3].inside, WEIR_FOREVER, NULL), 0);
    gate_open(&gates[3]);
    end_pool(pool);
}

static void threads_are_made_when_they_are_wanted(void)
{
    weir_pool *const pool = pool_of(4);
    weir_pool_stats stats;
    gate_job gates[4];

    stats = stats_of(pool);
    CHECK_EQ(stats.threads, 0);
    CHECK_EQ(stats.workers, 4);
    for (unsigned i = 0; i < 4; i++) {
        gate_enter(&gates[i], pool);
        stats = stats_of(pool);
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

enum { MANY = 2000 };

static void submit_tiny(void *of)
{
    count_job *const tiny = (count_job *)of;

    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(weir_pool_submit(weir_pool_self(), &tiny[i].job), 0);
}

/* So many jobs as one take twenty times what the pool costs, which lib/pool.c takes for 100 ns;
 * not one more. */
static void check_hint(const weir_pool_stats *stats)
{
    const uint64_t each = stats->job_ns + 1, worth = 20 * 100;

    CHECK(stats->grain_hint * each >= worth);
    CHECK((stats->grain_hint - 1) * each < worth);
}

static void the_hint_tells_tiny_jobs(void)
{
    weir_pool *const pool = pool_of(1);
    static count_job tiny[MANY];
    weir_pool_stats stats;
    weir_job long_one;

    stats = stats_of(pool);
    CHECK_EQ(stats.grain_hint, 0);
    for (unsigned i = 0; i < MANY; i++)
        count_init(&tiny[i], NULL);
    inside(pool, submit_tiny, tiny);
    while (stats_of(pool).jobs < MANY)
        sched_yield();
    stats = stats_of(pool);
    CHECK(stats.grain_hint > 1);
    check_hint(&stats);
    weir_job_init(&long_one, takes_a_while);
    for (unsigned i = 0; i < 2000; i++)
        CHECK_EQ(weir_pool_run(pool, &long_one), 0);
    stats = stats_of(pool);
    CHECK(stats.job_ns > 4000);
    CHECK_EQ(stats.grain_hint, 1);
    check_hint(&stats);
    end_pool(pool);
}

/* Each worker sleeps once at least: before it ends. */
static void sleeps_are_counted(void)
{
    weir_pool *const pool = pool_of(2);
    gate_job gates[2];

    CHECK_EQ(stats_of(pool).sleeps, 0);
    gate_enter(&gates[0], pool);
    gate_enter(&gates[1], pool);
    gate_open(&gates[0]);
    gate_open(&gates[1]);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK(stats_of(pool).sleeps >= 2);
    CHECK_EQ(stats_of(pool).jobs, 2);
    CHECK_EQ(weir_pool_free(pool), 0);
}

/* ---- hooks that take their time ---- */

typedef struct slow_start {
    weir_latch begun, go;
} slow_start;

static void start_slowly(void *context, unsigned worker)
{
    slow_start *const slow = (slow_start *)context;

    if (worker != 1)
        return;
    weir_latch_count_down(&slow->begun, 1);
    CHECK_EQ(weir_latch_wait(&slow->go, WEIR_FOREVER, NULL), 0);
}

/* While the second worker begins, the first sleeps, and is woken by the next job. */
static void who_begins_holds_up_nobody(void)
{
    weir_pool_options options = no_options();
    weir_latch ran[2];
    count_job jobs[2];
    weir_pool *pool;
    slow_start slow;
    gate_job gate;

    options.workers = 2;
    options.on_start = start_slowly;
    options.context = &slow;
    weir_latch_init(&slow.begun, 1);
    weir_latch_init(&slow.go, 1);
    pool = pool_with(&options);
    gate_enter(&gate, pool);
    for (unsigned i = 0; i < 2; i++) {
        weir_latch_init(&ran[i], 1);
        count_init(&jobs[i], &ran[i]);
        CHECK_EQ(weir_pool_submit(pool, &jobs[i].job), 0);
        if (i == 0) {
            CHECK_EQ(weir_latch_wait(&slow.begun, WEIR_FOREVER, NULL), 0);
            gate_open(&gate);
        }
        CHECK_EQ(weir_latch_wait(&ran[i], WEIR_FOREVER, NULL), 0);
        while (i == 0 && stats_of(pool).sleeps == 0)
            sched_yield();
    }
    weir_latch_count_down(&slow.go, 1);
    end_pool(pool);
}

static void block_at_the_end(void *context, unsigned worker)
{
    weir_pool *const pool = weir_pool_self();

    (void)worker;
    weir_block_begin();
    CHECK_EQ(stats_of(pool).running, 0);
    CHECK_EQ(stats_of(pool).blocked, 0); /* nobody is there to take its place */
    CHECK_EQ(weir_pool_workers(pool), 2);
    weir_block_end();
    weir_latch_count_down((weir_latch *)context, 1);
}

static void who_ends_may_block(void)
{
    weir_pool_options options = no_options();
    weir_latch ended;
    count_job job;

    options.workers = 2;
    options.on_end = block_at_the_end;
    options.context = &ended;
    weir_latch_init(&ended, 1);
    count_init(&job, NULL);
    {
        weir_pool *const pool = pool_with(&options);

        CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
        end_pool(pool);
    }
    CHECK(weir_latch_try_wait(&ended));
}

int main(void)
{
    return TEST_RUN(
        "pool_workers", TEST_CASE(who_blocks_is_replaced), TEST_CASE(replacements_have_a_cap),
        TEST_CASE(blocking_is_begun_and_ended), TEST_CASE(who_waits_for_another_pool_is_replaced),
        TEST_CASE(the_number_of_workers_changes), TEST_CASE(one_too_many_begins_nothing),
        TEST_CASE(threads_are_made_when_they_are_wanted), TEST_CASE(the_hint_tells_tiny_jobs),
        TEST_CASE(sleeps_are_counted), TEST_CASE(who_begins_holds_up_nobody),
        TEST_CASE(who_ends_may_block));
}
