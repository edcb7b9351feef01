/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/deque_plain.c: what a deque is measured against where no library offers one: Chase
 * and Lev's as Le et al. wrote it down for C11 (doi:10.1145/2442516.2442524), with an array
 * that stays, and a ring under the platform's mutex. */

#include "../bench.h"

#include <pthread.h>

enum { PLAIN_CELLS = 4 * BENCH_CAPACITY };

/* ---- the textbook's: each pop pays a full fence, an exchange here ---- */

typedef struct plain_deque {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) bottom;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) top;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uintptr_t) cells[PLAIN_CELLS];
} plain_deque;

static plain_deque *plain_deque_open(void)
{
    plain_deque *const d = (plain_deque *)bench_alloc(sizeof *d);

    /* relaxed: alone. `bottom` must not be 0, which a pop goes below. */
    weir_atomic_store(&d->bottom, 1, WEIR_RELAXED);
    weir_atomic_store(&d->top, 1, WEIR_RELAXED);
    return d;
}

static inline bool plain_deque_push(plain_deque *d, uintptr_t value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&d->bottom, WEIR_RELAXED);

    /* Acquire: the thieves have read the cell. */
    if (bottom - weir_atomic_load(&d->top, WEIR_ACQUIRE) >= PLAIN_CELLS)
        return false;
    /* relaxed: published by the next. */
    weir_atomic_store(&d->cells[bottom % PLAIN_CELLS], value, WEIR_RELAXED);
    weir_atomic_store(&d->bottom, bottom + 1, WEIR_RELEASE);
    return true;
}

static inline bool plain_deque_pop(plain_deque *d, uintptr_t *value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&d->bottom, WEIR_RELAXED) - 1;
    bool taken = true;
    uint64_t top;

    weir_atomic_exchange(&d->bottom, bottom, WEIR_SEQ_CST);
    top = weir_atomic_load(&d->top, WEIR_SEQ_CST);
    if (top > bottom) {
        weir_atomic_store(&d->bottom, bottom + 1, WEIR_RELAXED);
        return false;
    }
    /* relaxed: own store. */
    *value = weir_atomic_load(&d->cells[bottom % PLAIN_CELLS], WEIR_RELAXED);
    if (top == bottom) {
        taken = weir_atomic_cas(&d->top, &top, top + 1, WEIR_SEQ_CST, WEIR_RELAXED);
        weir_atomic_store(&d->bottom, bottom + 1, WEIR_RELAXED);
    }
    return taken;
}

static inline bool plain_deque_steal(plain_deque *d, void *local, uintptr_t *value)
{
    uint64_t top = weir_atomic_load(&d->top, WEIR_SEQ_CST);
    const uint64_t bottom = weir_atomic_load(&d->bottom, WEIR_SEQ_CST);

    (void)local;
    if (top >= bottom)
        return false;
    /* relaxed: confirmed by the next. */
    *value = weir_atomic_load(&d->cells[top % PLAIN_CELLS], WEIR_RELAXED);
    return weir_atomic_cas(&d->top, &top, top + 1, WEIR_SEQ_CST, WEIR_RELAXED);
}

#define DEQUE plain_deque
#define DEQUE_LABEL "Chase-Lev, textbook"
#define DEQUE_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define DEQUE_NOTE "as published for C11, with a full fence in each pop; does not grow"
#define DEQUE_FLAGS BENCH_REFERENCE | BENCH_LOOPS
#define DEQUE_PLAIN
#include "../deque.h"

/* ---- a mutex ---- */

typedef struct mutex_deque {
    pthread_mutex_t lock;
    size_t top, bottom;
    uintptr_t cells[PLAIN_CELLS];
} mutex_deque;

static mutex_deque *mutex_deque_open(void)
{
    mutex_deque *const d = (mutex_deque *)bench_alloc(sizeof *d);

    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static inline bool mutex_deque_push(mutex_deque *d, uintptr_t value)
{
    bool room;

    pthread_mutex_lock(&d->lock);
    room = d->bottom - d->top < PLAIN_CELLS;
    if (room)
        d->cells[d->bottom++ % PLAIN_CELLS] = value;
    pthread_mutex_unlock(&d->lock);
    return room;
}

static inline bool mutex_deque_pop(mutex_deque *d, uintptr_t *value)
{
    bool any;

    pthread_mutex_lock(&d->lock);
    any = d->bottom != d->top;
    if (any)
        *value = d->cells[--d->bottom % PLAIN_CELLS];
    pthread_mutex_unlock(&d->lock);
    return any;
}

static inline size_t mutex_deque_steal_burst(mutex_deque *d, void *local, uintptr_t *values,
                                             size_t n)
{
    size_t done = 0;

    (void)local;
    pthread_mutex_lock(&d->lock);
    if (n > (d->bottom - d->top + 1) / 2)
        n = (d->bottom - d->top + 1) / 2;
    while (done < n)
        values[done++] = d->cells[d->top++ % PLAIN_CELLS];
    pthread_mutex_unlock(&d->lock);
    return done;
}

static inline bool mutex_deque_steal(mutex_deque *d, void *local, uintptr_t *value)
{
    return mutex_deque_steal_burst(d, local, value, 1) == 1;
}

#define DEQUE mutex_deque
#define DEQUE_LABEL "pthread mutex deque"
#define DEQUE_CLASS BENCH_LOCK, BENCH_UNORDERED, true
#define DEQUE_NOTE "a ring of words under a pthread_mutex_t"
#define DEQUE_PLAIN
#define DEQUE_BURST
#include "../deque.h"
