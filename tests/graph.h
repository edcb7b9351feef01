/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/graph.h: what the tests of weir/graph.h share: a plan, which is a graph whose steps check
 * that all before them have ended, by plain memory. */

#ifndef WEIR_TESTS_GRAPH_H
#define WEIR_TESTS_GRAPH_H

#include "test.h"

#include <weir/graph.h>

#include <errno.h>
#include <pthread.h>

#define MS UINT64_C(1000000) /* ns */
#define SECOND UINT64_C(1000000000)

/* ---- gates ---- */

/* Who comes to it says so, and waits until it is opened. */
typedef struct gate {
    weir_latch reached, opened;
} gate;

#define GATE_INIT                              \
    {                                          \
        WEIR_LATCH_INIT(1), WEIR_LATCH_INIT(1) \
    }

static inline void gate_pass(gate *g)
{
    weir_latch_count_down(&g->reached, 1);
    CHECK_EQ(weir_latch_wait(&g->opened, WEIR_FOREVER, NULL), 0);
}

static inline void gate_await(gate *g)
{
    CHECK_EQ(weir_latch_wait(&g->reached, WEIR_FOREVER, NULL), 0);
}

static inline void gate_open(gate *g)
{
    weir_latch_count_down(&g->opened, 1);
}

/* ---- plans ---- */

typedef struct step {
    weir_graph_node node;
    struct plan *plan;
    unsigned runs; /* plain: the graph orders it */
    unsigned long stamp;
    unsigned parents; /* edges to it */
    struct step **parent;
    int status; /* to return */
    gate *gate;
    weir_barrier *barrier;
    weir_cancel_source *cancels;
    bool waits_for_token;
    int (*also)(struct step *step);
} step;

typedef struct plan {
    weir_graph graph;
    size_t n, edges, room;
    unsigned runs;
    WEIR_ATOMIC(uint64_t) clock;
    step *steps;
    weir_graph_edge *edge;
} plan;

static inline int run_step(weir_graph_node *node)
{
    step *const s = (step *)(void *)node;

    s->runs++;
    for (unsigned i = 0; i < s->parents; i++)
        CHECK_EQ(s->parent[i]->runs, s->runs);
    /* relaxed: a number. */
    s->stamp = (unsigned long)weir_atomic_fetch_add(&s->plan->clock, 1, WEIR_RELAXED);
    if (s->gate != NULL)
        gate_pass(s->gate);
    if (s->barrier != NULL)
        CHECK(weir_barrier_wait(s->barrier, WEIR_FOREVER, NULL) >= 0);
    if (s->cancels != NULL)
        CHECK(weir_cancel_source_cancel(s->cancels, 0));
    if (s->waits_for_token)
        CHECK_EQ(weir_cancel_wait(weir_graph_token(node->graph), WEIR_FOREVER, NULL), 0);
    if (s->also != NULL)
        return s->also(s);
    return s->status;
}

/* Of n steps, with room for so many edges. */
static inline plan *make_plan(size_t n, size_t edges)
{
    plan *const p = (plan *)calloc(1, sizeof *p);

    CHECK(p != NULL);
    p->n = n;
    p->room = edges;
    p->steps = (step *)calloc(n, sizeof *p->steps);
    p->edge = (weir_graph_edge *)calloc(edges + 1, sizeof *p->edge);
    CHECK(p->steps != NULL && p->edge != NULL);
    weir_atomic_init(&p->clock, 0);
    weir_graph_init(&p->graph);
    for (size_t i = 0; i < n; i++) {
        p->steps[i].plan = p;
        weir_graph_node_init(&p->steps[i].node, run_step);
        CHECK_EQ(weir_graph_add(&p->graph, &p->steps[i].node), 0);
    }
    return p;
}

static inline void before(plan *p, size_t first, size_t then)
{
    step *const s = &p->steps[then];

    CHECK(p->edges < p->room);
    CHECK_EQ(weir_graph_before(&p->edge[p->edges++], &p->steps[first].node, &s->node), 0);
    s->parent = (step **)realloc(s->parent, (s->parents + 1) * sizeof(step *));
    CHECK(s->parent != NULL);
    s->parent[s->parents++] = &p->steps[first];
}

static inline void free_plan(plan *p)
{
    CHECK_EQ(weir_graph_destroy(&p->graph), 0);
    for (size_t i = 0; i < p->n; i++)
        free(p->steps[i].parent);
    free(p->steps);
    free(p->edge);
    free(p);
}

/* Each step has run once more. */
static inline void check_plan(plan *p)
{
    p->runs++;
    for (size_t i = 0; i < p->n; i++) {
        CHECK_EQ(p->steps[i].runs, p->runs);
        CHECK_EQ(weir_graph_node_state(&p->steps[i].node), WEIR_GRAPH_DONE);
    }
}

static inline void run_plan(plan *p, weir_pool *pool)
{
    CHECK_EQ(weir_graph_run(&p->graph, pool, WEIR_FOREVER, NULL), 0);
    check_plan(p);
}

/* ---- shapes ---- */

typedef enum shape {
    CHAIN,     /* n in a row */
    COMB,      /* and a leaf at each, after the chain in the order of edges */
    BACK_COMB, /* before it */
    FAN        /* one, n after it, one after these */
} shape;

static inline plan *make_shape(shape what, size_t n)
{
    plan *const p = what == CHAIN ? make_plan(n, n) : make_plan(what == FAN ? n + 2 : 2 * n, 2 * n);

    for (size_t i = 0; i < n; i++) {
        if (what == BACK_COMB)
            before(p, i, n + i);
        if (what != FAN && i + 1 < n)
            before(p, i, i + 1);
        if (what == COMB)
            before(p, i, n + i);
        if (what == FAN) {
            before(p, 0, i + 1);
            before(p, i + 1, n + 1);
        }
    }
    return p;
}

static inline uint32_t roll(uint32_t *dice, uint32_t below)
{
    *dice = *dice * 1664525 + 1013904223;
    return (*dice >> 8) % below;
}

/* Up to 60 steps in a random order; each pair has an edge with a chance that differs. */
static inline plan *make_random_plan(uint32_t seed)
{
    uint32_t dice = seed;
    const uint32_t n = 1 + roll(&dice, 60), one_in = 1 + roll(&dice, 20);
    plan *const p = make_plan(n, (size_t)n * n);
    uint32_t order[60];

    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t other = roll(&dice, i), was = order[i - 1];

        order[i - 1] = order[other];
        order[other] = was;
    }
    for (uint32_t then = 1; then < n; then++)
        for (uint32_t first = 0; first < then; first++)
            if (roll(&dice, one_in) == 0)
                before(p, order[first], order[then]);
    return p;
}

/* ---- pools ---- */

static inline weir_pool *make_pool(unsigned workers)
{
    weir_pool_options options;
    weir_pool *pool;

    memset(&options, 0, sizeof options);
    options.workers = workers;
    CHECK_EQ(weir_pool_new(&pool, &options), 0);
    return pool;
}

static inline void end_pool(weir_pool *pool)
{
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_free(pool), 0);
}

/* A job that looks at a node. */
typedef struct bystander {
    weir_job job;
    const weir_graph_node *node;
    weir_graph_state saw;
} bystander;

static inline int bystander_run(weir_job *job)
{
    bystander *const b = (bystander *)(void *)job;

    b->saw = weir_graph_node_state(b->node);
    return 0;
}

static inline void bystander_init(bystander *b, const weir_graph_node *node)
{
    weir_job_init(&b->job, bystander_run);
    b->node = node;
    b->saw = WEIR_GRAPH_DONE;
}

#endif /* WEIR_TESTS_GRAPH_H */
