/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/graph.h: a graph that a worker of the pool runs; and what a stop of the pool does. The rest
 * is in tests/graph.c. */

#include "graph.h"

#include <sched.h>

/* ---- in a worker ---- */

/* A job that runs a graph. */
typedef struct inside {
    weir_job job;
    weir_graph *graph;
    weir_pool *pool;
    uint64_t deadline;
    weir_cancel *cancel;
} inside;

static int run_inside(weir_job *job)
{
    inside *const in = (inside *)(void *)job;

    return weir_graph_run(in->graph, in->pool, in->deadline, in->cancel);
}

static int run_by_worker(weir_graph *graph, weir_pool *pool, uint64_t deadline, weir_cancel *cancel)
{
    inside in;

    weir_job_init(&in.job, run_inside);
    in.graph = graph;
    in.pool = pool;
    in.deadline = deadline;
    in.cancel = cancel;
    return weir_pool_run(pool, &in.job);
}

static void run_plan_inside(plan *p, weir_pool *pool)
{
    CHECK_EQ(run_by_worker(&p->graph, pool, WEIR_FOREVER, NULL), 0);
    check_plan(p);
}

static void a_worker_runs_graphs(void)
{
    static const unsigned workers[] = {1, 2, 5};
    weir_graph empty;

    for (uint32_t seed = 1; seed <= 60; seed++) {
        weir_pool *const pool = make_pool(workers[seed % 3]);
        plan *const p = make_random_plan(seed);

        run_plan_inside(p, pool);
        run_plan(p, pool);
        run_plan_inside(p, pool);
        free_plan(p);
        weir_graph_init(&empty);
        CHECK_EQ(run_by_worker(&empty, pool, WEIR_FOREVER, NULL), 0);
        end_pool(pool);
    }
}

static void a_worker_runs_long_and_wide_graphs(void)
{
    static const shape shapes[] = {CHAIN, COMB, BACK_COMB, FAN};

    for (int i = 0; i < 4; i++)
        for (unsigned workers = 1; workers <= 3; workers++) {
            weir_pool_options options = {0};
            plan *const p = make_shape(shapes[i], 30000);
            weir_pool *pool;

            options.workers = workers;
            options.stack_bytes = 256 * 1024;
            CHECK_EQ(weir_pool_new(&pool, &options), 0);
            run_plan_inside(p, pool);
            free_plan(p);
            end_pool(pool);
        }
}

/* One worker, and no more may be made for those that are blocked. */
static void it_needs_no_worker_but_its_own(void)
{
    weir_pool_options options = {0};
    plan *const p = make_random_plan(7);
    weir_pool *pool;

    options.workers = options.max_workers = options.max_blocked = 1;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
    run_plan_inside(p, pool);
    CHECK_EQ(run_by_worker(&p->graph, pool, weir_clock_after(60 * SECOND), NULL), 0);
    free_plan(p);
    end_pool(pool);
}

static void other_workers_come_to_help(void)
{
    weir_pool *const pool = make_pool(3);
    plan *const p = make_shape(FAN, 3);
    weir_barrier barrier = WEIR_BARRIER_INIT(3);

    for (int i = 1; i <= 3; i++)
        p->steps[i].barrier = &barrier;
    for (int run = 0; run < 20; run++)
        run_plan_inside(p, pool);
    free_plan(p);
    end_pool(pool);
}

/* For one node nobody is called. */
static void no_more_are_called_than_there_are_nodes(void)
{
    weir_pool *const pool = make_pool(3);
    plan *const p = make_plan(1, 0);
    weir_pool_stats stats;

    run_plan_inside(p, pool);
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.threads, 1);
    free_plan(p);
    end_pool(pool);
}

/* Two others have come by, and sleep, since there is nothing; then there is. */
static void helpers_that_sleep_are_woken(void)
{
    weir_pool *const pool = make_pool(3);
    plan *const p = make_shape(FAN, 3);
    inside in = {WEIR_JOB_INIT(run_inside), &p->graph, pool, WEIR_FOREVER, NULL};
    weir_barrier barrier = WEIR_BARRIER_INIT(3);
    gate g = GATE_INIT;
    weir_pool_stats stats;

    p->steps[0].gate = &g;
    for (int i = 1; i <= 3; i++)
        p->steps[i].barrier = &barrier;
    CHECK_EQ(weir_pool_submit(pool, &in.job), 0);
    do {
        sched_yield();
        weir_pool_stats_read(pool, &stats);
    } while (stats.blocked != 2);
    gate_open(&g);
    end_pool(pool);
    check_plan(p);
    free_plan(p);
}

static int run_another(step *s)
{
    plan *const p = make_random_plan((uint32_t)s->stamp + 1);

    run_plan(p, weir_pool_self());
    free_plan(p);
    return 0;
}

static void a_node_runs_another_graph(void)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_pool *const pool = make_pool(workers);
        plan *const p = make_shape(FAN, 6);

        for (int i = 1; i < 7; i++)
            p->steps[i].also = run_another;
        run_plan_inside(p, pool);
        run_plan(p, pool);
        free_plan(p);
        end_pool(pool);
    }
}

static int run_itself(step *s)
{
    CHECK_EQ(weir_graph_run(s->node.graph, weir_pool_self(), WEIR_FOREVER, NULL), -EBUSY);
    CHECK_EQ(weir_graph_wait(s->node.graph, WEIR_FOREVER, NULL), -EDEADLK);
    return 0;
}

static void a_node_does_not_wait_for_its_own_graph(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_plan(1, 0);

    p->steps[0].also = run_itself;
    run_plan(p, pool);
    run_plan_inside(p, pool);
    free_plan(p);
    end_pool(pool);
}

static void failures_are_told_inside_too(void)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_pool *const pool = make_pool(workers);
        weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
        plan *const p = make_shape(FAN, 5);

        CHECK_EQ(run_by_worker(&p->graph, pool, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_SKIPPED);
        p->steps[3].status = -EIO;
        CHECK_EQ(run_by_worker(&p->graph, pool, WEIR_FOREVER, NULL), -EIO);
        for (size_t i = 0; i < 6; i++)
            CHECK_EQ(weir_graph_node_state(&p->steps[i].node),
                     i == 3 ? WEIR_GRAPH_FAILED : WEIR_GRAPH_DONE);
        CHECK_EQ(weir_graph_node_state(&p->steps[6].node), WEIR_GRAPH_SKIPPED);
        p->steps[0].cancels = &source;
        CHECK_EQ(run_by_worker(&p->graph, pool, WEIR_FOREVER, weir_cancel_source_token(&source)),
                 -ECANCELED);
        CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_DONE);
        CHECK_EQ(weir_graph_node_state(&p->steps[6].node), WEIR_GRAPH_SKIPPED);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
        free_plan(p);
        end_pool(pool);
    }
}

/* A node joins what was spawned before the run, and on the way comes by what the run has spawned.
 */
static weir_job older;
static bool older_ran;

static int run_older(weir_job *job)
{
    (void)job;
    older_ran = true;
    return 0;
}

static int join_older(step *s)
{
    (void)s;
    return weir_join(&older);
}

static int spawn_and_run(weir_job *job)
{
    weir_spawn(&older, run_older);
    return run_inside(job);
}

static void a_node_may_join_what_is_older(void)
{
    weir_pool *const pool = make_pool(5);
    plan *const p = make_shape(CHAIN, 6);
    inside in = {WEIR_JOB_INIT(spawn_and_run), &p->graph, pool, WEIR_FOREVER, NULL};

    p->steps[0].also = join_older; /* the first root is the caller's */
    for (int run = 0; run < 20; run++) {
        older_ran = false;
        CHECK_EQ(weir_pool_run(pool, &in.job), 0);
        CHECK(older_ran);
        check_plan(p);
    }
    free_plan(p);
    end_pool(pool);
}

/* ---- halves ---- */

static int start_inside(weir_job *job)
{
    inside *const in = (inside *)(void *)job;
    const int status = weir_graph_start(in->graph, in->pool, NULL);

    return status != 0 ? status : weir_graph_wait(in->graph, WEIR_FOREVER, NULL);
}

static void a_worker_starts_and_another_thread_waits(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_shape(FAN, 40);
    inside in = {WEIR_JOB_INIT(start_inside), &p->graph, pool, WEIR_FOREVER, NULL};

    for (int run = 0; run < 20; run++) {
        CHECK_EQ(weir_pool_run(pool, &in.job), -EDEADLK);
        CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), 0);
        check_plan(p);
    }
    free_plan(p);
    end_pool(pool);
}

static void a_worker_of_another_pool_waits(void)
{
    weir_pool *const pool = make_pool(1), *const other = make_pool(1);
    plan *const p = make_random_plan(3);
    inside in = {WEIR_JOB_INIT(run_inside), &p->graph, pool, WEIR_FOREVER, NULL};

    CHECK_EQ(weir_pool_run(other, &in.job), 0);
    check_plan(p);
    in.job.run = start_inside;
    CHECK_EQ(weir_pool_run(other, &in.job), 0);
    check_plan(p);
    free_plan(p);
    end_pool(pool);
    end_pool(other);
}

/* The one worker of a pool waits in another one for a job of its own pool. */
static weir_latch own_ran;

static int run_own(weir_job *job)
{
    (void)job;
    weir_latch_count_down(&own_ran, 1);
    return 0;
}

static int await_own(step *s)
{
    (void)s;
    return weir_latch_wait(&own_ran, WEIR_FOREVER, NULL);
}

typedef struct elsewhere {
    inside in; /* first */
    int (*then)(weir_job *job);
    weir_job own;
} elsewhere;

static int leave_one_behind(weir_job *job)
{
    elsewhere *const e = (elsewhere *)(void *)job;

    CHECK_EQ(weir_pool_submit(weir_pool_self(), &e->own), 0);
    return e->then(job);
}

static void a_worker_that_waits_elsewhere_is_replaced(void)
{
    static int (*const ways[])(weir_job * job) = {run_inside, start_inside};

    for (int i = 0; i < 2; i++) {
        weir_pool *const pool = make_pool(1), *const other = make_pool(1);
        plan *const p = make_plan(1, 0);
        elsewhere e = {{WEIR_JOB_INIT(leave_one_behind), &p->graph, other, WEIR_FOREVER, NULL},
                       ways[i],
                       WEIR_JOB_INIT(run_own)};

        weir_latch_init(&own_ran, 1);
        p->steps[0].also = await_own;
        CHECK_EQ(weir_pool_run(pool, &e.in.job), 0);
        check_plan(p);
        free_plan(p);
        end_pool(pool);
        end_pool(other);
    }
}

/* ---- a stop meanwhile ---- */

static void expect(const plan *p, size_t from, size_t to, weir_graph_state state)
{
    for (size_t i = from; i < to; i++)
        CHECK_EQ(weir_graph_node_state(&p->steps[i].node), state);
}

static void discard(weir_pool *pool)
{
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_free(pool), 0);
}

/* The first of the fan is at a gate, so the others are queued. */
static void queued_nodes_are_skipped_when_the_pool_discards(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_shape(FAN, 100);
    gate g = GATE_INIT;

    p->steps[1].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    gate_await(&g);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), -ECANCELED);
    expect(p, 0, 2, WEIR_GRAPH_DONE);
    expect(p, 2, p->n, WEIR_GRAPH_SKIPPED);
    discard(pool);
    free_plan(p);
}

/* It is at the gate itself: what comes of it cannot be given away, and one it runs at once. */
static void nodes_are_skipped_that_the_pool_does_not_take(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_shape(FAN, 100);
    gate g = GATE_INIT;

    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    gate_await(&g);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), -ECANCELED);
    expect(p, 0, 2, WEIR_GRAPH_DONE);
    expect(p, 2, p->n, WEIR_GRAPH_SKIPPED);
    discard(pool);
    free_plan(p);
}

static void a_long_chain_ends_when_the_pool_discards(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_shape(CHAIN, 1000);
    gate g = GATE_INIT;

    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    gate_await(&g);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), -ECANCELED);
    expect(p, 0, 64, WEIR_GRAPH_DONE);
    expect(p, 64, p->n, WEIR_GRAPH_SKIPPED);
    discard(pool);
    free_plan(p);
}

typedef struct gated {
    weir_job job;
    gate gate;
} gated;

static int pass_gate(weir_job *job)
{
    gate_pass(&((gated *)(void *)job)->gate);
    return 0;
}

static void a_start_is_discarded_as_a_whole(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(50, 0);
    gated g = {WEIR_JOB_INIT(pass_gate), GATE_INIT};

    CHECK_EQ(weir_pool_submit(pool, &g.job), 0);
    gate_await(&g.gate);
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    CHECK(weir_graph_is_running(&p->graph));
    gate_open(&g.gate);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), -ECANCELED);
    expect(p, 0, p->n, WEIR_GRAPH_SKIPPED);
    discard(pool);
    free_plan(p);
}

/* Wherever the stop comes, the run ends, and no node runs whose predecessors have not. */
static void a_discarding_stop_ends_every_run(void)
{
    for (uint32_t seed = 1; seed <= 100; seed++) {
        weir_pool *const pool = make_pool(1 + seed % 3);
        plan *const p = seed % 4 == 0 ? make_shape(FAN, 200) : make_random_plan(seed);
        const uint64_t until = weir_clock_after(seed * 1000);
        int status;

        CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
        while (!weir_clock_passed(until)) {
        }
        discard(pool);
        status = weir_graph_wait(&p->graph, 0, NULL);
        CHECK(status == 0 || status == -ECANCELED);
        for (size_t i = 0; i < p->n; i++)
            CHECK_EQ(weir_graph_node_state(&p->steps[i].node),
                     p->steps[i].runs == 1 ? WEIR_GRAPH_DONE : WEIR_GRAPH_SKIPPED);
        free_plan(p);
    }
}

static void a_draining_stop_lets_it_go_on(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_shape(FAN, 100);
    gate g = GATE_INIT;

    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    gate_await(&g);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, 0), -ETIMEDOUT);
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), 0);
    check_plan(p);
    end_pool(pool);
    free_plan(p);
}

static void after_a_stop_nothing_starts(void)
{
    weir_pool *const pool = make_pool(1), *const other = make_pool(1);
    plan *const p = make_shape(CHAIN, 3);

    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), -EPIPE);
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -EPIPE);
    CHECK(!weir_graph_is_running(&p->graph));
    expect(p, 0, p->n, WEIR_GRAPH_WAITING);
    CHECK_EQ(weir_pool_free(pool), 0);
    run_plan(p, other);
    free_plan(p);
    end_pool(other);
}

/* A worker's run is a part of its job, and jobs that run end. */
static void a_workers_run_is_not_discarded(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_shape(FAN, 100);
    inside in = {WEIR_JOB_INIT(run_inside), &p->graph, pool, WEIR_FOREVER, NULL};
    gate g = GATE_INIT;

    p->steps[0].gate = &g;
    CHECK_EQ(weir_pool_submit(pool, &in.job), 0);
    gate_await(&g);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&g);
    discard(pool);
    check_plan(p);
    free_plan(p);
}

int main(void)
{
    return TEST_RUN(
        "graph_inside", TEST_CASE(a_worker_runs_graphs),
        TEST_CASE(a_worker_runs_long_and_wide_graphs), TEST_CASE(it_needs_no_worker_but_its_own),
        TEST_CASE(other_workers_come_to_help), TEST_CASE(no_more_are_called_than_there_are_nodes),
        TEST_CASE(helpers_that_sleep_are_woken), TEST_CASE(a_node_runs_another_graph),
        TEST_CASE(a_node_does_not_wait_for_its_own_graph), TEST_CASE(failures_are_told_inside_too),
        TEST_CASE(a_node_may_join_what_is_older),
        TEST_CASE(a_worker_starts_and_another_thread_waits),
        TEST_CASE(a_worker_of_another_pool_waits),
        TEST_CASE(a_worker_that_waits_elsewhere_is_replaced),
        TEST_CASE(queued_nodes_are_skipped_when_the_pool_discards),
        TEST_CASE(nodes_are_skipped_that_the_pool_does_not_take),
        TEST_CASE(a_long_chain_ends_when_the_pool_discards),
        TEST_CASE(a_start_is_discarded_as_a_whole), TEST_CASE(a_discarding_stop_ends_every_run),
        TEST_CASE(a_draining_stop_lets_it_go_on), TEST_CASE(after_a_stop_nothing_starts),
        TEST_CASE(a_workers_run_is_not_discarded));
}
