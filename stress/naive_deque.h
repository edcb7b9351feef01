/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/naive_deque.h: the deque of lib/deque.c in small, without growth, in which one thing
 * can be left out at a time. What looks for broken deques is to find each of them out. */

#ifndef WEIR_STRESS_NAIVE_DEQUE_H
#define WEIR_STRESS_NAIVE_DEQUE_H

#include <weir/atomic.h>
#include <weir/fence.h>

enum { NAIVE_CELLS = 64, NAIVE_RENT = 4 };

typedef enum naive_lack {
    NAIVE_NOTHING,     /* all is there, and it works */
    NAIVE_FENCE,       /* a thief changes the mode and does not make the heavy fence */
    NAIVE_LOOKS_FIRST, /* the owner looks at the mode, then takes `bottom` back */
    NAIVE_MODE,        /* a thief's compare-and-swap names top, and not the mode */
    NAIVE_LAST         /* the owner takes the last element without asking */
} naive_lack;

typedef struct naive_deque {
    naive_lack lack;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) bottom;
    uint32_t seen, rent;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) ends; /* mode << 32 | top */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uintptr_t) cells[NAIVE_CELLS];
} naive_deque;

/* Modes: generation * 4 + 0 alone, 1 raised, 2 shared. */
static inline uint32_t naive_mode(uint64_t ends)
{
    return (uint32_t)(ends >> 32);
}

static inline void naive_init(naive_deque *d, naive_lack lack)
{
    d->lack = lack;
    d->seen = d->rent = 0;
    weir_atomic_init(&d->bottom, 0);
    weir_atomic_init(&d->ends, 0);
}

/* The orders are those of lib/deque.c, or stronger. */
static inline void naive_push(naive_deque *d, uintptr_t value)
{
    /* relaxed: own word. */
    const uint32_t bottom = weir_atomic_load(&d->bottom, WEIR_RELAXED);

    /* relaxed: published by the next. */
    weir_atomic_store(&d->cells[bottom % NAIVE_CELLS], value, WEIR_RELAXED);
    weir_atomic_store(&d->bottom, bottom + 1, WEIR_RELEASE);
}

static inline bool naive_alone(naive_deque *d)
{
    /* relaxed: as in weir_deque_pop(). */
    return naive_mode(weir_atomic_load(&d->ends, WEIR_RELAXED)) % 4 == 0;
}

static inline void naive_take_back(naive_deque *d)
{
    uint64_t ends = weir_atomic_load(&d->ends, WEIR_SEQ_CST);

    while (!weir_atomic_cas(&d->ends, &ends,
                            (uint64_t)(naive_mode(ends) / 4 * 4 + 4) << 32 | (uint32_t)ends,
                            WEIR_SEQ_CST, WEIR_SEQ_CST))
        continue;
    d->seen = (uint32_t)ends;
    d->rent = 0;
}

static inline bool naive_pop_shared(naive_deque *d, uint32_t bottom, uintptr_t *value)
{
    bool taken = true;

    weir_atomic_exchange(&d->bottom, bottom, WEIR_SEQ_CST);
    for (;;) {
        uint64_t ends = weir_atomic_load(&d->ends, WEIR_SEQ_CST);
        const uint32_t top = (uint32_t)ends;

        d->rent = top == d->seen ? d->rent + 1 : 0;
        d->seen = top;
        *value = weir_atomic_load(&d->cells[bottom % NAIVE_CELLS], WEIR_RELAXED);
        if ((int32_t)(bottom - top) < 0) {
            taken = false;
        } else if (bottom != top || d->lack == NAIVE_LAST) {
            break;
        } else if (!weir_atomic_cas(&d->ends, &ends, ends + 1, WEIR_SEQ_CST, WEIR_SEQ_CST)) {
            continue;
        } else {
            d->seen = top + 1;
        }
        weir_atomic_store(&d->bottom, d->seen, WEIR_RELEASE);
        break;
    }
    if (d->rent >= NAIVE_RENT)
        naive_take_back(d);
    return taken;
}

static inline bool naive_pop(naive_deque *d, uintptr_t *value)
{
    /* relaxed: own word. */
    const uint32_t bottom = weir_atomic_load(&d->bottom, WEIR_RELAXED) - 1;
    bool alone;

    if (bottom + 1 == d->seen)
        return false;
    alone = d->lack == NAIVE_LOOKS_FIRST && naive_alone(d);
    weir_atomic_store(&d->bottom, bottom, WEIR_RELEASE);
    weir_fence_light();
    if (!alone && !(d->lack != NAIVE_LOOKS_FIRST && naive_alone(d)))
        return naive_pop_shared(d, bottom, value);
    /* relaxed: own store. */
    *value = weir_atomic_load(&d->cells[bottom % NAIVE_CELLS], WEIR_RELAXED);
    return true;
}

/* Advances top if it and the mode are what they were. */
static inline bool naive_take_top(naive_deque *d, uint64_t ends)
{
    const uint32_t top = (uint32_t)ends;

    do {
        if (weir_atomic_cas(&d->ends, &ends, ends + 1, WEIR_SEQ_CST, WEIR_SEQ_CST))
            return true;
    } while (d->lack == NAIVE_MODE && (uint32_t)ends == top);
    return false;
}

static inline bool naive_steal(naive_deque *d, uintptr_t *value)
{
    for (;;) {
        uint64_t ends = weir_atomic_load(&d->ends, WEIR_SEQ_CST);
        const uint32_t bottom = weir_atomic_load(&d->bottom, WEIR_SEQ_CST);

        if ((int32_t)(bottom - (uint32_t)ends) <= 0)
            return false;
        if (naive_mode(ends) % 4 == 2) {
            /* relaxed: confirmed by the next. */
            *value = weir_atomic_load(&d->cells[(uint32_t)ends % NAIVE_CELLS], WEIR_RELAXED);
            if (naive_take_top(d, ends))
                return true;
            continue;
        }
        if (naive_mode(ends) % 4 == 0) {
            if (!weir_atomic_cas(&d->ends, &ends, ends + ((uint64_t)1 << 32), WEIR_SEQ_CST,
                                 WEIR_SEQ_CST))
                continue;
            ends += (uint64_t)1 << 32;
        }
        if (d->lack != NAIVE_FENCE)
            weir_fence_heavy();
        weir_atomic_cas(&d->ends, &ends, ends + ((uint64_t)1 << 32), WEIR_SEQ_CST, WEIR_SEQ_CST);
    }
}

#endif /* WEIR_STRESS_NAIVE_DEQUE_H */
