// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/umpmc_xenium.cc: xenium's unbounded queues: michael_scott_queue, a node an element,
// and ramalhete_queue, segments with tickets, which carries pointers.

#include "object.h"

#include <xenium/michael_scott_queue.hpp>
#include <xenium/ramalhete_queue.hpp>
#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/reclamation/hazard_pointer.hpp>

typedef xenium::reclamation::hazard_pointer<> hazards;
typedef xenium::reclamation::epoch_based<> epochs;

#define XENIUM(name, ...)                                \
    typedef __VA_ARGS__ name;                            \
    static name *name##_open(size_t, unsigned, unsigned) \
    {                                                    \
        return bench_new<name>();                        \
    }

#define XENIUM_WORDS(name)                                               \
    static inline bool name##_put(name *queue, void *, uintptr_t value)  \
    {                                                                    \
        queue->push(value);                                              \
        return true;                                                     \
    }                                                                    \
    static inline bool name##_get(name *queue, void *, uintptr_t *value) \
    {                                                                    \
        return queue->try_pop(*value);                                   \
    }

// Its pointers carry marks in their lowest bits, and none is null.
#define XENIUM_POINTERS(name)                                            \
    static inline bool name##_put(name *queue, void *, uintptr_t value)  \
    {                                                                    \
        queue->push(reinterpret_cast<uint64_t *>(value * 16 + 16));      \
        return true;                                                     \
    }                                                                    \
    static inline bool name##_get(name *queue, void *, uintptr_t *value) \
    {                                                                    \
        uint64_t *pointer = nullptr;                                     \
        if (!queue->try_pop(pointer))                                    \
            return false;                                                \
        *value = reinterpret_cast<uintptr_t>(pointer) / 16 - 1;          \
        return true;                                                     \
    }

XENIUM(xenium_ms_epoch, xenium::michael_scott_queue<uintptr_t, xenium::policy::reclaimer<epochs>>)
XENIUM_WORDS(xenium_ms_epoch)
#define QUEUE xenium_ms_epoch
#define QUEUE_LABEL "xenium Michael-Scott, epochs"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "michael_scott_queue, epoch_based; malloc an enqueue"
#define QUEUE_PLAIN
#define QUEUE_UNBOUNDED
#include "../queue.h"

XENIUM(xenium_ms_hazard, xenium::michael_scott_queue<uintptr_t, xenium::policy::reclaimer<hazards>>)
XENIUM_WORDS(xenium_ms_hazard)
#define QUEUE xenium_ms_hazard
#define QUEUE_LABEL "xenium Michael-Scott, hazards"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "michael_scott_queue, hazard_pointer; malloc an enqueue"
#define QUEUE_PLAIN
#define QUEUE_UNBOUNDED
#include "../queue.h"

XENIUM(xenium_segments_epoch,
       xenium::ramalhete_queue<uint64_t *, xenium::policy::reclaimer<epochs>>)
XENIUM_POINTERS(xenium_segments_epoch)
#define QUEUE xenium_segments_epoch
#define QUEUE_LABEL "xenium Ramalhete, epochs"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "ramalhete_queue, epoch_based; segments of 512, pointers only"
#define QUEUE_PLAIN
#define QUEUE_UNBOUNDED
#include "../queue.h"

XENIUM(xenium_segments_hazard,
       xenium::ramalhete_queue<uint64_t *, xenium::policy::reclaimer<hazards>>)
XENIUM_POINTERS(xenium_segments_hazard)
#define QUEUE xenium_segments_hazard
#define QUEUE_LABEL "xenium Ramalhete, hazards"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "ramalhete_queue, hazard_pointer; segments of 512, pointers only"
#define QUEUE_PLAIN
#define QUEUE_UNBOUNDED
#include "../queue.h"
