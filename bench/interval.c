/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/interval.c: intervals. */

#include "objects.h"

#include <weir/interval.h>

typedef struct interval_object {
    weir_retired header;
    uintptr_t value;
} interval_object;

WEIR_INTERVAL_DEFINE(interval_object, interval_object, header);

typedef struct intervals {
    weir_interval *domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(interval_object *) cell[BENCH_CELLS];
} intervals;

typedef struct intervals_local {
    weir_interval_record *record;
} intervals_local;

static interval_object *interval_object_new(weir_interval_record *record, uintptr_t value)
{
    interval_object *const object = (interval_object *)bench_object(sizeof *object);

    interval_object_born(record, object);
    object->value = value;
    return object;
}

static void interval_object_free(weir_retired *header)
{
    interval_object *const object = (interval_object *)(void *)header;

    object->value = 0;
    bench_freed();
    free(object);
}

static intervals *intervals_open(void)
{
    intervals *const scheme = (intervals *)bench_alloc(sizeof *scheme);
    weir_interval_record *record;

    if (weir_interval_new(&scheme->domain, NULL) != 0 ||
        (record = weir_interval_self(scheme->domain)) == NULL)
        return NULL;
    for (size_t i = 0; i < BENCH_CELLS; i++)
        weir_atomic_init(&scheme->cell[i], interval_object_new(record, 1));
    return scheme;
}

static void intervals_enter(intervals *scheme, intervals_local *local)
{
    local->record = weir_interval_self(scheme->domain);
}

static void intervals_leave(intervals *scheme, intervals_local *local)
{
    (void)scheme;
    (void)local;
}

static inline uintptr_t intervals_read(intervals *scheme, intervals_local *local, size_t cell)
{
    const weir_section section = weir_interval_enter(local->record);
    const uintptr_t value = interval_object_protect(local->record, &scheme->cell[cell])->value;

    weir_interval_exit(local->record, section);
    return value;
}

static void intervals_hold(intervals *scheme, intervals_local *local, size_t cell)
{
    weir_section forever;

    forever = weir_interval_enter(local->record);
    (void)forever;
    (void)interval_object_protect(local->record, &scheme->cell[cell]);
}

static inline void intervals_replace(intervals *scheme, intervals_local *local, size_t cell,
                                     uintptr_t value)
{
    interval_object *const object = interval_object_new(local->record, value);
    /* sync(cell): acq_rel. Pairs with the load in interval_object_protect(); the object, and the
     * old one's header, which is written next. */
    interval_object *const old = weir_atomic_exchange(&scheme->cell[cell], object, WEIR_ACQ_REL);

    interval_object_retire(local->record, old, interval_object_free);
}

#define SCHEME intervals
#define SCHEME_LABEL "weir interval"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "membarrier; batches of 1024 objects"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"
