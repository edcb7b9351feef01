/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/mpsc.c: weir/mpsc.h in the rows of the queues for many and one. */

#include "nodes.h"

#include <weir/mpsc.h>

typedef struct our_node {
    WEIR_ALIGNAS(64) WEIR_ATOMIC(uint32_t) busy;
    weir_mpsc_node link;
    uintptr_t value;
} our_node;

WEIR_MPSC_DEFINE(our_list, our_node, link);

typedef struct our_mpsc {
    our_list list;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char *nodes;
    size_t share;
} our_mpsc;

typedef struct our_mpsc_local {
    bench_nodes nodes;
} our_mpsc_local;

static our_mpsc *our_mpsc_open(size_t capacity, unsigned producers, unsigned threads)
{
    our_mpsc *queue = (our_mpsc *)bench_alloc(sizeof *queue);

    (void)threads;
    our_list_init(&queue->list);
    queue->share = capacity / producers;
    queue->nodes = bench_nodes_new(producers, queue->share, sizeof(our_node));
    return queue;
}

static void our_mpsc_enter(our_mpsc *queue, our_mpsc_local *local, unsigned id)
{
    bench_nodes_of(&local->nodes, queue->nodes, id, queue->share, sizeof(our_node));
}

static void our_mpsc_leave(our_mpsc *queue, our_mpsc_local *local)
{
    (void)queue;
    (void)local;
}

static inline bool our_mpsc_put(our_mpsc *queue, our_mpsc_local *local, uintptr_t value)
{
    our_node *node = (our_node *)bench_nodes_take(&local->nodes);

    if (node == NULL)
        return false;
    node->value = value;
    (void)our_list_enqueue(&queue->list, node);
    return true;
}

static inline bool our_mpsc_get(our_mpsc *queue, our_mpsc_local *local, uintptr_t *value)
{
    our_node *node = our_list_try_dequeue(&queue->list);

    (void)local;
    if (node == NULL)
        return false;
    *value = node->value;
    bench_nodes_give(node);
    return true;
}

#define QUEUE our_mpsc
#define QUEUE_LABEL "weir mpsc"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "the caller's nodes; push by compare-and-swap, all taken by one exchange"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_MPSC
#include "queue.h"
