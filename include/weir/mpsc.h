/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/mpsc.h: an unbounded FIFO queue of the caller's own nodes, for many
 * producers and one consumer: a mailbox.
 *
 * Use it when: many threads hand work to one, nobody may be refused, and the
 *              things handed over can carry a node of one pointer.
 * Use weir/spsc.h with one producer, weir/mpmc.h with several consumers or where
 * a bound is to hold producers back.
 *
 * Who may run with whom:
 *                        enqueue, _chain   try_dequeue, _burst, empty
 *   enqueue, _chain            yes                  yes
 *   try_dequeue, .., empty     yes              one thread
 *   init, destroy              no                   no
 *
 * Progress:  enqueue and enqueue_chain are lock-free: a compare-and-swap is
 *            repeated only when another producer's succeeded, or the consumer took
 *            all. The consumer is wait-free, an enqueue being one step that is done
 *            or not begun: no producer, wherever it stands still, can hold it up or
 *            hide the nodes of others. (A consumer that sleeps depends on who is to wake
 *            it: see weir_mpsc_enqueue().) A dequeue takes constant time when amortised:
 *            the one that finds its own list used up takes over the k nodes that
 *            came since, and walks over them once. (Where the machine has only
 *            load-exclusive and store-exclusive, taking over is lock-free.)
 * Ordering:  what happens before an enqueue is visible after the dequeue of that
 *            node. Per producer, and between enqueues of which one returned before
 *            the other began, nodes come in their order.
 *            NULL is ordered by happens-before and no further: an enqueue that
 *            happened before the call is seen, one that only ran earlier need not be.
 *            Before going to sleep on it see "Refusals and sleep" in
 *            doc/memory-model.md.
 * Linearization: an enqueue at its compare-and-swap that succeeds; a dequeue of a
 *            node at its exchange, or if it needed none at any moment; one that
 *            returns NULL at its load of `head`: the queue was empty at that moment.
 * Memory:    one pointer in each node; the queue allocates nothing.
 * Ownership: a node belongs to the queue from the call of enqueue until dequeue
 *            returns it. From then on nobody else looks at it: it may be enqueued
 *            again at once, here or elsewhere, or freed. It may not be enqueued
 *            while it is inside.
 * Complexity: one compare-and-swap an enqueue, or a chain of any length; one
 *            exchange for each k nodes taken over, none for an empty queue.
 * Edges:     pushed  enqueue, enqueue_chain -> try_dequeue  carries the nodes' next
 *                                                           and what they are in
 *
 * Source: the list that grows by compare-and-swap: R. K. Treiber, "Systems
 * Programming: Coping with Parallelism", IBM RJ 5118, 1986; taking it whole by an
 * exchange leaves it no ABA problem. A node is linked before it is published, so
 * there is no moment between an exchange and a link at which the queue is cut in
 * two, as in D. Vyukov, "Intrusive MPSC node-based queue", 2010,
 * https://www.1024cores.net/home/lock-free-algorithms/queues/intrusive-mpsc-node-based-queue. */

#ifndef WEIR_MPSC_H
#define WEIR_MPSC_H

#include <weir/atomic.h>
#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* To be embedded in what is enqueued. `next` is the caller's only while the node is
 * outside: to link a chain for weir_mpsc_enqueue_chain(). */
typedef struct weir_mpsc_node {
    struct weir_mpsc_node *next;
} weir_mpsc_node;

typedef struct weir_mpsc {
    /* producers push, the consumer takes all: newest first */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(weir_mpsc_node *) head;
    /* nobody, between init and destroy: */
    uintptr_t made;   /* WEIR__MPSC_MADE */
    size_t allocated; /* bytes of the allocation by weir_mpsc_new(), or 0 */
    /* consumer: what it took over, oldest first; older than all in `head` */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_mpsc_node *ready;
} weir_mpsc;

#define WEIR__MPSC_MADE ((uintptr_t)0x77656972)

/* An empty queue: `static weir_mpsc mailbox = WEIR_MPSC_INIT;` */
#define WEIR_MPSC_INIT                                    \
    {                                                     \
        WEIR_ATOMIC_INIT(NULL), WEIR__MPSC_MADE, 0, NULL, \
    }

WEIR_STATIC_ASSERT(sizeof(weir_mpsc_node) == sizeof(void *), "a node is one pointer");
WEIR_STATIC_ASSERT(sizeof(weir_mpsc) == 2 * WEIR_CACHELINE, "a line pair for each writer");

/* ---- life ---- */

/* Makes an empty queue. */
WEIR_API void weir_mpsc_init(weir_mpsc *queue);

/* Ends the queue. No other thread may use it.
 * Returns: 0; -EBUSY if nodes are inside: nothing was done, dequeue them first. */
WEIR_API int weir_mpsc_destroy(weir_mpsc *queue);

/* Allocates a queue through weir_alloc().
 * Returns: 0 and *queue; -ENOMEM, with *queue untouched. */
WEIR_API int weir_mpsc_new(weir_mpsc **queue) WEIR_NODISCARD;

/* Ends and frees what weir_mpsc_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_mpsc_destroy(). */
WEIR_API int weir_mpsc_free(weir_mpsc *queue);

/* ---- operations ---- */

/* Publishes the list from `newest` to `oldest`, linked by next. */
static inline bool weir__mpsc_push(weir_mpsc *queue, weir_mpsc_node *newest, weir_mpsc_node *oldest)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    /* relaxed: the pointer is stored and compared, never followed; what it points to may be
     * freed by now. */
    weir_mpsc_node *head = weir_atomic_load(&queue->head, WEIR_RELAXED);

    WEIR_ASSERT(queue->made == WEIR__MPSC_MADE, "used after destroy, or before init");
    for (;;) {
        WEIR_ASSERT(newest != head && oldest != head, "this node is inside already");
        /* Plain: not yet published. */
        oldest->next = head;
        /* sync(pushed): release. Pairs with the exchange in weir__mpsc_take_over();
         * publishes the nodes, their next and what they are in. Pushes on top of it are
         * read-modify-writes too, so the exchange that meets the last meets them all.
         * relaxed on failure: as the load above. */
        if (WEIR_LIKELY(weir_atomic_cas(&queue->head, &head, newest, WEIR_RELEASE, WEIR_RELAXED)))
            return head == NULL;
        /* Lost to the consumer, which took all: it is done, and there is nobody to let by. */
        if (head == NULL)
            continue;
        weir_backoff_wait(&backoff);
        /* relaxed: as above; the waiting made the failure's value old. */
        head = weir_atomic_load(&queue->head, WEIR_RELAXED);
    }
}

/* Puts `node` at the end.
 * Returns: true if the consumer had taken over all earlier nodes: it may be about to
 * find nothing, so whoever puts it to sleep wakes it now. false: an earlier enqueue
 * has returned, or will return, true for it: if that thread stops before it wakes the
 * consumer, the consumer sleeps on. The wake has to be one that is kept (a semaphore,
 * an eventfd), since it may come before the consumer sleeps.
 * Ownership: the queue's until it is dequeued. */
static inline bool weir_mpsc_enqueue(weir_mpsc *queue, weir_mpsc_node *node)
{
    return weir__mpsc_push(queue, node, node);
}

/* Puts all nodes of a chain at the end, oldest first, linked by `next`, the last one's
 * being NULL; nothing comes between them.
 * Returns: as weir_mpsc_enqueue(); false for an empty chain.
 * Complexity: one compare-and-swap; links n nodes anew. */
static inline bool weir_mpsc_enqueue_chain(weir_mpsc *queue, weir_mpsc_node *oldest)
{
    weir_mpsc_node *newest = NULL;
    weir_mpsc_node *node = oldest;

    if (oldest == NULL)
        return false;
    /* Plain: not yet published. */
    while (node != NULL) {
        weir_mpsc_node *const next = node->next;

        node->next = newest;
        newest = node;
        node = next;
    }
    return weir__mpsc_push(queue, newest, oldest);
}

/* Consumer, with `ready` used up: takes all of `head`, and turns it round. */
static inline weir_mpsc_node *weir__mpsc_take_over(weir_mpsc *queue)
{
    weir_mpsc_node *oldest = NULL;
    weir_mpsc_node *node;

    /* relaxed: an empty queue is left without a read-modify-write; nothing is read
     * through it, and an enqueue that happened before this call is seen. */
    if (weir_atomic_load(&queue->head, WEIR_RELAXED) == NULL)
        return NULL;
    /* sync(pushed): acquire. Pairs with the compare-and-swap in weir__mpsc_push(); all
     * nodes of the list, their next and what they are in. */
    node = weir_atomic_exchange(&queue->head, NULL, WEIR_ACQUIRE);
    /* Plain: the list is the consumer's alone now. */
    while (node != NULL) {
        weir_mpsc_node *const next = node->next;

        node->next = oldest;
        oldest = node;
        node = next;
    }
    return oldest;
}

/* Takes the oldest node.
 * Returns: NULL if the queue was empty.
 * Threads: the consumer.
 * Ownership: the node is the caller's. */
static inline weir_mpsc_node *weir_mpsc_try_dequeue(weir_mpsc *queue)
{
    weir_mpsc_node *node = queue->ready;

    WEIR_ASSERT(queue->made == WEIR__MPSC_MADE, "used after destroy, or before init");
    if (node == NULL) {
        node = weir__mpsc_take_over(queue);
        if (node == NULL)
            return NULL;
    }
    queue->ready = node->next;
    return node;
}

/* Takes up to `n` nodes, oldest first.
 * Returns: how many; fewer than n if the queue was empty when the next one was due.
 * Threads: the consumer.
 * Ownership: the nodes are the caller's. */
static inline size_t weir_mpsc_dequeue_burst(weir_mpsc *queue, weir_mpsc_node **nodes, size_t n)
{
    size_t got = 0;

    while (got < n) {
        weir_mpsc_node *const node = weir_mpsc_try_dequeue(queue);

        if (node == NULL)
            break;
        nodes[got++] = node;
    }
    return got;
}

/* Returns: whether the queue was empty, at a moment of the call.
 * Threads: the consumer. */
static inline bool weir_mpsc_empty(const weir_mpsc *queue)
{
    WEIR_ASSERT(queue->made == WEIR__MPSC_MADE, "used after destroy, or before init");
    /* relaxed: only compared with NULL; an enqueue that happened before is seen. */
    return queue->ready == NULL && weir_atomic_load(&queue->head, WEIR_RELAXED) == NULL;
}

/* ---- typed ---- */

/* Defines the type NAME, a weir_mpsc of objects of type T, whose member `member` is
 * the weir_mpsc_node, with NAME_init, NAME_destroy, NAME_enqueue, NAME_try_dequeue and
 * NAME_empty, which take and return T pointers. */
#define WEIR_MPSC_DEFINE(name, T, member)                                                         \
    typedef struct name {                                                                         \
        weir_mpsc queue;                                                                          \
    } name;                                                                                       \
    WEIR_UNUSED static inline void name##_init(name *weir_typed)                                  \
    {                                                                                             \
        weir_mpsc_init(&weir_typed->queue);                                                       \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                \
    {                                                                                             \
        return weir_mpsc_destroy(&weir_typed->queue);                                             \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_enqueue(name *weir_typed, T *weir_object)               \
    {                                                                                             \
        return weir_mpsc_enqueue(&weir_typed->queue, &weir_object->member);                       \
    }                                                                                             \
    WEIR_UNUSED static inline T *name##_try_dequeue(name *weir_typed)                             \
    {                                                                                             \
        weir_mpsc_node *const weir_node = weir_mpsc_try_dequeue(&weir_typed->queue);              \
        return weir_node == NULL ? NULL : (T *)(void *)((char *)weir_node - offsetof(T, member)); \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_empty(const name *weir_typed)                           \
    {                                                                                             \
        return weir_mpsc_empty(&weir_typed->queue);                                               \
    }                                                                                             \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_MPSC_H */
