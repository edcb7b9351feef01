/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/graph.h under the step harness: a thread that stands still anywhere in the end of a node
 * holds up nobody who ends another one, starts what is ready by it, or asks; and whoever is last,
 * each node after them runs once, or is skipped, once. The pool is an array of what was submitted,
 * and lib/graph.c is compiled in.
 *
 * Two nodes, `a` and `b`, are before three; the victim ends the one, an adversary the other. */

#include <weir/step.h>

#include <weir/graph.h>

#include <errno.h>
#include <string.h>

enum { ROOT, A, B, C, D, E, NODES, EDGES = 6 };

static WEIR_ATOMIC(weir_job *) submitted[NODES];
static WEIR_ATOMIC(uint32_t) submits;

static int step_submit(weir_pool *pool, weir_job *job)
{
    /* relaxed: here and below: the harness gives the turn, which orders all. */
    const uint32_t number = weir_atomic_fetch_add(&submits, 1, WEIR_RELAXED);

    (void)pool;
    if (number < NODES)
        weir_atomic_store(&submitted[number], job, WEIR_RELAXED); /* relaxed: as above. */
    return 0;
}

static int step_submit_bulk(weir_pool *pool, weir_job *const *given, size_t n,
                            weir_pool_priority priority)
{
    (void)priority;
    for (size_t i = 0; i < n; i++)
        (void)step_submit(pool, given[i]);
    return 0;
}

static weir_pool *step_self(void)
{
    return NULL;
}

#define weir_pool_submit step_submit
#define weir_pool_submit_bulk step_submit_bulk
#define weir_pool_self step_self
#include "../lib/graph.c"
#undef weir_pool_submit
#undef weir_pool_submit_bulk
#undef weir_pool_self

/* ---- the graph ---- */

typedef struct item {
    weir_graph_node node;
    WEIR_ATOMIC(uint32_t) runs;
    int status;
} item;

static weir_graph graph;
static item items[NODES];
static weir_graph_edge edges[EDGES];
static WEIR_ATOMIC(uint32_t) acts;

/* Own instructions of what is wait-free: half as many again as the most that gcc or clang make of
 * it at -O0, which is 48; at -O2 it is 4. */
enum { WAIT_FREE = 72 };

static int run_item(weir_graph_node *node)
{
    item *const it = (item *)(void *)node;

    weir_atomic_fetch_add(&it->runs, 1, WEIR_RELAXED); /* relaxed: as above. */
    return it->status;
}

static void run_job(unsigned number)
{
    weir_job *const job =
        weir_atomic_load(&submitted[number], WEIR_RELAXED); /* relaxed: as above. */

    (void)job->run(job);
}

/* The opener is job 0; it runs the root, and submits a and b: jobs 1 and 2. */
static void make(int status_of_a, int status_of_b)
{
    weir_graph_edge *edge = edges;

    weir_atomic_init(&submits, 0);
    weir_atomic_init(&acts, 0);
    weir_graph_init(&graph);
    for (int i = 0; i < NODES; i++) {
        weir_atomic_init(&items[i].runs, 0);
        items[i].status = i == A ? status_of_a : i == B ? status_of_b : 0;
        weir_graph_node_init(&items[i].node, run_item);
        (void)!weir_graph_add(&graph, &items[i].node);
    }
    for (int then = C; then <= E; then++) {
        (void)!weir_graph_before(edge++, &items[A].node, &items[then].node);
        (void)!weir_graph_before(edge++, &items[B].node, &items[then].node);
    }
    if (weir_graph_start(&graph, NULL, NULL) != 0)
        weir_step_false("it did not start");
    run_job(0);
}

static void two_succeed(void *state)
{
    (void)state;
    make(0, 0);
}

static void one_fails(void *state)
{
    (void)state;
    make(-EIO, 0);
}

static void the_other_fails(void *state)
{
    (void)state;
    make(0, -EIO);
}

/* ---- operations ---- */

static void ends_a(void *state)
{
    (void)state;
    run_job(1);
}

static void ends_b(void *state)
{
    (void)state;
    if (weir_atomic_fetch_add(&acts, 1, WEIR_RELAXED) == 0) /* relaxed: as above. */
        run_job(2);
}

static void discards_b(void *state)
{
    (void)state;
    if (weir_atomic_fetch_add(&acts, 1, WEIR_RELAXED) == 0) /* relaxed: as above. */
        weir_call_fail(
            (weir_call *)(void *)weir_atomic_load(&submitted[2], WEIR_RELAXED), /* relaxed */
            -ECANCELED);
}

static void asks(void *state)
{
    (void)state;
    for (int i = C; i <= E; i++) {
        const weir_graph_state found = weir_graph_node_state(&items[i].node);

        if (found != WEIR_GRAPH_WAITING &&
            (weir_graph_node_state(&items[A].node) < WEIR_GRAPH_DONE ||
             weir_graph_node_state(&items[B].node) < WEIR_GRAPH_DONE))
            weir_step_false("a node is on before those before it have ended");
        if (found < WEIR_GRAPH_DONE && !weir_graph_is_running(&graph))
            weir_step_false("it is over, and a node has not ended");
    }
    if (weir_graph_wait(&graph, 0, NULL) == -EDEADLK)
        weir_step_false("this is no worker");
}

static void asks_for_state(void *state)
{
    (void)state;
    if (weir_graph_node_state(&items[C].node) > WEIR_GRAPH_SKIPPED)
        weir_step_false("there is no such state");
}

static void asks_for_result(void *state)
{
    (void)state;
    if (weir_graph_node_result(&items[A].node) > 0)
        weir_step_false("there is no such result");
}

static void asks_whether_it_runs(void *state)
{
    (void)state;
    (void)weir_graph_is_running(&graph);
}

/* ---- the end ---- */

/* What is left is run: b, if the adversary had no turn; what the last of both has submitted. */
static void all_have_ended(void *state)
{
    bool well = true;

    if (weir_atomic_load(&acts, WEIR_RELAXED) == 0) /* relaxed: as above. */
        ends_b(state);
    for (unsigned i = 3; i < weir_atomic_load(&submits, WEIR_RELAXED); i++) /* relaxed: as above. */
        run_job(i);
    if (weir_graph_is_running(&graph)) {
        weir_step_false("it is not over");
        return;
    }
    for (int i = A; i <= B; i++)
        well &= weir_graph_node_state(&items[i].node) == WEIR_GRAPH_DONE;
    for (int i = C; i <= E; i++) {
        /* relaxed: as above. */
        if (weir_atomic_load(&items[i].runs, WEIR_RELAXED) != (well ? 1U : 0U))
            weir_step_false("a node ran twice, or not at all, or should have been skipped");
        if (weir_graph_node_state(&items[i].node) != (well ? WEIR_GRAPH_DONE : WEIR_GRAPH_SKIPPED))
            weir_step_false("a node's state is false");
    }
    if ((weir_graph_wait(&graph, 0, NULL) == 0) != well)
        weir_step_false("the outcome is false");
}

static void ends_a_too(void *state)
{
    ends_a(state);
    all_have_ended(state);
}

#define PLAN(operation, against, setup, victim, first, second, check, bound)    \
    {                                                                           \
        operation, against, setup, victim, {first, second}, check, bound, false \
    }

static const weir_step_plan plans[] = {
    PLAN("the end of a node", "the end of another", two_succeed, ends_a, ends_b, NULL,
         all_have_ended, 0),
    PLAN("the end of a node", "the end of another, and who asks", two_succeed, ends_a, ends_b, asks,
         all_have_ended, 0),
    PLAN("the end of a node", "one that is discarded, and who asks", two_succeed, ends_a,
         discards_b, asks, all_have_ended, 0),
    PLAN("the end of a node", "one that fails, and who asks", the_other_fails, ends_a, ends_b, asks,
         all_have_ended, 0),
    PLAN("a node that fails", "the end of another, and who asks", one_fails, ends_a, ends_b, asks,
         all_have_ended, 0),
    PLAN("graph_node_state", "the end of a node", two_succeed, asks_for_state, ends_b, NULL,
         ends_a_too, WAIT_FREE),
    PLAN("graph_node_result", "the end of a node", two_succeed, asks_for_result, ends_b, NULL,
         ends_a_too, WAIT_FREE),
    PLAN("graph_is_running", "the end of a node", two_succeed, asks_whether_it_runs, ends_b, NULL,
         ends_a_too, WAIT_FREE),
};

int main(void)
{
    return weir_step_run("step-graph", plans, sizeof plans / sizeof plans[0], NULL);
}
