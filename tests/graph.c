/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/graph.h: order, runs, failures, cancelling; a graph run by a worker, and what a stop of the
 * pool does are in tests/graph_inside.c. */

#include "graph.h"

/* ---- shapes ---- */

static void an_empty_graph_is_over_at_once(void)
{
    weir_pool *const pool = make_pool(2);
    weir_pool_stats stats;
    weir_graph graph;

    weir_graph_init(&graph);
    CHECK(!weir_graph_is_running(&graph));
    CHECK_EQ(weir_graph_wait(&graph, 0, NULL), 0);
    CHECK_EQ(weir_graph_run(&graph, pool, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_graph_start(&graph, pool, NULL), 0);
    CHECK_EQ(weir_graph_wait(&graph, 0, NULL), 0);
    CHECK_EQ(weir_graph_destroy(&graph), 0);
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.threads, 0);
    end_pool(pool);
}

static void a_node_runs_once_a_run(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(1, 0);

    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_WAITING);
    CHECK_EQ(weir_graph_node_result(&p->steps[0].node), -EAGAIN);
    for (unsigned runs = 1; runs <= 3; runs++) {
        CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(p->steps[0].runs, runs);
        CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_DONE);
        CHECK_EQ(weir_graph_node_result(&p->steps[0].node), 0);
    }
    free_plan(p);
    end_pool(pool);
}

static void a_diamond_keeps_its_order(void)
{
    static const unsigned workers[] = {1, 2, 5};

    for (int i = 0; i < 3; i++) {
        weir_pool *const pool = make_pool(workers[i]);
        plan *const p = make_plan(4, 4);

        before(p, 0, 1);
        before(p, 0, 2);
        before(p, 1, 3);
        before(p, 2, 3);
        for (int run = 0; run < 50; run++) {
            run_plan(p, pool);
            CHECK(p->steps[0].stamp < p->steps[1].stamp && p->steps[0].stamp < p->steps[2].stamp);
            CHECK(p->steps[1].stamp < p->steps[3].stamp && p->steps[2].stamp < p->steps[3].stamp);
        }
        free_plan(p);
        end_pool(pool);
    }
}

/* Numbers are dealt out at random, so that the order of adding says nothing. */
static void random_graphs_keep_their_order(void)
{
    static const unsigned workers[] = {1, 2, 5};

    for (uint32_t seed = 1; seed <= 60; seed++) {
        weir_pool *const pool = make_pool(workers[seed % 3]);
        plan *const p = make_random_plan(seed);

        run_plan(p, pool);
        run_plan(p, pool);
        free_plan(p);
        end_pool(pool);
    }
}

/* The workers' stacks are far too small for a call each. */
static void long_graphs_need_no_stack(void)
{
    enum { LONG = 100000 };
    static const shape shapes[] = {CHAIN, COMB, BACK_COMB};

    for (int i = 0; i < 3; i++) {
        weir_pool_options options = {0};
        plan *const p = make_shape(shapes[i], LONG);
        weir_pool *pool;

        options.workers = 2;
        options.stack_bytes = 256 * 1024;
        CHECK_EQ(weir_pool_new(&pool, &options), 0);
        run_plan(p, pool);
        p->steps[0].status = -EIO;
        CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -EIO);
        for (size_t n = 1; n < p->n; n++)
            CHECK_EQ(weir_graph_node_state(&p->steps[n].node), WEIR_GRAPH_SKIPPED);
        free_plan(p);
        end_pool(pool);
    }
}

static void wide_graphs_are_given_away_in_parts(void)
{
    static const size_t sizes[] = {2, 32, 33, 34, 64, 65, 66, 5000};

    for (int i = 0; i < 8; i++) {
        weir_pool *const pool = make_pool(1 + (unsigned)i % 3);
        plan *p = make_shape(FAN, sizes[i]);

        run_plan(p, pool);
        free_plan(p);
        p = make_plan(sizes[i], 0); /* roots alone */
        run_plan(p, pool);
        free_plan(p);
        end_pool(pool);
    }
}

/* Two nodes that are ready together run together, if there are two workers. */
static void what_is_ready_runs_together(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_shape(FAN, 2);
    weir_barrier barrier = WEIR_BARRIER_INIT(2);

    p->steps[1].barrier = p->steps[2].barrier = &barrier;
    run_plan(p, pool);
    run_plan(p, pool);
    free_plan(p);
    end_pool(pool);
}

/* Another job has its turn before a long chain has ended, though there is one worker. */
static void a_long_chain_lets_others_in(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_shape(CHAIN, 1000);
    gate g = GATE_INIT;
    bystander b;

    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    gate_await(&g);
    bystander_init(&b, &p->steps[p->n - 1].node);
    CHECK_EQ(weir_pool_submit_priority(pool, &b.job, WEIR_POOL_URGENT), 0);
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), 0);
    end_pool(pool);
    CHECK_EQ(b.saw, WEIR_GRAPH_WAITING);
    free_plan(p);
}

/* ---- what is refused ---- */

static void mistakes_are_refused(void)
{
    weir_graph_edge edge;
    weir_graph_node loose;
    plan *const p = make_plan(2, 0), *const q = make_plan(1, 0);

    weir_graph_node_init(&loose, run_step);
    CHECK_EQ(weir_graph_add(&p->graph, &p->steps[0].node), -EEXIST);
    CHECK_EQ(weir_graph_add(&p->graph, &q->steps[0].node), -EEXIST);
    CHECK_EQ(weir_graph_before(&edge, &loose, &p->steps[0].node), -EINVAL);
    CHECK_EQ(weir_graph_before(&edge, &p->steps[0].node, &loose), -EINVAL);
    CHECK_EQ(weir_graph_before(&edge, &loose, &loose), -EINVAL);
    CHECK_EQ(weir_graph_before(&edge, &p->steps[0].node, &q->steps[0].node), -EINVAL);
    CHECK_EQ(weir_graph_before(&edge, &p->steps[0].node, &p->steps[0].node), -ELOOP);
    CHECK_EQ(p->graph.nodes, 2);
    free_plan(p);
    free_plan(q);
}

static void a_running_graph_is_not_changed(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(2, 1);
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_cancel *const token = weir_cancel_source_token(&source);
    weir_graph_edge edge;
    weir_graph_node late;
    gate g = GATE_INIT;

    before(p, 0, 1);
    weir_graph_node_init(&late, run_step);
    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, token), 0);
    gate_await(&g);
    CHECK(weir_graph_is_running(&p->graph));
    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_RUNNING);
    CHECK_EQ(weir_graph_node_result(&p->steps[0].node), -EAGAIN);
    CHECK_EQ(weir_graph_add(&p->graph, &late), -EBUSY);
    CHECK_EQ(weir_graph_before(&edge, &p->steps[0].node, &p->steps[1].node), -EBUSY);
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), -EBUSY);
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -EBUSY);
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND), NULL), -EBUSY);
    CHECK_EQ(weir_graph_run(&p->graph, pool, 0, NULL), -EBUSY);
    CHECK_EQ(weir_graph_destroy(&p->graph), -EBUSY);
    CHECK(weir_graph_token(&p->graph) == token);
    CHECK(weir_cancel_source_cancel(&source, 0));
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), -ECANCELED);
    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_DONE);
    CHECK_EQ(weir_graph_node_state(&p->steps[1].node), WEIR_GRAPH_SKIPPED);
    CHECK_EQ(weir_graph_add(&p->graph, &late), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    free_plan(p);
    end_pool(pool);
}

static void cycles_are_found_before_anything_runs(void)
{
    weir_pool *const pool = make_pool(1);
    weir_pool_stats stats;

    /* n nodes in a row, and an edge back from the last to number `to`. */
    for (size_t n = 2; n < 6; n++)
        for (size_t to = 0; to + 1 < n; to++) {
            plan *const p = make_plan(n + 1, n); /* and one alone */

            for (size_t i = 0; i + 1 < n; i++)
                before(p, i, i + 1);
            before(p, n - 1, to);
            CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), -ELOOP);
            CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -ELOOP);
            CHECK(!weir_graph_is_running(&p->graph));
            for (size_t i = 0; i < p->n; i++)
                CHECK_EQ(weir_graph_node_state(&p->steps[i].node), WEIR_GRAPH_WAITING);
            free_plan(p);
        }
    weir_pool_stats_read(pool, &stats);
    CHECK_EQ(stats.threads, 0);
    end_pool(pool);
}

static void a_graph_may_grow_between_runs(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_plan(3, 4);

    run_plan(p, pool);
    before(p, 2, 1);
    before(p, 2, 1); /* twice is no more than once */
    run_plan(p, pool);
    before(p, 1, 0);
    run_plan(p, pool);
    before(p, 0, 2);
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -ELOOP);
    free_plan(p);
    end_pool(pool);
}

/* ---- what fails ---- */

/* 0 -> 1 -> 2 -> 3, 0 -> 4 -> 3, 4 -> 5; 1 fails. */
static void a_failure_skips_what_comes_after(void)
{
    static const weir_graph_state want[] = {WEIR_GRAPH_DONE,    WEIR_GRAPH_FAILED,
                                            WEIR_GRAPH_SKIPPED, WEIR_GRAPH_SKIPPED,
                                            WEIR_GRAPH_DONE,    WEIR_GRAPH_DONE};
    static const int results[] = {0, -EIO, -ECANCELED, -ECANCELED, 0, 0};
    weir_pool *const pool = make_pool(2);
    plan *const p = make_plan(6, 6);

    before(p, 0, 1);
    before(p, 1, 2);
    before(p, 2, 3);
    before(p, 0, 4);
    before(p, 4, 3);
    before(p, 4, 5);
    for (int run = 0; run < 50; run++) {
        p->steps[1].status = -EIO;
        CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -EIO);
        for (size_t i = 0; i < 6; i++) {
            CHECK_EQ(weir_graph_node_state(&p->steps[i].node), want[i]);
            CHECK_EQ(weir_graph_node_result(&p->steps[i].node), results[i]);
        }
        CHECK_EQ(p->steps[2].runs + p->steps[3].runs, 0);
    }
    /* What it left is forgotten. */
    p->steps[1].status = 0;
    for (size_t i = 0; i < 6; i++)
        p->steps[i].runs = 0;
    p->runs = 0;
    run_plan(p, pool);
    free_plan(p);
    end_pool(pool);
}

/* With one worker, the order is fixed. */
static void the_first_error_is_told(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(3, 0);

    p->steps[0].status = -EIO;
    p->steps[1].status = -EDOM;
    p->steps[2].status = -ERANGE;
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), -EIO);
    CHECK_EQ(weir_graph_wait(&p->graph, 0, NULL), -EIO);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weir_graph_node_result(&p->steps[i].node), p->steps[i].status);
    free_plan(p);
    end_pool(pool);
}

static void run_positive(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(1, 0);

    p->steps[0].status = 1;
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), 0);
}

static void a_positive_status_is_a_mistake(void)
{
    CHECK_DIES(run_positive(), "a node returns 0 or a negative errno");
}

/* ---- what is cancelled ---- */

static void a_cancelled_run_skips_what_has_not_begun(void)
{
    for (size_t by = 0; by <= 5; by++) {
        weir_pool *const pool = make_pool(1);
        weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
        plan *const p = make_shape(CHAIN, 5);

        if (by == 5)
            CHECK(weir_cancel_source_cancel(&source, 0));
        else
            p->steps[by].cancels = &source;
        CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, weir_cancel_source_token(&source)),
                 by == 4 ? 0 : -ECANCELED);
        for (size_t i = 0; i < 5; i++)
            CHECK_EQ(weir_graph_node_state(&p->steps[i].node),
                     by != 5 && i <= by ? WEIR_GRAPH_DONE : WEIR_GRAPH_SKIPPED);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
        free_plan(p);
        end_pool(pool);
    }
}

/* Step 1 waits for the deadline. On a busy machine that may come before step 1 does. */
static void run_into_deadline(plan *p, weir_pool *pool)
{
    p->steps[1].waits_for_token = true;
    for (uint64_t most = 20 * MS; p->steps[1].runs == 0; most *= 2) {
        p->steps[0].runs = 0;
        CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(most), NULL), -ETIMEDOUT);
    }
}

static void a_deadline_skips_what_has_not_begun(void)
{
    weir_pool *const pool = make_pool(1);
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    plan *const p = make_shape(CHAIN, 3);

    CHECK_EQ(weir_graph_run(&p->graph, pool, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_SKIPPED);
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND), NULL), 0);
    p->steps[1].runs = 0;
    run_into_deadline(p, pool);
    CHECK_EQ(weir_graph_node_state(&p->steps[1].node), WEIR_GRAPH_DONE);
    CHECK_EQ(weir_graph_node_state(&p->steps[2].node), WEIR_GRAPH_SKIPPED);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND),
                            weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    free_plan(p);
    end_pool(pool);
}

/* -ETIMEDOUT tells of the run's own one: not of what a node says, nor of the deadline of the token
 * that was given. */
static void a_deadline_to_come_is_not_told(void)
{
    weir_pool *const pool = make_pool(1);
    plan *const p = make_plan(1, 0);
    weir_cancel_source source;

    p->steps[0].status = -ECANCELED;
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND), NULL), -ECANCELED);
    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_FAILED);
    weir_cancel_source_init(&source, NULL, 0);
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND),
                            weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_SKIPPED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    free_plan(p);
    end_pool(pool);
}

static weir_cancel *seen;

static int look_at_token(step *s)
{
    seen = weir_graph_token(s->node.graph);
    return 0;
}

/* One of its own it has for a deadline only, and as long as it runs. */
static void nodes_see_the_token_of_the_run(void)
{
    weir_pool *const pool = make_pool(1);
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_cancel *const token = weir_cancel_source_token(&source);
    plan *const p = make_plan(1, 0);

    p->steps[0].also = look_at_token;
    seen = token;
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), 0);
    CHECK(seen == NULL);
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, token), 0);
    CHECK(seen == token);
    CHECK_EQ(weir_graph_run(&p->graph, pool, weir_clock_after(60 * SECOND), token), 0);
    CHECK(seen != token && seen != NULL);
    CHECK(weir_graph_token(&p->graph) == NULL);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    free_plan(p);
    end_pool(pool);
}

/* ---- waiting ---- */

static void a_wait_that_ends_early_ends_nothing(void)
{
    weir_pool *const pool = make_pool(1);
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    plan *const p = make_shape(CHAIN, 2);
    gate g = GATE_INIT;

    CHECK(weir_cancel_source_cancel(&source, 0));
    p->steps[0].gate = &g;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    CHECK_EQ(weir_graph_wait(&p->graph, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_graph_wait(&p->graph, weir_clock_after(2 * MS), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK(weir_graph_is_running(&p->graph));
    gate_open(&g);
    CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_graph_wait(&p->graph, 0, weir_cancel_source_token(&source)), 0);
    CHECK_EQ(p->steps[1].runs, 1);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    free_plan(p);
    end_pool(pool);
}

static void *wait_for_it(void *of)
{
    CHECK_EQ(weir_graph_wait((weir_graph *)of, WEIR_FOREVER, NULL), -EIO);
    return NULL;
}

static void several_may_wait(void)
{
    weir_pool *const pool = make_pool(2);
    plan *const p = make_shape(CHAIN, 2);
    pthread_t threads[3];
    gate g = GATE_INIT;

    p->steps[0].gate = &g;
    p->steps[1].status = -EIO;
    CHECK_EQ(weir_graph_start(&p->graph, pool, NULL), 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_for_it, &p->graph) == 0);
    gate_open(&g);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    free_plan(p);
    end_pool(pool);
}

/* ---- memory ---- */

static void a_graph_allocates_nothing(void)
{
    plan *const p = make_shape(FAN, 20);
    weir_pool *pool;
    size_t calls;

    test_alloc_fail_at(0);
    pool = make_pool(1);
    run_plan(p, pool); /* the pool makes its worker */
    calls = test_alloc_calls;
    run_plan(p, pool);
    CHECK_EQ(test_alloc_calls, calls);
    free_plan(p);
    end_pool(pool);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static void where_memory_is_short_nothing_runs(void)
{
    unsigned refused = 0;
    size_t nr = 1;

    for (int status = -ENOMEM; status != 0; nr++) {
        plan *const p = make_shape(FAN, 3);
        weir_pool *pool;

        test_alloc_fail_at(nr);
        status = weir_pool_new(&pool, NULL);
        if (status == 0) {
            status = weir_graph_start(&p->graph, pool, NULL);
            if (status == 0)
                CHECK_EQ(weir_graph_wait(&p->graph, WEIR_FOREVER, NULL), 0);
            else {
                CHECK_EQ(status, -ENOMEM);
                CHECK(!weir_graph_is_running(&p->graph));
                CHECK_EQ(weir_graph_node_state(&p->steps[0].node), WEIR_GRAPH_WAITING);
                refused++;
            }
            end_pool(pool);
        }
        CHECK_EQ(test_alloc_live, 0);
        free_plan(p);
    }
    CHECK(refused > 0);
    weir_set_allocator(NULL);
}

int main(void)
{
    return TEST_RUN(
        "graph", TEST_CASE(an_empty_graph_is_over_at_once), TEST_CASE(a_node_runs_once_a_run),
        TEST_CASE(a_diamond_keeps_its_order), TEST_CASE(random_graphs_keep_their_order),
        TEST_CASE(long_graphs_need_no_stack), TEST_CASE(wide_graphs_are_given_away_in_parts),
        TEST_CASE(what_is_ready_runs_together), TEST_CASE(a_long_chain_lets_others_in),
        TEST_CASE(mistakes_are_refused), TEST_CASE(a_running_graph_is_not_changed),
        TEST_CASE(cycles_are_found_before_anything_runs), TEST_CASE(a_graph_may_grow_between_runs),
        TEST_CASE(a_failure_skips_what_comes_after), TEST_CASE(the_first_error_is_told),
        TEST_CASE(a_positive_status_is_a_mistake),
        TEST_CASE(a_cancelled_run_skips_what_has_not_begun),
        TEST_CASE(a_deadline_skips_what_has_not_begun), TEST_CASE(a_deadline_to_come_is_not_told),
        TEST_CASE(nodes_see_the_token_of_the_run), TEST_CASE(a_wait_that_ends_early_ends_nothing),
        TEST_CASE(several_may_wait), TEST_CASE(a_graph_allocates_nothing),
        TEST_CASE(where_memory_is_short_nothing_runs));
}
