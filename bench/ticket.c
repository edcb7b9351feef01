/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/ticket.c: weir/ticket.h in the rows of the queues for many and many. */

#include "bench.h"

#include <weir/ticket.h>

typedef weir_ticket our_ticket;

static our_ticket *our_ticket_open(size_t capacity, unsigned producers, unsigned threads)
{
    weir_ticket *queue = NULL;

    (void)producers;
    (void)threads;
    return weir_ticket_new(&queue, capacity) == 0 ? queue : NULL;
}

static inline bool our_ticket_put(our_ticket *queue, void *local, uintptr_t value)
{
    (void)local;
    return weir_ticket_try_enqueue(queue, value);
}

static inline bool our_ticket_get(our_ticket *queue, void *local, uintptr_t *value)
{
    (void)local;
    return weir_ticket_try_dequeue(queue, value);
}

static inline size_t our_ticket_put_n(our_ticket *queue, void *local, const uintptr_t *values,
                                      size_t n)
{
    (void)local;
    return weir_ticket_enqueue_burst(queue, values, n);
}

static inline size_t our_ticket_get_n(our_ticket *queue, void *local, uintptr_t *values, size_t n)
{
    (void)local;
    return weir_ticket_dequeue_burst(queue, values, n);
}

#define QUEUE our_ticket
#define QUEUE_LABEL "weir ticket"
#define QUEUE_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define QUEUE_NOTE "ticket ring with batch claims"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_PLAIN
#define QUEUE_MPMC
#define QUEUE_BATCH
#include "queue.h"
