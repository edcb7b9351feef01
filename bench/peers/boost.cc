// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/boost.cc: Boost.Lockfree: queue and stack with a fixed number of nodes,
// spsc_queue.

#include "object.h"

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <boost/lockfree/stack.hpp>

typedef boost::lockfree::queue<uintptr_t, boost::lockfree::fixed_sized<true>> boost_many;

static boost_many *boost_many_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<boost_many>(capacity);
}

static inline bool boost_many_put(boost_many *queue, void *, uintptr_t value)
{
    return queue->bounded_push(value);
}

static inline bool boost_many_get(boost_many *queue, void *, uintptr_t *value)
{
    return queue->pop(*value);
}

#define QUEUE boost_many
#define QUEUE_LABEL "Boost.Lockfree queue"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "fixed_sized; 16-bit tags"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

// With a free list that grows.
typedef boost::lockfree::queue<uintptr_t> boost_growing;

static boost_growing *boost_growing_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<boost_growing>(capacity);
}

static inline bool boost_growing_put(boost_growing *queue, void *, uintptr_t value)
{
    return queue->push(value);
}

static inline bool boost_growing_get(boost_growing *queue, void *, uintptr_t *value)
{
    return queue->pop(*value);
}

#define QUEUE boost_growing
#define QUEUE_LABEL "Boost queue, growing"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "nodes from a free list that grows and is never given back; 16-bit tags"
#define QUEUE_PLAIN
#define QUEUE_UNBOUNDED
#include "../queue.h"

typedef boost::lockfree::spsc_queue<uintptr_t> boost_one;

static boost_one *boost_one_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<boost_one>(capacity);
}

static inline bool boost_one_put(boost_one *queue, void *, uintptr_t value)
{
    return queue->push(value);
}

static inline bool boost_one_get(boost_one *queue, void *, uintptr_t *value)
{
    return queue->pop(*value);
}

static inline size_t boost_one_put_n(boost_one *queue, void *, const uintptr_t *values, size_t n)
{
    return queue->push(values, n);
}

static inline size_t boost_one_get_n(boost_one *queue, void *, uintptr_t *values, size_t n)
{
    return queue->pop(values, n);
}

#define QUEUE boost_one
#define QUEUE_LABEL "Boost spsc_queue"
#define QUEUE_CLASS BENCH_WAIT_FREE, BENCH_FIFO, true
#define QUEUE_NOTE NULL
#define QUEUE_PLAIN
#define QUEUE_SPSC
#define QUEUE_BATCH
#include "../queue.h"

typedef boost::lockfree::stack<uintptr_t, boost::lockfree::fixed_sized<true>> boost_pile;

static boost_pile *boost_pile_open(unsigned)
{
    return bench_new<boost_pile>(BENCH_CAPACITY);
}

static inline bool boost_pile_push(boost_pile *stack, void *, uintptr_t value)
{
    return stack->bounded_push(value);
}

static inline bool boost_pile_pop(boost_pile *stack, void *, uintptr_t *value)
{
    return stack->pop(*value);
}

#define STACK boost_pile
#define STACK_LABEL "Boost.Lockfree stack"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define STACK_NOTE "fixed_sized, with a free list of its own; 16-bit tags"
#define STACK_PLAIN
#include "../stack.h"
