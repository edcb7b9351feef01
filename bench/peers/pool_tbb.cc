// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/pool_tbb.cc: oneTBB: task_arena, parallel_invoke, parallel_for, flow_graph.

#include "../pool.h"

#include "object.h"

#include <tbb/blocked_range.h>
#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>

static tbb::task_arena *arena;

// Who calls inside() takes a place in the arena; who submits does not.
static bool tbb_open(unsigned workers, bool outside)
{
    static tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                     workers + (outside ? 1 : 0));

    arena = bench_new<tbb::task_arena>((int)workers, outside ? 0u : 1u);
    arena->initialize();
    return true;
}

static void tbb_inside(bool, void (*f)(void *of), void *of)
{
    arena->execute([=] { f(of); });
}

static uint64_t tbb_fib(unsigned n)
{
    uint64_t one, other;

    if (n < 2)
        return n;
    tbb::parallel_invoke([&one, n] { one = tbb_fib(n - 1); },
                         [&other, n] { other = tbb_fib(n - 2); });
    return one + other;
}

static void tbb_loop(uint32_t *items, size_t n, uint32_t k)
{
    tbb::parallel_for(tbb::blocked_range<size_t>(0, n),
                      [=](const tbb::blocked_range<size_t> &part) {
                          bench_pool_range(items, part.begin(), part.end(), k);
                      });
}

static void tbb_submit(pool_item *item)
{
    arena->enqueue([item] { item->run(item); });
}

typedef tbb::flow::continue_node<tbb::flow::continue_msg> tbb_node;

static tbb::flow::graph *tbb_graph;
static tbb_node *tbb_nodes[POOL_NODES];

static void tbb_weave(void (*visit)(unsigned i))
{
    tbb_graph = bench_new<tbb::flow::graph>();
    for (unsigned i = 0; i < POOL_NODES; i++) {
        tbb_nodes[i] =
            bench_new<tbb_node>(*tbb_graph, [=](const tbb::flow::continue_msg &) { visit(i); });
        if (i % POOL_SIDE != 0)
            tbb::flow::make_edge(*tbb_nodes[i - 1], *tbb_nodes[i]);
        if (i >= POOL_SIDE)
            tbb::flow::make_edge(*tbb_nodes[i - POOL_SIDE], *tbb_nodes[i]);
    }
}

// A graph runs in the arena in which it was made, and who waits takes part.
static void tbb_wave(void (*visit)(unsigned i))
{
    arena->execute([=] {
        if (tbb_graph == nullptr)
            tbb_weave(visit);
        tbb_nodes[0]->try_put(tbb::flow::continue_msg());
        tbb_graph->wait_for_all();
    });
}

static const pool_face tbb_face = {sizeof(pool_item), tbb_open,   tbb_inside, tbb_fib,
                                   tbb_loop,          tbb_submit, NULL,       tbb_wave};

static const pool_face *tbb_pool(void)
{
    return &tbb_face;
}

BENCH_POOL_CASES(tbb_pool)

BENCH_REGISTER(add_tbb_pool)
{
    static const bench_peer peer = {
        "oneTBB",
        BENCH_LOCK_FREE,
        BENCH_UNORDERED,
        false,
        0,
        "task_arena::enqueue; parallel_invoke; parallel_for over a blocked_range; continue_node"};

    bench_pool_add(&peer, tbb_pool_cases, POOL_ALL);
}
