/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/guard.c: guards, over each of the three schemes. */

#include "objects.h"

#include <weir/guard.h>

typedef struct guard_object {
    weir_retired header;
    uintptr_t value;
} guard_object;

WEIR_GUARD_DEFINE(guard_object, guard_object, header);

typedef struct guards {
    weir_guard *domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(guard_object *) cell[BENCH_CELLS];
} guards;

typedef struct guards_local {
    weir_guard_record *record;
} guards_local;

static guard_object *guard_object_new(weir_guard_record *record, uintptr_t value)
{
    guard_object *const object = (guard_object *)bench_object(sizeof *object);

    guard_object_born(record, object);
    object->value = value;
    return object;
}

static void guard_object_free(weir_retired *header)
{
    guard_object *const object = (guard_object *)(void *)header;

    object->value = 0;
    bench_freed();
    free(object);
}

static guards *guards_open(weir_guard_scheme which)
{
    guards *const scheme = (guards *)bench_alloc(sizeof *scheme);
    weir_guard_record *record;

    if (weir_guard_new(&scheme->domain, which, NULL) != 0 ||
        (record = weir_guard_self(scheme->domain)) == NULL)
        return NULL;
    for (size_t i = 0; i < BENCH_CELLS; i++)
        weir_atomic_init(&scheme->cell[i], guard_object_new(record, 1));
    return scheme;
}

static void guards_enter(guards *scheme, guards_local *local)
{
    local->record = weir_guard_self(scheme->domain);
}

static void guards_leave(guards *scheme, guards_local *local)
{
    (void)scheme;
    (void)local;
}

static inline uintptr_t guards_read(guards *scheme, guards_local *local, size_t cell)
{
    const weir_section section = weir_guard_enter(local->record);
    const uintptr_t value = guard_object_protect(local->record, 0, &scheme->cell[cell])->value;

    weir_guard_exit(local->record, section);
    return value;
}

static void guards_hold(guards *scheme, guards_local *local, size_t cell)
{
    weir_section forever;

    forever = weir_guard_enter(local->record);
    (void)forever;
    (void)guard_object_protect(local->record, 0, &scheme->cell[cell]);
}

static inline void guards_replace(guards *scheme, guards_local *local, size_t cell, uintptr_t value)
{
    guard_object *const object = guard_object_new(local->record, value);
    /* sync(cell): acq_rel. Pairs with the load in guard_object_protect(); the object, and the old
     * one's header, which is written next. */
    guard_object *const old = weir_atomic_exchange(&scheme->cell[cell], object, WEIR_ACQ_REL);

    guard_object_retire(local->record, old, guard_object_free);
}

/* One body, three domains. */
#define GUARDS(name, which)            \
    typedef guards name;               \
    typedef guards_local name##_local; \
    static name *name##_open(void)     \
    {                                  \
        return guards_open(which);     \
    }

GUARDS(guard_epoch, WEIR_GUARD_EPOCH)
#define guard_epoch_enter guards_enter
#define guard_epoch_leave guards_leave
#define guard_epoch_read guards_read
#define guard_epoch_hold guards_hold
#define guard_epoch_replace guards_replace
#define SCHEME guard_epoch
#define SCHEME_LABEL "weir guard, epoch"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "the scheme is found at run time"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"

GUARDS(guard_interval, WEIR_GUARD_INTERVAL)
#define guard_interval_enter guards_enter
#define guard_interval_leave guards_leave
#define guard_interval_read guards_read
#define guard_interval_hold guards_hold
#define guard_interval_replace guards_replace
#define SCHEME guard_interval
#define SCHEME_LABEL "weir guard, interval"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "the scheme is found at run time"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"

GUARDS(guard_hazard, WEIR_GUARD_HAZARD)
#define guard_hazard_enter guards_enter
#define guard_hazard_leave guards_leave
#define guard_hazard_read guards_read
#define guard_hazard_hold guards_hold
#define guard_hazard_replace guards_replace
#define SCHEME guard_hazard
#define SCHEME_LABEL "weir guard, hazard"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "the scheme is found at run time"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"
