// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/deque_xenium.cc: xenium: chase_work_stealing_deque, on its array of fixed size
// (the growing one of Debian's 0.0.2 puts elements into wrong places when it grows).

#include "object.h"

#include <xenium/chase_work_stealing_deque.hpp>

typedef xenium::chase_work_stealing_deque<
    void,
    xenium::policy::container<xenium::detail::fixed_size_circular_array<void, 4 * BENCH_CAPACITY>>>
    xenium_deque;

static xenium_deque *xenium_deque_open()
{
    return bench_new<xenium_deque>();
}

static inline bool xenium_deque_push(xenium_deque *deque, uintptr_t value)
{
    return deque->try_push(reinterpret_cast<void *>(value));
}

static inline bool xenium_deque_pop(xenium_deque *deque, uintptr_t *value)
{
    void *pointer = nullptr;
    const bool taken = deque->try_pop(pointer);

    *value = reinterpret_cast<uintptr_t>(pointer);
    return taken;
}

static inline bool xenium_deque_steal(xenium_deque *deque, void *, uintptr_t *value)
{
    void *pointer = nullptr;
    const bool taken = deque->try_steal(pointer);

    *value = reinterpret_cast<uintptr_t>(pointer);
    return taken;
}

#define DEQUE xenium_deque
#define DEQUE_LABEL "xenium Chase-Lev"
#define DEQUE_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define DEQUE_NOTE "chase_work_stealing_deque on fixed_size_circular_array"
#define DEQUE_FLAGS BENCH_LOOPS
#define DEQUE_PLAIN
#include "../deque.h"
