/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/hazard.c: hazard pointers. */

#include "objects.h"

#include <weir/hazard.h>

typedef struct hazard_object {
    weir_retired header;
    uintptr_t value;
} hazard_object;

WEIR_HAZARD_DEFINE(hazard_object, hazard_object, header);

typedef struct hazards {
    weir_hazard *domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(hazard_object *) cell[BENCH_CELLS];
} hazards;

typedef struct hazards_local {
    weir_hazard_record *record;
} hazards_local;

static hazard_object *hazard_object_new(uintptr_t value)
{
    hazard_object *const object = (hazard_object *)bench_object(sizeof *object);

    object->value = value;
    return object;
}

static void hazard_object_free(weir_retired *header)
{
    hazard_object *const object = (hazard_object *)(void *)header;

    object->value = 0;
    bench_freed();
    free(object);
}

static hazards *hazards_open(void)
{
    hazards *const scheme = (hazards *)bench_alloc(sizeof *scheme);

    if (weir_hazard_new(&scheme->domain, NULL) != 0)
        return NULL;
    for (size_t i = 0; i < BENCH_CELLS; i++)
        weir_atomic_init(&scheme->cell[i], hazard_object_new(1));
    return scheme;
}

static void hazards_enter(hazards *scheme, hazards_local *local)
{
    local->record = weir_hazard_self(scheme->domain);
}

static void hazards_leave(hazards *scheme, hazards_local *local)
{
    (void)scheme;
    (void)local;
}

static inline uintptr_t hazards_read(hazards *scheme, hazards_local *local, size_t cell)
{
    const uintptr_t value = hazard_object_protect(local->record, 0, &scheme->cell[cell])->value;

    weir_hazard_clear(local->record, 0);
    return value;
}

static void hazards_hold(hazards *scheme, hazards_local *local, size_t cell)
{
    (void)hazard_object_protect(local->record, 0, &scheme->cell[cell]);
}

static inline void hazards_replace(hazards *scheme, hazards_local *local, size_t cell,
                                   uintptr_t value)
{
    hazard_object *const object = hazard_object_new(value);
    /* sync(cell): acq_rel. Pairs with the load in hazard_object_protect(); the object, and the old
     * one's header, which is written next. */
    hazard_object *const old = weir_atomic_exchange(&scheme->cell[cell], object, WEIR_ACQ_REL);

    hazard_object_retire(local->record, old, hazard_object_free);
}

#define SCHEME hazards
#define SCHEME_LABEL "weir hazard"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "membarrier; a look after 1024 objects"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"
