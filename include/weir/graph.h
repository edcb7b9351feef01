/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/graph.h: jobs that depend on each other: a node runs when all nodes before it have ended.
 *
 * Use it when: it is known in advance what has to be done and what has to come before what, and
 *              it is more than a call and its answer; once, or again and again.
 * Use weir_spawn() (weir/pool.h) where a job's parts are made by that job, weir/future.h where
 * each step has one result for the next, weir/chan.h for stages through which a stream flows.
 *
 * Who may run with whom:
 *   init, add, before, start, run, destroy   one thread at a time, while nobody waits or asks
 *   wait, state, result                      any thread, after start
 *   token                                    a node, during the run
 * A graph that runs is not changed: add, before, start, run and destroy say -EBUSY.
 *
 * A run, by weir_graph_run(), or weir_graph_start() and weir_graph_wait(), runs each node once,
 * and is over when all have ended. A node fails by returning a negative errno. What comes after
 * it, by one edge or many, is then not run but skipped; other branches go on. The first error of
 * a run is what who waits is told. A cancelled token skips all nodes that have not begun.
 *
 * Who ends a node runs the first of those that are ready by it at once, and gives the others to
 * the pool. So a chain is a loop: it needs no stack for its length, and no queue, but for every
 * 64th node, which goes through the pool, so that other jobs have their turn. What a pool that
 * is stopped discards, or does not take any more, is skipped: the run ends in any case, then
 * with -ECANCELED.
 *
 * A worker of the pool that calls weir_graph_run() works on the graph itself until it is over.
 * All ready nodes are in one list then, under a lock, and up to 31 workers more that come by to
 * steal serve that list until the end, and are replaced while it is empty. So it needs no worker
 * but its own. It is a part of the job that called: neither the 64 nor a stop of the pool
 * concern it.
 *
 * Progress:  to end a node is a read-modify-write for each node after it, and what
 *            weir_pool_submit_bulk() takes, lock-free; within a worker's run it blocks, on who
 *            has the list's lock. state and result are wait-free. wait and run block on the
 *            nodes.
 * Ordering:  what happens before start is visible to all nodes; what a node did, to those after
 *            it, to who has waited for the end, and to who finds its state DONE, FAILED or
 *            SKIPPED.
 * Memory:    the caller's: nothing is allocated. Graph, nodes and edges stay where they are
 *            until the run is over: a wait of any thread has returned its outcome, or
 *            weir_graph_is_running() was false. Nobody else touches them any more then, but the
 *            weir_graph_run() that ran it, until it returns.
 * Complexity: start looks for cycles if the graph has changed since: O(nodes + edges), with no
 *            stack; and sets each node back.
 * Edges:
 *   joined  a node's end -> the start of those after it  carries what it did
 *   ended   a node's end -> state                        carries what it did, and its result
 *   The end of a run: `zero` of weir/sem.h. What is given to the pool: `submitted` of
 *   weir/pool.h.
 *
 * Source: A. B. Kahn, "Topological Sorting of Large Networks", CACM 5(11), 1962,
 * doi:10.1145/368996.369025. */

#ifndef WEIR_GRAPH_H
#define WEIR_GRAPH_H

#include <weir/cancel.h>
#include <weir/job.h>
#include <weir/pool.h>
#include <weir/sem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Most nodes of a graph. */
#define WEIR_GRAPH_MAX WEIR_SEM_MAX

typedef enum weir_graph_state {
    WEIR_GRAPH_WAITING, /* for others, or for a worker; or there was no run yet */
    WEIR_GRAPH_RUNNING,
    WEIR_GRAPH_DONE,
    WEIR_GRAPH_FAILED, /* it returned a negative errno */
    WEIR_GRAPH_SKIPPED /* one before it failed or was skipped, or the run was cancelled */
} weir_graph_state;

/* To be embedded, with what `run` needs. */
typedef struct weir_graph_node {
    /* who adds: */
    int (*run)(struct weir_graph_node *node); /* 0, or a negative errno */
    struct weir_graph *graph;
    struct weir_graph_node *next; /* of the graph */
    struct weir_graph_edge *first, *last;
    uint32_t before; /* edges to it */
    /* a run: */
    WEIR_ATOMIC(uint32_t) state;
    WEIR_ATOMIC(uint64_t) waits;   /* for so many; from bit 32, those that did not succeed */
    struct weir_graph_node *ready; /* the next one, of a list of one thread's, or locked */
    int result;
    weir_call turn; /* where it is for the pool to run; its future tells of a discarded one too */
    weir_then told;
} weir_graph_node;

typedef struct weir_graph_edge {
    struct weir_graph_edge *next; /* of the same node */
    weir_graph_node *then;
} weir_graph_edge;

typedef struct weir_graph {
    /* who adds: */
    weir_graph_node *first, *last;
    uint32_t nodes;
    bool sorted; /* there is no cycle */
    /* who starts: */
    weir_pool *pool;
    weir_cancel *cancel;
    weir_graph_node *roots;
    struct weir__graph_crowd *crowd; /* NULL, or in a worker's run: lib/graph.c */
    weir_call turn;                  /* of the roots */
    weir_then told;
    /* a run: */
    WEIR_ATOMIC(int) error; /* the first */
    weir_latch ended;       /* counts nodes; 0: it does not run */
} weir_graph;

/* ---- life ---- */

/* Makes an empty graph. */
WEIR_API void weir_graph_init(weir_graph *graph);

/* Ends it. Its nodes and edges are nobody's: a node is initialised before it is used again.
 * Returns: 0; -EBUSY if it runs: nothing was done. */
WEIR_API int weir_graph_destroy(weir_graph *graph);

/* Makes a node that runs `run(node)`, in no graph. */
WEIR_API void weir_graph_node_init(weir_graph_node *node, int (*run)(weir_graph_node *node));

/* Adds an initialised node. More than WEIR_GRAPH_MAX are a broken precondition.
 * Returns: 0; -EEXIST if it is in a graph already, this or another; -EBUSY if the graph runs. */
WEIR_API int weir_graph_add(weir_graph *graph, weir_graph_node *node) WEIR_NODISCARD;

/* Lets `then` begin after `first` has ended. Two nodes may have several edges. `edge` belongs to
 * the graph until it is destroyed; used twice in it, it is a broken precondition, not checked.
 * Returns: 0; -EINVAL if a node is in no graph, or they are in two; -ELOOP if they are one;
 * -EBUSY if their graph runs. */
WEIR_API int weir_graph_before(weir_graph_edge *edge, weir_graph_node *first,
                               weir_graph_node *then) WEIR_NODISCARD;

/* ---- a run ---- */

/* Starts a run. `cancel`, a token or NULL, lives until its end. What the last run left is
 * forgotten, unless it returns -EBUSY: weir_graph_wait() then says 0. A graph without nodes is
 * over at once.
 * Returns: 0; -ELOOP if there is a cycle; -EBUSY if it runs; or as weir_pool_submit(): nothing
 * runs then.
 * Complexity: one submit; O(nodes), and if the graph was changed, O(nodes + edges). */
WEIR_API int weir_graph_start(weir_graph *graph, weir_pool *pool,
                              weir_cancel *cancel) WEIR_NODISCARD;

/* Waits for the end of the run.
 * Returns: 0 if all nodes have succeeded, or nothing was ever started; the first error, of a
 * node, or -ECANCELED of what was cancelled or discarded. Or, and then it goes on and
 * weir_graph_is_running(): -ETIMEDOUT; -ECANCELED, of the wait's own token; -EDEADLK in a worker
 * of the pool, which must not wait for itself: there it is weir_graph_run().
 * Progress: blocking, on the nodes. */
WEIR_API int weir_graph_wait(weir_graph *graph, uint64_t deadline,
                             weir_cancel *cancel) WEIR_NODISCARD;

/* Runs it to the end. At the deadline, and when `cancel` is cancelled, what has not begun is
 * skipped; it waits for what has in any case. In a worker of the pool: see above.
 * Returns: as weir_graph_start(); 0 if all have succeeded; the first error; -ETIMEDOUT if that
 * is that nodes were skipped for the deadline, -ECANCELED for the token.
 * Progress: blocking, on the nodes. */
WEIR_API int weir_graph_run(weir_graph *graph, weir_pool *pool, uint64_t deadline,
                            weir_cancel *cancel) WEIR_NODISCARD;

/* ---- queries ---- */

/* Returns: whether it has been started and is not over. Ordering: acquires as a wait, if not. */
WEIR_API bool weir_graph_is_running(const weir_graph *graph);

/* Returns: the run's token, for what a node waits for, or NULL; that of weir_graph_run() with a
 * deadline is cancelled at the deadline. Threads: a node. */
static inline weir_cancel *weir_graph_token(const weir_graph *graph)
{
    return graph->cancel;
}

/* Returns: what has become of it in this run, or the last one. */
static inline weir_graph_state weir_graph_node_state(const weir_graph_node *node)
{
    /* sync(ended): acquire. Pairs with the store in settle() of lib/graph.c; what it did. */
    return (weir_graph_state)weir_atomic_load(&node->state, WEIR_ACQUIRE);
}

/* Returns: what a node has returned that is DONE or FAILED; -ECANCELED if it was SKIPPED;
 * -EAGAIN if it has not ended. */
WEIR_API int weir_graph_node_result(const weir_graph_node *node);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_GRAPH_H */
