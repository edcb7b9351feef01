// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/umpmc_cds.cc: libcds' unbounded queues under its hazard pointers: MSQueue,
// BasketQueue and SegmentedQueue, of which the last is no FIFO.

#include "object.h"

#include <cds/gc/hp.h>
#include <cds/init.h>

#include <cds/container/basket_queue.h>
#include <cds/container/msqueue.h>
#include <cds/container/segmented_queue.h>

#include <vector>

namespace cds_halls
{

// The library and its collector live as long as the process; a thread attaches itself. The default
// is room for eight hazards a thread, of which SegmentedQueue and the others take three at most.
template <typename Queue> struct cds_hall {
    template <typename... Arguments>
    explicit cds_hall(Arguments... arguments)
        : collector((cds::Initialize(), 0)), queue(arguments...)
    {
    }
    cds::gc::HP collector;
    WEIR_ALIGNAS(128) char room[128];
    Queue queue;
};

} // namespace cds_halls

// Queues that the thread has entered: it attaches itself once.
static thread_local unsigned entered;

#define CDS(name, ...)                                                          \
    typedef cds_halls::cds_hall<__VA_ARGS__> name;                              \
    struct name##_local {                                                       \
        char nothing;                                                           \
    };                                                                          \
    static void name##_enter(name *, name##_local *, unsigned)                  \
    {                                                                           \
        if (entered++ == 0)                                                     \
            cds::threading::Manager::attachThread();                            \
    }                                                                           \
    static void name##_leave(name *, name##_local *)                            \
    {                                                                           \
        if (--entered == 0)                                                     \
            cds::threading::Manager::detachThread();                            \
    }                                                                           \
    static inline bool name##_put(name *hall, name##_local *, uintptr_t value)  \
    {                                                                           \
        return hall->queue.enqueue(value);                                      \
    }                                                                           \
    static inline bool name##_get(name *hall, name##_local *, uintptr_t *value) \
    {                                                                           \
        return hall->queue.dequeue(*value);                                     \
    }

CDS(cds_ms, cds::container::MSQueue<cds::gc::HP, uintptr_t>)

static cds_ms *cds_ms_open(size_t, unsigned, unsigned)
{
    return bench_new<cds_ms>();
}

#define QUEUE cds_ms
#define QUEUE_LABEL "libcds MSQueue"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "hazard pointers; malloc an enqueue"
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "../queue.h"

CDS(cds_baskets, cds::container::BasketQueue<cds::gc::HP, uintptr_t>)

static cds_baskets *cds_baskets_open(size_t, unsigned, unsigned)
{
    return bench_new<cds_baskets>();
}

#define QUEUE cds_baskets
#define QUEUE_LABEL "libcds BasketQueue"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "hazard pointers; malloc an enqueue"
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "../queue.h"

CDS(cds_segments, cds::container::SegmentedQueue<cds::gc::HP, uintptr_t>)

static cds_segments *cds_segments_open(size_t, unsigned, unsigned threads)
{
    return bench_new<cds_segments>(threads < 2 ? (size_t)2 : (size_t)threads * 4);
}

#define QUEUE cds_segments
#define QUEUE_LABEL "libcds SegmentedQueue"
#define QUEUE_CLASS BENCH_SPINS, BENCH_UNORDERED, false
#define QUEUE_NOTE "out of order within a segment of 4 times the threads; a lock for each segment"
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "../queue.h"
