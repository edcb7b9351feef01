/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/nodes.h: nodes for queues that leave them to the caller. Each producer has
 * its own, as many as its share of the capacity, and uses them in turn; who takes a
 * node out of the queue marks it free. A producer whose next node is still inside
 * finds the queue "full", as with a bounded one.
 *
 * The node type begins with `WEIR_ATOMIC(uint32_t) busy`. */

#ifndef WEIR_BENCH_NODES_H
#define WEIR_BENCH_NODES_H

#include "bench.h"

typedef struct bench_nodes {
    unsigned char *base;
    size_t size, count, next;
} bench_nodes;

/* Room for `producers` times `count` nodes of `size` bytes, a multiple of 64. */
static inline unsigned char *bench_nodes_new(unsigned producers, size_t count, size_t size)
{
    return (unsigned char *)bench_alloc(producers * count * size);
}

/* The nodes of producer `id`. */
static inline void bench_nodes_of(bench_nodes *nodes, unsigned char *all, unsigned id, size_t count,
                                  size_t size)
{
    nodes->base = all + id * count * size;
    nodes->size = size;
    nodes->count = count;
    nodes->next = 0;
}

/* Returns: a node, or NULL while the next one is in use. */
static inline void *bench_nodes_take(bench_nodes *nodes)
{
    unsigned char *node = nodes->base + nodes->next * nodes->size;
    WEIR_ATOMIC(uint32_t) *busy = (WEIR_ATOMIC(uint32_t) *)(void *)node;

    /* sync(given): acquire.  Pairs with the store in bench_nodes_give(); its giver
     * has read what is about to be overwritten. */
    if (weir_atomic_load(busy, WEIR_ACQUIRE) != 0)
        return NULL;
    /* relaxed: only this producer looks, until the node is given back. */
    weir_atomic_store(busy, 1, WEIR_RELAXED);
    if (++nodes->next == nodes->count)
        nodes->next = 0;
    return node;
}

static inline void bench_nodes_give(void *node)
{
    WEIR_ATOMIC(uint32_t) *busy = (WEIR_ATOMIC(uint32_t) *)node;

    /* sync(given): release.  Pairs with the load in bench_nodes_take(); carries that
     * the node was read. */
    weir_atomic_store(busy, 0, WEIR_RELEASE);
}

#endif /* WEIR_BENCH_NODES_H */
