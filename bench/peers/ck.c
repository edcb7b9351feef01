/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/ck.c: Concurrency Kit: ck_ring for many and for one, ck_fifo_mpmc and
 * ck_stack with the caller's nodes. */

#include "../nodes.h"

#include <ck_fifo.h>
#include <ck_ring.h>
#include <ck_stack.h>

/* ---- ck_ring; holds one less than its size, which must be a power of two ---- */

typedef struct ck_words {
    ck_ring_t ring;
    ck_ring_buffer_t *cells;
} ck_words;

static ck_words *ck_words_open(size_t capacity, unsigned producers, unsigned threads)
{
    ck_words *queue = bench_alloc(sizeof *queue);

    (void)producers;
    (void)threads;
    queue->cells = bench_alloc(capacity * sizeof *queue->cells);
    ck_ring_init(&queue->ring, (unsigned)capacity);
    return queue;
}

typedef ck_words ck_many;

static ck_many *ck_many_open(size_t capacity, unsigned producers, unsigned threads)
{
    return ck_words_open(capacity, producers, threads);
}

static inline bool ck_many_put(ck_many *queue, void *local, uintptr_t value)
{
    (void)local;
    return ck_ring_enqueue_mpmc(&queue->ring, queue->cells, (void *)value);
}

static inline bool ck_many_get(ck_many *queue, void *local, uintptr_t *value)
{
    (void)local;
    return ck_ring_dequeue_mpmc(&queue->ring, queue->cells, (void *)value);
}

#define QUEUE ck_many
#define QUEUE_LABEL "ck_ring mpmc"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, true
#define QUEUE_NOTE "producers publish in the order of their tickets"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

typedef ck_words ck_one;

static ck_one *ck_one_open(size_t capacity, unsigned producers, unsigned threads)
{
    return ck_words_open(capacity, producers, threads);
}

static inline bool ck_one_put(ck_one *queue, void *local, uintptr_t value)
{
    (void)local;
    return ck_ring_enqueue_spsc(&queue->ring, queue->cells, (void *)value);
}

static inline bool ck_one_get(ck_one *queue, void *local, uintptr_t *value)
{
    (void)local;
    return ck_ring_dequeue_spsc(&queue->ring, queue->cells, (void *)value);
}

#define QUEUE ck_one
#define QUEUE_LABEL "ck_ring spsc"
#define QUEUE_CLASS BENCH_WAIT_FREE, BENCH_FIFO, true
#define QUEUE_NOTE NULL
#define QUEUE_PLAIN
#define QUEUE_SPSC
#include "../queue.h"

/* ---- ck_fifo_mpmc: lock-free, unbounded, nodes are the caller's ---- */

#ifdef CK_F_FIFO_MPMC

typedef struct ck_linked_node {
    WEIR_ALIGNAS(64) WEIR_ATOMIC(uint32_t) busy;
    WEIR_ALIGNAS(16) ck_fifo_mpmc_entry_t entry;
} ck_linked_node;

typedef struct ck_linked {
    WEIR_ALIGNAS(128) ck_fifo_mpmc_t fifo;
    ck_linked_node stub;
    unsigned char *nodes;
    size_t share;
} ck_linked;

typedef struct ck_linked_local {
    bench_nodes nodes;
} ck_linked_local;

static ck_linked *ck_linked_open(size_t capacity, unsigned producers, unsigned threads)
{
    ck_linked *queue = bench_alloc(sizeof *queue);

    (void)threads;
    queue->share = capacity / producers;
    queue->nodes = bench_nodes_new(producers, queue->share, sizeof(ck_linked_node));
    ck_fifo_mpmc_init(&queue->fifo, &queue->stub.entry);
    return queue;
}

static void ck_linked_enter(ck_linked *queue, ck_linked_local *local, unsigned id)
{
    bench_nodes_of(&local->nodes, queue->nodes, id, queue->share, sizeof(ck_linked_node));
}

static void ck_linked_leave(ck_linked *queue, ck_linked_local *local)
{
    (void)queue;
    (void)local;
}

static inline bool ck_linked_put(ck_linked *queue, ck_linked_local *local, uintptr_t value)
{
    ck_linked_node *node = bench_nodes_take(&local->nodes);

    if (node == NULL)
        return false;
    ck_fifo_mpmc_enqueue(&queue->fifo, &node->entry, (void *)value);
    return true;
}

/* The node that comes free is the one before: the value's stays inside as the stub. */
static inline bool ck_linked_get(ck_linked *queue, ck_linked_local *local, uintptr_t *value)
{
    ck_fifo_mpmc_entry_t *spent;

    (void)local;
    if (!ck_fifo_mpmc_dequeue(&queue->fifo, value, &spent))
        return false;
    bench_nodes_give((unsigned char *)spent - offsetof(ck_linked_node, entry));
    return true;
}

#define QUEUE ck_linked
#define QUEUE_LABEL "ck_fifo mpmc"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "linked, the caller's nodes"
#define QUEUE_MPMC
#define QUEUE_UNBOUNDED
#include "../queue.h"

#endif /* CK_F_FIFO_MPMC */

/* ---- ck_stack_mpmc: lock-free, the caller's nodes, double-word compare-and-swap ---- */

#ifdef CK_F_STACK_POP_MPMC

typedef struct ck_pile_node {
    WEIR_ALIGNAS(64) ck_stack_entry_t entry;
    uintptr_t value;
} ck_pile_node;

typedef struct ck_pile {
    WEIR_ALIGNAS(128) ck_stack_t stack;
    WEIR_ALIGNAS(128) ck_pile_node nodes[BENCH_THREADS + 1];
} ck_pile;

typedef struct ck_pile_local {
    ck_pile_node *spare;
} ck_pile_local;

static ck_pile *ck_pile_open(unsigned threads)
{
    ck_pile *pile = bench_alloc(sizeof *pile);

    (void)threads;
    ck_stack_init(&pile->stack);
    return pile;
}

static void ck_pile_enter(ck_pile *pile, ck_pile_local *local, unsigned id)
{
    local->spare = &pile->nodes[id];
}

static void ck_pile_leave(ck_pile *pile, ck_pile_local *local)
{
    (void)pile;
    (void)local;
}

static inline bool ck_pile_push(ck_pile *pile, ck_pile_local *local, uintptr_t value)
{
    local->spare->value = value;
    ck_stack_push_mpmc(&pile->stack, &local->spare->entry);
    return true;
}

static inline bool ck_pile_pop(ck_pile *pile, ck_pile_local *local, uintptr_t *value)
{
    ck_stack_entry_t *const entry = ck_stack_pop_mpmc(&pile->stack);

    if (entry == NULL)
        return false;
    local->spare = (ck_pile_node *)(void *)((unsigned char *)entry - offsetof(ck_pile_node, entry));
    *value = local->spare->value;
    return true;
}

#define STACK ck_pile
#define STACK_LABEL "ck_stack mpmc"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "the caller's nodes; its pop_all does not advance the generation"
#include "../stack.h"

#endif /* CK_F_STACK_POP_MPMC */
