// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/reclaim_cds.cc: libcds: HP, DHP, and its general-purpose RCU with a buffer, whose
// retire waits for readers when the buffer is full.

#include "object.h"

#include "../objects.h"

#include <cds/gc/dhp.h>
#include <cds/gc/hp.h>
#include <cds/init.h>
#include <cds/urcu/general_buffered.h>

namespace
{

struct cds_object {
    uintptr_t value;
};

void cds_object_free(void *object)
{
    *static_cast<volatile uintptr_t *>(object) = 0;
    bench_freed();
    free(object);
}

cds_object *cds_object_new(uintptr_t value)
{
    cds_object *const object = static_cast<cds_object *>(bench_object(sizeof *object));

    object->value = value;
    return object;
}

struct cds_library {
    cds_library()
    {
        cds::Initialize();
    }
};

// The library and its collector live as long as the process; a thread attaches itself.
template <typename Collector> struct cds_cells : cds_library {
    cds_cells()
    {
        for (auto &p : cell)
            p.store(cds_object_new(1), std::memory_order_relaxed);
    }

    cds_object *exchange(size_t i, uintptr_t value)
    {
        return cell[i].exchange(cds_object_new(value), std::memory_order_acq_rel);
    }

    Collector collector;
    WEIR_ALIGNAS(WEIR_CACHELINE) std::atomic<cds_object *> cell[BENCH_CELLS];
};

template <typename Collector> struct cds_hazards : cds_cells<Collector> {
    uintptr_t read(size_t i)
    {
        typename Collector::Guard guard;

        return guard.protect(this->cell[i])->value;
    }

    // For ever.
    void hold(size_t i)
    {
        bench_new<typename Collector::Guard>()->protect(this->cell[i]);
    }

    void replace(size_t i, uintptr_t value)
    {
        Collector::template retire<cds_object>(this->exchange(i, value), cds_object_free);
    }
};

template <typename Collector> struct cds_sections : cds_cells<Collector> {
    uintptr_t read(size_t i)
    {
        typename Collector::scoped_lock lock;

        return this->cell[i].load(std::memory_order_acquire)->value;
    }

    void hold(size_t)
    {
        Collector::access_lock();
    }

    void replace(size_t i, uintptr_t value)
    {
        Collector::retire_ptr(this->exchange(i, value), cds_object_free);
    }
};

} // namespace

#define CDS(name, ...)                                                                           \
    typedef __VA_ARGS__ name;                                                                    \
    struct name##_local {                                                                        \
        char nothing;                                                                            \
    };                                                                                           \
    static name *name##_open(void)                                                               \
    {                                                                                            \
        return bench_new<name>();                                                                \
    }                                                                                            \
    static void name##_enter(name *, name##_local *)                                             \
    {                                                                                            \
        cds::threading::Manager::attachThread();                                                 \
    }                                                                                            \
    static void name##_leave(name *, name##_local *)                                             \
    {                                                                                            \
        cds::threading::Manager::detachThread();                                                 \
    }                                                                                            \
    static inline uintptr_t name##_read(name *cells, name##_local *, size_t cell)                \
    {                                                                                            \
        return cells->read(cell);                                                                \
    }                                                                                            \
    __attribute__((unused)) static void name##_hold(name *cells, name##_local *, size_t cell)    \
    {                                                                                            \
        cells->hold(cell);                                                                       \
    }                                                                                            \
    static inline void name##_replace(name *cells, name##_local *, size_t cell, uintptr_t value) \
    {                                                                                            \
        cells->replace(cell, value);                                                             \
    }

CDS(cds_hp, cds_hazards<cds::gc::HP>)
#define SCHEME cds_hp
#define SCHEME_LABEL "libcds HP"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "a guard on the stack for each section"
#include "../reclaim.h"

CDS(cds_dhp, cds_hazards<cds::gc::DHP>)
#define SCHEME cds_dhp
#define SCHEME_LABEL "libcds DHP"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "a guard on the stack for each section"
#include "../reclaim.h"

CDS(cds_rcu, cds_sections<cds::urcu::gc<cds::urcu::general_buffered<>>>)
#define SCHEME cds_rcu
#define SCHEME_LABEL "libcds RCU"
#define SCHEME_CLASS BENCH_SPINS, BENCH_UNORDERED, true
#define SCHEME_NOTE "general_buffered: retire waits for readers when 256 objects wait"
#define SCHEME_WAITS
#include "../reclaim.h"
