/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/umpmc.c: weir/umpmc.h, with each scheme of reclamation, in the rows of the unbounded
 * queues. */

#include "bench.h"

#include <weir/umpmc.h>

typedef struct our_house {
    weir_guard *domain;
    weir_umpmc *queue;
} our_house;

typedef struct our_seat {
    weir_guard_record *record;
} our_seat;

static our_house *our_open(weir_guard_scheme scheme)
{
    our_house *const house = (our_house *)bench_alloc(sizeof *house);

    if (weir_guard_new(&house->domain, scheme, NULL) != 0 ||
        weir_umpmc_new(&house->queue, house->domain, 0) != 0)
        return NULL;
    return house;
}

static void our_enter(our_house *house, our_seat *seat)
{
    seat->record = weir_guard_self(house->domain);
}

static inline bool our_put(our_house *house, our_seat *seat, uintptr_t value)
{
    return weir_umpmc_enqueue(house->queue, seat->record, value) == 0;
}

static inline bool our_get(our_house *house, our_seat *seat, uintptr_t *value)
{
    return weir_umpmc_try_dequeue(house->queue, seat->record, value);
}

#define OURS(name, scheme)                                                           \
    typedef our_house name;                                                          \
    typedef our_seat name##_local;                                                   \
    static name *name##_open(size_t capacity, unsigned producers, unsigned threads)  \
    {                                                                                \
        (void)capacity;                                                              \
        (void)producers;                                                             \
        (void)threads;                                                               \
        return our_open(scheme);                                                     \
    }                                                                                \
    static void name##_enter(name *house, name##_local *seat, unsigned id)           \
    {                                                                                \
        (void)id;                                                                    \
        our_enter(house, seat);                                                      \
    }                                                                                \
    static void name##_leave(name *house, name##_local *seat)                        \
    {                                                                                \
        (void)house;                                                                 \
        (void)seat;                                                                  \
    }                                                                                \
    static inline bool name##_put(name *house, name##_local *seat, uintptr_t value)  \
    {                                                                                \
        return our_put(house, seat, value);                                          \
    }                                                                                \
    static inline bool name##_get(name *house, name##_local *seat, uintptr_t *value) \
    {                                                                                \
        return our_get(house, seat, value);                                          \
    }

OURS(our_umpmc_epoch, WEIR_GUARD_EPOCH)
#define QUEUE our_umpmc_epoch
#define QUEUE_LABEL "weir umpmc, epochs"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "segments of 254 cells; one compare-and-swap an operation; a malloc a segment"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "queue.h"

OURS(our_umpmc_hazard, WEIR_GUARD_HAZARD)
#define QUEUE our_umpmc_hazard
#define QUEUE_LABEL "weir umpmc, hazards"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "the same; a frozen thread keeps one segment"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "queue.h"

OURS(our_umpmc_interval, WEIR_GUARD_INTERVAL)
#define QUEUE our_umpmc_interval
#define QUEUE_LABEL "weir umpmc, intervals"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_FIFO, false
#define QUEUE_NOTE "the same; a frozen thread keeps a bounded number of segments"
#define QUEUE_FLAGS BENCH_OURS
#define QUEUE_UNBOUNDED
#define QUEUE_BINDS
#include "queue.h"
