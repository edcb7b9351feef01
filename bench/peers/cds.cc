// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/cds.cc: libcds: VyukovMPMCCycleQueue and WeakRingBuffer, of which neither
// needs its garbage collectors, and TreiberStack, which does.

#include "object.h"

#include <cds/gc/hp.h>
#include <cds/init.h>

#include <cds/container/treiber_stack.h>
#include <cds/container/vyukov_mpmc_cycle_queue.h>
#include <cds/container/weak_ringbuffer.h>

typedef cds::container::VyukovMPMCCycleQueue<uintptr_t> cds_many;

static cds_many *cds_many_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<cds_many>(capacity);
}

static inline bool cds_many_put(cds_many *queue, void *, uintptr_t value)
{
    return queue->push(value);
}

static inline bool cds_many_get(cds_many *queue, void *, uintptr_t *value)
{
    return queue->pop(*value);
}

#define QUEUE cds_many
#define QUEUE_LABEL "libcds Vyukov"
#define QUEUE_CLASS BENCH_SPINS, BENCH_FIFO, true
#define QUEUE_NOTE "VyukovMPMCCycleQueue"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#include "../queue.h"

typedef cds::container::WeakRingBuffer<uintptr_t> cds_one;

static cds_one *cds_one_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<cds_one>(capacity);
}

static inline bool cds_one_put(cds_one *queue, void *, uintptr_t value)
{
    return queue->enqueue(value);
}

static inline bool cds_one_get(cds_one *queue, void *, uintptr_t *value)
{
    return queue->dequeue(*value);
}

// A batch goes in or out whole or not at all: the last few one by one.
static inline size_t cds_one_put_n(cds_one *queue, void *, const uintptr_t *values, size_t n)
{
    return queue->push(values, n) ? n : 0;
}

static inline size_t cds_one_get_n(cds_one *queue, void *, uintptr_t *values, size_t n)
{
    return queue->pop(values, n) ? n : 0;
}

#define QUEUE cds_one
#define QUEUE_LABEL "libcds WeakRing"
#define QUEUE_CLASS BENCH_WAIT_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "WeakRingBuffer; a batch is all or nothing"
#define QUEUE_PLAIN
#define QUEUE_SPSC
#define QUEUE_BATCH
#include "../queue.h"

// The library and its collector live as long as the process; a thread attaches itself.
struct cds_pile {
    cds_pile() : collector((cds::Initialize(), 0))
    {
    }
    cds::gc::HP collector;
    WEIR_ALIGNAS(128) char room[128];
    cds::container::TreiberStack<cds::gc::HP, uintptr_t> stack;
};

struct cds_pile_local {
    char nothing;
};

static cds_pile *cds_pile_open(unsigned)
{
    return bench_new<cds_pile>();
}

static void cds_pile_enter(cds_pile *, cds_pile_local *, unsigned)
{
    cds::threading::Manager::attachThread();
}

static void cds_pile_leave(cds_pile *, cds_pile_local *)
{
    cds::threading::Manager::detachThread();
}

static inline bool cds_pile_push(cds_pile *stack, cds_pile_local *, uintptr_t value)
{
    return stack->stack.push(value);
}

static inline bool cds_pile_pop(cds_pile *stack, cds_pile_local *, uintptr_t *value)
{
    return stack->stack.pop(*value);
}

#define STACK cds_pile
#define STACK_LABEL "libcds TreiberStack"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "malloc a push, freed under hazard pointers"
#define STACK_BINDS
#include "../stack.h"
