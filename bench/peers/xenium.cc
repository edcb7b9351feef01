// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/xenium.cc: xenium: vyukov_bounded_queue, in the form whose calls do not
// spin, and nikolaev_bounded_queue where the version has it (Debian's 0.0.2 has not).

#include "object.h"

#include <xenium/vyukov_bounded_queue.hpp>

#if __has_include(<xenium/nikolaev_bounded_queue.hpp>)
#include <xenium/nikolaev_bounded_queue.hpp>
#define HAVE_NIKOLAEV 1
#endif

typedef xenium::vyukov_bounded_queue<uintptr_t> xenium_ring;

static xenium_ring *xenium_ring_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<xenium_ring>(capacity);
}

static inline bool xenium_ring_put(xenium_ring *queue, void *, uintptr_t value)
{
    return queue->try_push_weak(value);
}

static inline bool xenium_ring_get(xenium_ring *queue, void *, uintptr_t *value)
{
    return queue->try_pop_weak(*value);
}

#define QUEUE xenium_ring
#define QUEUE_LABEL "xenium Vyukov, weak"
#define QUEUE_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define QUEUE_NOTE "vyukov_bounded_queue, try_push_weak and try_pop_weak"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

#ifdef HAVE_NIKOLAEV

typedef xenium::nikolaev_bounded_queue<uintptr_t> xenium_scq;

static xenium_scq *xenium_scq_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<xenium_scq>(capacity);
}

static inline bool xenium_scq_put(xenium_scq *queue, void *, uintptr_t value)
{
    return queue->try_push(value);
}

static inline bool xenium_scq_get(xenium_scq *queue, void *, uintptr_t *value)
{
    return queue->try_pop(*value);
}

#define QUEUE xenium_scq
#define QUEUE_LABEL "xenium Nikolaev"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "nikolaev_bounded_queue: SCQ, two index rings"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

#endif
