/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/graph.c: graphs of random shapes, each run several times on one pool by several threads
 * at once, from outside and by the pool's own workers.
 *
 *   order    a node finds by plain memory that all before it have run, and this run
 *   failure  some fail: what comes after these is skipped, and nothing else
 *   cancel   some runs are cancelled, by a node or who waits, or have a deadline: what was skipped
 *            is a closed set
 *   stop     each round's pool is stopped in the end, at times while graphs run: these end too
 *   memory   nothing is left when it is freed
 */

#include "memory.h"
#include "stress.h"

#include <weir/graph.h>

#include <errno.h>

enum { NODES = 48, MOST_EDGES = 256 };

typedef struct item {
    weir_graph_node node;
    uint64_t hash;       /* plain: of those before it, and of the run */
    bool fails, cancels; /* one cancels: who comes after it is skipped then */
} item;

typedef struct plan {
    weir_graph graph;
    unsigned n, edges;
    item items[NODES];
    weir_graph_edge edge[MOST_EDGES];
    unsigned char from[MOST_EDGES], to[MOST_EDGES];
    uint64_t run;
    weir_cancel_source source;
} plan;

static stress s;
static stress_rng rngs[STRESS_MAX_THREADS];
static unsigned numbers[STRESS_MAX_THREADS];
static plan plans[STRESS_MAX_THREADS];
static weir_pool *pool;
static bool discards;
static WEIR_ATOMIC(uint64_t) runs, failures, cuts;

static void count(WEIR_ATOMIC(uint64_t) * number)
{
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

/* ---- nodes ---- */

static uint64_t hash_of(const plan *p, unsigned number)
{
    uint64_t hash = stress_mix(p->run + number);

    for (unsigned e = 0; e < p->edges; e++)
        if (p->to[e] == number)
            hash = stress_mix(hash ^ p->items[p->from[e]].hash);
    return hash;
}

static int run_item(weir_graph_node *node)
{
    item *const it = (item *)(void *)node;
    plan *const p = (plan *)(void *)node->graph;

    it->hash = hash_of(p, (unsigned)(it - p->items));
    if (it->cancels)
        (void)weir_cancel_source_cancel(&p->source, 0);
    if (it->hash % 16 == 0)
        sched_yield();
    return it->fails ? -EIO : 0;
}

static void make_plan(plan *p, stress_rng *rng)
{
    const uint32_t one_in = 1 + (uint32_t)stress_below(rng, 24);

    weir_graph_init(&p->graph);
    p->n = 1 + (unsigned)stress_below(rng, NODES);
    p->edges = 0;
    for (unsigned i = 0; i < p->n; i++) {
        weir_graph_node_init(&p->items[i].node, run_item);
        p->items[i].fails = false;
        if (weir_graph_add(&p->graph, &p->items[i].node) != 0)
            stress_fail(&s, "a node was not added");
    }
    for (unsigned to = 1; to < p->n; to++)
        for (unsigned from = 0; from < to && p->edges < MOST_EDGES; from++)
            if (stress_below(rng, one_in) == 0) {
                p->from[p->edges] = (unsigned char)from;
                p->to[p->edges] = (unsigned char)to;
                if (weir_graph_before(&p->edge[p->edges++], &p->items[from].node,
                                      &p->items[to].node) != 0)
                    stress_fail(&s, "an edge was not added");
            }
}

/* ---- what a run must have left ---- */

static void judge(plan *p, int status, bool may_be_cut, bool may_be_late)
{
    bool failed = false, skipped = false;

    for (unsigned i = 0; i < p->n; i++) {
        const weir_graph_state state = weir_graph_node_state(&p->items[i].node);
        bool runnable = true;

        for (unsigned e = 0; e < p->edges; e++)
            if (p->to[e] == i)
                runnable &= weir_graph_node_state(&p->items[p->from[e]].node) == WEIR_GRAPH_DONE &&
                            !p->items[p->from[e]].cancels;
        if (state < WEIR_GRAPH_DONE)
            stress_fail(&s, "node %u of %u has not ended", i, p->n);
        if (!runnable && state != WEIR_GRAPH_SKIPPED)
            stress_fail(&s, "node %u ran, though not all before it succeeded", i);
        if (runnable && state == WEIR_GRAPH_SKIPPED && !may_be_cut)
            stress_fail(&s, "node %u was skipped for no reason", i);
        if (state != WEIR_GRAPH_SKIPPED && p->items[i].hash != hash_of(p, i))
            stress_fail(&s, "node %u did not see what those before it wrote", i);
        failed |= state == WEIR_GRAPH_FAILED;
        skipped |= state == WEIR_GRAPH_SKIPPED;
    }
    if ((status == 0) != !(failed || skipped) || (status == -EIO && !failed) ||
        (status == -ECANCELED && !(skipped && may_be_cut)) ||
        (status == -ETIMEDOUT && !(skipped && may_be_late)) ||
        (status != 0 && status != -EIO && status != -ECANCELED && status != -ETIMEDOUT))
        stress_fail(&s, "a run said %d", status);
    count(&runs);
    if (failed)
        count(&failures);
    if (skipped && !failed)
        count(&cuts);
}

/* ---- runs ---- */

typedef struct inside {
    weir_job job;
    plan *plan;
    weir_cancel *cancel;
    uint64_t deadline;
    bool began;
} inside;

static int run_inside(weir_job *job)
{
    inside *const in = (inside *)(void *)job;

    in->began = true;
    return weir_graph_run(&in->plan->graph, pool, in->deadline, in->cancel);
}

/* Returns: as weir_graph_run(); -EPIPE if nothing ran. Where there is no use for `*deadline` it
 * becomes WEIR_FOREVER. */
static int run_once(plan *p, stress_rng *rng, bool cuts_it, uint64_t *deadline)
{
    weir_cancel *const cancel = cuts_it ? weir_cancel_source_token(&p->source) : NULL;
    inside in;
    int status;

    switch (stress_below(rng, 3)) {
    case 0:
        weir_job_init(&in.job, run_inside);
        in.plan = p;
        in.cancel = cancel;
        in.deadline = *deadline;
        in.began = false;
        status = weir_pool_run(pool, &in.job);
        return in.began ? status : -EPIPE; /* the job was discarded */
    case 1:
        return weir_graph_run(&p->graph, pool, *deadline, cancel);
    default:
        *deadline = WEIR_FOREVER;
        status = weir_graph_start(&p->graph, pool, cancel);
        if (status != 0)
            return status;
        stress_maybe_yield(rng, 4);
        if (cuts_it)
            (void)weir_cancel_source_cancel(&p->source, 0);
        return weir_graph_wait(&p->graph, WEIR_FOREVER, NULL);
    }
}

static void body(void *argument)
{
    const unsigned number = *(unsigned *)argument;
    stress_rng *const rng = &rngs[number];
    plan *const p = &plans[number];

    for (bool on = true; on && !stress_stopping(&s);) {
        make_plan(p, rng);
        for (uint64_t n = 1 + stress_below(rng, 6); on && n > 0; n--) {
            const bool cuts_it = stress_below(rng, 4) == 0;
            uint64_t deadline = stress_below(rng, 8) == 0
                                    ? weir_clock_after(stress_below(rng, 50000))
                                    : WEIR_FOREVER;
            int status;

            p->run = stress_random(rng);
            for (unsigned i = 0; i < p->n; i++) {
                p->items[i].fails = stress_below(rng, 100) == 0;
                p->items[i].cancels = false;
            }
            if (cuts_it)
                p->items[stress_below(rng, p->n)].cancels = true;
            weir_cancel_source_init(&p->source, NULL, WEIR_FOREVER);
            status = run_once(p, rng, cuts_it, &deadline);
            on = status != -EPIPE;
            if (weir_graph_is_running(&p->graph))
                stress_fail(&s, "a graph runs after its end");
            if (on)
                judge(p, status, cuts_it || deadline != WEIR_FOREVER || discards,
                      deadline != WEIR_FOREVER);
            if (weir_cancel_source_destroy(&p->source) != 0)
                stress_fail(&s, "a token is used after the run");
        }
        if (weir_graph_destroy(&p->graph) != 0)
            stress_fail(&s, "a graph could not be destroyed");
    }
    if (number == 0 && discards && weir_pool_stop(pool, WEIR_POOL_DISCARD, WEIR_FOREVER) != 0)
        stress_fail(&s, "the pool did not stop");
}

int main(int argc, char **argv)
{
    enum { TURNS = 20 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};

    stress_begin(&s, "graph", argc, argv);
    weir_set_allocator(&counted);
    for (unsigned i = 0; i < STRESS_MAX_THREADS; i++) {
        rngs[i] = stress_rng_make(s.seed, i);
        numbers[i] = i;
    }
    for (unsigned turn = 0; stress_goes_on(&s, "%" PRIu64 " runs",
                                           weir_atomic_load(&runs, WEIR_RELAXED)); /* relaxed: a
                                                                                      number. */
         turn++) {
        weir_pool_options options;

        memset(&options, 0, sizeof options);
        options.workers = 1 + turn % 5;
        options.fenced = turn % 2 == 1;
        discards = turn % 3 == 2;
        if (weir_pool_new(&pool, &options) != 0)
            stress_fail(&s, "no pool");
        stress_run(&s, s.threads, body, numbers, sizeof numbers[0],
                   (uint64_t)(s.seconds * 1e9 / TURNS));
        if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
            stress_fail(&s, "the pool did not stop");
        /* relaxed: alone. */
        if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
            stress_fail(&s, "%zu bytes are left",
                        weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
    }
    /* relaxed: numbers. */
    return stress_end(&s, "%" PRIu64 " runs, %" PRIu64 " with failures, %" PRIu64 " cut short",
                      weir_atomic_load(&runs, WEIR_RELAXED),     /* relaxed: as above. */
                      weir_atomic_load(&failures, WEIR_RELAXED), /* relaxed: as above. */
                      weir_atomic_load(&cuts, WEIR_RELAXED));    /* relaxed: as above. */
}
