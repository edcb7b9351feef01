/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/urcu.c: liburcu: wfcqueue with the caller's nodes, and rculfqueue,
 * whose nodes wait for a grace period before they are freed; its stacks. */

#define _LGPL_SOURCE /* the inline variants; small ones only are taken over */

#include "../nodes.h"

#include <stdlib.h>
#include <urcu.h>
#include <urcu/lfstack.h>
#include <urcu/rculfqueue.h>
#include <urcu/wfcqueue.h>
#include <urcu/wfstack.h>

/* ---- wfcqueue: enqueue wait-free; dequeue under a mutex, or by one thread ---- */

typedef struct wfc_node {
    WEIR_ALIGNAS(64) WEIR_ATOMIC(uint32_t) busy;
    struct cds_wfcq_node link;
    uintptr_t value;
} wfc_node;

typedef struct wfc {
    WEIR_ALIGNAS(128) struct cds_wfcq_head head;
    WEIR_ALIGNAS(128) struct cds_wfcq_tail tail;
    WEIR_ALIGNAS(128) unsigned char *nodes;
    size_t share;
} wfc;

typedef struct wfc_local {
    bench_nodes nodes;
} wfc_local;

static wfc *wfc_open(size_t capacity, unsigned producers, unsigned threads)
{
    wfc *queue = bench_alloc(sizeof *queue);

    (void)threads;
    queue->share = capacity / producers;
    queue->nodes = bench_nodes_new(producers, queue->share, sizeof(wfc_node));
    cds_wfcq_init(&queue->head, &queue->tail);
    return queue;
}

static void wfc_enter(wfc *queue, wfc_local *local, unsigned id)
{
    bench_nodes_of(&local->nodes, queue->nodes, id, queue->share, sizeof(wfc_node));
}

static void wfc_leave(wfc *queue, wfc_local *local)
{
    (void)queue;
    (void)local;
}

static inline bool wfc_put(wfc *queue, wfc_local *local, uintptr_t value)
{
    wfc_node *node = bench_nodes_take(&local->nodes);

    if (node == NULL)
        return false;
    node->value = value;
    cds_wfcq_node_init(&node->link);
    cds_wfcq_enqueue(&queue->head, &queue->tail, &node->link);
    return true;
}

static inline bool wfc_give(struct cds_wfcq_node *link, uintptr_t *value)
{
    wfc_node *node;

    if (link == NULL)
        return false;
    node = caa_container_of(link, wfc_node, link);
    *value = node->value;
    bench_nodes_give(node);
    return true;
}

static inline bool wfc_get(wfc *queue, wfc_local *local, uintptr_t *value)
{
    (void)local;
    return wfc_give(cds_wfcq_dequeue_blocking(&queue->head, &queue->tail), value);
}

#define QUEUE wfc
#define QUEUE_LABEL "liburcu wfcqueue"
#define QUEUE_CLASS BENCH_LOCK, BENCH_FIFO, false
#define QUEUE_NOTE "linked, the caller's nodes; consumers share a mutex"
#define QUEUE_MPMC
#define QUEUE_UNBOUNDED
#include "../queue.h"

/* The same with one consumer, which needs no mutex. */
typedef wfc wfc_one;
typedef wfc_local wfc_one_local;
#define wfc_one_open wfc_open
#define wfc_one_enter wfc_enter
#define wfc_one_leave wfc_leave
#define wfc_one_put wfc_put

static inline bool wfc_one_get(wfc *queue, wfc_local *local, uintptr_t *value)
{
    (void)local;
    return wfc_give(__cds_wfcq_dequeue_blocking(&queue->head, &queue->tail), value);
}

#define QUEUE wfc_one
#define QUEUE_LABEL "liburcu wfcqueue"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, false
#define QUEUE_NOTE "linked, the caller's nodes; the consumer waits for a producer in the middle"
#define QUEUE_MPSC
#include "../queue.h"

/* ---- rculfqueue: lock-free, memory unbounded ---- */

typedef struct rcu_node {
    struct cds_lfq_node_rcu link;
    struct rcu_head reclaim;
    uintptr_t value;
} rcu_node;

typedef struct rcu_queue {
    WEIR_ALIGNAS(128) struct cds_lfq_queue_rcu queue;
} rcu_queue;

typedef struct rcu_queue_local {
    char nothing;
} rcu_queue_local;

/* Queues that the thread has entered: it registers once. */
static _Thread_local unsigned queues_here;

static void rcu_node_free(struct rcu_head *head)
{
    free(caa_container_of(head, rcu_node, reclaim));
}

static rcu_queue *rcu_queue_open(size_t capacity, unsigned producers, unsigned threads)
{
    rcu_queue *queue = bench_alloc(sizeof *queue);

    (void)capacity;
    (void)producers;
    (void)threads;
    cds_lfq_init_rcu(&queue->queue, call_rcu);
    return queue;
}

static void rcu_queue_enter(rcu_queue *queue, rcu_queue_local *local, unsigned id)
{
    (void)queue;
    (void)local;
    (void)id;
    if (queues_here++ == 0)
        rcu_register_thread();
}

static void rcu_queue_leave(rcu_queue *queue, rcu_queue_local *local)
{
    (void)queue;
    (void)local;
    if (--queues_here == 0)
        rcu_unregister_thread();
}

static inline bool rcu_queue_put(rcu_queue *queue, rcu_queue_local *local, uintptr_t value)
{
    rcu_node *node = malloc(sizeof *node);

    (void)local;
    if (node == NULL)
        return false;
    node->value = value;
    cds_lfq_node_init_rcu(&node->link);
    rcu_read_lock();
    cds_lfq_enqueue_rcu(&queue->queue, &node->link);
    rcu_read_unlock();
    return true;
}

static inline bool rcu_queue_get(rcu_queue *queue, rcu_queue_local *local, uintptr_t *value)
{
    struct cds_lfq_node_rcu *link;
    rcu_node *node;

    (void)local;
    rcu_read_lock();
    link = cds_lfq_dequeue_rcu(&queue->queue);
    rcu_read_unlock();
    if (link == NULL)
        return false;
    node = caa_container_of(link, rcu_node, link);
    *value = node->value;
    call_rcu(&node->reclaim, rcu_node_free);
    return true;
}

#define QUEUE rcu_queue
#define QUEUE_LABEL "liburcu rculfqueue"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "linked; malloc an enqueue, freed after a grace period, memory unbounded"
#define QUEUE_BINDS
#define QUEUE_MPMC
#define QUEUE_UNBOUNDED
#include "../queue.h"

/* ---- lfstack and wfstack: the caller's nodes ---- */

typedef struct lfs_node {
    WEIR_ALIGNAS(64) struct cds_lfs_node link;
    uintptr_t value;
} lfs_node;

typedef struct lfs {
    WEIR_ALIGNAS(128) struct cds_lfs_stack stack;
    WEIR_ALIGNAS(128) lfs_node nodes[BENCH_THREADS + 1];
} lfs;

typedef struct lfs_local {
    lfs_node *spare;
} lfs_local;

static lfs *lfs_open(unsigned threads)
{
    lfs *stack = bench_alloc(sizeof *stack);

    (void)threads;
    cds_lfs_init(&stack->stack);
    return stack;
}

static void lfs_enter(lfs *stack, lfs_local *local, unsigned id)
{
    local->spare = &stack->nodes[id];
}

static void lfs_leave(lfs *stack, lfs_local *local)
{
    (void)stack;
    (void)local;
}

static inline bool lfs_push(lfs *stack, lfs_local *local, uintptr_t value)
{
    local->spare->value = value;
    cds_lfs_node_init(&local->spare->link);
    cds_lfs_push(&stack->stack, &local->spare->link);
    return true;
}

static inline bool lfs_pop(lfs *stack, lfs_local *local, uintptr_t *value)
{
    struct cds_lfs_node *const link = cds_lfs_pop_blocking(&stack->stack);

    if (link == NULL)
        return false;
    local->spare = caa_container_of(link, lfs_node, link);
    *value = local->spare->value;
    return true;
}

#define STACK lfs
#define STACK_LABEL "liburcu lfstack"
#define STACK_CLASS BENCH_LOCK, BENCH_UNORDERED, false
#define STACK_NOTE "push without a lock; threads that pop share a mutex"
#include "../stack.h"

typedef struct wfs_node {
    WEIR_ALIGNAS(64) struct cds_wfs_node link;
    uintptr_t value;
} wfs_node;

typedef struct wfs {
    WEIR_ALIGNAS(128) struct cds_wfs_stack stack;
    WEIR_ALIGNAS(128) wfs_node nodes[BENCH_THREADS + 1];
} wfs;

typedef struct wfs_local {
    wfs_node *spare;
} wfs_local;

static wfs *wfs_open(unsigned threads)
{
    wfs *stack = bench_alloc(sizeof *stack);

    (void)threads;
    cds_wfs_init(&stack->stack);
    return stack;
}

static void wfs_enter(wfs *stack, wfs_local *local, unsigned id)
{
    local->spare = &stack->nodes[id];
}

static void wfs_leave(wfs *stack, wfs_local *local)
{
    (void)stack;
    (void)local;
}

static inline bool wfs_push(wfs *stack, wfs_local *local, uintptr_t value)
{
    local->spare->value = value;
    cds_wfs_node_init(&local->spare->link);
    cds_wfs_push(&stack->stack, &local->spare->link);
    return true;
}

static inline bool wfs_pop(wfs *stack, wfs_local *local, uintptr_t *value)
{
    struct cds_wfs_node *const link = cds_wfs_pop_blocking(&stack->stack);

    if (link == NULL)
        return false;
    local->spare = caa_container_of(link, wfs_node, link);
    *value = local->spare->value;
    return true;
}

#define STACK wfs
#define STACK_LABEL "liburcu wfstack"
#define STACK_CLASS BENCH_LOCK, BENCH_UNORDERED, false
#define STACK_NOTE "push without a lock; threads that pop share a mutex"
#include "../stack.h"
