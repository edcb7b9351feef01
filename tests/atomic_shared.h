/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/atomic_shared.h: what tests/atomic.c shares with its C++ half, tests/atomic_cxx.cc:
 * one struct with an atomic of each kind, and the small words, that both change. */

#ifndef WEIR_TESTS_ATOMIC_SHARED_H
#define WEIR_TESTS_ATOMIC_SHARED_H

#include <weir/atomic.h>
#include <weir/counter.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct both {
    char first; /* so that the alignment of what follows shows in its offset */
    WEIR_ATOMIC(bool) yes;
    char second;
    WEIR_ATOMIC(uint32_t) word32;
    char third;
    WEIR_ATOMIC(uint64_t) word64;
    char fourth;
    WEIR_ATOMIC(void *) pointer;
#ifdef WEIR_HAVE_DWORD_CAS
    char fifth;
    weir_dword dword;
#endif
    char sixth;
    weir_counter counter;
    weir_ref ref;
    weir_flag flag;
    weir_state state;
    weir_counter_sharded *sharded;
} both;

#define BOTH_LAYOUT 16

/* Offsets and sizes, in the same order from both languages. Returns: how many. */
#define BOTH_FILL_LAYOUT(at, n)                     \
    do {                                            \
        (n) = 0;                                    \
        (at)[(n)++] = offsetof(both, yes);          \
        (at)[(n)++] = offsetof(both, word32);       \
        (at)[(n)++] = offsetof(both, word64);       \
        (at)[(n)++] = offsetof(both, pointer);      \
        (at)[(n)++] = offsetof(both, counter);      \
        (at)[(n)++] = offsetof(both, ref);          \
        (at)[(n)++] = offsetof(both, flag);         \
        (at)[(n)++] = offsetof(both, state);        \
        (at)[(n)++] = offsetof(both, sharded);      \
        (at)[(n)++] = sizeof(both);                 \
        (at)[(n)++] = sizeof(weir_counter_sharded); \
        (at)[(n)++] = sizeof(weir__counter_slot);   \
    } while (0)

size_t cxx_layout(size_t *at);

/* Adds 1 to each word `times` times, from C++. */
void cxx_change(both *shared, int times);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_TESTS_ATOMIC_SHARED_H */
