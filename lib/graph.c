/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/graph.h>

#include "wait.h"

#include <errno.h>

/* Each node's `waits` is counted down from the number of edges to it. Who counts the last has the
 * node: nobody else touches it from then on. The graph's `ended` is counted down from the number of
 * nodes, by as many as a thread has ended in a row: as long as a thread has not counted its own,
 * there is a graph. */

/* Nodes of a thread's that are given to the pool at a time. */
enum { BATCH = 32 };

/* Nodes in a row, before the next goes through the pool. */
enum { TURN = 64 };

/* Other workers in a worker's run. */
enum { TICKETS = 31 };

/* In `waits`: one that has ended, and one that did so without success. A sum, since either must be
 * one read-modify-write; the lower half is at least 1, so the carry is that of the upper. */
#define ENDED_WELL UINT64_MAX
#define ENDED_ILL (UINT64_MAX + (UINT64_C(1) << 32))

/* In a worker's run: what is ready, for all who work on it. On that worker's stack. */
struct weir__graph_crowd {
    weir__wait_queue lock;
    WEIR_ATOMIC(weir_graph_node *) newest; /* written with the lock */
    weir_event event;                      /* there is a node, or the run is over */
};

/* What one thread does between its first node and the last that it comes to by that. */
typedef struct spree {
    weir_graph *graph;
    weir_graph_node *next;    /* to be run; NULL: none */
    weir_graph_node *skipped; /* to be ended, linked by `ready` */
    weir_graph_node *given[BATCH];
    size_t n;
    uint32_t ran, ended;
} spree;

static spree spree_of(weir_graph *graph)
{
    spree s;

    s.graph = graph;
    s.next = s.skipped = NULL;
    s.n = 0;
    s.ran = s.ended = 0;
    return s;
}

/* ---- giving away ---- */

static int its_turn(weir_call *turn)
{
    (void)turn; /* the work is done by who is told */
    return 0;
}

static void node_told(weir_then *told, weir_future *future);

static weir_graph_node *node_of(weir_then *told)
{
    return (weir_graph_node *)(void *)((char *)told - offsetof(weir_graph_node, told));
}

static void skip(spree *s, weir_graph_node *node)
{
    node->ready = s->skipped;
    s->skipped = node;
}

/* Of what was not begun. The end of the run carries it. */
static void fail(weir_graph *graph, int status)
{
    int none = 0;

    /* relaxed: a number; who waits reads it after the end. */
    (void)weir_atomic_cas(&graph->error, &none, status, WEIR_RELAXED, WEIR_RELAXED);
}

static void give_to_pool(spree *s)
{
    weir_job *jobs[BATCH];

    for (size_t i = 0; i < s->n; i++) {
        weir_graph_node *const node = s->given[i];

        weir_call_init(&node->turn, its_turn, NULL);
        weir_future_then(&node->turn.future, &node->told, node_told);
        jobs[i] = &node->turn.job;
    }
    if (weir_pool_submit_bulk(s->graph->pool, jobs, s->n, WEIR_POOL_NORMAL) == 0)
        return;
    /* The pool was stopped, and discards. */
    fail(s->graph, -ECANCELED);
    for (size_t i = 0; i < s->n; i++)
        skip(s, s->given[i]);
}

static void give_to_crowd(spree *s, struct weir__graph_crowd *crowd)
{
    weir_graph_node *newest;

    weir__queue_lock(&crowd->lock);
    newest = weir_atomic_load(&crowd->newest, WEIR_RELAXED); /* relaxed: the lock orders it. */
    for (size_t i = 0; i < s->n; i++) {
        s->given[i]->ready = newest;
        newest = s->given[i];
    }
    weir_atomic_store(&crowd->newest, newest, WEIR_RELAXED); /* relaxed: as above. */
    weir__queue_unlock(&crowd->lock);
    weir_event_notify(&crowd->event, (uint32_t)s->n);
}

static void give(spree *s)
{
    if (s->graph->crowd != NULL)
        give_to_crowd(s, s->graph->crowd);
    else
        give_to_pool(s);
    s->n = 0;
}

static void give_one(spree *s, weir_graph_node *node)
{
    s->given[s->n++] = node;
    if (s->n == BATCH)
        give(s);
}

/* ---- nodes ---- */

/* A node whose predecessors have all ended. */
static void offer(spree *s, weir_graph_node *node, bool well)
{
    if (!well)
        skip(s, node);
    else if (s->next == NULL)
        s->next = node;
    else
        give_one(s, node);
}

/* Ends a node: those after it have one less to wait for. */
static void settle(spree *s, weir_graph_node *node, weir_graph_state state, int result)
{
    const uint64_t step = state == WEIR_GRAPH_DONE ? ENDED_WELL : ENDED_ILL;

    node->result = result;
    /* sync(ended): release. Pairs with the load in weir_graph_node_state(); what it did. */
    weir_atomic_store(&node->state, (uint32_t)state, WEIR_RELEASE);
    s->ended++;
    for (weir_graph_edge *edge = node->first; edge != NULL; edge = edge->next) {
        weir_graph_node *const then = edge->then;
        /* sync(joined): acq_rel. Pairs with itself, in settle() of the other nodes before `then`:
         * the last of them has what all of them did. */
        const uint64_t waits = weir_atomic_fetch_add(&then->waits, step, WEIR_ACQ_REL) + step;

        if ((uint32_t)waits == 0)
            offer(s, then, waits == 0);
    }
}

static void run_node(spree *s, weir_graph_node *node)
{
    weir_graph *const graph = s->graph;
    int status;

    if (weir_cancel_check(graph->cancel) != 0) {
        fail(graph, -ECANCELED);
        skip(s, node);
        return;
    }
    /* relaxed: a state by itself. */
    weir_atomic_store(&node->state, (uint32_t)WEIR_GRAPH_RUNNING, WEIR_RELAXED);
    s->ran++;
    status = node->run(node);
    WEIR_REQUIRE(status <= 0, "a node returns 0 or a negative errno");
    if (status != 0)
        fail(graph, status);
    settle(s, node, status == 0 ? WEIR_GRAPH_DONE : WEIR_GRAPH_FAILED, status);
}

/* Does what there is, and what comes of it. The graph may be gone when it returns. */
static void go(spree *s)
{
    for (;;) {
        weir_graph_node *node = s->skipped;

        if (node != NULL) {
            s->skipped = node->ready;
            settle(s, node, WEIR_GRAPH_SKIPPED, -ECANCELED);
            continue;
        }
        node = s->next;
        s->next = NULL;
        if (node != NULL && s->ran == TURN && s->graph->crowd == NULL) {
            give_one(s, node);
            node = NULL;
        }
        if (s->n != 0)
            give(s);
        if (node != NULL)
            run_node(s, node);
        else if (s->skipped == NULL)
            break;
    }
    /* The end of a run, if these were the last. */
    weir_latch_count_down(&s->graph->ended, s->ended);
}

static void node_told(weir_then *told, weir_future *future)
{
    weir_graph_node *const node = node_of(told);
    spree s = spree_of(node->graph);

    if (weir_future_result(future, NULL) == 0)
        s.next = node;
    else {
        fail(node->graph, -ECANCELED);
        skip(&s, node);
    }
    go(&s);
}

/* ---- life ---- */

void weir_graph_init(weir_graph *graph)
{
    graph->first = graph->last = graph->roots = NULL;
    graph->nodes = 0;
    graph->sorted = true;
    graph->pool = NULL;
    graph->cancel = NULL;
    graph->crowd = NULL;
    weir_atomic_init(&graph->error, 0);
    weir_latch_init(&graph->ended, 0);
}

int weir_graph_destroy(weir_graph *graph)
{
    return weir_graph_is_running(graph) ? -EBUSY : 0;
}

void weir_graph_node_init(weir_graph_node *node, int (*run)(weir_graph_node *node))
{
    node->run = run;
    node->graph = NULL;
    node->next = node->ready = NULL;
    node->first = node->last = NULL;
    node->before = 0;
    node->result = 0;
    weir_atomic_init(&node->state, (uint32_t)WEIR_GRAPH_WAITING);
    weir_atomic_init(&node->waits, 0);
}

int weir_graph_add(weir_graph *graph, weir_graph_node *node)
{
    if (weir_graph_is_running(graph))
        return -EBUSY;
    if (node->graph != NULL)
        return -EEXIST;
    WEIR_REQUIRE(graph->nodes < WEIR_GRAPH_MAX, "more nodes than WEIR_GRAPH_MAX");
    node->graph = graph;
    if (graph->last != NULL)
        graph->last->next = node;
    else
        graph->first = node;
    graph->last = node;
    graph->nodes++;
    return 0;
}

int weir_graph_before(weir_graph_edge *edge, weir_graph_node *first, weir_graph_node *then)
{
    if (first->graph == NULL || first->graph != then->graph)
        return -EINVAL;
    if (first == then)
        return -ELOOP;
    if (weir_graph_is_running(first->graph))
        return -EBUSY;
    WEIR_REQUIRE(then->before < UINT32_MAX, "more edges to a node than can be counted");
    edge->next = NULL;
    edge->then = then;
    if (first->last != NULL)
        first->last->next = edge;
    else
        first->first = edge;
    first->last = edge;
    then->before++;
    first->graph->sorted = false;
    return 0;
}

/* ---- a run ---- */

/* Sets all nodes back. The roots are a chain afterwards, in the order in which they were added. */
static void set_back(weir_graph *graph)
{
    weir_graph_node **end = &graph->roots;

    for (weir_graph_node *node = graph->first; node != NULL; node = node->next) {
        /* relaxed: nothing runs; the submit publishes them. */
        weir_atomic_store(&node->state, (uint32_t)WEIR_GRAPH_WAITING, WEIR_RELAXED);
        weir_atomic_store(&node->waits, node->before, WEIR_RELAXED); /* relaxed: as above. */
        if (node->before == 0) {
            *end = node;
            end = &node->ready;
        }
    }
    *end = NULL;
}

/* Kahn: takes away what has nothing before it, as long as there is such a node. What is left then
 * is a cycle, or after one. The chain of roots is the queue. */
static bool sort(weir_graph *graph)
{
    weir_graph_node *last = graph->roots;
    uint32_t sorted = 0;

    while (last != NULL && last->ready != NULL)
        last = last->ready;
    for (weir_graph_node *node = graph->roots; node != NULL; node = node->ready) {
        sorted++;
        for (weir_graph_edge *edge = node->first; edge != NULL; edge = edge->next) {
            weir_graph_node *const then = edge->then;
            /* relaxed: as in set_back(). */
            const uint64_t waits = weir_atomic_load(&then->waits, WEIR_RELAXED) - 1;

            weir_atomic_store(&then->waits, waits, WEIR_RELAXED); /* relaxed: as above. */
            if (waits == 0) {
                then->ready = NULL;
                last->ready = then;
                last = then;
            }
        }
    }
    return sorted == graph->nodes;
}

/* Returns: 0; -EBUSY; -ELOOP. */
static int prepare(weir_graph *graph, weir_pool *pool, weir_cancel *cancel)
{
    if (weir_graph_is_running(graph))
        return -EBUSY;
    set_back(graph);
    if (!graph->sorted) {
        const bool sorted = sort(graph);

        set_back(graph);
        if (!sorted)
            return -ELOOP;
        graph->sorted = true;
    }
    graph->pool = pool;
    graph->cancel = cancel;
    graph->crowd = NULL;
    weir_atomic_store(&graph->error, 0, WEIR_RELAXED); /* relaxed: as in set_back(). */
    weir_latch_init(&graph->ended, graph->nodes);
    return 0;
}

/* All roots, by one thread. `well`: to be run. */
static void open_graph(weir_graph *graph, bool well)
{
    spree s = spree_of(graph);
    weir_graph_node *node = graph->roots;

    while (node != NULL) {
        weir_graph_node *const next = node->ready;

        offer(&s, node, well);
        node = next;
    }
    go(&s);
}

static void graph_told(weir_then *told, weir_future *future)
{
    weir_graph *const graph = (weir_graph *)(void *)((char *)told - offsetof(weir_graph, told));
    const bool well = weir_future_result(future, NULL) == 0;

    if (!well)
        fail(graph, -ECANCELED);
    open_graph(graph, well);
}

int weir_graph_start(weir_graph *graph, weir_pool *pool, weir_cancel *cancel)
{
    int status = prepare(graph, pool, cancel);

    if (status != 0 || graph->nodes == 0)
        return status;
    weir_call_init(&graph->turn, its_turn, NULL);
    weir_future_then(&graph->turn.future, &graph->told, graph_told);
    status = weir_pool_submit(pool, &graph->turn.job);
    if (status != 0)
        weir_latch_init(&graph->ended, 0); /* nobody knows of it */
    return status;
}

/* After its end. */
static int outcome(const weir_graph *graph)
{
    return weir_atomic_load(&graph->error, WEIR_RELAXED); /* relaxed: the latch carries it. */
}

int weir_graph_wait(weir_graph *graph, uint64_t deadline, weir_cancel *cancel)
{
    weir_pool *const self = weir_pool_self();
    int status;

    if (!weir_graph_is_running(graph))
        return outcome(graph);
    if (self != NULL && self == graph->pool)
        return -EDEADLK;
    weir_block_begin(); /* of another pool's worker */
    status = weir_latch_wait(&graph->ended, deadline, cancel);
    weir_block_end();
    return status != 0 ? status : outcome(graph);
}

/* ---- a worker's run ---- */

typedef struct ticket {
    weir_job job;
    weir_graph *graph;
} ticket;

static weir_graph_node *take(struct weir__graph_crowd *crowd)
{
    weir_graph_node *node;

    weir__queue_lock(&crowd->lock);
    node = weir_atomic_load(&crowd->newest, WEIR_RELAXED); /* relaxed: the lock orders it. */
    if (node != NULL)
        weir_atomic_store(&crowd->newest, node->ready, WEIR_RELAXED); /* relaxed: as above. */
    weir__queue_unlock(&crowd->lock);
    return node;
}

static bool is_something(void *of)
{
    const weir_graph *const graph = (const weir_graph *)of;

    /* relaxed: a hint; it is taken with the lock. */
    return weir_atomic_load(&graph->crowd->newest, WEIR_RELAXED) != NULL ||
           !weir_graph_is_running(graph);
}

static void await_something(weir_graph *graph)
{
    weir__spin spin = WEIR__SPIN_INIT;

    while (weir__spin_again(&spin))
        if (is_something(graph))
            return;
    weir_block_begin();
    while (weir_event_await(&graph->crowd->event, is_something, graph, WEIR_FOREVER, NULL) != 0) {
    }
    weir_block_end();
}

/* Runs nodes until all have ended. The graph is there until all who serve have returned. */
static void serve(weir_graph *graph)
{
    while (weir_graph_is_running(graph)) {
        spree s = spree_of(graph);

        s.next = take(graph->crowd);
        if (s.next != NULL)
            go(&s);
        else
            await_something(graph);
    }
    weir_event_notify_all(&graph->crowd->event);
}

static int use_ticket(weir_job *job)
{
    /* A node that the worker itself runs may come by it, when it joins something older; or it is
     * joined at the end. There is nothing to do for it. */
    if (job->other != weir__worker_self)
        serve(((ticket *)(void *)job)->graph);
    return 0;
}

static void run_inside(weir_graph *graph)
{
    const unsigned workers = weir_pool_workers(graph->pool);
    struct weir__graph_crowd crowd;
    ticket tickets[TICKETS];
    unsigned n = 0;

    weir__queue_init(&crowd.lock);
    weir_atomic_init(&crowd.newest, NULL);
    weir_event_init(&crowd.event);
    graph->crowd = &crowd;
    while (n < TICKETS && n + 1 < workers && n + 1 < graph->nodes) {
        tickets[n].graph = graph;
        weir_job_init(&tickets[n].job, use_ticket);
        weir_spawn(&tickets[n++].job, use_ticket);
    }
    open_graph(graph, true);
    serve(graph);
    while (n > 0)
        (void)weir_join(&tickets[--n].job);
    graph->crowd = NULL;
}

static int run_to_end(weir_graph *graph, weir_pool *pool, weir_cancel *cancel)
{
    const bool inside = weir_pool_self() == pool;
    const int status =
        inside ? prepare(graph, pool, cancel) : weir_graph_start(graph, pool, cancel);

    if (status != 0)
        return status;
    if (!inside)
        return weir_graph_wait(graph, WEIR_FOREVER, NULL);
    if (graph->nodes != 0)
        run_inside(graph);
    return outcome(graph);
}

int weir_graph_run(weir_graph *graph, weir_pool *pool, uint64_t deadline, weir_cancel *cancel)
{
    weir_cancel_source source;
    int status;

    if (deadline == WEIR_FOREVER)
        return run_to_end(graph, pool, cancel);
    if (weir_graph_is_running(graph))
        return -EBUSY; /* with a token of its own */
    weir_cancel_source_init(&source, cancel, deadline);
    status = run_to_end(graph, pool, weir_cancel_source_token(&source));
    if (status == -ECANCELED && weir_cancel_check(cancel) == 0 &&
        weir_cancel_reason(weir_cancel_source_token(&source)) == -ETIMEDOUT)
        status = -ETIMEDOUT;
    WEIR_REQUIRE(weir_cancel_source_destroy(&source) == 0,
                 "a node's use of the run's token ends with the node");
    graph->cancel = NULL;
    return status;
}

/* ---- queries ---- */

bool weir_graph_is_running(const weir_graph *graph)
{
    return !weir_latch_try_wait(&graph->ended);
}

int weir_graph_node_result(const weir_graph_node *node)
{
    const weir_graph_state state = weir_graph_node_state(node);

    return state >= WEIR_GRAPH_DONE ? node->result : -EAGAIN;
}
