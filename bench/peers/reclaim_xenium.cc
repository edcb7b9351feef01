// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/reclaim_xenium.cc: xenium's reclamation schemes.

#pragma GCC diagnostic ignored "-Winvalid-memory-model" // stamp_it has a CAS with such orders

#include "object.h"

#include "../objects.h"

#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/reclamation/hazard_eras.hpp>
#include <xenium/reclamation/hazard_pointer.hpp>
#include <xenium/reclamation/quiescent_state_based.hpp>
#include <xenium/reclamation/stamp_it.hpp>

namespace
{

template <typename Scheme> struct xenium_cells {
    struct object : Scheme::template enable_concurrent_ptr<object> {
        explicit object(uintptr_t first) : value(first)
        {
        }
        ~object()
        {
            *const_cast<volatile uintptr_t *>(&value) = 0;
            bench_freed();
        }
        uintptr_t value;
    };
    typedef typename Scheme::template concurrent_ptr<object> pointer;
    typedef typename pointer::guard_ptr guard;
    typedef typename pointer::marked_ptr marked;

    xenium_cells()
    {
        for (pointer &p : cell)
            p.store(marked(new object(1)), std::memory_order_relaxed);
    }

    static xenium_cells *open()
    {
        return bench_new<xenium_cells>();
    }

    uintptr_t read(size_t i)
    {
        guard g;

        g.acquire(cell[i], std::memory_order_acquire);
        return g->value;
    }

    // For ever.
    void hold(size_t i)
    {
        bench_new<guard>()->acquire(cell[i], std::memory_order_acquire);
    }

    // There is no exchange; one thread replaces.
    void replace(size_t i, uintptr_t value)
    {
        marked now(new object(value));
        guard g;

        g.acquire(cell[i], std::memory_order_acquire);
        for (;;) {
            marked expected(g.get());

            if (cell[i].compare_exchange_strong(expected, now, std::memory_order_acq_rel,
                                                std::memory_order_relaxed))
                break;
            g.acquire(cell[i], std::memory_order_acquire);
        }
        g.reclaim();
    }

    WEIR_ALIGNAS(WEIR_CACHELINE) pointer cell[BENCH_CELLS];
};

} // namespace

#define XENIUM(name, scheme)                                                             \
    typedef xenium_cells<scheme> name;                                                   \
    static name *name##_open(void)                                                       \
    {                                                                                    \
        return name::open();                                                             \
    }                                                                                    \
    static inline uintptr_t name##_read(name *cells, void *, size_t cell)                \
    {                                                                                    \
        return cells->read(cell);                                                        \
    }                                                                                    \
    static void name##_hold(name *cells, void *, size_t cell)                            \
    {                                                                                    \
        cells->hold(cell);                                                               \
    }                                                                                    \
    static inline void name##_replace(name *cells, void *, size_t cell, uintptr_t value) \
    {                                                                                    \
        cells->replace(cell, value);                                                     \
    }

XENIUM(xenium_hp, xenium::reclamation::hazard_pointer<>)
#define SCHEME xenium_hp
#define SCHEME_LABEL "xenium hazard pointer"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "static_strategy of 3"
#define SCHEME_PLAIN
#include "../reclaim.h"

XENIUM(xenium_he, xenium::reclamation::hazard_eras<>)
#define SCHEME xenium_he
#define SCHEME_LABEL "xenium hazard eras"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "static_strategy of 3"
#define SCHEME_PLAIN
#include "../reclaim.h"

XENIUM(xenium_epoch, xenium::reclamation::epoch_based<>)
#define SCHEME xenium_epoch
#define SCHEME_LABEL "xenium epoch"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "epoch_based"
#define SCHEME_PLAIN
#include "../reclaim.h"

XENIUM(xenium_new_epoch, xenium::reclamation::new_epoch_based<>)
#define SCHEME xenium_new_epoch
#define SCHEME_LABEL "xenium new epoch"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "new_epoch_based, a region for each section"
#define SCHEME_PLAIN
#include "../reclaim.h"

XENIUM(xenium_debra, xenium::reclamation::debra<>)
#define SCHEME xenium_debra
#define SCHEME_LABEL "xenium debra"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE NULL
#define SCHEME_PLAIN
#include "../reclaim.h"

XENIUM(xenium_stamp_it, xenium::reclamation::stamp_it)
#define SCHEME xenium_stamp_it
#define SCHEME_LABEL "xenium stamp-it"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE NULL
#define SCHEME_PLAIN
#include "../reclaim.h"
