/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/mpmc.c: weir/mpmc.h in the rows of the queues for many and many. */

#include "bench.h"

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC

typedef weir_mpmc our_mpmc;

static our_mpmc *our_mpmc_open(size_t capacity, unsigned producers, unsigned threads)
{
    weir_mpmc *queue = NULL;

    (void)producers;
    (void)threads;
    return weir_mpmc_new(&queue, capacity) == 0 ? queue : NULL;
}

static inline bool our_mpmc_put(our_mpmc *queue, void *local, uintptr_t value)
{
    (void)local;
    return weir_mpmc_try_enqueue(queue, value);
}

static inline bool our_mpmc_get(our_mpmc *queue, void *local, uintptr_t *value)
{
    (void)local;
    return weir_mpmc_try_dequeue(queue, value);
}

static inline size_t our_mpmc_put_n(our_mpmc *queue, void *local, const uintptr_t *values, size_t n)
{
    (void)local;
    return weir_mpmc_enqueue_burst(queue, values, n);
}

static inline size_t our_mpmc_get_n(our_mpmc *queue, void *local, uintptr_t *values, size_t n)
{
    (void)local;
    return weir_mpmc_dequeue_burst(queue, values, n);
}

#define QUEUE our_mpmc
#define QUEUE_LABEL "weir mpmc"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "cell-first ring, one double-word CAS an operation"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_PLAIN
#define QUEUE_MPMC
#define QUEUE_BATCH
#include "queue.h"

#endif /* WEIR_HAVE_MPMC */
