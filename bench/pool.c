/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Thread pools, as weir/pool.h and weir/parallel.h have one.
 *
 *   pool/fib/1, /2      fork and join, by one worker and by two: wall-clock time of a spawn
 *   pool/submit/1, /2   jobs from outside, by one producer and by two: only what submitting takes.
 *                       Each has a CPU of its own; workers are on the others, or, where there are
 *                       no others, one on those. A batch is over before the next begins.
 *   pool/wake           to the first instruction of a job, when all workers sleep; the last was 1
 * ms ago pool/hot            the same, when one on another CPU has just ended the job before
 *   pool/for/1e7, /64   a loop over cheap items, called in a worker
 *   pool/graph          of a run of a graph, from outside, the time a node
 *   pool/idle           what a pool without work takes */

#include "pool.h"

#include <weir/graph.h>
#include <weir/parallel.h>
#include <weir/pool.h>

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- weir ---- */

static weir_pool *our_pool;

typedef struct our_item {
    pool_item item;
    weir_job job;
} our_item;

static bool our_open(unsigned workers, bool outside)
{
    weir_pool_options options;

    (void)outside;
    memset(&options, 0, sizeof options);
    options.workers = workers;
    return weir_pool_new(&our_pool, &options) == 0;
}

typedef struct our_call {
    weir_job job;
    void (*f)(void *of);
    void *of;
} our_call;

static int our_call_run(weir_job *job)
{
    const our_call *const call = (const our_call *)(const void *)job;

    call->f(call->of);
    return 0;
}

static void our_inside(bool loops, void (*f)(void *of), void *of)
{
    our_call call;

    (void)loops;
    weir_job_init(&call.job, our_call_run);
    call.f = f;
    call.of = of;
    if (weir_pool_run(our_pool, &call.job) != 0)
        abort();
}

typedef struct our_fib_job {
    weir_job job;
    unsigned n;
    uint64_t result;
} our_fib_job;

static uint64_t our_fib(unsigned n);

static int our_fib_run(weir_job *job)
{
    our_fib_job *const self = (our_fib_job *)(void *)job;

    self->result = our_fib(self->n);
    return 0;
}

static uint64_t our_fib(unsigned n)
{
    our_fib_job other;
    uint64_t one;

    if (n < 2)
        return n;
    other.n = n - 2;
    weir_spawn(&other.job, our_fib_run);
    one = our_fib(n - 1);
    (void)weir_join_run(&other.job, our_fib_run);
    return one + other.result;
}

typedef struct our_items {
    uint32_t *items;
    uint32_t k;
} our_items;

static int our_body(void *context, size_t from, size_t to)
{
    const our_items *const all = (const our_items *)context;

    bench_pool_range(all->items, from, to, all->k);
    return 0;
}

static void our_loop(uint32_t *items, size_t n, uint32_t k)
{
    const weir_parallel how = {our_pool, 0, NULL, NULL};
    our_items all = {items, k};

    if (weir_parallel_for(&how, 0, n, our_body, &all) != 0)
        abort();
}

static int our_item_run(weir_job *job)
{
    our_item *const self = (our_item *)(void *)((char *)job - offsetof(our_item, job));

    self->item.run(&self->item);
    return 0;
}

static void our_submit(pool_item *item)
{
    our_item *const self = (our_item *)(void *)item;

    weir_job_init(&self->job, our_item_run);
    if (weir_pool_submit(our_pool, &self->job) != 0)
        abort();
}

typedef struct our_node {
    weir_graph_node node;
    weir_graph_edge left, above; /* to it */
} our_node;

static weir_graph our_graph;
static our_node *our_nodes;
static void (*our_visit)(unsigned i);

static int our_node_run(weir_graph_node *node)
{
    our_visit((unsigned)((our_node *)(void *)node - our_nodes));
    return 0;
}

static void our_weave(void)
{
    our_nodes = (our_node *)bench_alloc(POOL_NODES * sizeof *our_nodes);
    weir_graph_init(&our_graph);
    for (unsigned i = 0; i < POOL_NODES; i++) {
        our_node *const it = &our_nodes[i];

        weir_graph_node_init(&it->node, our_node_run);
        if (weir_graph_add(&our_graph, &it->node) != 0 ||
            (i % POOL_SIDE != 0 && weir_graph_before(&it->left, &it[-1].node, &it->node) != 0) ||
            (i >= POOL_SIDE && weir_graph_before(&it->above, &it[-POOL_SIDE].node, &it->node) != 0))
            abort();
    }
}

static void our_wave(void (*visit)(unsigned i))
{
    our_visit = visit;
    if (our_nodes == NULL)
        our_weave();
    if (weir_graph_run(&our_graph, our_pool, WEIR_FOREVER, NULL) != 0)
        abort();
}

static const pool_face our_face = {sizeof(our_item), our_open,   our_inside, our_fib,
                                   our_loop,         our_submit, NULL,       our_wave};

static const pool_face *ours(void)
{
    return &our_face;
}

BENCH_POOL_CASES(ours)

/* ---- one thread that sleeps on a futex ---- */

static WEIR_ATOMIC(uint32_t) bell;
static pool_item *bell_item;

static void *hear_bell(void *unused)
{
    uint32_t seen = 0;

    (void)unused;
    for (;;) {
        /* sync(bell): acquire. Pairs with the fetch_add in ring_bell(); the item. */
        while (weir_atomic_load(&bell, WEIR_ACQUIRE) == seen)
            syscall(SYS_futex, &bell, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        seen++;
        bell_item->run(bell_item);
    }
    return NULL;
}

static bool open_bell(unsigned workers, bool outside)
{
    pthread_t thread;

    (void)workers;
    (void)outside;
    return pthread_create(&thread, NULL, hear_bell, NULL) == 0;
}

static void ring_bell(pool_item *item)
{
    bell_item = item;
    /* sync(bell): release. Pairs with the load in hear_bell(). */
    (void)weir_atomic_fetch_add(&bell, 1, WEIR_ACQ_REL);
    syscall(SYS_futex, &bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static const pool_face bell_face = {sizeof(pool_item), open_bell, NULL, NULL, NULL,
                                    ring_bell,         NULL,      NULL};

static const pool_face *futex(void)
{
    return &bell_face;
}

BENCH_POOL_CASES(futex)

BENCH_REGISTER(add_pools)
{
    static const bench_peer our_peer = {
        "weir pool",
        BENCH_LOCK_FREE,
        BENCH_UNORDERED,
        false,
        BENCH_OURS,
        "jobs are the caller's memory; loops by weir_parallel_for(), without a grain"};
    static const bench_peer futex_peer = {"bare futex",    BENCH_LOCK,
                                          BENCH_UNORDERED, true,
                                          BENCH_REFERENCE, "a word and a thread that sleeps on it"};

    bench_pool_add(&our_peer, ours_cases, POOL_ALL);
    bench_pool_add(&futex_peer, futex_cases, 1u << POOL_WAKE);
}
