/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/spsc.c: weir/spsc.h in the rows of the queues for one and one. */

#include "bench.h"

#include <weir/spsc.h>

WEIR_SPSC_DEFINE(our_spsc, uintptr_t);

static our_spsc *our_spsc_open(size_t capacity, unsigned producers, unsigned threads)
{
    our_spsc *queue = NULL;

    (void)producers;
    (void)threads;
    return our_spsc_new(&queue, capacity) == 0 ? queue : NULL;
}

static inline bool our_spsc_put(our_spsc *queue, void *local, uintptr_t value)
{
    (void)local;
    return our_spsc_try_enqueue(queue, value);
}

static inline bool our_spsc_get(our_spsc *queue, void *local, uintptr_t *value)
{
    (void)local;
    return our_spsc_try_dequeue(queue, value);
}

static inline size_t our_spsc_put_n(our_spsc *queue, void *local, const uintptr_t *values, size_t n)
{
    (void)local;
    return our_spsc_enqueue_burst(queue, values, n);
}

static inline size_t our_spsc_get_n(our_spsc *queue, void *local, uintptr_t *values, size_t n)
{
    (void)local;
    return our_spsc_dequeue_burst(queue, values, n);
}

#define QUEUE our_spsc
#define QUEUE_LABEL "weir spsc"
#define QUEUE_CLASS BENCH_WAIT_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "typed; signals in the groups of elements, no shared indices"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_PLAIN
#define QUEUE_SPSC
#define QUEUE_BATCH
#include "queue.h"
