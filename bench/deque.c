/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/deque.c: weir/deque.h, and the same in a fenced domain, as where membarrier(2) is
 * refused. */

#include "bench.h"

#include <weir/deque.h>

typedef struct our_deque {
    weir_deque deque;
    weir_guard *domain;
} our_deque;

typedef struct our_deque_local {
    weir_guard_record *record;
} our_deque_local;

static our_deque *our_deque_make(bool fenced)
{
    our_deque *const d = (our_deque *)bench_alloc(sizeof *d);
    weir_reclaim_options options;

    memset(&options, 0, sizeof options);
    options.fenced = fenced;
    return weir_guard_new(&d->domain, WEIR_GUARD_EPOCH, &options) == 0 &&
                   weir_deque_init(&d->deque, d->domain, BENCH_CAPACITY) == 0
               ? d
               : NULL;
}

static our_deque *our_deque_open(void)
{
    return our_deque_make(false);
}

static void our_deque_enter(our_deque *d, our_deque_local *local)
{
    local->record = weir_guard_self(d->domain);
}

static inline bool our_deque_push(our_deque *d, uintptr_t value)
{
    return weir_deque_push(&d->deque, value) == 0;
}

static inline bool our_deque_pop(our_deque *d, uintptr_t *value)
{
    return weir_deque_pop(&d->deque, value);
}

static inline bool our_deque_steal(our_deque *d, our_deque_local *local, uintptr_t *value)
{
    return weir_deque_steal(&d->deque, local->record, value);
}

static inline size_t our_deque_steal_burst(our_deque *d, our_deque_local *local, uintptr_t *values,
                                           size_t n)
{
    return weir_deque_steal_burst(&d->deque, local->record, values, n);
}

#define DEQUE our_deque
#define DEQUE_LABEL "weir deque"
#define DEQUE_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define DEQUE_NOTE "grows; the owner's alone until somebody steals"
#define DEQUE_FLAGS BENCH_OURS
#define DEQUE_BURST
#define DEQUE_BINDS
#include "deque.h"

typedef our_deque our_fenced;
typedef our_deque_local our_fenced_local;

static our_fenced *our_fenced_open(void)
{
    return our_deque_make(true);
}

#define our_fenced_enter our_deque_enter
#define our_fenced_push our_deque_push
#define our_fenced_pop our_deque_pop
#define our_fenced_steal our_deque_steal
#define our_fenced_steal_burst our_deque_steal_burst

#define DEQUE our_fenced
#define DEQUE_LABEL "weir deque, fenced"
#define DEQUE_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define DEQUE_NOTE "the same where membarrier(2) is refused: an exchange a pop"
#define DEQUE_FLAGS BENCH_OURS
#define DEQUE_BURST
#define DEQUE_BINDS
#include "deque.h"
