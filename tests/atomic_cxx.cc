/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The C++ half of tests/atomic.c: the same struct, through std::atomic. */

#include "atomic_shared.h"

#include <type_traits>

static_assert(!std::is_copy_constructible<both>::value && !std::is_copy_assignable<both>::value,
              "what holds an atomic is not copied");

/* Static initialisers exist in both languages. */
static weir_counter counter = WEIR_COUNTER_INIT(1);
static weir_ref ref = WEIR_REF_INIT(1);
static weir_flag flag = WEIR_FLAG_INIT;
static weir_state state = WEIR_STATE_INIT(1);
static weir_backoff backoff = WEIR_BACKOFF_INIT;

size_t cxx_layout(size_t *at)
{
    size_t n;

    BOTH_FILL_LAYOUT(at, n);
    return n;
}

void cxx_change(both *shared, int times)
{
    for (int i = 0; i < times; i++) {
        uint32_t old = weir_atomic_load(&shared->word32, WEIR_RELAXED); // relaxed: a count

        // relaxed: a count
        while (!weir_atomic_cas_weak(&shared->word32, &old, old + 1, WEIR_RELAXED, WEIR_RELAXED))
            weir_backoff_wait(&backoff);
        weir_atomic_fetch_add(&shared->word64, 1, WEIR_RELAXED); // relaxed: a count
#ifdef WEIR_HAVE_DWORD_CAS
        uint64_t lo = weir_atomic_load(&shared->dword.lo, WEIR_ACQUIRE);
        uint64_t hi = weir_atomic_load(&shared->dword.hi, WEIR_RELAXED); // relaxed: confirmed below

        while (!weir_dword_cas(&shared->dword, &lo, &hi, lo + 1, hi + 2))
            continue;
#endif
        weir_counter_inc(&shared->counter);
        weir_counter_sharded_inc(shared->sharded);
        weir_ref_get(&shared->ref);
    }
    weir_atomic_store(&shared->yes, true, WEIR_RELEASE);
    weir_flag_set(&shared->flag);
    weir_atomic_store(&shared->pointer, shared, WEIR_RELEASE);
    if (weir_counter_read(&counter) != 1 || weir_ref_count_approx(&ref) != 1 ||
        weir_flag_test(&flag) || weir_state_read(&state) != 1 ||
        !weir_state_move(&shared->state, 1, 2))
        weir_panic(__func__, "a static initialiser or a move went wrong in C++");
}
