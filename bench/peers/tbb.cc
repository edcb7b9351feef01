// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/tbb.cc: oneTBB: concurrent_bounded_queue through its try_ operations,
// concurrent_queue.

#include "object.h"

#include <tbb/concurrent_queue.h>

typedef tbb::concurrent_bounded_queue<uintptr_t> tbb_bounded;

static tbb_bounded *tbb_bounded_open(size_t capacity, unsigned, unsigned)
{
    tbb_bounded *queue = bench_new<tbb_bounded>();

    queue->set_capacity((tbb_bounded::size_type)capacity);
    return queue;
}

static inline bool tbb_bounded_put(tbb_bounded *queue, void *, uintptr_t value)
{
    return queue->try_push(value);
}

static inline bool tbb_bounded_get(tbb_bounded *queue, void *, uintptr_t *value)
{
    return queue->try_pop(*value);
}

#define QUEUE tbb_bounded
#define QUEUE_LABEL "oneTBB bounded"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, true
#define QUEUE_NOTE "concurrent_bounded_queue, try_push and try_pop"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

typedef tbb::concurrent_queue<uintptr_t> tbb_unbounded;

static tbb_unbounded *tbb_unbounded_open(size_t, unsigned, unsigned)
{
    return bench_new<tbb_unbounded>();
}

static inline bool tbb_unbounded_put(tbb_unbounded *queue, void *, uintptr_t value)
{
    queue->push(value);
    return true;
}

static inline bool tbb_unbounded_get(tbb_unbounded *queue, void *, uintptr_t *value)
{
    return queue->try_pop(*value);
}

#define QUEUE tbb_unbounded
#define QUEUE_LABEL "oneTBB unbounded"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, false
#define QUEUE_NOTE "concurrent_queue; allocates"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#define QUEUE_UNBOUNDED
#include "../queue.h"
