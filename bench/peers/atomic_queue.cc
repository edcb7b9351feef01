// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/atomic_queue.cc: AtomicQueue2 through try_push and try_pop, AtomicQueueB
// as a queue for one and one. What its own benchmarks call "Optimist", push and pop
// that take a ticket and spin until their turn, can answer neither full nor empty.

#include "object.h"

#include <atomic_queue/atomic_queue.h>

typedef atomic_queue::AtomicQueue2<uintptr_t, BENCH_CAPACITY> atomic_many;

static atomic_many *atomic_many_open(size_t, unsigned, unsigned)
{
    return bench_new<atomic_many>();
}

static inline bool atomic_many_put(atomic_many *queue, void *, uintptr_t value)
{
    return queue->try_push(value);
}

static inline bool atomic_many_get(atomic_many *queue, void *, uintptr_t *value)
{
    return queue->try_pop(*value);
}

#define QUEUE atomic_many
#define QUEUE_LABEL "atomic_queue"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, true
#define QUEUE_NOTE "AtomicQueue2; cells carry no lap, so preemption can break the order"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

// The template's arguments: allocator, the value that stands for nothing, throughput
// rather than latency, no total order, one producer and one consumer.
typedef atomic_queue::AtomicQueueB<uintptr_t, std::allocator<uintptr_t>, 0, true, false, true>
    atomic_one;

static atomic_one *atomic_one_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<atomic_one>((unsigned)capacity);
}

static inline bool atomic_one_put(atomic_one *queue, void *, uintptr_t value)
{
    return queue->try_push(value);
}

static inline bool atomic_one_get(atomic_one *queue, void *, uintptr_t *value)
{
    return queue->try_pop(*value);
}

#define QUEUE atomic_one
#define QUEUE_LABEL "atomic_queue spsc"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, true
#define QUEUE_NOTE "AtomicQueueB, SPSC; the value 0 is reserved"
#define QUEUE_PLAIN
#define QUEUE_SPSC
#include "../queue.h"
